/* draw.h - drawing rows with replacement, many at a time, and summing over what was drawn.  Layer: math.
 * The two inner loops of the bootstrap. Every machine gives the same digits: the generator has a fixed number
 * of lanes and sums are taken in a fixed order.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_DRAW_H
#define MATH_DRAW_H
#include <stddef.h>
#include <stdint.h>

enum { DRAW_LANES = 8, DRAW_SLACK = 16 };

/* DRAW_LANES generators xoshiro256++ side by side, their states filled from stream `stream` of `seed` (see
 * base/rng.h). */
struct draw {
    uint64_t state[4][DRAW_LANES];
};
void draw_init(struct draw *d, uint64_t seed, uint64_t stream);

/* n_draw numbers, each uniform on 0..n-1 without bias, n >= 1; `out` has room for n_draw + DRAW_SLACK. What
 * is drawn beyond n_draw is thrown away, so few large calls are cheaper than many small ones. */
void draw_below(struct draw *d, uint32_t n, uint32_t *out, size_t n_draw);

struct draw_pair {
    double x, y;
};
struct draw_sums {
    double x, y, xx, yy, xy;
};
/* Sums over pair[row[i]], i = 0..n_draw-1. pair has one element more than there are rows, pair[n_row], which
 * is {0, 0}. */
void draw_sum(const struct draw_pair *pair, size_t n_row, const uint32_t *row, size_t n_draw,
              struct draw_sums *s);

#endif
