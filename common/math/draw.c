/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/draw.h"
#include "base/rng.h"
#include "base/vector.h"
#include <string.h>

typedef uint64_t quad __attribute__((vector_size(32)));
typedef uint32_t oct __attribute__((vector_size(32)));
enum { N_QUAD = DRAW_LANES / 4, N_DRAW = 8 * N_QUAD }; /* each lane gives two draws of 32 bits */

void draw_init(struct draw *d, uint64_t seed, uint64_t stream)
{
    struct rng r;
    rng_init(&r, seed, stream);
    for (int lane = 0; lane < DRAW_LANES; lane++)
        for (int i = 0; i < 4; i++)
            d->state[i][lane] = rng_u64(&r);
}

/* rng_u64() of four lanes. */
static inline void next_quad(quad s[4], oct *result)
{
    quad sum = s[0] + s[3], t = s[1] << 17, r = (sum << 23 | sum >> 41) + s[0];
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    memcpy(result, &r, sizeof r);
}

/* Upper half of u * (n1 2^16 + n0), lane by lane, by 16-bit halves (Warren, Hacker's Delight, 8-2): there is
 * no vector instruction for it that all compilers find. */
static inline void multiply_high(const oct *u, uint32_t n1, uint32_t n0, oct *high)
{
    oct u1 = *u >> 16, u0 = *u & 0xffff;
    oct middle = u1 * n0 + (u0 * n0 >> 16), rest = u0 * n1 + (middle & 0xffff);
    *high = u1 * n1 + (middle >> 16) + (rest >> 16);
}

/* Lemire 2019 (arXiv 1805.10941): the upper half of u * n is uniform when those u are refused whose lower
 * half is below 2^32 mod n. That is rare, so whole vectors are kept unless one of theirs must go. */
static inline __attribute__((always_inline)) void below(struct draw *d, uint32_t n1, uint32_t n0,
                                                        uint32_t *out, size_t n_draw)
{
    uint32_t n = n1 << 16 | n0;
    uint32_t refused_below = -n % n;
    quad s[N_QUAD][4];
    for (int i = 0; i < 4; i++)
        for (int q = 0; q < N_QUAD; q++)
            memcpy(&s[q][i], &d->state[i][4 * q], sizeof(quad));
    for (size_t i = 0; i < n_draw;) {
        oct u[N_QUAD], refused = { 0 };
        for (int q = 0; q < N_QUAD; q++) {
            oct high;
            next_quad(s[q], &u[q]);
            multiply_high(&u[q], n1, n0, &high);
            memcpy(out + i + 8 * q, &high, sizeof high);
            refused |= (oct)(u[q] * n < refused_below);
        }
        uint64_t any[4];
        memcpy(any, &refused, sizeof any);
        if (!(any[0] | any[1] | any[2] | any[3])) {
            i += N_DRAW;
            continue;
        }
        uint32_t each[N_DRAW];
        memcpy(each, u, sizeof each);
        for (int k = 0; k < N_DRAW; k++)
            if (each[k] * n >= refused_below)
                out[i++] = (uint32_t)((uint64_t)each[k] * n >> 32);
    }
    for (int i = 0; i < 4; i++)
        for (int q = 0; q < N_QUAD; q++)
            memcpy(&d->state[i][4 * q], &s[q][i], sizeof(quad));
}

VECTOR_CLONES
static void below_clones(struct draw *d, uint32_t n, uint32_t *out, size_t n_draw)
{
    if (n < 1 << 16)
        below(d, 0, n, out, n_draw); /* the usual case; with n1 = 0 much of multiply_high() goes */
    else
        below(d, n >> 16, n & 0xffff, out, n_draw);
}

void draw_below(struct draw *d, uint32_t n, uint32_t *out, size_t n_draw)
{
    below_clones(d, n, out, n_draw);
}

typedef double lanes __attribute__((vector_size(32)));
struct lane_sums {
    lanes x, y, xx, yy, xy;
};

static inline void add_four(struct lane_sums *s, const struct draw_pair *pair, const uint32_t *row)
{
    const struct draw_pair *a = pair + row[0], *b = pair + row[1], *c = pair + row[2], *d = pair + row[3];
    lanes x = { a->x, b->x, c->x, d->x }, y = { a->y, b->y, c->y, d->y };
    s->x += x;
    s->y += y;
    s->xx += x * x;
    s->yy += y * y;
    s->xy += x * y;
}

static inline double total(const lanes *a, const lanes *b)
{
    lanes v = *a + *b;
    return (v[0] + v[2]) + (v[1] + v[3]);
}

VECTOR_CLONES
static void sum(const struct draw_pair *pair, size_t n_row, const uint32_t *row, size_t n_draw,
                struct draw_sums *s)
{
    struct lane_sums a = { { 0 }, { 0 }, { 0 }, { 0 }, { 0 } },
                     b = a; /* two, to hide the latency of adding */
    size_t i = 0;
    for (; i + 8 <= n_draw; i += 8) {
        add_four(&a, pair, row + i);
        add_four(&b, pair, row + i + 4);
    }
    if (i < n_draw) {
        uint32_t last[8];
        for (int k = 0; k < 8; k++)
            last[k] = i + (size_t)k < n_draw ? row[i + (size_t)k] : (uint32_t)n_row;
        add_four(&a, pair, last);
        add_four(&b, pair, last + 4);
    }
    *s = (struct draw_sums){ total(&a.x, &b.x), total(&a.y, &b.y), total(&a.xx, &b.xx), total(&a.yy, &b.yy),
                             total(&a.xy, &b.xy) };
}

void draw_sum(const struct draw_pair *pair, size_t n_row, const uint32_t *row, size_t n_draw,
              struct draw_sums *s)
{
    sum(pair, n_row, row, n_draw, s);
}
