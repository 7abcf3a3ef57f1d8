/* The grids, the clips and the search, against tables, slow versions and theory. argv[1]: aciq-clipping.csv.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "io/csvin.h"
#include "quant/awq.h"
#include "quant/clip.h"
#include "quant/matrix.h"
#include "quant/rotate.h"
#include "quant/search.h"
#include "quant/select.h"
#include "quant/weighted.h"
#include "weights/made.h"
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_near(double got, double wanted, double tolerance)
{
    return fabs(got - wanted) <= tolerance;
}

/* ---- the table of clips */

/* integral of (x - c)^2 p(x) from a to b, c any number, 0 <= a <= b, of a source symmetric about 0 with the
 * whole of its mass: by parts, with the moments 0, 1, 2 of its tails. Units: sigma of Gauss, b of Laplace. */
static double tail_moment(int laplace, double a, int order)
{
    if (isinf(a))
        return 0;
    if (laplace)
        return exp(-a) / 2 * (order == 0 ? 1 : order == 1 ? a + 1 : a * a + 2 * a + 2);
    double density = exp(-a * a / 2) / sqrt(2 * M_PI), mass = erfc(a * M_SQRT1_2) / 2;
    return order == 0 ? mass : order == 1 ? density : a * density + mass;
}

static double piece(int laplace, double a, double b, double c)
{
    double m[3];
    for (int k = 0; k < 3; k++)
        m[k] = tail_moment(laplace, a, k) - tail_moment(laplace, b, k);
    return m[2] - 2 * c * m[1] + c * c * m[0];
}

/* Mean squared error of a grid, level by level as quant_cell_round has them: no noise model. */
static double exact_error(int laplace, const struct quant_cell *cell)
{
    double s = (double)cell->scale, sum = 0;
    for (double u = (double)cell->lo; u <= (double)cell->hi; u++) {
        double level = (u - (double)cell->offset) * s;
        double from = u == (double)cell->lo ? -INFINITY : level - s / 2,
               to = u == (double)cell->hi ? INFINITY : level + s / 2;
        if (to > 0)
            sum += piece(laplace, fmax(from, 0), to, level);
        if (from < 0)
            sum += piece(laplace, fmax(-to, 0), -from, -level);
    }
    return sum;
}

static double exact_error_at(int laplace, enum quant_grid grid, int bits, double alpha)
{
    struct quant_cell cell;
    quant_grid_fit(grid, bits, QUANT_SCALE_F32, (float)-alpha, (float)alpha, 1, &cell);
    return exact_error(laplace, &cell);
}

/* The least of a function with one minimum, by golden section. Scales are floats: their steps of 1e-7 are far
 * below what alpha is asked for. */
static double best_alpha(int laplace, enum quant_grid grid, int bits)
{
    double low = 0.5, high = 20, r = (sqrt(5) - 1) / 2;
    while (high - low > 1e-7) {
        double a = high - r * (high - low), b = low + r * (high - low);
        if (exact_error_at(laplace, grid, bits, a) < exact_error_at(laplace, grid, bits, b))
            high = b;
        else
            low = a;
    }
    return (low + high) / 2;
}

