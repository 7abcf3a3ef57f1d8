/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/moments.h"
#include "base/vector.h"
#include <math.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* ---- sums of powers
 * Every sum is kept in LANES parts, part k over every LANES-th number from the k-th, and the parts are added
 * up in a fixed order at the end: that is what a kernel means, however wide the vectors that it uses. */

enum { LANES = MOMENTS_GROUP };

struct sums {
    double power[4][LANES]; /* of x - origin: first to fourth */
    uint32_t max_abs;       /* as bits, which are in the order of the numbers */
};

static double add_lanes(const double a[LANES])
{
    return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

/* Two numbers, which every 64-bit processor has vectors for; LANES of them. */
typedef double pair __attribute__((vector_size(2 * sizeof(double))));
enum { PAIRS = LANES / 2 };
struct pair_sums {
    pair power[4][PAIRS];
};

static pair fuse(pair a, pair b, pair c)
{
    return (pair){ fma(a[0], b[0], c[0]), fma(a[1], b[1], c[1]) };
}

static uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* Sums about 0 of n_group whole groups of floats, the first of them called `first`. */
static void sum_f32_plain(const char *x, size_t n_group, size_t first, struct moments_watch *w,
                          struct sums *s)
{
    const uint32_t inner = bits_of(w->inner), outer = bits_of(w->outer);
    struct pair_sums p = { { { { 0 } } } };
    for (size_t g = 0; g < n_group; g++, x += LANES * sizeof(float)) {
        float f[LANES];
        uint32_t bits[LANES], most = 0, n_beyond = 0, n_watched = 0;
        memcpy(f, x, sizeof f);
        memcpy(bits, x, sizeof bits);
        for (int i = 0; i < LANES; i++) {
            uint32_t size = bits[i] & 0x7fffffff;
            most = size > most ? size : most;
            n_beyond += size > outer;
            n_watched += size > inner;
        }
        for (int k = 0; k < PAIRS; k++) {
            pair d = { f[2 * k], f[2 * k + 1] }, square = d * d;
            p.power[0][k] += d;
            p.power[1][k] += square;
            p.power[2][k] = fuse(square, d, p.power[2][k]);
            p.power[3][k] = fuse(square, square, p.power[3][k]);
        }
        s->max_abs = most > s->max_abs ? most : s->max_abs;
        w->n_beyond += n_beyond;
        w->group[w->n_group] = (uint16_t)(first +
                                          g); /* without a branch, which would often be guessed wrong */
        w->n_group += n_watched > n_beyond;
    }
    for (int k = 0; k < 4; k++) {
        double lanes[LANES];
        memcpy(lanes, p.power[k], sizeof lanes);
        for (int i = 0; i < LANES; i++)
            s->power[k][i] += lanes[i];
    }
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) static void sum_f32_avx2(const char *x, size_t n_group,
                                                             struct moments_watch *w, struct sums *s)
{
    const __m256i no_sign = _mm256_set1_epi32(0x7fffffff);
    const __m256i inner = _mm256_set1_epi32((int)bits_of(w->inner));
    const __m256i outer = _mm256_set1_epi32((int)bits_of(w->outer));
    __m256d p[4][2] = { { { 0 } } };
    __m256i most = _mm256_setzero_si256(), n_beyond = most;
    size_t n_noted = 0;
    for (size_t g = 0; g < n_group; g++, x += LANES * sizeof(float)) {
        _mm_prefetch(x + 1024, _MM_HINT_T0); /* a tenth off the time of data in memory */
        for (int half = 0; half < 2; half++) {
            __m256d d = _mm256_cvtps_pd(_mm_loadu_ps((const float *)x + 4 * half));
            __m256d square = _mm256_mul_pd(d, d);
            p[0][half] = _mm256_add_pd(p[0][half], d);
            p[1][half] = _mm256_add_pd(p[1][half], square);
            p[2][half] = _mm256_fmadd_pd(square, d, p[2][half]);
            p[3][half] = _mm256_fmadd_pd(square, square, p[3][half]);
        }
        __m256i bits = _mm256_and_si256(_mm256_loadu_si256((const __m256i *)x), no_sign);
        __m256i beyond = _mm256_cmpgt_epi32(bits, outer); /* -1 where it is so */
        __m256i watched = _mm256_andnot_si256(beyond, _mm256_cmpgt_epi32(bits, inner));
        most = _mm256_max_epu32(most, bits);
        n_beyond = _mm256_sub_epi32(n_beyond, beyond);
        w->group[n_noted] = (uint16_t)g;
        n_noted += _mm256_movemask_epi8(watched) != 0;
    }
    w->n_group = n_noted;
    for (int k = 0; k < 4; k++)
        for (int half = 0; half < 2; half++)
            _mm256_storeu_pd(s->power[k] + 4 * half, p[k][half]);
    uint32_t part[2][LANES];
    _mm256_storeu_si256((__m256i *)part[0], most);
    _mm256_storeu_si256((__m256i *)part[1], n_beyond);
    for (int i = 0; i < LANES; i++) {
        s->max_abs = part[0][i] > s->max_abs ? part[0][i] : s->max_abs;
        w->n_beyond += part[1][i];
    }
}
#endif

/* Of n floats, with those behind the last whole group. */
static void sum_f32(const char *x, size_t n, struct moments_watch *w, struct sums *s)
{
    size_t n_group = n / LANES, n_rest = n % LANES;
    w->n_beyond = w->n_group = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sum_f32_avx2(x, n_group, w, s);
    else
#endif
        sum_f32_plain(x, n_group, 0, w, s);
    if (n_rest) {
        char padded[LANES * sizeof(float)] = { 0 }; /* zeros add nothing */
        memcpy(padded, x + n_group * sizeof padded, n_rest * sizeof(float));
        sum_f32_plain(padded, 1, n_group, w, s);
    }
}

/* Sums about origin of n doubles. */
static void sum_f64(const double *x, size_t n, double origin, struct sums *s)
{
    struct pair_sums p = { { { { 0 } } } };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < PAIRS; k++) {
            pair d = (pair){ x[i + 2 * k], x[i + 2 * k + 1] } - origin, square = d * d;
            p.power[0][k] += d;
            p.power[1][k] += square;
            p.power[2][k] += square * d;
            p.power[3][k] += square * square;
        }
    memcpy(s->power, p.power, sizeof s->power);
    for (int k = 0; i < n; i++, k++) {
        double d = x[i] - origin, square = d * d;
        s->power[0][k] += d;
        s->power[1][k] += square;
        s->power[2][k] += square * d;
        s->power[3][k] += square * square;
    }
}

