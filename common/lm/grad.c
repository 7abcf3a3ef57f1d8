/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/grad.h"
#include "base/mem.h"
#include "base/threads.h"
#include "lm/grad_parts.h"
#include "math/kernels_back.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOGITS = 2 << 20 }; /* about as many exist at a time */

/* ---- making */

static int refuse(char why[LM_WHY_MAX], const char *what)
{
    snprintf(why, LM_WHY_MAX, "%s cannot be trained here", what);
    return -1;
}

static int check(const struct lm_config *c, size_t longest, char why[LM_WHY_MAX])
{
    size_t most = lm_forward_longest(c);
    if (c->norm_after)
        return refuse(why, "a model with norms behind what is added (do_layer_norm_before false)");
    if (c->d_embed != c->d_model)
        return refuse(why, "a model whose embedding has another width (word_embed_proj_dim)");
    if (!longest || (most && longest > most)) {
        snprintf(why, LM_WHY_MAX, "sequences of %zu tokens; the model has positions for 1 to %zu", longest,
                 most ? most : SIZE_MAX);
        return -1;
    }
    return 0;
}

static size_t widest(const struct lm_config *c)
{
    size_t w = lm_attention_width(c);
    w = c->d_ff > w ? c->d_ff : w;
    w = c->d_model > w ? c->d_model : w;
    return c->vocab_size > w ? c->vocab_size : w;
}

static float *rows(const struct lm_grad *g, size_t n_block, size_t width)
{
    return n_block ? xaligned(n_block * g->room, width * sizeof(float)) : NULL;
}

static void make_room(const struct lm_grad *g, struct grad_room *r)
{
    const struct lm_config *c = g->config;
    size_t n_layer = (size_t)c->n_layer, d = c->d_model, q = c->n_head * c->d_head,
           gated = (size_t)c->family->gated;
    r->stream = rows(g, 2 * n_layer + 1, d);
    r->qkv = rows(g, n_layer, lm_attention_width(c));
    r->mix = rows(g, n_layer, q);
    r->up = rows(g, n_layer, c->d_ff);
    r->gate = rows(g, gated * n_layer, c->d_ff);
    r->embedded = rows(g, (size_t)c->embed_norm, d);
    r->norm = rows(g, 1, d);
    r->act = rows(g, 1, c->d_ff);
    r->out = rows(g, 1, d);
    r->dx = rows(g, 1, d);
    r->dout = rows(g, 1, d);
    r->dnorm = rows(g, 1, d);
    r->dmix = rows(g, 1, q);
    r->dqkv = rows(g, 1, lm_attention_width(c));
    r->dup = rows(g, 1, c->d_ff);
    r->dgate = rows(g, gated, c->d_ff);
    r->logits = xaligned(g->n_head_row, c->vocab_size * sizeof(float));
    r->sum = xnew(2 * widest(c), sizeof *r->sum);
    r->grad = xaligned(g->params->n, sizeof *r->grad);
    r->position = xnew(g->room, sizeof *r->position);
}