static void check_table(const char *path)
{
    static const struct {
        const char *convention;
        int grid;
        double fewer;
    } known[] = { { "levels_2^B", QUANT_MIDRISE, 0 },
                  { "levels_2^B-1", QUANT_ABSMAX, 2 },
                  { "step_2^B-1", -1,
                    1 }, /* of the exact ones no grid of ours, but of the noise model ct's */
                  { "int_scale_qmax", QUANT_QMAX, 2 },
                  { "int_scale_qmin", QUANT_QMIN, 0 } };
    struct csvin *in = csvin_open(path);
    size_t dist = csvin_need(in, "dist"), convention = csvin_need(in, "convention"),
           model = csvin_need(in, "model"), bits_at = csvin_need(in, "bits"),
           alpha_at = csvin_need(in, "alpha"), mse_at = csvin_need(in, "mse");
    int n_noise = 0, n_exact = 0;
    while (csvin_next(in)) {
        int laplace = !strcmp(csvin_text(in, dist), "laplace"), bits = (int)csvin_number(in, bits_at), k = 0;
        double unit = laplace ? M_SQRT2 : 1, alpha = csvin_number(in, alpha_at),
               mse = csvin_number(in, mse_at);
        while (strcmp(known[k].convention, csvin_text(in, convention)) != 0)
            k++;
        if (!strcmp(csvin_text(in, model), "noise_full")) {
            double steps = (1 << bits) - known[k].fewer, shape = laplace ? 1 : 2;
            double got = clip_optimum(shape, steps) * unit, step = 2 * got / steps;
            CHECK(is_near(got, alpha, 6e-7), "%s bits %d: %.9g, not %.9g", csvin_text(in, convention), bits,
                  got, alpha);
            double e = clip_error(shape, got / unit) * unit * unit + step * step / 12;
            CHECK(is_near(e / mse, 1, 1e-7), "%s bits %d: mse %.9g, not %.9g", csvin_text(in, convention),
                  bits, e, mse);
            /* the general shape comes to the same as the two closed forms */
            double nearly = clip_optimum(shape * (1 + 1e-9), steps) * unit;
            CHECK(is_near(nearly, got, 1e-6), "gennorm: %.9g, not %.9g", nearly, got);
            n_noise++;
        } else if (!strcmp(csvin_text(in, model), "exact") && known[k].grid >= 0) {
            double got = best_alpha(laplace, (enum quant_grid)known[k].grid, bits);
            double at_theirs = exact_error_at(laplace, (enum quant_grid)known[k].grid, bits, alpha);
            CHECK(is_near(got, alpha, 1.5e-6), "%s bits %d: exact %.7g, not %.7g", csvin_text(in, convention),
                  bits, got, alpha);
            CHECK(is_near(at_theirs / mse, 1, 1e-6), "bits %d: mse %.9g, not %.9g", bits, at_theirs, mse);
            CHECK(exact_error_at(laplace, (enum quant_grid)known[k].grid, bits, got) <= mse * (1 + 1e-6),
                  "bits %d", bits);
            n_exact++;
        }
    }
    csvin_close(in);
    CHECK(n_noise == 42 && n_exact == 56, "%d and %d rows", n_noise, n_exact);
}

/* The shape of that excess kurtosis, which falls with the shape, or the nearest. */
static double shape_of(double kurtosis)
{
    double low = CLIP_SHAPE_MIN, high = CLIP_SHAPE_MAX;
    for (int i = 0; i < 100; i++) {
        double t = (low + high) / 2, has = exp(lgamma(5 / t) + lgamma(1 / t) - 2 * lgamma(3 / t)) - 3;
        *(has > kurtosis ? &low : &high) = t;
    }
    return low;
}

static void check_gennorm(void)
{
    static struct clip_table table;
    CHECK(is_near(shape_of(0), 2, 1e-9) && is_near(shape_of(3), 1, 1e-9), "%.15g %.15g", shape_of(0),
          shape_of(3));
    clip_table_fill(&table, 15);
    for (double kurtosis = -1.3; kurtosis < 2500; kurtosis += 0.01 + fabs(kurtosis) / 50) {
        double wanted = clip_optimum(shape_of(kurtosis), 15), got = clip_table_at(&table, kurtosis);
        CHECK(is_near(got / wanted, 1, 1e-5), "kurtosis %g: %.9g, not %.9g", kurtosis, got, wanted);
    }
}

/* ---- grids */

static double level_of(const struct quant_cell *c, float w)
{
    float q;
    quant_cell_round(c, &w, 1, &q);
    return (double)q;
}

/* The same in doubles, without the trick that rounds. */
static double slow_level(const struct quant_cell *c, float w)
{
    double u = (double)(w / c->scale + c->offset), lo = (double)c->lo, hi = (double)c->hi;
    u = nearbyint(u < lo ? lo : u > hi ? hi : u);
    return (double)((float)(u - (double)c->offset) * c->scale);
}

static double gauss(struct rng *r)
{
    return gsl_cdf_ugaussian_Pinv(rng_unit(r) * (1 - 1e-9) + 1e-10);
}

