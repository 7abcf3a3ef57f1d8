/* kernels - rows of floats against functions and sums of doubles, and against themselves compiled for the
 * plainest processor; prints what fails. With "time" it prints how fast they are. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#include "math/kernels.h"
#include "base/mem.h"
#include "base/rng.h"
#include "math/logits.h"
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The same source without clones: those for better processors must give its bytes. */
#define BASE_VECTOR_H
#define VECTOR_CLONES
#define kernel_layer_norm plain_layer_norm
#define kernel_rms_norm   plain_rms_norm
#define kernel_act(...)   plain_act(__VA_ARGS__)
#define kernel_gate       plain_gate
#define kernel_exp        plain_exp
#define kernel_add        plain_add
#define kernel_softmax    plain_softmax
#define kernel_rotate     plain_rotate
#define kernel_all_finite plain_all_finite
void plain_layer_norm(const float *x, size_t n, const float *weight, const float *bias, double eps, float *y);
void plain_rms_norm(const float *x, size_t n, const float *weight, double eps, float *y);
void plain_act(enum kernel_act act, const float *x, size_t n, float *y);
void plain_gate(enum kernel_act act, const float *gate, const float *up, size_t n, float *y);
void plain_exp(const float *x, size_t n, float *y);
void plain_add(const float *a, const float *b, size_t n, float *y);
void plain_softmax(float *x, size_t n, size_t n_seen, float scale, float slope);
void plain_rotate(float *x, size_t n_rot, const float *cosine, const float *sine);
int plain_all_finite(const float *x, size_t n);
#include "../../common/math/kernels.c"
#undef kernel_layer_norm
#undef kernel_rms_norm
#undef kernel_act
#undef kernel_gate
#undef kernel_exp
#undef kernel_add
#undef kernel_softmax
#undef kernel_rotate
#undef kernel_all_finite

static int n_failed;

static void check(int ok, const char *what, double at)
{
    if (ok)
        return;
    printf("failed: %s (%.9g)\n", what, at);
    n_failed++;
}

static const char *const act_names[] = {
    [KERNEL_RELU] = "relu", [KERNEL_GELU] = "gelu", [KERNEL_GELU_TANH] = "gelu_tanh", [KERNEL_SILU] = "silu"
};

