/* run.h - a batch of sequences through one model or several at once, layer by layer.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_RUN_H
#define LM_RUN_H
#include "lm/forward.h"

/* One model's side of a run. Several may share a model, each with a variant of its own. */
struct lm_run {
    struct lm_model *model;
    size_t variant;
    struct lm_forward *forward;
    float *x; /* [n_token][d_model] the residual stream; then [n_token][d_embed], what the head multiplies:
                 room for the larger */
};

/* Takes all sides from the ids to the head, the parts of each model being read, used by all and dropped in
 * turn. Variants that begin with the same parts are run once through these, so the
 * forward of a side beside others remembers nothing (lm_forward_remember). `layer_done`, unless NULL, is
 * called behind each layer. 0; or -1: *bad is the side whose lm_model_error says why. */
int lm_run_batch(struct lm_run *run, size_t n_run, const struct lm_text *t,
                 void (*layer_done)(int layer, int n_layer), size_t *bad);

#endif
