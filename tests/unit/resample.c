/* resample - the machinery of bootstrap against slow and simple versions of it; prints what fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/resample.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/rng.h"
#include "math/draw.h"
#include "math/interval.h"
#include "math/nullsum.h"
#include "math/order.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The same source compiled for the plainest processor: the clones for better ones must give its bytes. */
#define BASE_VECTOR_H
#define VECTOR_CLONES
#define draw_init  plain_init
#define draw_below plain_below
#define draw_sum   plain_sum
void plain_init(struct draw *d, uint64_t seed, uint64_t stream);
void plain_below(struct draw *d, uint32_t n, uint32_t *out, size_t n_draw);
void plain_sum(const struct draw_pair *pair, size_t n_row, const uint32_t *row, size_t n_draw,
               struct draw_sums *s);
#include "../../common/math/draw.c"
#undef draw_init
#undef draw_below
#undef draw_sum

static int n_failed;

static void check(int ok, const char *what)
{
    if (!ok) {
        printf("failed: %s\n", what);
        n_failed++;
    }
}

static int near(double a, double b, double tolerance)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * fmax(1, fabs(b));
}

/* ---- drawing */

static void test_draw_bounds(void)
{
    static const uint32_t bounds[] = { 1,     2,     3,          7,          1000,       65535,
                                       65536, 65537, 0x55555556, 0x7fffffff, 0xc0000001, UINT32_MAX };
    static uint32_t a[4096 + DRAW_SLACK], b[4096 + DRAW_SLACK];
    int below = 1, same = 1, even = 1;
    for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
        struct draw d, e;
        double mean = 0, n = bounds[k];
        draw_init(&d, 5, k);
        plain_init(&e, 5, k);
        for (int times = 0; times < 16; times++) {
            draw_below(&d, bounds[k], a, 4096 - (size_t)times);
            plain_below(&e, bounds[k], b, 4096 - (size_t)times);
            same &= !memcmp(a, b, (4096 - (size_t)times) * sizeof *a) && !memcmp(&d, &e, sizeof d);
            for (int i = 0; i < 4080; i++) {
                below &= a[i] < bounds[k];
                mean += a[i] / (16.0 * 4080);
            }
        }
        even &= fabs(mean - (n - 1) / 2) <= 5 * n / sqrt(12.0 * 16 * 4080);
    }
    check(below, "draw_below: below the bound");
    check(same, "draw_below: the same on every processor");
    check(even, "draw_below: the mean is that of a uniform");
}

/* Bounds for which a quarter and half of the numbers are refused: a biased draw would favour low ones. */
static void test_draw_is_unbiased(void)
{
    enum { N = 1 << 20 };
    static const uint32_t bounds[] = { 0xc0000001, 0x80000001, 6 };
    uint32_t *v = xnew(N + DRAW_SLACK, sizeof *v);
    for (int k = 0; k < 3; k++) {
        double count[6] = { 0 }, chi = 0;
        struct draw d;
        draw_init(&d, 11, (uint64_t)k);
        draw_below(&d, bounds[k], v, N);
        for (int i = 0; i < N; i++)
            count[(uint64_t)v[i] * 6 / bounds[k]]++;
        for (int c = 0; c < 6; c++)
            chi += (count[c] - N / 6.0) * (count[c] - N / 6.0) / (N / 6.0);
        check(chi < 20.5, "draw_below: chi squared, 5 degrees of freedom"); /* 1 in 1000 */
    }
    free(v);
}

static void test_sums(void)
{
    enum { N = 100 };
    struct draw_pair pair[N + 1] = { { 0, 0 } };
    uint32_t row[N];
    struct rng r;
    rng_init(&r, 1, 0);
    for (uint32_t i = 0; i < N; i++)
        pair[i] = (struct draw_pair){ rng_unit(&r) - 0.5, rng_unit(&r) };
    int same = 1, right = 1;
    for (size_t n = 0; n < N; n++) {
        struct draw_sums a, b, c = { 0 };
        for (size_t i = 0; i < n; i++) {
            const struct draw_pair *p = &pair[row[i] = rng_below(&r, N)];
            c.x += p->x;
            c.y += p->y;
            c.xx += p->x * p->x;
            c.yy += p->y * p->y;
            c.xy += p->x * p->y;
        }
        draw_sum(pair, N, row, n, &a);
        plain_sum(pair, N, row, n, &b);
        same &= !memcmp(&a, &b, sizeof a);
        right &= near(a.x, c.x, 1e-13) && near(a.y, c.y, 1e-13) && near(a.xx, c.xx, 1e-13) &&
                 near(a.yy, c.yy, 1e-13) && near(a.xy, c.xy, 1e-13);
    }
    check(same, "draw_sum: the same on every processor");
    check(right, "draw_sum: the sums");
}

