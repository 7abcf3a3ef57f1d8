/* kure.h - kurtosis of weights as a term of the loss.  Layer: math.
 * Shkolnik et al. 2020, Robust Quantization: One Model to Rule Them All, arXiv 2002.07686.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_KURE_H
#define MATH_KURE_H
#include <stddef.h>

/* The kurtosis b2 = m4 / m2^2 of w[0..n-1], not excess: 3 for a normal, 1.8 for a uniform source. Population
 * moments about the mean. NaN where it is undefined. */
double kure_kurtosis(const float *w, size_t n);

/* Adds scale * d/dw (b2 - target)^2 to grad[n] and returns (b2 - target)^2. With d = w - mean,
 *     d b2 / dw_i = 4/n ((d_i^3 - m3) / m2^2 - m4 d_i / m2^3).
 * NaN, and nothing is added, where the kurtosis is undefined. */
double kure_add(const float *w, size_t n, double target, double scale, float *grad);

#endif
