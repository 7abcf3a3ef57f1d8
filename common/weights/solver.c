/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/solver.h"
#include "base/mem.h"
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
    float *q;
    struct quant_fit *fit;
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

/* The errors of q, of the mixture and by language. */
static void measure_errors(struct solver *s, const float *w, size_t rows, size_t n,
                           struct solver_found *found)
{
    double *lost = xaligned(n, n * sizeof *lost), *all = xaligned(n, n * sizeof *all), *one;
    response_gram(w, s->q, rows, n, s->o.n_thread, lost);
    response_gram(w, NULL, rows, n, s->o.n_thread, all);
    found->output_error = response_sum(lost, s->moment, n) / response_sum(all, s->moment, n);
    if (lm_grams_are_apart(s->g)) {
        one = xaligned(n, n * sizeof *one);
        for (size_t lang = 0; lang < lm_grams_n_lang(s->g); lang++) {
            lm_grams_of(s->g, s->layer, (enum lm_site)s->site, lang, one);
            s->by_lang[lang] = response_sum(lost, one, n) / response_sum(all, one, n);
        }
        found->by_lang = s->by_lang;
        free(one);
    }
    free(lost);
    free(all);
}

int solver_solve(struct solver *s, const struct lm_place *p, const struct quant_plan *plan, const float *w,
                 size_t rows, size_t cols, int measure, struct solver_found *found, size_t *bad_row)
{
    size_t cell_cols, n_fit = rows * quant_row_cells(quant_plan_spec(plan), cols, &cell_cols);
    int layer, site = site_of(p, &layer), known = solver_knows(s, p, cols), status = 0;
    *bad_row = 0;
    xgrow(&s->q, &s->q_room, rows * cols, sizeof *s->q);
    xgrow(&s->fit, &s->fit_room, n_fit, sizeof *s->fit);
    *found = (struct solver_found){ .q = s->q, .fit = s->fit, .damping = NAN, .output_error = NAN };
    if (known)
        look_at(s, layer, site, cols);
    if (known && s->o.method == SOLVER_GPTQ) {
        if (!s->basis)
            status = gptq_basis_new(s->moment, cols, &s->o.gptq, s->o.n_thread, &s->basis);
        if (!status)
            status = gptq_solve(s->basis, plan, w, rows, s->o.n_thread, s->q, s->fit, NULL, bad_row);
        if (!status) {
            found->damping = gptq_basis_damping(s->basis);
            found->damping_raised = found->damping > s->o.gptq.damping;
            found->n_dead = gptq_basis_dead(s->basis);
        }
    } else {
        status = quant_rows(plan, w, rows, cols, s->o.n_thread, s->q, s->fit, bad_row);
    }
    if (!status && known && measure)
        measure_errors(s, w, rows, cols, found);
    return status;
}
