/* gemm.h - matrix products: weights by activations in three precisions, and plain f32 blocks.  Layer: math.
 *
 * Results do not depend on the number of threads, nor on which rows stand beside a row: products are cut into
 * tiles of our own, some rows by some outputs, each computed by one thread, and rows are filled up with zeros
 * to multiples of GEMM_ROWS so that no library chooses another kernel for a short matrix. They do depend on
 * the kind of processor, in the last digits. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_GEMM_H
#define MATH_GEMM_H
#include <stddef.h>

enum { GEMM_ROWS = 64 };

/* bf16: weights and activations rounded to bfloat16, products summed in f32. bf16x3: each f32 as a sum of
 * bfloat16 terms, three for activations and as many as they need for weights, of whose products the leading
 * ones (3 for weights that are bfloat16, up to 6 for others; the rest is below 2^-24) are summed in f32, the
 * small ones first: as exact as f32 and, where the processor has units for it, faster. Both mean the same on
 * every processor: OpenBLAS computes them from rounded floats where oneDNN cannot. */
enum gemm_precision { GEMM_F32, GEMM_BF16X3, GEMM_BF16 };

enum gemm_dtype { GEMM_OF_F32, GEMM_OF_BF16 };

/* Finds the libraries. 0; or -1 and in *why the reason, until the program ends. Call it before everything
 * below and before starting threads: for a moment it changes the environment. */
int gemm_load(const char **why);

/* The precision to use unless the user asks for one: the fastest that keeps f32 accuracy on this processor;
 * bf16x3 with AMX, else f32. */
enum gemm_precision gemm_default_precision(void);

/* By name: "f32", "bf16x3", "bf16"; any other, as "auto", is the default. */
enum gemm_precision gemm_precision_of(const char *name);
const char *gemm_precision_name(enum gemm_precision p);

/* What computes, for a stream's history: "f32 OpenBLAS SkylakeX", "f32 AVX2", "bf16x3 oneDNN 2.6.3 AMX". A
 * constant text. */
const char *gemm_describe(enum gemm_precision p);

/* A matrix of weights made ready. w is row-major [n_out][n_in], or [n_in][n_out] when stored_in_out is set;
 * of floats, or of the 16-bit halves that are bfloat16; any alignment. Floats for GEMM_F32 are borrowed until
 * gemm_weight_free(), everything else is copied. A block of rows of a larger matrix is a matrix
 * too: a vocabulary is packed piece by piece. NULL when a dimension is 0 or above 2^31 - 1, or a library
 * fails. */
struct gemm_weight;
struct gemm_weight *gemm_pack(const void *w, enum gemm_dtype dtype, size_t n_out, size_t n_in,
                              int stored_in_out, enum gemm_precision p);
/* The same on several threads. */
struct gemm_weight *gemm_pack_threads(const void *w, enum gemm_dtype dtype, size_t n_out, size_t n_in,
                                      int stored_in_out, enum gemm_precision p, int n_thread);
void gemm_weight_free(struct gemm_weight *w);

/* y[i][o] = sum over k of x[i][k] w[o][k], plus bias[o] unless bias is NULL, plus the y[i][o] that was there
 * when accumulate is set, for i < n. Rows of x are ldx floats apart, those of y ldy. Bytes between the rows
 * are neither read nor written. 0; or -1 when ldx or ldy do not fit, or a library fails. */
int gemm_run(const struct gemm_weight *w, const float *x, size_t n, size_t ldx, float *y, size_t ldy,
             const float *bias, int accumulate, int n_thread);

/* The same for activations that are stored the other way around: x[i][k] of above is at x[k * ldx + i]. */
int gemm_run_turned(const struct gemm_weight *w, const float *x, size_t n, size_t ldx, float *y, size_t ldy,
                    const float *bias, int accumulate, int n_thread);

/* For attention and second moments, f32, on the caller's thread, any number of callers at once; row-major,
 * ld* floats from row to row: C[m][n] = alpha A[m][k] B[n][k]^T + beta C (nt), alpha A[m][k] B[k][n] + beta C
 * (nn), alpha A[k][m]^T B[k][n] + beta C (tn). beta 0 does not read C. A row's result may depend on m, n and
 * k and on its place in A, so callers keep all that to what the row's position in its sequence says: blocks
 * of GEMM_ROWS counted from the start, for instance. */
void gemm_block_nt(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
                   size_t ldb, float beta, float *c, size_t ldc);
void gemm_block_tn(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
                   size_t ldb, float beta, float *c, size_t ldc);
void gemm_block_nn(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
                   size_t ldb, float beta, float *c, size_t ldc);

/* For tests: which library computes. gemm_pack() chooses oneDNN for bf16 and bf16x3 if the processor has
 * units for bfloat16, and OpenBLAS otherwise. */
enum gemm_library { GEMM_OPENBLAS, GEMM_OWN, GEMM_ONEDNN };
struct gemm_weight *gemm_pack_for(enum gemm_library library, const void *w, enum gemm_dtype dtype,
                                  size_t n_out, size_t n_in, int stored_in_out, enum gemm_precision p,
                                  int n_thread);

#endif
