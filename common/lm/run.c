/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/run.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

/* Sides whose states are the same stay so through a part that they share: one runs it, the others copy. */
struct sides {
    struct lm_run *run;
    size_t n;
    const struct lm_text *text;
    size_t *like; /* [n] the first side whose states are those of this one .. */
    size_t *next; /* [n] .. and will be behind the part at hand */
};

static int n_layer_of(const struct lm_run *run)
{
    return lm_model_config(run->model)->n_layer;
}

/* The first side whose states behind a part, which ran unless it is k, are those of side k. */
static size_t find_like(const struct sides *s, size_t k, int layer)
{
    const struct lm_run *r = s->run;
    size_t j = s->like[k];
    while (j < k &&
           (s->like[j] != s->like[k] || !lm_model_same_part(r[k].model, r[j].variant, r[k].variant, layer) ||
            (layer < 0 && !lm_model_same_embed(r[k].model, r[j].variant, r[k].variant))))
        j++;
    return j;
}

static int run_part(const struct sides *s, const struct lm_run *r, int layer)
{
    if (layer < 0)
        return lm_forward_embed(r->forward, r->model, r->variant, s->text, r->x, NULL);
    if (layer < n_layer_of(r))
        return lm_forward_layer(r->forward, r->model, r->variant, layer, s->text, r->x, NULL);
    return lm_forward_final(r->forward, r->model, r->variant, s->text, r->x, r->x, NULL);
}

/* All sides through a layer (-1: what comes before the layers), or through what comes behind their last. */
static int step(struct sides *s, int layer, int is_last, size_t *bad)
{
    size_t n_token = s->text->start[s->text->n_seq];
    for (*bad = 0; *bad < s->n; ++*bad) {
        size_t k = *bad;
        const struct lm_run *r = &s->run[k];
        const struct lm_config *config = lm_model_config(r->model);
        if (!is_last && layer >= config->n_layer) {
            s->next[k] = s->like[k];
            continue;
        }
        size_t j = s->next[k] = find_like(s, k, is_last ? config->n_layer : layer);
        if (j < k)
            memcpy(r->x, s->run[j].x, n_token * (is_last ? config->d_embed : config->d_model) * sizeof *r->x);
        else if (run_part(s, r, is_last ? config->n_layer : layer) < 0)
            return -1;
    }
    size_t *before = s->like;
    s->like = s->next;
    s->next = before;
    return 0;
}

static void drop(struct lm_run *run, size_t n_run, int layer)
{
    for (size_t k = 0; k < n_run; k++)
        if (layer < n_layer_of(&run[k]))
            lm_model_drop(run[k].model, layer);
}

int lm_run_batch(struct lm_run *run, size_t n_run, const struct lm_text *t,
                 void (*layer_done)(int layer, int n_layer), size_t *bad)
{
    struct sides s = { run, n_run, t, xcalloc(n_run, sizeof *s.like), xcalloc(n_run, sizeof *s.next) };
    int n_layer = 0, status = 0;
    for (size_t k = 0; k < n_run; k++) {
        n_layer = n_layer_of(&run[k]) > n_layer ? n_layer_of(&run[k]) : n_layer;
        while (run[s.like[k]].model != run[k].model)
            s.like[k]++;
    }
    for (int layer = -1; layer < n_layer && status == 0; layer++) {
        status = step(&s, layer, 0, bad);
        drop(run, n_run, layer);
        if (layer_done && layer >= 0)
            layer_done(layer, n_layer);
    }
    if (status == 0)
        status = step(&s, n_layer, 1, bad);
    free(s.like);
    free(s.next);
    return status;
}
