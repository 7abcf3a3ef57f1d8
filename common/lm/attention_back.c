/* The way back through attention. Of a block of rows, with S = q k^T / sqrt(d) + ALiBi, P = softmax(S) and M
 * the mask of dropout, out = (P M) v. So dv = (P M)^T dout, dP = (dout v^T) M, dS = P (dP - rows' sums of P
 * dP), dq = dS k / sqrt(d), dk = dS^T q / sqrt(d). P is computed again from q and k, to the same bits (Dao et
 * al. 2022 keep sums of exponentials for that; here whole rows of a block are at hand).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "lm/attention_parts.h"
#include "math/kernels_back.h"
#include <math.h>
#include <stdlib.h>

/* Rows are filled up with zeros to multiples of GEMM_ROWS. */
struct room {
    float *q, *dq, *dout;   /* [GEMM_ROWS][d_head] */
    float *k, *v, *dk, *dv; /* [n][d_head] of one head of a sequence */
    float *p, *ds;          /* [GEMM_ROWS][n] */
    float *whole;
};

struct pass {
    const struct lm_attention *a;
    const struct lm_heads *q, *k, *v, *dq, *dk, *dv;
    const struct dropout *drop;
    const float *dout;
    struct room room;
};

static void scatter(const float *from, size_t n, size_t d_head, const struct lm_heads *to, size_t h,
                    size_t first)
{
    float *row = to->base + first * to->row_stride + h * to->head_stride;
    for (size_t i = 0; i < n; i++)
        memcpy(row + i * to->row_stride, from + i * d_head, d_head * sizeof *row);
}

/* P, or P M if `drop`, of rows [row, row + GEMM_ROWS), n of which there are. */
static void drop_rows(const struct pass *b, size_t h, size_t first, size_t row, size_t n, float *x,
                      size_t n_key)
{
    for (size_t i = 0; i < n && b->drop; i++)
        dropout_row(b->drop, (first + row + i) * b->a->config->n_head + h, x + i * n_key, row + i + 1);
}

/* Head h of the rows [row, row + n) of a sequence that begins at `first`. */
static void back_block(const struct pass *b, size_t h, size_t first, size_t row, size_t n)
{
    const struct lm_config *c = b->a->config;
    const struct room *s = &b->room;
    const struct lm_heads dout = { (float *)(uintptr_t)b->dout, c->n_head * c->d_head, c->d_head };
    size_t d = c->d_head, n_key = row + GEMM_ROWS;
    float scale = (float)(1 / sqrt((double)d));
    attention_gather(b->q, h, first + row, n, GEMM_ROWS, d, s->q);
    attention_gather(&dout, h, first + row, n, GEMM_ROWS, d, s->dout);
    gemm_block_nt(GEMM_ROWS, n_key, d, scale, s->q, d, s->k, d, 0, s->p, n_key);
    for (size_t i = 0; i < GEMM_ROWS; i++)
        kernel_softmax(s->p + i * n_key, n_key, row + i + 1, 1, b->a->slope[h]);
    gemm_block_nt(GEMM_ROWS, n_key, d, 1, s->dout, d, s->v, d, 0, s->ds, n_key);
    drop_rows(b, h, first, row, n, s->ds, n_key);
    for (size_t i = 0; i < GEMM_ROWS; i++)
        kernel_softmax_back(s->p + i * n_key, s->ds + i * n_key, n_key);
    drop_rows(b, h, first, row, n, s->p, n_key);
    gemm_block_tn(n_key, d, GEMM_ROWS, 1, s->p, n_key, s->dout, d, 1, s->dv, d);
    gemm_block_tn(n_key, d, GEMM_ROWS, scale, s->ds, n_key, s->q, d, 1, s->dk, d);
    gemm_block_nn(GEMM_ROWS, d, n_key, scale, s->ds, n_key, s->k, d, 0, s->dq, d);
    scatter(s->dq, n, d, b->dq, h, first + row);
}

/* One head of keys and values of a sequence, and the heads of queries that share it. */
static void back_head(const struct pass *b, size_t kv, size_t first, size_t n)
{
    const struct lm_config *c = b->a->config;
    const struct room *s = &b->room;
    size_t d = c->d_head, n_room = attention_rounded(n), share = c->n_head / c->n_kv_head;
    attention_gather(b->k, kv, first, n, n_room, d, s->k);
    attention_gather(b->v, kv, first, n, n_room, d, s->v);
    memset(s->dk, 0, n_room * d * sizeof *s->dk);
    memset(s->dv, 0, n_room * d * sizeof *s->dv);
    for (size_t h = kv * share; h < (kv + 1) * share; h++)
        for (size_t row = 0; row < n; row += GEMM_ROWS)
            back_block(b, h, first, row, n - row < GEMM_ROWS ? n - row : GEMM_ROWS);
    scatter(s->dk, n, d, b->dk, kv, first);
    scatter(s->dv, n, d, b->dv, kv, first);
}

static void room_init(struct room *s, size_t n, size_t d)
{
    float **part[] = { &s->q, &s->dq, &s->dout, &s->k, &s->v, &s->dk, &s->dv, &s->p, &s->ds };
    size_t at = 0, size[] = { GEMM_ROWS * d, GEMM_ROWS * d, GEMM_ROWS * d, n * d,        n * d,
                              n * d,         n * d,         GEMM_ROWS * n, GEMM_ROWS * n };
    s->whole = xaligned(3 * GEMM_ROWS * d + 4 * n * d + 2 * GEMM_ROWS * n, sizeof(float));
    for (size_t i = 0; i < sizeof part / sizeof *part; at += size[i++])
        *part[i] = s->whole + at;
}

static void unrotate_row(const struct lm_attention *a, float *heads, size_t n_head, size_t stride,
                         size_t position)
{
    size_t half = a->config->n_rotary / 2;
    for (size_t h = 0; h < n_head; h++)
        kernel_rotate_back(heads + h * stride, 2 * half, a->cos + position * half, a->sin + position * half);
}

void lm_attention_back(const struct lm_attention *a, const struct lm_heads *q, const struct lm_heads *k,
                       const struct lm_heads *v, const size_t *start, size_t n_seq,
                       const struct dropout *drop, const float *dout, const struct lm_heads *dq,
                       const struct lm_heads *dk, const struct lm_heads *dv)
{
    struct pass b = {
        .a = a, .q = q, .k = k, .v = v, .dq = dq, .dk = dk, .dv = dv, .drop = drop, .dout = dout
    };
    size_t longest = 0;
    for (size_t i = 0; i < n_seq; i++)
        longest = start[i + 1] - start[i] > longest ? start[i + 1] - start[i] : longest;
    room_init(&b.room, attention_rounded(longest), a->config->d_head);
    for (size_t i = 0; i < n_seq; i++)
        for (size_t kv = 0; kv < a->config->n_kv_head; kv++)
            back_head(&b, kv, start[i], start[i + 1] - start[i]);
    for (size_t i = 0; i < n_seq && a->cos; i++)
        for (size_t row = start[i]; row < start[i + 1]; row++) {
            unrotate_row(a, dq->base + row * dq->row_stride, a->config->n_head, dq->head_stride,
                         row - start[i]);
            unrotate_row(a, dk->base + row * dk->row_stride, a->config->n_kv_head, dk->head_stride,
                         row - start[i]);
        }
    free(b.room.whole);
}
