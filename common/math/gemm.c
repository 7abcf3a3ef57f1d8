/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/gemm.h"
#include "base/mem.h"
#include "base/threads.h"
#include "base/vector.h"
#include "math/blas.h"
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TILE = 512,     /* most rows of a task */
    BLOCK = 512,    /* most outputs of a task */
    LARGE = 1 << 21 /* multiplications of GEMM_ROWS rows from which on a tile may have more rows */
};

struct gemm_weight {
    size_t n_out, n_in;
    const float *w; /* [n_out][n_in], or [n_in][n_out] */
    int in_out;
    size_t tile, block,
        n_block; /* most rows, outputs of a task: a property of the weights, not of the call */
    float *own;  /* what w points to, if it is not borrowed */
};

static const struct blas *blas; /* set by gemm_load() */

/* OpenBLAS's kernels for AVX2 (sgemm_kernel_8x4_haswell_2.c) sum even and odd terms apart in some of the
 * first eight and the last eight rows of each of their blocks, and straight on in the rest. There a tile is
 * no more than a block and given as eight more rows on both sides, whose results are dropped. Elsewhere,
 * AVX-512 among it, all rows are alike. Which it is, a product of equal rows tells. */
static size_t largest_tile = TILE, margin;

static int rows_are_alike(size_t tile, size_t n_around)
{
    enum { OUTS = 36, IN = 500 };
    size_t n_row = tile + 2 * n_around;
    float *w = xnew(OUTS * IN, sizeof *w), *x = xnew(n_row * IN, sizeof *x),
          *y = xnew(OUTS * n_row, sizeof *y);
    for (size_t i = 0; i < (size_t)OUTS * IN; i++)
        w[i] = (float)(i * 37 % 101) / 101 - 0.5f;
    for (size_t i = 0; i < n_row * IN; i++)
        x[i] = (float)(i % IN * 59 % 103) / 103 - 0.5f;
    blas->sgemm(BLAS_ROW_MAJOR, BLAS_NO_TRANS, BLAS_TRANS, OUTS, (int)n_row, IN, 1, w, IN, x, IN, 0, y,
                (int)n_row);
    int alike = 1;
    for (size_t o = 0; o < OUTS; o++)
        for (size_t i = 1; i < tile; i++)
            alike &= y[o * n_row + n_around + i] == y[o * n_row + n_around];
    free(y);
    free(x);
    free(w);
    return alike;
}

int gemm_load(const char **why)
{
    if (blas)
        return 0;
    if (!(blas = blas_load(why)))
        return -1;
    if (!rows_are_alike(TILE, 0))
        for (margin = 8; largest_tile > GEMM_ROWS && !rows_are_alike(largest_tile, margin);)
            largest_tile -= GEMM_ROWS;
    return 0;
}

enum gemm_precision gemm_default_precision(void)
{
    return GEMM_F32;
}

const char *gemm_describe(enum gemm_precision p)
{
    static char text[64];
    (void)p;
    snprintf(text, sizeof text, "f32 OpenBLAS %s", blas->core);
    return text;
}

static float *widen_bf16(const uint16_t *in, size_t n)
{
    float *out = xaligned(n, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)in[i] << 16;
        memcpy(&out[i], &bits, sizeof bits);
    }
    return out;
}

struct gemm_weight *gemm_pack(const void *w, enum gemm_dtype dtype, size_t n_out, size_t n_in,
                              int stored_in_out, enum gemm_precision p)
{
    (void)p;
    if (!n_out || !n_in || n_out > INT_MAX || n_in > INT_MAX)
        return NULL;
    struct gemm_weight *g = xcalloc(1, sizeof *g);
    *g = (struct gemm_weight){ .n_out = n_out, .n_in = n_in, .in_out = stored_in_out };
    if (dtype == GEMM_OF_BF16)
        g->own = widen_bf16(w, n_out * n_in);
    g->w = g->own ? g->own : w;
    g->n_block = (n_out + BLOCK - 1) / BLOCK;
    g->block = (n_out + g->n_block - 1) / g->n_block;
    g->n_block = (n_out + g->block - 1) / g->block;
    size_t smallest = n_out - (g->n_block - 1) * g->block;
    g->tile = (double)smallest * (double)n_in * GEMM_ROWS >= LARGE ? largest_tile : GEMM_ROWS;
    return g;
}

void gemm_weight_free(struct gemm_weight *w)
{
    if (!w)
        return;
    free(w->own);
    free(w);
}

