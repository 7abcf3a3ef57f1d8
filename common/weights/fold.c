/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/fold.h"
#include "base/mem.h"
#include "base/msg.h"
#include "lm/pair.h"
#include "lm/parts.h"
#include "quant/awq.h"
#include "quant/matrix.h"
#include "weights/modelfile.h"
#include <stdlib.h>

struct fold {
    struct fold_options o;
    struct lm_config config;
    double *scale[LM_N_PAIR]; /* [n_layer][channels]: 1 where there is none; NULL: a pair that is not exact */
    char *wanted[LM_N_PAIR];  /* [n_layer] whether matrices that read it are quantised */
};

/* The site that a pair's channels are seen at. */
static enum lm_site site_of(enum lm_pair pair)
{
    static const enum lm_site site[LM_N_PAIR] = { [LM_PAIR_VO] = LM_AT_ATTN_MIX,
                                                  [LM_PAIR_NORM_ATTN] = LM_AT_ATTN_IN,
                                                  [LM_PAIR_NORM_MLP] = LM_AT_MLP_IN,
                                                  [LM_PAIR_UP_DOWN] = LM_AT_MLP_ACT };
    return site[pair];
}

/* ---- the search */

static void load(const void *tensor, size_t from, size_t n, float *to)
{
    tensor_to_f32(tensor, from, n, to);
}

/* mean|x| of each channel: of the inputs that share it their mean. channel[cols] is filled. */
static double *channel_means(const struct fold *f, enum lm_pair pair, int layer, const struct lm_place *p,
                             size_t cols, size_t *channel)
{
    const double *absmean = lm_grams_absmean(f->o.grams, layer, site_of(pair));
    size_t n = lm_pair_channels(&f->config, pair);
    double *x = xcalloc(n, sizeof *x);
    if (!absmean)
        die("there is no mean|x| of layer %d's %s: it takes actdump --reduce gram,absmean", layer,
            lm_site_name(site_of(pair)));
    for (size_t j = 0; j < cols; j++) {
        channel[j] = (size_t)lm_pair_channel(&f->config, pair, p, j);
        x[channel[j]] += absmean[j] * (double)n / (double)cols;
    }
    return x;
}

/* A pair of a layer: the matrices that read it and are chosen. */
static void search_pair(struct fold *f, enum lm_pair pair, const struct lm_tensors *layer)
{
    struct awq_matrix *m = xnew(layer->n, sizeof *m);
    struct lm_place place = { 0 };
    size_t n = 0, cols = 0;
    int number = layer->layer;
    for (size_t i = 0; i < layer->n; i++) {
        const struct lm_part_tensor *from = &layer->at[i];
        struct choice c;
        if (lm_pair_end(&f->config, pair, &from->place) != LM_PAIR_READS)
            continue;
        choice_make(f->o.rules, f->config.family, &from->t, &c);
        if (!c.quantise)
            continue;
        const struct quant_sheet sheet = {
            .rows = c.rows, .cols = c.cols, .in_out = c.in_out, .source = &from->t, .load = load
        };
        float *w = xaligned(c.rows, c.cols * sizeof *w);
        quant_sheet_floats(&sheet, f->o.n_thread, w);
        m[n++] = (struct awq_matrix){ w, c.rows, quant_plan_new(&c.spec) };
        cols = c.cols;
        place = from->place;
    }
    f->wanted[pair][number] = n > 0;
    if (n && f->scale[pair]) {
        if (lm_grams_width(f->o.grams, number, site_of(pair)) != cols)
            die("there is no second moment of layer %d's %s: it takes actdump --reduce gram,absmean", number,
                lm_site_name(site_of(pair)));
        size_t *channel = xnew(cols, sizeof *channel), n_channel = lm_pair_channels(&f->config, pair);
        double *moment = xaligned(cols, cols * sizeof *moment), error[AWQ_STEPS];
        double *x = channel_means(f, pair, number, &place, cols, channel);
        lm_grams_mixed(f->o.grams, number, site_of(pair), moment);
        int status = awq_search(m, n, cols, moment, x, channel, n_channel, f->o.n_thread,
                                f->scale[pair] + (size_t)number * n_channel, error);
        if (status < 0)
            die("layer %d: %s: %s", number, lm_pair_name(pair), quant_why(status));
        free(channel);
        free(moment);
        free(x);
    }
    while (n) {
        quant_plan_free((struct quant_plan *)m[--n].plan);
        free((float *)m[n].w);
    }
    free(m);
}

