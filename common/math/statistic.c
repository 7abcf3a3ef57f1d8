/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/statistic.h"
#include "math/correlation.h"
#include <math.h>
#include <string.h>

/* ---- functions of the sums */

static double mean_x(const struct statistic_sums *s)
{
    return s->cx + s->x / s->n;
}

static double mean_y(const struct statistic_sums *s)
{
    return s->cy + s->y / s->n;
}

static double sum(const struct statistic_sums *s)
{
    return s->n > 0 ? s->n * s->cx + s->x : NAN;
}

static double spread_x(const struct statistic_sums *s)
{
    return s->xx - s->x * s->x / s->n;
}

static double spread_y(const struct statistic_sums *s)
{
    return s->yy - s->y * s->y / s->n;
}

static double product(const struct statistic_sums *s)
{
    return s->xy - s->x * s->y / s->n;
}

static double variance(const struct statistic_sums *s)
{
    double xx = spread_x(s);
    return s->n < 2 ? NAN : xx < 0 ? 0 : xx / (s->n - 1);
}

static double deviation(const struct statistic_sums *s)
{
    return sqrt(variance(s));
}

static double cv(const struct statistic_sums *s)
{
    return sqrt(variance(s)) / mean_x(s);
}

static double pearson(const struct statistic_sums *s)
{
    double xx = spread_x(s), yy = spread_y(s);
    if (!(xx > 0 && yy > 0))
        return NAN;
    double r = product(s) / (sqrt(xx) * sqrt(yy));
    return r > 1 ? 1 : r < -1 ? -1 : r;
}

static double slope(const struct statistic_sums *s)
{
    double xx = spread_x(s);
    return xx > 0 ? product(s) / xx : NAN;
}

static double intercept(const struct statistic_sums *s)
{
    return mean_y(s) - slope(s) * mean_x(s);
}

static double ratio_of_sums(const struct statistic_sums *s)
{
    return sum(s) / (s->n * s->cy + s->y);
}

static double difference_of_means(const struct statistic_sums *s)
{
    return mean_x(&s[0]) - mean_x(&s[1]);
}

static double ratio_of_means(const struct statistic_sums *s)
{
    return mean_x(&s[0]) / mean_x(&s[1]);
}

/* ---- functions of sorted values */

static double middle(const double *x, size_t n)
{
    return n ? (x[(n - 1) / 2] + x[n / 2]) / 2 : NAN;
}

static double median(const double *x, size_t n_first, size_t n)
{
    (void)n_first;
    return middle(x, n);
}

static double least(const double *x, size_t n_first, size_t n)
{
    (void)n_first;
    return n ? x[0] : NAN;
}

static double most(const double *x, size_t n_first, size_t n)
{
    (void)n_first;
    return n ? x[n - 1] : NAN;
}

static double range(const double *x, size_t n_first, size_t n)
{
    (void)n_first;
    return n ? x[n - 1] - x[0] : NAN;
}

static double most_over_least(const double *x, size_t n_first, size_t n)
{
    (void)n_first;
    return n && x[0] > 0 ? x[n - 1] / x[0] : NAN;
}

/* sum_i sum_j |x_i - x_j| / (2 n^2 mean), by the order of the values. */
static double gini(const double *x, size_t n_first, size_t n)
{
    (void)n_first;
    if (!n || x[0] < 0)
        return NAN;
    double weighted = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        weighted += (2 * (double)i + 1 - (double)n) * x[i];
        all += x[i];
    }
    return weighted / ((double)n * all);
}

static double difference_of_medians(const double *x, size_t n_first, size_t n)
{
    return middle(x, n_first) - middle(x + n_first, n - n_first);
}

/* Pairs in which the first group has the larger value, ties half. */
static double mann_whitney(const double *x, size_t n_first, size_t n)
{
    if (n_first == 0 || n_first == n)
        return NAN;
    double u = 0;
    size_t below = n_first, up_to = n_first; /* of the second group: values < x[i], and <= x[i] */
    for (size_t i = 0; i < n_first; i++) {
        while (below < n && x[below] < x[i])
            below++;
        while (up_to < n && x[up_to] <= x[i])
            up_to++;
        u += (double)(below - n_first) + (double)(up_to - below) / 2;
    }
    return u;
}

static double kendall(const double *x, const double *y, size_t n, void *work)
{
    double tau = NAN;
    correlation_kendall(x, y, n, &tau, work);
    return tau;
}

/* ---- null distributions: t(T), see statistic.h */

static void set(double m[4], double a, double b, double c, double d)
{
    m[0] = a;
    m[1] = b;
    m[2] = c;
    m[3] = d;
}

static void null_correlation(const struct statistic_null_facts *f, double m[4])
{
    set(m, 0, 1 / (sqrt(f->xx) * sqrt(f->yy)), 1, 0);
}

