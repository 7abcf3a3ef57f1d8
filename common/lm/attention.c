/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/threads.h"
#include "lm/attention_parts.h"
#include "math/gemm.h"
#include "math/kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t lm_attention_width(const struct lm_config *c)
{
    return (c->n_head + 2 * c->n_kv_head) * c->d_head;
}

void lm_attention_heads(const struct lm_config *c, float *qkv, struct lm_heads h[3])
{
    size_t d = c->d_head, by_head = c->family->qkv == LM_QKV_BY_HEAD;
    size_t at[3] = { 0, by_head ? d : c->n_head * d, by_head ? 2 * d : (c->n_head + c->n_kv_head) * d };
    for (int i = 0; i < 3; i++)
        h[i] = (struct lm_heads){ qkv + at[i], lm_attention_width(c), by_head ? 3 * d : d };
}

/* ---- positions */

/* Press, Smith & Lewis 2022 (arXiv 2108.12409): powers of 2^(-8/p), p the largest power of two up to n_head;
 * the heads beyond take the odd ones of twice as many. */
static void alibi_slopes(size_t n_head, float *slope)
{
    size_t p = 1;
    while (2 * p <= n_head)
        p *= 2;
    for (size_t h = 0; h < n_head; h++)
        slope[h] = (float)(h < p ? exp2(-8.0 * (double)(h + 1) / (double)p)
                                 : exp2(-8.0 * (double)(2 * (h - p) + 1) / (double)(2 * p)));
}

/* Frequency j of rotary positions, radians a token. */
static double rope_frequency(const struct lm_config *c, size_t j)
{
    double f = pow(c->rope_theta, -2.0 * (double)j / (double)c->n_rotary);
    if (c->rope == LM_ROPE_LINEAR)
        return f / c->rope_factor;
    if (c->rope != LM_ROPE_LLAMA3)
        return f;
    double wavelength = 2 * M_PI / f, low = c->rope_n_original / c->rope_low_freq;
    double high = c->rope_n_original / c->rope_high_freq;
    if (wavelength > low)
        return f / c->rope_factor;
    if (wavelength < high)
        return f;
    double smooth = (c->rope_n_original / wavelength - c->rope_low_freq) /
                    (c->rope_high_freq - c->rope_low_freq);
    return (1 - smooth) * f / c->rope_factor + smooth * f;
}

struct lm_attention *lm_attention_new(const struct lm_config *c, size_t n)
{
    struct lm_attention *a = xcalloc(1, sizeof *a);
    a->config = c;
    a->n = n;
    a->slope = xcalloc(c->n_head, sizeof *a->slope);
    if (c->position == LM_ALIBI)
        alibi_slopes(c->n_head, a->slope);
    if (c->position != LM_ROTARY)
        return a;
    size_t half = c->n_rotary / 2;
    a->cos = xnew(n, half * sizeof *a->cos);
    a->sin = xnew(n, half * sizeof *a->sin);
    for (size_t j = 0; j < half; j++) {
        double f = rope_frequency(c, j);
        for (size_t t = 0; t < n; t++) {
            a->cos[t * half + j] = (float)cos((double)t * f);
            a->sin[t * half + j] = (float)sin((double)t * f);
        }
    }
    return a;
}

void lm_attention_free(struct lm_attention *a)
{
    if (!a)
        return;
    free(a->slope);
    free(a->cos);
    free(a->sin);
    free(a);
}

static void rotate_row(const struct lm_attention *a, float *heads, size_t n_head, size_t stride,
                       size_t position)
{
    size_t half = a->config->n_rotary / 2;
    for (size_t h = 0; h < n_head; h++)
        kernel_rotate(heads + h * stride, 2 * half, a->cos + position * half, a->sin + position * half);
}

void lm_attention_rotate(const struct lm_attention *a, const struct lm_heads *q, const struct lm_heads *k,
                         size_t from, size_t n, const uint32_t *position)
{
    if (!a->cos)
        return;
    for (size_t i = 0; i < n; i++) {
        rotate_row(a, q->base + (from + i) * q->row_stride, a->config->n_head, q->head_stride, position[i]);
        rotate_row(a, k->base + (from + i) * k->row_stride, a->config->n_kv_head, k->head_stride,
                   position[i]);
    }
}