/* ---- sorting */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double odd_value(struct rng *r, int kind)
{
    double u = rng_unit(r) - 0.5;
    switch (kind) {
    case 0:
        return u;
    case 1:
        return floor(u * 10); /* ties */
    case 2:
        return u * exp(50 * u); /* bunched */
    case 3:
        return ldexp(u, (int)rng_below(r, 2000) - 1000);
    case 4:
        return rng_below(r, 50) ? u : u < 0 ? -INFINITY : INFINITY;
    default:
        return 1e300 * u * 100;
    }
}

static void test_order_values(void)
{
    static const size_t sizes[] = { 0, 1, 2, 48, 49, 1000, 40000 };
    struct rng r;
    rng_init(&r, 2, 0);
    for (int kind = 0; kind < 6; kind++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            size_t n = sizes[k];
            double *x = xnew(n, sizeof *x), *y = xnew(n, sizeof *y);
            void *work = xaligned(1, order_values_work(n));
            for (size_t i = 0; i < n; i++)
                x[i] = y[i] = odd_value(&r, kind);
            order_values(x, n, work);
            qsort(y, n, sizeof *y, by_value);
            int same = 1;
            for (size_t i = 0; i < n; i++)
                same &= x[i] == y[i];
            check(same, "order_values: as qsort");
            free(x);
            free(y);
            free(work);
        }
}

static void test_quantile(void)
{
    const double x[] = { 1, 2, 4, 8 };
    check(interval_quantile(x, 4, 0) == 1 && interval_quantile(x, 4, 1) == 8, "interval_quantile: ends");
    check(interval_quantile(x, 4, 0.5) == 3 && near(interval_quantile(x, 4, 0.9), 6.8, 1e-15),
          "interval_quantile: type 7");
    check(interval_quantile(x, 1, 0.3) == 1, "interval_quantile: one value");
}

static void test_z0(void)
{
    const double ties[] = { 1, 2 - 2e-16, 2, 2 + 4e-16, 3, 4, 5, 6 };
    check(near(interval_z0(ties, 8, 2), -0.48877641111466950, 1e-14), "interval_z0: ties count half");
    const double far[] = { -1e16, 1, 2, 3, 4, 5, 6, 7, 8, 1e16 };
    check(near(interval_z0(far, 10, 2), -0.67448975019608174, 1e-14), "interval_z0: far draws make no ties");
}

/* ---- null distributions: counted, and walked */

struct walk {
    const struct nullsum *s;
    double low, high, sum, square;
    uint64_t n_low, n_high, total;
};

static void visit(struct walk *w, double t)
{
    w->n_low += t <= w->low;
    w->n_high += t >= w->high;
    w->total++;
    w->sum += t;
    w->square += t * t;
}

/* Gives place i of block b one of the elements that are free, and goes on. */
static void walk(struct walk *w, size_t b, size_t i, size_t n_chosen, unsigned taken, double t)
{
    const struct nullsum *s = w->s;
    if (b == s->n_block) {
        visit(w, t);
        return;
    }
    size_t first = s->block[b], n = s->block[b + 1] - first;
    if (i == n) {
        if (s->kind != STATISTIC_LABELS || n_chosen == s->n_first[b])
            walk(w, b + 1, 0, 0, 0, t);
        return;
    }
    if (s->kind == STATISTIC_PAIRING) {
        for (size_t k = 0; k < n; k++)
            if (!(taken >> k & 1))
                walk(w, b, i + 1, 0, taken | 1u << k, t + s->x[first + i] * s->v[first + k]);
    } else {
        walk(w, b, i + 1, n_chosen + 1, 0, t + s->v[first + i]);
        walk(w, b, i + 1, n_chosen, 0, s->kind == STATISTIC_SIGNS ? t - s->v[first + i] : t);
    }
}

