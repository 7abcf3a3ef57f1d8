/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/resample.h"
#include "base/mem.h"
#include "base/threads.h"
#include "math/correlation.h"
#include "math/draw.h"
#include "math/order.h"
#include "math/scale.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 64,     /* replicates that share a stream of random numbers */
    AT_ONCE = 4096, /* draws made in one go when rows are few */
    COPIES = 4      /* see expand() */
};

/* A column as the forms that are not sums want it: equal values have one code, codes ascend with values. */
struct coded {
    uint32_t *code; /* [n] */
    uint32_t n_code;
};

struct resample {
    const struct statistic *statistic;
    const struct sample *sample;
    double factor[2], cx, cy; /* SUMS: columns are taken as factor[0] x, factor[1] y */
    int exponent;             /* which makes the statistic 2^-exponent times as large */
    struct draw_pair *pair;   /* SUMS: [n + 1] x - cx, y - cy; the last is 0 */
    struct coded x, y;        /* RANKS, PAIRS */
    uint32_t *place;          /* SORTED: [n] where row i stands in */
    double *sorted;           /* x in order, group by group */
};

/* A worker's own space, for up to `room` rows drawn: a resample of clusters may have more than the sample. */
struct scratch {
    size_t room;
    uint32_t *unit, *row, *count;
    struct draw_pair *ranked;
    double *a, *b;
    void *work;
};

/* ---- making ready */

/* About the mean, on a grid that whole numbers share, so that their sums stay exact; sd / 4 or finer, so that
 * little cancels. */
static double centre(const double *x, size_t n, double factor)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += (factor * x[i] - mean) / (double)(i + 1);
    for (size_t i = 0; i < n; i++)
        square += (factor * x[i] - mean) * (factor * x[i] - mean);
    double sd = sqrt(square / (double)n);
    if (!(sd > 0) || !isfinite(sd))
        return n ? factor * x[0] : 0;
    double grid = ldexp(1, ilogb(sd) - 2), on_grid = rint(mean / grid) * grid;
    return isfinite(on_grid) ? on_grid : mean;
}

/* Row i as the sums see it. */
static struct draw_pair scaled(const struct resample *r, size_t i)
{
    const struct sample *s = r->sample;
    return (struct draw_pair){ r->factor[0] * s->x[i], s->y ? r->factor[1] * s->y[i] : 0 };
}

static void centre_pairs(struct resample *r)
{
    enum { FAR = 300 }; /* squares of numbers from 2^-300 to 2^300 are well inside the range of doubles */
    const struct sample *s = r->sample;
    const double *column[] = { s->x, s->y };
    for (int c = 0; c < 2; c++) {
        int e = c == 0 || s->y ? scale_exponent_of(column[c], s->n) : 0;
        e = abs(e) > FAR ? e : 0;
        r->factor[c] = ldexp(1, -e);
        r->exponent += r->statistic->power[c] * e;
    }
    r->cx = centre(s->x, s->n, r->factor[0]);
    r->cy = s->y ? centre(s->y, s->n, r->factor[1]) : 0;
    r->pair = xaligned(s->n + 1, sizeof *r->pair);
    for (size_t i = 0; i < s->n; i++) {
        struct draw_pair p = scaled(r, i);
        r->pair[i] = (struct draw_pair){ p.x - r->cx, p.y - r->cy };
    }
    r->pair[s->n] = (struct draw_pair){ 0, 0 };
}

/* Rows first..first+n-1 of x in ascending order; `item` has room for 2 n. */
static const struct order_item *ordered(const double *x, size_t first, size_t n, struct order_item *item)
{
    for (size_t i = 0; i < n; i++)
        item[i] = (struct order_item){ order_key(x[first + i]), (uint32_t)(first + i), 0 };
    return order_sort(item, item + n, n);
}

static void encode(struct coded *c, const double *x, size_t n)
{
    struct order_item *room = xnew(2 * n, sizeof *room);
    const struct order_item *item = ordered(x, 0, n, room);
    c->code = xnew(n, sizeof *c->code);
    for (size_t i = 0; i < n; i++) {
        c->n_code += !i || item[i].key != item[i - 1].key;
        c->code[item[i].index] = c->n_code - 1;
    }
    free(room);
}

