/* variants.h - a model whose chosen matrices are there in several ways: as they are, and quantised in each.
 * Layer: weights. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_VARIANTS_H
#define WEIGHTS_VARIANTS_H
#include "lm/outerror.h"
#include "lm/pieces.h"
#include "weights/made.h"
#include "weights/trial.h"

/* Way i is trial i. */
struct variants {
    struct trials *trials;   /* borrowed */
    struct lm_pieces *parts; /* what the trials' items choose */
    struct made *made;       /* [n_way][parts->n_matrix] once the model has been read; see lm_pieces_slot */
    struct variants_one *change; /* of the model */
};

/* Parts of the model that c is of; ends the program if no matrix is chosen. */
void variants_init(struct variants *v, struct trials *t, const struct lm_checkpoint *c,
                   enum lm_pieces_kind kind);
void variants_clear(struct variants *v);

/* The model, which the caller frees before v; part i in way k of it is lm_pieces_case(v->parts, i, k, n_way).
 * It keeps its parts. */
struct lm_model *variants_model(struct variants *v, struct lm_checkpoint *c, enum gemm_precision precision,
                                int n_thread);

/* Whether way i leaves the model as it is. */
int variants_is_idle(const struct variants *v, size_t way);

/* The column errors of what the ways made of a matrix, for lm_outerror_new; ctx is v. */
lm_outerror_columns variants_columns;

/* Sums over the matrices of a part. */
struct variants_sum {
    uint64_t n, bytes; /* weights; bytes that they take packed */
    double squares, as_gauss, as_laplace;
    int in_layers; /* some of them are */
};
struct variants_sum variants_sum(const struct variants *v, size_t part, size_t way);
/* The same of what has been seen of their outputs on a group's text: of those in the layers. */
struct lm_outerror_sums variants_outerror(const struct variants *v, size_t part, size_t way,
                                          const struct lm_outerror *seen, size_t group);

#endif