static void check_grids(struct rng *r)
{
    struct quant_cell c;
    /* w = 0.7 is largest, 4 bits: each convention has a scale of its own */
    static const struct {
        enum quant_grid grid;
        double scale, top, bottom;
    } known[] = { { QUANT_ABSMAX, 0.1, 0.7, -0.7 },
                  { QUANT_QMAX, 0.1, 0.7, -0.8 },
                  { QUANT_QMIN, 0.0875, 0.6125, -0.7 },
                  { QUANT_CT, 0.7 / 7.5, 0.7 / 7.5 * 7, -0.7 / 7.5 * 8 },
                  { QUANT_GPTQ, 1.4 / 15, 9.8 / 15, -11.2 / 15 },
                  { QUANT_Q4_0, -0.0875, 0.7, -0.6125 },
                  { QUANT_MIDRISE, 0.0875, 0.65625, -0.65625 } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        CHECK(!quant_grid_fit(known[i].grid, 4, QUANT_SCALE_F32, -0.7F, 0.7F, 1, &c), "fit");
        CHECK(is_near((double)c.scale, known[i].scale, 1e-8), "%s: scale %.9g",
              quant_grid_name(known[i].grid), (double)c.scale);
        CHECK(is_near(level_of(&c, 9), known[i].top, 2e-7), "%s: top %.9g", quant_grid_name(known[i].grid),
              level_of(&c, 9));
        CHECK(is_near(level_of(&c, -9), known[i].bottom, 2e-7), "%s: bottom %.9g",
              quant_grid_name(known[i].grid), level_of(&c, -9));
    }
    /* halves go to even: scale 1 */
    CHECK(!quant_grid_fit(QUANT_ABSMAX, 4, QUANT_SCALE_F32, -7, 7, 1, &c) && c.scale == 1, "scale %g",
          (double)c.scale);
    static const double halves[][2] = { { 0.5, 0 },   { 1.5, 2 },   { 2.5, 2 }, { -0.5, 0 },
                                        { -1.5, -2 }, { -2.5, -2 }, { 6.5, 6 } };
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++)
        CHECK(level_of(&c, (float)halves[i][0]) == halves[i][1], "%g: %g", halves[i][0],
              level_of(&c, (float)halves[i][0]));
    /* compressed-tensors adds the zero point before it rounds, GPTQ after: ties fall apart when it is odd */
    CHECK(!quant_grid_fit(QUANT_CT_ASYM, 4, QUANT_SCALE_F32, -5, 10, 1, &c) && c.scale == 1 && c.zero == -3,
          "ct-asym %d", c.zero);
    CHECK(level_of(&c, 0.5F) == 1 && level_of(&c, 20) == 10 && level_of(&c, -20) == -5, "ct-asym %g",
          level_of(&c, 0.5F));
    CHECK(!quant_grid_fit(QUANT_GPTQ_ASYM, 4, QUANT_SCALE_F32, -5, 10, 1, &c) && c.scale == 1 && c.zero == -3,
          "gptq-asym %d", c.zero);
    CHECK(level_of(&c, 0.5F) == 0 && level_of(&c, 20) == 10 && level_of(&c, -20) == -5, "gptq-asym %g",
          level_of(&c, 0.5F));
    /* cells of zeros */
    for (int g = 0; g < QUANT_N_GRID; g++)
        for (int as = QUANT_SCALE_F32; as <= QUANT_SCALE_BF16; as++) {
            static const double epsilon[] = { 0x1p-23, 0x1p-10, 0x1p-7 };
            CHECK(!quant_grid_fit((enum quant_grid)g, 4, (enum quant_scale)as, 0, 0, 1, &c), "zeros");
            if (g != QUANT_GPTQ && g != QUANT_GPTQ_ASYM)
                CHECK(fabs((double)c.scale) == epsilon[as], "%s %d: scale %g",
                      quant_grid_name((enum quant_grid)g), as, (double)c.scale);
            else if (as == QUANT_SCALE_F32)
                CHECK((double)c.scale == (double)(2.0F / 15), "%s: scale %g",
                      quant_grid_name((enum quant_grid)g), (double)c.scale);
            if (g != QUANT_MIDRISE)
                CHECK(level_of(&c, 0) == 0, "%s: 0 becomes %g", quant_grid_name((enum quant_grid)g),
                      level_of(&c, 0));
        }
    CHECK(quant_grid_fit(QUANT_CT, 4, QUANT_SCALE_F16, -1e6F, 1e6F, 1, &c) == -1, "scale beyond F16");
    /* any grid, any number: the fast loop as the slow one, and codes that lead back */
    for (int round = 0; round < 20000; round++) {
        int g = (int)rng_below(r, QUANT_N_GRID), bits = 2 + (int)rng_below(r, 7);
        float lo = (float)-fabs(gauss(r)), hi = (float)fabs(gauss(r)), w = (float)(3 * gauss(r));
        quant_grid_fit((enum quant_grid)g, bits, (enum quant_scale)rng_below(r, 3), lo, hi,
                       rng_below(r, 2) ? 1 : -1, &c);
        if (rng_below(r, 2)) /* a tie, nearly always */
            w = ((float)rng_below(r, 40) - 20.5F - c.offset) * c.scale;
        CHECK(level_of(&c, w) == slow_level(&c, w), "%s: %.9g", quant_grid_name((enum quant_grid)g),
              (double)w);
        uint8_t code;
        quant_cell_codes(&c, bits, &w, 1, &code);
        double stored = (double)code - (double)(1 << (bits - 1)) - (double)c.zero;
        if (g != QUANT_MIDRISE)
            CHECK((double)((float)stored * c.scale) == level_of(&c, w), "%s: code %d",
                  quant_grid_name((enum quant_grid)g), code);
    }
}

