/* onednn.h - blocks of matrix products through oneDNN, which has the matrix units of newer processors. Layer:
 * math. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_ONEDNN_H
#define MATH_ONEDNN_H
#include <stddef.h>
#include <stdint.h>

/* What oneDNN would use for bfloat16 here: "AMX", "AVX512-BF16"; NULL when the processor has no such unit, or
 * this was built without oneDNN's header, or the library is not there. ONEDNN_MAX_CPU_ISA is obeyed. */
const char *onednn_bf16_unit(void);

/* Whether it can be used at all (in f32 it can be on any processor), and its version: "2.6.3". */
const char *onednn_version(void);

/* A block of weights w[n_out][n_in], element (o, k) at o * stride_out + k * stride_in, as oneDNN likes it
 * best for products with up to max_rows rows; copied. bf16: elements are bfloat16, as are those of x,
 * otherwise floats. NULL when oneDNN is not there or cannot. */
struct onednn_block;
struct onednn_block *onednn_block_new(const void *w, int bf16, size_t n_out, size_t n_in, size_t stride_out,
                                      size_t stride_in, size_t max_rows);
void onednn_block_free(struct onednn_block *b);

/* y[i][o] = (or += when add is set) sum over k of x[i][k] w[o][k] for i < n_row <= max_rows, in floats; ldx
 * and ldy elements from row to row. On the caller's thread alone, any number of callers at once. 0 or -1. */
int onednn_multiply(struct onednn_block *b, const void *x, size_t ldx, size_t n_row, int add, float *y,
                    size_t ldy);

#endif
