/* branch.h - a model run again and again with parts of it changed, each time from where the change begins.
 * Layer: lm.
 * What comes before the first changed matrix is the same in every run. The reference's states at the layers'
 * inputs are kept where there is room, so that a run costs only the layers from its change on and the head.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_BRANCH_H
#define LM_BRANCH_H
#include "lm/forward.h"

/* A run with matrices of variant `variant` of the model: in this layer, or in all (-1); of this role, or of
 * all (-1). What is outside the layers is that of variant `outside`. from is the first layer that is not as
 * in variant 0: -1 if what comes before the layers is changed, n_layer if only what comes behind them is. */
struct lm_case {
    size_t variant, outside;
    int layer, role, from;
};

struct lm_branch;
/* For batches of up to n_token tokens, n_kept of the states at layers [0, n_layer] that are marked in
 * wanted[] being kept, each of n_token * d_model floats, and one more. m keeps its parts; all is borrowed. */
struct lm_branch *lm_branch_new(struct lm_model *m, size_t longest, size_t n_token, const char *wanted,
                                size_t n_kept, int n_thread);
void lm_branch_free(struct lm_branch *b);

/* The model as it is, over t, which is borrowed until the next call: what the head multiplies into
 * x[n_token][d_embed], which has room for d_model too. tap may be NULL. 0; -1: see lm_model_error. */
int lm_branch_reference(struct lm_branch *b, const struct lm_text *t, float *x, const struct lm_tap *tap);
/* The same of a case. Cases that come in the order of `from` cost least. */
int lm_branch_run(struct lm_branch *b, const struct lm_case *c, float *x);

#endif
