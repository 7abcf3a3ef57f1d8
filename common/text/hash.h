/* hash.h - a fast hash of a few bytes, for tables in memory.  Layer: text.
 * Multiplies and folds 64-bit words, as wyhash does; values differ between byte orders, so they are never
 * stored. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_HASH_H
#define TEXT_HASH_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 u128;
    u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_bytes(const char *s, size_t n)
{
    const uint64_t k0 = 0x9e3779b97f4a7c15, k1 = 0xd1342543de82ef95;
    uint64_t h = n ^ k1, w = 0;
    for (; n > 8; s += 8, n -= 8) {
        memcpy(&w, s, 8);
        h = hash_mix(h ^ w, k0);
    }
    uint32_t head = 0, tail = 0;
    if (n >= 4) {
        memcpy(&head, s, 4);
        memcpy(&tail, s + n - 4, 4);
    } else if (n) {
        head = (unsigned char)s[0];
        tail = (uint32_t)(unsigned char)s[n / 2] << 8 | (unsigned char)s[n - 1];
    }
    return hash_mix(h ^ ((uint64_t)head << 32 | tail), k0);
}

static inline uint64_t hash_word(uint64_t w)
{
    return hash_mix(w ^ 0xd1342543de82ef95, 0x9e3779b97f4a7c15);
}

#endif
