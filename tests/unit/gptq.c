/* GPTQ against its authors' steps in double, one weight at a time, with the inverse of H; and the Cholesky
 * factor against what it must multiply to. SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/gptq.h"
#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "io/tstream.h"
#include "math/cholesky.h"
#include "math/dtile.h"
#include "quant/matrix.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double normal(struct rng *r)
{
    return sqrt(-2 * log(1 - rng_unit(r))) * cos(2 * M_PI * rng_unit(r));
}

/* Second moment of n_token inputs of n neurons that go together, some much larger than others, some dead. */
static double *moment(struct rng *r, size_t n, size_t n_token, int with_dead)
{
    double *h = xcalloc(n * n, sizeof *h), *x = xnew(n, sizeof *x);
    for (size_t t = 0; t < n_token; t++) {
        double common = normal(r);
        for (size_t j = 0; j < n; j++)
            x[j] = with_dead && j % 11 == 3
                       ? 0
                       : (normal(r) + common) * (j % 7 == 2 ? 8 : 0.1 * (double)(j % 5 + 1));
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                h[i * n + j] += x[i] * x[j] / (double)n_token;
    }
    free(x);
    return h;
}

/* ---- the reference */

/* a^-1 by Gauss and Jordan, in place. */
static void invert(double *a, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        double pivot = a[k * n + k];
        a[k * n + k] = 1;
        for (size_t j = 0; j < n; j++)
            a[k * n + j] /= pivot;
        for (size_t i = 0; i < n; i++) {
            double f = a[i * n + k];
            if (i == k)
                continue;
            a[i * n + k] = 0;
            for (size_t j = 0; j < n; j++)
                a[i * n + j] -= f * a[k * n + j];
        }
    }
}

/* a = U^T U, U upper, in place. */
static void upper_cholesky(double *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i; j < n; j++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < i; k++)
                sum -= a[k * n + i] * a[k * n + j];
            a[i * n + j] = j == i ? sqrt(sum) : sum / a[i * n + i];
        }
        memset(a + i * n, 0, i * sizeof *a);
    }
}

static void fit_cells(struct quant_work *work, const double *w, size_t rows, size_t n, size_t from,
                      size_t end, struct quant_fit *fit, size_t step)
{
    float *row = xnew(end - from, sizeof *row);
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = from; c < end; c++)
            row[c - from] = (float)w[r * n + c];
        CHECK(quant_whole(work, row, end - from, &fit[r * step]) == 0, "row %zu", r);
    }
    free(row);
}

/* field notes 3.3, columns already in order; w[rows][n] is used up. Returns the loss. `fit` is filled unless
 * static_fit gives the cell of each column. */
static double reference(const struct quant_plan *plan, double *w, const double *h, size_t rows, size_t n,
                        const size_t *static_cell, struct quant_fit *fit, size_t n_cell, size_t g, float *q)
{
    enum { BLOCK = 128 };
    double *u = xnew(n * n, sizeof *u), *err = xnew(rows * n, sizeof *err), loss = 0;
    struct quant_work *work = quant_work_new(plan);
    memcpy(u, h, n * n * sizeof *u);
    invert(u, n);
    upper_cholesky(u, n);
    for (size_t b = 0; b < n; b += BLOCK) {
        size_t end = b + BLOCK < n ? b + BLOCK : n;
        double *block = xnew(rows * n, sizeof *block);
        memcpy(block, w, rows * n * sizeof *block);
        for (size_t i = b; i < end; i++) {
            if (!static_cell && i % g == 0)
                fit_cells(work, w, rows, n, i, i + g < n ? i + g : n, fit + i / g, n_cell);
            size_t cell = static_cell ? static_cell[i] : i / g;
            for (size_t r = 0; r < rows; r++) {
                float t = (float)block[r * n + i];
                quant_cell_round(&fit[r * n_cell + cell].cell, &t, 1, &q[r * n + i]);
                double e = (block[r * n + i] - (double)q[r * n + i]) / u[i * n + i];
                loss += e * e;
                err[r * n + i] = e;
                for (size_t k = i; k < end; k++)
                    block[r * n + k] -= e * u[i * n + k];
            }
        }
        for (size_t r = 0; r < rows; r++)
            for (size_t i = b; i < end; i++)
                for (size_t k = end; k < n; k++)
                    w[r * n + k] -= err[r * n + i] * u[i * n + k];
        free(block);
    }
    quant_work_free(work);
    free(u);
    free(err);
    return loss;
}

