/* resample.h - a statistic of rows drawn again and again: bootstrap, jackknife.  Layer: math.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_RESAMPLE_H
#define MATH_RESAMPLE_H
#include "math/sample.h"
#include "math/statistic.h"
#include <stdint.h>

/* A statistic and a sample, made ready. Both are borrowed until resample_free. The statistic's columns and
 * groups must be there. */
struct resample;
struct resample *resample_new(const struct statistic *statistic, const struct sample *sample);
void resample_free(struct resample *r);

/* The statistic of the rows as they are; NaN when it is undefined or beyond the range of doubles. */
double resample_estimate(const struct resample *r);

/* n_value draws of the statistic under the bootstrap: from each stratum as many units as it has, with
 * replacement (Efron 1979). NaN where a draw has no statistic. Replicate k depends on seed, stream and k
 * only, not on n_thread; samples alike in their units and strata draw the same ones. */
void resample_bootstrap(const struct resample *r, uint64_t seed, uint64_t stream, int n_thread, double *value,
                        size_t n_value);

/* value[u] = the statistic without unit u of the sample. */
void resample_leave_out(const struct resample *r, int n_thread, double *value);

/* The acceleration of BCa from those values: a = sum l^3 / (6 (sum l^2)^1.5) over units, l = (m - t_u)
 * (n_s - 1) / n_s with n_s the units of the stratum and m their mean (Davison & Hinkley 1997, eq. 5.28; for
 * one stratum Efron's). Returns 0, or -1 when it is undefined: a value is, or all are equal. */
int resample_acceleration(const struct sample *s, const double *left_out, double *a);

#endif
