/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/kernels_back.h"
#include "base/vector.h"
#include "math/kernel_parts.h"

/* ---- norms */

/* Sums over a row of g and of g u, g = dy weight, u = (x - centre) scale. */
struct norm_sums {
    double g, gu;
};

INLINE struct norm_sums sum_norm(const float *x, const float *weight, const float *dy, size_t n,
                                 double centre, double scale)
{
    double g[LANES] = { 0 }, gu[LANES] = { 0 };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            size_t k = i + (size_t)l;
            double a = (double)dy[k] * weight[k];
            g[l] += a;
            gu[l] += a * (((double)x[k] - centre) * scale);
        }
    for (int l = 0; i < n; i++, l++) {
        double a = (double)dy[i] * weight[i];
        g[l] += a;
        gu[l] += a * (((double)x[i] - centre) * scale);
    }
    return (struct norm_sums){ add_lanes(g), add_lanes(gu) };
}

/* u = (x - mean) scale has mean 0 and mean square 1, but for eps: with m the means over the row,
 * dL/dx = scale (g - m(g) - u m(g u)). */
VECTOR_CLONES
static void layer_norm_back(const float *x, size_t n, const float *weight, double eps, const float *dy,
                            float *dx, double *dweight, double *dbias)
{
    double mean = sum_powers(x, n, 0, 1) / (double)n;
    double scale = 1 / sqrt(sum_powers(x, n, mean, 2) / (double)n + eps);
    struct norm_sums s = sum_norm(x, weight, dy, n, mean, scale);
    double g_mean = s.g / (double)n, gu_mean = s.gu / (double)n;
    for (size_t i = 0; i < n; i++) {
        double u = ((double)x[i] - mean) * scale, d = dy[i];
        dx[i] += (float)((d * weight[i] - g_mean - u * gu_mean) * scale);
        dweight[i] += d * u;
        dbias[i] += d;
    }
}

void kernel_layer_norm_back(const float *x, size_t n, const float *weight, double eps, const float *dy,
                            float *dx, double *dweight, double *dbias)
{
    layer_norm_back(x, n, weight, eps, dy, dx, dweight, dbias);
}

VECTOR_CLONES
static void rms_norm_back(const float *x, size_t n, const float *weight, double eps, const float *dy,
                          float *dx, double *dweight)
{
    double scale = 1 / sqrt(sum_powers(x, n, 0, 2) / (double)n + eps);
    double gu_mean = sum_norm(x, weight, dy, n, 0, scale).gu / (double)n;
    for (size_t i = 0; i < n; i++) {
        double u = (double)x[i] * scale, d = dy[i];
        dx[i] += (float)((d * weight[i] - u * gu_mean) * scale);
        dweight[i] += d * u;
    }
}

void kernel_rms_norm_back(const float *x, size_t n, const float *weight, double eps, const float *dy,
                          float *dx, double *dweight)
{
    rms_norm_back(x, n, weight, eps, dy, dx, dweight);
}

/* ---- activations */

INLINE float relu_slope(float x)
{
    return x > 0 ? 1.0f : 0.0f;
}

/* Phi(x) + x phi(x) */
INLINE float gelu_slope(float x)
{
    return normal_cdf(x) + x * (0.398942280f * exp_below(x * x * -0.5f));
}

/* Of x s(u), s the logistic function: s + x s (1 - s) u'. */
INLINE float logistic_slope(float x, float s, float u_slope)
{
    return s + x * (s * (1.0f - s)) * u_slope;
}

INLINE float gelu_tanh_slope(float x)
{
    float square = x * x;
    float s = logistic(x * (1.59576912f + 0.0713548163f * square));
    return logistic_slope(x, s, 1.59576912f + 0.214064449f * square);
}

INLINE float silu_slope(float x)
{
    return logistic_slope(x, logistic(x), 1.0f);
}

#define SLOPE_LOOP(name, slope)                                                                              \
    VECTOR_CLONES static void name(const float *x, const float *dy, size_t n, float *dx)                     \
    {                                                                                                        \
        for (size_t i = 0; i < n; i++)                                                                       \
            dx[i] = dy[i] * slope(x[i]);                                                                     \
    }

SLOPE_LOOP(relu_back, relu_slope)
SLOPE_LOOP(gelu_back, gelu_slope)
SLOPE_LOOP(gelu_tanh_back, gelu_tanh_slope)
SLOPE_LOOP(silu_back, silu_slope)

void kernel_act_back(enum kernel_act act, const float *x, const float *dy, size_t n, float *dx)
{
    static void (*const back[])(const float *, const float *, size_t, float *) = {
        [KERNEL_RELU] = relu_back,
        [KERNEL_GELU] = gelu_back,
        [KERNEL_GELU_TANH] = gelu_tanh_back,
        [KERNEL_SILU] = silu_back,
    };
    back[act](x, dy, n, dx);
}

