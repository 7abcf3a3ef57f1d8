/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/harvest.h"
#include "base/mem.h"
#include "base/threads.h"
#include "math/columns.h"
#include <stdlib.h>
#include <string.h>

enum { GRAM_ROWS = 64 }; /* of one task */

/* Sums of a site in the layer and language that are being computed. */
struct sums {
    struct columns *first, *rest; /* of the first tokens of windows, and of the others */
    size_t n_row;
};

struct lm_harvest {
    const struct lm_plan *plan;
    const struct lm_config *config;
    const struct lm_wish *wish;
    const struct lm_lane *lane;
    const struct lm_count *count;
    char *store;
    int n_thread, rows; /* rows: which part's are wanted, -1: none */
    struct sums sums[LM_N_SITE];
    double *numbers; /* [the widest site] */
    char *raw;       /* the same and more as bytes of an output's dtype */
    size_t raw_room;
    /* the batch: */
    size_t from, end;
    const struct lm_batch *batch;
    uint32_t *first, *rest; /* rows of a language, for columns_add */
    size_t first_room, rest_room, n_first, n_rest;
};

struct lm_harvest *lm_harvest_new(const struct lm_plan *plan, const struct lm_config *c,
                                  const struct lm_wish *w, const struct lm_lane *lane,
                                  const struct lm_count *count, char *store, int n_thread)
{
    struct lm_harvest *h = xcalloc(1, sizeof *h);
    *h = (struct lm_harvest){ .plan = plan,
                              .config = c,
                              .wish = w,
                              .lane = lane,
                              .count = count,
                              .store = store,
                              .n_thread = n_thread,
                              .rows = -1 };
    if (lm_wish_has_rows(w))
        h->rows = w->result[LM_ROWS][LM_REST] ? LM_REST : LM_ALL;
    unsigned what = lm_wish_columns(w);
    size_t widest = 0;
    for (int site = 0; site < LM_N_SITE; site++) {
        size_t width = lm_site_width(c, (enum lm_site)site);
        widest = width > widest ? width : widest;
        if (!what || !(w->sites & 1u << site))
            continue;
        h->sums[site].first = columns_new(width, what, n_thread);
        h->sums[site].rest = columns_new(width, what, n_thread);
    }
    h->numbers = xnew(widest, sizeof *h->numbers);
    return h;
}

void lm_harvest_free(struct lm_harvest *h)
{
    if (!h)
        return;
    for (int site = 0; site < LM_N_SITE; site++) {
        columns_free(h->sums[site].first);
        columns_free(h->sums[site].rest);
    }
    free(h->numbers);
    free(h->raw);
    free(h->first);
    free(h->rest);
    free(h);
}

void lm_harvest_batch(struct lm_harvest *h, size_t from, size_t end, const struct lm_batch *b)
{
    h->from = from;
    h->end = end;
    h->batch = b;
    xgrow(&h->first, &h->first_room, end - from, sizeof *h->first);
    xgrow(&h->rest, &h->rest_room, b->start[end - from], sizeof *h->rest);
}

/* ---- results */

static char *raw_room(struct lm_harvest *h, size_t n, size_t bytes)
{
    xgrow(&h->raw, &h->raw_room, n * bytes, 1);
    return h->raw;
}

/* numbers[0..n-1] are those of the slot. */
static void put_numbers(struct lm_harvest *h, const struct lm_slot *s, size_t n)
{
    size_t bytes = tensor_dtype_bytes(s->t.dtype);
    char *raw = raw_room(h, n, bytes);
    tensor_from_f64(h->numbers, n, s->t.dtype, raw);
    memcpy(h->store + s->at, raw, n * bytes);
}

static double figure(const struct moments *m, enum lm_result r)
{
    struct moments_summary s;
    moments_summarise(m, 0, &s);
    switch (r) {
    case LM_MEAN:
    case LM_SITE_MEAN:
        return s.mean;
    case LM_SD:
    case LM_SITE_SD:
        return s.sd;
    case LM_SKEWNESS:
    case LM_SITE_SKEWNESS:
        return s.skewness;
    default:
        return s.kurtosis;
    }
}

