/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/search.h"
#include "base/mem.h"
#include "base/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_BINS = 512, /* on either side of 0 */
    PIECE = 1024,    /* weights whose places are found at a time */
    FLUSH = 1 << 20, /* weights that one sum of 64 bits has room for */
    FRACTION = 20,   /* bits of a place behind the point */
    COUNT_AT = 44,   /* above the sum of up to FLUSH fractions */
    FEW = 256,       /* weights that are tried at once with all candidates */
    BOUNDED_BITS = 6 /* with more levels bounds cost more than trying */
};

/* Ranges that floats count in places of a histogram: twice the largest weight, and places to a weight, are
 * floats too. */
#define SMALLEST 0x1p-90F
#define LARGEST  0x1p126F

/* One side of 0. From an edge k widths away: by how much the weights beyond are over it, in sum and in sum of
 * squares (from below), in widths. The last one is beyond all. */
struct side {
    int n_level;
    double over[MOST_BINS + 2], over_squared[MOST_BINS + 1];
};

struct quant_search {
    double shrink[QUANT_CANDIDATES];
    uint64_t together[2 * MOST_BINS]; /* counts and sums of fractions */
    int64_t count[2 * MOST_BINS], fraction[2 * MOST_BINS];
    struct side up, down;
    double over[MOST_BINS + 2]; /* of both */
    int n_bin;
    double base; /* the level next to 0, in units of the scale: 0, or 1/2 of midrise */
    double squares, most, width, n;
    double clip; /* the widest number kept by the best of the search before; 0: none */
    struct candidate {
        struct quant_cell cell;
        double bound; /* that the error is not below; INFINITY once it was tried */
    } candidate[QUANT_CANDIDATES];
};

/* By square roots and products alone, so that every machine has the same. */
static void fill_shrink(double shrink[QUANT_CANDIDATES])
{
    double step = 0.5;
    for (int k = 0; k < 6; k++)
        step = sqrt(step);
    for (int i = 0; i < QUANT_CANDIDATES; i++)
        shrink[i] = i % 64 ? shrink[i - 1] * step : ldexp(1, -(i / 64));
}

struct quant_search *quant_search_new(void)
{
    struct quant_search *s = xaligned(1, sizeof *s);
    s->clip = 0;
    fill_shrink(s->shrink);
    return s;
}

void quant_search_free(struct quant_search *s)
{
    free(s);
}

double quant_search_shrink(const struct quant_search *s, int i)
{
    return s->shrink[i];
}

/* ---- the histogram */

/* Places in widths from -most, FRACTION bits of them behind the point. */
VECTOR_CLONES static void search_places(const float *restrict w, size_t n, float most, float per_width,
                                        int32_t last, int32_t *restrict place)
{
    for (size_t i = 0; i < n; i++) {
        int32_t x = (int32_t)((w[i] + most) * per_width);
        place[i] = x > last ? last : x;
    }
}

/* Lanes as in grid.c: the order of the sum depends on n alone. */
VECTOR_CLONES static double search_squares(const float *w, size_t n)
{
    enum { LANES = 8 };
    double sum[LANES] = { 0 }, all = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            double x = (double)w[i + (size_t)j];
            sum[j] += x * x;
        }
    for (; i < n; i++)
        all += (double)w[i] * (double)w[i];
    for (int j = 0; j < LANES; j++)
        all += sum[j];
    return all;
}

static void count_places(struct quant_search *s, const float *w, size_t n, float most)
{
    const int32_t last = (int32_t)(((uint32_t)s->n_bin << (FRACTION + 1)) - 1);
    const float per_width = (float)((double)s->n_bin * (1 << FRACTION) / (double)most);
    int32_t place[PIECE];
    memset(s->together, 0, 2 * (size_t)s->n_bin * sizeof *s->together);
    for (size_t at = 0; at < n; at += PIECE) {
        size_t k = n - at < PIECE ? n - at : PIECE;
        search_places(w + at, k, most, per_width, last, place);
        for (size_t i = 0; i < k; i++)
            s->together[place[i] >> FRACTION] += ((uint64_t)1 << COUNT_AT) +
                                                 ((uint32_t)place[i] & ((1u << FRACTION) - 1));
    }
    for (int b = 0; b < 2 * s->n_bin; b++) {
        s->count[b] += (int64_t)(s->together[b] >> COUNT_AT);
        s->fraction[b] += (int64_t)(s->together[b] & (((uint64_t)1 << COUNT_AT) - 1));
    }
}

/* What is seen of one side on the way inwards, in whole numbers: weights beyond, and the sum of their places.
 */
struct view {
    int64_t n, sum;
    double over, squared;
};

