/* choose.h - one of many by their logits: the likeliest, or by chance.  Layer: math.
 *
 * Chance is the Gumbel-max trick (Gumbel 1954; Maddison, Tarlow & Minka 2014, arXiv 1411.0030): a token of
 * probability p is chosen for the least E / p, E exponential and each token's own. Two models with one key
 * then choose alike at least (1 - d) / (1 + d) of the time, d their total variation distance, and no draw
 * that knows but one of them can promise more (Bavarian et al. 2016, arXiv 1612.01041).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_CHOOSE_H
#define MATH_CHOOSE_H
#include <stddef.h>
#include <stdint.h>

/* How to choose, in this order. */
struct choose {
    double temperature; /* logits are divided by it; 0: the largest logit, and nothing below counts */
    size_t top_k;       /* of the likeliest only so many; 0: any number */
    double top_p; /* of these as few of the likeliest as together have at least this share (Holtzman et al.
                     2020, arXiv 1904.09751), one at least; 1: all */
};

/* The place of the one chosen of z[0..n-1], n >= 1, none of them NaN and one above -infinity. It depends on
 * `how`, z and key alone. Of equals the first is likelier. `work` has room for n. */
size_t choose_index(const struct choose *how, const float *z, size_t n, uint64_t key, uint32_t *work);

#endif
