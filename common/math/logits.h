/* logits.h - sums of exponentials over a vocabulary.  Layer: math.
 * In double, with a fixed order of summation: the same digits on every machine.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_LOGITS_H
#define MATH_LOGITS_H
#include <stddef.h>

/* The largest of z[0..n-1], n >= 1, and the place of the first that is; NaN, at 0, if one of them is NaN. */
float logits_max(const float *z, size_t n, size_t *place);

/* sum of exp(z[i] - max), max being at least every z; logits_keep_exp leaves what is summed in e[n]. Each
 * exponential has a relative error below 1e-15, and counts as 0 below exp(-700). */
double logits_sum_exp(const float *z, size_t n, double max);
double logits_keep_exp(const float *z, size_t n, double max, double *e);
/* sum of e[i] (zp[i] - zq[i]). */
double logits_sum_difference(const double *e, const float *zp, const float *zq, size_t n);

#endif
