/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/outerror.h"
#include "base/mem.h"
#include "base/threads.h"
#include "base/vector.h"
#include <stdlib.h>

enum { LANES = 8, ROWS = 32 /* of one task */ };

struct lm_outerror {
    struct lm_model *model;
    lm_outerror_columns *columns;
    void *ctx;
    size_t n_variant, n_group;
    int n_thread;
    struct lm_outerror_sums *sums; /* [n_variant][n_layer][LM_N_ROLE][n_group] */
    const size_t *group_of_row;
    /* rows at a time: */
    size_t room, widest; /* widest: outputs of a matrix */
    float *own, *other;  /* [room][widest] outputs of the model and of a variant */
    double *error, *diagonal, *output;
};

struct lm_outerror *lm_outerror_new(struct lm_model *m, size_t n_variant, size_t n_group,
                                    lm_outerror_columns *columns, void *ctx, int n_thread)
{
    struct lm_outerror *o = xcalloc(1, sizeof *o);
    const struct lm_config *c = lm_model_config(m);
    *o = (struct lm_outerror){ .model = m,
                               .columns = columns,
                               .ctx = ctx,
                               .n_variant = n_variant,
                               .n_group = n_group,
                               .n_thread = n_thread };
    o->sums = xcalloc(n_variant * (size_t)c->n_layer * LM_N_ROLE * n_group, sizeof *o->sums);
    for (int role = LM_ATTN_NORM; role <= LM_MLP_DOWN; role++) {
        size_t shape[2];
        struct lm_place p = { (enum lm_role)role, 0, 0 };
        if (lm_config_shape(c, &p, shape) == 2) {
            size_t n_out = shape[c->family->weights_in_out];
            o->widest = n_out > o->widest ? n_out : o->widest;
        }
    }
    return o;
}

static void free_buffers(struct lm_outerror *o)
{
    free(o->own);
    free(o->other);
    free(o->error);
    free(o->diagonal);
    free(o->output);
}

void lm_outerror_free(struct lm_outerror *o)
{
    if (o) {
        free_buffers(o);
        free(o->sums);
    }
    free(o);
}

static void make_room(struct lm_outerror *o, size_t n)
{
    if (n <= o->room)
        return;
    free_buffers(o);
    o->room = n;
    o->own = xaligned(n, o->widest * sizeof *o->own);
    o->other = xaligned(n, o->widest * sizeof *o->other);
    o->error = xnew(n, sizeof *o->error);
    o->diagonal = xnew(n, sizeof *o->diagonal);
    o->output = xnew(n, sizeof *o->output);
}

/* ---- sums over a row, in an order that depends on n alone */

VECTOR_CLONES
static double outerror_squares(const float *x, size_t n)
{
    double sum[LANES] = { 0 };
    for (; n >= LANES; n -= LANES, x += LANES)
        for (int k = 0; k < LANES; k++)
            sum[k] += (double)x[k] * (double)x[k];
    for (size_t k = 0; k < n; k++)
        sum[k] += (double)x[k] * (double)x[k];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

VECTOR_CLONES
static double outerror_distance(const float *x, const float *y, size_t n)
{
    double sum[LANES] = { 0 };
    for (; n >= LANES; n -= LANES, x += LANES, y += LANES)
        for (int k = 0; k < LANES; k++) {
            double d = (double)x[k] - (double)y[k];
            sum[k] += d * d;
        }
    for (size_t k = 0; k < n; k++) {
        double d = (double)x[k] - (double)y[k];
        sum[k] += d * d;
    }
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

VECTOR_CLONES
static double outerror_weighted(const float *x, const double *weight, size_t n)
{
    double sum[LANES] = { 0 };
    for (; n >= LANES; n -= LANES, x += LANES, weight += LANES)
        for (int k = 0; k < LANES; k++)
            sum[k] += (double)x[k] * (double)x[k] * weight[k];
    for (size_t k = 0; k < n; k++)
        sum[k] += (double)x[k] * (double)x[k] * weight[k];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* ---- rows of inputs */

struct job {
    struct lm_outerror *o;
    const float *x;
    const double *columns; /* NULL: the model's own outputs are to be measured */
    size_t n, n_in, n_out;
};

static void take_rows(void *ctx, size_t task, int worker)
{
    const struct job *j = ctx;
    struct lm_outerror *o = j->o;
    size_t end = (task + 1) * ROWS < j->n ? (task + 1) * ROWS : j->n;
    (void)worker;
    for (size_t i = task * ROWS; i < end; i++)
        if (!j->columns) {
            o->output[i] = outerror_squares(o->own + i * j->n_out, j->n_out);
        } else {
            o->error[i] = outerror_distance(o->own + i * j->n_out, o->other + i * j->n_out, j->n_out);
            o->diagonal[i] = outerror_weighted(j->x + i * j->n_in, j->columns, j->n_in);
        }
}

/* The outputs of a variant's matrix for the rows of j, into y, and their sums. */
static void multiply(const struct job *j, const struct lm_weight *w, float *y)
{
    if (gemm_run(w->packed, j->x, j->n, j->n_in, y, j->n_out, NULL, 0, j->o->n_thread) < 0)
        mem_out();
    threads_for(j->o->n_thread, (j->n + ROWS - 1) / ROWS, take_rows, (void *)j);
}

static struct lm_outerror_sums *sums_of(const struct lm_outerror *o, int layer, int role, size_t variant)
{
    size_t n_layer = (size_t)lm_model_config(o->model)->n_layer;
    return o->sums + (((variant - 1) * n_layer + (size_t)layer) * LM_N_ROLE + (size_t)role) * o->n_group;
}

static void see(void *ctx, enum lm_site site, int layer, size_t from, size_t n, const float *x, size_t width)
{
    struct lm_outerror *o = ctx;
    make_room(o, n);
    for (int role = LM_ATTN_QKV; role <= LM_MLP_DOWN; role++) {
        const struct lm_weight *own = &lm_model_part(o->model, 0, layer)->weight[role];
        int has_output = 0;
        if (!own->packed || lm_site_read_by((enum lm_role)role) != (int)site)
            continue;
        for (size_t v = 1; v <= o->n_variant; v++) {
            struct job j = { .o = o, .x = x, .n = n, .n_in = width, .n_out = own->n_out };
            struct lm_outerror_sums *sums = sums_of(o, layer, role, v);
            const double *columns = o->columns(o->ctx, layer, (enum lm_role)role, v);
            if (!columns)
                continue;
            if (!has_output++)
                multiply(&j, own, o->own);
            j.columns = columns;
            multiply(&j, &lm_model_part(o->model, v, layer)->weight[role], o->other);
            for (size_t i = 0; i < n; i++) {
                size_t group = o->group_of_row[from + i];
                if (group == LM_NO_GROUP)
                    continue;
                sums[group].error += o->error[i];
                sums[group].diagonal += o->diagonal[i];
                sums[group].output += o->output[i];
            }
        }
    }
}

struct lm_tap lm_outerror_tap(struct lm_outerror *o, const size_t *group_of_row)
{
    unsigned sites = 1u << LM_AT_ATTN_IN | 1u << LM_AT_ATTN_MIX | 1u << LM_AT_MLP_IN | 1u << LM_AT_MLP_ACT;
    o->group_of_row = group_of_row;
    return (struct lm_tap){ sites, see, o };
}

struct lm_outerror_sums lm_outerror_sum(const struct lm_outerror *o, int layer, enum lm_role role,
                                        size_t variant, size_t group)
{
    return sums_of(o, layer, (int)role, variant)[group];
}
