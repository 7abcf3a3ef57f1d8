/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/row.h"
#include "base/mem.h"
#include "base/vector.h"
#include "math/moments.h"
#include "quant/clip.h"
#include "quant/noise.h"
#include "quant/rotate.h"
#include "quant/search.h"
#include "quant/select.h"
#include "quant/weighted.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct quant_plan {
    struct quant_spec spec;
    double gauss, laplace; /* optimal alpha in sd */
    struct clip_table *gennorm;
    double *importance; /* [cols] of QUANT_MOMENTS; NULL: all alike */
    size_t cols;
};

struct quant_work {
    const struct quant_plan *plan;
    struct quant_search *search; /* QUANT_MSE, QUANT_MOMENTS */
    float *rotated;              /* [room] a row */
    size_t room;
    double *importance; /* of a cell's weights, [importance_room] */
    size_t importance_room;
};

const char *quant_why(int status)
{
    return status == QUANT_NONFINITE ? "a weight is not finite"
                                     : "the quantised weights leave the range of the dtype";
}

struct quant_plan *quant_plan_new(const struct quant_spec *spec)
{
    struct quant_plan *p = xcalloc(1, sizeof *p);
    double steps = quant_grid_steps(spec->grid, spec->bits < 16 ? spec->bits : 8);
    p->spec = *spec;
    quant_spec_resolve(&p->spec, QUANT_SCALE_F32);
    p->gauss = clip_optimum(2, steps);
    p->laplace = clip_optimum(1, steps);
    if (spec->clip == QUANT_GENNORM) {
        p->gennorm = xmalloc(sizeof *p->gennorm);
        clip_table_fill(p->gennorm, steps);
    }
    return p;
}

void quant_plan_free(struct quant_plan *plan)
{
    if (plan)
        free(plan->gennorm);
    if (plan)
        free(plan->importance);
    free(plan);
}

void quant_plan_weigh(struct quant_plan *plan, const double *importance, size_t cols)
{
    free(plan->importance);
    plan->importance = xnew(cols, sizeof *importance);
    memcpy(plan->importance, importance, cols * sizeof *importance);
    if (plan->spec.rotate)
        rotate_diagonal(plan->importance, cols, plan->spec.rotate);
    plan->cols = cols;
}

const struct quant_spec *quant_plan_spec(const struct quant_plan *plan)
{
    return &plan->spec;
}

struct quant_work *quant_work_new(const struct quant_plan *plan)
{
    struct quant_work *w = xcalloc(1, sizeof *w);
    w->plan = plan;
    if (plan->spec.clip == QUANT_MSE || plan->spec.clip == QUANT_MOMENTS)
        w->search = quant_search_new();
    return w;
}

void quant_work_free(struct quant_work *work)
{
    if (work) {
        quant_search_free(work->search);
        free(work->rotated);
        free(work->importance);
    }
    free(work);
}

/* The row as it is rounded: w itself, or rotated in the worker's scratch. */
static const float *rotated(struct quant_work *work, const float *w, size_t cols)
{
    size_t block = work->plan->spec.rotate;
    if (!block)
        return w;
    xgrow(&work->rotated, &work->room, cols, sizeof *work->rotated);
    memcpy(work->rotated, w, cols * sizeof *w);
    rotate_row(work->rotated, cols, block);
    return work->rotated;
}

/* ---- figures of a cell */

static struct moments_summary moments_of(const float *w, size_t n)
{
    struct moments_tree tree = { .n = 0 };
    struct powers_watch watch = { .inner = INFINITY, .outer = INFINITY };
    struct moments_summary s;
    for (size_t at = 0; at < n; at += MOMENTS_CHUNK) {
        struct moments m;
        moments_chunk(w + at, POWERS_F32, n - at < MOMENTS_CHUNK ? n - at : MOMENTS_CHUNK, &watch, &m);
        moments_tree_push(&tree, &m);
    }
    struct moments all = moments_tree_total(&tree);
    moments_summarise(&all, 0, &s);
    return s;
}

enum { LANES = 8 };

/* Sums over w and q in an order that depends on n alone; each lane's sums are of every LANES-th weight. */
#define SUM_OVER(name, term)                                                                                 \
    VECTOR_CLONES static double name(const float *w, const float *q, size_t n, double mean)                  \
    {                                                                                                        \
        double sum[LANES] = { 0 }, all = 0;                                                                  \
        size_t i = 0;                                                                                        \
        (void)q, (void)mean;                                                                                 \
        for (; i + LANES <= n; i += LANES)                                                                   \
            for (size_t j = i; j < i + LANES; j++)                                                           \
                sum[j - i] += (term);                                                                        \
        for (size_t j = i; j < n; j++)                                                                       \
            all += (term);                                                                                   \
        for (int j = 0; j < LANES; j++)                                                                      \
            all += sum[j];                                                                                   \
        return all;                                                                                          \
    }
