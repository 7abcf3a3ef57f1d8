/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/kernels.h"
#include "base/vector.h"
#include "math/kernel_parts.h"

/* ---- loops over them */

#define LOOP(name, value)                                                                                    \
    VECTOR_CLONES static void name(const float *a, const float *b, float scale, size_t n, float *y)          \
    {                                                                                                        \
        (void)b;                                                                                             \
        (void)scale;                                                                                         \
        for (size_t i = 0; i < n; i++)                                                                       \
            y[i] = value;                                                                                    \
    }

LOOP(loop_exp, exp_of(a[i]))
LOOP(loop_relu, relu(a[i]))
LOOP(loop_gelu, gelu(a[i]))
LOOP(loop_gelu_tanh, gelu_tanh(a[i]))
LOOP(loop_silu, silu(a[i]))
LOOP(gate_relu, relu(a[i]) * b[i])
LOOP(gate_gelu, gelu(a[i]) * b[i])
LOOP(gate_gelu_tanh, gelu_tanh(a[i]) * b[i])
LOOP(gate_silu, silu(a[i]) * b[i])
LOOP(loop_add, a[i] + b[i])

void kernel_exp(const float *x, size_t n, float *y)
{
    loop_exp(x, x, 0, n, y);
}

void kernel_act(enum kernel_act act, const float *x, size_t n, float *y)
{
    switch (act) {
    case KERNEL_RELU:
        loop_relu(x, x, 0, n, y);
        break;
    case KERNEL_GELU:
        loop_gelu(x, x, 0, n, y);
        break;
    case KERNEL_GELU_TANH:
        loop_gelu_tanh(x, x, 0, n, y);
        break;
    case KERNEL_SILU:
        loop_silu(x, x, 0, n, y);
        break;
    }
}

void kernel_gate(enum kernel_act act, const float *gate, const float *up, size_t n, float *y)
{
    switch (act) {
    case KERNEL_RELU:
        gate_relu(gate, up, 0, n, y);
        break;
    case KERNEL_GELU:
        gate_gelu(gate, up, 0, n, y);
        break;
    case KERNEL_GELU_TANH:
        gate_gelu_tanh(gate, up, 0, n, y);
        break;
    case KERNEL_SILU:
        gate_silu(gate, up, 0, n, y);
        break;
    }
}

void kernel_add(const float *a, const float *b, size_t n, float *y)
{
    loop_add(a, b, 0, n, y);
}

/* ---- norms */

VECTOR_CLONES
static void layer_norm(const float *x, size_t n, const float *weight, const float *bias, double eps, float *y)
{
    double mean = sum_powers(x, n, 0, 1) / (double)n;
    double scale = 1 / sqrt(sum_powers(x, n, mean, 2) / (double)n + eps);
    if (bias)
        for (size_t i = 0; i < n; i++)
            y[i] = (float)(((double)x[i] - mean) * scale) * weight[i] + bias[i];
    else
        for (size_t i = 0; i < n; i++)
            y[i] = (float)(((double)x[i] - mean) * scale) * weight[i];
}

void kernel_layer_norm(const float *x, size_t n, const float *weight, const float *bias, double eps, float *y)
{
    layer_norm(x, n, weight, bias, eps, y);
}

VECTOR_CLONES
static void rms_norm(const float *x, size_t n, const float *weight, double eps, float *y)
{
    double scale = 1 / sqrt(sum_powers(x, n, 0, 2) / (double)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)x[i] * scale) * weight[i];
}

void kernel_rms_norm(const float *x, size_t n, const float *weight, double eps, float *y)
{
    rms_norm(x, n, weight, eps, y);
}

/* ---- softmax */

VECTOR_CLONES
static void softmax(float *x, size_t n, size_t n_seen, float scale, float slope)
{
    int last = (int)n_seen -
               1; /* counted from where the near ones are, whose weights count: i alone rounds at 2,000 */
    for (size_t i = 0; i < n_seen; i++)
        x[i] = x[i] * scale + slope * (float)((int)i - last);
    float inverse = (float)(1 / sum_exp(x, n_seen, largest(x, n_seen), x));
    for (size_t i = 0; i < n_seen; i++)
        x[i] *= inverse;
    for (size_t i = n_seen; i < n; i++)
        x[i] = 0;
}

void kernel_softmax(float *x, size_t n, size_t n_seen, float scale, float slope)
{
    softmax(x, n, n_seen, scale, slope);
}

/* ---- finiteness */

VECTOR_CLONES
static uint32_t any_nonfinite(const float *x, size_t n)
{
    uint32_t any = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        any |= (bits & 0x7f800000) == 0x7f800000;
    }
    return any;
}

int kernel_all_finite(const float *x, size_t n)
{
    return !any_nonfinite(x, n);
}

/* ---- rotary embedding */

VECTOR_CLONES
static void rotate(float *restrict x, float *restrict z, size_t n, const float *cosine, const float *sine)
{
    for (size_t j = 0; j < n; j++) {
        float a = x[j], b = z[j];
        x[j] = a * cosine[j] - b * sine[j];
        z[j] = b * cosine[j] + a * sine[j];
    }
}

void kernel_rotate(float *x, size_t n_rot, const float *cosine, const float *sine)
{
    rotate(x, x + n_rot / 2, n_rot / 2, cosine, sine);
}