/* The whole of it from H as it is: dead columns, damping, order. */
static double by_the_book(const struct quant_plan *plan, const struct gptq_options *o, const float *w,
                          const double *h0, size_t rows, size_t n, float *q)
{
    const struct quant_spec *s = quant_plan_spec(plan);
    size_t g, n_cell = quant_row_cells(s, n, &g), live = 0;
    size_t *order = xnew(n, sizeof *order), *cell = xnew(n, sizeof *cell);
    double *h = xnew(n * n, sizeof *h), *v = xnew(rows * n, sizeof *v), mean = 0;
    float *got = xnew(rows * n, sizeof *got);
    struct quant_fit *fit = xnew(rows * n_cell, sizeof *fit);
    struct quant_work *work = quant_work_new(plan);
    int is_static = o->act_order || o->static_groups || n_cell == 1;
    for (size_t j = 0; j < n; j++) {
        order[j] = j;
        mean += h0[j * n + j];
        live += h0[j * n + j] > 0;
    }
    mean /= (double)live;
    for (size_t i = 1; o->act_order && i < n; i++) /* insertion: keeps equal ones in order */
        for (size_t k = i; k && h0[order[k] * n + order[k]] > h0[order[k - 1] * n + order[k - 1]]; k--) {
            size_t other = order[k];
            order[k] = order[k - 1];
            order[k - 1] = other;
        }
    for (size_t i = 0; i < n; i++) {
        cell[i] = order[i] / g;
        for (size_t k = 0; k < n; k++)
            h[i * n + k] = h0[order[i] * n + order[k]];
        h[i * n + i] += (h[i * n + i] == 0 ? mean : 0) + o->damping * mean;
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < n; j++)
            v[r * n + j] = h0[j * n + j] == 0 ? 0 : (double)w[r * n + j];
    if (s->per == QUANT_PER_TENSOR) {
        float *all = xnew(rows * n, sizeof *all);
        for (size_t i = 0; i < rows * n; i++)
            all[i] = (float)v[i];
        quant_whole(work, all, rows * n, fit);
        for (size_t r = 1; r < rows; r++)
            fit[r] = fit[0];
        free(all);
    } else if (is_static) {
        for (size_t k = 0; k < n_cell; k++)
            fit_cells(work, v, rows, n, k * g, k * g + g < n ? k * g + g : n, fit + k, n_cell);
    }
    double *turned = xnew(rows * n, sizeof *turned);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            turned[r * n + i] = v[r * n + order[i]];
    double loss = reference(plan, turned, h, rows, n, is_static ? cell : NULL, fit, n_cell, g, got);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            q[r * n + order[i]] = got[r * n + i];
    quant_work_free(work);
    free(turned);
    free(order);
    free(cell);
    free(h);
    free(v);
    free(got);
    free(fit);
    return loss;
}

/* ---- tests */

/* tr(E H E^T) */
static double output_error(const float *w, const float *q, const double *h, size_t rows, size_t n)
{
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                sum += ((double)w[r * n + i] - (double)q[r * n + i]) * h[i * n + j] *
                       ((double)w[r * n + j] - (double)q[r * n + j]);
    return sum;
}

