/* kernels_back.h - derivatives of what kernels.h computes, a row a call.  Layer: math.
 * For a loss L and y = f(x): given dy = dL/dy, dL/dx. As kernels.h: on the caller's thread, the same digits
 * on every processor. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_KERNELS_BACK_H
#define MATH_KERNELS_BACK_H
#include "math/kernels.h"

/* Of y = kernel_layer_norm(x): adds dL/dx to dx[n], dL/dweight and dL/dbias to sums over rows. */
void kernel_layer_norm_back(const float *x, size_t n, const float *weight, double eps, const float *dy,
                            float *dx, double *dweight, double *dbias);
void kernel_rms_norm_back(const float *x, size_t n, const float *weight, double eps, const float *dy,
                          float *dx, double *dweight);

/* Of y = act(x), its exact derivative: dx = dy act'(x); dx may be dy. */
void kernel_act_back(enum kernel_act act, const float *x, const float *dy, size_t n, float *dx);
/* Of y = act(gate) * up; dup may be dy, dgate neither. */
void kernel_gate_back(enum kernel_act act, const float *gate, const float *up, const float *dy, size_t n,
                      float *dgate, float *dup);

/* Of p = softmax(x): dp becomes dL/dx = p (dp - sum p dp). */
void kernel_softmax_back(const float *p, float *dp, size_t n);

/* Of kernel_rotate, in place: turns the other way. */
void kernel_rotate_back(float *x, size_t n_rot, const float *cosine, const float *sine);

/* -ln softmax(z)[target] in nats; z becomes its derivative, softmax(z) less 1 at target. */
float kernel_cross_entropy(float *z, size_t n, size_t target);

/* sum[c] += the sum of column c of x, n_row rows of n_column, ld apart. */
void kernel_add_columns(const float *x, size_t n_row, size_t n_column, size_t ld, double *sum);
/* y += scale x */
void kernel_add_scaled(const float *x, size_t n, float scale, float *y);
/* y[c][r] = x[r][c], x[n_row] of n_column, ld apart. */
void kernel_turn(const float *x, size_t n_row, size_t n_column, size_t ld, float *y);

#endif
