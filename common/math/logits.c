/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/logits.h"
#include "base/vector.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline)) /* into the clones, to be vectorised there */

enum { STRIP = 64 }; /* partial sums, however wide the vectors, added up by halves */

INLINE uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

INLINE double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x) for x <= 0: 2^k exp(r), |r| <= ln 2 / 2, its series to r^13. */
INLINE double exp_of(double x)
{
    const double round = 0x1.8p52, ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    double low = x < -700 ? -700 : x;
    double shifted = low * 0x1.71547652b82fep+0 + round, k = shifted - round;
    double r = (low - k * ln2_high) - k * ln2_low, r2 = r * r, r4 = r2 * r2;
    double p0 = (1 + r) + r2 * (1.0 / 2 + r * (1.0 / 6));
    double p4 = (1.0 / 24 + r * (1.0 / 120)) + r2 * (1.0 / 720 + r * (1.0 / 5040));
    double p8 = (1.0 / 40320 + r * (1.0 / 362880)) + r2 * (1.0 / 3628800 + r * (1.0 / 39916800));
    double p = p0 + r4 * (p4 + r4 * (p8 + r4 * (1.0 / 479001600 + r * (1.0 / 6227020800))));
    double e = p * from_bits((bits_of(shifted) << 52) + bits_of(1.0));
    return x < -700 ? 0 : e;
}

/* The sum of STRIP numbers, by halves. */
INLINE double fold(double *e)
{
    for (int half = STRIP / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            e[i] += e[i + half];
    return e[0];
}

VECTOR_CLONES
static double sum_exp(const float *z, size_t n, double max)
{
    double sum[STRIP] = { 0 };
    for (; n >= STRIP; n -= STRIP, z += STRIP)
        for (int i = 0; i < STRIP; i++)
            sum[i] += exp_of((double)z[i] - max);
    for (size_t i = 0; i < n; i++)
        sum[i] += exp_of((double)z[i] - max);
    return fold(sum);
}

VECTOR_CLONES
static double keep_exp(const float *z, size_t n, double max, double *e)
{
    double sum[STRIP] = { 0 };
    for (; n >= STRIP; n -= STRIP, z += STRIP, e += STRIP)
        for (int i = 0; i < STRIP; i++) {
            e[i] = exp_of((double)z[i] - max);
            sum[i] += e[i];
        }
    for (size_t i = 0; i < n; i++) {
        e[i] = exp_of((double)z[i] - max);
        sum[i] += e[i];
    }
    return fold(sum);
}

VECTOR_CLONES
static double sum_difference(const double *e, const float *zp, const float *zq, size_t n)
{
    double sum[STRIP] = { 0 };
    for (; n >= STRIP; n -= STRIP, e += STRIP, zp += STRIP, zq += STRIP)
        for (int i = 0; i < STRIP; i++)
            sum[i] += e[i] * ((double)zp[i] - (double)zq[i]);
    for (size_t i = 0; i < n; i++)
        sum[i] += e[i] * ((double)zp[i] - (double)zq[i]);
    return fold(sum);
}

/* The largest; *n_nan counts those that are not a number. */
VECTOR_CLONES
static float largest(const float *z, size_t n, size_t *n_nan)
{
    float max[STRIP];
    uint32_t bad[STRIP] = { 0 };
    for (int i = 0; i < STRIP; i++)
        max[i] = -INFINITY;
    for (; n >= STRIP; n -= STRIP, z += STRIP)
        for (int i = 0; i < STRIP; i++) {
            max[i] = z[i] > max[i] ? z[i] : max[i];
            bad[i] += z[i] != z[i];
        }
    for (size_t i = 0; i < n; i++) {
        max[i] = z[i] > max[i] ? z[i] : max[i];
        bad[i] += z[i] != z[i];
    }
    *n_nan = 0;
    for (int i = 0; i < STRIP; i++) {
        max[0] = max[i] > max[0] ? max[i] : max[0];
        *n_nan += bad[i];
    }
    return max[0];
}

double logits_sum_exp(const float *z, size_t n, double max)
{
    return sum_exp(z, n, max);
}

double logits_keep_exp(const float *z, size_t n, double max, double *e)
{
    return keep_exp(z, n, max, e);
}

double logits_sum_difference(const double *e, const float *zp, const float *zq, size_t n)
{
    return sum_difference(e, zp, zq, n);
}

float logits_max(const float *z, size_t n, size_t *place)
{
    size_t n_nan;
    float max = largest(z, n, &n_nan);
    *place = 0;
    if (n_nan)
        return NAN;
    while (z[*place] != max)
        ++*place;
    return max;
}
