/* nullsum.h - exact null distributions of sums under rearrangement.  Layer: math.
 * A sum T over blocks that are rearranged each by itself, every arrangement being equally likely:
 *   PAIRING  sum x[i] v[k(i)], k any permutation within the block
 *   LABELS   sum of v over the n_first[block] elements that are chosen in each block
 *   SIGNS    sum of +-v
 * There are too many to walk, so each is split in two: for PAIRING, whichever half of v goes to the first
 * half of x, the sums of either half are sorted and pairs of them are counted by merging: for 14 elements
 * 3432 times 2 x 5040 sums in place of 14! arrangements. LABELS and SIGNS are cut in the middle likewise.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_NULLSUM_H
#define MATH_NULLSUM_H
#include "math/statistic.h"
#include <stdint.h>

/* Every array is there, also where it says nothing. */
struct nullsum {
    enum statistic_null kind; /* not STATISTIC_NO_NULL */
    size_t n_block;
    size_t *block;   /* [n_block + 1] where each begins in x and v */
    size_t *n_first; /* [n_block] for LABELS */
    double *x;       /* for PAIRING */
    double *v;
};

/* Mean and variance of T: closed forms, for any size. */
void nullsum_moments(const struct nullsum *s, double *mean, double *variance);

/* How many arrangements there are (as a double: exact below 2^53), and how many sums would have to be sorted
 * to count them (some 10 ns each): INFINITY when memory (130 MB a thread) or 63-bit counts do not suffice. */
double nullsum_total(const struct nullsum *s);
double nullsum_cost(const struct nullsum *s);

/* How many arrangements have T <= low, and T >= high. The cost must be finite. */
struct nullsum_count {
    uint64_t low, high;
};
struct nullsum_count nullsum_count(const struct nullsum *s, double low, double high, int n_thread);

#endif
