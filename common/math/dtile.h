/* dtile.h - small products of matrices of doubles, the same digits on every processor.  Layer: math.
 * Each result is one sum, in the order of its terms, of products rounded by themselves (nothing is fused); so
 * it depends neither on its neighbours nor on vectors. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_DTILE_H
#define MATH_DTILE_H
#include <stddef.h>

enum { DTILE_LANES = 8 };

/* out[c][r] += sum over k < n_k of a(c, k) b[k][r], for c < n_c and r < n_r, a multiple of DTILE_LANES. a(c,
 * k) is at a[c * stride_c + k * stride_k]; rows of b are ldb doubles apart, those of out ldo. out overlaps
 * neither. On the caller's thread. */
void dtile_add_product(size_t n_c, size_t n_r, size_t n_k, const double *a, size_t stride_c, size_t stride_k,
                       const double *b, size_t ldb, double *out, size_t ldo);

#endif
