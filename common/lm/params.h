/* params.h - the parameters of a decoder in training: one flat array of floats.  Layer: lm.
 * Every tensor that a checkpoint of the model has, in the order of a forward pass, each as the checkpoint
 * stores it; a head that is tied to the embedding is not among them. Gradients and moments of an optimiser
 * are arrays of the same layout. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_PARAMS_H
#define LM_PARAMS_H
#include "lm/checkpoint.h"
#include <stdint.h>

struct lm_param {
    struct lm_place place;
    char *name;      /* as published: lm_place_text */
    size_t shape[2]; /* of a vector the second is 0 */
    int n_dim;
    size_t offset, n; /* its floats are [offset, offset + n) */
};

struct lm_params {
    const struct lm_config *config; /* borrowed */
    struct lm_param *param;
    size_t n_param;
    size_t n; /* floats in all */
};

struct lm_params *lm_params_new(const struct lm_config *c);
void lm_params_free(struct lm_params *p);

/* The parameter at a place; NULL if the model has none there, or its head is tied. */
const struct lm_param *lm_params_find(const struct lm_params *p, const struct lm_place *place);

/* Fills w[p->n] for the start of a training: matrices with draws from normal(0, init_sd), those whose output
 * is added to the residual stream (attn_out, mlp_down) with init_sd / sqrt(2 n_layer) (Radford et al. 2019);
 * norms 1, biases 0. Each tensor draws from a stream of its own, so it depends on seed, shape and place. */
void lm_params_init(const struct lm_params *p, float *w, uint64_t seed, double init_sd);

/* Fills w[p->n] with the weights of a checkpoint, which has not been read from yet. 0; or -1 and a reason: it
 * cannot be read, or is of another shape or family than p. */
int lm_params_read(const struct lm_params *p, struct lm_checkpoint *c, float *w, char why[LM_WHY_MAX]);

#endif
