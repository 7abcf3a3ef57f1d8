/* gemm - products against sums of doubles, and against themselves in other company; prints what fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/gemm.h"
#include "base/mem.h"
#include "base/rng.h"
#include "math/bf16.h"
#include "math/blas.h"
#include "math/fmagemm.h"
#include "math/onednn.h"
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
    size_t row_step = n > 90 ? 13 : 1,
           out_step = n_out > 90 ? 7 : 1; /* a sample with every place in a panel */
    for (size_t i = 0; i < n; i += row_step)
        for (size_t o = 0; o < n_out; o += out_step) {
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

static const char *what(const char *text, enum gemm_library library, enum gemm_precision p)
{
    static char line[160];
    snprintf(line, sizeof line, "%s (%s, %s)", text,
             library == GEMM_ONEDNN ? "oneDNN"
             : library == GEMM_OWN  ? "own"
                                    : "OpenBLAS",
             gemm_precision_name(p));
    return line;
}

/* What the operands of a precision are. */
static float *rounded(const float *x, size_t n, enum gemm_precision p)
{
    float *r = xnew(n, sizeof *r);
    memcpy(r, x, n * sizeof *r);
    if (p == GEMM_BF16)
        bf16_split_f32(x, n, 1, &r);
    return r;
}

static void test_values(enum gemm_library library, enum gemm_precision p, size_t n, size_t n_out, size_t n_in,
                        int in_out)
{
    struct rng r;
    rng_init(&r, 3, n * 31 + n_out);
    size_t ldx = n_in + 5, ldy = n_out + 3;
    float *x = draw(&r, n * ldx), *w = draw(&r, n_out * n_in), *bias = draw(&r, n_out),
          *y = draw(&r, n * ldy);
    float *before = xnew(n * ldy, sizeof *before), *rx = rounded(x, n * ldx, p),
          *rw = rounded(w, n_out * n_in, p);
    memcpy(before, y, n * ldy * sizeof *y);
    float *turned = draw(&r, n_in * (n + 7)), *again = xnew(n * ldy, sizeof *again);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n_in; k++)
            turned[k * (n + 7) + i] = x[i * ldx + k];
    struct gemm_weight *g = gemm_pack_for(library, w, GEMM_OF_F32, n_out, n_in, in_out, p, 2);
    check(g != NULL, what("packs", library, p), n, n_out, n_in);
    for (int kind = 0; kind < 4 && g; kind++) {
        const float *b = kind & 1 ? bias : NULL, *was = kind >> 1 ? before : NULL;
        memcpy(y, before, n * ldy * sizeof *y);
        check(gemm_run(g, x, n, ldx, y, ldy, b, kind >> 1, 2) == 0, what("runs", library, p), n, n_out, n_in);
        double e = error_of(y, ldy, rx, ldx, rw, in_out, n, n_out, n_in, b, was);
        check(e < 5e-7, what("as sums of doubles have it", library, p), n, n_out, n_in);
        if (n_out > 1 && n_in > 1) {
            e = error_of(y, ldy, rx, ldx, rw, !in_out, n, n_out, n_in, b, was);
            check(e > 1e-3, what("the other way round is seen", library, p), n, n_out, n_in);
        }
        if (p == GEMM_BF16 && n_in > 1) {
            e = error_of(y, ldy, x, ldx, w, in_out, n, n_out, n_in, b, was);
            check(e > 1e-5, what("rounding is seen", library, p), n, n_out, n_in);
        }
        int kept = 1;
        for (size_t i = 0; i < n; i++)
            kept &= !memcmp(y + i * ldy + n_out, before + i * ldy + n_out, 3 * sizeof *y);
        check(kept, what("what lies between the rows is left alone", library, p), n, n_out, n_in);
        memcpy(again, before, n * ldy * sizeof *y);
        check(!gemm_run_turned(g, turned, n, n + 7, again, ldy, b, kind >> 1, 2) &&
                  !memcmp(again, y, n * ldy * sizeof *y),
              what("turned activations give the same bytes", library, p), n, n_out, n_in);
    }
    free(again);
    free(turned);
    gemm_weight_free(g);
    free(rw);
    free(rx);
    free(before);
    free(y);
    free(bias);
    free(w);
    free(x);
}

