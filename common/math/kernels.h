/* kernels.h - rows of floats: norms, activations, softmax, log-sum-exp, rotation.  Layer: math.
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
/* y = a + b, y = a + scale * b */
void kernel_add(const float *a, const float *b, size_t n, float *y);
void kernel_add_scaled(const float *a, float scale, const float *b, size_t n, float *y);

/* In place, the weights of attention: softmax of scale * x[i] + slope * i over i < n_seen, and 0 from there
 * to n. slope is ALiBi's (Press, Smith & Lewis 2022), 0 for none. n_seen from 1 to n. */
void kernel_softmax(float *x, size_t n, size_t n_seen, float scale, float slope);

/* Log-sum-exp and the largest, of a row that comes in blocks. Start with { 0 }. */
struct kernel_lse {
    float max;
    double sum;    /* of exp(x - max) */
    size_t argmax; /* index in the whole row; of equals the first */
    size_t n;
};
void kernel_lse_add(struct kernel_lse *s, const float *x, size_t n);
/* log of the sum of exp(x), in nats; -inf for no numbers. */
double kernel_lse(const struct kernel_lse *s);

/* Angles of rotary embedding for one position: cosine[j] and sine[j] of position * base^(-2j / n_rot), j <
 * n_rot / 2 (Su et al. 2021), rounded from doubles. */
void kernel_rotary_angles(size_t position, size_t n_rot, double base, float *cosine, float *sine);
/* In place, x[j] paired with x[j + n_rot / 2] (half-split, as GPT-NeoX and Llama have it, not neighbours). */
void kernel_rotate(float *x, size_t n_rot, const float *cosine, const float *sine);

#endif
