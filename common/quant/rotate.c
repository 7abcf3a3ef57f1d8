/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/rotate.h"
#include "base/vector.h"
#include <math.h>

/* Sums and differences of halves that are h apart, all of w[0..n-1]. */
static inline __attribute__((always_inline)) void butterflies(float *restrict w, size_t n, size_t h)
{
    for (size_t i = 0; i < n; i += 2 * h)
        for (size_t j = i; j < i + h; j++) {
            float a = w[j], b = w[j + h];
            w[j] = a + b;
            w[j + h] = a - b;
        }
}

/* The first three steps at once, so that rows of vectors are left for the others. */
static inline __attribute__((always_inline)) void first_steps(float *restrict w, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        float a[8], b[8];
        for (int k = 0; k < 4; k++) {
            a[2 * k] = w[i + 2 * k] + w[i + 2 * k + 1];
            a[2 * k + 1] = w[i + 2 * k] - w[i + 2 * k + 1];
        }
        for (int k = 0; k < 8; k++)
            b[k] = k & 2 ? a[k - 2] - a[k] : a[k] + a[k + 2];
        for (int k = 0; k < 4; k++) {
            w[i + k] = b[k] + b[k + 4];
            w[i + k + 4] = b[k] - b[k + 4];
        }
    }
}

VECTOR_CLONES static void turn_block(float *w, size_t n, float by)
{
    size_t h = 1;
    if (n >= 8) {
        first_steps(w, n);
        h = 8;
    }
    for (; h < n; h *= 2)
        butterflies(w, n, h);
    for (size_t i = 0; i < n; i++)
        w[i] *= by;
}

void rotate_diagonal(double *d, size_t n, size_t block)
{
    for (size_t at = 0; at < n; at += block) {
        double sum = 0;
        while (block > n - at)
            block /= 2;
        for (size_t i = 0; i < block; i++)
            sum += d[at + i];
        for (size_t i = 0; i < block; i++)
            d[at + i] = sum / (double)block;
    }
}

void rotate_row(float *w, size_t n, size_t block)
{
    for (size_t at = 0; at < n; at += block) {
        while (block > n - at)
            block /= 2;
        turn_block(w + at, block, (float)(1 / sqrt((double)block)));
    }
}
