/* interval.h - quantiles, and confidence intervals from bootstrap draws.  Layer: math.
 * Davison & Hinkley 1997, chapter 5; Efron 1987 (BCa).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_INTERVAL_H
#define MATH_INTERVAL_H
#include <stddef.h>

/* The p-quantile of n >= 1 ascending values by linear interpolation between order statistics at 1 + (n - 1)
 * p: type 7 of Hyndman & Fan 1996, the default of R and numpy. */
double interval_quantile(const double *sorted, size_t n, double p);

/* Mean and standard deviation, with n - 1, of n >= 1 ascending values; the second is NaN for n = 1. */
void interval_moments(const double *sorted, size_t n, double *mean, double *sd);

enum interval_kind {
    INTERVAL_PERCENTILE, /* quantiles of the draws */
    INTERVAL_BASIC,      /* those mirrored at the estimate */
    INTERVAL_BCA         /* quantiles at levels corrected for bias z0 and acceleration a */
};
struct interval_draws {
    const double *sorted; /* n >= 1, ascending */
    size_t n;
    double estimate, z0, a;
};

/* z0 = Phi^-1((draws below the estimate + half of those equal to it) / n); equal within 1e-12 of the range of
 * the middle two thirds of the draws or 1e-15 of the estimate, as the same rows in another order give sums
 * that differ in the last digit. (The whole range can be 1e16 times theirs: slopes of x that differ by
 * rounding.)
 * +-infinity when all draws lie on one side. */
double interval_z0(const double *sorted, size_t n, double estimate);

/* Ends of the interval into end[2]. Returns 0; 1 when an end asks for more draws than there are, (n + 1) p <
 * 1 or > n, so that it is an extreme draw or next to it; or -1, both ends NaN, when z0 or a is not finite or
 * the corrected levels are beyond reach (1 - a (z0 + z) <= 0). */
int interval_ends(const struct interval_draws *d, enum interval_kind kind, double level, double end[2]);

#endif