/* ---- the search, against trying all */

static int try_all(struct quant_search *s, enum quant_grid grid, int bits, enum quant_scale scale,
                   const float *w, size_t n, float lo, float hi, int sign)
{
    double least = INFINITY;
    int best = -1;
    for (int i = 0; i < QUANT_CANDIDATES; i++) {
        double p = quant_search_shrink(s, i);
        struct quant_cell c;
        quant_grid_fit(grid, bits, scale, (float)((double)lo * p), (float)((double)hi * p), sign, &c);
        double e = quant_cell_error(&c, w, n) * (double)c.scale * (double)c.scale;
        if (e < least) {
            least = e;
            best = i;
        }
    }
    return best;
}

/* Weights of many kinds: Gauss, Laplace, uniform, a far outlier, few values, sparse, one sign, on a grid
 * already. */
static void make_weights(struct rng *r, int kind, float *w, size_t n)
{
    double size = exp(8 * gauss(r));
    for (size_t i = 0; i < n; i++) {
        double x = gauss(r);
        switch (kind) {
        case 1:
            x = (rng_below(r, 2) ? 1 : -1) * log(1 - rng_unit(r));
            break;
        case 2:
            x = rng_unit(r) - 0.5;
            break;
        case 3:
            x = i == n / 2 ? 300 : x;
            break;
        case 4:
            x = rint(x * 2);
            break;
        case 5:
            x = rng_below(r, 10) ? 0 : x;
            break;
        case 6:
            x = fabs(x) + 0.1;
            break;
        case 7:
            x = (rint(x * 2) + 0.5) / 7;
            break;
        case 8:
            x = x * x * x * x * x;
            break;
        }
        w[i] = (float)(x * size);
    }
}

static void check_search(struct rng *r)
{
    static float w[5000];
    struct quant_search *s = quant_search_new();
    CHECK(quant_search_shrink(s, 64) == 0.5 && is_near(quant_search_shrink(s, 1), exp2(-1 / 64.0), 1e-15),
          "p");
    for (int round = 0; round < 700; round++) {
        int kind = round % 9, bits = 2 + (int)rng_below(r, 7);
        enum quant_grid grid = (enum quant_grid)rng_below(r, QUANT_N_GRID);
        enum quant_scale scale = (enum quant_scale)(rng_below(r, 2) * QUANT_SCALE_BF16);
        size_t n = round % 50 == 0 ? 5000 : 1 + rng_below(r, 700);
        int sign = rng_below(r, 2) ? 1 : -1;
        float lo, hi;
        make_weights(r, kind, w, n);
        quant_range(w, n, &lo, &hi);
        lo = fminf(lo, 0);
        hi = fmaxf(hi, 0);
        int got = quant_search_best(s, grid, bits, scale, w, n, lo, hi, sign);
        int wanted = try_all(s, grid, bits, scale, w, n, lo, hi, sign);
        CHECK(got == wanted, "kind %d, %s, %d bits, n %zu: candidate %d, not %d", kind, quant_grid_name(grid),
              bits, n, got, wanted);
    }
    quant_search_free(s);
}