static void sort_groups(struct resample *r)
{
    const struct sample *s = r->sample;
    struct order_item *room = xnew(2 * s->n, sizeof *room);
    r->place = xnew(s->n, sizeof *r->place);
    r->sorted = xnew(s->n, sizeof *r->sorted);
    for (int group = 0; group < 2; group++) {
        size_t first = group ? s->n_first : 0, n = group ? s->n - s->n_first : s->n_first;
        const struct order_item *item = ordered(s->x, first, n, room);
        for (size_t i = 0; i < n; i++) {
            r->place[item[i].index] = (uint32_t)(first + i);
            r->sorted[first + i] = s->x[item[i].index];
        }
    }
    free(room);
}

struct resample *resample_new(const struct statistic *statistic, const struct sample *sample)
{
    struct resample *r = xcalloc(1, sizeof *r);
    r->statistic = statistic;
    r->sample = sample;
    switch (statistic->form) {
    case STATISTIC_SUMS:
        centre_pairs(r);
        break;
    case STATISTIC_RANKS:
    case STATISTIC_PAIRS:
        encode(&r->x, sample->x, sample->n);
        encode(&r->y, sample->y, sample->n);
        break;
    case STATISTIC_SORTED:
        sort_groups(r);
        break;
    }
    return r;
}

void resample_free(struct resample *r)
{
    if (!r)
        return;
    free(r->pair);
    free(r->x.code);
    free(r->y.code);
    free(r->place);
    free(r->sorted);
    free(r);
}

static void make_room(const struct resample *r, struct scratch *w, size_t rows)
{
    if (rows <= w->room)
        return;
    w->room = rows + rows / 4;
    w->row = xrealloc(w->row, w->room + AT_ONCE + DRAW_SLACK, sizeof *w->row);
    if (r->statistic->form == STATISTIC_SUMS)
        return;
    w->a = xrealloc(w->a, w->room + COPIES, sizeof *w->a);
    w->b = xrealloc(w->b, w->room, sizeof *w->b);
    free(w->work);
    w->work = xaligned(1, correlation_work_bytes(w->room));
}

static struct scratch *scratch_new(const struct resample *r, int n_worker)
{
    size_t n = r->sample->n;
    struct scratch *w = xcalloc((size_t)n_worker, sizeof *w);
    for (int i = 0; i < n_worker; i++) {
        make_room(r, &w[i], n ? n : 1);
        w[i].unit = xnew(r->sample->n_unit + DRAW_SLACK, sizeof *w[i].unit);
        w[i].count = xnew(n, sizeof *w[i].count);
        w[i].ranked = r->statistic->form == STATISTIC_RANKS ? xaligned(n + 1, sizeof *w[i].ranked) : NULL;
    }
    return w;
}

static void scratch_free(struct scratch *s, int n_worker)
{
    for (int i = 0; i < n_worker; i++) {
        free(s[i].unit);
        free(s[i].row);
        free(s[i].count);
        free(s[i].ranked);
        free(s[i].a);
        free(s[i].b);
        free(s[i].work);
    }
    free(s);
}

/* ---- the statistic of some rows */

static struct statistic_sums at(double cx, double cy, size_t n, const struct draw_sums *d)
{
    return (struct statistic_sums){ (double)n, cx, cy, d->x, d->y, d->xx, d->yy, d->xy };
}

/* Whether the sums have lost more than six of their sixteen digits to a mean far from the centre. */
static int cancels(const struct statistic_sums *s)
{
    return s->xx - s->x * s->x / s->n < 1e-6 * s->xx || s->yy - s->y * s->y / s->n < 1e-6 * s->yy;
}

/* Sums of x and y themselves about (cx, cy). */
static void sum_about(const struct resample *r, const uint32_t *row, size_t n, double cx, double cy,
                      struct statistic_sums *sums)
{
    *sums = (struct statistic_sums){ .n = (double)n, .cx = cx, .cy = cy };
    for (size_t i = 0; i < n; i++) {
        struct draw_pair p = scaled(r, row[i]);
        double x = p.x - cx, y = p.y - cy;
        sums->x += x;
        sums->y += y;
        sums->xx += x * x;
        sums->yy += y * y;
        sums->xy += x * y;
    }
}

/* The sums again from the values, about their first row and then about their mean: exactly 0 where all are
 * equal. */