/* Rows in any company and order, on any number of threads, give the same bytes. */
static void test_company(enum gemm_library library, enum gemm_precision p, size_t n, size_t n_out,
                         size_t n_in)
{
    struct rng r;
    rng_init(&r, 4, n_out);
    float *x = draw(&r, n * n_in), *w = draw(&r, n_out * n_in), *bias = draw(&r, n_out);
    float *all = xnew(2 * n * n_out, sizeof *all), *some = xnew(n * n_out, sizeof *some);
    float *mixed = xnew(n * n_in, sizeof *mixed);
    struct gemm_weight *g = gemm_pack_for(library, w, GEMM_OF_F32, n_out, n_in, 0, p, 1);
    struct gemm_weight *h = gemm_pack_for(library, w, GEMM_OF_F32, n_out, n_in, 0, p, 3);
    for (size_t k = 0; k < 2; k++) /* what needs no bias may go straight to its place */
        check(g && h && !gemm_run(g, x, n, n_in, all + k * n * n_out, n_out, k ? NULL : bias, 0, 1),
              what("runs", library, p), n, n_out, n_in);
    for (int times = 0; times < 6 && g && h; times++) {
        const float *b = times % 2 ? NULL : bias, *want = all + (size_t)(times % 2) * n * n_out;
        size_t from = rng_below(&r, (uint32_t)n), count = 1 + rng_below(&r, (uint32_t)(n - from));
        gemm_run(h, x + from * n_in, count, n_in, some, n_out, b, 0, 1 + times % 4);
        check(!memcmp(some, want + from * n_out, count * n_out * sizeof *all),
              what("any rows alone", library, p), count, n_out, n_in);
        size_t step = 2 * rng_below(&r, 50) + 1; /* row i goes to i * step mod n */
        while (n % step == 0 && step > 1)
            step -= 2;
        int same = 1;
        for (size_t i = 0; i < n; i++)
            memcpy(mixed + i * n_in, x + i * step % n * n_in, n_in * sizeof *x);
        gemm_run(h, mixed, n, n_in, some, n_out, b, 0, 1 + times % 4);
        for (size_t i = 0; i < n; i++)
            same &= !memcmp(some + i * n_out, want + i * step % n * n_out, n_out * sizeof *all);
        check(same, what("any order of rows", library, p), n, n_out, n_in);
    }
    gemm_weight_free(h);
    gemm_weight_free(g);
    free(mixed);
    free(some);
    free(all);
    free(bias);
    free(w);
    free(x);
}

/* Weights given as bfloat16, at an odd address, are the same weights. */
static void test_bf16_weights(enum gemm_precision p, size_t n, size_t n_out, size_t n_in, int in_out)
{
    struct rng r;
    rng_init(&r, 6, 0);
    float *x = draw(&r, n * n_in), *w = draw(&r, n_out * n_in), *y = xnew(n * n_out, sizeof *y),
          *z = xnew(n * n_out, sizeof *z);
    uint16_t *half = xnew(n_out * n_in, sizeof *half);
    char *odd = xmalloc(n_out * n_in * sizeof *half + 1);
    bf16_split(w, n_out * n_in, 1, &half);
    bf16_to_f32(half, n_out * n_in, w);
    memcpy(odd + 1, half, n_out * n_in * sizeof *half);
    struct gemm_weight *a = gemm_pack(w, GEMM_OF_F32, n_out, n_in, in_out, p);
    struct gemm_weight *b = gemm_pack_threads(odd + 1, GEMM_OF_BF16, n_out, n_in, in_out, p, 2);
    gemm_run(a, x, n, n_in, y, n_out, NULL, 0, 1);
    gemm_run(b, x, n, n_in, z, n_out, NULL, 0, 1);
    check(!memcmp(y, z, n * n_out * sizeof *y), "bfloat16 weights as their floats", n, n_out, n_in);
    gemm_weight_free(b);
    gemm_weight_free(a);
    free(odd);
    free(half);
    free(z);
    free(y);
    free(w);
    free(x);
}

/* Our own sums to the last bit: chains of fused multiply-adds, piece by piece. */
static void test_chains(void)
{
    enum { N = 5, OUTS = 29, IN = 600 };
    struct rng r;
    rng_init(&r, 8, 0);
    float *x = draw(&r, N * IN), *w = draw(&r, OUTS * IN), y[N * OUTS];
    struct gemm_weight *g = gemm_pack_for(GEMM_OWN, w, GEMM_OF_F32, OUTS, IN, 0, GEMM_F32, 1);
    gemm_run(g, x, N, IN, y, OUTS, NULL, 0, 1);
    int same = 1;
    for (int i = 0; i < N; i++)
        for (int o = 0; o < OUTS; o++) {
            float sum = 0;
            for (int from = 0; from < IN; from += FMAGEMM_PIECE) {
                float piece = 0;
                for (int k = from; k < IN && k < from + FMAGEMM_PIECE; k++)
                    piece = fmaf(x[i * IN + k], w[o * IN + k], piece);
                sum += piece;
            }
            same &= y[i * OUTS + o] == sum;
        }
    check(same, "chains of fused multiply-adds", N, OUTS, IN);
    gemm_weight_free(g);
    free(w);
    free(x);
}

/* Three terms are the number; each is a bfloat16, the nearest to what is left; as many as needed are counted.
 */
