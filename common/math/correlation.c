/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/correlation.h"
#include "math/order.h"
#include "math/scale.h"
#include <math.h>

/* ---- Pearson */

enum { LANES = 8 }; /* the order of every sum is fixed by design, so all machines get the same digits */
typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));

static double sum_lanes(const lanes *v)
{
    double a[LANES];
    memcpy(a, v, sizeof a);
    return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

static double mean_from(const double *x, size_t n, double origin)
{
    lanes sum = { 0 }, v;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        memcpy(&v, x + i, sizeof v);
        sum += v - origin;
    }
    double rest = 0;
    for (; i < n; i++)
        rest += x[i] - origin;
    return (sum_lanes(&sum) + rest) / (double)n;
}

struct products {
    double x, y, xx, xy, yy; /* sums over deviations */
};

static void sum_products(const double *x, const double *y, size_t n, const double middle[2],
                         const double scale[2], struct products *p)
{
    lanes sx = { 0 }, sy = { 0 }, sxx = { 0 }, sxy = { 0 }, syy = { 0 }, u, v;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        memcpy(&u, x + i, sizeof u);
        memcpy(&v, y + i, sizeof v);
        u = (u - middle[0]) * scale[0];
        v = (v - middle[1]) * scale[1];
        sx += u;
        sy += v;
        sxx += u * u;
        sxy += u * v;
        syy += v * v;
    }
    *p = (struct products){ sum_lanes(&sx), sum_lanes(&sy), sum_lanes(&sxx), sum_lanes(&sxy),
                            sum_lanes(&syy) };
    for (; i < n; i++) {
        double a = (x[i] - middle[0]) * scale[0], b = (y[i] - middle[1]) * scale[1];
        p->x += a;
        p->y += b;
        p->xx += a * a;
        p->xy += a * b;
        p->yy += b * b;
    }
}

/* The power of two that brings the largest |x - middle| near 1. */
static double scale_of(const double *x, size_t n, double middle)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i] - middle));
    return ldexp(1, -scale_exponent(most));
}

static int squares_fit(double sum)
{
    return sum > 0x1p-450 && sum < 0x1p+450; /* and so does the product of two */
}

int correlation_pearson(const double *x, const double *y, size_t n, double *r)
{
    if (n < 2)
        return -1;
    /* Measured from the first value, so that a constant column has deviations of exactly 0. */
    double middle[2] = { x[0] + mean_from(x, n, x[0]), y[0] + mean_from(y, n, y[0]) };
    const double one[2] = { 1, 1 };
    struct products p;
    sum_products(x, y, n, middle, one, &p);
    if (!squares_fit(p.xx) || !squares_fit(p.yy)) {
        const double scale[2] = { scale_of(x, n, middle[0]), scale_of(y, n, middle[1]) };
        sum_products(x, y, n, middle, scale, &p);
    }
    double xx = p.xx - p.x * p.x / (double)n, yy = p.yy - p.y * p.y / (double)n;
    double xy = p.xy - p.x * p.y / (double)n;
    if (!(xx > 0 && yy > 0 && isfinite(xx) && isfinite(yy)))
        return -1;
    double v = xy / sqrt(xx * yy);
    *r = v > 1 ? 1 : v < -1 ? -1 : v;
    return 0;
}

/* ---- ranks */

size_t correlation_work_bytes(size_t n)
{
    return 2 * n * sizeof(struct order_item) + 2 * n * sizeof(double);
}

static int has_nan(const double *x, size_t n)
{
    int nan = 0;
    for (size_t i = 0; i < n; i++)
        nan |= x[i] != x[i];
    return nan;
}

/* One past the last of the equal keys that begin at i. */
static size_t end_of_tie(const struct order_item *item, size_t i, size_t n)
{
    uint64_t key = item[i].key;
    for (i++; i < n && item[i].key == key; i++)
        ;
    return i;
}

static struct order_item *sorted_items(const double *x, size_t n, void *work)
{
    struct order_item *item = work;
    for (size_t i = 0; i < n; i++)
        item[i] = (struct order_item){ order_key(x[i]), (uint32_t)i, 0 };
    return order_sort(item, item + n, n);
}

int correlation_ranks(const double *x, size_t n, double *rank, void *work)
{
    if (n > UINT32_MAX || has_nan(x, n))
        return -1;
    struct order_item *item = sorted_items(x, n, work);
    for (size_t i = 0, end; i < n; i = end) {
        end = end_of_tie(item, i, n);
        for (size_t k = i; k < end; k++)
            rank[item[k].index] = (double)(i + end + 1) / 2;
    }
    return 0;
}

