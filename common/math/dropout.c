/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/dropout.h"
#include "base/vector.h"

/* The finaliser of splitmix64 (Steele, Lea & Flood 2014), over one word more. */
static uint64_t mix(uint64_t key, uint64_t word)
{
    uint64_t z = (key ^ word) + 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

struct dropout dropout_at(double rate, uint64_t seed, uint64_t step, uint64_t site, uint64_t part)
{
    double keep = (1 - rate) * 0x1p32;
    struct dropout d = { .limit = keep < 0x1p32 - 1 ? (uint32_t)keep : UINT32_MAX };
    d.key = mix(mix(mix(mix(0, seed), step), site), part);
    d.scale = (float)(1 / (1 - rate));
    return d;
}

/* 32 random bits for each i: Wellons' hash of two rounds (2018), of i and both halves of the key. */
VECTOR_CLONES
static void dropout_clones(uint32_t low, uint32_t high, uint32_t limit, float scale, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t h = (uint32_t)i * 0x9e3779b9u + low;
        h = (h ^ h >> 16) * 0x21f0aaadu;
        h = (h ^ h >> 15 ^ high) * 0xd35a2d97u;
        h ^= h >> 15;
        x[i] = h < limit ? x[i] * scale : 0;
    }
}

void dropout_row(const struct dropout *d, uint64_t row, float *x, size_t n)
{
    uint64_t key = mix(d->key, d->first + row);
    dropout_clones((uint32_t)key, (uint32_t)(key >> 32), d->limit, d->scale, x, n);
}
