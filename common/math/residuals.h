/* residuals.h - what is left of a column when others are taken out of it, by least squares.  Layer: math.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_RESIDUALS_H
#define MATH_RESIDUALS_H
#include <stddef.h>

/* Turns the k columns z[k][n] (one after the other) into an orthonormal basis of what they and a constant
 * span, less the constant, by Gram-Schmidt, each column twice ("twice is enough": Giraud et al. 2005).
 * Columns that depend on the constant and those before, all but 1e-7 of their deviations (R's lm), are left
 * out. Returns how many columns the basis, at the start of z, has. */
size_t residuals_basis(double *z, size_t n, size_t k);

/* Replaces v[n] by its residuals from a regression on a constant and the basis, divided by the power of two
 * that keeps their squares in the range of doubles. Returns 0; or -1 when, to within rounding (1e-13 of its
 * deviations), nothing is left. */
int residuals_take(const double *basis, size_t rank, double *v, size_t n);

#endif
