/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/cortest.h"
#include "math/correlation.h"
#include "math/residuals.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---- intervals */

/* Around `middle`; a one-sided alternative leaves one end open. */
static void interval(double middle, double se, const struct cortest_how *how, double *low, double *high)
{
    int both = how->alternative == TAILS_BOTH;
    double width = se * tails_normal_within(both ? how->level : 2 * how->level - 1);
    *low = how->alternative == TAILS_LESS ? -INFINITY : middle - width;
    *high = how->alternative == TAILS_GREATER ? INFINITY : middle + width;
}

/* Fisher's z: atanh r is nearly normal with standard error `se`. */
static void fisher_interval(double r, double se, const struct cortest_how *how, struct cortest *out)
{
    if (fabs(r) == 1) {
        out->low = how->alternative == TAILS_LESS ? -1 : r;
        out->high = how->alternative == TAILS_GREATER ? 1 : r;
        return;
    }
    interval(atanh(r), se, how, &out->low, &out->high);
    out->low = tanh(out->low);
    out->high = tanh(out->high);
}

static void t_test(double r, double df, const struct cortest_how *how, struct cortest *out)
{
    if (df < 1)
        return;
    out->method = "t";
    out->df = df;
    out->statistic = r * sqrt(df / ((1 - r) * (1 + r)));
    out->p = tails_p(tails_t(out->statistic, df), r, how->alternative);
}

/* p from the exact probabilities of a statistic as small, and as large, as the one seen. */
static double exact_p(double small, double large, enum tails_alternative alternative)
{
    if (alternative == TAILS_BOTH)
        return fmin(1, 2 * fmin(small, large));
    return alternative == TAILS_LESS ? small : large;
}

/* ---- Spearman */

enum { MOST = CORTEST_SPEARMAN_MOST, MOST_SUM = (MOST * MOST * MOST - MOST) / 3 };

/* How many of the n! orders have each sum of squared differences of ranks, into count[]. ways[set][sum]: in
 * how many ways the first ranks of x, as many as the set has, can be matched with that set of ranks of y. */
static void count_orders(int n, uint32_t count[MOST_SUM + 1])
{
    uint32_t ways[1 << MOST][MOST_SUM + 1];
    memset(ways, 0, sizeof *ways << n);
    ways[0][0] = 1;
    for (int set = 0; set < (1 << n) - 1; set++)
        for (int y = 0, x = __builtin_popcount((unsigned)set); y < n; y++) {
            int square = (x - y) * (x - y), larger = set | 1 << y;
            for (int sum = 0; larger != set && sum + square <= MOST_SUM; sum++)
                ways[larger][sum + square] += ways[set][sum];
        }
    memcpy(count, ways[(1 << n) - 1], sizeof *ways);
}

static void exact_spearman(double rho, int n, enum tails_alternative alternative, struct cortest *out)
{
    uint32_t count[MOST_SUM + 1];
    int most = (n * n * n - n) / 3, seen = (int)lrint(most * (1 - rho) / 2);
    double small = 0, large = 0, all = 0; /* of the sum, which is large where rho is small */
    count_orders(n, count);
    for (int sum = 0; sum <= most; sum++) {
        small += sum <= seen ? count[sum] : 0;
        large += sum >= seen ? count[sum] : 0;
        all += count[sum];
    }
    out->method = "exact";
    out->statistic = seen;
    out->p = exact_p(large / all, small / all, alternative);
}

static int has_ties(const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (v[i] == v[k])
                return 1;
    return 0;
}

/* ---- Kendall */

/* The probability that a random order of n has at most `most` inversions. share[] becomes the probabilities
 * for 1, 2, .. n things in turn: the i-th thing adds 0 .. i - 1 inversions, each as likely. */
static double share_up_to(size_t n, size_t most)
{
    enum { N = CORTEST_KENDALL_MOST };
    double share[N * (N - 1) / 2 + 1] = { 1 }, sum = 0;
    for (size_t i = 2; i <= n; i++) {
        for (size_t k = 1; k <= most; k++)
            share[k] += share[k - 1];
        for (size_t k = most; k >= i; k--)
            share[k] -= share[k - i];
        for (size_t k = 0; k <= most; k++)
            share[k] /= (double)i;
    }
    for (size_t k = 0; k <= most; k++)
        sum += share[k];
    return sum;
}

/* The same from the nearer end, since the distribution is symmetric: small ones keep their digits. */
static double inversions_at_most(size_t n, size_t most)
{
    size_t all = n * (n - 1) / 2;
    if (most >= all)
        return 1;
    return most <= all / 2 ? share_up_to(n, most) : 1 - share_up_to(n, all - most - 1);
}