/* The definitions, in doubles. 1 + tanh(z) as 2 / (1 + exp(-2z)), which does not cancel. */
static double act_of(enum kernel_act act, double x)
{
    switch (act) {
    case KERNEL_RELU:
        return x < 0 ? 0 : x;
    case KERNEL_GELU:
        return x / 2 * erfc(-x / sqrt(2));
    case KERNEL_GELU_TANH:
        return x / (1 + exp(-2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case KERNEL_SILU:
        return x / (1 + exp(-x));
    }
    return NAN;
}

/* ---- functions of one number, every 4001st float */

enum { STRIDE = 4001, N = 4096 };

static size_t fill(uint32_t *next, float *x)
{
    size_t n = 0;
    while (n < N && *next <= UINT32_MAX - STRIDE) {
        float f;
        memcpy(&f, next, sizeof f);
        *next += STRIDE;
        if (isfinite(f))
            x[n++] = f;
    }
    return n;
}

static void test_exp(void)
{
    static float x[N], y[N];
    uint32_t next = 0;
    size_t n;
    double worst = 0, at = 0;
    while ((n = fill(&next, x))) {
        kernel_exp(x, n, y);
        for (size_t i = 0; i < n; i++) {
            double e = exp(x[i]), unit = e > 0x1p-126 ? ldexp(1, ilogb(e) - 23) : 0x1p-149;
            double error = e > 3.4028235677973366e38 ? (isinf(y[i]) ? 0 : 1e9) : fabs(y[i] - e) / unit;
            if (!(error <= worst))
                worst = error, at = x[i];
        }
    }
    check(worst <= 1, "exp within one unit in the last place", at);
    static const float special[] = { 0,           -0.0f,       INFINITY, -INFINITY, NAN,
                                     88.7228317f, 88.7228394f, -104,     -103.5f };
    kernel_exp(special, 9, y);
    check(y[0] == 1 && y[1] == 1 && isinf(y[2]) && y[3] == 0 && isnan(y[4]) && isfinite(y[5]) &&
              isinf(y[6]) && y[7] == 0 && y[8] == 0x1p-149f,
          "exp of special numbers", y[5]);
}

/* Relative errors; below 2^-95 absolute ones. */
static void test_act(enum kernel_act act, double tolerance, double tail_tolerance)
{
    static float x[N], y[N], one[N], z[N];
    uint32_t next = 0;
    size_t n;
    double worst = 0, worst_tail = 0;
    for (int i = 0; i < N; i++)
        one[i] = 0.7f;
    while ((n = fill(&next, x))) {
        kernel_act(act, x, n, y);
        kernel_gate(act, x, one, n, z);
        for (size_t i = 0; i < n; i++) {
            double e = act_of(act, x[i]), error = fabs(y[i] - e) / fmax(fabs(e), 0x1p-95);
            if (fabs(e) > 3.4e38 && fabs(y[i]) > 3.3e38)
                error = 0;
            double *w = x[i] < -1 ? &worst_tail : &worst;
            *w = error <= *w ? *w : error;
            check(z[i] == y[i] * 0.7f, "gate is the product", x[i]);
        }
    }
    check(worst <= tolerance, act_names[act], worst);
    check(worst_tail <= tail_tolerance, act_names[act], worst_tail);
}

/* The two forms of GELU differ by up to 4.7e-4: more than anything here forgives. */
static void test_gelu_forms(void)
{
    double most = 0;
    for (float x = -5; x < 5; x += 1 / 64.0f) {
        float exact, tanh_form;
        kernel_act(KERNEL_GELU, &x, 1, &exact);
        kernel_act(KERNEL_GELU_TANH, &x, 1, &tanh_form);
        most = fmax(most, fabs((double)exact - tanh_form));
    }
    check(most > 4e-4 && most < 5e-4, "the forms of GELU differ", most);
    float x[] = { NAN, 0, -0.0f, 1e30f, -1e30f }, y[5];
    for (int act = KERNEL_RELU; act <= KERNEL_SILU; act++) {
        kernel_act((enum kernel_act)act, x, 5, y);
        check(isnan(y[0]) && y[1] == 0 && y[2] == 0 && y[3] == 1e30f && y[4] == 0, act_names[act], act);
    }
}

/* ---- rows */

static void draw(struct rng *r, float *x, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(rng_unit(r) * 2 - 1) * scale;
}

/* Rows as they come: plain; one outlier a thousand times the rest; a mean a thousand times the deviation. */
static void test_norms(size_t n, float outlier, float mean)
{
    static float x[5000], w[5000], b[5000], y[5000], z[5000];
    struct rng r;
    rng_init(&r, 11, n);
    draw(&r, x, n, 1);
    draw(&r, w, n, 2);
    draw(&r, b, n, 1);
    x[n / 3] += outlier;
    long double sum = 0, squares = 0, m2 = 0;
    for (size_t i = 0; i < n; i++)
        x[i] += mean, sum += x[i], squares += (long double)x[i] * x[i];
    sum /= n;
    for (size_t i = 0; i < n; i++)
        m2 += (x[i] - sum) * (x[i] - sum);
    long double s = sqrtl(m2 / n + 1e-5L), q = sqrtl(squares / n + 1e-6L);
    double worst = 0;
    kernel_layer_norm(x, n, w, b, 1e-5, y);
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, (double)fabsl(y[i] - ((x[i] - sum) / s * w[i] + b[i])) /
                                (double)(fabsl((x[i] - sum) / s * w[i]) + fabsf(b[i]) + 1e-30L));
    kernel_layer_norm(x, n, w, NULL, 1e-5, y);
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, (double)fabsl(y[i] - (x[i] - sum) / s * w[i]) /
                                (double)(fabsl((x[i] - sum) / s * w[i]) + 1e-12L));
    kernel_rms_norm(x, n, w, 1e-6, z);
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst,
                     (double)fabsl(z[i] - x[i] / q * w[i]) / (double)(fabsl(x[i] / q * w[i]) + 1e-12L));
    check(worst < 2e-7, "norms as long doubles have them", worst);
    kernel_layer_norm(x, n, w, NULL, 1e-5, x);
    check(!memcmp(x, y, n * sizeof *x), "a norm in place", (double)n);
}