static void sum_again(const struct resample *r, const uint32_t *row, size_t n, struct statistic_sums *sums)
{
    struct draw_pair first = scaled(r, row[0]);
    sum_about(r, row, n, first.x, first.y, sums);
    sum_about(r, row, n, sums->cx + sums->x / sums->n, sums->cy + sums->y / sums->n, sums);
}

static void sum_rows(const struct resample *r, const uint32_t *row, size_t n, struct statistic_sums *s)
{
    struct draw_sums d;
    draw_sum(r->pair, r->sample->n, row, n, &d);
    *s = at(r->cx, r->cy, n, &d);
    if (cancels(s))
        sum_again(r, row, n, s);
}

/* Brings the rows of the first group to the front; returns how many. */
static size_t part_groups(const struct resample *r, uint32_t *row, size_t n)
{
    size_t n_first = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t one = row[i];
        row[i] = row[n_first];
        row[n_first] = one;
        n_first += one < r->sample->n_first;
    }
    return n_first;
}

/* Undefined too where it leaves the doubles on its way back to scale: a variance of 0 would say that all
 * values are equal. */
static double statistic_of(const struct resample *r, const struct statistic_sums *s)
{
    double v = r->statistic->of_sums(s), back = ldexp(v, r->exponent);
    return back == 0 && v != 0 ? NAN : back;
}

static double of_sums(const struct resample *r, uint32_t *row, size_t n)
{
    struct statistic_sums s[2];
    size_t n_first = r->statistic->n_group == 2 ? part_groups(r, row, n) : n;
    sum_rows(r, row, n_first, &s[0]);
    if (r->statistic->n_group == 2)
        sum_rows(r, row + n_first, n - n_first, &s[1]);
    return statistic_of(r, s);
}

/* Ranks less their mean into rank[code], for the codes of these rows. */
static void rank_codes(const struct coded *c, const uint32_t *row, size_t n, uint32_t *count, double *rank)
{
    memset(count, 0, c->n_code * sizeof *count);
    for (size_t i = 0; i < n; i++)
        count[c->code[row[i]]]++;
    double below = -(double)n / 2;
    for (uint32_t k = 0; k < c->n_code; k++) {
        rank[k] = below + (double)count[k] / 2;
        below += count[k];
    }
}

static double of_ranks(const struct resample *r, struct scratch *w, const uint32_t *row, size_t n)
{
    size_t n_row = r->sample->n;
    rank_codes(&r->x, row, n, w->count, w->a);
    rank_codes(&r->y, row, n, w->count, w->b);
    for (size_t i = 0; i < n_row; i++)
        w->ranked[i] = (struct draw_pair){ w->a[r->x.code[i]], w->b[r->y.code[i]] };
    w->ranked[n_row] = (struct draw_pair){ 0, 0 };
    struct draw_sums d;
    draw_sum(w->ranked, n_row, row, n, &d);
    struct statistic_sums s = at((double)(n + 1) / 2, (double)(n + 1) / 2, n, &d);
    return r->statistic->of_sums(&s);
}

/* Writes sorted[k] count[k] times. Counts are mostly 0, 1 and 2 in no order, so always COPIES are written and
 * the next value overwrites what was too much. */
static size_t expand(const double *sorted, const uint32_t *count, size_t n, double *out)
{
    size_t m = 0;
    for (size_t k = 0; k < n; k++) {
        for (uint32_t c = 0; c < COPIES; c++)
            out[m + c] = sorted[k];
        for (uint32_t c = COPIES; c < count[k]; c++)
            out[m + c] = sorted[k];
        m += count[k];
    }
    return m;
}

static double of_sorted(const struct resample *r, struct scratch *w, const uint32_t *row, size_t n)
{
    const struct sample *s = r->sample;
    memset(w->count, 0, s->n * sizeof *w->count);
    for (size_t i = 0; i < n; i++)
        w->count[r->place[row[i]]]++;
    size_t n_first = expand(r->sorted, w->count, s->n_first, w->a);
    expand(r->sorted + s->n_first, w->count + s->n_first, s->n - s->n_first, w->a + n_first);
    return r->statistic->of_sorted(w->a, n_first, n);
}

