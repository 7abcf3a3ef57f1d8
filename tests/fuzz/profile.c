/* The profile of any floats, whole or by channel, is that of a plain loop over their finite ones.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/profile.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void need(int ok)
{
    if (!ok)
        abort();
}

/* The finite numbers of channel c, through a second way to walk the array. */
static void check(const struct profile_array *a, const float *x, size_t c, const struct profile_rule *rule,
                  const struct moments *m, uint64_t n_outlier)
{
    size_t n = 0, n_bad = 0, n_out = 0;
    double sum = 0, max_abs = 0, low, high;
    profile_ends(rule, m, &low, &high);
    for (size_t i = 0; i < a->outer * a->n_channel * a->inner; i++) {
        if (i / a->inner % a->n_channel != c)
            continue;
        if (!isfinite(x[i])) {
            n_bad++;
            continue;
        }
        n++;
        sum += x[i];
        max_abs = fmax(max_abs, fabs((double)x[i]));
        n_out += x[i] < low || x[i] > high;
    }
    need(m->n == n && m->n_nonfinite == n_bad && m->max_abs == max_abs && n_outlier == n_out);
    need(m->m2 >= 0 || m->m2 > -1e-9 * max_abs * max_abs * (double)n);
    need(!n || fabs(m->mean - sum / (double)n) <= 1e-9 * max_abs);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size < 4)
        return 0;
    struct profile_rule rule = { data[0] / 32.0, data[1] & 1, data[1] >> 1 & 1 };
    size_t n = (size - 4) / sizeof(float), inner = data[2] % 70 + 1u, n_channel = data[3] % 20 + 1u;
    if (n_channel > 1)
        n -= n % (inner * n_channel);
    float *x = xnew(n, sizeof *x);
    memcpy(x, data + 4, n * sizeof *x);
    struct profile_array a = { n_channel > 1 ? n / (inner * n_channel) : 1,
                               n_channel,
                               n_channel > 1 ? inner : n,
                               NULL,
                               NULL,
                               NULL,
                               x,
                               POWERS_F32,
                               NULL };
    struct moments *m = xcalloc(n_channel, sizeof *m);
    uint64_t *n_outlier = xcalloc(n_channel, sizeof *n_outlier);
    profile_take(&a, &rule, 1, m, n_outlier);
    for (size_t c = 0; c < n_channel && n; c++)
        check(&a, x, c, &rule, &m[c], n_outlier[c]);
    free(x);
    free(m);
    free(n_outlier);
    return 0;
}
