/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/memory.h"
#include "base/mem.h"
#include "base/threads.h"
#include "base/vector.h"
#include "lm/attention_parts.h"
#include "math/kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Floats of a token's keys, or values, in a layer. */
static size_t width_of(const struct lm_config *c)
{
    return c->n_kv_head * c->d_head;
}

size_t lm_memory_token_bytes(const struct lm_config *c)
{
    return 2 * (size_t)c->n_layer * width_of(c) * sizeof(float);
}

struct lm_memory *lm_memory_new(const struct lm_config *c, size_t n_seq, size_t room)
{
    struct lm_memory *m = xcalloc(1, sizeof *m);
    size_t n_layer = (size_t)c->n_layer, width = width_of(c);
    *m = (struct lm_memory){ .config = c, .n_seq = n_seq, .room = room };
    m->n = xcalloc(n_seq, sizeof *m->n);
    m->k = xcalloc(n_layer, sizeof(*m->k));
    m->v = xcalloc(n_layer, sizeof(*m->v));
    for (size_t i = 0; i < n_layer; i++) {
        m->k[i] = xaligned(n_seq * room, width * sizeof **m->k);
        m->v[i] = xaligned(n_seq * room, width * sizeof **m->v);
    }
    return m;
}

void lm_memory_free(struct lm_memory *m)
{
    if (!m)
        return;
    for (int i = 0; i < m->config->n_layer; i++) {
        free(m->k[i]);
        free(m->v[i]);
    }
    free(m->k);
    free(m->v);
    free(m->n);
    free(m);
}

/* Where head h of a sequence's keys, or values, begins. */
static float *head_of(const struct lm_memory *m, float *kv, size_t seq, size_t h)
{
    return kv + (seq * m->config->n_kv_head + h) * m->config->d_head * m->room;
}

static void add_head(struct lm_memory *m, int layer, size_t seq, size_t h, const float *k, const float *v,
                     size_t at)
{
    size_t d = m->config->d_head;
    float *to = head_of(m, m->k[layer], seq, h) + at;
    for (size_t i = 0; i < d; i++)
        to[i * m->room] = k[i];
    memcpy(head_of(m, m->v[layer], seq, h) + at * d, v, d * sizeof *v);
}

void lm_memory_add(struct lm_memory *m, int layer, size_t seq, const size_t *start, size_t n_seq,
                   const struct lm_heads *k, const struct lm_heads *v)
{
    for (size_t i = 0; i < n_seq; i++)
        for (size_t row = start[i]; row < start[i + 1]; row++)
            for (size_t h = 0; h < m->config->n_kv_head; h++)
                add_head(m, layer, seq + i, h, k->base + row * k->row_stride + h * k->head_stride,
                         v->base + row * v->row_stride + h * v->head_stride, m->n[seq + i] + row - start[i]);
}

void lm_memory_grow(struct lm_memory *m, const size_t *start, size_t n_seq)
{
    for (size_t i = 0; i < n_seq; i++)
        m->n[i] += start[i + 1] - start[i];
}

/* ---- attention */

/* score[j] = sum over i of q[i] k[i][j], i in order. */
VECTOR_CLONES
static void recall_scores(const float *restrict q, const float *restrict k, size_t d, size_t room, size_t n,
                          float *restrict score)
{
    for (size_t j = 0; j < n; j++)
        score[j] = 0;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < n; j++)
            score[j] += q[i] * k[i * room + j];
}

/* out[i] = sum over j of p[j] v[j][i], j in order. */
VECTOR_CLONES
static void recall_values(const float *restrict p, const float *restrict v, size_t d, size_t n,
                          float *restrict out)
{
    for (size_t i = 0; i < d; i++)
        out[i] = 0;
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < d; i++)
            out[i] += p[j] * v[j * d + i];
}

struct job {
    const struct lm_memory *m;
    const struct lm_attention *a;
    int layer;
    size_t seq;
    const size_t *start;
    const struct lm_heads *q;
    float *out, *score; /* score: [n_thread][room] */
};

/* One head of one sequence's rows. */
static void attend(void *ctx, size_t task, int worker)
{
    const struct job *j = ctx;
    const struct lm_memory *m = j->m;
    const struct lm_config *c = m->config;
    size_t h = task % c->n_head, i = task / c->n_head, d = c->d_head, kv = h / (c->n_head / c->n_kv_head);
    const float *k = head_of(m, m->k[j->layer], j->seq + i, kv);
    const float *v = head_of(m, m->v[j->layer], j->seq + i, kv);
    float *score = j->score + (size_t)worker * m->room;
    for (size_t row = j->start[i], n = m->n[j->seq + i] + 1; row < j->start[i + 1]; row++, n++) {
        recall_scores(j->q->base + row * j->q->row_stride + h * j->q->head_stride, k, d, m->room, n, score);
        kernel_softmax(score, n, n, (float)(1 / sqrt((double)d)), j->a->slope[h]);
        recall_values(score, v, d, n, j->out + (row * c->n_head + h) * d);
    }
}

void lm_memory_attend(const struct lm_memory *m, const struct lm_attention *a, int layer, size_t seq,
                      const size_t *start, size_t n_seq, const struct lm_heads *q, float *out, int n_thread)
{
    float *score = xaligned((size_t)(n_thread > 1 ? n_thread : 1) * m->room, sizeof *score);
    struct job j = { m, a, layer, seq, start, q, out, score };
    threads_for(n_thread, n_seq * m->config->n_head, attend, &j);
    free(score);
}