/* Codes in place of values: only their order matters, and small whole numbers sort faster. */
static double of_pairs(const struct resample *r, struct scratch *w, const uint32_t *row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        w->a[i] = r->x.code[row[i]];
        w->b[i] = r->y.code[row[i]];
    }
    return r->statistic->of_pairs(w->a, w->b, n, w->work);
}

static double value_of(const struct resample *r, struct scratch *w, uint32_t *row, size_t n)
{
    double v = NAN;
    switch (r->statistic->form) {
    case STATISTIC_SUMS:
        v = of_sums(r, row, n);
        break;
    case STATISTIC_RANKS:
        v = of_ranks(r, w, row, n);
        break;
    case STATISTIC_SORTED:
        v = of_sorted(r, w, row, n);
        break;
    case STATISTIC_PAIRS:
        v = of_pairs(r, w, row, n);
        break;
    }
    return isfinite(v) ? v : NAN;
}

/* All rows but those of unit `left_out` (SIZE_MAX: all); returns how many. */
static size_t rows_without(const struct sample *s, size_t left_out, uint32_t *row)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->cluster[i] != left_out)
            row[n++] = (uint32_t)i;
    return n;
}

double resample_estimate(const struct resample *r)
{
    struct scratch *w = scratch_new(r, 1);
    double v = value_of(r, w, w->row, rows_without(r->sample, SIZE_MAX, w->row));
    scratch_free(w, 1);
    return v;
}

/* ---- bootstrap */

struct bootstrap {
    const struct resample *r;
    struct scratch *scratch;
    uint64_t seed, stream;
    double *value;
    size_t n_value;
};

/* Draws units of every stratum and lists their rows; returns how many. */
static size_t draw_rows(const struct resample *r, struct draw *d, struct scratch *w)
{
    const struct sample *s = r->sample;
    size_t n = 0;
    for (size_t t = 0; t < s->n_stratum; t++) {
        uint32_t first = s->stratum[t], n_unit = s->stratum[t + 1] - first;
        draw_below(d, n_unit, w->unit, n_unit);
        for (size_t i = 0; i < n_unit; i++) {
            uint32_t unit = first + w->unit[i], size = s->unit[unit + 1] - s->unit[unit];
            make_room(r, w, n + size);
            memcpy(w->row + n, s->member + s->unit[unit], size * sizeof *w->row);
            n += size;
        }
    }
    return n;
}

/* The usual case, single rows in one stratum, needs no such steps: n rows for each of several replicates. */
static void bootstrap_plain(const struct bootstrap *b, struct draw *d, struct scratch *w, double *value,
                            size_t n_value)
{
    size_t n = b->r->sample->n, at_once = n < AT_ONCE ? AT_ONCE / n : 1;
    for (size_t k = 0; k < n_value; k += at_once) {
        size_t now = n_value - k < at_once ? n_value - k : at_once;
        draw_below(d, (uint32_t)n, w->row, n * now);
        for (size_t i = 0; i < now; i++)
            value[k + i] = value_of(b->r, w, w->row + i * n, n);
    }
}

static void bootstrap_block(void *ctx, size_t block, int worker)
{
    const struct bootstrap *b = ctx;
    const struct sample *s = b->r->sample;
    struct scratch *w = &b->scratch[worker];
    double *value = b->value + block * BLOCK;
    size_t left = b->n_value - block * BLOCK, n_value = left < BLOCK ? left : BLOCK;
    struct draw d;
    draw_init(&d, b->seed, b->stream + block);
    if (s->n_stratum == 1 && s->n_unit == s->n) {
        bootstrap_plain(b, &d, w, value, n_value);
        return;
    }
    for (size_t k = 0; k < n_value; k++) {
        size_t n = draw_rows(b->r, &d, w); /* may move w->row */
        value[k] = value_of(b->r, w, w->row, n);
    }
}

void resample_bootstrap(const struct resample *r, uint64_t seed, uint64_t stream, int n_thread, double *value,
                        size_t n_value)
{
    size_t n_block = (n_value + BLOCK - 1) / BLOCK;
    n_thread = (size_t)n_thread > n_block ? (int)n_block : n_thread;
    struct bootstrap b = { r, scratch_new(r, n_thread), seed, stream, value, n_value };
    threads_for(n_thread, n_block, bootstrap_block, &b);
    scratch_free(b.scratch, n_thread);
}

/* ---- jackknife */

struct jackknife {
    const struct resample *r;
    struct scratch *scratch;
    double *value;
};