static void exact_kendall(const struct correlation_kendall *k, size_t n, enum tails_alternative alternative,
                          struct cortest *out)
{
    size_t all = n * (n - 1) / 2, discordant = (size_t)k->discordant;
    out->method = "exact";
    out->statistic = (double)(all - discordant);
    out->p = exact_p(inversions_at_most(n, all - discordant), inversions_at_most(n, discordant), alternative);
}

static void normal_kendall(const struct correlation_kendall *k, size_t n_pairs, enum tails_alternative side,
                           struct cortest *out)
{
    double n = (double)n_pairs;
    double variance = (n * (n - 1) * (2 * n + 5) - k->spread[0] - k->spread[1]) / 18 +
                      2 * k->tied[0] * k->tied[1] / (n * (n - 1));
    if (n > 2)
        variance += k->cubic[0] * k->cubic[1] / (9 * n * (n - 1) * (n - 2));
    out->method = "normal";
    out->statistic = k->s / sqrt(variance);
    out->p = tails_p(tails_normal(out->statistic), out->statistic, side);
}

static void kendall(const double *v, size_t n, const struct cortest_how *how, void *work, struct cortest *out)
{
    struct correlation_kendall k;
    if (correlation_kendall_full(v, v + n, n, &k, work) < 0)
        return;
    static const size_t most[] = { CORTEST_KENDALL_AUTO, CORTEST_KENDALL_MOST, 0 };
    int ties = k.tied[0] > 0 || k.tied[1] > 0;
    out->estimate = k.tau;
    if (!ties && n <= most[how->exact])
        exact_kendall(&k, n, how->alternative, out);
    else
        normal_kendall(&k, n, how->alternative, out);
    if (n > 4)
        fisher_interval(k.tau, sqrt(0.437 / (double)(n - 4)), how, out);
}

/* ---- any */

/* Replaces the first two columns by their residuals given those after them. Returns 0; or -1 if nothing is
 * left of one. */
static int hold_fixed(double *v, size_t n, size_t n_given, size_t *rank)
{
    double *basis = v + 2 * n;
    *rank = residuals_basis(basis, n, n_given);
    for (size_t c = 0; c < 2; c++)
        if (n_given && residuals_take(basis, *rank, v + c * n, n) < 0)
            return -1;
    return 0;
}

void cortest_columns(enum cortest_coefficient coefficient, double *v, size_t n, size_t n_given,
                     const struct cortest_how *how, void *work, struct cortest *out)
{
    *out = (struct cortest){ NAN, "", NAN, NAN, NAN, NAN, NAN, 0 };
    if (coefficient == CORTEST_KENDALL) {
        kendall(v, n, how, work, out);
        return;
    }
    int by_rank = coefficient == CORTEST_SPEARMAN;
    for (size_t c = 0; by_rank && c < 2 + n_given; c++)
        if (correlation_ranks(v + c * n, n, v + c * n, work) < 0)
            return;
    int exact = by_rank && !n_given && how->exact != CORTEST_EXACT_NEVER && n <= CORTEST_SPEARMAN_MOST &&
                !has_ties(v, n) && !has_ties(v + n, n);
    double r;
    if (hold_fixed(v, n, n_given, &out->n_given) < 0 || correlation_pearson(v, v + n, n, &r) < 0)
        return;
    out->estimate = r;
    if (exact)
        exact_spearman(r, (int)n, how->alternative, out);
    else
        t_test(r, (double)n - 2 - (double)out->n_given, how, out);
    double variance = by_rank ? 1 + r * r / 2 : 1;
    if (n > 3 + out->n_given)
        fisher_interval(r, sqrt(variance / (double)(n - 3 - out->n_given)), how, out);
}

/* ---- comparison */

void cortest_compare(double r1, double r2, double r12, size_t n, const struct cortest_how *how,
                     struct cortest_difference *out)
{
    *out = (struct cortest_difference){ NAN, NAN, NAN, NAN };
    if (n <= 3 || fabs(r1) == 1 || fabs(r2) == 1 || fabs(r12) == 1)
        return;
    double mean_square = (r1 * r1 + r2 * r2) / 2;
    double f = fmin(1, (1 - r12) / (2 * (1 - mean_square)));
    double h = (1 - f * mean_square) / (1 - mean_square);
    double difference = atanh(r1) - atanh(r2), se = sqrt(2 * (1 - r12) * h / (double)(n - 3));
    out->z = difference / se;
    out->p = tails_p(tails_normal(out->z), out->z, how->alternative);
    interval(difference, se, how, &out->low, &out->high);
}
