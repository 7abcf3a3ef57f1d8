/* memory.h - keys and values of sequences that go on, so that each further token costs only itself.  Layer:
 * lm. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_MEMORY_H
#define LM_MEMORY_H
#include "lm/attention.h"

/* n_seq sequences of up to `room` tokens, each of which has had n[i]. */
struct lm_memory {
    const struct lm_config *config; /* borrowed */
    size_t n_seq, room;
    size_t *n;
    float **kv; /* [n_layer]: [n_seq][room][2][n_kv_head][d_head] */
};

struct lm_memory *lm_memory_new(const struct lm_config *c, size_t n_seq, size_t room);
void lm_memory_free(struct lm_memory *m);

/* What one token of one sequence takes. */
size_t lm_memory_token_bytes(const struct lm_config *c);

/* A layer's past of the sequences from `seq` on; borrowed. */
struct lm_past lm_memory_past(const struct lm_memory *m, int layer, size_t seq);

/* Puts rows [start[i], start[i + 1]) of k and v behind what a layer has of sequence seq + i; lm_memory_grow,
 * once all layers have them, counts them. There is room. */
void lm_memory_add(struct lm_memory *m, int layer, size_t seq, const size_t *start, size_t n_seq,
                   const struct lm_heads *k, const struct lm_heads *v);
void lm_memory_grow(struct lm_memory *m, const size_t *start, size_t n_seq);

#endif
