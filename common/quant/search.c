/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/search.h"
#include "base/mem.h"
#include "base/vector.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_BINS = 512, /* on either side of 0 */
    PIECE = 1024,    /* weights whose bins are found at a time */
    FEW_LEVELS = 32  /* with more of them on a side bounds cost more than trying */
};

/* What the weights on one side of 0, or of all |w|, look like from an edge k * width: how many are beyond it,
 * by how much in sum, and in sum of squares. */
struct edge {
    double n, over, over_squared;
};

struct side {
    int n_bin, n_level;
    double width, base; /* base: the level next to 0, in units of the scale: 0, or 1/2 of midrise */
    struct edge edge[MOST_BINS + 2];
};

struct quant_search {
    double shrink[QUANT_CANDIDATES];
    uint32_t count[2 * MOST_BINS];
    double sum[2 * MOST_BINS];
    struct side up, down;
    double squares, most;
    size_t n;
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

VECTOR_CLONES static void find_bins(const float *restrict w, size_t n, float most, float per_width, int last,
                                    int32_t *restrict bin)
{
    for (size_t i = 0; i < n; i++) {
        int32_t k = (int32_t)((w[i] + most) * per_width);
        bin[i] = k > last ? last : k;
    }
}

/* Lanes as in grid.c: the order of the sum depends on n alone. */
VECTOR_CLONES static double sum_squares(const float *w, size_t n)
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

/* From the outermost edge inwards: going in by one width adds the bin's own weights, by what they are over
 * the edge. */
static void see_from_edges(struct side *side, const uint32_t *count, const double *sum, int step, double sign)
{
    struct edge e = { 0, 0, 0 };
    int n = side->n_bin;
    double h = side->width;
    side->edge[n] = side->edge[n + 1] = e;
    for (int k = n; k--;) {
        double c = (double)count[k * step], own = sign * sum[k * step] - c * ((double)k * h);
        /* squares: those beyond exactly, the bin's own from below, as if all were at their mean */
        e.over_squared += h * (2 * e.over + h * e.n) + (c > 0 ? own * own / c : 0);
        e.over += h * e.n + own;
        e.n += c;
        side->edge[k] = e;
    }
}

static void fill(struct quant_search *s, const float *w, size_t n, float most, int n_bin)
{
    int32_t bin[PIECE];
    float per_width = (float)n_bin / most;
    memset(s->count, 0, 2 * (size_t)n_bin * sizeof *s->count);
    memset(s->sum, 0, 2 * (size_t)n_bin * sizeof *s->sum);
    for (size_t at = 0; at < n; at += PIECE) {
        size_t k = n - at < PIECE ? n - at : PIECE;
        find_bins(w + at, k, most, per_width, 2 * n_bin - 1, bin);
        for (size_t i = 0; i < k; i++) {
            s->count[bin[i]]++;
            s->sum[bin[i]] += (double)w[at + i];
        }
    }
    s->squares = sum_squares(w, n);
    s->n = n;
    s->most = (double)most;
    s->up.n_bin = s->down.n_bin = n_bin;
    s->up.width = s->down.width = (double)most / n_bin;
    see_from_edges(&s->up, s->count + n_bin, s->sum + n_bin, 1, 1);
    see_from_edges(&s->down, s->count + n_bin - 1, s->sum + n_bin - 1, -1, -1);
}

/* ---- bounds */

/* sum of H over the thresholds of one side, from above; *slack is what it may be too large by. */
static double sum_over(const struct side *side, double scale, double *slack)
{
    double sum = 0, off = 0, per_width = 1 / side->width;
    for (int j = 1; j <= side->n_level; j++) {
        double x = (side->base + j - 0.5) * scale * per_width;
        if (!(x < side->n_bin))
            break;
        int k = (int)x;
        const struct edge *e = &side->edge[k];
        sum += e[0].over + (x - k) * (e[1].over - e[0].over);
        off += e[0].n - e[1].n;
    }
    *slack += off * side->width / 4; /* a convex function whose slope changes by that */
    return sum;
}

/* sum of (|w| - top)^2 beyond the outer level of one side, or n_more levels further out, from below. */
static double clipped(const struct side *side, double scale, int n_more)
{
    double x = ceil((side->base + side->n_level + n_more) * scale / side->width);
    return x < side->n_bin ? side->edge[(int)x].over_squared : 0;
}

/* How many levels the grid has above and below 0 (the one next to it not counted). */
static void set_levels(struct quant_search *s, const struct quant_cell *c)
{
    double up = (double)c->hi - (double)c->offset, down = (double)c->offset - (double)c->lo;
    if (c->scale < 0) {
        double swap = up;
        up = down;
        down = swap;
    }
    s->up.n_level = (int)up;
    s->down.n_level = (int)down;
    s->up.base = s->down.base = up - floor(up);
}

/* What is searched for. */
struct wanted {
    enum quant_grid grid;
    int bits;
    enum quant_scale scale;
    float lo, hi;
    int sign;
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

/* The error of a cell, from below in *low and from above. */
static double bound(struct quant_search *s, const struct quant_cell *c, double cut, double *low)
{
    double step = fabs((double)c->scale), base = s->up.base * step, slack = 0, n = (double)s->n;
    double over = sum_over(&s->up, step, &slack) + sum_over(&s->down, step, &slack);
    double whole = s->squares, close = ROUNDING_CLOSE * n * s->most * step;
    if (base > 0) /* the level next to 0 is off by that: sum (|w| - base)^2 */
        whole += n * base * base - 2 * base * (s->up.edge[0].over + s->down.edge[0].over);
    *low = fmax(cut, whole - 2 * step * over - close);
    return whole - 2 * step * (over - slack) + close;
}

/* Fills s->candidate, and returns how many come into question: those behind clip more than the best can cost.
 * `least` is an error that one of them has. */
static int bound_all(struct quant_search *s, const struct wanted *q, double least)
{
    int i;
    for (i = 0; i < QUANT_CANDIDATES; i++) {
        struct candidate *c = &s->candidate[i];
        c->cell = cell_of(q, s->shrink[i]);
        set_levels(s, &c->cell);
        double step = fabs((double)c->cell.scale);
        double cut = clipped(&s->up, step, 0) + clipped(&s->down, step, 0);
        /* zero points may move by one as the range shrinks, and the outer levels with them */
        if (clipped(&s->up, step, 1) + clipped(&s->down, step, 1) > least * (1 + ROUNDING))
            break;
        c->bound = cut;
        if (1 << q->bits <= 2 * FEW_LEVELS)
            least = fmin(least, bound(s, &c->cell, cut, &c->bound));
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

int quant_search_best(struct quant_search *s, enum quant_grid grid, int bits, enum quant_scale scale,
                      const float *w, size_t n, float lo, float hi, int sign)
{
    const struct wanted q = { grid, bits, scale, lo, hi, sign };
    float most = -lo > hi ? -lo : hi;
    struct quant_cell whole;
    if (quant_grid_fit(grid, bits, scale, lo, hi, sign, &whole) < 0)
        return -1;
    if (!(most > 0))
        return 0;
    fill(s, w, n, most, n < 512 ? 64 : n < 4096 ? 256 : MOST_BINS);
    int best = 0, n_candidate;
    double least = error_of(&whole, w, n);
    n_candidate = bound_all(s, &q, least);
    s->candidate[0].bound = INFINITY;
    for (;;) {
        int i = most_promising(s, n_candidate);
        struct candidate *c = &s->candidate[i];
        if (!(c->bound * (1 - ROUNDING) <= least))
            return best;
        double e = error_of(&c->cell, w, n);
        if (e < least || (e == least && i < best)) {
            least = e;
            best = i;
        }
        c->bound = INFINITY;
    }
}
