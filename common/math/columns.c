/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/columns.h"
#include "base/mem.h"
#include "base/threads.h"
#include "base/vector.h"
#include "math/gemm.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    STRIDE = COLUMNS_BLOCK + 16, /* from column to column: a power of two would crowd the cache */
    GROUP = 64,                  /* columns of a task */
    TALL = 512,
    WIDE = 48, /* rows and columns of the second moment in a task */
    LANES = 8,
    WORTH_THREADS = 1 << 16 /* numbers */
};

struct columns {
    size_t width, n; /* n: rows in all */
    unsigned what;
    int n_thread;
    float *block;              /* [width][STRIDE], each column's numbers side by side */
    double *abs_sum, *abs_max; /* [width] */
    struct moments *moments;   /* [width] */
    double *gram;              /* [width][width] sums; what is below the diagonal is not there */
    int has_gram;              /* any: else nothing of it is set */
    float *product;            /* [n_thread][TALL][WIDE] */
};

struct columns *columns_new(size_t width, unsigned what, int n_thread)
{
    struct columns *c = xcalloc(1, sizeof *c);
    *c = (struct columns){ .width = width, .what = what, .n_thread = n_thread };
    c->block = xaligned(width, STRIDE * sizeof *c->block);
    if (what & COLUMNS_ABS) {
        c->abs_sum = xnew(width, sizeof *c->abs_sum);
        c->abs_max = xnew(width, sizeof *c->abs_max);
    }
    if (what & COLUMNS_MOMENTS)
        c->moments = xnew(width, sizeof *c->moments);
    if (what & COLUMNS_GRAM) {
        c->gram = xaligned(width, width * sizeof *c->gram);
        c->product = xaligned(n_thread < 1 ? 1 : (size_t)n_thread, TALL * WIDE * sizeof *c->product);
    }
    columns_empty(c);
    return c;
}

void columns_free(struct columns *c)
{
    if (!c)
        return;
    free(c->block);
    free(c->abs_sum);
    free(c->abs_max);
    free(c->moments);
    free(c->gram);
    free(c->product);
    free(c);
}

void columns_empty(struct columns *c)
{
    c->n = 0;
    if (c->abs_sum) {
        memset(c->abs_sum, 0, c->width * sizeof *c->abs_sum);
        memset(c->abs_max, 0, c->width * sizeof *c->abs_max);
    }
    if (c->moments)
        memset(c->moments, 0, c->width * sizeof *c->moments);
    c->has_gram = 0;
}

/* ---- a block */

/* Sum and largest of |x[0..n-1]|, added to *sum and *most. */
VECTOR_CLONES
static void add_magnitudes(const float *x, size_t n, double *sum, double *most)
{
    double s[LANES] = { 0 }, m[LANES] = { 0 };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            double a = fabs((double)x[i + k]);
            s[k] += a;
            m[k] = a > m[k] ? a : m[k];
        }
    for (size_t k = 0; i < n; i++, k++) {
        double a = fabs((double)x[i]);
        s[k] += a;
        m[k] = a > m[k] ? a : m[k];
    }
    *sum += ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
    for (size_t k = 0; k < LANES; k++)
        *most = m[k] > *most ? m[k] : *most;
}

/* Adds up the n numbers of column `at` in the block. */
static void add_column(struct columns *c, size_t at, size_t n)
{
    const float *x = c->block + at * STRIDE;
    if (c->abs_sum)
        add_magnitudes(x, n, &c->abs_sum[at], &c->abs_max[at]);
    if (c->moments) {
        struct powers_watch watch = { .inner = INFINITY, .outer = INFINITY };
        struct moments m;
        moments_chunk(x, POWERS_F32, n, &watch, &m);
        moments_merge(&c->moments[at], &m);
    }
}

struct filling {
    struct columns *c;
    const float *x;
    const uint32_t *row;
    size_t n, filled; /* rows to put behind those the block has */
};

static void fill_group(void *context, size_t task, int worker)
{
    const struct filling *f = context;
    struct columns *c = f->c;
    size_t from = task * GROUP, end = from + GROUP < c->width ? from + GROUP : c->width;
    (void)worker;
    for (size_t i = 0; i < f->n; i++) {
        const float *x = f->x + f->row[i] * c->width;
        float *to = c->block + f->filled + i;
        for (size_t k = from; k < end; k++)
            to[k * STRIDE] = x[k];
    }
    if (f->filled + f->n == COLUMNS_BLOCK)
        for (size_t k = from; k < end; k++)
            add_column(c, k, COLUMNS_BLOCK);
}

