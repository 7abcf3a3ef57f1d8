/* model.h - the weights of a model, a part at a time, ready to be multiplied.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_MODEL_H
#define LM_MODEL_H
#include "io/tensor.h"
#include "lm/checkpoint.h"
#include "lm/config.h"
#include "math/gemm.h"
#include <stdint.h>

/* A matrix [n_out][n_in], or the vector [n_out] of a norm (n_in 0), with its bias. Absent: all zeros. */
struct lm_weight {
    size_t n_out, n_in;
    const float *w;             /* NULL when `packed` needs it no more */
    const float *bias;          /* [n_out] or NULL */
    struct gemm_weight *packed; /* of matrices that multiply activations */
};

/* What a model is made of for a forward pass: the weights by role of one part. */
struct lm_part {
    struct lm_weight weight[LM_N_ROLE];
};

/* Makes another model of this one while it is read. Both are asked for matrices and tables only, in the order
 * of the checkpoint. */
struct lm_change {
    /* What becomes of a matrix: 0, nothing: it is shared with the model as it is; else a number. Changes that
     * give a matrix one number make the same of it: the first does, the others share that. */
    size_t (*way)(void *ctx, const struct lm_place *p, const char *name);
    /* Changes w[n_out][n_in] (gpt2's have been turned around), which is then rounded to the checkpoint's
     * dtype, as if it had been written to a file. 0; or -1 and a reason in why: reading fails. */
    int (*change)(void *ctx, const struct lm_place *p, const char *name, enum tensor_dtype dtype, float *w,
                  size_t n_out, size_t n_in, char why[LM_WHY_MAX]);
    void *ctx;
};

struct lm_model;

/* Takes the checkpoint over. variant 0 is the model as it is; each of the n_change others is it changed.
 * `keep`: parts stay in memory for good, else until lm_model_drop. */
struct lm_model *lm_model_new(struct lm_checkpoint *c, enum gemm_precision precision, int n_thread,
                              const struct lm_change *change, size_t n_change, int keep);
const struct lm_config *lm_model_config(const struct lm_model *m);
void lm_model_free(struct lm_model *m);

/* The weights of a part: layer -1 is what comes before the layers, n_layer what comes behind them. Reads on
 * until all of it is there; parts that come before their time wait in memory. NULL: see lm_model_error.
 * Borrowed until the part is dropped. The embedding and the head are not among them: see below. */
const struct lm_part *lm_model_part(struct lm_model *m, size_t variant, int layer);
void lm_model_drop(struct lm_model *m, int layer);
const char *lm_model_error(const struct lm_model *m);

/* Rows of the embedding [vocab_size][d_embed] for ids[0..n-1], each below vocab_size, as floats into
 * out[n][d_embed]. 0; -1: see lm_model_error. */
int lm_model_embed(struct lm_model *m, size_t variant, const uint32_t *ids, size_t n, float *out);

/* Whether two variants share the embedding, or the head; all the weights of a part (as in lm_model_part): of
 * what has been read. */
int lm_model_same_embed(const struct lm_model *m, size_t a, size_t b);
int lm_model_same_head(const struct lm_model *m, size_t a, size_t b);
int lm_model_same_part(const struct lm_model *m, size_t a, size_t b, int layer);
/* Rows [from, from + n) of the head made ready; the caller frees it before asking for other rows. NULL: see
 * lm_model_error. */
struct gemm_weight *lm_model_head_block(struct lm_model *m, size_t variant, size_t from, size_t n);

/* For those who must know a model again: asks, before anything is read, for a number of all tensors' places,
 * dtypes and data, and of the config's text, whatever file or stream they come from, in any order; and gives
 * that of what has been read. */
void lm_model_want_fingerprint(struct lm_model *m);
uint64_t lm_model_fingerprint(const struct lm_model *m);

/* Reads a checkpoint that can be walked again from its beginning; drops all parts unless they are kept. */
int lm_model_again(struct lm_model *m);

#endif