/* From edge k + 1 to edge k, across `count` weights whose places sum up to `places`. */
static inline void step_in(struct view *v, struct side *side, int k, int64_t count, int64_t places)
{
    v->squared += 2 * v->over + (double)v->n; /* those beyond edge k + 1; the others as nothing */
    v->n += count;
    v->sum += places;
    v->over = (double)(v->sum - ((int64_t)k << FRACTION) * v->n) * (1.0 / (1 << FRACTION));
    side->over[k] = v->over;
    side->over_squared[k] = v->squared;
}

static void see_from_edges(struct quant_search *s)
{
    const int n = s->n_bin;
    struct view up = { 0, 0, 0, 0 }, down = up;
    for (int k = n; k <= n + 1; k++)
        s->up.over[k] = s->down.over[k] = s->over[k] = 0;
    s->up.over_squared[n] = s->down.over_squared[n] = 0;
    for (int k = n; k--;) {
        int a = n + k, b = n - 1 - k; /* their bins; below 0 fractions count from the far end */
        step_in(&up, &s->up, k, s->count[a], ((int64_t)k << FRACTION) * s->count[a] + s->fraction[a]);
        step_in(&down, &s->down, k, s->count[b],
                ((int64_t)(k + 1) << FRACTION) * s->count[b] - s->fraction[b]);
        s->over[k] = up.over + down.over;
    }
}

static void fill(struct quant_search *s, const float *w, size_t n, float most)
{
    s->n_bin = n < 4096 ? 256 : MOST_BINS;
    memset(s->count, 0, 2 * (size_t)s->n_bin * sizeof *s->count);
    memset(s->fraction, 0, 2 * (size_t)s->n_bin * sizeof *s->fraction);
    for (size_t at = 0; at < n; at += FLUSH)
        count_places(s, w + at, n - at < FLUSH ? n - at : FLUSH, most);
    s->squares = search_squares(w, n);
    s->n = (double)n;
    s->most = (double)most;
    s->width = (double)most / s->n_bin;
    see_from_edges(s);
}

/* ---- bounds */

/* sum of H over the thresholds first..last, in widths and from above. `step` is the scale in widths. */
static double sum_over(const struct quant_search *s, const double *over, int first, int last, double step)
{
    double sum = 0;
    for (int j = first; j <= last; j++) {
        double x = (s->base + j - 0.5) * step;
        if (x >= s->n_bin)
            break;
        int k = (int)x;
        sum += over[k] + (x - k) * (over[k + 1] - over[k]);
    }
    return sum;
}

/* sum of (|w| - top)^2 beyond the outer level of one side, or n_more levels further out, in widths and from
 * below. */
static double clipped(const struct quant_search *s, const struct side *side, double step, int n_more)
{
    double x = (s->base + side->n_level + n_more) * step;
    return x < s->n_bin - 1 ? side->over_squared[(int)x + 1] : 0;
}

/* How many levels the grid has above and below 0 (the one next to it not counted). */
static void set_levels(struct quant_search *s, const struct quant_cell *c)
{
    float up = c->hi - c->offset, down = c->offset - c->lo;
    s->up.n_level = (int)(c->scale < 0 ? down : up);
    s->down.n_level = (int)(c->scale < 0 ? up : down);
    s->base = (double)(up - floorf(up));
}

/* What is searched for. */
struct wanted {
    enum quant_grid grid;
    int bits;
    enum quant_scale scale;
    float lo, hi;
    int sign;
    int has_lo, has_hi; /* whether there are weights at the ends: only those cost something there */
};

static struct quant_cell cell_of(const struct wanted *q, double p)
{
    struct quant_cell cell;
    quant_grid_fit(q->grid, q->bits, q->scale, (float)((double)q->lo * p), (float)((double)q->hi * p),
                   q->sign, &cell);
    return cell;
}

/* Of sums that floats went into: relative, and for each weight in units of the largest times the scale. */
#define ROUNDING       1e-4
#define ROUNDING_CLOSE 1e-6

/* The error of a cell, from below. `step` is its scale in widths. */
static double bound(const struct quant_search *s, double step)
{
    int up = s->up.n_level, down = s->down.n_level, shared = up < down ? up : down,
        all = up < down ? down : up;
    double width_squared = s->width * s->width, close = ROUNDING_CLOSE * s->n * s->most * step * s->width;
    double over = sum_over(s, s->over, 1, shared, step) +
                  sum_over(s, up > down ? s->up.over : s->down.over, shared + 1, all, step);
    double whole = s->squares;
    if (s->base > 0) /* the level next to 0 is off by that: sum (|w| - base)^2 */
        whole += (s->n * s->base * step - 2 * s->over[0]) * s->base * step * width_squared;
    return whole - 2 * step * over * width_squared - close;
}

