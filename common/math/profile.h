/* profile.h - moments and outliers of a large array, whole or channel by channel.  Layer: math.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_PROFILE_H
#define MATH_PROFILE_H
#include "math/moments.h"
#include <stddef.h>
#include <stdint.h>

/* An array [outer][n_channel][inner], row-major; with one channel it is just a row of numbers. They are made
 * from `source`, borrowed, by one of two functions that put numbers [from, from + n) into out: load_f32, if
 * floats hold them exactly, or load_f64. The functions are called from several threads. Numbers of a
 * powers_type in memory are best given by their address as well, of any alignment: `plain`, else NULL. */
struct profile_array {
    size_t outer, n_channel, inner;
    const void *source;
    void (*load_f32)(const void *source, size_t from, size_t n, float *out);
    void (*load_f64)(const void *source, size_t from, size_t n, double *out);
    const void *plain;
    enum powers_type type; /* of `plain`; without it POWERS_F32, 0 */
};

/* Outliers lie outside centre +- k sd; the centre is the mean or 0, and sd the one of that estimator. */
struct profile_rule {
    double k;
    int about_zero, unbiased;
};
void profile_ends(const struct profile_rule *rule, const struct moments *m, double *low, double *high);

/* The moments of each channel into m[n_channel], and how many of its numbers are outliers by the rule into
 * n_outlier[n_channel] (NULL: not wanted). The same for any n_thread. */
void profile_take(const struct profile_array *a, const struct profile_rule *rule, int n_thread,
                  struct moments *m, uint64_t *n_outlier);

/* Adds to n_outlier[c] how many numbers of channel c are below low[c] or above high[c]. */
void profile_count(const struct profile_array *a, const double *low, const double *high, int n_thread,
                   uint64_t *n_outlier);

#endif
