/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/memory.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

/* Floats of a token in a layer. */
static size_t width_of(const struct lm_config *c)
{
    return 2 * c->n_kv_head * c->d_head;
}

size_t lm_memory_token_bytes(const struct lm_config *c)
{
    return (size_t)c->n_layer * width_of(c) * sizeof(float);
}

struct lm_memory *lm_memory_new(const struct lm_config *c, size_t n_seq, size_t room)
{
    struct lm_memory *m = xcalloc(1, sizeof *m);
    *m = (struct lm_memory){ .config = c, .n_seq = n_seq, .room = room };
    m->n = xcalloc(n_seq, sizeof *m->n);
    m->kv = xcalloc((size_t)c->n_layer, sizeof(*m->kv));
    for (int layer = 0; layer < c->n_layer; layer++)
        m->kv[layer] = xaligned(n_seq * room, width_of(c) * sizeof **m->kv);
    return m;
}

void lm_memory_free(struct lm_memory *m)
{
    if (!m)
        return;
    for (int layer = 0; layer < m->config->n_layer; layer++)
        free(m->kv[layer]);
    free(m->kv);
    free(m->n);
    free(m);
}

struct lm_past lm_memory_past(const struct lm_memory *m, int layer, size_t seq)
{
    size_t width = width_of(m->config), d = m->config->d_head;
    float *row = m->kv[layer] + seq * m->room * width;
    return (struct lm_past){ m->n + seq, m->room, { row, width, d }, { row + width / 2, width, d } };
}

static void copy_heads(const struct lm_config *c, const struct lm_heads *to, size_t row_to,
                       const struct lm_heads *from, size_t row_from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < c->n_kv_head; h++)
            memcpy(to->base + (row_to + i) * to->row_stride + h * to->head_stride,
                   from->base + (row_from + i) * from->row_stride + h * from->head_stride,
                   c->d_head * sizeof *to->base);
}

void lm_memory_add(struct lm_memory *m, int layer, size_t seq, const size_t *start, size_t n_seq,
                   const struct lm_heads *k, const struct lm_heads *v)
{
    struct lm_past past = lm_memory_past(m, layer, seq);
    for (size_t i = 0; i < n_seq; i++) {
        size_t to = i * m->room + past.n[i], n = start[i + 1] - start[i];
        copy_heads(m->config, &past.k, to, k, start[i], n);
        copy_heads(m->config, &past.v, to, v, start[i], n);
    }
}

void lm_memory_grow(struct lm_memory *m, const size_t *start, size_t n_seq)
{
    for (size_t i = 0; i < n_seq; i++)
        m->n[i] += start[i + 1] - start[i];
}