/* ---- the sums */

/* What one thread works in; rows are filled up with zeros to multiples of GEMM_ROWS. */
struct scratch {
    float *q, *out; /* [GEMM_ROWS][d_head] */
    float *k, *v;   /* [n][d_head] of one head of a sequence */
    float *score;   /* [GEMM_ROWS][n] */
};

struct job {
    const struct lm_attention *a;
    const struct lm_heads *q, *k, *v;
    const size_t *start;
    const struct dropout *drop;
    float *out;
    struct scratch *scratch; /* one a thread */
};

/* The rows [row, row + n) of a sequence that begins at `first`, with as many keys as the block's last row
 * sees. */
static void attend_block(const struct job *j, struct scratch *s, size_t h, size_t first, size_t row, size_t n)
{
    const struct lm_config *c = j->a->config;
    size_t d = c->d_head, n_key = row + GEMM_ROWS;
    attention_gather(j->q, h, first + row, n, GEMM_ROWS, d, s->q);
    gemm_block_nt(GEMM_ROWS, n_key, d, (float)(1 / sqrt((double)d)), s->q, d, s->k, d, 0, s->score, n_key);
    for (size_t i = 0; i < GEMM_ROWS; i++)
        kernel_softmax(s->score + i * n_key, n_key, row + i + 1, 1, j->a->slope[h]);
    for (size_t i = 0; i < n && j->drop; i++)
        dropout_row(j->drop, (first + row + i) * c->n_head + h, s->score + i * n_key, row + i + 1);
    gemm_block_nn(GEMM_ROWS, d, n_key, 1, s->score, n_key, s->v, d, 0, s->out, d);
    for (size_t i = 0; i < n; i++)
        memcpy(j->out + (first + row + i) * c->n_head * d + h * d, s->out + i * d, d * sizeof *s->out);
}

/* One head of one sequence. */
static void attend(void *ctx, size_t task, int worker)
{
    const struct job *j = ctx;
    const struct lm_config *c = j->a->config;
    struct scratch *s = &j->scratch[worker];
    size_t h = task % c->n_head, seq = task / c->n_head, first = j->start[seq], n = j->start[seq + 1] - first;
    size_t kv = h / (c->n_head / c->n_kv_head);
    attention_gather(j->k, kv, first, n, attention_rounded(n), c->d_head, s->k);
    attention_gather(j->v, kv, first, n, attention_rounded(n), c->d_head, s->v);
    for (size_t row = 0; row < n; row += GEMM_ROWS)
        attend_block(j, s, h, first, row, n - row < GEMM_ROWS ? n - row : GEMM_ROWS);
}

void lm_attention_run(const struct lm_attention *a, const struct lm_heads *q, const struct lm_heads *k,
                      const struct lm_heads *v, const size_t *start, size_t n_seq, const struct dropout *drop,
                      float *out, int n_thread)
{
    size_t longest = 0, d = a->config->d_head;
    for (size_t i = 0; i < n_seq; i++)
        longest = start[i + 1] - start[i] > longest ? start[i + 1] - start[i] : longest;
    size_t n = attention_rounded(longest), each = 2 * GEMM_ROWS * d + 2 * n * d + GEMM_ROWS * n;
    struct scratch *s = xcalloc((size_t)n_thread, sizeof *s);
    float *room = xaligned((size_t)n_thread, each * sizeof *room);
    for (int i = 0; i < n_thread; i++) {
        s[i].q = room + (size_t)i * each;
        s[i].out = s[i].q + GEMM_ROWS * d;
        s[i].k = s[i].out + GEMM_ROWS * d;
        s[i].v = s[i].k + n * d;
        s[i].score = s[i].v + n * d;
    }
    struct job j = { a, q, k, v, start, drop, out, s };
    threads_for(n_thread, n_seq * a->config->n_head, attend, &j);
    free(room);
    free(s);
}
