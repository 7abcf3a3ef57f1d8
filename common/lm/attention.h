/* attention.h - causal self-attention over sequences, without a matrix of all against all.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_ATTENTION_H
#define LM_ATTENTION_H
#include "lm/config.h"
#include "math/dropout.h"
#include <stdint.h>

/* Where head h of q, k or v of a row is: base + row * row_stride + h * head_stride, d_head floats. */
struct lm_heads {
    float *base;
    size_t row_stride, head_stride;
};

/* A row of q, k and v together, apart or fused as the family has it: its floats, and where they are. */
size_t lm_attention_width(const struct lm_config *c);
void lm_attention_heads(const struct lm_config *c, float *qkv, struct lm_heads h[3]);

/* Tables of a model for sequences of up to n tokens. */
struct lm_attention;
struct lm_attention *lm_attention_new(const struct lm_config *c, size_t n);
void lm_attention_free(struct lm_attention *a);

/* Rotates q and k of rows [from, from + n) where the model does so (half-split pairs: element j with
 * j + n_rotary / 2); position[i] is the place of row from + i in its sequence, below the n of
 * lm_attention_new. */
void lm_attention_rotate(const struct lm_attention *a, const struct lm_heads *q, const struct lm_heads *k,
                         size_t from, size_t n, const uint32_t *position);

/* out[row][n_head * d_head] = softmax over the keys up to each row's own of (q k / sqrt(d_head) + ALiBi) v,
 * for the n_seq sequences of rows [start[i], start[i + 1]). Scores exist for 64 rows at a time. A row's
 * result depends on nothing behind it, neither on the sequences beside it nor on threads. The softmax goes
 * through `drop`, NULL for none; head h of row i is row i * n_head + h there. */
void lm_attention_run(const struct lm_attention *a, const struct lm_heads *q, const struct lm_heads *k,
                      const struct lm_heads *v, const size_t *start, size_t n_seq, const struct dropout *drop,
                      float *out, int n_thread);

/* Its derivatives, and those of the rotation: from dout = dL/dout, of the same shape as out, to dq, dk and
 * dv, which are written. q and k are rotated ones. On the caller's thread. */
void lm_attention_back(const struct lm_attention *a, const struct lm_heads *q, const struct lm_heads *k,
                       const struct lm_heads *v, const size_t *start, size_t n_seq,
                       const struct dropout *drop, const float *dout, const struct lm_heads *dq,
                       const struct lm_heads *dk, const struct lm_heads *dv);

#endif
