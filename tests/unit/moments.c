/* moments - the kernels of math/powers against each other, math/moments against long doubles; prints what
 * fails. SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/moments.h"
#include "base/rng.h"
#include "math/powers.c" /* the kernels are not exported */
#include <stdio.h>
#include <stdlib.h>

static int n_failed;

static void check(int ok, const char *what, size_t n, double offset)
{
    if (ok)
        return;
    printf("failed: %s, n = %zu, mean about %g\n", what, n, offset);
    n_failed++;
}

/* Heavy-tailed, signed. */
static double draw(struct rng *r)
{
    double u = rng_unit(r) - 0.5;
    return u / (1.001 - 2 * fabs(u));
}

/* x[0..n-1] as `type`, for the caller to free. */
static void *as_type(const float *x, size_t n, enum powers_type type)
{
    char *to = malloc(n * sizeof *x);
    if (!to)
        abort();
    for (size_t i = 0; i < n; i++) {
        uint16_t half = type == POWERS_BF16 ? half_f32_to_bf16(x[i]) : half_f32_to_f16(x[i]);
        if (type == POWERS_F32)
            memcpy(to + i * sizeof *x, &x[i], sizeof *x);
        else
            memcpy(to + i * sizeof half, &half, sizeof half);
    }
    return to;
}

static int same_watch(const struct powers_watch *a, const struct powers_watch *b)
{
    return a->n_beyond == b->n_beyond && a->n_between == b->n_between &&
           !memcmp(a->between, b->between, a->n_between * sizeof *a->between);
}

/* Whatever the processor is, the digits are those of the plain kernel. */
static void compare_kernels(const float *floats, size_t n_group, enum powers_type type, double offset)
{
#ifdef __x86_64__
    struct powers a = { .max_abs = 0 }, b = a;
    struct powers_watch watch_a = { .inner = (float)offset + 1, .outer = (float)offset + 2 },
                        watch_b = watch_a;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return;
    void *x = as_type(floats, n_group * LANES, type);
    sum_plain(x, type, n_group, 0, &watch_a, &a);
    sum_avx2(x, type, n_group, &watch_b, &b);
    check(a.max_abs == b.max_abs, "kernels agree in the maximum", n_group, offset);
    for (int p = 0; p < 4; p++)
        for (int k = 0; k < LANES; k++)
            check(!memcmp(&a.sum[p][k], &b.sum[p][k], sizeof(double)), "kernels agree in sums", n_group,
                  offset);
    check(same_watch(&watch_a, &watch_b), "kernels agree in what they watch", n_group, offset);
    free(x);
#else
    (void)floats;
    (void)n_group;
    (void)type;
    (void)offset;
#endif
}

/* What the watch saw of x[0..n-1], against its definition. */
static void check_watch(const float *x, size_t n, const struct powers_watch *w)
{
    struct powers_watch wanted = { .inner = w->inner };
    for (size_t i = 0; i < n; i++) {
        wanted.n_beyond += fabsf(x[i]) > w->outer;
        if (fabsf(x[i]) > w->inner && fabsf(x[i]) <= w->outer)
            wanted.between[wanted.n_between++] = (uint16_t)i;
    }
    check(same_watch(w, &wanted), "what is watched", n, w->inner);
}

/* Every number of 16 bits, those that are none too, beside its float: sums, maximum, what is watched. */
static void compare_halves(enum powers_type type, float inner, float outer)
{
    for (uint32_t from = 0; from < 65536; from += POWERS_CHUNK) {
        uint16_t half[POWERS_CHUNK];
        float f[POWERS_CHUNK];
        struct powers_watch watch = { .inner = inner, .outer = outer }, wanted = watch;
        struct moments a, b;
        for (uint32_t i = 0; i < POWERS_CHUNK; i++) {
            half[i] = (uint16_t)(from + i);
            f[i] = powers_at(half, type, i);
        }
        moments_chunk(half, type, POWERS_CHUNK, &watch, &a);
        moments_chunk(f, POWERS_F32, POWERS_CHUNK, &wanted, &b);
        check(!memcmp(&a, &b, sizeof a), "numbers of 16 bits", from, inner);
        check(same_watch(&watch, &wanted), "numbers of 16 bits watched", from, inner);
    }
}

/* a and b, relative to b. */
static int near(double a, long double b, double tolerance)
{
    return fabsl((long double)a - b) <= tolerance * fabsl(b);
}

static void compare(const double *x, size_t n, double offset, const struct moments *m)
{
    long double mean = 0, m2 = 0, m3 = 0, m4 = 0;
    for (size_t i = 0; i < n; i++)
        mean += (x[i] - offset) / (long double)n;
    for (size_t i = 0; i < n; i++) {
        long double d = (x[i] - offset) - mean;
        m2 += d * d;
        m3 += d * d * d;
        m4 += d * d * d * d;
    }
    check(m->n == n, "n", n, offset);
    check(near((m->mean - offset) + m->mean_rest, mean, 1e-11) || fabsl(mean) < 1e-3L, "mean", n, offset);
    check(near(m->m2, m2, 1e-13), "m2", n, offset);
    check(fabsl(m->m3 - m3) <= 1e-13L * powl(m2, 1.5L), "m3", n, offset);
    check(near(m->m4, m4, 1e-12), "m4", n, offset);
}

int main(void)
{
    enum { MANY = 5 * MOMENTS_CHUNK + 77 };
    static float f[MANY];
    static double d[MANY], wide[MANY];
    static const double offsets[] = { 0, 1, 3, 100, 1e4, 1e8 };
    struct rng r;
    rng_init(&r, 1, 0);
    for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++) {
        struct powers_watch watch = { .inner = (float)offsets[k] + 1, .outer = (float)offsets[k] + 2 };
        for (size_t i = 0; i < MANY; i++) {
            d[i] = offsets[k] + draw(&r);
            f[i] = (float)d[i];
            wide[i] = f[i];
        }
        for (enum powers_type type = POWERS_F32; type <= POWERS_F16; type++)
            compare_kernels(f, MOMENTS_CHUNK / POWERS_LANES, type, offsets[k]);
        for (size_t n = 2; n <= MANY; n += n < 40 ? 1 : n / 3) {
            struct moments_tree of_f32 = { .n = 0 }, of_f64 = { .n = 0 };
            for (size_t from = 0; from < n; from += MOMENTS_CHUNK) {
                struct moments m;
                size_t left = n - from < MOMENTS_CHUNK ? n - from : MOMENTS_CHUNK;
                moments_chunk(f + from, POWERS_F32, left, &watch, &m);
                check_watch(f + from, left, &watch);
                moments_tree_push(&of_f32, &m);
                moments_chunk_f64(d + from, left, &m);
                moments_tree_push(&of_f64, &m);
            }
            struct moments total = moments_tree_total(&of_f32);
            compare(wide, n, offsets[k], &total);
            total = moments_tree_total(&of_f64);
            compare(d, n, offsets[k], &total);
        }
    }
    static const float ends[][2] = { { 1, 100 },       { 1.0001f, 99.9999f }, { 0, 1e-30f },
                                     { 6e-8f, 1e-5f }, { 65504, 65520 },      { 65505, 1e30f },
                                     { 70000, 70001 }, { 1e-40f, 2e-40f },    { INFINITY, INFINITY } };
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
        compare_halves(POWERS_BF16, ends[k][0], ends[k][1]);
        compare_halves(POWERS_F16, ends[k][0], ends[k][1]);
    }
    return n_failed > 0;
}
