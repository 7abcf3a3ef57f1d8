#!/usr/bin/env bash
# Matrix products of a decoder's shapes, rows x outputs x inputs, against plain cblas_sgemm with threads of its own, and
# against the most that the processor's floating-point units can do: GFLOP/s, medians of alternating runs.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
# shellcheck source=tests/bench/lib.bash
source ./lib.bash
need "${CC:-cc}"
root=$PWD/../..
THREADS=${THREADS:-2} REPEATS=${REPEATS:-7}
make -s -C "$root" all
cat >"$work/bench.c" <<'C'
#include "math/gemm.h"
#include "base/mem.h"
#include "math/blas.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, compare);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The peak: twelve independent chains of fused multiply-adds in registers; the best of fifteen on one thread, by its own
 * time, times the threads. */
enum { CHAINS = 12, STEPS = 1000000 };
#ifdef __x86_64__
#include <immintrin.h>
__attribute__((target("avx2,fma"))) static void chains_avx2(void)
{
    __m256 a[CHAINS], b = _mm256_set1_ps(0.999f), c = _mm256_set1_ps(0.001f);
    for (int i = 0; i < CHAINS; i++)
        a[i] = _mm256_set1_ps((float)i);
    for (int k = 0; k < STEPS; k++) {
        for (int i = 0; i < CHAINS; i++)
            a[i] = _mm256_fmadd_ps(a[i], b, c);
        __asm__ volatile("" : "+x"(b));
    }
    for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" ::"x"(a[i]));
}
__attribute__((target("avx512f"))) static void chains_avx512(void)
{
    __m512 a[CHAINS], b = _mm512_set1_ps(0.999f), c = _mm512_set1_ps(0.001f);
    for (int i = 0; i < CHAINS; i++)
        a[i] = _mm512_set1_ps((float)i);
    for (int k = 0; k < STEPS; k++) {
        for (int i = 0; i < CHAINS; i++)
            a[i] = _mm512_fmadd_ps(a[i], b, c);
        __asm__ volatile("" : "+v"(b));
    }
    for (int i = 0; i < CHAINS; i++)
        __asm__ volatile("" ::"v"(a[i]));
}
#endif

static double peak(int n_thread)
{
    double best = 0;
#ifdef __x86_64__
    int lanes = __builtin_cpu_supports("avx512f") ? 16 : __builtin_cpu_supports("fma") ? 8 : 0;
    for (int times = 0; times < 15 && lanes; times++) {
        double from = seconds(CLOCK_THREAD_CPUTIME_ID);
        lanes == 16 ? chains_avx512() : chains_avx2();
        double rate = 2.0 * lanes * CHAINS * STEPS * n_thread / (seconds(CLOCK_THREAD_CPUTIME_ID) - from) / 1e9;
        best = rate > best ? rate : best;
    }
#endif
    return best;
}

int main(int argc, char **argv)
{
    int n_thread = atoi(argv[1]), n_run = atoi(argv[2]);
    enum gemm_precision precision = gemm_precision_of(argv[3]);
    const char *why;
    if (argc < 5 || gemm_load(&why) < 0)
        return 1;
    const struct blas *blas = blas_load(&why);
    void *lib = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_NOLOAD);
    void (*set_threads)(int) = lib ? (void (*)(int))dlsym(lib, "openblas_set_num_threads") : NULL;
    if (!set_threads)
        return 1;
    double most = peak(n_thread);
    for (char **shape = argv + 4; *shape; shape++) {
        int m, n, k;
        if (sscanf(*shape, "%dx%dx%d", &m, &n, &k) != 3)
            return 1;
        float *x = xaligned((size_t)m * (size_t)k, 4), *w = xaligned((size_t)n * (size_t)k, 4);
        float *y = xaligned((size_t)m * (size_t)n, 4);
        for (size_t i = 0; i < (size_t)m * (size_t)k; i++)
            x[i] = (float)(rand() % 2001) / 1000 - 1;
        for (size_t i = 0; i < (size_t)n * (size_t)k; i++)
            w[i] = (float)(rand() % 2001) / 1000 - 1;
        struct gemm_weight *g = gemm_pack(w, GEMM_OF_F32, (size_t)n, (size_t)k, 0, precision);
        double work = 2.0 * m * n * k / 1e9, *ours = xnew((size_t)n_run, sizeof *ours),
               *peer = xnew((size_t)n_run, sizeof *peer);
        for (int i = -1; i < n_run; i++) {
            double a = seconds(CLOCK_MONOTONIC);
            gemm_run(g, x, (size_t)m, (size_t)k, y, (size_t)n, NULL, 0, n_thread);
            double b = seconds(CLOCK_MONOTONIC);
            set_threads(n_thread);
            double c = seconds(CLOCK_MONOTONIC);
            blas->sgemm(BLAS_ROW_MAJOR, BLAS_NO_TRANS, BLAS_TRANS, m, n, k, 1, x, k, w, k, 0, y, n);
            double d = seconds(CLOCK_MONOTONIC);
            set_threads(1);
            if (i >= 0)
                ours[i] = work / (b - a), peer[i] = work / (d - c);
        }
        double o = median(ours, n_run), p = median(peer, n_run);
        printf("gemm,%s %s %d threads (%s): cblas_sgemm,%.4g,%.4g,GFLOP/s,%.2f\n", gemm_precision_name(precision),
               *shape, n_thread, gemm_describe(precision), o, p, o / p);
        if (most > 0)
            printf("gemm,%s %s %d threads: peak of the units,%.4g,%.4g,GFLOP/s,%.2f\n", gemm_precision_name(precision),
                   *shape, n_thread, o, most, o / most);
        fflush(stdout);
        gemm_weight_free(g);
        free(peer), free(ours), free(y), free(w), free(x);
    }
    return 0;
}
C
${CC:-cc} -std=gnu17 -O3 -D_GNU_SOURCE -I"$root/common" "$work/bench.c" "$root/bin/.obj/libbabelbits.a" -ldl -lm -pthread -o "$work/bench"
"$work/bench" "$THREADS" "$REPEATS" f32 512x4096x1024 512x1024x4096 512x3072x1024
"$work/bench" "$THREADS" 3 f32 512x250880x1024
if grep -q avx512_bf16 /proc/cpuinfo 2>/dev/null; then
    for precision in bf16x3 bf16; do
        "$work/bench" "$THREADS" "$REPEATS" "$precision" 512x4096x1024 512x1024x4096 512x3072x1024
    done
fi
