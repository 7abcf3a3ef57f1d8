/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/kure.h"
#include "base/vector.h"
#include "math/moments.h"
#include <math.h>

static struct moments moments_of(const float *w, size_t n)
{
    struct moments_tree tree = { 0 };
    struct powers_watch watch = { INFINITY, INFINITY, 0, 0, { 0 } };
    for (size_t i = 0; i < n; i += MOMENTS_CHUNK) {
        struct moments piece;
        moments_chunk(w + i, POWERS_F32, n - i < MOMENTS_CHUNK ? n - i : MOMENTS_CHUNK, &watch, &piece);
        moments_tree_push(&tree, &piece);
    }
    return moments_tree_total(&tree);
}

/* m4 / m2^2, from sums over n. */
static double kurtosis(const struct moments *m)
{
    return m->n && !m->n_nonfinite && m->m2 > 0 ? (double)m->n * m->m4 / (m->m2 * m->m2) : NAN;
}

double kure_kurtosis(const float *w, size_t n)
{
    struct moments m = moments_of(w, n);
    return kurtosis(&m);
}

/* grad += cubic d^3 + linear d + constant, d = w - mean. */
VECTOR_CLONES static void kure_cubic(const float *restrict w, size_t n, float mean, float cubic, float linear,
                                     float constant, float *restrict grad)
{
    for (size_t i = 0; i < n; i++) {
        float d = w[i] - mean;
        grad[i] += d * (cubic * (d * d) + linear) + constant;
    }
}

double kure_add(const float *w, size_t n, double target, double scale, float *grad)
{
    struct moments m = moments_of(w, n);
    double b2 = kurtosis(&m), excess = b2 - target, size = (double)n;
    if (!isfinite(b2))
        return NAN;
    double m2 = m.m2 / size, m3 = m.m3 / size, m4 = m.m4 / size;
    double factor = scale * 2 * excess * 4 / size, cubic = factor / (m2 * m2);
    kure_cubic(w, n, (float)(m.mean + m.mean_rest), (float)cubic, (float)(-cubic * m4 / m2),
               (float)(-cubic * m3), grad);
    return excess * excess;
}
