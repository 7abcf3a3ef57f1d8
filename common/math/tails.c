/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/tails.h"
#include <gsl/gsl_cdf.h>
#include <math.h>

double tails_normal(double z)
{
    return erfc(fabs(z) * M_SQRT1_2);
}

double tails_normal_within(double level)
{
    return gsl_cdf_ugaussian_Qinv((1 - level) / 2);
}

/* G(a + 1/2) / G(a), G the gamma function, for a > 0: the series in 1/a (Tricomi & Erdelyi 1951) where a is
 * large, and below that G(a + 1) = a G(a) to get there. Differences of lgamma lose digits as a grows. */
static double half_step_of_gamma(double a)
{
    static const double term[] = { 1,
                                   -1.0 / 8,
                                   1.0 / 128,
                                   5.0 / 1024,
                                   -21.0 / 32768,
                                   -399.0 / 262144,
                                   869.0 / 4194304,
                                   39325.0 / 33554432 };
    double below = 1;
    while (a < 64) {
        below *= a / (a + 0.5);
        a += 1;
    }
    double sum = 0;
    for (int i = (int)(sizeof term / sizeof *term) - 1; i >= 0; i--)
        sum = sum / a + term[i];
    return below * sqrt(a) * sum;
}

/* The continued fraction of the incomplete beta function (DLMF 8.17.22), by the modified Lentz method: fast
 * for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), h;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    h = d;
    for (int m = 1; m < 100000; m++) {
        for (int odd = 0; odd < 2; odd++) {
            double e = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                           : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + e * d;
            c = 1 + e / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            h *= c * d;
        }
        if (fabs(c * d - 1) < 1e-16)
            break;
    }
    return h;
}

/* The z that is as far out in a normal distribution as t is in Student's (Hill 1970, Algorithm 395), for
 * large df, where x = df / (df + t^2) is too near 1 to tell how near. */
static double normal_of(double t, double df)
{
    double a = df - 0.5, b = 48 * a * a;
    double y = fmin(a * log1p(t / df * t), 1e4); /* p is 0 long before */
    double more = (((-0.4 * y - 3.3) * y - 24) * y - 85.5) / (0.8 * y * y + 100 + b) + y + 3;
    return (1 + more / b) * sqrt(y);
}

double tails_t(double t, double df)
{
    enum { LARGE = 20000 };
    if (isnan(t) || !(df > 0))
        return NAN;
    if (isinf(t))
        return 0;
    if (df > LARGE)
        return tails_normal(normal_of(t, df));
    double a = df / 2, b = 0.5, ratio = t / df * t; /* x = 1 / (1 + ratio) */
    double x = 1 / (1 + ratio), rest = ratio / (1 + ratio);
    /* x^a (1 - x)^b / B(a, b) */
    double front = exp(-a * log1p(ratio)) * sqrt(rest) * half_step_of_gamma(a) / sqrt(M_PI);
    if (isinf(ratio))
        return 0;
    if (x < (a + 1) / (a + b + 2))
        return front / a * beta_fraction(x, a, b);
    return 1 - front / b * beta_fraction(rest, b, a);
}

double tails_p(double two_sided, double statistic, enum tails_alternative alternative)
{
    if (alternative == TAILS_BOTH)
        return two_sided;
    return (statistic > 0) == (alternative == TAILS_GREATER) ? two_sided / 2 : 1 - two_sided / 2;
}
