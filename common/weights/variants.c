/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/variants.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

/* A change of the model: the context of its functions. */
struct variants_one {
    struct variants *of;
    struct lm_twin twin;
};

static struct made *made_at(const struct variants *v, size_t way, int layer, int role)
{
    return &v->made[way * v->parts->n_matrix + lm_pieces_slot(layer, role)];
}

static int is_chosen(void *trials, const struct lm_place *p, const char *name)
{
    return trial_wants(trials, p, name);
}

void variants_init(struct variants *v, struct trials *t, const struct lm_checkpoint *c,
                   enum lm_pieces_kind kind)
{
    *v = (struct variants){ .trials = t, .parts = lm_pieces_new(c, kind, is_chosen, t) };
    trial_check(t, lm_checkpoint_path(c));
    v->made = xcalloc(t->n * v->parts->n_matrix, sizeof *v->made);
}

void variants_clear(struct variants *v)
{
    for (size_t i = 0; i < v->trials->n * v->parts->n_matrix; i++)
        made_clear(&v->made[i]);
    free(v->made);
    free(v->change);
    lm_pieces_free(v->parts);
}

static size_t way_of(void *ctx, const struct lm_place *p, const char *name)
{
    const struct variants_one *c = ctx;
    (void)name;
    int changed = c->of->parts->matrix[lm_pieces_slot(p->layer, (int)p->role)].chosen &&
                  (c->twin.role < 0 || c->twin.role == (int)p->role);
    return changed ? c->twin.way + 1 : 0;
}

static int apply(void *ctx, const struct lm_place *p, const char *name, enum tensor_dtype dtype, float *w,
                 size_t rows, size_t cols, char why[LM_WHY_MAX])
{
    const struct variants_one *c = ctx;
    const struct trial *trial = &c->of->trials->each[c->twin.way];
    struct made *m = made_at(c->of, c->twin.way, p->layer, (int)p->role);
    float *before = m->bytes ? NULL : xaligned(rows * cols, sizeof *before); /* the first time */
    if (before)
        memcpy(before, w, rows * cols * sizeof *w);
    int status = trial_apply(trial, p, name, dtype, w, rows, cols, before ? &m->stats : NULL, why);
    if (before && status == 0)
        made_note(m, &trial->usual, before, w, rows, cols, dtype);
    free(before);
    return status;
}

struct lm_model *variants_model(struct variants *v, struct lm_checkpoint *c, enum gemm_precision precision,
                                int n_thread)
{
    size_t n;
    struct lm_twin *twin = lm_pieces_twins(v->parts, v->trials->n, &n);
    struct lm_change *change = xnew(n, sizeof *change);
    v->change = xnew(n, sizeof *v->change);
    for (size_t i = 0; i < n; i++) {
        v->change[i] = (struct variants_one){ v, twin[i] };
        change[i] = (struct lm_change){ way_of, apply, &v->change[i] };
    }
    struct lm_model *m = lm_model_new(c, precision, n_thread, change, n, 1);
    free(change);
    free(twin);
    return m;
}

int variants_is_idle(const struct variants *v, size_t way)
{
    return v->trials->each[way].usual.bits == 16;
}

const double *variants_columns(void *ctx, int layer, enum lm_role role, size_t variant)
{
    const struct variants *v = ctx;
    return variants_is_idle(v, variant - 1) ? NULL : made_at(v, variant - 1, layer, (int)role)->columns;
}

struct variants_sum variants_sum(const struct variants *v, size_t part, size_t way)
{
    struct variants_sum s = { 0 };
    for (size_t i = 0; i < v->parts->n_matrix; i++) {
        const struct lm_matrix *m = &v->parts->matrix[i];
        const struct made *made = &v->made[way * v->parts->n_matrix + i];
        if (!lm_pieces_has(v->parts, part, m))
            continue;
        s.n += m->rows * m->cols;
        s.bytes += made->bytes;
        s.squares += made->squares;
        s.as_gauss += made->stats.as_gauss;
        s.as_laplace += made->stats.as_laplace;
        s.in_layers |= m->layer >= 0;
    }
    return s;
}

struct lm_outerror_sums variants_outerror(const struct variants *v, size_t part, size_t way,
                                          const struct lm_outerror *seen, size_t group)
{
    struct lm_outerror_sums all = { 0 };
    for (size_t i = 0; i < v->parts->n_matrix; i++) {
        const struct lm_matrix *m = &v->parts->matrix[i];
        if (m->layer < 0 || !lm_pieces_has(v->parts, part, m))
            continue;
        struct lm_outerror_sums of = lm_outerror_sum(seen, m->layer, (enum lm_role)m->role, way + 1, group);
        all.output += of.output;
        all.error += of.error;
        all.diagonal += of.diagonal;
    }
    return all;
}
