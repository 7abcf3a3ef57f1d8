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

int beyond_guess(struct beyond_guess *g, const struct moments *sample, double k, int about_zero)
{
    struct moments_summary s;
    double n = (double)sample->n, centre;
    moments_summarise(sample, 0, &s);
    if (isnan(s.kurtosis))
        return -1;
    /* Ten times the standard errors of sd and mean in a random sample, as neighbours in a tensor are alike */
    double slack = k * s.sd * 10 * sqrt((s.kurtosis + 2) / (4 * n));
    slack += about_zero ? 0 : 10 * s.sd / sqrt(n);
    centre = about_zero ? 0 : s.mean;
    *g = (struct beyond_guess){ centre - k * s.sd - slack, centre - k * s.sd + slack,
                                centre + k * s.sd - slack, centre + k * s.sd + slack, 0 };
    double inside = fmin(-g->low_to, g->high_from);
    if (!(inside > 0.5 * k * s.sd)) /* else too many numbers would be near the ends */
        return -1;
    g->watch = float_below(inside);
    return 0;
}

void beyond_take(struct beyond_sieve *s, const struct beyond_guess *g, const void *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float f;
        memcpy(&f, (const char *)x + i * sizeof f, sizeof f);
        if ((f >= g->low_to && f <= g->high_from) || !isfinite(f))
            continue;
        if (f < g->low_from || f > g->high_to)
            s->n_outside++;
        else if (s->n_kept < s->room)
            s->kept[s->n_kept++] = f;
        else
            s->overflowed = 1;
    }
}

int beyond_settle(const struct beyond_sieve *sieves, size_t n_sieve, const struct beyond_guess *g, double low,
                  double high, uint64_t *count)
{
    uint64_t sum = 0;
    if (!(low >= g->low_from && low <= g->low_to && high >= g->high_from && high <= g->high_to))
        return -1;
    for (const struct beyond_sieve *s = sieves; s < sieves + n_sieve; s++) {
        if (s->overflowed)
            return -1;
        sum += s->n_outside + beyond_count_f32(s->kept, s->n_kept, low, high);
    }
    *count = sum;
    return 0;
}
