/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/moments.h"
#include "base/vector.h"
#include <math.h>
#include <string.h>

/* ---- one chunk */

/* Sets the mean to a + b, with what rounding takes away (Knuth's two-sum). */
static void set_mean(struct moments *m, double a, double b)
{
    double sum = a + b, part = sum - a;
    m->mean = sum;
    m->mean_rest = (a - (sum - part)) + (b - part);
}

/* Central moments from sums of powers of deviations from origin. */
static void centre(const struct powers *s, size_t n, double origin, struct moments *m)
{
    double s1 = powers_total(s->sum[0]), s2 = powers_total(s->sum[1]), d = s1 / (double)n;
    double s3 = powers_total(s->sum[2]), s4 = powers_total(s->sum[3]);
    m->n = n;
    set_mean(m, origin, d);
    m->m2 = s2 - d * s1;
    m->m3 = s3 - d * (3 * s2 - 2 * d * s1);
    m->m4 = s4 - d * (4 * s3 - d * (6 * s2 - 3 * d * s1));
}

/* Whether sums about 0 lose digits, more than two of sixteen: nine tenths of the mean square are the mean's.
 */
static int mean_is_large(const struct powers *s, size_t n)
{
    double s1 = powers_total(s->sum[0]), s2 = powers_total(s->sum[1]);
    return s1 * s1 > 0.9 * (double)n * s2;
}

/* The second look, at finite numbers whose sums about 0 are `first`. */
static void centre_again(const double *x, size_t n, const struct powers *first, struct moments *m)
{
    double mean = powers_total(first->sum[0]) / (double)n;
    size_t same = 1;
    while (same < n && x[same] == x[0])
        same++;
    if (same == n) { /* exactly, with no trace of rounding in the powers */
        m->n = n;
        m->mean = x[0];
        return;
    }
    struct powers s;
    powers_sum_f64(x, n, mean, &s);
    centre(&s, n, mean, m);
}

static void finite_f64(const double *x, size_t n, struct moments *m)
{
    struct powers s;
    powers_sum_f64(x, n, 0, &s);
    if (mean_is_large(&s, n))
        centre_again(x, n, &s, m);
    else
        centre(&s, n, 0, m);
}

/* Keeps the finite ones of x[0..n-1], in order; returns how many. */
static size_t drop_nonfinite(double *x, size_t n, struct moments *m)
{
    size_t kept = 0;
    m->max_abs = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i])) {
            m->max_abs = fabs(x[i]) > m->max_abs ? fabs(x[i]) : m->max_abs;
            x[kept++] = x[i];
        }
    m->n_nonfinite = n - kept;
    return kept;
}

void moments_chunk(const void *x, enum powers_type type, size_t n, struct powers_watch *watch,
                   struct moments *out)
{
    struct powers s;
    powers_sum(x, type, n, watch, &s);
    *out = (struct moments){ .max_abs = half_of_bits(s.max_abs) };
    int finite = isfinite(out->max_abs);
    if (finite && !mean_is_large(&s, n)) {
        if (n)
            centre(&s, n, 0, out);
        return;
    }
    double wide[MOMENTS_CHUNK];
    for (size_t i = 0; i < n; i++)
        wide[i] = powers_at(x, type, i);
    if (finite) {
        centre_again(wide, n, &s, out);
        return;
    }
    n = drop_nonfinite(wide, n, out);
    watch->n_beyond -= out->n_nonfinite;
    if (n)
        finite_f64(wide, n, out);
}

VECTOR_CLONES
static uint64_t max_abs_bits(const uint64_t *x, size_t n)
{
    uint64_t most = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = x[i] & (UINT64_MAX >> 1);
        most = bits > most ? bits : most;
    }
    return most;
}