static void test_nullsum(void)
{
    static const enum statistic_null kinds[] = { STATISTIC_PAIRING, STATISTIC_LABELS, STATISTIC_SIGNS };
    static const size_t shapes[][4] = { { 1 }, { 2 }, { 5 }, { 8 }, { 3, 4 }, { 1, 6, 1 }, { 2, 2, 2, 3 } };
    struct rng r;
    rng_init(&r, 3, 0);
    int counts = 1, moments = 1;
    for (int round = 0; round < 60; round++)
        for (size_t shape = 0; shape < 7; shape++) {
            size_t block[5] = { 0 }, n_first[4];
            double x[10], v[10], mean, variance;
            struct nullsum s = { kinds[round % 3], 0, block, n_first, x, v };
            for (; s.n_block < 4 && shapes[shape][s.n_block]; s.n_block++) {
                block[s.n_block + 1] = block[s.n_block] + shapes[shape][s.n_block];
                n_first[s.n_block] = rng_below(&r, (uint32_t)shapes[shape][s.n_block] + 1);
            }
            size_t n = block[s.n_block];
            for (size_t i = 0; i < n; i++) { /* quarters: sums are exact and have ties */
                x[i] = floor(rng_unit(&r) * 12) / 4;
                v[i] = floor(rng_unit(&r) * 12) / 4 - 1;
            }
            double at = floor(rng_unit(&r) * 40) / 4;
            struct walk w = { .s = &s, .low = at - 4, .high = at };
            walk(&w, 0, 0, 0, 0, 0);
            struct nullsum_count c = nullsum_count(&s, w.low, w.high, 1 + round % 2);
            counts &= c.low == w.n_low && c.high == w.n_high && nullsum_total(&s) == (double)w.total;
            nullsum_moments(&s, &mean, &variance);
            double m = w.sum / (double)w.total;
            moments &= near(mean, m, 1e-12) && near(variance, w.square / (double)w.total - m * m, 1e-10);
        }
    check(counts, "nullsum_count: as by walking");
    check(moments, "nullsum_moments: as by walking");
}

/* ---- statistics of samples, by their definitions */

struct rows {
    size_t n;
    double x[40], y[40];
    uint32_t group[40], stratum[40], cluster[40];
};

static double rank_of(const double *x, size_t n, size_t i)
{
    double less = 0, same = 0;
    for (size_t k = 0; k < n; k++) {
        less += x[k] < x[i];
        same += x[k] == x[i];
    }
    return less + (same + 1) / 2;
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

static double product_of(const double *x, const double *y, size_t n)
{
    double sum = 0, mx = mean_of(x, n), my = mean_of(y, n);
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mx) * (y[i] - my);
    return sum;
}

static double correlation_of(const double *x, const double *y, size_t n)
{
    double xx = product_of(x, x, n), yy = product_of(y, y, n);
    return n > 1 && xx > 1e-20 && yy > 1e-20 ? product_of(x, y, n) / sqrt(xx * yy) : NAN;
}

static double slow_spearman(const struct rows *r)
{
    double x[40], y[40];
    for (size_t i = 0; i < r->n; i++) {
        x[i] = rank_of(r->x, r->n, i);
        y[i] = rank_of(r->y, r->n, i);
    }
    return correlation_of(x, y, r->n);
}

static double slow_kendall(const struct rows *r)
{
    double s = 0, nx = 0, ny = 0;
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < i; k++) {
            double a = (r->x[i] > r->x[k]) - (r->x[i] < r->x[k]),
                   b = (r->y[i] > r->y[k]) - (r->y[i] < r->y[k]);
            s += a * b;
            nx += a * a;
            ny += b * b;
        }
    return nx > 0 && ny > 0 ? s / sqrt(nx * ny) : NAN;
}

static double slow_gini(const struct rows *r)
{
    double sum = 0;
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < r->n; k++)
            sum += fabs(r->x[i] - r->x[k]);
    for (size_t i = 0; i < r->n; i++)
        if (r->x[i] < 0)
            return NAN;
    double m = mean_of(r->x, r->n);
    return m > 0 ? sum / (2 * (double)r->n * (double)r->n * m) : NAN;
}

static double slow_median(const double *x, size_t n)
{
    double v[40];
    memcpy(v, x, n * sizeof *v);
    qsort(v, n, sizeof *v, by_value);
    return n ? (v[(n - 1) / 2] + v[n / 2]) / 2 : NAN;
}

static double slow_statistic(const char *name, const struct rows *r)
{
    size_t n = r->n, na = 0, nb = 0;
    double a[40], b[40], u = 0;
    for (size_t i = 0; i < n; i++)
        if (r->group[i])
            b[nb++] = r->x[i];
        else
            a[na++] = r->x[i];
    for (size_t i = 0; i < na; i++)
        for (size_t k = 0; k < nb; k++)
            u += a[i] > b[k] ? 1 : a[i] == b[k] ? 0.5 : 0;
    double xx = product_of(r->x, r->x, n), least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        least = fmin(least, r->x[i]);
        most = fmax(most, r->x[i]);
    }
    double slope = n > 1 && xx > 1e-20 ? product_of(r->x, r->y, n) / xx : NAN;
    double sd = n > 1 ? sqrt(xx / (double)(n - 1)) : NAN, m = mean_of(r->x, n);
    const struct {
        const char *name;
        double value;
    } all[] = {
        { "mean", m },
        { "sum", m * (double)n },
        { "median", slow_median(r->x, n) },
        { "sd", sd },
        { "var", sd * sd },
        { "cv", sd / m },
        { "min", n ? least : NAN },
        { "max", n ? most : NAN },
        { "range", n ? most - least : NAN },
        { "worst-best", n && least > 0 ? most / least : NAN },
        { "gini", slow_gini(r) },
        { "pearson", correlation_of(r->x, r->y, n) },
        { "spearman", slow_spearman(r) },
        { "kendall", slow_kendall(r) },
        { "slope", slope },
        { "intercept", mean_of(r->y, n) - slope * m },
        { "ratio-of-sums", m / mean_of(r->y, n) },
        { "diff-mean", mean_of(a, na) - mean_of(b, nb) },
        { "diff-median", slow_median(a, na) - slow_median(b, nb) },
        { "ratio-mean", mean_of(a, na) / mean_of(b, nb) },
        { "mann-whitney", na && nb ? u : NAN },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].name, name))
            return isfinite(all[i].value) ? all[i].value : NAN;
    check(0, name); /* in the table, not here */
    return NAN;
}

