/* half.h - numbers in 16 bits, as bits: to f32 exactly, from f32 rounded to nearest even.  Layer: base.
 * Plain arithmetic that loops over arrays vectorise, on any machine.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_HALF_H
#define BASE_HALF_H
#include <stdint.h>
#include <string.h>

static inline float half_of_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline uint32_t half_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float half_bf16_to_f32(uint16_t h)
{
    return half_of_bits((uint32_t)h << 16);
}

/* A NaN keeps the payload that fits, and stays a NaN when none does. */
static inline uint16_t half_f32_to_bf16(float f)
{
    uint32_t u = half_bits(f), nan = u >> 16;
    uint32_t number = (u + 0x7fff + (nan & 1)) >> 16;
    nan |= (nan & 0x7f) ? 0 : 0x40;
    return (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? nan : number);
}

/* Exponent and mantissa move to their places in f32; a product with 2^112 then makes up for the two biases,
 * for subnormals too. What came out at 2^16 or above was infinity or NaN. */
static inline float half_f16_to_f32(uint16_t h)
{
    uint32_t u = (h & 0x7fffu) << 13;
    uint32_t number = half_bits(half_of_bits(u) * 0x1p112f), special = u | 0x7f800000;
    return half_of_bits((u >= 0x0f800000 ? special : number) | (h & 0x8000u) << 16);
}

/* Below the least normal number, 2^-14, adding 0.5 leaves the subnormal's bits at the foot of the sum,
 * rounded by the addition; above, the bias changes and rounding may carry into the exponent and on to
 * infinity. */
static inline uint16_t half_f32_to_f16(float f)
{
    uint32_t u = half_bits(f), a = u & 0x7fffffff, sign = (u >> 16) & 0x8000;
    uint32_t subnormal = half_bits(half_of_bits(a) + 0.5f) - half_bits(0.5f);
    uint32_t normal = (a - ((127 - 15) << 23) + 0xfff + ((a >> 13) & 1)) >> 13;
    uint32_t payload = (a >> 13) & 0x3ff, nan = 0x7c00 | (payload ? payload : 0x200);
    uint32_t r = a < 0x38800000 ? subnormal : normal;
    r = a >= 0x47800000 ? 0x7c00 : r;
    r = a > 0x7f800000 ? nan : r;
    return (uint16_t)(r | sign);
}

#endif
