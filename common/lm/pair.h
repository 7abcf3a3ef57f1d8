/* pair.h - channels between two parts of a layer that can be rescaled without changing the model.  Layer: lm.
 *
 * What one part writes, another reads, and nothing between bends it or looks at it: multiply a channel where
 * it is read, divide it where it is written, and the model computes what it did (Nagel et al. 2019, arXiv
 * 1906.04721, section 4.1). With powers of two not even a bit of it changes in floating point, as long as
 * nothing over- or underflows. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_PAIR_H
#define LM_PAIR_H
#include "lm/config.h"

enum lm_pair {
    LM_PAIR_VO, /* values, mixed over positions with weights that sum to 1, and the output projection */
    LM_PAIR_NORM_ATTN, /* gain and bias of the norm in front of q, k and v, and these */
    LM_PAIR_NORM_MLP,  /* of the norm in front of the MLP, and its gate and up */
    LM_PAIR_UP_DOWN,   /* up and down; behind a ReLU, or times an activated gate that stays as it is */
    LM_N_PAIR
};
enum lm_pair_end { LM_PAIR_NEITHER, LM_PAIR_WRITES, LM_PAIR_READS };

/* "vo", "norm-attn", ...; lm_pair_find: -1 if there is none of that name. */
const char *lm_pair_name(enum lm_pair pair);
int lm_pair_find(const char *name);

/* Why the model has no such pair that is exact; NULL if it has. */
const char *lm_pair_refuses(const struct lm_config *c, enum lm_pair pair);

/* How many channels a layer's pair has, and at which of its ends the tensor at p is. */
size_t lm_pair_channels(const struct lm_config *c, enum lm_pair pair);
enum lm_pair_end lm_pair_end(const struct lm_config *c, enum lm_pair pair, const struct lm_place *p);

/* The channel of output i of a tensor that writes, or of input i of one that reads; -1: of none, as a query
 * in a fused matrix. */
long lm_pair_channel(const struct lm_config *c, enum lm_pair pair, const struct lm_place *p, size_t i);

#endif
