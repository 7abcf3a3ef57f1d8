/* outerror.h - how far off the outputs of changed matrices are, on the inputs that a text gives them.
 * Layer: lm.
 * For a matrix W [n_out][n_in] that a variant has as W + D, and an input x in the model as it is: |D x|^2,
 * whose mean over tokens is tr(D C D^T), C the second moment of x (what GPTQ minimises); its diagonal part
 * sum_j x_j^2 |D_j|^2 over the columns of D (llama.cpp's importance matrix); and |W x|^2.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_OUTERROR_H
#define LM_OUTERROR_H
#include "lm/forward.h"

/* Of rows [from, from + n) of the text and one matrix. */
struct lm_outerror_rows {
    int layer;
    enum lm_role role;
    size_t variant, from, n;
    const double *error, *diagonal, *output; /* [n] */
};

/* What is asked of the caller. */
struct lm_outerror_calls {
    /* |D_j|^2 of each column, [n_in], of what variant makes of the matrix; NULL: it does not change it. */
    const double *(*columns)(void *ctx, int layer, enum lm_role role, size_t variant);
    /* Takes what was found: from one thread, the rows of a matrix in order. */
    void (*see)(void *ctx, const struct lm_outerror_rows *r);
    void *ctx;
};

struct lm_outerror;
/* Looks at variants 1..n_variant of the matrices in the layers of m. All is borrowed. */
struct lm_outerror *lm_outerror_new(struct lm_model *m, size_t n_variant,
                                    const struct lm_outerror_calls *calls, int n_thread);
void lm_outerror_free(struct lm_outerror *o);
/* For a forward pass of variant 0. */
struct lm_tap lm_outerror_tap(struct lm_outerror *o);

#endif
