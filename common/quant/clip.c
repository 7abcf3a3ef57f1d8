/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/clip.h"
#include <gsl/gsl_sf_gamma.h>
#include <math.h>

/* P[|X| > a], E[|X|; |X| > a] and E[X^2; |X| > a] of the generalised Gauss. */
struct tail {
    double mass, first, second;
};

static double ratio_of_gammas(double x, double y)
{
    return exp(gsl_sf_lngamma(x) - gsl_sf_lngamma(y));
}

/* Q(s, u) falls below 1e-300 far out, where GSL would rather complain. */
static double upper(double s, double u)
{
    return u > 600 ? 0 : gsl_sf_gamma_inc_Q(s, u);
}

static struct tail tail_beyond(double shape, double a)
{
    double b = sqrt(ratio_of_gammas(1 / shape, 3 / shape)), u = pow(a / b, shape);
    return (struct tail){ upper(1 / shape, u),
                          b * ratio_of_gammas(2 / shape, 1 / shape) * upper(2 / shape, u),
                          upper(3 / shape, u) };
}

double clip_error(double shape, double a)
{
    if (shape == 2)
        return (1 + a * a) * erfc(a * M_SQRT1_2) - M_2_SQRTPI * M_SQRT1_2 * a * exp(-a * a / 2);
    if (shape == 1)
        return exp(-a * M_SQRT2);
    struct tail t = tail_beyond(shape, a);
    return t.second - 2 * a * t.first + a * a * t.mass;
}

/* -C'(a)/2 = E[|X| - a; |X| > a], and *mass = P[|X| > a], which is minus its slope. */
static double overshoot(double shape, double a, double *mass)
{
    if (shape == 2) {
        *mass = erfc(a * M_SQRT1_2);
        return M_2_SQRTPI * M_SQRT1_2 * exp(-a * a / 2) - a * *mass;
    }
    if (shape == 1) {
        *mass = exp(-a * M_SQRT2);
        return *mass * M_SQRT1_2;
    }
    struct tail t = tail_beyond(shape, a);
    *mass = t.mass;
    return t.first - a * t.mass;
}

/* Newton's method on -E'(a)/2 = overshoot(a) - a/(3k^2), which is convex and falls, so that steps from the
 * left never go too far. */
double clip_optimum(double shape, double k)
{
    double a = 0, step = 1, mass, slope = 1 / (3 * k * k);
    for (int i = 0; i < 200 && step > 1e-12 * a; i++) {
        step = overshoot(shape, a, &mass) - a * slope;
        step /= mass + slope;
        a += step;
    }
    return rint(a * 1e9) / 1e9;
}

static double kurtosis_of(double shape)
{
    return ratio_of_gammas(5 / shape, 3 / shape) * ratio_of_gammas(1 / shape, 3 / shape) - 3;
}

void clip_table_fill(struct clip_table *table, double k)
{
    for (int i = 0; i < CLIP_NODES; i++) {
        double shape = CLIP_SHAPE_MIN * pow(CLIP_SHAPE_MAX / CLIP_SHAPE_MIN, (double)i / (CLIP_NODES - 1));
        table->kurtosis[i] = rint(kurtosis_of(shape) * 1e9) / 1e9;
        table->optimum[i] = clip_optimum(shape, k);
    }
}

double clip_table_at(const struct clip_table *table, double kurtosis)
{
    const double *at = table->kurtosis;
    int low = 0, high = CLIP_NODES - 1;
    if (kurtosis >= at[low])
        return table->optimum[low];
    if (kurtosis <= at[high])
        return table->optimum[high];
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (at[middle] > kurtosis)
            low = middle;
        else
            high = middle;
    }
    double x = (at[low] - kurtosis) / (at[low] - at[high]);
    return table->optimum[low] + x * (table->optimum[high] - table->optimum[low]);
}
