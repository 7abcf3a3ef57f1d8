/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/bf16.h"
#include "base/vector.h"
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* The nearest bfloat16, in the upper half; a NaN stays one. */
INLINE uint32_t round_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    uint32_t rounded = u + 0x7fff + (u >> 16 & 1);
    return (x != x ? u | 0x400000 : rounded) & 0xffff0000;
}

VECTOR_CLONES
static void split_bits(const float *x, size_t n, int t, uint16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t first = round_bits(x[i]);
        float left = x[i] - from_bits(first);
        uint32_t second = round_bits(left);
        uint32_t third = round_bits(left - from_bits(second));
        out[i] = (uint16_t)((t == 0 ? first : t == 1 ? second : third) >> 16);
    }
}

VECTOR_CLONES
static void split_floats(const float *x, size_t n, int t, float *out)
{
    for (size_t i = 0; i < n; i++) {
        float first = from_bits(round_bits(x[i]));
        float left = x[i] - first;
        float second = from_bits(round_bits(left));
        float third = from_bits(round_bits(left - second));
        out[i] = t == 0 ? first : t == 1 ? second : third;
    }
}

void bf16_split(const float *x, size_t n, int n_term, uint16_t *const term[])
{
    for (int t = 0; t < n_term; t++)
        split_bits(x, n, t, term[t]);
}

void bf16_split_f32(const float *x, size_t n, int n_term, float *const term[])
{
    for (int t = 0; t < n_term; t++)
        split_floats(x, n, t, term[t]);
}

/* The bits that the terms after the first, and after the second, have in any number. */
VECTOR_CLONES
static void rest_bits(const float *x, size_t n, uint32_t *second, uint32_t *third)
{
    uint32_t any2 = 0, any3 = 0;
    for (size_t i = 0; i < n; i++) {
        float left = x[i] - from_bits(round_bits(x[i]));
        float last = left - from_bits(round_bits(left));
        uint32_t bits2, bits3;
        memcpy(&bits2, &left, sizeof bits2);
        memcpy(&bits3, &last, sizeof bits3);
        any2 |= bits2 << 1; /* -0 is 0 */
        any3 |= bits3 << 1;
    }
    *second = any2;
    *third = any3;
}

int bf16_terms_needed(const float *x, size_t n)
{
    uint32_t second, third;
    rest_bits(x, n, &second, &third);
    return third ? 3 : second ? 2 : 1;
}

VECTOR_CLONES
static void widen(const uint16_t *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = from_bits((uint32_t)x[i] << 16);
}

void bf16_to_f32(const uint16_t *x, size_t n, float *y)
{
    widen(x, n, y);
}