void moments_chunk_f64(const void *x, size_t n, struct moments *out)
{
    union {
        double f[MOMENTS_CHUNK];
        uint64_t u[MOMENTS_CHUNK];
    } copy;
    *out = (struct moments){ 0 };
    memcpy(copy.f, x, n * sizeof *copy.f);
    uint64_t most = max_abs_bits(copy.u, n);
    memcpy(&out->max_abs, &most, sizeof most);
    if (!isfinite(out->max_abs))
        n = drop_nonfinite(copy.f, n, out);
    if (n)
        finite_f64(copy.f, n, out);
}

/* ---- many chunks */

void moments_merge(struct moments *a, const struct moments *b)
{
    a->n_nonfinite += b->n_nonfinite;
    a->max_abs = b->max_abs > a->max_abs ? b->max_abs : a->max_abs;
    if (!b->n)
        return;
    if (!a->n) {
        a->n = b->n;
        a->mean = b->mean;
        a->mean_rest = b->mean_rest;
        a->m2 = b->m2;
        a->m3 = b->m3;
        a->m4 = b->m4;
        return;
    }
    double na = (double)a->n, nb = (double)b->n, n = na + nb;
    double d = (b->mean - a->mean) + (b->mean_rest - a->mean_rest), d2 = d * d;
    a->m4 += b->m4 + d2 * d2 * na * nb * (na * na - na * nb + nb * nb) / (n * n * n) +
             6 * d2 * (na * na * b->m2 + nb * nb * a->m2) / (n * n) + 4 * d * (na * b->m3 - nb * a->m3) / n;
    a->m3 += b->m3 + d2 * d * na * nb * (na - nb) / (n * n) + 3 * d * (na * b->m2 - nb * a->m2) / n;
    a->m2 += b->m2 + d2 * na * nb / n;
    set_mean(a, a->mean, a->mean_rest + d * nb / n);
    a->n += b->n;
}

void moments_tree_push(struct moments_tree *tree, const struct moments *piece)
{
    struct moments whole = *piece;
    int k = 0;
    for (; tree->n >> k & 1; k++) {
        struct moments left = tree->node[k];
        moments_merge(&left, &whole);
        whole = left;
    }
    tree->node[k] = whole;
    tree->n++;
}

struct moments moments_tree_total(const struct moments_tree *tree)
{
    struct moments total = { 0 };
    for (int k = 0; tree->n >> k; k++)
        if (tree->n >> k & 1) {
            struct moments left = tree->node[k];
            moments_merge(&left, &total);
            total = left;
        }
    return total;
}

void moments_summarise(const struct moments *m, int unbiased, struct moments_summary *out)
{
    double n = (double)m->n, least = unbiased ? 1 : 0;
    *out = (struct moments_summary){ NAN, NAN, NAN, NAN, NAN };
    if (!m->n)
        return;
    out->mean = m->mean;
    /* 0 of such small numbers does not say that all are equal; M2 of F32 is never that small */
    int lost = m->m2 / n < 1e-290 && m->max_abs > 0 && m->max_abs < 1e-120;
    if (n > least && isfinite(m->m2) && !lost)
        out->sd = sqrt(m->m2 / (n - least));
    if (n > 3) {
        double biased = sqrt(24 * n * (n - 2) * (n - 3) / ((n + 1) * (n + 1) * (n + 3) * (n + 5)));
        out->kurtosis_se = unbiased ? biased * (n * n - 1) / ((n - 2) * (n - 3)) : biased;
    }
    /* m4 and m2^2 below 1e-290, or above 1e290, may have lost digits or all */
    double square = m->m2 / n * (m->m2 / n);
    if (n < 2 || !(square > 1e-290 && m->m4 / n < 1e290))
        return;
    double g1 = m->m3 / n / pow(m->m2 / n, 1.5), g2 = m->m4 / n / square - 3;
    if (!unbiased) {
        out->skewness = g1;
        out->kurtosis = g2;
        return;
    }
    if (n > 2)
        out->skewness = g1 * sqrt(n * (n - 1)) / (n - 2);
    if (n > 3)
        out->kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6);
}