static void test_softmax(size_t n, size_t n_seen, float scale, float slope, float size)
{
    static float x[5000], y[5000], z[5000];
    struct rng r;
    rng_init(&r, 12, n);
    draw(&r, x, n, size);
    x[n - 1] = n_seen < n ? NAN : x[n - 1]; /* what is not seen does not matter */
    memcpy(y, x, n * sizeof *x);
    kernel_softmax(y, n, n_seen, scale, slope);
    double most = -INFINITY, sum = 0, total = 0, worst = 0;
    for (size_t i = 0; i < n_seen; i++)
        most = fmax(most, (double)scale * x[i] + (double)slope * (double)i);
    for (size_t i = 0; i < n_seen; i++)
        sum += exp((double)scale * x[i] + (double)slope * (double)i - most);
    for (size_t i = 0; i < n; i++) {
        double p = i < n_seen ? exp((double)scale * x[i] + (double)slope * (double)i - most) / sum : 0;
        /* an error of a score is one of its exponential, relatively */
        worst = fmax(worst,
                     fabs(y[i] - p) / (p + 1e-30) / (1 + fabs((double)slope * (double)i) + size * scale));
        total += y[i];
    }
    check(worst < 4e-7, "softmax as doubles have it", worst);
    check(fabs(total - 1) < 1e-6, "softmax adds up to 1", total);
    if (slope != 0) { /* what must be seen: the slope forgotten */
        memcpy(z, x, n * sizeof *x);
        kernel_softmax(z, n, n_seen, scale, 0);
        check(n_seen < 2 || memcmp(y, z, n * sizeof *y), "a slope matters", slope);
    }
}

/* Sums over a vocabulary. */
static void test_logits(size_t n, float size)
{
    float *p = xnew(n, sizeof *p), *q = xnew(n, sizeof *q);
    struct rng r;
    rng_init(&r, 13, n);
    draw(&r, p, n, size);
    draw(&r, q, n, size);
    p[n / 2] = p[n - 1] = size * 1.25f; /* equals: the first counts */
    size_t place = 0;
    check(logits_max(p, n, &place) == size * 1.25f && place == n / 2, "the first of the largest",
          (double)place);
    long double sum = 0, difference = 0, magnitude = 0, max = size * 1.25f;
    for (size_t i = 0; i < n; i++) {
        long double e = expl((long double)p[i] - max), d = (long double)p[i] - q[i];
        sum += e;
        difference += e * d;
        magnitude += e * fabsl(d);
    }
    double *e = xnew(n, sizeof *e), kept = logits_keep_exp(p, n, (double)max, e);
    check(fabsl(kept - sum) < 1e-14L * sum, "sum of exponentials", (double)n);
    check(logits_sum_exp(p, n, (double)max) == kept, "the same without keeping them", (double)n);
    for (size_t i = 0; i < n; i++)
        check(fabsl(e[i] - expl((long double)p[i] - max)) <= 1e-15L * e[i] + 1e-304L, "an exponential",
              (double)i);
    check(fabsl(logits_sum_difference(e, p, q, n) - difference) < 1e-14L * magnitude, "sum of differences",
          (double)n);
    check(logits_sum_difference(e, p, p, n) == 0, "no difference is 0", (double)n);
    free(e);
    p[n / 4] = NAN;
    check(isnan(logits_max(p, n, &place)) && isnan(logits_sum_exp(p, n, (double)max)), "NaN comes through",
          (double)n);
    free(p);
    free(q);
}

static void test_logits_edges(void)
{
    float low[] = { -2000, -2001, -INFINITY };
    size_t place = 0;
    check(logits_max(low, 3, &place) == -2000 && place == 0, "far below 0", (double)place);
    check(fabs(logits_sum_exp(low, 3, -2000) - (1 + exp(-1))) < 1e-15, "zeros add nothing",
          logits_sum_exp(low, 3, -2000));
    check(logits_sum_exp(low, 3, 0) == 0, "too small for a double", logits_sum_exp(low, 3, 0));
}

static void angles_of(size_t position, size_t n_rot, float *c, float *s)
{
    for (size_t j = 0; j < n_rot / 2; j++) {
        double angle = (double)position * pow(10000, -2.0 * (double)j / (double)n_rot);
        c[j] = (float)cos(angle);
        s[j] = (float)sin(angle);
    }
}