static void random_rows(struct rng *r, struct rows *rows)
{
    rows->n = 1 + rng_below(r, 24);
    int coarse = (int)rng_below(r, 2);
    double offset = rng_below(r, 2) ? 0 : 1e6;
    for (size_t i = 0; i < rows->n; i++) {
        double x = rng_unit(r) * 6, y = rng_unit(r) * 6 + x / 2;
        rows->x[i] = offset + (coarse ? floor(x) : x);
        rows->y[i] = 1 + (coarse ? floor(y) : y);
        rows->cluster[i] = rng_below(r, 6);
        rows->stratum[i] = rows->cluster[i] % 2;
        rows->group[i] = rng_below(r, 2);
    }
    if (!rng_below(r, 3))
        rows->x[rng_below(r, (uint32_t)rows->n)] = 1e9; /* must not drown the others when it is left out */
}

static struct rows rows_without(const struct rows *all, const struct sample *s, size_t unit)
{
    struct rows r = { .n = 0 };
    for (size_t i = 0; i < s->n; i++) {
        if (s->cluster[i] == unit)
            continue;
        size_t from = s->source[i];
        r.x[r.n] = all->x[from];
        r.y[r.n] = all->y[from];
        r.group[r.n++] = all->group[from];
    }
    return r;
}

static int check_sample(const struct rows *rows, const struct statistic *t, const struct sample *s)
{
    double left[40], draws[100], wanted = slow_statistic(t->name, rows);
    struct resample *r = resample_new(t, s);
    int ok = near(resample_estimate(r), wanted, 1e-9);
    resample_leave_out(r, 2, left);
    for (size_t u = 0; u < s->n_unit; u++) {
        struct rows rest = rows_without(rows, s, u);
        ok &= near(left[u], slow_statistic(t->name, &rest), 1e-9);
    }
    resample_bootstrap(r, 1, 0, 2, draws, 100);
    if (s->n_stratum == s->n_unit) /* then there is one resample only */
        for (int k = 0; k < 100; k++)
            ok &= near(draws[k], wanted, 1e-9);
    resample_free(r);
    return ok;
}

static void test_statistics(void)
{
    struct rng r;
    rng_init(&r, 4, 0);
    for (const struct statistic *t = statistic_table; t->name; t++) {
        int ok = 1;
        for (int round = 0; round < 200; round++) {
            struct rows rows;
            random_rows(&r, &rows);
            uint32_t own[40];
            for (uint32_t i = 0; i < 40; i++)
                own[i] = i;
            struct sample_rows given = { .n = rows.n, .x = rows.x, .y = t->n_column == 2 ? rows.y : NULL };
            given.group = t->n_group == 2 ? rows.group : NULL;
            given.stratum = round % 4 == 1 ? rows.stratum : round % 4 == 2 ? own : NULL;
            given.cluster = round % 4 && round % 4 != 2 ? rows.cluster : NULL;
            if (t->n_group == 1)
                memset(rows.group, 0, sizeof rows.group);
            struct sample s;
            check(sample_init(&s, &given) == 0, "sample_init");
            ok &= check_sample(&rows, t, &s);
            sample_clear(&s);
        }
        check(ok, t->name);
    }
}

static void test_sample(void)
{
    const double x[] = { 1, 2, 3, 4 };
    const uint32_t stratum[] = { 0, 1, 1, 0 }, cluster[] = { 0, 0, 1, 1 };
    struct sample_rows rows = { .n = 4, .x = x, .stratum = stratum, .cluster = cluster };
    struct sample s;
    check(sample_init(&s, &rows) == -1 && !s.x, "sample_init: a cluster in two strata");
}

int main(void)
{
    msg_set_prog("resample");
    test_draw_bounds();
    test_draw_is_unbiased();
    test_sums();
    test_order_values();
    test_quantile();
    test_z0();
    test_nullsum();
    test_sample();
    test_statistics();
    return n_failed > 0;
}
