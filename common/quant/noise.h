/* noise.h - Gauss noise that is as large as the error of rounding: the control that tells what rounding does
 * from what any perturbation does.  Layer: quant. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_NOISE_H
#define QUANT_NOISE_H
#include <stddef.h>
#include <stdint.h>

/* q[n], what became of the output channel w[n], becomes w + e, e normal and scaled to the norm of q - w. So
 * every channel, and with it every matrix, is as far from what it was as rounding has it, in another
 * direction. The draws depend on the seed and on w alone: not on the program, on threads or on how coarse the
 * rounding is. */
void quant_noise(uint64_t seed, const float *w, float *q, size_t n);

#endif