static void check_case(const float *w, const double *h, size_t rows, size_t n, const char *text,
                       const struct gptq_options *o)
{
    float *q = xnew(rows * n, sizeof *q), *wanted = xnew(rows * n, sizeof *wanted);
    double loss[2] = { 0 };
    struct quant_spec spec;
    char why[QUANT_WHY_MAX];
    struct gptq_basis *b;
    size_t bad_row, n_differ = 0, cell_cols;
    quant_spec_init(&spec);
    CHECK(quant_spec_parse(&spec, text, why) == 0, "%s", why);
    struct quant_plan *plan = quant_plan_new(&spec);
    struct quant_fit *fit = xnew(rows * quant_row_cells(&spec, n, &cell_cols), sizeof *fit);
    CHECK(gptq_basis_new(h, n, o, 2, &b) == 0, "%s", text);
    CHECK(gptq_basis_damping(b) == o->damping, "%g", gptq_basis_damping(b));
    CHECK(gptq_solve(b, plan, w, rows, 1, q, fit, &loss[0], &bad_row) == 0, "%s", text);
    double wanted_loss = by_the_book(plan, o, w, h, rows, n, wanted);
    for (size_t i = 0; i < rows * n; i++)
        n_differ += q[i] != wanted[i];
    CHECK(n_differ == 0, "%s %zux%zu order %d static %d: %zu of %zu differ", text, rows, n, o->act_order,
          o->static_groups, n_differ, rows * n);
    CHECK(fabs(loss[0] / wanted_loss - 1) < 1e-9, "%s: %.17g %.17g", text, loss[0], wanted_loss);
    /* on several threads, the same bytes */
    CHECK(gptq_solve(b, plan, w, rows, 3, wanted, fit, &loss[1], &bad_row) == 0, "%s", text);
    CHECK(memcmp(q, wanted, rows * n * sizeof *q) == 0 && loss[0] == loss[1], "%s: threads", text);
    /* and better than the nearest levels */
    memcpy(wanted, w, rows * n * sizeof *w);
    quant_matrix(&spec, wanted, rows, n, 1, NULL, NULL, &bad_row);
    double plain = output_error(w, wanted, h, rows, n), ours = output_error(w, q, h, rows, n);
    CHECK(ours < (rows > 8 ? 0.8 : 1) * plain, "%s: %g against %g", text, ours, plain);
    gptq_basis_free(b);
    quant_plan_free(plan);
    free(fit);
    free(q);
    free(wanted);
}

static void test_case(size_t rows, size_t n, const char *text, const struct gptq_options *o, int with_dead)
{
    struct rng r;
    rng_init(&r, 1, rows * 1000 + n);
    float *w = xnew(rows * n, sizeof *w);
    double *h = moment(&r, n, 2 * n, with_dead);
    for (size_t i = 0; i < rows * n; i++)
        w[i] = (float)(normal(&r) * 0.05);
    check_case(w, h, rows, n, text, o);
    free(w);
    free(h);
}

static void test_reference(void)
{
    static const char *const text[] = { "bits=4",
                                        "bits=3,grid=gptq-asym",
                                        "bits=4,per=group:16,grid=ct-asym",
                                        "bits=2,per=group:96,clip=mse",
                                        "bits=3,per=tensor",
                                        "bits=4,per=group:128",
                                        "bits=3,per=group:160",
                                        "bits=4,grid=q4_0,per=group:32",
                                        "bits=4,grid=midrise" };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        for (int way = 0; way < 4; way++) {
            struct gptq_options o = { GPTQ_DAMPING, way & 1, way >> 1 };
            test_case(70, 300, text[i], &o, way == 0);
            test_case(3, 33, text[i], &o, 1);
        }
    /* wider than high, and the other way round */
    struct gptq_options o = { GPTQ_DAMPING, 1, 0 };
    test_case(96, 32, "bits=4", &o, 0);
    test_case(32, 128, "bits=3", &o, 0);
}

/* The tensor of that name in a file as doubles, which the caller frees; NULL if it has none. */
static double *read_tensor(const char *path, const char *name, size_t shape[2])
{
    struct ts_reader *in = ts_open_in(path, 1);
    struct tensor t;
    double *v = NULL;
    while (ts_next(in, &t) > 0)
        if (!strcmp(t.name, name)) {
            v = xnew(t.n, sizeof *v);
            tensor_to_f64(&t, 0, t.n, v);
            memcpy(shape, t.shape, 2 * sizeof *shape);
        }
    ts_close(in);
    return v;
}

