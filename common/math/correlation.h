/* correlation.h - how two columns of numbers go together.  Layer: math.
 * Every function takes n pairs (x[i], y[i]) and returns 0; or -1, leaving its result alone, when the
 * coefficient is undefined: fewer than 2 pairs, a column whose values are all the same, a NaN (Pearson: or an
 * infinity), or 2^32 pairs and more. Nothing here allocates: `work` is the caller's,
 * correlation_work_bytes(n) bytes, aligned for doubles, overwritten; one for each thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_CORRELATION_H
#define MATH_CORRELATION_H
#include <stddef.h>

size_t correlation_work_bytes(size_t n);

/* Pearson's r, in -1..1: two passes in double, with the sums of the second corrected for the rounding of the
 * mean (Chan, Golub & LeVeque 1983). A column of any magnitude will do: it is scaled where squares would
 * leave the range of doubles. */
int correlation_pearson(const double *x, const double *y, size_t n, double *r);

/* Ranks from 1 into rank[n], which may be x; ties get the mean of the ranks that they share. Defined for
 * constant x too. */
int correlation_ranks(const double *x, size_t n, double *rank, void *work);

/* Spearman's rho: Pearson's r of the average ranks. O(n). */
int correlation_spearman(const double *x, const double *y, size_t n, double *rho, void *work);

/* Kendall's tau-b = S / sqrt((n0 - n1)(n0 - n2)). O(n log n) (Knight 1966). */
int correlation_kendall(const double *x, const double *y, size_t n, double *tau, void *work);

/* What inference about tau needs. S and discordant are exact. For ties of t equal values in x (u in y): */
struct correlation_kendall {
    double tau;
    double s;          /* concordant less discordant pairs */
    double discordant; /* pairs ordered one way in x and the other way in y */
    double tied[2];    /* n1 = sum t (t - 1) / 2, tied pairs of x; n2 of y */
    double cubic[2];   /* sum t (t - 1) (t - 2) */
    double spread[2];  /* sum t (t - 1) (2 t + 5) */
};
int correlation_kendall_full(const double *x, const double *y, size_t n, struct correlation_kendall *k,
                             void *work);

#endif
