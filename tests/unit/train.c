/* What training is made of, but for the gradient of the model (tests/unit/grad.c): a step of AdamW against
 * the published formula, the learning rate, KURE against differences, which sequences are drawn.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "lm/sampler.h"
#include "math/adamw.h"
#include "math/kure.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill(float *x, size_t n, uint64_t stream, double scale)
{
    struct rng r;
    rng_init(&r, 1, stream);
    for (size_t i = 0; i < n; i++) /* a sum of three uniforms, skewed a little */
        x[i] = (float)(scale * (rng_unit(&r) + rng_unit(&r) + pow(rng_unit(&r), 2) - 1.3));
}

/* Loshchilov & Hutter 2019, algorithm 2, lines 6 to 12, in double: alpha is the learning rate, eta 1, and
 * lambda the decay times alpha. */
static void published_step(double t, double alpha, double lambda, double beta1, double beta2, double eps,
                           double g, double *m, double *v, double *theta)
{
    *m = beta1 * *m + (1 - beta1) * g;
    *v = beta2 * *v + (1 - beta2) * g * g;
    double m_hat = *m / (1 - pow(beta1, t)), v_hat = *v / (1 - pow(beta2, t));
    *theta -= alpha * m_hat / (sqrt(v_hat) + eps) + lambda * *theta;
}

static void test_adamw(void)
{
    enum { N = 1003, STEPS = 5 };
    const struct adamw o = { 0.9, 0.95, 1e-8, 0.1 };
    static float w[N], g[N], m[N], v[N], whole[N], m2[N], v2[N];
    static double wd[N], md[N], vd[N];
    fill(w, N, 0, 0.02);
    memcpy(whole, w, sizeof w);
    for (int i = 0; i < N; i++)
        wd[i] = w[i];
    for (uint64_t t = 1; t <= STEPS; t++) {
        double lr = 1e-3 * (double)t, decay = t < STEPS ? 0.1 : 0;
        fill(g, N, t, t == 2 ? 1e-6 : 1);
        for (int i = 0; i < N; i++)
            published_step((double)t, lr, lr * decay, 0.9, 0.95, 1e-8, 0.5 * (double)g[i], &md[i], &vd[i],
                           &wd[i]);
        adamw_step(&o, t, lr, 0.5, decay > 0, g, m, v, w, 500);
        adamw_step(&o, t, lr, 0.5, decay > 0, g + 500, m + 500, v + 500, w + 500, N - 500);
        adamw_step(&o, t, lr, 0.5, decay > 0, g, m2, v2, whole, N);
        for (int i = 0; i < N; i++)
            CHECK(fabs(w[i] - wd[i]) < 2e-7 * fabs(wd[i]) + 1e-6 * lr * (double)t,
                  "step %d, %d: %.9g, not %.9g", (int)t, i, (double)w[i], wd[i]);
    }
    CHECK(!memcmp(w, whole, sizeof w), "in pieces it comes out otherwise");
}

static void test_squares(void)
{
    enum { N = 4099 };
    static float x[N];
    double sum = 0;
    fill(x, N, 7, 3);
    for (int i = 0; i < N; i++)
        sum += (double)x[i] * (double)x[i];
    CHECK(fabs(adamw_squares(x, N) / sum - 1) < 1e-13, "%.17g, not %.17g", adamw_squares(x, N), sum);
    CHECK(adamw_squares(x, 0) == 0, "of none");
}

static void test_rate(void)
{
    CHECK(adamw_rate(1, 100, 10, 100, 2, 0.2) == 0.2, "%g", adamw_rate(1, 100, 10, 100, 2, 0.2));
    CHECK(adamw_rate(10, 100, 10, 100, 2, 0.2) == 2, "%g", adamw_rate(10, 100, 10, 100, 2, 0.2));
    CHECK(fabs(adamw_rate(55, 100, 10, 100, 2, 0.2) - 1.1) < 1e-12, "half way: %g",
          adamw_rate(55, 100, 10, 100, 2, 0.2));
    CHECK(adamw_rate(100, 100, 10, 100, 2, 0.2) == 0.2, "%g", adamw_rate(100, 100, 10, 100, 2, 0.2));
    CHECK(adamw_rate(80, 100, 10, 20, 2, 0.2) == 2, "level until the cooldown");
    CHECK(fabs(adamw_rate(90, 100, 10, 20, 2, 0.2) - 1.1) < 1e-12, "half way down");
    CHECK(adamw_rate(100, 100, 0, 0, 2, 0.2) == 2, "no cooldown");
    CHECK(adamw_rate(5, 100, 200, 100, 2, 0.2) == 0.05, "a warm-up longer than the run");
}

/* (b2 - target)^2 in double, of x with x[i] moved by h. */
static double moved(const float *x, size_t n, double target, size_t i, double h)
{
    double mean = 0, m2 = 0, m4 = 0;
    for (size_t k = 0; k < n; k++)
        mean += ((double)x[k] + (k == i ? h : 0)) / (double)n;
    for (size_t k = 0; k < n; k++) {
        double d = (double)x[k] + (k == i ? h : 0) - mean;
        m2 += d * d / (double)n;
        m4 += d * d * d * d / (double)n;
    }
    return pow(m4 / (m2 * m2) - target, 2);
}

