/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/solver.h"
#include "base/mem.h"
#include "base/msg.h"
#include "quant/matrix.h"
#include "quant/response.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct solver {
    const struct lm_grams *g;
    struct solver_options o;
    /* of the site that was looked at last: several matrices read the same */
    int layer, site; /* -1: none */
    double *moment;  /* [width][width] of the mixture */
    size_t moment_room;
    struct gptq_basis *basis;
    /* of the matrix */
    float *q, *best_q;
    struct quant_fit *fit, *best_fit;
    double *by_lang;
    size_t q_room, fit_room;
};

struct solver *solver_new(const struct lm_grams *g, const struct solver_options *o)
{
    struct solver *s = xcalloc(1, sizeof *s);
    *s = (struct solver){ .g = g, .o = *o, .layer = -1, .site = -1 };
    s->by_lang = xnew(lm_grams_n_lang(g), sizeof *s->by_lang);
    return s;
}

void solver_free(struct solver *s)
{
    if (!s)
        return;
    gptq_basis_free(s->basis);
    free(s->moment);
    free(s->q);
    free(s->fit);
    free(s->by_lang);
    free(s);
}

/* The site and layer of the moments of what multiplies the matrix at p; -1 if it multiplies none. */
static int site_of(const struct lm_place *p, int *layer)
{
    int site = p->role < LM_N_ROLE ? lm_site_read_by(p->role) : -1;
    *layer = site == LM_AT_FINAL ? -1 : p->layer;
    return site;
}

int solver_knows(const struct solver *s, const struct lm_place *p, size_t cols)
{
    int layer, site = site_of(p, &layer);
    return site >= 0 && lm_grams_width(s->g, layer, (enum lm_site)site) == cols;
}

static void look_at(struct solver *s, int layer, int site, size_t n)
{
    if (layer == s->layer && site == s->site)
        return;
    xgrow(&s->moment, &s->moment_room, n * n, sizeof *s->moment);
    lm_grams_mixed(s->g, layer, (enum lm_site)site, s->moment);
    gptq_basis_free(s->basis);
    s->basis = NULL;
    s->layer = layer;
    s->site = site;
}

void solver_warn(const char *name, const struct solver_found *found)
{
    if (found->damping_raised)
        warn("'%s': it took %g of the mean of its second moment's diagonal to make that positive definite",
             name, found->damping);
}

void solver_die(const char *name, size_t row, int status)
{
    if (status == QUANT_NONFINITE || status == QUANT_RANGE)
        die("'%s': output channel %zu: %s", name, row, gptq_why(status));
    die("'%s': %s", name, gptq_why(status));
}

int solver_importance(const struct solver *s, const struct lm_place *p, size_t cols, double *out)
{
    int layer, site = site_of(p, &layer);
    if (!solver_knows(s, p, cols))
        return -1;
    double *h = xaligned(cols, cols * sizeof *h);
    lm_grams_mixed(s->g, layer, (enum lm_site)site, h);
    for (size_t j = 0; j < cols; j++)
        out[j] = h[j * cols + j];
    free(h);
    return 0;
}

/* ---- errors */

/* E |w x|^2 of each language, or, with q, E |(w - q) x|^2. */
static void measure_by_lang(const struct solver *s, const float *w, const float *q, size_t rows, size_t n,
                            double *out)
{
    double *gram = xaligned(n, n * sizeof *gram), *one = xaligned(n, n * sizeof *one);
    response_gram(w, q, rows, n, s->o.n_thread, gram);
    for (size_t lang = 0; lang < lm_grams_n_lang(s->g); lang++) {
        lm_grams_of(s->g, s->layer, (enum lm_site)s->site, lang, one);
        out[lang] = response_sum(gram, one, n);
    }
    free(gram);
    free(one);
}

/* The errors of q, of the mixture and by language. */
static void measure_errors(struct solver *s, const float *w, const float *q, size_t rows, size_t n,
                           struct solver_found *found)
{
    size_t n_lang = lm_grams_n_lang(s->g);
    double lost = 0, all = 0;
    if (lm_grams_are_apart(s->g)) {
        double *whole = xnew(n_lang, sizeof *whole);
        measure_by_lang(s, w, q, rows, n, s->by_lang);
        measure_by_lang(s, w, NULL, rows, n, whole);
        for (size_t lang = 0; lang < n_lang; lang++) {
            lost += lm_grams_weight(s->g, lang) * s->by_lang[lang];
            all += lm_grams_weight(s->g, lang) * whole[lang];
            s->by_lang[lang] /= whole[lang];
        }
        found->by_lang = s->by_lang;
        free(whole);
    } else {
        double *gram = xaligned(n, n * sizeof *gram);
        response_gram(w, q, rows, n, s->o.n_thread, gram);
        lost = response_sum(gram, s->moment, n);
        response_gram(w, NULL, rows, n, s->o.n_thread, gram);
        all = response_sum(gram, s->moment, n);
        free(gram);
    }
    found->output_error = lost / all;
}

/* ---- solutions */

/* A matrix to be rounded. */
struct task {
    const struct quant_plan *plan;
    const float *w;
    size_t rows, cols;
};

static void note_basis(const struct solver *s, struct solver_found *found)
{
    found->damping = gptq_basis_damping(s->basis);
    found->damping_raised = found->damping > s->o.gptq.damping;
    found->n_dead = gptq_basis_dead(s->basis);
    found->n_solve++;
}

/* With the moment as it is, into s->q and s->fit. */
static int solve_once(struct solver *s, const struct task *t, struct solver_found *found, size_t *bad_row)
{
    int status = 0;
    if (!s->basis)
        status = gptq_basis_new(s->moment, t->cols, &s->o.gptq, s->o.n_thread, &s->basis);
    if (!status)
        status = gptq_solve(s->basis, t->plan, t->w, t->rows, s->o.n_thread, s->q, s->fit, NULL, bad_row);
    if (!status)
        note_basis(s, found);
    return status;
}