SUM_OVER(sum_of, (double)w[j])
SUM_OVER(sum_row_squares, (double)w[j] * (double)w[j])
SUM_OVER(sum_off, fabs((double)w[j] - mean))
SUM_OVER(sum_squares_off, ((double)w[j] - mean) * ((double)w[j] - mean))
SUM_OVER(sum_errors, ((double)q[j] - (double)w[j]) * ((double)q[j] - (double)w[j]))

/* ---- clipping rules */

static int sign_of_largest(const float *w, size_t n, float least, float most)
{
    float a = -least > most ? -least : most;
    if (-least != most)
        return -least > most ? -1 : 1;
    for (size_t i = 0; i < n; i++)
        if (fabsf(w[i]) == a)
            return w[i] < 0 ? -1 : 1;
    return 1;
}

/* The half width that a rule of mean and spread asks for, and the mean it is about. */
static double half_width(const struct quant_plan *p, const float *w, size_t n, double *mean)
{
    struct moments_summary m = moments_of(w, n);
    *mean = m.mean;
    switch (p->spec.clip) {
    case QUANT_ACIQ_GAUSS:
        return p->gauss * m.sd;
    case QUANT_ACIQ_LAPLACE: /* sd = b sqrt 2 */
        return p->laplace * M_SQRT2 * (sum_off(w, w, n, m.mean) / (double)n);
    case QUANT_KURT:
        return p->gauss * m.sd * (1 + 0.1 * (isnan(p->spec.kurtosis) ? m.kurtosis : p->spec.kurtosis));
    default:
        return clip_table_at(p->gennorm, m.kurtosis) * m.sd;
    }
}

static float at_most(double x, float limit)
{
    return x < (double)limit ? (float)x : limit;
}

/* The candidate of search.h for a cell whose first weight is in that column. */
static int search_range(struct quant_work *work, const float *w, size_t n, size_t column, int sign, float lo,
                        float hi)
{
    const struct quant_plan *p = work->plan;
    const struct quant_spec *s = &p->spec;
    if (s->clip == QUANT_MSE || !p->importance)
        return quant_search_best(work->search, s->grid, s->bits, s->scale, w, n, lo, hi, sign);
    xgrow(&work->importance, &work->importance_room, n, sizeof *work->importance);
    for (size_t i = 0; i < n; i++, column++)
        work->importance[i] = p->importance[column % p->cols];
    return weighted_search_best(work->search, s->grid, s->bits, s->scale, w, work->importance, n, lo, hi,
                                sign);
}

/* Narrows lo..hi, the range of w[0..n-1] widened to hold 0, by the rule; symmetric grids read the larger side
 * of it. */
static void clip_range(struct quant_work *work, const float *w, size_t n, size_t column, int sign, float *lo,
                       float *hi)
{
    const struct quant_spec *s = &work->plan->spec;
    float most = -*lo > *hi ? -*lo : *hi, a;
    int asym = quant_grid_is_asym(s->grid);
    if (s->clip == QUANT_MINMAX || most == 0)
        return;
    if (s->clip == QUANT_MSE || s->clip == QUANT_MOMENTS) {
        int i = search_range(work, w, n, column, sign, *lo, *hi);
        double p = i < 0 ? 1 : quant_search_shrink(work->search, i);
        *lo = (float)((double)*lo * p);
        *hi = (float)((double)*hi * p);
        return;
    }
    if (s->clip == QUANT_PCT && asym) {
        *lo = fminf(0, (float)select_quantile(w, n, (100 - s->percent) / 200, 0));
        *hi = fmaxf(0, (float)select_quantile(w, n, 1 - (100 - s->percent) / 200, 0));
        return;
    }
    if (s->clip == QUANT_PCT) {
        a = (float)select_quantile(w, n, s->percent / 100, 1);
    } else {
        double mean, half = half_width(work->plan, w, n, &mean);
        if (!(half > 0)) /* all equal, or squares out of range */
            return;
        if (asym) {
            *hi = at_most(fmax(mean + half, 0), s->beyond ? INFINITY : *hi);
            *lo = -at_most(fmax(half - mean, 0), s->beyond ? INFINITY : -*lo);
            return;
        }
        a = at_most(half, s->beyond ? INFINITY : most);
    }
    *lo = *lo < 0 || s->grid != QUANT_GPTQ ? -a : 0;
    *hi = a;
}

/* ---- cells and rows */

int quant_fit_at(struct quant_work *work, const float *w, size_t n, size_t column, struct quant_fit *f)
{
    const struct quant_spec *s = &work->plan->spec;
    float least, most;
    if (quant_range(w, n, &least, &most) < 0)
        return QUANT_NONFINITE;
    int sign = s->grid == QUANT_Q4_0 ? sign_of_largest(w, n, least, most) : 1;
    float lo = least < 0 ? least : 0, hi = most > 0 ? most : 0;
    if (!quant_grid_is_asym(s->grid)) {
        hi = -lo > hi ? -lo : hi;
        lo = lo < 0 || s->grid != QUANT_GPTQ ? -hi : 0;
    }
    clip_range(work, w, n, column, sign, &lo, &hi);
    f->lo = lo;
    f->hi = hi;
    return quant_grid_fit(s->grid, s->bits, s->scale, lo, hi, sign, &f->cell) < 0 ? QUANT_RANGE : 0;
}

