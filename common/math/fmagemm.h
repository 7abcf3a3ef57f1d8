/* fmagemm.h - matrix products of our own, for processors on which OpenBLAS does not treat all rows alike.
 * Layer: math.
 *
 * Each result is the sum over pieces of FMAGEMM_PIECE terms, in order, of chains of fused multiply-adds, in
 * order: one definition, whatever stands beside it and whatever the processor is. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#ifndef MATH_FMAGEMM_H
#define MATH_FMAGEMM_H
#include <stddef.h>

enum {
    FMAGEMM_PIECE = 256,
    FMAGEMM_ROWS = 4,  /* activations are packed by so many rows */
    FMAGEMM_OUTS = 24, /* and weights by so many outputs */
};

/* What it runs on, "AVX2", "NEON"; NULL on processors without fused multiply-adds. */
const char *fmagemm_unit(void);

/* Packs rows `first` to first + FMAGEMM_ROWS - 1 of a tile of n_row, a multiple of FMAGEMM_ROWS, into the
 * tile's packed[n_row * n_in]. x[i] is row first + i, or NULL for zeros. */
void fmagemm_pack(const float *const x[FMAGEMM_ROWS], size_t n_in, size_t first, size_t n_row, float *packed);

/* The same for rows `first` to first + n_filled - 1, both multiples of FMAGEMM_ROWS, and stored the other way
 * around: term k of row i is at x[k * ldx + i - first], for i < n <= n_filled, and 0 beyond. */
void fmagemm_pack_turned(const float *x, size_t ldx, size_t n, size_t n_filled, size_t n_in, size_t first,
                         size_t n_row, float *packed);

/* y[i][o] = (or += when add is set) sum over k of x[i][k] w[o][k], plus bias[o] unless bias is NULL, for
 * n_row rows, a multiple of FMAGEMM_ROWS: those of a packed tile if ldx is 0, else x[i][k] is at x[i * ldx +
 * k]. Element (o, k) of w is at o * stride_out + k * stride_in, one of the strides being 1; any alignment. */
void fmagemm_multiply(const float *w, size_t stride_out, size_t stride_in, size_t n_out, size_t n_in,
                      const float *x, size_t ldx, size_t n_row, int add, const float *bias, float *y,
                      size_t ldy);

#endif
