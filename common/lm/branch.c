/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/branch.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

struct lm_branch {
    struct lm_model *model;
    const struct lm_config *config;
    struct lm_forward *forward;
    const struct lm_text *text;
    float **kept; /* [n_layer + 1] the reference's state before that layer, or NULL */
    float *walk;  /* its state before layer `walked`; -1: before none yet */
    int walked;
};

struct lm_branch *lm_branch_new(struct lm_model *m, size_t longest, size_t n_token, const char *wanted,
                                size_t n_kept, int n_thread)
{
    struct lm_branch *b = xcalloc(1, sizeof *b);
    b->model = m;
    b->config = lm_model_config(m);
    b->forward = lm_forward_new(b->config, longest, n_thread);
    b->kept = xcalloc((size_t)b->config->n_layer + 1, sizeof(*b->kept));
    for (int l = 0; l <= b->config->n_layer && n_kept; l++)
        if (wanted[l]) {
            b->kept[l] = xaligned(n_token, b->config->d_model * sizeof(float));
            n_kept--;
        }
    b->walk = xaligned(n_token, lm_config_width(b->config) * sizeof(float));
    return b;
}

void lm_branch_free(struct lm_branch *b)
{
    if (!b)
        return;
    for (int l = 0; l <= b->config->n_layer; l++)
        free(b->kept[l]);
    free(b->kept);
    free(b->walk);
    lm_forward_free(b->forward);
    free(b);
}

static void copy_state(const struct lm_branch *b, const float *from, float *to)
{
    memcpy(to, from, b->text->start[b->text->n_seq] * b->config->d_model * sizeof *to);
}

int lm_branch_reference(struct lm_branch *b, const struct lm_text *t, float *x, const struct lm_tap *tap)
{
    int n_layer = b->config->n_layer;
    b->text = t;
    b->walked = -1;
    if (lm_forward_embed(b->forward, b->model, 0, t, x, tap) < 0)
        return -1;
    for (int l = 0; l <= n_layer; l++) {
        if (b->kept[l])
            copy_state(b, x, b->kept[l]);
        if (l < n_layer && lm_forward_layer(b->forward, b->model, 0, l, t, x, tap) < 0)
            return -1;
    }
    return lm_forward_final(b->forward, b->model, 0, t, x, x, tap);
}

/* The reference's state before a layer: kept, or from the nearest one that is there. NULL: see
 * lm_model_error. */
static const float *state_before(struct lm_branch *b, int layer)
{
    int nearest = layer;
    while (nearest >= 0 && !b->kept[nearest])
        nearest--;
    if (nearest == layer)
        return b->kept[layer];
    if (b->walked > layer || nearest > b->walked) {
        if (nearest >= 0)
            copy_state(b, b->kept[nearest], b->walk);
        b->walked = nearest;
    }
    if (b->walked < 0) {
        if (lm_forward_embed(b->forward, b->model, 0, b->text, b->walk, NULL) < 0)
            return NULL;
        b->walked = 0;
    }
    for (; b->walked < layer; b->walked++)
        if (lm_forward_layer(b->forward, b->model, 0, b->walked, b->text, b->walk, NULL) < 0)
            return NULL;
    return b->walk;
}

/* The weights of a layer in a case, put together in *mixed where they are of two variants. NULL: see
 * lm_model_error. */
static const struct lm_part *part_of(struct lm_branch *b, const struct lm_case *c, int layer,
                                     struct lm_part *mixed)
{
    const struct lm_part *own = lm_model_part(b->model, 0, layer);
    const struct lm_part *changed = own ? lm_model_part(b->model, c->variant, layer) : NULL;
    if (!changed || (c->layer >= 0 && c->layer != layer))
        return own;
    if (c->role < 0)
        return changed;
    *mixed = *own;
    mixed->weight[c->role] = changed->weight[c->role];
    return mixed;
}

int lm_branch_run(struct lm_branch *b, const struct lm_case *c, float *x)
{
    struct lm_part mixed;
    int layer = c->from < 0 ? 0 : c->from;
    if (c->from < 0) {
        if (lm_forward_embed(b->forward, b->model, c->outside, b->text, x, NULL) < 0)
            return -1;
    } else {
        const float *before = state_before(b, layer);
        if (!before)
            return -1;
        copy_state(b, before, x);
    }
    for (; layer < b->config->n_layer; layer++) {
        const struct lm_part *p = part_of(b, c, layer, &mixed);
        if (!p)
            return -1;
        lm_forward_part(b->forward, p, layer, b->text, x, NULL);
    }
    return lm_forward_final(b->forward, b->model, c->outside, b->text, x, x, NULL);
}
