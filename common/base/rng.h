/* rng.h - random numbers that depend on the seed and nothing else.  Layer: base.
 * xoshiro256++ (Blackman & Vigna 2021, ACM TOMS 47:36), its state filled by splitmix64 from a 64-bit key.
 * Work is cut into blocks and each block draws from a stream of its own, so results do not depend on threads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_RNG_H
#define BASE_RNG_H
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* The stream numbered `stream` of `seed`. The program's name (msg_prog) is mixed in, so that two stages given
 * one seed draw differently. */
void rng_init(struct rng *r, uint64_t seed, uint64_t stream);

static inline uint64_t rng_u64(struct rng *r)
{
    uint64_t *s = r->s, sum = s[0] + s[3], result = (sum << 23 | sum >> 41) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    return result;
}

/* The same from a key alone: for draws that have to be alike in several programs. */
void rng_init_key(struct rng *r, uint64_t key);

/* Uniform on 0..n-1, n >= 1, without bias (Lemire 2019, arXiv 1805.10941). */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    uint64_t m = (rng_u64(r) >> 32) * n;
    if ((uint32_t)m < n) {
        uint32_t floor = (uint32_t)-n % n;
        while ((uint32_t)m < floor)
            m = (rng_u64(r) >> 32) * n;
    }
    return (uint32_t)(m >> 32);
}

/* Uniform on [0, 1), 53 bits. */
static inline double rng_unit(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

/* The same, but neither 0 nor 1, for what is infinite there. */
static inline double rng_inside(struct rng *r)
{
    double u = rng_unit(r) + 0x1p-54; /* the last one rounds up to 1 */
    return u < 1 ? u : 1 - 0x1p-53;
}

#endif
