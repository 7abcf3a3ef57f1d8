/* dropout.h - masks that are a function of where a number stands, not of what was drawn before.  Layer: math.
 * Inverted dropout (Srivastava et al. 2014): what is kept is divided by the share that is kept.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_DROPOUT_H
#define MATH_DROPOUT_H
#include <stddef.h>
#include <stdint.h>

/* The masks of one site of a model at one step. */
struct dropout {
    uint64_t key;
    uint32_t limit; /* a number is kept if its 32 random bits are below */
    float scale;    /* of what is kept */
    uint64_t first; /* what rows are counted from */
};

/* 0 <= rate < 1; site and part are any numbers that tell masks apart. */
struct dropout dropout_at(double rate, uint64_t seed, uint64_t step, uint64_t site, uint64_t part);

/* In place, x[0..n-1] being row `row` of the site: the same mask each time, forward and backward. */
void dropout_row(const struct dropout *d, uint64_t row, float *x, size_t n);

#endif