#define GATE_LOOP(name, act, slope)                                                                          \
    VECTOR_CLONES static void name(const float *gate, const float *up, const float *dy, size_t n,            \
                                   float *dgate, float *dup)                                                 \
    {                                                                                                        \
        for (size_t i = 0; i < n; i++) {                                                                     \
            float d = dy[i];                                                                                 \
            dgate[i] = d * up[i] * slope(gate[i]);                                                           \
            dup[i] = d * act(gate[i]);                                                                       \
        }                                                                                                    \
    }

GATE_LOOP(relu_gate_back, relu, relu_slope)
GATE_LOOP(gelu_gate_back, gelu, gelu_slope)
GATE_LOOP(gelu_tanh_gate_back, gelu_tanh, gelu_tanh_slope)
GATE_LOOP(silu_gate_back, silu, silu_slope)

void kernel_gate_back(enum kernel_act act, const float *gate, const float *up, const float *dy, size_t n,
                      float *dgate, float *dup)
{
    static void (*const back[])(const float *, const float *, const float *, size_t, float *, float *) = {
        [KERNEL_RELU] = relu_gate_back,
        [KERNEL_GELU] = gelu_gate_back,
        [KERNEL_GELU_TANH] = gelu_tanh_gate_back,
        [KERNEL_SILU] = silu_gate_back,
    };
    back[act](gate, up, dy, n, dgate, dup);
}

/* ---- softmax */

/* Sum of a b: floats in lanes for GROUP numbers, doubles beyond. GCC 12 makes vectors of the lanes only while
 * their loop is one. */
INLINE double sum_products(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t from = 0; from < n; from += GROUP) {
        size_t end = n - from < GROUP ? n : from + GROUP, i = from;
        float lane[LANES] = { 0 };
        for (; i + LANES <= end; i += LANES)
#pragma GCC unroll 1
            for (int l = 0; l < LANES; l++)
                lane[l] += a[i + (size_t)l] * b[i + (size_t)l];
        for (int l = 0; i < end; i++, l++)
            lane[l] += a[i] * b[i];
        double wide[LANES];
        for (int l = 0; l < LANES; l++)
            wide[l] = lane[l];
        sum += add_lanes(wide);
    }
    return sum;
}

VECTOR_CLONES
static void softmax_back(const float *p, float *dp, size_t n)
{
    float sum = (float)sum_products(p, dp, n);
    for (size_t i = 0; i < n; i++)
        dp[i] = p[i] * (dp[i] - sum);
}

void kernel_softmax_back(const float *p, float *dp, size_t n)
{
    softmax_back(p, dp, n);
}

VECTOR_CLONES
static float cross_entropy(float *z, size_t n, size_t target)
{
    float max = largest(z, n), at = z[target];
    double sum = sum_exp(z, n, max, z);
    float inverse = (float)(1 / sum);
    for (size_t i = 0; i < n; i++)
        z[i] *= inverse;
    z[target] -= 1;
    return (float)(log(sum) + ((double)max - at));
}

float kernel_cross_entropy(float *z, size_t n, size_t target)
{
    return cross_entropy(z, n, target);
}

/* ---- the rest */

VECTOR_CLONES
static void rotate_back(float *restrict x, float *restrict z, size_t n, const float *cosine,
                        const float *sine)
{
    for (size_t j = 0; j < n; j++) {
        float a = x[j], b = z[j];
        x[j] = a * cosine[j] + b * sine[j];
        z[j] = b * cosine[j] - a * sine[j];
    }
}

void kernel_rotate_back(float *x, size_t n_rot, const float *cosine, const float *sine)
{
    rotate_back(x, x + n_rot / 2, n_rot / 2, cosine, sine);
}

VECTOR_CLONES
static void add_columns(const float *x, size_t n_row, size_t n_column, size_t ld, double *sum)
{
    for (size_t r = 0; r < n_row; r++, x += ld)
        for (size_t c = 0; c < n_column; c++)
            sum[c] += x[c];
}

void kernel_add_columns(const float *x, size_t n_row, size_t n_column, size_t ld, double *sum)
{
    add_columns(x, n_row, n_column, ld, sum);
}

VECTOR_CLONES
static void add_scaled(const float *x, size_t n, float scale, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += scale * x[i];
}

void kernel_add_scaled(const float *x, size_t n, float scale, float *y)
{
    add_scaled(x, n, scale, y);
}

void kernel_turn(const float *x, size_t n_row, size_t n_column, size_t ld, float *y)
{
    enum { SIDE = 16 }; /* of a square: its lines are a cache line each */
    for (size_t r = 0; r < n_row; r += SIDE)
        for (size_t c = 0; c < n_column; c += SIDE) {
            size_t r_end = r + SIDE < n_row ? r + SIDE : n_row;
            size_t c_end = c + SIDE < n_column ? c + SIDE : n_column;
            for (size_t i = c; i < c_end; i++)
                for (size_t k = r; k < r_end; k++)
                    y[i * n_row + k] = x[k * ld + i];
        }
}
