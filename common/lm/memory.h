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
    float **k; /* [n_layer]: [n_seq][n_kv_head][d_head][room], so that a query meets all keys at once */
    float **v; /* [n_layer]: [n_seq][n_kv_head][room][d_head] */
};

struct lm_memory *lm_memory_new(const struct lm_config *c, size_t n_seq, size_t room);
void lm_memory_free(struct lm_memory *m);

/* What one token of one sequence takes. */
size_t lm_memory_token_bytes(const struct lm_config *c);

/* Puts rows [start[i], start[i + 1]) of k and v behind what a layer has of sequence seq + i, i < n_seq. They
 * count once all layers have theirs, by lm_memory_grow. There is room. */
void lm_memory_add(struct lm_memory *m, int layer, size_t seq, const size_t *start, size_t n_seq,
                   const struct lm_heads *k, const struct lm_heads *v);
void lm_memory_grow(struct lm_memory *m, const size_t *start, size_t n_seq);

/* lm_attention_run (lm/attention.h) of rows that have been added: with the keys and values of all that their
 * sequences have had, too. A row at a time, in an order of its own: the same up to rounding, and the same to
 * the last bit however a sequence is cut. */
void lm_memory_attend(const struct lm_memory *m, const struct lm_attention *a, int layer, size_t seq,
                      const size_t *start, size_t n_seq, const struct lm_heads *q, float *out, int n_thread);

#endif
