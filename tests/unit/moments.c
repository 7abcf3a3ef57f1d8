/* moments - the kernels of math/moments against each other and long doubles; prints what fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/moments.c" /* the kernels are not exported */
#include "base/rng.h"
#include <stdio.h>

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

/* Whatever the processor is, the digits are those of the plain kernel. */
static void compare_kernels(const float *x, size_t n_group, double offset)
{
#ifdef __x86_64__
    struct sums a = { { { 0 } }, 0 }, b = a;
    struct moments_watch watch_a = { .inner = (float)offset + 1, .outer = (float)offset + 2 },
                         watch_b = watch_a;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return;
    sum_f32_plain((const char *)x, n_group, 0, &watch_a, &a);
    sum_f32_avx2((const char *)x, n_group, &watch_b, &b);
    check(a.max_abs == b.max_abs, "kernels agree in the maximum", n_group, offset);
    for (int p = 0; p < 4; p++)
        for (int k = 0; k < LANES; k++)
            check(a.power[p][k] == b.power[p][k], "kernels agree in sums", n_group, offset);
    check(watch_a.n_beyond == watch_b.n_beyond && watch_a.n_group == watch_b.n_group &&
              !memcmp(watch_a.group, watch_b.group, watch_a.n_group * sizeof *watch_a.group),
          "kernels agree in what they watch", n_group, offset);
#else
    (void)x;
    (void)n_group;
    (void)offset;
#endif
}

/* What the watch saw of x[0..n-1], against its definition. */
static void check_watch(const float *x, size_t n, const struct moments_watch *w)
{
    size_t n_beyond = 0, n_seen = 0;
    for (size_t g = 0; g * MOMENTS_GROUP < n; g++) {
        int any = 0;
        for (size_t i = g * MOMENTS_GROUP; i < n && i < (g + 1) * MOMENTS_GROUP; i++) {
            n_beyond += fabsf(x[i]) > w->outer;
            any |= fabsf(x[i]) > w->inner && fabsf(x[i]) <= w->outer;
        }
        check(!any || (n_seen < w->n_group && w->group[n_seen] == g), "watched groups", n, w->inner);
        n_seen += (size_t)any;
    }
    check(n_seen == w->n_group && n_beyond == w->n_beyond, "what is beyond", n, w->outer);
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
        struct moments_watch watch = { .inner = (float)offsets[k] + 1, .outer = (float)offsets[k] + 2 };
        for (size_t i = 0; i < MANY; i++) {
            d[i] = offsets[k] + draw(&r);
            f[i] = (float)d[i];
            wide[i] = f[i];
        }
        compare_kernels(f, MOMENTS_CHUNK / MOMENTS_GROUP, offsets[k]);
        for (size_t n = 2; n <= MANY; n += n < 40 ? 1 : n / 3) {
            struct moments_tree of_f32 = { .n = 0 }, of_f64 = { .n = 0 };
            for (size_t from = 0; from < n; from += MOMENTS_CHUNK) {
                struct moments m;
                size_t left = n - from < MOMENTS_CHUNK ? n - from : MOMENTS_CHUNK;
                moments_chunk_f32(f + from, left, &watch, &m);
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
    return n_failed > 0;
}