static void free_room(struct grad_room *r)
{
    float *all[] = {
        r->stream, r->qkv,  r->mix,   r->up,   r->gate, r->embedded, r->norm,  r->act,    r->out,
        r->dx,     r->dout, r->dnorm, r->dmix, r->dqkv, r->dup,      r->dgate, r->logits, r->grad
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(r->sum);
    free(r->position);
    free(r->start);
}

static void place_weights(struct lm_grad *g)
{
    const struct lm_config *c = g->config;
    g->weight = xcalloc((size_t)(c->n_layer + 1) * LM_N_ROLE, sizeof *g->weight);
    for (size_t i = 0; i < g->params->n_param; i++) {
        const struct lm_param *p = &g->params->param[i];
        struct grad_weight *w = &g->weight[(size_t)(p->place.layer + 1) * LM_N_ROLE + p->place.role];
        if (p->place.is_bias) {
            w->bias_param = p;
            continue;
        }
        w->param = p;
        w->in_out = p->n_dim > 1 && p->place.layer >= 0 && c->family->weights_in_out;
        w->n_out = p->shape[w->in_out];
        w->n_in = p->n_dim > 1 ? p->shape[!w->in_out] : 0;
    }
}

struct lm_grad *lm_grad_new(const struct lm_params *p, size_t longest, enum gemm_precision precision,
                            int n_thread, char why[LM_WHY_MAX])
{
    const struct lm_config *c = p->config;
    if (check(c, longest, why) < 0)
        return NULL;
    struct lm_grad *g = xcalloc(1, sizeof *g);
    g->params = p;
    g->config = c;
    g->precision = precision;
    g->n_thread = n_thread < 1 ? 1 : n_thread;
    g->longest = longest;
    g->room = longest > LM_GRAD_TOKENS ? longest : LM_GRAD_TOKENS;
    g->n_head_row = LOGITS / c->vocab_size / GEMM_ROWS * GEMM_ROWS;
    g->n_head_row = g->n_head_row < GEMM_ROWS ? GEMM_ROWS : g->n_head_row > g->room ? g->room : g->n_head_row;
    g->attention = lm_attention_new(c, longest);
    if (c->position == LM_SINUSOIDAL) {
        g->sinusoid = xcalloc(longest, c->d_model * sizeof *g->sinusoid);
        for (size_t i = 0; i < longest; i++)
            lm_forward_sinusoid(c->d_model, i + (size_t)c->family->position_offset,
                                g->sinusoid + i * c->d_model);
    }
    place_weights(g);
    g->worker = xcalloc((size_t)g->n_thread, sizeof *g->worker);
    for (int i = 0; i < g->n_thread; i++)
        make_room(g, &g->worker[i]);
    return g;
}

void lm_grad_free(struct lm_grad *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->n_thread; i++)
        free_room(&g->worker[i]);
    free(g->worker);
    free(g->weight);
    free(g->sinusoid);
    lm_attention_free(g->attention);
    free(g);
}

/* ---- weights of a run */

static int is_multiplied(const struct lm_grad *g, const struct lm_place *p)
{
    return !p->is_bias && (lm_role_is_linear(p->role) || p->role == (g->config->tied ? LM_EMBED : LM_HEAD));
}

static int pack_weights(struct lm_grad *g, const float *w, int backward)
{
    int e = 0;
    for (size_t i = 0; i < g->params->n_param; i++) {
        const struct lm_param *p = &g->params->param[i];
        struct grad_weight *to = &g->weight[(size_t)(p->place.layer + 1) * LM_N_ROLE + p->place.role];
        const float *from = w + p->offset;
        *(p->place.is_bias ? &to->bias : &to->w) = from;
        if (!is_multiplied(g, &p->place))
            continue;
        to->forward = gemm_pack_threads(from, GEMM_OF_F32, to->n_out, to->n_in, to->in_out, g->precision,
                                        g->n_thread);
        if (backward)
            to->back = gemm_pack_threads(from, GEMM_OF_F32, to->n_in, to->n_out, !to->in_out, g->precision,
                                         g->n_thread);
        e |= !to->forward || (backward && !to->back);
    }
    return e ? -1 : 0;
}

static void unpack_weights(struct lm_grad *g)
{
    for (size_t i = 0; i < (size_t)(g->config->n_layer + 1) * LM_N_ROLE; i++) {
        gemm_weight_free(g->weight[i].forward);
        gemm_weight_free(g->weight[i].back);
        g->weight[i].forward = g->weight[i].back = NULL;
    }
}

/* ---- micro-batches */

/* Gradients are added in the order of their micro-batches, whichever is done first. */
struct grad_turn {
    pthread_mutex_t lock;
    pthread_cond_t next;
    size_t n_done;
    atomic_int failed;
};