/* A model's own matrices, with the moments of what they multiply as actdump has them. */
static void test_model(const char *weights, const char *moments)
{
    static const char *const matrix[][2] = { { "self_attention.query_key_value", "attn_in" },
                                             { "self_attention.dense", "attn_mix" },
                                             { "mlp.dense_h_to_4h", "mlp_in" },
                                             { "mlp.dense_4h_to_h", "mlp_act" } };
    static const char *const text[] = { "bits=4", "bits=3,per=group:16", "bits=3,grid=gptq-asym,clip=mse" };
    for (size_t i = 0; i < sizeof matrix / sizeof *matrix; i++) {
        char name[100], gram[40];
        size_t shape[2] = { 0 }, square[2] = { 0 };
        snprintf(name, sizeof name, "transformer.h.1.%s.weight", matrix[i][0]);
        snprintf(gram, sizeof gram, "1.%s.gram", matrix[i][1]);
        double *v = read_tensor(weights, name, shape), *h = read_tensor(moments, gram, square);
        CHECK(v && h && square[0] == shape[1] && square[1] == shape[1], "%s, %s", name, gram);
        float *w = xnew(shape[0] * shape[1], sizeof *w);
        for (size_t k = 0; k < shape[0] * shape[1]; k++)
            w[k] = (float)v[k];
        for (size_t k = 0; k < sizeof text / sizeof *text; k++)
            for (int way = 0; way < 4; way++) {
                struct gptq_options o = { GPTQ_DAMPING, way & 1, way >> 1 };
                check_case(w, h, shape[0], shape[1], text[k], &o);
            }
        free(w);
        free(v);
        free(h);
    }
}

/* The wrong order of columns must not pass: H of other columns than these. */
static void test_wrong_order(void)
{
    enum { ROWS = 32, N = 97 };
    struct rng r;
    rng_init(&r, 2, 0);
    double *h = moment(&r, N, 300, 0), *turned = xnew((size_t)N * N, sizeof *turned);
    float w[ROWS * N], q[ROWS * N], wrong[ROWS * N];
    struct quant_fit fit[ROWS];
    struct quant_spec spec;
    struct gptq_options o = { GPTQ_DAMPING, 0, 0 };
    struct gptq_basis *right, *left;
    size_t bad_row;
    for (size_t i = 0; i < (size_t)ROWS * N; i++)
        w[i] = (float)normal(&r);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            turned[i * N + j] = h[(N - 1 - i) * N + N - 1 - j];
    quant_spec_init(&spec);
    struct quant_plan *plan = quant_plan_new(&spec);
    gptq_basis_new(h, N, &o, 1, &right);
    gptq_basis_new(turned, N, &o, 1, &left);
    gptq_solve(right, plan, w, ROWS, 1, q, fit, NULL, &bad_row);
    gptq_solve(left, plan, w, ROWS, 1, wrong, fit, NULL, &bad_row);
    CHECK(output_error(w, wrong, h, ROWS, N) > 1.5 * output_error(w, q, h, ROWS, N), "no worse");
    gptq_basis_free(right);
    gptq_basis_free(left);
    quant_plan_free(plan);
    free(h);
    free(turned);
}

