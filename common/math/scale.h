/* scale.h - powers of two that keep squares and products in the range of doubles.  Layer: math.
 * Dividing by them changes no digit. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_SCALE_H
#define MATH_SCALE_H
#include <math.h>
#include <stddef.h>

/* The e for which most / 2^e is near 1: in [1/2, 1) unless e had to be -1000 at least, and 1023 at most, for
 * 2^e and 2^-e to be doubles. 0 for 0 and for what is not finite. */
static inline int scale_exponent(double most)
{
    int e = 0;
    if (isfinite(most))
        frexp(most, &e);
    return e < -1000 ? -1000 : e > 1023 ? 1023 : e;
}

/* The same for the largest of |x[0..n-1]|. */
static inline int scale_exponent_of(const double *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    return scale_exponent(most);
}

#endif
