/* dtile.h - small products of matrices of doubles, the same digits on every processor.  Layer: math.
 * Each result is one sum, in the order of its terms, of products rounded by themselves (nothing is fused: on
 * Zen 3 that is faster, 17 against 12 GFLOP/s of one core), added to what was there; so it depends neither on
 * its neighbours nor on vectors. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_DTILE_H
#define MATH_DTILE_H
#include <stddef.h>

enum { DTILE_LANES = 8 };

/* out[c][r] += sum over k < n_k of a(c, k) b[k][r], for c < n_c and r < n_r, a multiple of DTILE_LANES. a(c,
 * k) is at a[c * stride_c + k * stride_k]; rows of b are ldb doubles apart, those of out ldo. out overlaps
 * neither. On the caller's thread. */
void dtile_add_product(size_t n_c, size_t n_r, size_t n_k, const double *a, size_t stride_c, size_t stride_k,
                       const double *b, size_t ldb, double *out, size_t ldo);

/* Strips: terms of DTILE_LANES neighbours closely behind each other, where a stride of a large power of two
 * would make them share few lines of the first-level cache. b[n_k][n_r], rows ldb doubles apart, as [n_r /
 * DTILE_LANES][n_k] [DTILE_LANES]; n_r is a multiple. */
void dtile_strips(const double *b, size_t ldb, size_t n_k, size_t n_r, double *strips);
/* out[c][r] += sum over k of a(k, c) b(k, r), both strips of n_k terms; n_c and n_r multiples of DTILE_LANES.
 */
void dtile_add_strips(size_t n_c, size_t n_r, size_t n_k, const double *a, const double *b, double *out,
                      size_t ldo);

#endif
