/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/adamw.h"
#include "base/vector.h"
#include <math.h>

/* The numbers of a step as floats. */
struct factors {
    float beta1, rest1, beta2, rest2, g_scale, keep, rate, root, eps;
};

VECTOR_CLONES static void adamw_elements(const struct factors *f, const float *restrict g, float *restrict m,
                                         float *restrict v, float *restrict w, size_t n)
{
    const struct factors k = *f;
    for (size_t i = 0; i < n; i++) {
        float x = k.g_scale * g[i];
        m[i] = k.beta1 * m[i] + k.rest1 * x;
        v[i] = k.beta2 * v[i] + k.rest2 * (x * x);
        w[i] = k.keep * w[i] - k.rate * m[i] / (sqrtf(v[i]) * k.root + k.eps);
    }
}

void adamw_step(const struct adamw *o, uint64_t step, double lr, double g_scale, int decay, const float *g,
                float *m, float *v, float *w, size_t n)
{
    double bias1 = 1 - pow(o->beta1, (double)step), bias2 = 1 - pow(o->beta2, (double)step);
    struct factors f = {
        .beta1 = (float)o->beta1,
        .rest1 = (float)(1 - o->beta1),
        .beta2 = (float)o->beta2,
        .rest2 = (float)(1 - o->beta2),
        .g_scale = (float)g_scale,
        .keep = (float)(decay ? 1 - lr * o->weight_decay : 1),
        .rate = (float)(lr / bias1),
        .root = (float)(1 / sqrt(bias2)),
        .eps = (float)o->eps,
    };
    adamw_elements(&f, g, m, v, w, n);
}

enum { LANES = 16 };

VECTOR_CLONES static void adamw_square_lanes(const float *x, size_t n_group, double *lane)
{
    for (size_t i = 0; i < n_group * LANES; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            lane[k] += (double)x[i + k] * (double)x[i + k];
}

double adamw_squares(const float *x, size_t n)
{
    double lane[LANES] = { 0 }, sum = 0;
    adamw_square_lanes(x, n / LANES, lane);
    for (size_t i = n - n % LANES; i < n; i++)
        lane[i % LANES] += (double)x[i] * (double)x[i];
    for (int k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}

double adamw_rate(uint64_t step, uint64_t n_step, uint64_t n_warmup, uint64_t n_cooldown, double peak,
                  double floor)
{
    if (step <= n_warmup)
        return peak * (double)step / (double)n_warmup;
    uint64_t begin = n_step > n_cooldown ? n_step - n_cooldown : 0;
    if (begin < n_warmup)
        begin = n_warmup;
    if (step <= begin || n_step <= begin)
        return peak;
    double share = step < n_step ? (double)(step - begin) / (double)(n_step - begin) : 1;
    return floor + (peak - floor) * 0.5 * (1 + cos(M_PI * share));
}
