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

/* Where the ends will be: low in [low_from, low_to], high in [high_from, high_to]; all numbers with |x| <=
 * watch are inside. */
struct beyond_guess {
    double low_from, low_to, high_from, high_to;
    float watch;
};

/* For the interval centre +- k sd, centre the mean or (about_zero) 0. The moments are those of a sample,
 * which need not be quite random. Returns 0; or -1 when the ends cannot be guessed well enough to be of use.
 */
int beyond_guess(struct beyond_guess *g, const struct moments *sample, double k, int about_zero);

/* What one worker has seen. `kept` is the caller's, room for `room` numbers; begin with the rest 0. */
struct beyond_sieve {
    float *kept;
    size_t room, n_kept;
    uint64_t n_outside;
    int overflowed; /* more to keep than there was room for */
};
void beyond_take(struct beyond_sieve *s, const struct beyond_guess *g, const void *x, size_t n);

/* The count for the interval [low, high] over all sieves. Returns 0; or -1 when the guess was wrong or too
 * much had to be kept. */
int beyond_settle(const struct beyond_sieve *sieves, size_t n_sieve, const struct beyond_guess *g, double low,
                  double high, uint64_t *count);

#endif
