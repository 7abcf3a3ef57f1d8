/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rng.h"
#include "base/fnv.h"
#include "base/msg.h"
#include <string.h>

/* Steele, Lea & Flood 2014: the finaliser of splitmix64. */
static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void rng_init(struct rng *r, uint64_t seed, uint64_t stream)
{
    uint64_t key = fnv_add(FNV_START, msg_prog(), strlen(msg_prog())) ^ splitmix(&seed);
    rng_init_key(r, splitmix(&key) ^ stream);
}

void rng_init_key(struct rng *r, uint64_t key)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix(&key);
}