/* Rotating by p and by q leaves a product that knows p - q alone; neighbours paired give something else. */
static void test_rotary(void)
{
    enum { R = 32 };
    float c[R / 2], s[R / 2], q[R], k[R], a[R], b[R];
    struct rng r;
    rng_init(&r, 14, 0);
    draw(&r, q, R, 1);
    draw(&r, k, R, 1);
    double product[2] = { 0 };
    for (int shift = 0; shift < 2; shift++) {
        memcpy(a, q, sizeof a);
        memcpy(b, k, sizeof b);
        angles_of(17 + 1000 * (size_t)shift, R, c, s);
        kernel_rotate(a, R, c, s);
        if (!shift)
            for (int j = 0; j < R / 2; j++) {
                double re = (double)q[j] * c[j] - (double)q[j + R / 2] * s[j];
                double im = (double)q[j + R / 2] * c[j] + (double)q[j] * s[j];
                double neighbour = (double)q[2 * j] * c[j] - (double)q[2 * j + 1] * s[j];
                check(fabs(a[j] - re) < 2e-7 && fabs(a[j + R / 2] - im) < 2e-7, "pairs are half a head apart",
                      j);
                check(fabs(a[2 * j] - neighbour) > 1e-4, "neighbours are not paired", j);
            }
        angles_of(5 + 1000 * (size_t)shift, R, c, s);
        kernel_rotate(b, R, c, s);
        for (int j = 0; j < R; j++)
            product[shift] += (double)a[j] * b[j];
    }
    check(fabs(product[0] - product[1]) < 1e-5, "only the distance matters", product[0] - product[1]);
}

static void test_add(void)
{
    float a[] = { 1, 2, 3 }, b[] = { 10, 20, 0.1f }, y[3];
    kernel_add(a, b, 3, y);
    check(y[0] == 11 && y[1] == 22 && y[2] == 3 + 0.1f, "sum", y[2]);
}

/* ---- clones */

