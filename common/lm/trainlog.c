/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/trainlog.h"
#include "base/mem.h"
#include "io/csvout.h"
#include "math/kure.h"
#include <math.h>
#include <stdlib.h>
#include <time.h>

size_t lm_trainlog_columns(size_t n_lang, int n_layer)
{
    return LM_LOG_BY_LANG + LM_LOG_N_LANG * n_lang + (size_t)n_layer;
}

size_t lm_trainlog_tally(size_t n_lang)
{
    return 2 * n_lang + LM_LOG_N_SUM;
}

void lm_trainlog_init(struct lm_trainlog *l, struct lm_trainstate *s, const char **lang, size_t n_lang)
{
    *l = (struct lm_trainlog){ .state = s, .lang = lang, .n_lang = n_lang };
    l->nll = s->tally;
    l->n_token = l->nll + n_lang;
    l->sums = l->n_token + n_lang;
    l->row_began_s = lm_trainlog_now();
}

double lm_trainlog_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double lm_trainlog_count(struct lm_trainlog *l, const struct lm_trainer_report *r, const uint32_t *lang,
                         const float *nll, size_t n_seq, size_t context, double guessing)
{
    for (size_t s = 0; s < n_seq; s++)
        for (size_t i = 0; i < context; i++) {
            l->nll[lang[s]] += nll[s * context + i];
            l->n_token[lang[s]]++;
        }
    l->sums[LM_LOG_SUM_LOSS] += r->loss;
    l->sums[LM_LOG_SUM_NORM] += r->norm;
    l->sums[LM_LOG_SUM_STEPS]++;
    return l->sums[LM_LOG_BEYOND] = r->loss > guessing ? l->sums[LM_LOG_BEYOND] + 1 : 0;
}

/* By layer the mean excess kurtosis of its MLP's matrices, each by itself: taken together, matrices of unlike
 * spread would look heavy-tailed. */
static void put_kurtosis(const struct lm_trainstate *s, double *column)
{
    const struct lm_params *p = s->params;
    double *n = xcalloc((size_t)p->config->n_layer, sizeof *n);
    for (size_t i = 0; i < p->n_param; i++) {
        const struct lm_param *a = &p->param[i];
        int layer = a->place.layer;
        if (a->place.is_bias || a->place.role < LM_MLP_GATE || a->place.role > LM_MLP_DOWN)
            continue;
        double excess = kure_kurtosis(s->w + a->offset, a->n) - 3;
        column[layer] = n[layer]++ > 0 ? column[layer] + (excess - column[layer]) / n[layer] : excess;
    }
    free(n);
}

double *lm_trainlog_of_lang(const struct lm_trainlog *l, double *row, int which)
{
    return row + LM_LOG_BY_LANG + (size_t)which * l->n_lang;
}

double *lm_trainlog_row(struct lm_trainlog *l, const struct lm_trainer_report *r, double tokens)
{
    double *row = lm_trainstate_row(l->state), *sums = l->sums, now_s = lm_trainlog_now();
    row[LM_LOG_STEP] = (double)l->state->step;
    row[LM_LOG_TOKENS] = (double)l->state->step * tokens;
    row[LM_LOG_RATE] = r->rate;
    row[LM_LOG_LOSS] = sums[LM_LOG_SUM_LOSS] / sums[LM_LOG_SUM_STEPS];
    row[LM_LOG_NORM] = sums[LM_LOG_SUM_NORM] / sums[LM_LOG_SUM_STEPS];
    row[LM_LOG_KURE] = r->kure;
    row[LM_LOG_SPEED] = sums[LM_LOG_SUM_STEPS] * tokens / (now_s - l->row_began_s);
    for (size_t i = 0; i < l->n_lang; i++) {
        lm_trainlog_of_lang(l, row, LM_LOG_LANG_LOSS)[i] = l->nll[i] / l->n_token[i];
        l->nll[i] = l->n_token[i] = 0;
    }
    put_kurtosis(l->state, lm_trainlog_of_lang(l, row, LM_LOG_N_LANG));
    sums[LM_LOG_SUM_LOSS] = sums[LM_LOG_SUM_NORM] = sums[LM_LOG_SUM_STEPS] = 0;
    return row;
}

static char *longer(char *header, const char *name, const char *of)
{
    char *with = xsprintf("%s,%s_%s", header, name, of);
    free(header);
    return with;
}

static char *header_of(const struct lm_trainlog *l)
{
    static const char *const of_lang[LM_LOG_N_LANG] = { "loss", "nll", "bits_per_byte" };
    char *s = xstrdup("step,tokens,learning_rate,loss,gradient_norm,kure,tokens_per_s,valid_loss");
    for (int k = 0; k < LM_LOG_N_LANG; k++)
        for (size_t i = 0; i < l->n_lang; i++)
            s = longer(s, of_lang[k], l->lang[i]);
    for (int i = 0; i < l->state->params->config->n_layer; i++) {
        char *layer = xsprintf("%d", i);
        s = longer(s, "kurtosis", layer);
        free(layer);
    }
    return s;
}

void lm_trainlog_write(const struct lm_trainlog *l, const char *path)
{
    const struct lm_trainstate *s = l->state;
    char *header = header_of(l);
    struct csvout *out = csvout_open(path, header);
    for (size_t r = 0; r < s->n_row; r++) {
        for (size_t i = 0; i < s->n_column; i++)
            csvout_num(out, s->log[r * s->n_column + i]);
        csvout_end_row(out);
    }
    csvout_close(out);
    free(header);
}
