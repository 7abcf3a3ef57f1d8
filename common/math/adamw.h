/* adamw.h - the optimiser AdamW, on pieces of the parameters.  Layer: math.
 * Plain elementwise floats: the same digits on every processor, however the pieces are cut.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_ADAMW_H
#define MATH_ADAMW_H
#include <stddef.h>
#include <stdint.h>

struct adamw {
    double beta1, beta2, eps, weight_decay;
};

/* Step number `step`, from 1, of n parameters w with gradients g (Loshchilov & Hutter 2019, arXiv 1711.05101,
 * algorithm 2, the decay scaled by the learning rate as PyTorch has it):
 *     m = beta1 m + (1 - beta1) g',   v = beta2 v + (1 - beta2) g'^2,   g' = g_scale g
 *     w = w - lr (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps) - lr weight_decay w
 * m and v begin as zeros. decay 0 leaves the last term out. */
void adamw_step(const struct adamw *o, uint64_t step, double lr, double g_scale, int decay, const float *g,
                float *m, float *v, float *w, size_t n);

/* Sum of squares of x[0..n-1], in double, in an order that depends on n alone: what norms are made of. */
double adamw_squares(const float *x, size_t n);

/* The learning rate of step `step`, 1..n_step: rises linearly over the first n_warmup steps to `peak`, stays,
 * and falls over the last n_cooldown steps to `floor` along half a cosine (Loshchilov & Hutter 2017, arXiv
 * 1608.03983, without restarts); where the two overlap the fall begins behind the warm-up. */
double adamw_rate(uint64_t step, uint64_t n_step, uint64_t n_warmup, uint64_t n_cooldown, double peak,
                  double floor);

#endif
