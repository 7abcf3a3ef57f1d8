/* One layer. Kept on the way forward is what products and attention gave; norms and activations, which are
 * cheap, are computed again on the way back. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/grad_parts.h"
#include "math/kernels_back.h"
#include <string.h>

/* What a layer keeps. */
struct kept {
    float *in, *middle, *out; /* the residual stream before it, between attention and MLP, behind it */
    float *qkv, *mix, *up, *gate;
};

static struct kept kept_of(const struct lm_grad *g, const struct grad_room *r, int layer)
{
    const struct lm_config *c = g->config;
    size_t at = (size_t)layer * g->room, block = g->room * c->d_model;
    struct kept k = { .in = r->stream + 2 * (size_t)layer * block };
    k.middle = k.in + block;
    k.out = k.middle + block;
    k.qkv = r->qkv + at * lm_attention_width(c);
    k.mix = r->mix + at * c->n_head * c->d_head;
    k.up = r->up + at * c->d_ff;
    k.gate = r->gate ? r->gate + at * c->d_ff : NULL;
    return k;
}

/* ---- dropout */

enum site { ATTN_WEIGHTS, ATTN_OUT, MLP_OUT };

/* The masks of a site; NULL if nothing is dropped there. */
static const struct dropout *drop_of(const struct lm_grad *g, const struct grad_room *r, int layer,
                                     enum site site, struct dropout *d)
{
    const struct lm_dropout *p = g->dropout;
    if (!p)
        return NULL;
    double rate = site == ATTN_WEIGHTS ? p->attention : p->hidden;
    if (!(rate > 0))
        return NULL;
    *d = dropout_at(rate, p->seed, p->step, site, (uint64_t)layer);
    d->first = r->first * (site == ATTN_WEIGHTS ? g->config->n_head : 1);
    return d;
}

static void drop_rows(const struct dropout *drop, float *x, size_t n, size_t d)
{
    for (size_t i = 0; i < n && drop; i++)
        dropout_row(drop, i, x + i * d, d);
}

/* ---- forward */

static enum kernel_act act_of(const struct lm_config *c)
{
    static const enum kernel_act act[] = { [LM_GELU] = KERNEL_GELU,
                                           [LM_GELU_TANH] = KERNEL_GELU_TANH,
                                           [LM_RELU] = KERNEL_RELU,
                                           [LM_SILU] = KERNEL_SILU };
    return act[c->activation];
}

static void activate(const struct lm_config *c, const struct kept *k, size_t n, float *y)
{
    if (c->family->gated)
        kernel_gate(act_of(c), k->gate, k->up, n * c->d_ff, y);
    else
        kernel_act(act_of(c), k->up, n * c->d_ff, y);
}

/* What attention adds to the stream, from r->norm into r->out. */
static int attention(const struct lm_grad *g, struct grad_room *r, int layer, const struct kept *k)
{
    const struct lm_config *c = g->config;
    size_t width = lm_attention_width(c), q = c->n_head * c->d_head, kv = c->n_kv_head * c->d_head;
    int e = 0;
    if (c->family->qkv == LM_QKV_APART) {
        e |= grad_linear(grad_at(g, layer, LM_ATTN_Q), r->norm, r->n, k->qkv, width);
        e |= grad_linear(grad_at(g, layer, LM_ATTN_K), r->norm, r->n, k->qkv + q, width);
        e |= grad_linear(grad_at(g, layer, LM_ATTN_V), r->norm, r->n, k->qkv + q + kv, width);
    } else {
        e |= grad_linear(grad_at(g, layer, LM_ATTN_QKV), r->norm, r->n, k->qkv, width);
    }
    struct lm_heads h[3];
    struct dropout drop;
    lm_attention_heads(c, k->qkv, h);
    lm_attention_rotate(g->attention, &h[0], &h[1], 0, r->n, r->position);
    lm_attention_run(g->attention, &h[0], &h[1], &h[2], r->start, r->n_seq,
                     drop_of(g, r, layer, ATTN_WEIGHTS, &drop), k->mix, 1);
    e |= grad_linear(grad_at(g, layer, LM_ATTN_OUT), k->mix, r->n, r->out, c->d_model);
    drop_rows(drop_of(g, r, layer, ATTN_OUT, &drop), r->out, r->n, c->d_model);
    return e;
}

/* The same of the MLP. */
static int mlp(const struct lm_grad *g, struct grad_room *r, int layer, const struct kept *k)
{
    const struct lm_config *c = g->config;
    struct dropout drop;
    int e = grad_linear(grad_at(g, layer, LM_MLP_UP), r->norm, r->n, k->up, c->d_ff);
    if (c->family->gated)
        e |= grad_linear(grad_at(g, layer, LM_MLP_GATE), r->norm, r->n, k->gate, c->d_ff);
    activate(c, k, r->n, r->act);
    e |= grad_linear(grad_at(g, layer, LM_MLP_DOWN), r->act, r->n, r->out, c->d_model);
    drop_rows(drop_of(g, r, layer, MLP_OUT, &drop), r->out, r->n, c->d_model);
    return e;
}