static void test_finite(size_t n)
{
    static const float bad[] = { NAN, -NAN, INFINITY, -INFINITY };
    float *x = xnew(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = i % 2 ? FLT_MAX : -FLT_TRUE_MIN;
    check(kernel_all_finite(x, n), "the largest and the smallest are finite", (double)n);
    for (size_t k = 0; k < 4; k++) {
        float was = x[(n - 1) * k / 3];
        x[(n - 1) * k / 3] = bad[k];
        check(!kernel_all_finite(x, n), "this is not finite", (double)bad[k]);
        x[(n - 1) * k / 3] = was;
    }
    free(x);
}

static void test_clones(size_t n)
{
    static float x[5000], w[5000], b[5000], y[5000], z[5000];
    struct rng r;
    rng_init(&r, 15, n);
    draw(&r, x, n, 20);
    draw(&r, w, n, 2);
    draw(&r, b, n, 1);
    int same = 1;
#define COMPARE(...)                                                                                         \
    do {                                                                                                     \
        memcpy(y, x, n * sizeof *x);                                                                         \
        memcpy(z, x, n * sizeof *x);                                                                         \
        {                                                                                                    \
            float *to = y;                                                                                   \
            kernel_##__VA_ARGS__;                                                                            \
        }                                                                                                    \
        {                                                                                                    \
            float *to = z;                                                                                   \
            plain_##__VA_ARGS__;                                                                             \
        }                                                                                                    \
        same &= !memcmp(y, z, n * sizeof *y);                                                                \
    } while (0)
    COMPARE(layer_norm(x, n, w, b, 1e-5, to));
    COMPARE(rms_norm(x, n, w, 1e-5, to));
    COMPARE(exp(x, n, to));
    COMPARE(add(x, w, n, to));
    COMPARE(softmax(to, n, n, 0.3f, 0.01f));
    COMPARE(rotate(to, n / 2 * 2, w, b));
    for (int act = KERNEL_RELU; act <= KERNEL_SILU; act++) {
        COMPARE(act((enum kernel_act)act, x, n, to));
        COMPARE(gate((enum kernel_act)act, x, w, n, to));
    }
    check(same, "the same on every processor", (double)n);
}

/* ---- speed */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Best of eleven runs, one thread, 4096 numbers in cache: Gelem/s. */
#define RATE(into, call)                                                                                     \
    do {                                                                                                     \
        double best = 1e9;                                                                                   \
        for (int times = 0; times < 11; times++) {                                                           \
            double from = seconds();                                                                         \
            for (int again = 0; again < 50; again++) {                                                       \
                call;                                                                                        \
                __asm__ volatile("" ::"r"(y) : "memory");                                                    \
            }                                                                                                \
            best = fmin(best, seconds() - from);                                                             \
        }                                                                                                    \
        (into) = 50.0 * N / best / 1e9;                                                                      \
    } while (0)

/* Loops over libm, as one would write them. */
static void libm_exp(const float *x, float *y)
{
    for (int i = 0; i < N; i++)
        y[i] = expf(x[i]);
}
static void libm_gelu(const float *x, float *y)
{
    for (int i = 0; i < N; i++)
        y[i] = 0.5f * x[i] * (1 + erff(x[i] * 0.70710678f));
}
static void libm_gelu_tanh(const float *x, float *y)
{
    for (int i = 0; i < N; i++)
        y[i] = 0.5f * x[i] * (1 + tanhf(0.79788456f * (x[i] + 0.044715f * x[i] * x[i] * x[i])));
}
static void libm_gate(const float *x, const float *w, float *y)
{
    for (int i = 0; i < N; i++)
        y[i] = x[i] / (1 + expf(-x[i])) * w[i];
}
static void libm_softmax(const float *x, float *y)
{
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += y[i] = expf(x[i] - 4);
    for (int i = 0; i < N; i++)
        y[i] /= (float)sum;
}
static void libm_norm(const float *x, const float *w, const float *b, float *y)
{
    double mean = 0, m2 = 0;
    for (int i = 0; i < N; i++)
        mean += x[i] / (double)N;
    for (int i = 0; i < N; i++)
        m2 += (x[i] - mean) * (x[i] - mean);
    double scale = 1 / sqrt(m2 / N + 1e-5);
    for (int i = 0; i < N; i++)
        y[i] = (float)((x[i] - mean) * scale) * w[i] + b[i];
}
static void our_softmax(const float *x, float *y)
{
    memcpy(y, x, N * sizeof *y);
    kernel_softmax(y, N, N, 1, 0);
}
static void our_lse(const float *x, float *y)
{
    y[0] = (float)logits_sum_exp(x, N, 20);
}

static void time_all(void)
{
    static float x[N], y[N], w[N], b[N];
    struct rng r;
    rng_init(&r, 16, 0);
    draw(&r, x, N, 4);
    draw(&r, w, N, 1);
    draw(&r, b, N, 1);
    double ours, libm;
#define ROW(name, our_call, libm_call)                                                                       \
    RATE(ours, our_call);                                                                                    \
    RATE(libm, libm_call);                                                                                   \
    printf("kernels,%s,%.3g,%.3g,Gelem/s,%.1f\n", name, ours, libm, ours / libm)
    ROW("exp: libm", kernel_exp(x, N, y), libm_exp(x, y));
    ROW("gelu: libm", kernel_act(KERNEL_GELU, x, N, y), libm_gelu(x, y));
    ROW("gelu tanh: libm", kernel_act(KERNEL_GELU_TANH, x, N, y), libm_gelu_tanh(x, y));
    ROW("silu times up: libm", kernel_gate(KERNEL_SILU, x, w, N, y), libm_gate(x, w, y));
    ROW("softmax: libm", our_softmax(x, y), libm_softmax(x, y));
    ROW("sum of exponentials in double: libm softmax", our_lse(x, y), libm_softmax(x, y));
    ROW("layer norm: loops of doubles", kernel_layer_norm(x, N, w, b, 1e-5, y), libm_norm(x, w, b, y));
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "time")) {
        time_all();
        return 0;
    }
    test_exp();
    test_act(KERNEL_RELU, 0, 0);
    test_act(KERNEL_GELU, 4e-7, 4e-7);
    test_act(KERNEL_GELU_TANH, 5e-7, 1.2e-5);
    test_act(KERNEL_SILU, 3e-7, 3e-7);
    test_gelu_forms();
    static const size_t sizes[] = { 1, 2, 15, 16, 17, 100, 1024, 4097 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i];
        test_clones(n);
        test_norms(n, 0, 0);
        test_norms(n, 1000, 0);
        test_norms(n, 0, 1000);
        test_softmax(n, n, 1, 0, 10);
        test_softmax(n, (n + 1) / 2, 0.125f, 0.0625f, 30);
        test_softmax(n, 1, 1, 1, 1e30f);
        test_logits(n + 1, 10);
        test_finite(n);
    }
    test_logits(250880, 25);
    test_logits_edges();
    test_rotary();
    test_add();
    return n_failed > 0;
}