struct run {
    const struct gemm_weight *w;
    const float *x, *bias;
    float *y;
    size_t n, ldx, ldy;
    int accumulate;
    float **copy;   /* [tile]: its rows with margins, filled up with zeros; NULL if they lie so in x */
    float *product; /* [worker][block][MARGIN + tile + MARGIN] */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t round_up(size_t n)
{
    return (n + GEMM_ROWS - 1) / GEMM_ROWS * GEMM_ROWS;
}

/* y[i][o] = p[o][i] + bias[o] + what was there. */
VECTOR_CLONES
static void put(const float *p, size_t ldp, size_t n_row, size_t n_out, const float *bias, int accumulate,
                float *y, size_t ldy)
{
    enum { SIDE = 16 };
    for (size_t row = 0; row < n_row; row += SIDE)
        for (size_t first = 0; first < n_out; first += SIDE) {
            size_t rows = n_row - row < SIDE ? n_row - row : SIDE;
            size_t outs = n_out - first < SIDE ? n_out - first : SIDE;
            float square[SIDE][SIDE];
            for (size_t o = 0; o < outs; o++) {
                float b = bias ? bias[first + o] : 0;
                for (size_t i = 0; i < SIDE; i++) /* there are rows beyond the last one, of the filling */
                    square[i][o] = p[(first + o) * ldp + row + i] + b;
            }
            for (size_t i = 0; i < rows; i++) {
                float *to = y + (row + i) * ldy + first;
                for (size_t o = 0; o < outs; o++)
                    to[o] = accumulate ? to[o] + square[i][o] : square[i][o];
            }
        }
}

/* The transposed product, outputs by rows. Rows must come out alike wherever they stand, while an output has
 * its place for ever; so rows go to the side of a product that OpenBLAS's kernels hold in vectors, all of
 * whose lanes are treated alike, and outputs to the side along which they walk in groups that are not. */
static void run_task(void *ctx, size_t task, int worker)
{
    const struct run *r = ctx;
    const struct gemm_weight *w = r->w;
    size_t tile = task / w->n_block, row = tile * w->tile, first = task % w->n_block * w->block;
    size_t n_row = least(w->tile, r->n - row), n_out = least(w->block, w->n_out - first);
    size_t n_filled = round_up(n_row) + 2 * margin;
    const float *x = r->copy[tile] ? r->copy[tile] : r->x + (row - margin) * r->ldx;
    size_t ldx = r->copy[tile] ? w->n_in : r->ldx;
    float *product = r->product + (size_t)worker * w->block * (w->tile + 2 * margin);
    blas->sgemm(BLAS_ROW_MAJOR, w->in_out ? BLAS_TRANS : BLAS_NO_TRANS, BLAS_TRANS, (int)n_out, (int)n_filled,
                (int)w->n_in, 1, w->w + (w->in_out ? first : first * w->n_in),
                (int)(w->in_out ? w->n_out : w->n_in), x, (int)ldx, 0, product, (int)n_filled);
    put(product + margin, n_filled, n_row, n_out, r->bias ? r->bias + first : NULL, r->accumulate,
        r->y + row * r->ldy + first, r->ldy);
}

/* The tile's rows with what surrounds them, zeros where there is nothing. */
static float *copy_tile(const struct run *r, size_t row, size_t n_filled)
{
    size_t n_in = r->w->n_in;
    float *copy = xaligned(n_filled * n_in, sizeof *copy);
    for (size_t i = 0; i < n_filled; i++)
        if (row + i >= margin && row + i - margin < r->n)
            memcpy(copy + i * n_in, r->x + (row + i - margin) * r->ldx, n_in * sizeof *copy);
        else
            memset(copy + i * n_in, 0, n_in * sizeof *copy);
    return copy;
}

int gemm_run(const struct gemm_weight *w, const float *x, size_t n, size_t ldx, float *y, size_t ldy,
             const float *bias, int accumulate, int n_thread)
{
    if (ldx < w->n_in || ldy < w->n_out || ldx > INT_MAX)
        return -1;
    n_thread = n_thread < 1 ? 1 : n_thread;
    size_t n_tile = (n + w->tile - 1) / w->tile;
    struct run r = { .w = w, .x = x, .bias = bias, .y = y, .n = n, .ldx = ldx, .ldy = ldy };
    r.accumulate = accumulate;
    r.copy = xcalloc(n_tile, sizeof *r.copy);
    for (size_t t = 0; t < n_tile; t++) {
        size_t row = t * w->tile, end = row + round_up(least(w->tile, n - row));
        if (row < margin || end + margin > n)
            r.copy[t] = copy_tile(&r, row, end - row + 2 * margin);
    }
    r.product = xaligned((size_t)n_thread * w->block * (w->tile + 2 * margin), sizeof *r.product);
    threads_for(n_thread, n_tile * w->n_block, run_task, &r);
    free(r.product);
    for (size_t t = 0; t < n_tile; t++)
        free(r.copy[t]);
    free(r.copy);
    return 0;
}

void gemm_block_nt(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
                   size_t ldb, float beta, float *c, size_t ldc)
{
    blas->sgemm(BLAS_ROW_MAJOR, BLAS_NO_TRANS, BLAS_TRANS, (int)m, (int)n, (int)k, alpha, a, (int)lda, b,
                (int)ldb, beta, c, (int)ldc);
}

void gemm_block_nn(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
                   size_t ldb, float beta, float *c, size_t ldc)
{
    blas->sgemm(BLAS_ROW_MAJOR, BLAS_NO_TRANS, BLAS_NO_TRANS, (int)m, (int)n, (int)k, alpha, a, (int)lda, b,
                (int)ldb, beta, c, (int)ldc);
}