/* Sequences [from, end) of the text are r's. */
static void take_sequences(const struct lm_grad *g, struct grad_room *r, size_t from, size_t end)
{
    const struct lm_text *t = g->text;
    r->first = t->start[from];
    r->n = t->start[end] - r->first;
    r->n_seq = end - from;
    xgrow(&r->start, &r->start_room, r->n_seq + 1, sizeof *r->start);
    for (size_t i = 0; i <= r->n_seq; i++)
        r->start[i] = t->start[from + i] - r->first;
    for (size_t i = 0; i < r->n_seq; i++)
        for (size_t row = r->start[i]; row < r->start[i + 1]; row++)
            r->position[row] = (uint32_t)(row - r->start[i]);
}

/* Sets to 0 what is a sum: of the head's blocks, of tokens and positions that are there more than once. */
static void clear_sums(const struct lm_grad *g, struct grad_room *r)
{
    static const enum lm_role role[] = { LM_EMBED, LM_POSITION, LM_HEAD };
    for (size_t i = 0; i < sizeof role / sizeof *role; i++) {
        const struct lm_param *p = grad_at(g, -1, role[i])->param;
        if (p)
            memset(r->grad + p->offset, 0, p->n * sizeof *r->grad);
    }
}

static int pass(const struct lm_grad *g, struct grad_room *r)
{
    int e = 0, n_layer = g->config->n_layer;
    grad_embed(g, r);
    for (int layer = 0; layer < n_layer && e == 0; layer++)
        e = grad_layer(g, r, layer);
    if (g->grad)
        clear_sums(g, r);
    if (e == 0)
        e = grad_head(g, r);
    if (!g->grad || e)
        return e;
    for (int layer = n_layer - 1; layer >= 0 && e == 0; layer--)
        e = grad_layer_back(g, r, layer);
    grad_embed_back(g, r);
    return e;
}

static void run_batch(void *ctx, size_t task, int worker)
{
    const struct lm_grad *g = ctx;
    struct grad_turn *turn = g->turn;
    struct grad_room *r = &g->worker[worker];
    take_sequences(g, r, g->batch[task], g->batch[task + 1]);
    if (r->n && pass(g, r) < 0)
        atomic_store(&turn->failed, 1);
    pthread_mutex_lock(&turn->lock);
    while (turn->n_done != task)
        pthread_cond_wait(&turn->next, &turn->lock);
    pthread_mutex_unlock(&turn->lock);
    if (g->grad && r->n)
        kernel_add_scaled(r->grad, g->params->n, (float)g->scale, g->grad);
    pthread_mutex_lock(&turn->lock);
    turn->n_done++;
    pthread_cond_broadcast(&turn->next);
    pthread_mutex_unlock(&turn->lock);
}

/* Cuts the text: the first sequence of each micro-batch into *batch, which the caller frees, then n_seq. */
static size_t cut(const struct lm_text *t, size_t **batch)
{
    size_t n = 0;
    *batch = xnew(t->n_seq + 1, sizeof **batch);
    for (size_t seq = 0; seq < t->n_seq;) {
        (*batch)[n++] = seq;
        size_t from = t->start[seq++];
        while (seq < t->n_seq && t->start[seq + 1] - from <= LM_GRAD_TOKENS)
            seq++;
    }
    (*batch)[n] = t->n_seq;
    return n;
}

int lm_grad_run(struct lm_grad *g, const float *w, const struct lm_text *t, const uint32_t *target,
                const struct lm_dropout *d, double scale, float *grad, float *nll)
{
    size_t *batch = NULL;
    struct grad_turn turn = { .lock = PTHREAD_MUTEX_INITIALIZER, .next = PTHREAD_COND_INITIALIZER };
    for (size_t i = 0; i < t->n_seq; i++)
        if (t->start[i + 1] - t->start[i] > g->longest)
            return -1;
    int e = pack_weights(g, w, grad != NULL);
    if (e == 0) {
        size_t n = cut(t, &batch);
        atomic_init(&turn.failed, 0);
        g->text = t;
        g->batch = batch;
        g->target = target;
        g->dropout = d;
        g->scale = scale;
        g->grad = grad;
        g->nll = nll;
        g->turn = &turn;
        threads_for(g->n_thread, n, run_batch, g);
        e = atomic_load(&turn.failed) ? -1 : 0;
        free(batch);
    }
    unpack_weights(g);
    return e;
}
