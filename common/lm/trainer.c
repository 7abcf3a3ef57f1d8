/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/trainer.h"
#include "base/mem.h"
#include "base/threads.h"
#include "math/kure.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 16 }; /* floats of one task */

/* Part of a tensor. */
struct piece {
    size_t offset, n;
    int decay;
    double squares;
};

struct lm_trainer {
    const struct lm_trainer_options *o;
    struct lm_trainstate *state;
    struct lm_grad *engine;
    float *grad; /* [params->n] */
    struct piece *piece;
    size_t n_piece;
    size_t *kure; /* [n_kure] parameters; [n_kure] what each adds to the loss */
    double *kure_term;
    size_t n_kure;
    int n_thread;
    double rate, g_scale; /* of the step under way */
};

static void cut_pieces(struct lm_trainer *t)
{
    const struct lm_params *p = t->state->params;
    size_t room = 0;
    for (size_t i = 0; i < p->n_param; i++) {
        const struct lm_param *a = &p->param[i];
        int decay = a->n_dim == 2 && a->place.role != LM_POSITION;
        for (size_t at = 0; at < a->n; at += PIECE) {
            xgrow(&t->piece, &room, t->n_piece + 1, sizeof *t->piece);
            t->piece[t->n_piece++] = (struct piece){ a->offset + at, a->n - at < PIECE ? a->n - at : PIECE,
                                                     decay, 0 };
        }
    }
}

struct lm_trainer *lm_trainer_new(const struct lm_trainer_options *o, struct lm_trainstate *state,
                                  size_t context, enum gemm_precision precision, int n_thread,
                                  char why[LM_WHY_MAX])
{
    const struct lm_params *p = state->params;
    struct lm_grad *engine = lm_grad_new(p, context, precision, n_thread, why);
    if (!engine)
        return NULL;
    struct lm_trainer *t = xcalloc(1, sizeof *t);
    t->o = o;
    t->state = state;
    t->engine = engine;
    t->n_thread = n_thread;
    t->grad = xaligned(p->n, sizeof *t->grad);
    t->kure = xnew(p->n_param, sizeof *t->kure);
    t->kure_term = xnew(p->n_param, sizeof *t->kure_term);
    for (size_t i = 0; o->kure_of && i < p->n_param; i++)
        if (o->kure_of[i])
            t->kure[t->n_kure++] = i;
    cut_pieces(t);
    return t;
}

void lm_trainer_free(struct lm_trainer *t)
{
    if (!t)
        return;
    lm_grad_free(t->engine);
    free(t->grad);
    free(t->piece);
    free(t->kure);
    free(t->kure_term);
    free(t);
}

static void add_kure(void *ctx, size_t task, int worker)
{
    struct lm_trainer *t = ctx;
    const struct lm_param *a = &t->state->params->param[t->kure[task]];
    (void)worker;
    t->kure_term[task] = kure_add(t->state->w + a->offset, a->n, t->o->kure_target,
                                  t->o->kure / (double)t->n_kure, t->grad + a->offset);
}

/* The mean of the terms; adds their gradient. */
static double add_kures(struct lm_trainer *t)
{
    double sum = 0;
    if (!t->n_kure)
        return NAN;
    threads_for(t->n_thread, t->n_kure, add_kure, t);
    for (size_t i = 0; i < t->n_kure; i++)
        sum += t->kure_term[i];
    return sum / (double)t->n_kure;
}

static void square_piece(void *ctx, size_t task, int worker)
{
    struct lm_trainer *t = ctx;
    (void)worker;
    t->piece[task].squares = adamw_squares(t->grad + t->piece[task].offset, t->piece[task].n);
}

static double norm_of(struct lm_trainer *t)
{
    double sum = 0;
    threads_for(t->n_thread, t->n_piece, square_piece, t);
    for (size_t i = 0; i < t->n_piece; i++)
        sum += t->piece[i].squares;
    return sqrt(sum);
}

static void update_piece(void *ctx, size_t task, int worker)
{
    struct lm_trainer *t = ctx;
    struct lm_trainstate *s = t->state;
    const struct piece *a = &t->piece[task];
    (void)worker;
    adamw_step(&t->o->adamw, s->step + 1, t->rate, t->g_scale, a->decay, t->grad + a->offset,
               s->m + a->offset, s->v + a->offset, s->w + a->offset, a->n);
}

static size_t n_scored(const struct lm_text *text, const uint32_t *target)
{
    size_t n = 0;
    for (size_t i = 0; i < text->start[text->n_seq]; i++)
        n += target[i] != UINT32_MAX;
    return n;
}

int lm_trainer_step(struct lm_trainer *t, const struct lm_text *text, const uint32_t *target, float *nll,
                    struct lm_trainer_report *r)
{
    const struct lm_trainer_options *o = t->o;
    struct lm_trainstate *s = t->state;
    struct lm_dropout dropout = o->dropout;
    double sum = 0, n = (double)n_scored(text, target);
    dropout.step = s->step + 1;
    int drops = dropout.hidden > 0 || dropout.attention > 0;
    memset(t->grad, 0, s->params->n * sizeof *t->grad);
    if (lm_grad_run(t->engine, s->w, text, target, drops ? &dropout : NULL, 1 / n, t->grad, nll) < 0)
        mem_out();
    for (size_t i = 0; i < text->start[text->n_seq]; i++)
        sum += nll[i];
    r->loss = sum / n;
    r->kure = add_kures(t);
    r->norm = norm_of(t);
    r->rate = t->rate = adamw_rate(s->step + 1, o->n_step, o->n_warmup, o->n_cooldown, o->rate, o->floor);
    if (!isfinite(r->loss) || !isfinite(r->norm))
        return LM_TRAINER_DIVERGED;
    t->g_scale = r->norm > o->clip ? o->clip / r->norm : 1;
    threads_for(t->n_thread, t->n_piece, update_piece, t);
    s->step++;
    return 0;
}

void lm_trainer_score(struct lm_trainer *t, const struct lm_text *text, const uint32_t *target, float *nll)
{
    if (lm_grad_run(t->engine, t->state->w, text, target, NULL, 0, NULL, nll) < 0)
        mem_out();
}