int grad_layer(const struct lm_grad *g, struct grad_room *r, int layer)
{
    const struct lm_config *c = g->config;
    const struct kept k = kept_of(g, r, layer);
    size_t size = r->n * c->d_model;
    grad_norm(g, grad_at(g, layer, LM_ATTN_NORM), k.in, r->n, r->norm);
    int e = attention(g, r, layer, &k);
    kernel_add(c->residual_is_normed ? r->norm : k.in, r->out, size, k.middle);
    grad_norm(g, grad_at(g, layer, LM_MLP_NORM), c->parallel_residual ? k.in : k.middle, r->n, r->norm);
    e |= mlp(g, r, layer, &k);
    kernel_add(c->residual_is_normed ? r->norm : k.middle, r->out, size, k.out);
    return e;
}

/* ---- backward */

/* From dout, what the MLP added, to r->dnorm, its input; r->norm is that input. */
static int mlp_back(const struct lm_grad *g, struct grad_room *r, int layer, const struct kept *k,
                    const float *dout)
{
    const struct lm_config *c = g->config;
    size_t size = r->n * c->d_ff;
    activate(c, k, r->n, r->act);
    int e = grad_linear_back(g, r, grad_at(g, layer, LM_MLP_DOWN), r->act, dout, c->d_model, r->dup, 0);
    if (c->family->gated)
        kernel_gate_back(act_of(c), k->gate, k->up, r->dup, size, r->dgate, r->dup);
    else
        kernel_act_back(act_of(c), k->up, r->dup, size, r->dup);
    e |= grad_linear_back(g, r, grad_at(g, layer, LM_MLP_UP), r->norm, r->dup, c->d_ff, r->dnorm, 0);
    if (c->family->gated)
        e |= grad_linear_back(g, r, grad_at(g, layer, LM_MLP_GATE), r->norm, r->dgate, c->d_ff, r->dnorm, 1);
    return e;
}

static int attention_back(const struct lm_grad *g, struct grad_room *r, int layer, const struct kept *k,
                          const float *dout)
{
    const struct lm_config *c = g->config;
    size_t width = lm_attention_width(c), q = c->n_head * c->d_head, kv = c->n_kv_head * c->d_head;
    struct lm_heads h[3], dh[3];
    struct dropout drop;
    int e = grad_linear_back(g, r, grad_at(g, layer, LM_ATTN_OUT), k->mix, dout, c->d_model, r->dmix, 0);
    lm_attention_heads(c, k->qkv, h);
    lm_attention_heads(c, r->dqkv, dh);
    lm_attention_back(g->attention, &h[0], &h[1], &h[2], r->start, r->n_seq,
                      drop_of(g, r, layer, ATTN_WEIGHTS, &drop), r->dmix, &dh[0], &dh[1], &dh[2]);
    if (c->family->qkv != LM_QKV_APART)
        return e |
               grad_linear_back(g, r, grad_at(g, layer, LM_ATTN_QKV), r->norm, r->dqkv, width, r->dnorm, 0);
    e |= grad_linear_back(g, r, grad_at(g, layer, LM_ATTN_Q), r->norm, r->dqkv, width, r->dnorm, 0);
    e |= grad_linear_back(g, r, grad_at(g, layer, LM_ATTN_K), r->norm, r->dqkv + q, width, r->dnorm, 1);
    return e | grad_linear_back(g, r, grad_at(g, layer, LM_ATTN_V), r->norm, r->dqkv + q + kv, width,
                                r->dnorm, 1);
}

/* What reaches the branch `site` of the derivative at its sum: through the mask, in r->dout, if there is one.
 */
static const float *branch_of(const struct lm_grad *g, struct grad_room *r, int layer, enum site site,
                              const float *dsum)
{
    size_t d = g->config->d_model;
    struct dropout room;
    const struct dropout *drop = drop_of(g, r, layer, site, &room);
    if (!drop)
        return dsum;
    memcpy(r->dout, dsum, r->n * d * sizeof *dsum);
    drop_rows(drop, r->dout, r->n, d);
    return r->dout;
}

/* From r->dnorm behind a norm of x to r->dx before it. Where the residual stream itself goes through the
 * norm, its derivative does too. */
static void through_norm(const struct lm_grad *g, struct grad_room *r, const struct grad_weight *w,
                         const float *x)
{
    size_t size = r->n * g->config->d_model;
    if (g->config->residual_is_normed) {
        kernel_add(r->dnorm, r->dx, size, r->dnorm);
        memset(r->dx, 0, size * sizeof *r->dx);
    }
    grad_norm_back(g, r, w, x, r->dnorm, r->dx);
}

int grad_layer_back(const struct lm_grad *g, struct grad_room *r, int layer)
{
    const struct lm_config *c = g->config;
    const struct kept k = kept_of(g, r, layer);
    const struct grad_weight *first = grad_at(g, layer, LM_ATTN_NORM),
                             *second = grad_at(g, layer, LM_MLP_NORM);
    const float *mlp_in = c->parallel_residual ? k.in : k.middle, *dsum = r->dx;
    if (c->parallel_residual) /* both branches begin with the derivative behind the layer */
        dsum = memcpy(r->out, r->dx, r->n * c->d_model * sizeof *r->dx);
    grad_norm(g, second, mlp_in, r->n, r->norm);
    int e = mlp_back(g, r, layer, &k, branch_of(g, r, layer, MLP_OUT, dsum));
    through_norm(g, r, second, mlp_in);
    grad_norm(g, first, k.in, r->n, r->norm);
    e |= attention_back(g, r, layer, &k, branch_of(g, r, layer, ATTN_OUT, dsum));
    through_norm(g, r, first, k.in);
    return e;
}