static void leave_out(void *ctx, size_t unit, int worker)
{
    const struct jackknife *j = ctx;
    struct scratch *w = &j->scratch[worker];
    j->value[unit] = value_of(j->r, w, w->row, rows_without(j->r->sample, unit, w->row));
}

/* Sums of some rows, by group. */
struct group_sums {
    size_t n[2];
    struct draw_sums sum[2];
};

static void add_groups(struct group_sums *a, const struct group_sums *b)
{
    for (int g = 0; g < 2; g++) {
        a->n[g] += b->n[g];
        a->sum[g].x += b->sum[g].x;
        a->sum[g].y += b->sum[g].y;
        a->sum[g].xx += b->sum[g].xx;
        a->sum[g].yy += b->sum[g].yy;
        a->sum[g].xy += b->sum[g].xy;
    }
}

static void sum_unit(const struct resample *r, size_t unit, uint32_t *row, struct group_sums *u)
{
    const struct sample *s = r->sample;
    size_t n = s->unit[unit + 1] - s->unit[unit];
    memcpy(row, s->member + s->unit[unit], n * sizeof *row);
    u->n[0] = part_groups(r, row, n);
    u->n[1] = n - u->n[0];
    draw_sum(r->pair, s->n, row, u->n[0], &u->sum[0]);
    draw_sum(r->pair, s->n, row + u->n[0], u->n[1], &u->sum[1]);
}

/* Sums of what comes before a unit and of what comes after it: n steps for all units together, and nothing
 * large is added that must be taken away again. */
static void leave_out_of_sums(struct jackknife *j)
{
    const struct resample *r = j->r;
    size_t n_unit = r->sample->n_unit;
    struct group_sums *after = xcalloc(n_unit + 1, sizeof *after), before = after[n_unit], here;
    for (size_t u = n_unit; u-- > 0;) {
        sum_unit(r, u, j->scratch->row, &after[u]);
        add_groups(&after[u], &after[u + 1]);
    }
    for (size_t u = 0; u < n_unit; u++) {
        struct group_sums rest = before;
        add_groups(&rest, &after[u + 1]);
        struct statistic_sums s[2] = { at(r->cx, r->cy, rest.n[0], &rest.sum[0]),
                                       at(r->cx, r->cy, rest.n[1], &rest.sum[1]) };
        if (cancels(&s[0]) || cancels(&s[1])) {
            leave_out(j, u, 0);
        } else {
            double v = statistic_of(r, s);
            j->value[u] = isfinite(v) ? v : NAN;
        }
        sum_unit(r, u, j->scratch->row, &here);
        add_groups(&before, &here);
    }
    free(after);
}

void resample_leave_out(const struct resample *r, int n_thread, double *value)
{
    n_thread = (size_t)n_thread > r->sample->n_unit ? (int)r->sample->n_unit : n_thread;
    struct jackknife j = { r, scratch_new(r, n_thread), value };
    if (r->statistic->form == STATISTIC_SUMS)
        leave_out_of_sums(&j);
    else
        threads_for(n_thread, r->sample->n_unit, leave_out, &j);
    scratch_free(j.scratch, n_thread);
}

int resample_acceleration(const struct sample *s, const double *left_out, double *a)
{
    double *l = xcalloc(s->n_unit, sizeof *l), square = 0, cube = 0;
    for (size_t t = 0; t < s->n_stratum; t++) {
        size_t first = s->stratum[t], end = s->stratum[t + 1];
        double n = (double)(end - first), mean = 0;
        if (end - first < 2)
            continue; /* such a unit is in every resample: 0 */
        for (size_t u = first; u < end; u++)
            mean += (left_out[u] - left_out[first]) / n;
        for (size_t u = first; u < end; u++)
            l[u] = (mean - (left_out[u] - left_out[first])) * (n - 1) / n;
    }
    int exponent = scale_exponent_of(l, s->n_unit);
    for (size_t u = 0; u < s->n_unit; u++) {
        double v = ldexp(l[u], -exponent); /* else cubes are 0 already for values of 1e-108 */
        square += v * v;
        cube += v * v * v;
    }
    free(l);
    double v = cube / (6 * square * sqrt(square));
    if (!isfinite(v))
        return -1;
    *a = v;
    return 0;
}
