/* powers.h - sums of the first four powers of up to a chunk of numbers.  Layer: math.
 * Every sum is kept in POWERS_LANES parts, part k over every POWERS_LANES-th number from the k-th: that is
 * what a sum means here, however wide the vectors are that make it, so the digits are those of any machine.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_POWERS_H
#define MATH_POWERS_H
#include "base/half.h"
#include <stddef.h>
#include <stdint.h>

enum { POWERS_CHUNK = 4096, POWERS_LANES = 8 };

/* Numbers that a float holds exactly, as they lie in memory, at any alignment. */
enum powers_type { POWERS_F32, POWERS_BF16, POWERS_F16 };

static inline size_t powers_bytes(enum powers_type type)
{
    return type == POWERS_F32 ? sizeof(float) : sizeof(uint16_t);
}

static inline float powers_at(const void *x, enum powers_type type, size_t i)
{
    uint32_t word;
    uint16_t half;
    if (type == POWERS_F32) {
        memcpy(&word, (const char *)x + i * sizeof word, sizeof word);
        return half_of_bits(word);
    }
    memcpy(&half, (const char *)x + i * sizeof half, sizeof half);
    return type == POWERS_BF16 ? half_bf16_to_f32(half) : half_f16_to_f32(half);
}

/* What is seen on the way: how many |x| > outer, NaN too, and the places, from 0 and rising, of those with
 * inner < |x| <= outer. 0 <= inner <= outer are the caller's. */
struct powers_watch {
    float inner, outer;
    size_t n_beyond, n_between;
    uint16_t between[POWERS_CHUNK];
};

struct powers {
    double sum[4][POWERS_LANES]; /* of x, x^2, x^3, x^4 */
    uint32_t max_abs;            /* as bits, which are in the order of the numbers; NaN above all */
};

/* Of x[0..n-1], n <= POWERS_CHUNK. */
void powers_sum(const void *x, enum powers_type type, size_t n, struct powers_watch *watch,
                struct powers *out);
/* Of x - origin; max_abs is left 0. */
void powers_sum_f64(const double *x, size_t n, double origin, struct powers *out);

/* The lanes of one sum, added up in a fixed order. */
double powers_total(const double lanes[POWERS_LANES]);

#endif
