/* select.h - quantiles of weights, without sorting them.  Layer: quant.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_SELECT_H
#define QUANT_SELECT_H
#include <stddef.h>

/* The q-quantile (0 <= q <= 1) of x[0..n-1], or with `magnitudes` of |x|: between the two neighbours of place
 * q (n - 1) in order, linearly (type 7 of Hyndman & Fan 1996, what numpy and R do). n >= 1, all finite. */
double select_quantile(const float *x, size_t n, double q, int magnitudes);

#endif