static void test_terms(void)
{
    enum { N = 100000 };
    struct rng r;
    rng_init(&r, 7, 0);
    static float x[N], t[3][N];
    static uint16_t h[3][N];
    float *term[3] = { t[0], t[1], t[2] };
    uint16_t *half[3] = { h[0], h[1], h[2] };
    for (int i = 0; i < N; i++) {
        uint32_t u = (uint32_t)rng_u64(&r);
        u = (u & 0x807fffff) | (64 + (u >> 23 & 127)) << 23; /* 2^-63 to 2^64 */
        memcpy(&x[i], &u, sizeof u);
    }
    x[0] = 1.00390625f; /* half way between 1 and the next bfloat16: to even */
    x[1] = 1.01171875f;
    bf16_split_f32(x, N, 3, term);
    bf16_split(x, N, 3, half);
    int exact = 1, same = 1, near = 1;
    for (int i = 0; i < N; i++) {
        exact &= (double)t[0][i] + t[1][i] + t[2][i] == (double)x[i];
        near &= fabsf(x[i] - t[0][i]) <= ldexpf(1, ilogbf(x[i]) - 8);
        for (int k = 0; k < 3; k++) {
            uint32_t u;
            memcpy(&u, &t[k][i], sizeof u);
            same &= u == (uint32_t)h[k][i] << 16;
        }
    }
    check(exact && near, "three bfloat16 terms are the number", 0, 0, 0);
    check(same, "terms as bfloat16 and as floats", 0, 0, 0);
    check(t[0][0] == 1 && t[0][1] == 1.015625f, "ties go to even", 0, 0, 0);
    check(bf16_terms_needed(x, N) == 3 && bf16_terms_needed(t[0], N) == 1, "terms are counted", 0, 0, 0);
    for (int i = 0; i < N; i++)
        x[i] = t[0][i] + t[1][i];
    check(bf16_terms_needed(x, N) <= 2, "two terms are counted", 0, 0, 0);
}

static void test_blocks(void)
{
    struct rng r;
    rng_init(&r, 5, 0);
    enum { M = 64, N = 192, K = 48, LDA = 50, LDB = 200, LDC = 210 };
    float *a = draw(&r, M * LDA), *b = draw(&r, N * LDB), *c = draw(&r, M * LDC),
          *d = xnew(M * LDC, sizeof *d), *e = xnew(M * LDC, sizeof *e);
    memcpy(d, c, M * LDC * sizeof *c);
    memcpy(e, c, M * LDC * sizeof *c);
    gemm_block_nt(M, N, K, 0.5f, a, LDA, b, LDB, 0, c, LDC);
    gemm_block_nn(M, N, K, 2, a, LDA, b, LDB, 1, d, LDC);
    gemm_block_tn(M, N, K, 3, a, M, b, LDB, 1, e, LDC);
    struct rng again;
    rng_init(&again, 5, 0);
    free(draw(&again, M * LDA));
    free(draw(&again, N * LDB));
    float *before = draw(&again, M * LDC);
    double worst = 0;
    for (size_t i = 0; i < M; i++)
        for (size_t o = 0; o < N; o++) {
            double nt = 0, nn = before[i * LDC + o], tn = nn;
            for (size_t k = 0; k < K; k++) {
                nt += 0.5 * a[i * LDA + k] * b[o * LDB + k];
                nn += 2.0 * a[i * LDA + k] * b[k * LDB + o];
                tn += 3.0 * a[k * M + i] * b[k * LDB + o];
            }
            worst = fmax(worst, fabs(e[i * LDC + o] - tn));
            worst = fmax(worst, fmax(fabs(c[i * LDC + o] - nt), fabs(d[i * LDC + o] - nn)));
        }
    check(worst < 2e-5, "blocks as sums of doubles have them", M, N, K);
    free(before);
    free(e);
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
        puts(gemm_describe(argc > 2 ? gemm_precision_of(argv[2]) : GEMM_F32));
        return 0;
    }
    test_core();
    test_terms();
    static const size_t shapes[][3] = { { 1, 1, 1 },      { 3, 5, 7 },       { 64, 64, 64 },
                                        { 65, 96, 33 },   { 130, 513, 100 }, { 70, 600, 1030 },
                                        { 530, 100, 400 } };
    /* oneDNN multiplies floats on every processor, bfloat16 on those that have units for it */
    int most[] = { [GEMM_OPENBLAS] = GEMM_BF16,
                   [GEMM_OWN] = fmagemm_unit() ? (int)GEMM_BF16 : -1,
                   [GEMM_ONEDNN] = !onednn_version()    ? -1
                                   : onednn_bf16_unit() ? (int)GEMM_BF16
                                                        : (int)GEMM_F32 };
    for (int l = GEMM_OPENBLAS; l <= GEMM_ONEDNN; l++)
        for (int k = GEMM_F32; k <= most[l]; k++) {
            enum gemm_library library = (enum gemm_library)l;
            enum gemm_precision p = (enum gemm_precision)k;
            for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
                for (int in_out = 0; in_out < 2; in_out++)
                    test_values(library, p, shapes[i][0], shapes[i][1], shapes[i][2], in_out);
            if (l == GEMM_OPENBLAS && !strstr(gemm_describe(GEMM_F32), "OpenBLAS"))
                continue; /* it is not used because of this */
            test_company(library, p, 200, 50, 64);
            test_company(library, p, 600, 100, 400); /* two tiles */
            test_company(library, p, 130, 700, 300); /* two blocks of outputs */
        }
    for (int p = GEMM_F32; p <= GEMM_BF16; p++)
        test_bf16_weights((enum gemm_precision)p, 70, 600, 130, p & 1);
    if (fmagemm_unit())
        test_chains();
    test_blocks();
    return n_failed > 0;
}