size_t quant_row_cells(const struct quant_spec *spec, size_t cols, size_t *cell_cols)
{
    *cell_cols = spec->per == QUANT_PER_GROUP && spec->group < cols ? spec->group : cols;
    return cols ? (cols + *cell_cols - 1) / *cell_cols : 0;
}

int quant_whole(struct quant_work *work, const float *w, size_t n, struct quant_fit *fit)
{
    *fit = (struct quant_fit){ .lo = 0 };
    return n ? quant_fit_at(work, w, n, 0, fit) : 0;
}

/* Banner et al.'s two parts of bias correction, in place. */
static void correct_bias(enum quant_bias bias, const float *w, float *q, size_t n)
{
    double mean = sum_of(w, w, n, 0) / (double)n, mean_q = sum_of(q, q, n, 0) / (double)n, xi = 1;
    if (bias == QUANT_BIAS_BOTH) {
        double spread_q = sum_squares_off(q, q, n, mean_q);
        if (spread_q > 0)
            xi = sqrt(sum_squares_off(w, w, n, mean) / spread_q);
    }
    for (size_t i = 0; i < n; i++)
        q[i] = (float)(xi * ((double)q[i] + (mean - mean_q)));
}

int quant_row(struct quant_work *work, const struct quant_fit *whole, const float *w, size_t cols, float *out,
              struct quant_fit *fit, uint8_t *code)
{
    const struct quant_spec *s = &work->plan->spec;
    const float *x = rotated(work, w, cols);
    size_t cell_cols, n_cell = quant_row_cells(s, cols, &cell_cols);
    for (size_t k = 0, at = 0; k < n_cell; k++, at += cell_cols) {
        size_t n = cols - at < cell_cols ? cols - at : cell_cols;
        int status = 0;
        if (whole)
            fit[k] = *whole;
        else
            status = quant_fit_at(work, x + at, n, at, &fit[k]);
        if (status < 0)
            return status;
        quant_cell_round(&fit[k].cell, x + at, n, out + at);
        if (code)
            quant_cell_codes(&fit[k].cell, s->bits, x + at, n, code + at);
    }
    if (s->rotate)
        rotate_row(out, cols, s->rotate);
    if (s->bias && cols)
        correct_bias(s->bias, w, out, cols);
    if (s->method == QUANT_NOISE)
        quant_noise(s->seed, w, out, cols);
    return 0;
}

/* ---- what it did */

static size_t count_outside(const float *w, size_t n, float lo, float hi)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += w[i] < lo || w[i] > hi;
    return count;
}

/* n times E of clip.h for a source with this sd. */
static double predicted(double shape, double sd, double alpha, double scale, size_t n)
{
    double clipping = sd > 0 ? clip_error(shape, alpha / sd) * sd * sd : 0;
    return (double)n * (clipping + scale * scale / 12);
}

void quant_measure(struct quant_work *work, const struct quant_fit *fit, const float *w, const float *q,
                   size_t cols, struct quant_stats *stats)
{
    size_t cell_cols, n_cell = quant_row_cells(&work->plan->spec, cols, &cell_cols);
    const float *as_rounded = rotated(work, w, cols);
    for (size_t k = 0, at = 0; k < n_cell; k++, at += cell_cols) {
        size_t n = cols - at < cell_cols ? cols - at : cell_cols;
        const float *x = as_rounded + at;
        double alpha = ((double)fit[k].hi - (double)fit[k].lo) / 2, scale = fabs((double)fit[k].cell.scale);
        double mean = sum_of(x, x, n, 0) / (double)n, sd = sqrt(sum_squares_off(x, x, n, mean) / (double)n);
        double laplace_sd = M_SQRT2 * sum_off(x, x, n, mean) / (double)n;
        struct quant_stats cell = { .n = n,
                                    .n_clipped = count_outside(x, n, fit[k].lo, fit[k].hi),
                                    .n_cell = 1,
                                    .squares = sum_row_squares(x, x, n, 0),
                                    .errors = sum_errors(w + at, q + at, n, 0),
                                    .alpha = alpha,
                                    .scale = scale,
                                    .as_gauss = predicted(2, sd, alpha, scale, n),
                                    .as_laplace = predicted(1, laplace_sd, alpha, scale, n) };
        quant_stats_add(stats, &cell);
    }
}

void quant_stats_add(struct quant_stats *to, const struct quant_stats *more)
{
    to->n += more->n;
    to->n_clipped += more->n_clipped;
    to->n_cell += more->n_cell;
    to->squares += more->squares;
    to->errors += more->errors;
    to->alpha += more->alpha;
    to->scale += more->scale;
    to->as_gauss += more->as_gauss;
    to->as_laplace += more->as_laplace;
}
