/* gemm - products against sums of doubles, and against themselves in other company; prints what fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/gemm.h"
#include "base/mem.h"
#include "base/rng.h"
#include "math/blas.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int n_failed;

static void check(int ok, const char *what, size_t n, size_t n_out, size_t n_in)
{
    if (ok)
        return;
    printf("failed: %s (%zu x %zu x %zu)\n", what, n, n_out, n_in);
    n_failed++;
}

static float *draw(struct rng *r, size_t n)
{
    float *x = xaligned(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(rng_unit(r) * 2 - 1);
    return x;
}

/* Largest error of y against sums of doubles, relative to the sum of absolute products. */
static double error_of(const float *y, size_t ldy, const float *x, size_t ldx, const float *w, int in_out,
                       size_t n, size_t n_out, size_t n_in, const float *bias, const float *before)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o<n_out; o += n_out> 600 ? 37 : 1) {
            double sum = bias ? bias[o] : 0, size = fabs(sum);
            if (before)
                sum += before[i * ldy + o], size += fabs((double)before[i * ldy + o]);
            for (size_t k = 0; k < n_in; k++) {
                double p = (double)x[i * ldx + k] * w[in_out ? k * n_out + o : o * n_in + k];
                sum += p;
                size += fabs(p);
            }
            double e = fabs(y[i * ldy + o] - sum) / size;
            worst = e > worst || e != e ? e : worst;
        }
    return worst;
}

static void test_values(size_t n, size_t n_out, size_t n_in, int in_out)
{
    struct rng r;
    rng_init(&r, 3, n * 31 + n_out);
    size_t ldx = n_in + 5, ldy = n_out + 3;
    float *x = draw(&r, n * ldx), *w = draw(&r, n_out * n_in), *bias = draw(&r, n_out),
          *y = draw(&r, n * ldy);
    float *before = xnew(n * ldy, sizeof *before);
    memcpy(before, y, n * ldy * sizeof *y);
    struct gemm_weight *g = gemm_pack(w, GEMM_OF_F32, n_out, n_in, in_out, GEMM_F32);
    for (int kind = 0; kind < 4; kind++) {
        const float *b = kind & 1 ? bias : NULL;
        memcpy(y, before, n * ldy * sizeof *y);
        check(gemm_run(g, x, n, ldx, y, ldy, b, kind >> 1, 2) == 0, "runs", n, n_out, n_in);
        double e = error_of(y, ldy, x, ldx, w, in_out, n, n_out, n_in, b, kind >> 1 ? before : NULL);
        check(e < 1e-6, "f32 as sums of doubles have it", n, n_out, n_in);
        if (n_out > 1 && n_in > 1) {
            e = error_of(y, ldy, x, ldx, w, !in_out, n, n_out, n_in, b, kind >> 1 ? before : NULL);
            check(e > 1e-3, "the other way round is seen", n, n_out, n_in);
        }
        int kept = 1;
        for (size_t i = 0; i < n; i++)
            kept &= !memcmp(y + i * ldy + n_out, before + i * ldy + n_out, 3 * sizeof *y);
        check(kept, "what lies between the rows is left alone", n, n_out, n_in);
    }
    gemm_weight_free(g);
    free(before);
    free(y);
    free(bias);
    free(w);
    free(x);
}

/* Rows in any company and order, on any number of threads, give the same bytes. */
static void test_company(size_t n, size_t n_out, size_t n_in, enum gemm_precision p)
{
    struct rng r;
    rng_init(&r, 4, n_out);
    float *x = draw(&r, n * n_in), *w = draw(&r, n_out * n_in), *bias = draw(&r, n_out);
    float *all = xnew(n * n_out, sizeof *all), *some = xnew(n * n_out, sizeof *some);
    float *mixed = xnew(n * n_in, sizeof *mixed);
    struct gemm_weight *g = gemm_pack(w, GEMM_OF_F32, n_out, n_in, 0, p);
    gemm_run(g, x, n, n_in, all, n_out, bias, 0, 1);
    for (int times = 0; times < 12; times++) {
        size_t from = rng_below(&r, (uint32_t)n), count = 1 + rng_below(&r, (uint32_t)(n - from));
        gemm_run(g, x + from * n_in, count, n_in, some, n_out, bias, 0, 1 + times % 4);
        check(!memcmp(some, all + from * n_out, count * n_out * sizeof *all), "any rows alone", count, n_out,
              n_in);
        size_t step = 2 * rng_below(&r, 50) + 1; /* row i goes to i * step mod n */
        while (n % step == 0 && step > 1)
            step -= 2;
        int same = 1;
        for (size_t i = 0; i < n; i++)
            memcpy(mixed + i * n_in, x + i * step % n * n_in, n_in * sizeof *x);
        gemm_run(g, mixed, n, n_in, some, n_out, bias, 0, 1 + times % 4);
        for (size_t i = 0; i < n; i++)
            same &= !memcmp(some + i * n_out, all + i * step % n * n_out, n_out * sizeof *all);
        check(same, "any order of rows", n, n_out, n_in);
    }
    gemm_weight_free(g);
    free(mixed);
    free(some);
    free(all);
    free(bias);
    free(w);
    free(x);
}