struct gram {
    struct columns *c;
    size_t n, n_tall; /* rows of the block; tiles above each other */
};

/* A tile of the second moment, without what is all below the diagonal, from the block's rows. */
static void add_tile(void *context, size_t task, int worker)
{
    const struct gram *g = context;
    struct columns *c = g->c;
    size_t i = task % g->n_tall * TALL, j = task / g->n_tall * WIDE;
    size_t n_j = c->width - j < WIDE ? c->width - j : WIDE, end = j + n_j;
    if (i >= end)
        return;
    size_t n_i = end - i < TALL ? end - i : TALL;
    float *product = c->product + (size_t)worker * TALL * WIDE;
    gemm_block_nt(n_i, n_j, g->n, 1, c->block + i * STRIDE, STRIDE, c->block + j * STRIDE, STRIDE, 0, product,
                  WIDE);
    for (size_t a = 0; a < n_i; a++) {
        double *sum = c->gram + (i + a) * c->width + j;
        for (size_t b = 0; b < n_j; b++)
            sum[b] = (c->has_gram ? sum[b] : 0) + (double)product[a * WIDE + b];
    }
}

static void add_gram(struct columns *c, size_t n)
{
    struct gram g = { c, n, (c->width + TALL - 1) / TALL };
    threads_for(c->n_thread, g.n_tall * ((c->width + WIDE - 1) / WIDE), add_tile, &g);
    c->has_gram = 1;
}

/* ---- rows */

void columns_add(struct columns *c, const float *x, const uint32_t *row, size_t n)
{
    while (n) {
        size_t filled = c->n % COLUMNS_BLOCK, k = COLUMNS_BLOCK - filled < n ? COLUMNS_BLOCK - filled : n;
        struct filling f = { c, x, row, k, filled };
        threads_for(k * c->width < WORTH_THREADS ? 1 : c->n_thread, (c->width + GROUP - 1) / GROUP,
                    fill_group, &f);
        c->n += k;
        row += k;
        n -= k;
        if (c->gram && c->n % COLUMNS_BLOCK == 0)
            add_gram(c, COLUMNS_BLOCK);
    }
}

void columns_end(struct columns *c)
{
    size_t filled = c->n % COLUMNS_BLOCK;
    if (!filled)
        return;
    for (size_t k = 0; k < c->width; k++)
        add_column(c, k, filled);
    if (c->gram)
        add_gram(c, filled);
}

void columns_merge(struct columns *c, const struct columns *other)
{
    c->n += other->n;
    for (size_t k = 0; c->abs_sum && k < c->width; k++) {
        c->abs_sum[k] += other->abs_sum[k];
        c->abs_max[k] = other->abs_max[k] > c->abs_max[k] ? other->abs_max[k] : c->abs_max[k];
    }
    for (size_t k = 0; c->moments && k < c->width; k++)
        moments_merge(&c->moments[k], &other->moments[k]);
    for (size_t i = 0; c->gram && other->has_gram && i < c->width; i++)
        for (size_t k = i * c->width + i; k < (i + 1) * c->width; k++)
            c->gram[k] = (c->has_gram ? c->gram[k] : 0) + other->gram[k];
    c->has_gram |= other->has_gram;
}

/* ---- results */

void columns_absmean(const struct columns *c, double *out)
{
    for (size_t k = 0; k < c->width; k++)
        out[k] = c->n ? c->abs_sum[k] / (double)c->n : NAN;
}

void columns_absmax(const struct columns *c, double *out)
{
    for (size_t k = 0; k < c->width; k++)
        out[k] = !c->n ? NAN : isnan(c->abs_sum[k]) ? NAN : c->abs_max[k];
}

const struct moments *columns_moments(const struct columns *c)
{
    return c->moments;
}

void columns_gram_row(const struct columns *c, size_t i, double *out)
{
    for (size_t k = 0; k < c->width; k++)
        out[k] = c->n ? c->gram[k < i ? k * c->width + i : i * c->width + k] / (double)c->n : NAN;
}
