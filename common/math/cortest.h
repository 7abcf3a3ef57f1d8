/* cortest.h - inference about correlation coefficients: p values, intervals, comparisons.  Layer: math.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_CORTEST_H
#define MATH_CORTEST_H
#include "math/tails.h"
#include <stddef.h>

enum cortest_coefficient { CORTEST_PEARSON, CORTEST_SPEARMAN, CORTEST_KENDALL };

/* What is wanted. One-sided alternatives have one-sided intervals, from -1 or up to 1 (as R's cor.test). */
struct cortest_how {
    enum tails_alternative alternative;
    double level; /* of the interval, 0 < level < 1 */
    enum { CORTEST_EXACT_AUTO, CORTEST_EXACT_ALWAYS, CORTEST_EXACT_NEVER } exact;
};

/* What comes out. Whatever is undefined, or n too small for, is NaN. */
struct cortest {
    double estimate;
    const char *method; /* of p: "t", "normal", "exact"; "" when there is no p */
    double statistic;   /* t with df degrees of freedom | z | exact: see below */
    double df;          /* NaN unless method is "t" */
    double p;
    double low, high;
    size_t n_given; /* covariates that count: those that are no combination of a constant and others */
};

/* The coefficient of columns v[0..n-1] and v[n..2n-1], held fixed the n_given columns after them (Pearson and
 * Spearman only), with its p and interval; k is out->n_given. Uses v up. `work` is correlation_work_bytes(n)
 * bytes.
 *
 * Pearson: t = r sqrt(df / (1 - r^2)), df = n - 2 - k; with covariates, r of the residuals of least squares.
 * Interval by Fisher's z with standard error 1 / sqrt(n - 3 - k).
 * Spearman: the same on ranks, but with sqrt((1 + rho^2 / 2) / (n - 3 - k)) (Bonett & Wright 2000). Exact,
 * automatically, for n <= 9 pairs without ties or covariates: the share of the n! orders that are at least as
 * extreme; the statistic is then the sum of squared differences of ranks.
 * Kendall: tau-b; z = S / sqrt(var S), the variance corrected for ties (Kendall 1970, ch. 4), no correction
 * for continuity; interval by Fisher's z with sqrt(0.437 / (n - 4)) (Fieller et al. 1957). Exact, without
 * ties, automatically for n < 50 as in R, on demand up to CORTEST_KENDALL_MOST, by the recurrence of the
 * numbers of permutations with k inversions; the statistic is then the number of concordant pairs. */
enum { CORTEST_SPEARMAN_MOST = 9, CORTEST_KENDALL_AUTO = 49, CORTEST_KENDALL_MOST = 170 };
void cortest_columns(enum cortest_coefficient coefficient, double *v, size_t n, size_t n_given,
                     const struct cortest_how *how, void *work, struct cortest *out);

/* Whether the correlations r1 of (x1, y) and r2 of (x2, y) differ, over the same n cases, with r12 between x1
 * and x2 (Meng, Rosenthal & Rubin 1992). The interval is that of atanh r1 - atanh r2. */
struct cortest_difference {
    double z, p, low, high;
};
void cortest_compare(double r1, double r2, double r12, size_t n, const struct cortest_how *how,
                     struct cortest_difference *out);

#endif
