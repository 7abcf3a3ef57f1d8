/* weighted.h - the clip with the least error where weights do not count alike.  Layer: quant.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_WEIGHTED_H
#define QUANT_WEIGHTED_H
#include "quant/search.h"

/* Of the candidates of search.h the first whose sum of importance[i] (w^[i] - w[i])^2 is least, by trying
 * them from the widest range on, up to where the weights beyond the outer levels alone cost more; arguments
 * as of quant_search_best. With importance[j] = E x_j^2 of the input that column j multiplies this is the
 * diagonal of the error of the layer's output; with all equal, what quant_search_best finds. -1 if the scale
 * is too large for its dtype. */
int weighted_search_best(const struct quant_search *s, enum quant_grid grid, int bits, enum quant_scale scale,
                         const float *w, const double *importance, size_t n, float lo, float hi, int sign);

#endif
