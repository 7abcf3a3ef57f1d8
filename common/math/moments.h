/* moments.h - mean, spread, skewness and tails of numbers, piece by piece.  Layer: math.
 * Pieces are summed in double and merged by the exact pairwise formulas of Pebay (2008, SAND2008-6212), so
 * any amount of data is one pass in constant memory. Which operations happen, and in which order, depends on
 * the data and on how they are cut, never on the machine or its threads. Fused multiply-adds are asked for by
 * name: a processor without them (x86-64 before 2013) gives the same digits through libm's fma, slowly.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_MOMENTS_H
#define MATH_MOMENTS_H
#include "math/powers.h"
#include <stddef.h>
#include <stdint.h>

/* Of the finite ones among some numbers: M_k = sum (x - mean)^k. {0} is that of none. */
struct moments {
    uint64_t n, n_nonfinite;
    double mean, mean_rest; /* the mean is their sum: differences of means keep all their digits */
    double m2, m3, m4;
    double max_abs;
};

/* A chunk is the most that is summed at once, and stays in the nearest cache. */
enum { MOMENTS_CHUNK = POWERS_CHUNK };

/* The moments of x[0..n-1], n <= MOMENTS_CHUNK, of any alignment; `watch` sees the
 * finite ones on the way. Powers are summed about 0; or, where the mean is not small beside the spread, about
 * the mean in a second look at the chunk. */
void moments_chunk(const void *x, enum powers_type type, size_t n, struct powers_watch *watch,
                   struct moments *out);
void moments_chunk_f64(const void *x, size_t n, struct moments *out);

/* Adds b to a. */
void moments_merge(struct moments *a, const struct moments *b);

/* Merges a sequence of pieces as a balanced binary tree over their places. Begin with {0}, push each piece in
 * order, then ask for the total. */
struct moments_tree {
    struct moments node[48]; /* node[k] covers 2^k pieces, if bit k of n is set */
    uint64_t n;
};
void moments_tree_push(struct moments_tree *tree, const struct moments *piece);
struct moments moments_tree_total(const struct moments_tree *tree);

/* What the moments say. What is undefined is NaN: mean of none, the others of too few, skewness and kurtosis
 * also of numbers that are all equal, each of those whose powers leave the range of doubles.
 * Biased, of the numbers as such: sd = sqrt(M2/n), skewness g1, excess kurtosis g2 = n M4 / M2^2 - 3.
 * Unbiased for a normal source: sd = sqrt(M2/(n-1)), G1 = g1 sqrt(n(n-1))/(n-2),
 * G2 = (n-1)/((n-2)(n-3)) ((n+1) g2 + 6) (Joanes & Gill 1998). kurtosis_se: its standard error for one. */
struct moments_summary {
    double mean, sd, skewness, kurtosis, kurtosis_se;
};
void moments_summarise(const struct moments *m, int unbiased, struct moments_summary *out);

#endif
