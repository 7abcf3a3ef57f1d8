/* cholesky.h - the triangular factor of a symmetric matrix.  Layer: math.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_CHOLESKY_H
#define MATH_CHOLESKY_H
#include <stddef.h>

/* a[n][n], symmetric, of which only the diagonal and what is above it is read, becomes the upper triangle V
 * of a = V^T V; what is below the diagonal is left alone. By blocks, in double; the same bytes for any
 * n_thread and on any processor. 0; or -1, a being spoilt, when a is not positive definite (or not finite).
 */
int cholesky_factor(double *a, size_t n, int n_thread);

#endif
