/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/interval.h"
#include "math/scale.h"
#include <gsl/gsl_cdf.h>
#include <math.h>

double interval_quantile(const double *sorted, size_t n, double p)
{
    double place = (double)(n - 1) * p, below = floor(place);
    size_t i = (size_t)below;
    return i + 1 < n ? sorted[i] + (place - below) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

void interval_moments(const double *sorted, size_t n, double *mean, double *sd)
{
    double unit = ldexp(1, scale_exponent(fmax(fabs(sorted[0]), fabs(sorted[n - 1])))), factor = 1 / unit;
    double middle = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        middle += (factor * sorted[i] - middle) / (double)(i + 1);
    for (size_t i = 0; i < n; i++) {
        double d = factor * sorted[i] - middle;
        square += d * d;
    }
    *mean = unit * middle;
    *sd = n > 1 ? unit * sqrt(square / (double)(n - 1)) : NAN;
}

double interval_z0(const double *sorted, size_t n, double estimate)
{
    double middle = interval_quantile(sorted, n, 0.84) - interval_quantile(sorted, n, 0.16);
    double tolerance = fmax(1e-12 * middle, 1e-15 * fabs(estimate)), below = 0;
    for (size_t i = 0; i < n; i++)
        below += fabs(sorted[i] - estimate) <= tolerance ? 0.5 : sorted[i] < estimate;
    return gsl_cdf_ugaussian_Pinv(below / (double)n);
}

int interval_ends(const struct interval_draws *d, enum interval_kind kind, double level, double end[2])
{
    int extreme = 0;
    for (int side = 0; side < 2; side++) {
        double p = side ? (1 + level) / 2 : (1 - level) / 2;
        if (kind == INTERVAL_BCA) {
            double z = d->z0 + gsl_cdf_ugaussian_Pinv(p), bend = 1 - d->a * z;
            if (!isfinite(z) || !(bend > 0)) {
                end[0] = end[1] = NAN;
                return -1;
            }
            p = gsl_cdf_ugaussian_P(d->z0 + z / bend);
        }
        extreme |= (double)(d->n + 1) * p < 1 || (double)(d->n + 1) * p > (double)d->n;
        end[side] = interval_quantile(d->sorted, d->n, p);
    }
    if (kind == INTERVAL_BASIC) {
        double low = 2 * d->estimate - end[1];
        end[1] = 2 * d->estimate - end[0];
        end[0] = low;
    }
    return extreme;
}