static void test_bad_moments(void)
{
    double h[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 };
    struct gptq_options o = { GPTQ_DAMPING, 0, 0 };
    struct gptq_basis *b;
    h[1] = h[3] = 1.5; /* eigenvalues -0.5, 1, 2.5: 0.01 and 0.1 do not do */
    CHECK(gptq_basis_new(h, 3, &o, 1, &b) == 0 && fabs(gptq_basis_damping(b) - 1) < 1e-12, "raised");
    gptq_basis_free(b);
    h[1] = h[3] = 1e4;
    CHECK(gptq_basis_new(h, 3, &o, 1, &b) == GPTQ_NOT_DEFINITE && !b, "indefinite");
    h[1] = h[3] = NAN;
    CHECK(gptq_basis_new(h, 3, &o, 1, &b) == GPTQ_NO_MOMENT && !b, "NaN");
    h[1] = h[3] = 0;
    h[8] = -1e-9;
    CHECK(gptq_basis_new(h, 3, &o, 1, &b) == GPTQ_NO_MOMENT && !b, "negative");
    memset(h, 0, sizeof h);
    CHECK(gptq_basis_new(h, 3, &o, 1, &b) == GPTQ_ALL_DEAD && !b, "zeros");
    o.damping = 0;
    h[0] = h[1] = h[3] = h[4] = 1; /* of rank 1 and no damping: 0.01 is tried */
    CHECK(gptq_basis_new(h, 3, &o, 1, &b) == 0 && gptq_basis_damping(b) == GPTQ_DAMPING, "rank 1");
    CHECK(gptq_basis_dead(b) == 1, "dead");
    float w[3] = { 1, NAN, 0 }, q[3];
    struct quant_spec spec;
    struct quant_fit fit;
    size_t bad_row = 7;
    quant_spec_init(&spec);
    struct quant_plan *plan = quant_plan_new(&spec);
    CHECK(gptq_solve(b, plan, w, 1, 1, q, &fit, NULL, &bad_row) == QUANT_NONFINITE && bad_row == 0,
          "NaN weight");
    quant_plan_free(plan);
    gptq_basis_free(b);
}

static void test_cholesky(void)
{
    for (size_t n = 1; n < 420; n += n < 20 ? 1 : 61) {
        struct rng r;
        rng_init(&r, 3, n);
        double *a = moment(&r, n, 3 * n, 0), *v = xnew(n * n, sizeof *v), *on_three = xnew(n * n, sizeof *v),
               worst = 0;
        memcpy(v, a, n * n * sizeof *v);
        memcpy(on_three, a, n * n * sizeof *v);
        CHECK(cholesky_factor(v, n, 1) == 0 && cholesky_factor(on_three, n, 3) == 0, "n %zu", n);
        CHECK(memcmp(v, on_three, n * n * sizeof *v) == 0, "n %zu: threads", n);
        for (size_t i = 0; i < n; i++)
            for (size_t j = i; j < n; j++) {
                double sum = 0;
                for (size_t k = 0; k <= i; k++)
                    sum += v[k * n + i] * v[k * n + j];
                worst = fmax(worst, fabs(sum - a[i * n + j]) / sqrt(a[i * n + i] * a[j * n + j]));
            }
        CHECK(worst < 1e-13, "n %zu: %g", n, worst);
        free(a);
        free(v);
        free(on_three);
    }
}

/* Products as sums in order, to the last bit. */
static void test_products(void)
{
    enum { C = 7, R = 16, K = 37 };
    struct rng r;
    double a[C * K], b[K * R], got[C * R], wanted[C * R];
    rng_init(&r, 4, 0);
    for (size_t i = 0; i < (size_t)C * K; i++)
        a[i] = normal(&r);
    for (size_t i = 0; i < (size_t)K * R; i++)
        b[i] = normal(&r);
    for (size_t i = 0; i < (size_t)C * R; i++)
        got[i] = wanted[i] = normal(&r);
    for (size_t c = 0; c < C; c++)
        for (size_t j = 0; j < R; j++) {
            double sum = 0;
            for (size_t k = 0; k < K; k++)
                sum += a[c * K + k] * b[k * R + j];
            wanted[c * R + j] += sum;
        }
    dtile_add_product(C, R, K, a, K, 1, b, R, got, R);
    CHECK(memcmp(got, wanted, sizeof got) == 0, "products");
}

int main(int argc, char **argv)
{
    test_products();
    test_cholesky();
    test_reference();
    if (argc == 3)
        test_model(argv[1], argv[2]);
    test_wrong_order();
    test_bad_moments();
    return checks_end();
}
