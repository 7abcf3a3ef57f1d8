/* kernel_parts.h - what loops over rows of floats are made of, to be vectorised where they are used.  Layer:
 * math. Functions of one number, without branches, and sums with a fixed number of lanes. For kernels.c and
 * kernels_back.c. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_KERNEL_PARTS_H
#define MATH_KERNEL_PARTS_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

INLINE uint32_t to_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

/* exp(x): x = n ln 2 + r, |r| <= ln(2) / 2, by the best polynomial of degree 6 whose first terms are 1 + r.
 * ln 2 in two parts, the first with few enough digits that n times it is exact. Adding 1.5 * 2^23 rounds to a
 * whole number and leaves it in the low bits. */
struct reduced {
    float n_shifted, r;
};

INLINE struct reduced reduce(float x)
{
    float shifted = x * 1.44269504f + 0x1.8p23f, n = shifted - 0x1.8p23f;
    return (struct reduced){ shifted, (x - n * 0x1.62ep-1f) - n * 0x1.0bfbe8p-15f };
}

INLINE float exp_reduced(float r)
{
    float p = 0.00139504916f;
    p = p * r + 0.0083688898f;
    p = p * r + 0.041666206f;
    p = p * r + 0.166665182f;
    p = p * r + 0.5f;
    return p * (r * r) + r + 1.0f;
}

/* For any x: the power of two comes in two factors, so that results go down to the smallest numbers and up to
 * infinity. */
INLINE float exp_of(float x)
{
    x = x > 89.0f ? 89.0f : x;
    x = x < -104.0f ? -104.0f : x;
    struct reduced d = reduce(x);
    int32_t k = (int32_t)(to_bits(d.n_shifted) << 9) >> 9, half = k >> 1;
    return exp_reduced(d.r) * from_bits((uint32_t)(half + 127) << 23) *
           from_bits((uint32_t)(k - half + 127) << 23);
}

/* For x <= 0, where most exponentials are taken; 0 instead of results below 2^-125. */
INLINE float exp_below(float x)
{
    struct reduced d = reduce(x);
    float e = exp_reduced(d.r) * from_bits((to_bits(d.n_shifted) << 23) + 0x3f800000u);
    return x < -86.6f ? 0 : e;
}

/* exp(x + rest), the same with a small rest beyond the digits of x. */
INLINE float exp_below_sum(float x, float rest)
{
    struct reduced d = reduce(x);
    float e = exp_reduced(d.r + rest) * from_bits((to_bits(d.n_shifted) << 23) + 0x3f800000u);
    return x < -86.6f ? 0 : e;
}

/* 1 / (1 + exp(-x)), by an exponential that does not overflow */
INLINE float logistic(float x)
{
    float e = exp_below(x < 0 ? x : -x);
    return (x < 0 ? e : 1.0f) / (1.0f + e);
}

/* Phi(x) of the normal distribution. Phi(-t) = exp(-t^2 / 2) u Q(u), u = 1 / (1 + 0.35 t): what is left of
 * erfc when its exponential is taken out is nearly flat in u, and Q, of degree 8 about u = 1/2, is its best
 * polynomial in relative error. t^2 in two parts, as the exponential would make rounding errors of large
 * squares larger. */
INLINE float normal_cdf(float x)
{
    float t = x < 0 ? -x : x;
    t = t > 15.0f ? 15.0f : t; /* beyond, the result is 0 or 1 */
    float u = 1.0f / (1.0f + 0.35f * t), v = u - 0.5f;
    float q = -0.0291594751f;
    q = q * v + 0.0274008978f;
    q = q * v + 0.0441638567f;
    q = q * v - 0.0561403893f;
    q = q * v - 0.0817398131f;
    q = q * v + 0.0818708688f;
    q = q * v + 0.284395784f;
    q = q * v + 0.34299162f;
    q = q * v + 0.253244281f;
    float head = from_bits(to_bits(t) & 0xfffff000u), rest = (t - head) * (t + head) * -0.5f;
    float below = exp_below_sum(head * head * -0.5f, rest) * (u * q);
    return x < 0 ? below : 1.0f - below;
}

INLINE float relu(float x)
{
    return x < 0 ? 0 : x;
}

INLINE float gelu(float x)
{
    return x * normal_cdf(x);
}

/* x/2 (1 + tanh z) = x / (1 + exp(-2z)) */
INLINE float gelu_tanh(float x)
{
    return x * logistic(x * (1.59576912f + 0.0713548163f * (x * x)));
}

INLINE float silu(float x)
{
    return x * logistic(x);
}

/* ---- sums: number i goes to lane i % LANES, the lanes are added in pairs */

enum { LANES = 16 };

INLINE double add_lanes(double lane[LANES])
{
    for (int width = LANES / 2; width; width /= 2)
        for (int l = 0; l < width; l++)
            lane[l] += lane[l + width];
    return lane[0];
}

/* Sum of (x[i] - centre)^power, power 1 or 2. */
INLINE double sum_powers(const float *x, size_t n, double centre, int power)
{
    double lane[LANES] = { 0 };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            double d = (double)x[i + (size_t)l] - centre;
            lane[l] += power == 1 ? d : d * d;
        }
    for (int l = 0; i < n; i++, l++) {
        double d = (double)x[i] - centre;
        lane[l] += power == 1 ? d : d * d;
    }
    return add_lanes(lane);
}

/* ---- softmax */

/* Whole numbers in the order of floats; compilers make vectors of their largest, not of floats'. NaN is above
 * all. */
INLINE int32_t rank_of(float x)
{
    int32_t i = (int32_t)to_bits(x);
    return i ^ (i >> 31 & INT32_MAX);
}

INLINE float largest(const float *x, size_t n)
{
    int32_t most = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
        int32_t rank = rank_of(x[i]);
        most = rank > most ? rank : most;
    }
    return from_bits((uint32_t)(most ^ (most >> 31 & INT32_MAX)));
}

/* Sum of exp(x[i] - max), and those into y. Floats in 16 lanes for GROUP numbers, doubles
 * beyond, so that the error stays at a few units in the last place whatever n is. */
enum { GROUP = 256 };
INLINE double sum_exp(const float *x, size_t n, float max, float *y)
{
    double sum = 0;
    for (size_t from = 0; from < n; from += GROUP) {
        size_t end = n - from < GROUP ? n : from + GROUP, i = from;
        float lane[LANES] = { 0 };
        for (; i + LANES <= end; i += LANES)
            for (int l = 0; l < LANES; l++) {
                float e = exp_below(x[i + (size_t)l] - max);
                lane[l] += e;
                y[i + (size_t)l] = e;
            }
        for (int l = 0; i < end; i++, l++) {
            float e = exp_below(x[i] - max);
            lane[l] += e;
            y[i] = e;
        }
        double wide[LANES];
        for (int l = 0; l < LANES; l++)
            wide[l] = lane[l];
        sum += add_lanes(wide);
    }
    return sum;
}

#endif