static double weighted_error(const struct quant_cell *c, const float *w, const double *importance, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double d = level_of(c, w[i]) - (double)w[i];
        sum += importance[i] * (d * d);
    }
    return sum;
}

/* Weights of very unlike importance: where a scale that is rounded moves the zero point of an asymmetric grid
 * a narrower range can keep a weight that a wider one does not. */
static void check_weighted_search(struct rng *r)
{
    float w[32];
    double importance[32];
    struct quant_search *s = quant_search_new();
    for (int round = 0; round < 3000; round++) {
        int bits = 2 + (int)rng_below(r, 3), sign = rng_below(r, 2) ? 1 : -1;
        enum quant_grid grid = (enum quant_grid)rng_below(r, QUANT_N_GRID);
        enum quant_scale scale = (enum quant_scale)rng_below(r, 3);
        size_t n = 4 + rng_below(r, 28);
        float lo, hi;
        for (size_t i = 0; i < n; i++) {
            w[i] = (float)gauss(r);
            importance[i] = pow(1 - rng_unit(r), -2);
        }
        quant_range(w, n, &lo, &hi);
        lo = fminf(lo, 0);
        hi = fmaxf(hi, 0);
        double error[QUANT_CANDIDATES], least = INFINITY;
        for (int i = 0; i < QUANT_CANDIDATES; i++) {
            double p = quant_search_shrink(s, i);
            struct quant_cell c;
            quant_grid_fit(grid, bits, scale, (float)((double)lo * p), (float)((double)hi * p), sign, &c);
            error[i] = weighted_error(&c, w, importance, n);
            least = fmin(least, error[i]);
        }
        int got = weighted_search_best(s, grid, bits, scale, w, importance, n, lo, hi, sign);
        CHECK(error[got] <= least * (1 + 1e-9), "%s, %d bits, n %zu: error %g, not %g", quant_grid_name(grid),
              bits, n, error[got], least);
    }
    quant_search_free(s);
}

/* Ranges at the ends of what floats hold, in cells large enough for a histogram. */
static void check_search_at_ends(struct rng *r)
{
    enum { N = 600 };
    static const float largest[] = { 1e-44F,   1e-38F,     1e-32F, 1e-30F,  0x0.8p-90F, 0x1p-90F,
                                     0x1p126F, 0x1.8p126F, 1e38F,  2.5e38F, 3.4e38F };
    float w[N], lo, hi;
    struct quant_search *s = quant_search_new();
    for (size_t k = 0; k < sizeof largest / sizeof *largest; k++)
        for (int grid = 0; grid < QUANT_N_GRID; grid++) {
            for (size_t i = 0; i < N; i++)
                w[i] = (float)(2 * rng_unit(r) - 1) * largest[k];
            w[0] = largest[k];
            quant_range(w, N, &lo, &hi);
            int got = quant_search_best(s, (enum quant_grid)grid, 3, QUANT_SCALE_F32, w, N, lo, hi, 1);
            int wanted = try_all(s, (enum quant_grid)grid, 3, QUANT_SCALE_F32, w, N, lo, hi, 1);
            CHECK(got == wanted, "%s up to %g: candidate %d, not %d", quant_grid_name((enum quant_grid)grid),
                  (double)largest[k], got, wanted);
        }
    quant_search_free(s);
}

/* A long row of Gauss or Laplace: what the search finds is the exact optimum of the table, within its steps
 * and sampling. */
