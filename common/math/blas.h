/* blas.h - OpenBLAS's single-precision product, with the kernels that suit the processor.  Layer: math.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_BLAS_H
#define MATH_BLAS_H

/* Row-major, the values of CBLAS's enums. */
enum { BLAS_ROW_MAJOR = 101, BLAS_NO_TRANS = 111, BLAS_TRANS = 112 };

struct blas {
    /* cblas_sgemm on the caller's thread alone; any number of threads may call it at once. */
    void (*sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a,
                  int lda, const float *b, int ldb, float beta, float *c, int ldc);
    char core[24]; /* what OpenBLAS calls the kernels it uses: "Haswell", "SkylakeX", "Zen" */
};

/* OpenBLAS, loaded by the first call; NULL, and in *why the reason (until the program ends), if there is
 * none. The first call changes the environment for a moment: make it before starting threads. */
const struct blas *blas_load(const char **why);

/* What a processor can do, as far as it matters here; bits. */
enum { BLAS_CPU_AVX2 = 1, BLAS_CPU_AVX512 = 2 };

/* The value of OPENBLAS_CORETYPE for a processor that can do `cpu`, when OpenBLAS took it for `core`; NULL if
 * that is as good. */
const char *blas_better_core(const char *core, unsigned cpu);

#endif