static void test_blocks(void)
{
    struct rng r;
    rng_init(&r, 5, 0);
    enum { M = 64, N = 192, K = 48, LDA = 50, LDB = 200, LDC = 210 };
    float *a = draw(&r, M * LDA), *b = draw(&r, N * LDB), *c = draw(&r, M * LDC),
          *d = xnew(M * LDC, sizeof *d);
    memcpy(d, c, M * LDC * sizeof *c);
    gemm_block_nt(M, N, K, 0.5f, a, LDA, b, LDB, 0, c, LDC);
    gemm_block_nn(M, N, K, 2, a, LDA, b, LDB, 1, d, LDC);
    struct rng again;
    rng_init(&again, 5, 0);
    free(draw(&again, M * LDA));
    free(draw(&again, N * LDB));
    float *before = draw(&again, M * LDC);
    double worst = 0;
    for (size_t i = 0; i < M; i++)
        for (size_t o = 0; o < N; o++) {
            double nt = 0, nn = before[i * LDC + o];
            for (size_t k = 0; k < K; k++) {
                nt += 0.5 * a[i * LDA + k] * b[o * LDB + k];
                nn += 2.0 * a[i * LDA + k] * b[k * LDB + o];
            }
            worst = fmax(worst, fmax(fabs(c[i * LDC + o] - nt), fabs(d[i * LDC + o] - nn)));
        }
    check(worst < 2e-5, "blocks as sums of doubles have them", M, N, K);
    free(before);
    free(d);
    free(c);
    free(b);
    free(a);
}

/* Every answer of the library, and what is to be asked of it. */
static void test_core(void)
{
    static const struct {
        const char *core;
        unsigned cpu;
        const char *want;
    } cases[] = {
        { "Prescott", BLAS_CPU_AVX2 | BLAS_CPU_AVX512, "SKYLAKEX" }, /* Emerald Rapids under 0.3.21 */
        { "Prescott", BLAS_CPU_AVX2, "HASWELL" },                    /* Raptor Lake */
        { "Prescott", 0, NULL },                                     /* what it may be */
        { "Nehalem", BLAS_CPU_AVX2, "HASWELL" },
        { "Sandybridge", BLAS_CPU_AVX2 | BLAS_CPU_AVX512, "SKYLAKEX" },
        { "SkylakeX", BLAS_CPU_AVX2 | BLAS_CPU_AVX512, NULL },
        { "SAPPHIRERAPIDS", BLAS_CPU_AVX2 | BLAS_CPU_AVX512, NULL },
        { "Cooperlake", BLAS_CPU_AVX2 | BLAS_CPU_AVX512, NULL },
        { "Haswell", BLAS_CPU_AVX2, NULL },
        { "Zen", BLAS_CPU_AVX2, NULL },
        { "Zen", BLAS_CPU_AVX2 | BLAS_CPU_AVX512, NULL }, /* a library that knows no better for AMD */
        { "armv8", 0, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = blas_better_core(cases[i].core, cases[i].cpu);
        check(got == cases[i].want || (got && cases[i].want && !strcmp(got, cases[i].want)), cases[i].core,
              cases[i].cpu, 0, 0);
    }
}

int main(int argc, char **argv)
{
    const char *why = "";
    if (gemm_load(&why) < 0) {
        printf("failed: %s\n", why);
        return 1;
    }
    if (argc > 1 && !strcmp(argv[1], "describe")) {
        puts(gemm_describe(GEMM_F32));
        return 0;
    }
    test_core();
    static const size_t shapes[][3] = { { 1, 1, 1 },        { 3, 5, 7 },       { 64, 64, 64 },
                                        { 65, 96, 33 },     { 130, 513, 100 }, { 70, 1024, 1030 },
                                        { 513, 1100, 1000 } };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int in_out = 0; in_out < 2; in_out++)
            test_values(shapes[i][0], shapes[i][1], shapes[i][2], in_out);
    test_company(200, 50, 64, GEMM_F32);
    test_company(200, 256, 257, GEMM_F32);
    test_company(150, 300, 257, GEMM_F32);
    test_company(700, 1030, 1024, GEMM_F32);
    test_blocks();
    return n_failed > 0;
}