int correlation_spearman(const double *x, const double *y, size_t n, double *rho, void *work)
{
    double *rank_x = (double *)((struct order_item *)work + 2 * n), *rank_y = rank_x + n;
    if (correlation_ranks(x, n, rank_x, work) < 0 || correlation_ranks(y, n, rank_y, work) < 0)
        return -1;
    return correlation_pearson(rank_x, rank_y, n, rho);
}

/* ---- Kendall */

static void count_tie(struct correlation_kendall *k, int column, size_t n_tied)
{
    double t = (double)n_tied;
    k->tied[column] += t * (t - 1) / 2;
    k->cubic[column] += t * (t - 1) * (t - 2);
    k->spread[column] += t * (t - 1) * (2 * t + 5);
}

/* Merges the sorted runs a[0..n_a-1] and b[0..n_b-1] into out; returns how many pairs are out of order. */
static uint64_t merge_counting(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b, uint32_t *out)
{
    uint64_t inversions = 0;
    size_t i = 0, k = 0;
    while (i < n_a && k < n_b) { /* without branches on the data, which are unpredictable */
        size_t take_b = b[k] < a[i];
        *out++ = take_b ? b[k] : a[i];
        inversions += take_b ? n_a - i : 0;
        k += take_b;
        i += !take_b;
    }
    memcpy(out, a + i, (n_a - i) * sizeof *out);
    memcpy(out + (n_a - i), b + k, (n_b - k) * sizeof *out);
    return inversions;
}

static uint64_t sort_few_counting(uint32_t *v, size_t n)
{
    uint64_t inversions = 0;
    for (size_t i = 1; i < n; i++) {
        uint32_t x = v[i];
        size_t k = i;
        for (; k && v[k - 1] > x; k--)
            v[k] = v[k - 1];
        v[k] = x;
        inversions += i - k;
    }
    return inversions;
}

/* Pairs i < k with v[i] > v[k]; sorts v. */
static uint64_t count_inversions(uint32_t *v, uint32_t *spare, size_t n)
{
    enum { RUN = 16 };
    uint64_t inversions = 0;
    for (size_t i = 0; i < n; i += RUN)
        inversions += sort_few_counting(v + i, n - i < RUN ? n - i : RUN);
    for (size_t run = RUN; run < n; run *= 2) {
        for (size_t i = 0; i < n; i += 2 * run) {
            size_t n_a = n - i < run ? n - i : run, n_b = n - i - n_a < run ? n - i - n_a : run;
            inversions += merge_counting(v + i, n_a, v + i + n_a, n_b, spare + i);
        }
        uint32_t *sorted = spare;
        spare = v;
        v = sorted;
    }
    return inversions;
}

int correlation_kendall_full(const double *x, const double *y, size_t n, struct correlation_kendall *k,
                             void *work)
{
    if (n < 2 || n > UINT32_MAX || has_nan(x, n) || has_nan(y, n))
        return -1;
    struct correlation_kendall c = { 0 };
    struct order_item *item = sorted_items(y, n, work);
    struct order_item *other = item == work ? item + n : work;
    uint32_t n_value = 0;
    for (size_t i = 0, end; i < n; i = end, n_value++) {
        end = end_of_tie(item, i, n);
        count_tie(&c, 1, end - i);
        for (size_t m = i; m < end; m++)
            item[m].tag = n_value;
    }
    /* The sort is stable: pairs that already stand in the order of y end up in the order of (x, y). */
    for (size_t i = 0; i < n; i++)
        item[i].key = order_key(x[item[i].index]);
    item = order_sort(item, other, n);
    uint32_t *value = (uint32_t *)((struct order_item *)work + 2 * n);
    double tied_in_both = 0;
    for (size_t i = 0, end; i < n; i = end) {
        end = end_of_tie(item, i, n);
        count_tie(&c, 0, end - i);
        size_t same = 0; /* earlier ones of the tie with the same y */
        for (size_t m = i; m < end; m++) {
            value[m] = item[m].tag;
            same = m > i && value[m] == value[m - 1] ? same + 1 : 0;
            tied_in_both += (double)same;
        }
    }
    c.discordant = (double)count_inversions(value, value + n, n);
    double all = (double)n * (double)(n - 1) / 2;
    if (c.tied[0] == all || c.tied[1] == all)
        return -1;
    c.s = all - c.tied[0] - c.tied[1] + tied_in_both - 2 * c.discordant;
    double tau = c.s / (sqrt(all - c.tied[0]) * sqrt(all - c.tied[1]));
    c.tau = tau > 1 ? 1 : tau < -1 ? -1 : tau;
    *k = c;
    return 0;
}

int correlation_kendall(const double *x, const double *y, size_t n, double *tau, void *work)
{
    struct correlation_kendall k;
    if (correlation_kendall_full(x, y, n, &k, work) < 0)
        return -1;
    *tau = k.tau;
    return 0;
}
