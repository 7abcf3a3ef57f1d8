/* bf16.h - floats as sums of bfloat16 terms.  Layer: math.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_BF16_H
#define MATH_BF16_H
#include <stddef.h>
#include <stdint.h>

/* The first n_term (1 to 3) terms of each of x[0..n-1], largest first: term t is the bfloat16 nearest (ties
 * to even) to what the terms before leave. Three hold a float exactly unless it is close to the largest or
 * the smallest. As bfloat16, or as floats of the same value. */
enum { BF16_TERMS = 3 };
void bf16_split(const float *x, size_t n, int n_term, uint16_t *const term[]);
void bf16_split_f32(const float *x, size_t n, int n_term, float *const term[]);

/* How many terms hold all of x exactly, as far as any number does: 1 to 3. */
int bf16_terms_needed(const float *x, size_t n);

void bf16_to_f32(const uint16_t *x, size_t n, float *y);

#endif