/* Of all neurons together. */
static struct moments total(const struct columns *c, size_t width)
{
    struct moments_tree tree = { 0 };
    for (size_t i = 0; i < width; i++)
        moments_tree_push(&tree, &columns_moments(c)[i]);
    return moments_tree_total(&tree);
}

static double mean(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

/* Rows of a second moment on their way into the store. */
struct gram_rows {
    struct lm_harvest *h;
    const struct lm_slot *s;
    const struct columns *c;
    size_t width;
};

static void put_gram_rows(void *ctx, size_t task, int worker)
{
    const struct gram_rows *g = ctx;
    size_t end = (task + 1) * GRAM_ROWS < g->width ? (task + 1) * GRAM_ROWS : g->width;
    size_t n_bytes = g->width * tensor_dtype_bytes(g->s->t.dtype);
    double *numbers = xnew(g->width, sizeof *numbers);
    char *raw = xmalloc(n_bytes);
    (void)worker;
    for (size_t i = task * GRAM_ROWS; i < end; i++) {
        columns_gram_row(g->c, i, numbers);
        tensor_from_f64(numbers, g->width, g->s->t.dtype, raw);
        memcpy(g->h->store + g->s->at + i * n_bytes, raw, n_bytes);
    }
    free(raw);
    free(numbers);
}

static void put_result(struct lm_harvest *h, const struct lm_slot *s, enum lm_result r,
                       const struct columns *c, size_t width)
{
    struct moments all;
    switch (r) {
    case LM_ROWS:
    case LM_N_RESULT:
        return;
    case LM_GRAM:
        threads_for(h->n_thread, (width + GRAM_ROWS - 1) / GRAM_ROWS, put_gram_rows,
                    &(struct gram_rows){ h, s, c, width });
        return;
    case LM_ABSMEAN:
        columns_absmean(c, h->numbers);
        break;
    case LM_ABSMAX:
        columns_absmax(c, h->numbers);
        break;
    case LM_SITE_ABSMEAN:
        columns_absmean(c, h->numbers);
        h->numbers[0] = mean(h->numbers, width);
        width = 1;
        break;
    case LM_SITE_MEAN:
    case LM_SITE_SD:
    case LM_SITE_SKEWNESS:
    case LM_SITE_KURTOSIS:
        all = total(c, width);
        h->numbers[0] = figure(&all, r);
        width = 1;
        break;
    case LM_MEAN:
    case LM_SD:
    case LM_SKEWNESS:
    case LM_KURTOSIS:
        for (size_t i = 0; i < width; i++)
            h->numbers[i] = figure(&columns_moments(c)[i], r);
        break;
    }
    put_numbers(h, s, width);
}

/* All results of one part of the tokens, from its sums. */
static void put_part(struct lm_harvest *h, const struct lm_slot *s, int part, const struct columns *c,
                     size_t width)
{
    for (int r = 0; r < LM_N_RESULT; r++)
        for (int p = 0; p < LM_N_PART; p++)
            if (h->wish->result[r][p]) {
                if (p == part)
                    put_result(h, s, (enum lm_result)r, c, width);
                s++;
            }
}

/* The last row of a language is there: all of its tokens are the rest and the first ones. */
static void finish(struct lm_harvest *h, size_t lang, int layer, enum lm_site site)
{
    struct sums *sums = &h->sums[site];
    const struct lm_slot *s = lm_plan_site(h->plan, lang, layer, site);
    size_t width = lm_site_width(h->config, site);
    columns_end(sums->first);
    columns_end(sums->rest);
    put_part(h, s, LM_REST, sums->rest, width);
    columns_merge(sums->rest, sums->first);
    put_part(h, s, LM_ALL, sums->rest, width);
    columns_empty(sums->first);
    columns_empty(sums->rest);
    sums->n_row = 0;
}

/* ---- rows */

/* How many rows of the kind that is kept come before row i of a window. */
static size_t rows_before(const struct lm_harvest *h, const struct lm_lane *l, size_t i)
{
    if (h->rows == LM_ALL)
        return l->before.n_all + i - l->n_seen;
    return l->before.n_rest + i - l->n_seen - (i > 0 && l->n_seen == 0);
}

/* Rows [i, i + n) of a window as they are, x[n][width]. */
static void put_rows(struct lm_harvest *h, const struct lm_slot *s, const struct lm_lane *l, size_t i,
                     size_t n, const float *x, size_t width)
{
    size_t skip = h->rows == LM_REST && i == 0, bytes = tensor_dtype_bytes(s->t.dtype) * width;
    size_t at = s->at + rows_before(h, l, i + skip) * bytes;
    x += skip * width;
    n -= skip;
    char *raw = raw_room(h, n, bytes);
    tensor_from_f32(x, n * width, s->t.dtype, raw);
    memcpy(h->store + at, raw, n * bytes);
}

/* Adds the rows that are listed, all of one language. */
static void add_rows(struct lm_harvest *h, const float *x, size_t lang, int layer, enum lm_site site)
{
    struct sums *sums = &h->sums[site];
    if (sums->rest) {
        columns_add(sums->first, x, h->first, h->n_first);
        columns_add(sums->rest, x, h->rest, h->n_rest);
        sums->n_row += h->n_first + h->n_rest;
        if (sums->n_row == h->count[lang].n_all)
            finish(h, lang, layer, site);
    }
    h->n_first = h->n_rest = 0;
}

static void see(void *ctx, enum lm_site site, int layer, size_t from, size_t n, const float *x, size_t width)
{
    struct lm_harvest *h = ctx;
    if (!lm_wish_has(h->wish, h->config, layer, site))
        return;
    for (size_t w = h->from; w < h->end; w++) {
        const struct lm_lane *l = &h->lane[w];
        size_t start = h->batch->start[w - h->from], end = h->batch->start[w - h->from + 1];
        size_t row = start + l->n_seen > from ? start + l->n_seen : from;
        size_t last = end < from + n ? end : from + n;
        if (row >= last)
            continue;
        if (h->rows >= 0)
            put_rows(h, lm_plan_site(h->plan, l->lang, layer, site), l, row - start, last - row,
                     x + (row - from) * width, width);
        for (; row < last; row++)
            if (row == start)
                h->first[h->n_first++] = (uint32_t)(row - from);
            else
                h->rest[h->n_rest++] = (uint32_t)(row - from);
        if (w + 1 == h->end || l[1].lang != l->lang || end >= from + n)
            add_rows(h, x, l->lang, layer, site);
    }
}

struct lm_tap lm_harvest_tap(struct lm_harvest *h)
{
    return (struct lm_tap){ h->wish->sites, see, h };
}

void lm_harvest_tokens(struct lm_harvest *h, const struct lm_windows *w, const uint32_t *id,
                       uint32_t (*line)(size_t text))
{
    for (size_t i = 0; i < w->n && h->rows >= 0; i++) {
        const struct lm_window *window = &w->w[i];
        const struct lm_lane *l = &h->lane[i];
        size_t n_slot, from = l->n_seen + (h->rows == LM_REST && l->n_seen == 0), n = window->n - from;
        const struct lm_slot *s = lm_plan_lang(h->plan, l->lang, &n_slot);
        int32_t *v = (int32_t *)(void *)raw_room(h, n, sizeof *v);
        for (int k = 0; k < LM_N_TOKEN_TENSOR; k++) {
            for (size_t t = 0; t < n; t++)
                v[t] = (int32_t)(k == LM_TOKEN_ID     ? id[window->first + from + t]
                                 : k == LM_TOKEN_LINE ? line(window->text)
                                                      : from + t);
            memcpy(h->store + s[k].at + rows_before(h, l, from) * sizeof *v, v, n * sizeof *v);
        }
    }
}