/* Fills s->candidate, and returns how many come into question: those behind clip more than the best can cost.
 * `least` is an error that one of them has. */
static int bound_all(struct quant_search *s, const struct wanted *q, double least)
{
    double width_squared = s->width * s->width;
    /* zero points may move by one as the range shrinks, and the outer levels with them */
    int i, moves = quant_grid_is_asym(q->grid);
    for (i = 0; i < QUANT_CANDIDATES; i++) {
        struct candidate *c = &s->candidate[i];
        c->cell = cell_of(q, s->shrink[i]);
        if (i == 0 || moves)
            set_levels(s, &c->cell);
        double step = fabs((double)c->cell.scale) / s->width;
        double cut = (clipped(s, &s->up, step, 0) + clipped(s, &s->down, step, 0)) * width_squared;
        double lasting = cut;
        if (moves)
            lasting = (clipped(s, &s->up, step, 1) + clipped(s, &s->down, step, 1)) * width_squared;
        if (lasting > least * (1 + ROUNDING))
            break;
        c->bound = cut;
        if (q->bits <= BOUNDED_BITS) {
            double low = bound(s, step);
            c->bound = low > cut ? low : cut;
        }
    }
    return i;
}

/* ---- the search */

static double error_of(const struct quant_cell *c, const float *w, size_t n)
{
    return quant_cell_error(c, w, n) * (double)c->scale * (double)c->scale;
}

/* The candidate of least bound. */
static int most_promising(const struct quant_search *s, int n)
{
    int k = 0;
    for (int i = 1; i < n; i++)
        if (s->candidate[i].bound < s->candidate[k].bound)
            k = i;
    return k;
}

/* Where to begin: with bounds, the candidate about as wide as the best of the search before. What is found
 * does not depend on it. */
static int guess(const struct quant_search *s, int bits, float most)
{
    double i = s->clip > 0 && bits <= BOUNDED_BITS ? 64 * log2((double)most / s->clip) : 0;
    return i < 0 ? 0 : i < QUANT_CANDIDATES - 1 ? (int)i : QUANT_CANDIDATES - 1;
}

/* Of few weights, or uncommon ones: the candidates in turn, until what the two outermost weights are off the
 * outer levels costs too much. */
static int try_in_turn(struct quant_search *s, const struct wanted *q, const float *w, size_t n)
{
    int best = 0, moves = quant_grid_is_asym(q->grid);
    double least = INFINITY;
    for (int i = 0; i < QUANT_CANDIDATES; i++) {
        struct quant_cell c = cell_of(q, s->shrink[i]);
        double e = error_of(&c, w, n), step = fabs((double)c.scale);
        set_levels(s, &c);
        double over = (double)q->hi - (s->base + s->up.n_level + moves) * step;
        double under = -(double)q->lo - (s->base + s->down.n_level + moves) * step;
        over = q->has_hi && over > 0 ? over : 0;
        under = q->has_lo && under > 0 ? under : 0;
        if (e < least) {
            least = e;
            best = i;
        }
        if (over * over + under * under > least * (1 + ROUNDING))
            break;
    }
    return best;
}

int quant_search_best(struct quant_search *s, enum quant_grid grid, int bits, enum quant_scale scale,
                      const float *w, size_t n, float lo, float hi, int sign)
{
    struct wanted q = { grid, bits, scale, lo, hi, sign, 0, 0 };
    float most = -lo > hi ? -lo : hi, least_w, most_w;
    struct quant_cell whole;
    if (quant_grid_fit(grid, bits, scale, lo, hi, sign, &whole) < 0)
        return -1;
    if (!(most > 0))
        return 0;
    if (n <= FEW || most < SMALLEST || most > LARGEST) {
        quant_range(w, n, &least_w, &most_w);
        q.has_lo = least_w == lo;
        q.has_hi = most_w == hi;
        return try_in_turn(s, &q, w, n);
    }
    fill(s, w, n, most);
    int best = guess(s, bits, most);
    struct quant_cell first = cell_of(&q, s->shrink[best]);
    double least = error_of(&first, w, n);
    int n_candidate = bound_all(s, &q, least);
    s->candidate[best].bound = INFINITY;
    for (;;) {
        int i = most_promising(s, n_candidate);
        struct candidate *c = &s->candidate[i];
        if (!(c->bound * (1 - ROUNDING) <= least))
            break;
        double e = error_of(&c->cell, w, n);
        if (e < least || (e == least && i < best)) {
            least = e;
            best = i;
        }
        c->bound = INFINITY;
    }
    s->clip = s->shrink[best] * (double)most;
    return best;
}
