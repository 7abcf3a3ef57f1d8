/* outerror.h - how far off the outputs of changed matrices are, on the inputs that a text gives them.
 * Layer: lm.
 * For a matrix W [n_out][n_in] that a variant has as W + D, and an input x in the model as it is: |D x|^2,
 * whose mean over tokens is tr(D C D^T), C the second moment of x (what GPTQ minimises); its diagonal part
 * sum_j x_j^2 |D_j|^2 over the columns of D (llama.cpp's importance matrix); and |W x|^2.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_OUTERROR_H
#define LM_OUTERROR_H
#include "lm/forward.h"
#include <stdint.h>

struct lm_outerror;
/* Looks at variants 1..n_variant of the matrices in the layers of m, and sums over the tokens of each group.
 * columns(ctx, ...) gives |D_j|^2 of each column, [n_in], of what a variant makes of a matrix; NULL: it does
 * not change it. All is borrowed. */
typedef const double *lm_outerror_columns(void *ctx, int layer, enum lm_role role, size_t variant);
struct lm_outerror *lm_outerror_new(struct lm_model *m, size_t n_variant, size_t n_group,
                                    lm_outerror_columns *columns, void *ctx, int n_thread);
void lm_outerror_free(struct lm_outerror *o);

/* For a forward pass of variant 0 over tokens of these groups, LM_NO_GROUP being left out; borrowed. */
#define LM_NO_GROUP SIZE_MAX
struct lm_tap lm_outerror_tap(struct lm_outerror *o, const size_t *group_of_row);

/* Sums of a group so far, in the order of its tokens, whatever the batches were; all 0 of what is not
 * changed. */
struct lm_outerror_sums {
    double error, diagonal, output; /* |D x|^2, sum_j x_j^2 |D_j|^2, |W x|^2 */
};
struct lm_outerror_sums lm_outerror_sum(const struct lm_outerror *o, int layer, enum lm_role role,
                                        size_t variant, size_t group);

#endif
