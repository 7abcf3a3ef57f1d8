/* damage.h - what a change to a model costs it in predicting text.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_DAMAGE_H
#define LM_DAMAGE_H
#include "lm/score.h"
#include <stddef.h>
#include <stdint.h>

/* Sums over tokens; those of the logarithms in nats. */
struct lm_damage {
    uint64_t n, n_agree;              /* tokens; those where both models find the same one likeliest */
    double nll, ref_nll, kl, squares; /* of (p - ref_p)^2 of the right token's probability */
};
void lm_damage_add(struct lm_damage *to, const struct lm_damage *more);

/* Of one token, under the changed model and the one that it is held against; c says how these differ, and is
 * NULL where they are the same. 0; or LM_DAMAGE_NOT_FINITE, or LM_DAMAGE_KL if the logits are too large for
 * their KL divergence. *d is set in any case. */
enum { LM_DAMAGE_NOT_FINITE = -1, LM_DAMAGE_KL = -2 };
int lm_damage_of(const struct lm_score *s, const struct lm_score *ref, const struct lm_contrast *c,
                 struct lm_damage *d);

/* Whether guessing, all tokens of the vocabulary being as likely, has a smaller nll: beyond that nll ranks
 * nothing. */
int lm_damage_beyond_guessing(const struct lm_damage *d, size_t vocab_size);

/* The same as figures, means over the tokens; NaN where there are none, those of a byte where `bytes`, that
 * the tokens stand for, is 0. ref_ is of the model that it is held against. */
struct lm_figures {
    double nll, perplexity, bits_per_byte, ref_nll, ref_perplexity, ref_bits_per_byte;
    double delta_nll, delta_bits_per_byte, degradation; /* (perplexity - ref_perplexity) / ref_perplexity */
    double kl, top1_agreement;
    double rms_delta_p; /* root of the mean of squares */
};
/* is_ranked: the deltas and the degradation are given; else they are NaN. */
struct lm_figures lm_damage_figures(const struct lm_damage *d, uint64_t bytes, int is_ranked);

#endif
