/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/select.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

/* A whole number that is greater when x is greater. */
static inline uint32_t key_of(float x, uint32_t keep)
{
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    b &= keep;
    return b >> 31 ? ~b : b | 0x80000000u;
}

static double value_of(uint32_t key)
{
    uint32_t b = key >> 31 ? key & 0x7fffffffu : ~key;
    float x;
    memcpy(&x, &b, sizeof x);
    return (double)x;
}

/* The key at place k in order, by its digits from the top; *n_up_to: how many are not above it. */
static uint32_t key_at(const float *x, size_t n, uint32_t keep, size_t k, size_t *n_up_to)
{
    enum { DIGIT = 11, N_DIGIT = 3 };
    static const int shift[N_DIGIT] = { 21, 10, 0 }, width[N_DIGIT] = { 11, 11, 10 };
    uint32_t prefix = 0, known = 0;
    size_t below = 0, count[1 << DIGIT];
    for (int d = 0; d < N_DIGIT; d++) {
        uint32_t mask = (1u << width[d]) - 1, digit = 0;
        memset(count, 0, sizeof count);
        for (size_t i = 0; i < n; i++) {
            uint32_t key = key_of(x[i], keep);
            if ((key & known) == prefix)
                count[key >> shift[d] & mask]++;
        }
        while (below + count[digit] <= k)
            below += count[digit++];
        prefix |= digit << shift[d];
        known |= mask << shift[d];
        *n_up_to = below + count[digit];
    }
    return prefix;
}

double select_quantile(const float *x, size_t n, double q, int magnitudes)
{
    uint32_t keep = magnitudes ? 0x7fffffffu : 0xffffffffu, next = 0xffffffffu;
    double place = q * (double)(n - 1), part = place - floor(place);
    size_t n_up_to;
    uint32_t key = key_at(x, n, keep, (size_t)place, &n_up_to);
    double low = value_of(key);
    if (part == 0 || n_up_to > (size_t)place + 1) /* the next one is equal */
        return low;
    for (size_t i = 0; i < n; i++) {
        uint32_t other = key_of(x[i], keep);
        next = other > key && other < next ? other : next;
    }
    return low + part * (value_of(next) - low);
}