/* ---- one chunk */

/* Sets the mean to a + b, with what rounding takes away (Knuth's two-sum). */
static void set_mean(struct moments *m, double a, double b)
{
    double sum = a + b, part = sum - a;
    m->mean = sum;
    m->mean_rest = (a - (sum - part)) + (b - part);
}

/* Central moments from sums of powers of deviations from origin. */
static void centre(const struct sums *s, size_t n, double origin, struct moments *m)
{
    double s1 = add_lanes(s->power[0]), s2 = add_lanes(s->power[1]), d = s1 / (double)n;
    double s3 = add_lanes(s->power[2]), s4 = add_lanes(s->power[3]);
    m->n = n;
    set_mean(m, origin, d);
    m->m2 = s2 - d * s1;
    m->m3 = s3 - d * (3 * s2 - 2 * d * s1);
    m->m4 = s4 - d * (4 * s3 - d * (6 * s2 - 3 * d * s1));
}

/* Whether sums about 0 lose digits, more than two of sixteen: nine tenths of the mean square are the mean's.
 */
static int mean_is_large(const struct sums *s, size_t n)
{
    double s1 = add_lanes(s->power[0]), s2 = add_lanes(s->power[1]);
    return s1 * s1 > 0.9 * (double)n * s2;
}

/* The second look, at finite numbers whose sums about 0 are `first`. */
static void centre_again(const double *x, size_t n, const struct sums *first, struct moments *m)
{
    double mean = add_lanes(first->power[0]) / (double)n;
    size_t same = 1;
    while (same < n && x[same] == x[0])
        same++;
    if (same == n) { /* exactly, with no trace of rounding in the powers */
        m->n = n;
        m->mean = x[0];
        return;
    }
    struct sums s;
    sum_f64(x, n, mean, &s);
    centre(&s, n, mean, m);
}

static void finite_f64(const double *x, size_t n, struct moments *m)
{
    struct sums s;
    sum_f64(x, n, 0, &s);
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

void moments_chunk_f32(const void *x, size_t n, struct moments_watch *watch, struct moments *out)
{
    struct sums s = { { { 0 } }, 0 };
    float max_abs;
    *out = (struct moments){ 0 };
    sum_f32(x, n, watch, &s);
    memcpy(&max_abs, &s.max_abs, sizeof max_abs);
    out->max_abs = max_abs;
    int finite = isfinite(max_abs);
    if (finite && !mean_is_large(&s, n)) {
        if (n)
            centre(&s, n, 0, out);
        return;
    }
    double wide[MOMENTS_CHUNK];
    for (size_t i = 0; i < n; i++) {
        float f;
        memcpy(&f, (const char *)x + i * sizeof f, sizeof f);
        wide[i] = f;
    }
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
