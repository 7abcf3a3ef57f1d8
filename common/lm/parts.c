/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/parts.h"
#include "base/mem.h"
#include <stdlib.h>

struct part {
    struct lm_tensors tensors;
    size_t room, n_expected;
};

struct lm_parts {
    struct lm_checkpoint *checkpoint;
    const struct lm_config *config;
    struct part *part;  /* [n_layer + 2], layer -1 first */
    struct part *given; /* what the caller has */
};

static struct part *part_of(const struct lm_parts *p, const struct lm_place *place)
{
    int behind = place->layer < 0 && place->role > LM_MLP_DOWN;
    return &p->part[behind ? p->config->n_layer + 1 : place->layer + 1];
}

struct lm_parts *lm_parts_new(struct lm_checkpoint *c)
{
    struct lm_parts *p = xcalloc(1, sizeof *p);
    struct lm_place place = { LM_EMBED, -1, 0 };
    p->checkpoint = c;
    p->config = lm_checkpoint_config(c);
    p->part = xcalloc((size_t)p->config->n_layer + 2, sizeof *p->part);
    for (int i = 0; i < p->config->n_layer + 2; i++)
        p->part[i].tensors.layer = i - 1;
    do
        part_of(p, &place)->n_expected += lm_config_needs(p->config, &place) != 0;
    while (lm_config_next_place(p->config, &place));
    return p;
}

static void hold(struct lm_parts *p, struct part *part, const struct tensor *t, const struct lm_place *place)
{
    struct lm_tensors *all = &part->tensors;
    xgrow(&all->at, &part->room, all->n + 1, sizeof *all->at);
    struct lm_part_tensor *held = &all->at[all->n++];
    *held = (struct lm_part_tensor){ *t, *place };
    held->t.name = xstrdup(t->name);
    held->t.dtype_name = tensor_dtype_name(t->dtype);
    lm_checkpoint_keep(p->checkpoint, t->data);
}

static void release(struct lm_parts *p, struct part *part)
{
    for (size_t i = 0; i < part->tensors.n; i++) {
        const struct tensor *t = &part->tensors.at[i].t;
        lm_checkpoint_let_go(p->checkpoint, t->data, t->n_bytes);
        free((char *)t->name);
    }
    free(part->tensors.at);
    part->tensors.at = NULL;
    part->tensors.n = part->room = 0;
}

int lm_parts_next(struct lm_parts *p, const struct lm_tensors **t)
{
    struct tensor tensor;
    struct lm_place place;
    int got;
    if (p->given)
        release(p, p->given);
    p->given = NULL;
    while ((got = lm_checkpoint_next(p->checkpoint, &tensor, &place)) > 0) {
        struct part *part = part_of(p, &place);
        hold(p, part, &tensor, &place);
        if (part->tensors.n == part->n_expected) {
            *t = &part->tensors;
            p->given = part;
            return 1;
        }
    }
    return got;
}

void lm_parts_free(struct lm_parts *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->config->n_layer + 2; i++)
        release(p, &p->part[i]);
    free(p->part);
    free(p);
}