static void warn_of_pairs(const struct fold *f)
{
    for (int pair = 0; pair < LM_N_PAIR; pair++) {
        int wanted = 0;
        for (int layer = 0; layer < f->config.n_layer; layer++)
            wanted |= f->wanted[pair][layer];
        if (wanted && !f->scale[pair])
            warn("%s: no scales, to nearest: %s", lm_site_name(site_of((enum lm_pair)pair)),
                 lm_pair_refuses(&f->config, (enum lm_pair)pair));
    }
}

struct fold *fold_search(const struct fold_options *o)
{
    struct lm_checkpoint *from = modelfile_open(o->model_path, o->n_thread);
    struct fold *f = xcalloc(1, sizeof *f);
    f->o = *o;
    f->config = *lm_checkpoint_config(from);
    size_t n_layer = (size_t)f->config.n_layer;
    for (int pair = 0; pair < LM_N_PAIR; pair++) {
        size_t n = n_layer * lm_pair_channels(&f->config, (enum lm_pair)pair);
        f->wanted[pair] = xcalloc(n_layer, 1);
        if (lm_pair_refuses(&f->config, (enum lm_pair)pair))
            continue;
        f->scale[pair] = xnew(n, sizeof **f->scale);
        for (size_t i = 0; i < n; i++)
            f->scale[pair][i] = 1;
    }
    struct lm_parts *parts = lm_parts_new(from);
    const struct lm_tensors *tensors;
    int got;
    while ((got = lm_parts_next(parts, &tensors)) > 0) {
        msg_progress("scales of layer %d of %d", tensors->layer + 1, f->config.n_layer);
        for (int pair = 0; pair < LM_N_PAIR && tensors->layer >= 0 && tensors->layer < f->config.n_layer;
             pair++)
            search_pair(f, (enum lm_pair)pair, tensors);
    }
    if (got < 0)
        die("%s: %s", o->model_path, lm_checkpoint_error(from));
    msg_progress_end();
    warn_of_pairs(f);
    lm_parts_free(parts);
    lm_checkpoint_close(from);
    return f;
}

void fold_free(struct fold *f)
{
    if (!f)
        return;
    for (int pair = 0; pair < LM_N_PAIR; pair++) {
        free(f->scale[pair]);
        free(f->wanted[pair]);
    }
    free(f);
}

/* ---- factors */

int fold_factors(const struct fold *f, const struct lm_place *p, size_t rows, size_t cols, int in_out,
                 double *row, double *col)
{
    int changed = 0;
    for (size_t i = 0; i < rows; i++)
        row[i] = 1;
    for (size_t j = 0; j < cols; j++)
        col[j] = 1;
    for (int k = 0; k < LM_N_PAIR && p->role < LM_N_ROLE && p->layer >= 0; k++) {
        enum lm_pair pair = (enum lm_pair)k;
        enum lm_pair_end end = lm_pair_end(&f->config, pair, p);
        if (!f->scale[k] || end == LM_PAIR_NEITHER)
            continue;
        const double *scale = f->scale[k] + (size_t)p->layer * lm_pair_channels(&f->config, pair);
        int at_rows = (end == LM_PAIR_WRITES) != in_out;
        double *to = at_rows ? row : col;
        for (size_t i = 0; i < (at_rows ? rows : cols); i++) {
            long channel = lm_pair_channel(&f->config, pair, p, i);
            if (channel >= 0)
                to[i] *= end == LM_PAIR_READS ? scale[channel] : 1 / scale[channel];
        }
        changed = 1;
    }
    return changed;
}
