/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/beyond.h"
#include "base/vector.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* The largest float <= v, so that x > v is x > that for every float x. */
static float float_below(double v)
{
    float f = (float)v;
    return f > v ? nextafterf(f, -INFINITY) : f;
}

VECTOR_CLONES
static uint32_t count_f32(const char *x, size_t n, float low, float high)
{
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++) {
        float f;
        memcpy(&f, x + i * sizeof f, sizeof f);
        count += ((f < low) | (f > high)) & (f >= -FLT_MAX) & (f <= FLT_MAX);
    }
    return count;
}

uint64_t beyond_count_f32(const void *x, size_t n, double low, double high)
{
    enum { PIECE = 1 << 20 };
    uint64_t count = 0;
    const char *bytes = x;
    float high_f32 = float_below(high), low_f32 = -float_below(-low);
    for (size_t i = 0; i < n; i += PIECE)
        count += count_f32(bytes + i * sizeof(float), n - i < PIECE ? n - i : PIECE, low_f32, high_f32);
    return count;
}

VECTOR_CLONES
static uint64_t count_f64(const char *x, size_t n, double low, double high)
{
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++) {
        double f;
        memcpy(&f, x + i * sizeof f, sizeof f);
        count += (uint64_t)(((f < low) | (f > high)) & (f >= -DBL_MAX) & (f <= DBL_MAX));
    }
    return count;
}

uint64_t beyond_count_f64(const void *x, size_t n, double low, double high)
{
    return count_f64(x, n, low, high);
}

/* The standard error of a mean, from the values that it is of. */
static double standard_error(const double *v, size_t n)
{
    double mean = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        mean += v[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        sum += (v[i] - mean) * (v[i] - mean);
    return sqrt(sum / (double)(n - 1) / (double)n);
}

int beyond_guess(const struct moments *samples, size_t n_sample, double k, int about_zero, float *inner,
                 float *outer)
{
    enum { MOST = 1024, SURE = 5 /* standard errors */ };
    double mean[MOST], square[MOST];
    struct moments all = { 0 };
    struct moments_summary s;
    if (n_sample < 2 || n_sample > MOST)
        return -1;
    for (size_t i = 0; i < n_sample; i++)
        moments_merge(&all, &samples[i]);
    moments_summarise(&all, 0, &s);
    for (size_t i = 0; i < n_sample; i++) {
        double d = samples[i].mean - s.mean;
        mean[i] = d;
        square[i] = samples[i].n ? samples[i].m2 / (double)samples[i].n + d * d : 0;
    }
    double centre = about_zero ? 0 : fabs(s.mean),
           slack = SURE * k * standard_error(square, n_sample) / (2 * s.sd);
    slack += about_zero ? 0 : SURE * standard_error(mean, n_sample);
    *inner = (float)(k * s.sd - centre - slack);
    *outer = (float)(k * s.sd + centre + slack);
    return *inner > 0.5 * k * s.sd && isfinite(*outer) ? 0 : -1; /* else too much would have to be kept */
}

void beyond_take(struct beyond_sieve *s, const struct powers_watch *watch, const void *x,
                 enum powers_type type)
{
    s->n_beyond += watch->n_beyond;
    if (s->room - s->n_kept < watch->n_between) {
        s->overflowed = 1;
        return;
    }
    for (size_t k = 0; k < watch->n_between; k++)
        s->kept[s->n_kept++] = powers_at(x, type, watch->between[k]);
}

int beyond_settle(const struct beyond_sieve *sieves, size_t n_sieve, float inner, float outer, double low,
                  double high, uint64_t *count)
{
    uint64_t sum = 0;
    if (!(-low >= inner && -low <= outer && high >= inner && high <= outer))
        return -1;
    for (const struct beyond_sieve *s = sieves; s < sieves + n_sieve; s++) {
        if (s->overflowed)
            return -1;
        sum += s->n_beyond + beyond_count_f32(s->kept, s->n_kept, low, high);
    }
    *count = sum;
    return 0;
}