static void check_search_finds_theory(struct rng *r)
{
    enum { N = 400000 };
    float *w = xaligned(N, sizeof *w), lo, hi;
    struct quant_search *s = quant_search_new();
    for (int laplace = 0; laplace < 2; laplace++) {
        for (size_t i = 0; i < N; i++)
            w[i] = (float)(laplace ? (rng_below(r, 2) ? 1 : -1) * log(1 - rng_unit(r)) : gauss(r));
        quant_range(w, N, &lo, &hi);
        float a = fmaxf(-lo, hi);
        int i = quant_search_best(s, QUANT_ABSMAX, 4, QUANT_SCALE_F32, w, N, -a, a, 1);
        double alpha = (double)a * quant_search_shrink(s, i), wanted = laplace ? 4.819915 : 2.473879;
        CHECK(is_near(alpha / wanted, 1, 0.012), "alpha %.5g, not %.5g", alpha, wanted);
    }
    quant_search_free(s);
    free(w);
}

/* ---- quantiles and matrices */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void check_quantiles(struct rng *r)
{
    float x[500], sorted[500];
    for (int round = 0; round < 2000; round++) {
        size_t n = 1 + rng_below(r, 500);
        int magnitudes = (int)rng_below(r, 2);
        double q = rng_below(r, 4) ? rng_unit(r) : rng_below(r, 2);
        for (size_t i = 0; i < n; i++) {
            x[i] = (float)(round % 2 ? rint(gauss(r) * 3) : gauss(r) * exp(10 * gauss(r)));
            sorted[i] = magnitudes ? fabsf(x[i]) : x[i];
        }
        qsort(sorted, n, sizeof *sorted, by_value);
        double at = q * (double)(n - 1), low = (double)sorted[(size_t)at];
        double wanted = at > floor(at) ? low + (at - floor(at)) * ((double)sorted[(size_t)at + 1] - low)
                                       : low;
        double got = select_quantile(x, n, q, magnitudes);
        CHECK(got == wanted, "n %zu, q %.17g: %.9g, not %.9g", n, q, got, wanted);
    }
}

static void check_matrix(struct rng *r)
{
    static const char *const texts[] = { "bits=4,grid=absmax,per=channel",
                                         "bits=3,grid=ct,per=group:32,clip=mse",
                                         "bits=4,grid=ct-asym,per=tensor,clip=pct:99",
                                         "bits=5,clip=gennorm,bias=both",
                                         "bits=8,clip=kurt,per=group:7",
                                         "bits=2,clip=aciq-laplace,bias=mean" };
    enum { ROWS = 700, COLS = 333 };
    float *w = xaligned((size_t)ROWS * COLS, sizeof *w), *a = xaligned((size_t)ROWS * COLS, sizeof *a),
          *b = xaligned((size_t)ROWS * COLS, sizeof *b);
    char why[QUANT_WHY_MAX], text[QUANT_TEXT_MAX];
    size_t bad;
    for (size_t i = 0; i < (size_t)ROWS * COLS; i++)
        w[i] = (float)gauss(r);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        struct quant_spec s, again;
        struct quant_stats one, four;
        quant_spec_init(&s);
        CHECK(!quant_spec_parse(&s, texts[k], why), "%s", why);
        quant_spec_init(&again);
        CHECK(!quant_spec_parse(&again, quant_spec_text(&s, text), why) &&
                  !strcmp(quant_spec_text(&again, text), text),
              "%s", text);
        memcpy(a, w, (size_t)ROWS * COLS * sizeof *w);
        memcpy(b, w, (size_t)ROWS * COLS * sizeof *w);
        CHECK(!quant_matrix(&s, a, ROWS, COLS, 1, &one, NULL, &bad), "one");
        CHECK(!quant_matrix(&s, b, ROWS, COLS, 4, &four, NULL, &bad), "four");
        CHECK(!memcmp(a, b, (size_t)ROWS * COLS * sizeof *w) && !memcmp(&one, &four, sizeof one),
              "threads: %s", texts[k]);
        double squares = 0, errors = 0, first = 0, first_was = 0;
        for (size_t i = 0; i < (size_t)ROWS * COLS; i++) {
            squares += (double)w[i] * (double)w[i];
            errors += ((double)a[i] - (double)w[i]) * ((double)a[i] - (double)w[i]);
            first += i < COLS ? (double)a[i] : 0;
            first_was += i < COLS ? (double)w[i] : 0;
        }
        CHECK(is_near(one.squares / squares, 1, 1e-12) && is_near(one.errors / errors, 1, 1e-12), "sums: %s",
              texts[k]);
        if (s.bias == QUANT_BIAS_MEAN)
            CHECK(is_near(first, first_was, 1e-4), "mean %g, not %g", first, first_was);
    }
    struct quant_spec s;
    quant_spec_init(&s);
    w[5 * COLS + 7] = NAN;
    CHECK(quant_matrix(&s, w, ROWS, COLS, 3, NULL, NULL, &bad) == QUANT_NONFINITE && bad == 5, "row %zu",
          bad);
    free(w);
    free(a);
    free(b);
}

