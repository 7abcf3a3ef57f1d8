/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/windows.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

size_t lm_windows_context(const struct lm_config *c, size_t wanted)
{
    enum { USUAL = 2048 };
    size_t longest = lm_forward_longest(c), made_for = longest ? longest : c->n_position;
    if (!wanted)
        return made_for && made_for < USUAL ? made_for : USUAL;
    return longest && wanted > longest ? 0 : wanted;
}

void lm_windows_cut(struct lm_windows *w, size_t text, size_t first, size_t n, size_t n_start, size_t context,
                    size_t stride, int full_only)
{
    size_t done = n_start > 1 ? n_start : 1; /* tokens that are predicted, or never will be */
    for (size_t from = 0; from < n; from += stride) {
        size_t end = n - from < context ? n : from + context;
        if (full_only && end - from < context)
            return;
        size_t score = done > from + 1 ? done - from : 1;
        xgrow(&w->w, &w->room, w->n + 1, sizeof *w->w);
        w->w[w->n++] = (struct lm_window){ text, first + from, end - from, score };
        done = end > done ? end : done; /* a template can be longer than a window */
        if (end == n)
            return;
    }
}

size_t lm_windows_cut_scored(struct lm_windows *w, size_t text, size_t first, size_t n, size_t n_start,
                             size_t context, size_t stride, int full_only)
{
    size_t before = w->n, n_scored = 0;
    lm_windows_cut(w, text, first, n, n_start, context, stride, full_only);
    while (w->n > before && w->w[w->n - 1].score >= w->w[w->n - 1].n)
        w->n--;
    for (size_t i = before; i < w->n; i++) /* in front a template can be longer than a window */
        n_scored += w->w[i].n > w->w[i].score ? w->w[i].n - w->w[i].score : 0;
    return n_scored;
}

void lm_windows_clear(struct lm_windows *w)
{
    free(w->w);
    *w = (struct lm_windows){ 0 };
}

size_t lm_windows_longest(const struct lm_windows *w)
{
    size_t longest = 0;
    for (size_t i = 0; i < w->n; i++)
        longest = w->w[i].n > longest ? w->w[i].n : longest;
    return longest;
}

void lm_batch_fill(struct lm_batch *b, const struct lm_windows *w, size_t from, size_t end,
                   const uint32_t *id)
{
    size_t n = 0;
    xgrow(&b->start, &b->start_room, end - from + 1, sizeof *b->start);
    b->start[0] = 0;
    for (size_t i = from; i < end; i++) {
        xgrow(&b->id, &b->id_room, n + w->w[i].n, sizeof *b->id);
        memcpy(b->id + n, id + w->w[i].first, w->w[i].n * sizeof *id);
        n += w->w[i].n;
        b->start[i - from + 1] = n;
    }
    b->text = (struct lm_text){ end - from, b->start, b->id };
}

void lm_batch_clear(struct lm_batch *b)
{
    free(b->start);
    free(b->id);
    *b = (struct lm_batch){ 0 };
}

void lm_targets_fill(struct lm_targets *t, const struct lm_windows *w, size_t from, size_t end,
                     const struct lm_batch *b, const uint32_t *id)
{
    size_t most = b->start[end - from];
    xgrow(&t->row, &t->room, most, sizeof *t->row);
    xgrow(&t->index, &t->index_room, most, sizeof *t->index);
    xgrow(&t->text, &t->text_room, most, sizeof *t->text);
    xgrow(&t->token, &t->token_room, most, sizeof *t->token);
    t->n = 0;
    for (size_t k = from; k < end; k++)
        for (size_t i = w->w[k].score; i < w->w[k].n; i++, t->n++) {
            t->row[t->n] = b->start[k - from] + i - 1;
            t->index[t->n] = w->w[k].first + i;
            t->text[t->n] = w->w[k].text;
            t->token[t->n] = id[t->index[t->n]];
        }
}

void lm_targets_clear(struct lm_targets *t)
{
    free(t->row);
    free(t->index);
    free(t->text);
    free(t->token);
    *t = (struct lm_targets){ 0 };
}

void lm_targets_compact(const struct lm_targets *t, float *x, size_t d)
{
    for (size_t i = 0; i < t->n; i++)
        memmove(x + i * d, x + t->row[i] * d, d * sizeof *x);
}

size_t lm_batch_end(const struct lm_windows *w, size_t from, size_t n_token)
{
    size_t end = from, n = 0;
    while (end < w->n && (end == from || n + w->w[end].n <= n_token))
        n += w->w[end++].n;
    return end;
}
