/* beyond.h - how many numbers lie outside an interval around their mean.  Layer: math.
 * The interval is known only when all numbers have been seen. So that they need not be looked at twice, a
 * sample tells beforehand roughly where its ends will be: on the way, numbers far outside are counted, those
 * near the ends kept, and the few kept ones decided at the end. Where the guess was wrong the caller counts
 * again; the result is the same. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_BEYOND_H
#define MATH_BEYOND_H
#include "math/moments.h"
#include <stddef.h>
#include <stdint.h>

/* How many of x[0..n-1], of any alignment, are finite and < low or > high. */
uint64_t beyond_count_f32(const void *x, size_t n, double low, double high);
uint64_t beyond_count_f64(const void *x, size_t n, double low, double high);

/* Guesses how far from 0 the ends of centre +- k sd will be, the centre being the mean or (about_zero) 0:
 * between *inner and *outer, both of them. From the moments of samples, which show by their differences how
 * sure the guess can be. Returns 0; or -1 when it is too vague to be of use. */
int beyond_guess(const struct moments *samples, size_t n_sample, double k, int about_zero, float *inner,
                 float *outer);

/* What one worker has seen. `kept` is the caller's, room for `room` numbers; begin with the rest 0. */
struct beyond_sieve {
    float *kept;
    size_t room, n_kept;
    uint64_t n_beyond;
    int overflowed; /* more to keep than there was room for */
};

/* Takes in what a watch between the guesses saw of the chunk at x; nothing that is not finite counts. */
void beyond_take(struct beyond_sieve *s, const struct powers_watch *watch, const void *x,
                 enum powers_type type);

/* The count for the interval [low, high] over all sieves. Returns 0; or -1 when the guess was wrong or too
 * much had to be kept. */
int beyond_settle(const struct beyond_sieve *sieves, size_t n_sieve, float inner, float outer, double low,
                  double high, uint64_t *count);

#endif