/* Noise in place of rounding: as large in each channel, normal, of its seed alone. */
static void check_noise(struct rng *r)
{
    enum { ROWS = 64, COLS = 2048, N = ROWS * COLS };
    float *w = xnew(N, sizeof *w), *q = xnew(N, sizeof *q), *a = xnew(N, sizeof *a), *b = xnew(N, sizeof *b);
    double sum[5] = { 0 }, same = 0;
    struct quant_spec s;
    size_t bad;
    char why[QUANT_WHY_MAX];
    for (size_t i = 0; i < N; i++)
        w[i] = (float)(gsl_cdf_ugaussian_Pinv(rng_unit(r) + 0x1p-54) * (1 + (double)(i / COLS)));
    for (size_t i = 0; i < COLS; i++)
        w[3 * COLS + i] = 0;
    memcpy(q, w, N * sizeof *w);
    memcpy(a, w, N * sizeof *w);
    memcpy(b, w, N * sizeof *w);
    quant_spec_init(&s);
    CHECK(!quant_matrix(&s, q, ROWS, COLS, 2, NULL, NULL, &bad), "rounding");
    CHECK(!quant_spec_parse(&s, "method=noise", why) && !quant_matrix(&s, a, ROWS, COLS, 2, NULL, NULL, &bad),
          "seed 1");
    CHECK(!quant_spec_parse(&s, "seed=2", why) && !quant_matrix(&s, b, ROWS, COLS, 1, NULL, NULL, &bad),
          "seed 2");
    for (size_t k = 0; k < ROWS; k++) {
        double rounding = 0, noise = 0, product = 0, off, other;
        for (size_t i = k * COLS; i < (k + 1) * COLS; i++) {
            rounding += pow((double)q[i] - (double)w[i], 2);
            noise += pow((double)a[i] - (double)w[i], 2);
            product += ((double)a[i] - (double)w[i]) * ((double)b[i] - (double)w[i]);
        }
        if (k == 3) {
            CHECK(noise == 0, "%g where rounding changes nothing", noise);
            continue;
        }
        CHECK(is_near(sqrt(noise / rounding), 1, 1e-6), "channel %zu: %g", k, sqrt(noise / rounding));
        same += product / noise;
        for (size_t i = k * COLS; i < (k + 1) * COLS; i++) {
            off = ((double)a[i] - (double)w[i]) / sqrt(noise / COLS);
            other = 1;
            for (int m = 0; m < 5; m++, other *= off)
                sum[m] += other;
        }
    }
    /* five standard deviations of each over 63 * 2048 draws */
    CHECK(is_near(sum[1] / sum[0], 0, 0.014) && is_near(sum[3] / sum[0], 0, 0.054) &&
              is_near(sum[4] / sum[0], 3, 0.136),
          "moments %g %g %g", sum[1] / sum[0], sum[3] / sum[0], sum[4] / sum[0]);
    CHECK(is_near(same / (ROWS - 1), 0, 0.014), "seeds 1 and 2 are alike: %g", same / (ROWS - 1));
    free(w);
    free(q);
    free(a);
    free(b);
}

static void check_texts(void)
{
    static const char *const wrong[] = {
        "bits=1",      "bits=9",        "bits=4.0",     "grid=abs",   "per=group",
        "per=group:0", "per=channel:3", "clip=pct:101", "clip=pct:x", "clip=mse:2",
        "scale=f64",   "bias=yes",      "bits",         "",           "bits=4,",
        "frob=1",      "beyond=1",      "method=gptq",  "seed=-1"
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct quant_spec s;
        char why[QUANT_WHY_MAX];
        quant_spec_init(&s);
        CHECK(quant_spec_parse(&s, wrong[i], why) == -1, "'%s' was taken", wrong[i]);
    }
}