static void null_slope(const struct statistic_null_facts *f, double m[4])
{
    set(m, 0, f->unit / f->xx, 1, 0);
}

static void null_mean(const struct statistic_null_facts *f, double m[4])
{
    set(m, 0, f->unit / f->n, 1, 0);
}

static void null_sum(const struct statistic_null_facts *f, double m[4])
{
    set(m, 0, f->unit, 1, 0);
}

static void null_ratio_of_sums(const struct statistic_null_facts *f, double m[4])
{
    set(m, f->total, f->unit, f->total, -f->unit);
}

static void null_difference(const struct statistic_null_facts *f, double m[4])
{
    set(m, 0, f->unit * (1 / f->n_first + 1 / (f->n - f->n_first)), 1, 0);
}

static void null_ratio_of_means(const struct statistic_null_facts *f, double m[4])
{
    set(m, f->mean, f->unit / f->n_first, f->mean, -f->unit / (f->n - f->n_first));
}

static void null_mann_whitney(const struct statistic_null_facts *f, double m[4])
{
    set(m, f->n_first * (f->mean - (f->n_first + 1) / 2), f->unit, 1, 0);
}

#define SUMS(f)            .form = STATISTIC_SUMS, .of_sums = f
#define SORTED(f)          .form = STATISTIC_SORTED, .of_sorted = f
#define NULL_OF(kind, map) .null = STATISTIC_##kind, .null_map = map

const struct statistic statistic_table[] = {
    { "mean", "mean of x", 1, 1, SUMS(mean_x), NULL_OF(SIGNS, null_mean), .power = { 1, 0 } },
    { "sum", "sum of x", 1, 1, SUMS(sum), NULL_OF(SIGNS, null_sum), .power = { 1, 0 } },
    { "median", "median of x", 1, 1, SORTED(median), NULL_OF(SIGNS, NULL) },
    { "sd", "standard deviation of x, with n - 1", 1, 1, SUMS(deviation), .power = { 1, 0 } },
    { "var", "variance of x, with n - 1", 1, 1, SUMS(variance), .power = { 2, 0 } },
    { "cv", "coefficient of variation of x: sd / mean", 1, 1, SUMS(cv), .divisor = 'x' },
    { "min", "least x", 1, 1, SORTED(least) },
    { "max", "largest x", 1, 1, SORTED(most) },
    { "range", "max - min of x", 1, 1, SORTED(range) },
    { "worst-best", "max / min of x, which must be above 0", 1, 1, SORTED(most_over_least) },
    { "gini", "Gini coefficient of x, which must be 0 or more", 1, 1, SORTED(gini) },
    { "pearson", "Pearson's r of x and y", 2, 1, SUMS(pearson), NULL_OF(PAIRING, null_correlation) },
    { "spearman", "Spearman's rho of x and y", 2, 1, .form = STATISTIC_RANKS, .of_sums = pearson,
      NULL_OF(PAIRING, null_correlation), .null_of_ranks = 1 },
    { "kendall", "Kendall's tau-b of x and y", 2, 1, .form = STATISTIC_PAIRS, .of_pairs = kendall,
      NULL_OF(PAIRING, NULL) },
    { "slope", "least-squares slope of y on x", 2, 1, SUMS(slope), NULL_OF(PAIRING, null_slope),
      .power = { -1, 1 } },
    { "intercept", "least-squares intercept of y on x", 2, 1, SUMS(intercept), .power = { 0, 1 } },
    { "ratio-of-sums", "sum of x / sum of y", 2, 1, SUMS(ratio_of_sums), NULL_OF(SIGNS, null_ratio_of_sums),
      .divisor = 'y', .power = { 1, -1 } },
    { "diff-mean", "mean of x in the first group less that in the second", 1, 2, SUMS(difference_of_means),
      NULL_OF(LABELS, null_difference), .paired = "mean", .power = { 1, 0 } },
    { "diff-median", "the same of medians; --paired: median of x - y", 1, 2, SORTED(difference_of_medians),
      NULL_OF(LABELS, NULL), .paired = "median" },
    { "ratio-mean", "mean of x in the first group over that in the second", 1, 2, SUMS(ratio_of_means),
      NULL_OF(LABELS, null_ratio_of_means), .paired = "ratio-of-sums", .divisor = 'x' },
    { "mann-whitney", "U: pairs in which the first group has the larger x, ties half", 1, 2,
      SORTED(mann_whitney), NULL_OF(LABELS, null_mann_whitney), .null_of_ranks = 1 },
    { 0 }
};

const struct statistic *statistic_find(const char *name)
{
    for (const struct statistic *s = statistic_table; s->name; s++)
        if (!strcmp(s->name, name))
            return s;
    return NULL;
}