static void test_kure(void)
{
    enum { N = 5000 }; /* more than a chunk of moments */
    static float w[N], g[N];
    fill(w, N, 3, 0.02);
    w[17] = 0.3f;
    double got = kure_add(w, N, 1.8, 0.7, g), wanted = moved(w, N, 1.8, 0, 0), largest = 0;
    CHECK(fabs(got / wanted - 1) < 1e-12, "%.15g, not %.15g", got, wanted);
    CHECK(fabs(pow(kure_kurtosis(w, N) - 1.8, 2) / wanted - 1) < 1e-12, "the kurtosis alone");
    for (size_t i = 0; i < N; i++)
        largest = fmax(largest, fabs((double)g[i]));
    for (size_t i = 0; i < N; i += 17) {
        double h = 1e-6, slope = (moved(w, N, 1.8, i, h) - moved(w, N, 1.8, i, -h)) / (2 * h);
        CHECK(fabs((double)g[i] - 0.7 * slope) < 2e-6 * largest, "%zu: %.9g, not %.9g", i, (double)g[i],
              0.7 * slope);
    }
    float same[3] = { 1, 1, 1 }, none[3] = { 0 };
    CHECK(isnan(kure_add(same, 3, 1.8, 1, none)) && none[0] == 0, "of equal numbers there is no kurtosis");
    float coin[4] = { 1, -1, 1, -1 };
    CHECK(kure_kurtosis(coin, 4) == 1, "of a coin: %g", kure_kurtosis(coin, 4));
}

static double share_of(const struct lm_sampler *s, size_t stream)
{
    return s->below[stream] - (stream ? s->below[stream - 1] : 0);
}

static void test_sampler(void)
{
    enum { CONTEXT = 8, N_SEQ = 16, STEPS = 2000 };
    static uint32_t a[1000], b[500], c[CONTEXT + 1];
    for (uint32_t i = 0; i < 1000; i++)
        a[i] = i;
    for (uint32_t i = 0; i < 500; i++)
        b[i] = 1000 + i;
    for (uint32_t i = 0; i <= CONTEXT; i++)
        c[i] = 2000 + i;
    const struct lm_stream stream[3] = { { a, 1000, 8100 }, { b, 500, 900 }, { c, CONTEXT + 1, 100 } };
    struct lm_sampler s, again;
    lm_sampler_init(&s, stream, 3, CONTEXT, N_SEQ, 2, 5);
    lm_sampler_init(&again, stream, 3, CONTEXT, N_SEQ, 2, 5);
    const double share[3] = { 9.0 / 13, 3.0 / 13, 1.0 / 13 }; /* roots of the bytes */
    double n[3] = { 0 }, seen[1000] = { 0 };
    for (int k = 0; k < 3; k++)
        CHECK(fabs(share_of(&s, (size_t)k) - share[k]) < 1e-12, "%d", k);
    for (uint64_t step = 1; step <= STEPS; step++) {
        lm_sampler_draw(&s, step);
        for (size_t i = 0; i < N_SEQ; i++) {
            n[s.lang[i]]++;
            seen[s.lang[i] ? 0 : s.id[i * CONTEXT]]++;
            for (size_t k = 0; k < CONTEXT; k++) {
                uint32_t id = s.id[i * CONTEXT + k], first = s.id[i * CONTEXT];
                CHECK(id == first + k && s.target[i * CONTEXT + k] == id + 1, "a sequence is not in a row");
            }
        }
    }
    for (int k = 0; k < 3; k++) { /* five standard deviations */
        double all = STEPS * N_SEQ, sd = sqrt(share[k] * (1 - share[k]) / all);
        CHECK(fabs(n[k] / all - share[k]) < 5 * sd, "language %d: %g, not %g", k, n[k] / all, share[k]);
    }
    CHECK(seen[1] > 0 && seen[1000 - CONTEXT - 1] > 0 && seen[1000 - CONTEXT] == 0, "ends of a stream");
    lm_sampler_draw(&again, STEPS);
    CHECK(!memcmp(again.id, s.id, sizeof(uint32_t) * CONTEXT * N_SEQ), "a step depends on those before");
    lm_sampler_draw(&again, STEPS - 1);
    CHECK(memcmp(again.id, s.id, sizeof(uint32_t) * CONTEXT * N_SEQ) != 0, "two steps are alike");
    lm_sampler_clear(&s);
    lm_sampler_clear(&again);
    lm_sampler_init(&s, stream, 3, CONTEXT, N_SEQ, INFINITY, 5);
    CHECK(fabs(share_of(&s, 2) - 1.0 / 3) < 1e-12, "infinite temperature");
    lm_sampler_clear(&s);
}

int main(void)
{
    test_adamw();
    test_squares();
    test_rate();
    test_kure();
    test_sampler();
    return checks_end();
}