/* ---- rotation: what it makes of a diagonal, from the columns of the matrix itself */

static void check_rotation(void)
{
    enum { N = 24 };
    double d[N], turned[N];
    for (int i = 0; i < N; i++)
        turned[i] = d[i] = 1 + i * i % 7;
    rotate_diagonal(turned, N, 64); /* blocks of 16 and 8 */
    for (int i = 0; i < N; i++) {
        float row[N] = { 0 };
        double wanted = 0;
        row[i] = 1;
        rotate_row(row, N, 64);
        for (int j = 0; j < N; j++)
            wanted += (double)row[j] * (double)row[j] * d[j];
        CHECK(is_near(turned[i], wanted, 1e-6), "%d: %g, not %g", i, turned[i], wanted);
        rotate_row(row, N, 64);
        for (int j = 0; j < N; j++)
            CHECK(is_near((double)row[j], i == j, 1e-6), "%d %d", i, j);
    }
}

/* AWQ's scales: x^r, but 1e-4 at the least; max s * min s is 1. The second input is all but dead. */
static void check_awq(void)
{
    const float w[] = { 0.35F, 1 };
    const double moment[] = { 1, 0, 0, 1e-20 }, x[] = { 1, 1e-10 };
    const size_t channel[] = { 0, 1 };
    double scale[2], error[AWQ_STEPS];
    struct quant_spec spec;
    char why[QUANT_WHY_MAX];
    quant_spec_init(&spec);
    CHECK(quant_spec_parse(&spec, "bits=3", why) == 0, "%s", why);
    struct quant_plan *plan = quant_plan_new(&spec);
    struct awq_matrix m = { w, 1, plan };
    int step = awq_search(&m, 1, 2, moment, x, channel, 2, 1, scale, error);
    double least = fmax(pow(1e-10, step / (double)AWQ_STEPS), 1e-4);
    CHECK(step > 0 && error[step] < error[0], "step %d", step);
    CHECK(is_near(scale[1] / scale[0] / least, 1, 1e-6) && is_near(scale[0] * scale[1], 1, 1e-6),
          "step %d: %g %g", step, scale[0], scale[1]);
    quant_plan_free(plan);
}

/* What became of a matrix, by hand: 1.001 is 1 in BF16, and 4 bits by channel are 3 words and 3 scales of two
 * bytes. */
static void check_made(void)
{
    const float w[] = { 1, 2, 1, -1, 0, 0.5F }, q[] = { 1.001F, 2.5F, 1, -2, 0, 1 };
    struct quant_spec spec;
    char why[QUANT_WHY_MAX];
    struct made m = { 0 };
    quant_spec_init(&spec);
    CHECK(quant_spec_parse(&spec, "bits=4", why) == 0, "%s", why);
    made_note(&m, &spec, w, q, 3, 2, TENSOR_BF16);
    CHECK(m.columns[0] == 0 && m.columns[1] == 1.5 && m.squares == 1.5, "%g %g", m.columns[0], m.columns[1]);
    CHECK(m.bytes == 3 * 4 + 3 * 2, "%zu", m.bytes);
    made_clear(&m);
    made_note(&m, &spec, w, q, 3, 2, TENSOR_F32);
    CHECK(is_near(m.columns[0], 1e-6, 1e-9) && m.bytes == 3 * 4 + 3 * 4, "%g, %zu", m.columns[0], m.bytes);
    made_clear(&m);
}

int main(int argc, char **argv)
{
    struct rng r;
    if (argc != 2)
        return 2;
    rng_init(&r, 1, 0);
    check_table(argv[1]);
    check_gennorm();
    check_grids(&r);
    check_search(&r);
    check_weighted_search(&r);
    check_search_at_ends(&r);
    check_search_finds_theory(&r);
    check_quantiles(&r);
    check_matrix(&r);
    check_noise(&r);
    check_rotation();
    check_texts();
    check_awq();
    check_made();
    return checks_end();
}
