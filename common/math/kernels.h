/* kernels.h - rows of floats: norms, activations, softmax, rotation.  Layer: math.
 * One row a call, on the caller's thread. The same digits on every processor: nothing is contracted, and sums
 * go round a fixed number of lanes. y may be x. NaN in, NaN out. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_KERNELS_H
#define MATH_KERNELS_H
#include <stddef.h>

/* y = (x - mean) / sqrt(variance + eps) * weight + bias, variance the mean square about the mean (Ba, Kiros &
 * Hinton 2016); bias may be NULL. Mean and variance are sums of doubles. */
void kernel_layer_norm(const float *x, size_t n, const float *weight, const float *bias, double eps,
                       float *y);
/* y = x / sqrt(mean of squares + eps) * weight (Zhang & Sennrich 2019). */
void kernel_rms_norm(const float *x, size_t n, const float *weight, double eps, float *y);

enum kernel_act {
    KERNEL_RELU,
    KERNEL_GELU,      /* x Phi(x), the exact form with erf (Hendrycks & Gimpel 2016) */
    KERNEL_GELU_TANH, /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    KERNEL_SILU,      /* x / (1 + exp(-x)) */
};
/* y = act(x). */
void kernel_act(enum kernel_act act, const float *x, size_t n, float *y);
/* y = act(gate) * up: the inner part of a gated MLP. */
void kernel_gate(enum kernel_act act, const float *gate, const float *up, size_t n, float *y);

void kernel_exp(const float *x, size_t n, float *y);
/* Whether none of x[0..n-1] is infinite or NaN. */
int kernel_all_finite(const float *x, size_t n);

/* y = a + b */
void kernel_add(const float *a, const float *b, size_t n, float *y);

/* In place, the weights of attention: softmax of scale * x[i] + slope * i over i < n_seen, and 0 from there
 * to n. slope is ALiBi's (Press, Smith & Lewis 2022), 0 for none. n_seen from 1 to n. */
void kernel_softmax(float *x, size_t n, size_t n_seen, float scale, float slope);

/* In place, x[j] paired with x[j + n_rot / 2] (half-split, as GPT-NeoX and Llama have it, not neighbours). */
void kernel_rotate(float *x, size_t n_rot, const float *cosine, const float *sine);

#endif
