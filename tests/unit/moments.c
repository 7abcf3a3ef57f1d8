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
static void compare_kernels(const float *x, size_t n_group)
{
#ifdef __x86_64__
    struct sums a = { { { 0 } }, 0 }, b = a;
    uint16_t group_a[MOMENTS_GROUPS], group_b[MOMENTS_GROUPS];
    uint32_t watch;
    const float two = 2;
    memcpy(&watch, &two, sizeof watch);
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return;
    size_t n_a = sum_f32_plain((const char *)x, n_group, watch, group_a, &a);
    size_t n_b = sum_f32_avx2((const char *)x, n_group, watch, group_b, &b);
    check(a.max_abs == b.max_abs, "kernels agree in the maximum", n_group, 0);
    for (int p = 0; p < 4; p++)
        for (int k = 0; k < LANES; k++)
            check(a.power[p][k] == b.power[p][k], "kernels agree in sums", n_group, 0);
    check(n_a == n_b && !memcmp(group_a, group_b, n_a * sizeof *group_a), "and groups", n_group, 0);
#else
    (void)x;
    (void)n_group;
#endif
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
    uint16_t group[MOMENTS_GROUPS];
    rng_init(&r, 1, 0);
    for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++) {
        for (size_t i = 0; i < MANY; i++) {
            d[i] = offsets[k] + draw(&r);
            f[i] = (float)d[i];
            wide[i] = f[i];
        }
        compare_kernels(f, MOMENTS_GROUPS);
        for (size_t n = 2; n <= MANY; n += n < 40 ? 1 : n / 3) {
            struct moments_tree of_f32 = { .n = 0 }, of_f64 = { .n = 0 };
            for (size_t from = 0; from < n; from += MOMENTS_CHUNK) {
                struct moments m;
                size_t left = n - from < MOMENTS_CHUNK ? n - from : MOMENTS_CHUNK;
                size_t n_group = moments_chunk_f32(f + from, left, (float)offsets[k] + 2, group, &m),
                       seen = 0;
                moments_tree_push(&of_f32, &m);
                moments_chunk_f64(d + from, left, &m);
                moments_tree_push(&of_f64, &m);
                for (size_t g = 0; g * MOMENTS_GROUP < left; g++) {
                    int any = 0;
                    for (size_t i = g * MOMENTS_GROUP; i < left && i < (g + 1) * MOMENTS_GROUP; i++)
                        any |= fabsf(f[from + i]) > (float)offsets[k] + 2;
                    check(!any || (seen < n_group && group[seen] == g), "watched groups", n, offsets[k]);
                    seen += (size_t)any;
                }
                check(seen == n_group, "no other groups", n, offsets[k]);
            }
            struct moments total = moments_tree_total(&of_f32);
            compare(wide, n, offsets[k], &total);
            total = moments_tree_total(&of_f64);
            compare(d, n, offsets[k], &total);
        }
    }
    return n_failed > 0;
}
