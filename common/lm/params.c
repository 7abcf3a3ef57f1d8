/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/params.h"
#include "base/mem.h"
#include "base/rng.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void add_param(struct lm_params *p, size_t *room, const struct lm_place *place)
{
    struct lm_param a = { .place = *place, .offset = p->n, .n = 1 };
    a.n_dim = lm_config_shape(p->config, place, a.shape);
    a.shape[1] = a.n_dim > 1 ? a.shape[1] : 0;
    for (int i = 0; i < a.n_dim; i++)
        a.n *= a.shape[i];
    a.name = lm_place_text(p->config->family, place);
    p->n += a.n;
    xgrow(&p->param, room, p->n_param + 1, sizeof *p->param);
    p->param[p->n_param++] = a;
}

struct lm_params *lm_params_new(const struct lm_config *c)
{
    struct lm_params *p = xcalloc(1, sizeof *p);
    struct lm_place place = { LM_EMBED, -1, 0 };
    size_t room = 0;
    p->config = c;
    do {
        if (lm_config_needs(c, &place))
            add_param(p, &room, &place);
    } while (lm_config_next_place(c, &place));
    return p;
}

void lm_params_free(struct lm_params *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_param; i++)
        free(p->param[i].name);
    free(p->param);
    free(p);
}

const struct lm_param *lm_params_find(const struct lm_params *p, const struct lm_place *place)
{
    for (size_t i = 0; i < p->n_param; i++) {
        const struct lm_place *a = &p->param[i].place;
        if (a->role == place->role && a->layer == place->layer && a->is_bias == place->is_bias)
            return &p->param[i];
    }
    return NULL;
}

/* n draws from normal(0, sd), two at a time by Marsaglia's polar method (1964). */
static void draw_normal(struct rng *r, double sd, float *w, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        double u, v, s;
        do {
            u = 2 * rng_unit(r) - 1;
            v = 2 * rng_unit(r) - 1;
            s = u * u + v * v;
        } while (s >= 1 || s == 0);
        double scale = sd * sqrt(-2 * log(s) / s);
        w[i] = (float)(u * scale);
        if (i + 1 < n)
            w[i + 1] = (float)(v * scale);
    }
}

static int is_norm(enum lm_role role)
{
    return role == LM_EMBED_NORM || role == LM_ATTN_NORM || role == LM_MLP_NORM || role == LM_FINAL_NORM;
}

void lm_params_init(const struct lm_params *p, float *w, uint64_t seed, double init_sd)
{
    for (size_t i = 0; i < p->n_param; i++) {
        const struct lm_param *a = &p->param[i];
        enum lm_role role = a->place.role;
        if (a->place.is_bias || is_norm(role)) {
            for (size_t k = 0; k < a->n; k++)
                w[a->offset + k] = a->place.is_bias ? 0 : 1;
            continue;
        }
        struct rng r;
        rng_init(&r, seed, (uint64_t)(a->place.layer + 1) * LM_N_ROLE + role);
        int adds = role == LM_ATTN_OUT || role == LM_MLP_DOWN;
        draw_normal(&r, adds ? init_sd / sqrt(2.0 * p->config->n_layer) : init_sd, w + a->offset, a->n);
    }
}

/* Whether a tensor is what the model has there. */
static int fits(const struct lm_param *a, const struct tensor *t)
{
    return a && t->n_dim == a->n_dim && t->shape[0] == a->shape[0] &&
           (a->n_dim < 2 || t->shape[1] == a->shape[1]);
}

int lm_params_read(const struct lm_params *p, struct lm_checkpoint *c, float *w, char why[LM_WHY_MAX])
{
    const struct lm_config *of = lm_checkpoint_config(c);
    struct tensor t;
    struct lm_place place;
    size_t n = 0;
    int got;
    if (of->family != p->config->family) {
        snprintf(why, LM_WHY_MAX, "its weights are %s's, not %s's", of->family->model_type,
                 p->config->family->model_type);
        return -1;
    }
    while ((got = lm_checkpoint_next(c, &t, &place)) > 0) {
        const struct lm_param *a = lm_params_find(p, &place);
        if (!fits(a, &t)) {
            snprintf(why, LM_WHY_MAX, "'%.100s' does not fit the model that its weights are for", t.name);
            return -1;
        }
        tensor_to_f32(&t, 0, t.n, w + a->offset);
        n += t.n;
    }
    if (got < 0 || n < p->n)
        snprintf(why, LM_WHY_MAX, "%s",
                 got < 0 ? lm_checkpoint_error(c) : "has fewer weights than the model");
    return got < 0 || n < p->n ? -1 : 0;
}