/* The moment with weights of its own; the basis is made anew. */
static void mix(struct solver *s, const double *weight, size_t n)
{
    double *one = xaligned(n, n * sizeof *one);
    memset(s->moment, 0, n * n * sizeof *s->moment);
    for (size_t lang = 0; lang < lm_grams_n_lang(s->g); lang++) {
        lm_grams_of(s->g, s->layer, (enum lm_site)s->site, lang, one);
        for (size_t i = 0; i < n * n; i++)
            s->moment[i] += weight[lang] * one[i];
    }
    gptq_basis_free(s->basis);
    s->basis = NULL;
    free(one);
}

/* Relative errors of s->q by language into r; returns the largest. */
static double worst_error(const struct solver *s, const struct task *t, const double *whole, double *r)
{
    double worst = 0;
    measure_by_lang(s, t->w, s->q, t->rows, t->cols, r);
    for (size_t lang = 0; lang < lm_grams_n_lang(s->g); lang++) {
        r[lang] = whole[lang] > 0 ? r[lang] / whole[lang] : 0;
        worst = r[lang] > worst ? r[lang] : worst;
    }
    return worst;
}

static void swap_solution(struct solver *s)
{
    float *q = s->q;
    struct quant_fit *fit = s->fit;
    s->q = s->best_q;
    s->fit = s->best_fit;
    s->best_q = q;
    s->best_fit = fit;
}

/* As the head of solver.h has it. On return the moment is not that of the grams' mixture any more. */
static int solve_minmax(struct solver *s, const struct task *t, struct solver_found *found, size_t *bad_row)
{
    size_t n_lang = lm_grams_n_lang(s->g), bytes = n_lang * sizeof(double);
    double *weight = xmalloc(bytes), *best_weight = xmalloc(bytes), *r = xmalloc(bytes),
           *best_r = xmalloc(bytes);
    double *whole = xmalloc(bytes), rate = 4, least;
    int status = solve_once(s, t, found, bad_row);
    s->best_q = xnew(s->q_room, sizeof *s->best_q); /* either may stay */
    s->best_fit = xnew(s->fit_room, sizeof *s->best_fit);
    measure_by_lang(s, t->w, NULL, t->rows, t->cols, whole);
    least = status ? 0 : worst_error(s, t, whole, best_r);
    for (size_t lang = 0; lang < n_lang; lang++)
        best_weight[lang] = lm_grams_weight(s->g, lang);
    swap_solution(s);
    while (!status && least > 0 && found->n_solve < s->o.n_solve && rate >= 0.25) {
        double sum = 0;
        for (size_t lang = 0; lang < n_lang; lang++)
            sum += weight[lang] = best_weight[lang] * exp(rate * best_r[lang] / least);
        for (size_t lang = 0; lang < n_lang; lang++)
            weight[lang] /= sum;
        mix(s, weight, t->cols);
        status = solve_once(s, t, found, bad_row);
        double worst = status ? 0 : worst_error(s, t, whole, r);
        if (worst < least) {
            least = worst;
            memcpy(best_weight, weight, bytes);
            memcpy(best_r, r, bytes);
            swap_solution(s);
        } else {
            rate /= 2;
        }
    }
    swap_solution(s);
    s->site = -1; /* the next matrix of the site begins with the grams' mixture again */
    free(s->best_q);
    free(s->best_fit);
    free(weight);
    free(best_weight);
    free(r);
    free(best_r);
    free(whole);
    return status;
}

/* As if there were no scale: in units of the inputs as they are. */
static float *unscaled(const float *w, size_t rows, size_t cols, const double *scale)
{
    float *out = xaligned(rows, cols * sizeof *out);
    for (size_t i = 0; i < rows * cols; i++)
        out[i] = (float)((double)w[i] / scale[i % cols]);
    return out;
}

int solver_solve(struct solver *s, const struct lm_place *p, const struct quant_plan *plan, const float *w,
                 size_t rows, size_t cols, enum solver_wish wish, const double *scale,
                 struct solver_found *found, size_t *bad_row)
{
    size_t cell_cols;
    size_t n_fit = rows * quant_row_cells(quant_plan_spec(plan), cols, &cell_cols);
    struct task t = { plan, w, rows, cols };
    int layer, site = site_of(p, &layer), known = solver_knows(s, p, cols), status;
    *bad_row = 0;
    xgrow(&s->q, &s->q_room, rows * cols, sizeof *s->q);
    xgrow(&s->fit, &s->fit_room, n_fit, sizeof *s->fit);
    *found = (struct solver_found){ .damping = NAN, .output_error = NAN };
    if (known)
        look_at(s, layer, site, cols);
    if (!known || s->o.method != SOLVER_GPTQ)
        status = quant_rows(plan, w, rows, cols, s->o.n_thread, s->q, s->fit, bad_row);
    else if (s->o.n_solve > 0)
        status = solve_minmax(s, &t, found, bad_row);
    else
        status = solve_once(s, &t, found, bad_row);
    if (!status && known && wish == SOLVER_MEASURE) {
        float *before = scale ? unscaled(w, rows, cols, scale) : NULL;
        float *after = scale ? unscaled(s->q, rows, cols, scale) : NULL;
        look_at(s, layer, site, cols);
        measure_errors(s, before ? before : w, after ? after : s->q, rows, cols, found);
        free(before);
        free(after);
    }
    found->q = s->q;
    found->fit = s->fit;
    return status;
}
