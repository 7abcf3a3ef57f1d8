/* permute.h - permutation tests.  Layer: math.
 * What is rearranged is the statistic's (statistic.h: enum statistic_null), block by block where the sample
 * has strata; signs are flipped, and pairs exchanged, by whole clusters. See nullsum.h for how n = 14 is
 * exact. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_PERMUTE_H
#define MATH_PERMUTE_H
#include "math/sample.h"
#include "math/statistic.h"
#include <stdint.h>

/* A statistic that has a null hypothesis and a sample for which it is defined, made ready. Both are borrowed
 * until permute_free. NULL when the sample has differences beyond the range of doubles. */
struct permute;
struct permute *permute_new(const struct statistic *statistic, const struct sample *sample);
void permute_free(struct permute *p);

/* How much work an exact test may be: none, about a second, minutes. */
enum permute_effort { PERMUTE_NEVER, PERMUTE_AUTO, PERMUTE_ALWAYS };

/* What counts as at least as extreme. Two-sided: as far from the mean of T under the null hypothesis; without
 * strata that is |r| >= |r observed|, and the like. Kendall's tau and medians: as far from 0, with strata
 * from the mean of what was looked at. T is compared with a tolerance of 1e-11 of the most that it could be
 * (Pearson: 1e-11 in r), so that ties count. */
enum permute_side { PERMUTE_TWO_SIDED, PERMUTE_LESS, PERMUTE_GREATER };

struct permute_result {
    int exact;
    double p; /* exact: count / total; random: (count + 1) / (total + 1) (Phipson & Smyth 2010) */
    uint64_t count,
        total; /* arrangements at least as extreme as the one given, and all that were looked at */
    double null_mean,
        null_sd; /* of the statistic; closed forms, or else of what was looked at; NaN: unknown */
};

/* n_value random arrangements, value[k] = T (statistic.h; the statistic itself where that is no function of
 * T). Replicate k depends on seed, stream and k only. */
void permute_draw(const struct permute *p, uint64_t seed, uint64_t stream, int n_thread, double *value,
                  size_t n_value);

/* The test from such values, and the statistic that goes with a T. */
void permute_random(const struct permute *p, enum permute_side side, const double *value, size_t n_value,
                    struct permute_result *result);
double permute_statistic(const struct permute *p, double t);

/* The test from all arrangements, by whichever way there is. Returns -1, leaving *result alone, when that is
 * more work than `effort` allows. */
int permute_exact(const struct permute *p, enum permute_effort effort, enum permute_side side, int n_thread,
                  struct permute_result *result);

#endif
