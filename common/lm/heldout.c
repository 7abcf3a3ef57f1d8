/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/heldout.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

void lm_heldout_add(struct lm_heldout *h, size_t lang, size_t first, size_t n, size_t n_start, size_t context)
{
    size_t before = h->windows.n;
    lm_windows_cut(&h->windows, 0, first, n, n_start, context, context, 0);
    xgrow(&h->lang, &h->lang_room, h->windows.n, sizeof *h->lang);
    for (size_t w = before; w < h->windows.n; w++)
        h->lang[w] = lang;
}

void lm_heldout_close(struct lm_heldout *h, const uint32_t *id, const uint32_t *bytes)
{
    lm_batch_fill(&h->batch, &h->windows, 0, h->windows.n, id);
    size_t n = h->batch.start[h->windows.n], i = 0;
    h->target = xnew(n, sizeof *h->target);
    h->target_bytes = xcalloc(n, sizeof *h->target_bytes);
    h->nll = xnew(n, sizeof *h->nll);
    for (size_t w = 0; w < h->windows.n; w++)
        for (size_t k = 1; k <= h->windows.w[w].n; k++, i++) {
            const struct lm_window *x = &h->windows.w[w];
            int is_scored = k < x->n && k >= x->score;
            h->target[i] = is_scored ? id[x->first + k] : UINT32_MAX;
            h->target_bytes[i] = is_scored ? bytes[x->first + k] : 0;
        }
}

double lm_heldout_score(struct lm_heldout *h, struct lm_trainer *t, size_t n_lang, double *nll,
                        double *bits_per_byte)
{
    double *n = xcalloc(n_lang, sizeof *n), *bytes = xcalloc(n_lang, sizeof *bytes), sum = 0, n_all = 0;
    for (size_t l = 0; l < n_lang; l++)
        nll[l] = 0;
    lm_trainer_score(t, &h->batch.text, h->target, h->nll);
    for (size_t w = 0; w < h->windows.n; w++)
        for (size_t i = h->batch.start[w]; i < h->batch.start[w + 1]; i++) {
            nll[h->lang[w]] += h->nll[i];
            bytes[h->lang[w]] += h->target_bytes[i];
            n[h->lang[w]] += h->target[i] != UINT32_MAX;
        }
    for (size_t l = 0; l < n_lang; l++) {
        sum += nll[l];
        n_all += n[l];
        bits_per_byte[l] = bytes[l] > 0 ? nll[l] / M_LN2 / bytes[l] : NAN;
        nll[l] /= n[l];
    }
    free(bytes);
    free(n);
    return sum / n_all;
}

void lm_heldout_clear(struct lm_heldout *h)
{
    lm_windows_clear(&h->windows);
    lm_batch_clear(&h->batch);
    free(h->target);
    free(h->target_bytes);
    free(h->nll);
    free(h->lang);
    *h = (struct lm_heldout){ 0 };
}
