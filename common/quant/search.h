/* search.h - the clip with the least squared error, found without trying all.  Layer: quant.
 *
 * Both ends of a cell's range are shrunk by the same p = 2^(-i/64), i = 0..QUANT_CANDIDATES-1: steps of 1.1 %
 * down to 1/1024 of the range, wide enough for a lone outlier of a thousand sd. What is returned is the first
 * i whose quant_cell_error * scale^2 is least: exactly what trying all would give.
 *
 * How: with levels m * s for whole m, sum (w^ - w)^2 = sum w^2 - 2 s sum_j H(t_j) over the thresholds t_j =
 * (j - 1/2) s, H(t) = sum of (w - t) over w > t, and the same for -w. H is convex, so straight lines between
 * the edges of a histogram are never below it: that gives each candidate a lower bound, and only those that
 * the best found so far does not exclude are tried, beginning with about the clip that was best for the
 * weights before, as rows of a matrix are alike. The search ends where the weights beyond the outer levels
 * alone cost too much. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_SEARCH_H
#define QUANT_SEARCH_H
#include "quant/grid.h"

enum { QUANT_CANDIDATES = 641 };

struct quant_search; /* scratch of one thread */
struct quant_search *quant_search_new(void);
void quant_search_free(struct quant_search *s);

/* The best of w[0..n-1] with range lo..hi, finite and as quant_grid_fit takes them: the i above; or -1 if the
 * scale is too large for its dtype. */
int quant_search_best(struct quant_search *s, enum quant_grid grid, int bits, enum quant_scale scale,
                      const float *w, size_t n, float lo, float hi, int sign);
/* p of candidate i. */
double quant_search_shrink(const struct quant_search *s, int i);

#endif
