/* What is before the layers, and behind them. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/grad_parts.h"
#include "math/kernels_back.h"
#include <string.h>

/* ---- embedding */

void grad_embed(const struct lm_grad *g, struct grad_room *r)
{
    const struct lm_config *c = g->config;
    const float *table = grad_at(g, -1, LM_EMBED)->w;
    const struct grad_weight *learned = grad_at(g, -1, LM_POSITION), *norm = grad_at(g, -1, LM_EMBED_NORM);
    size_t d = c->d_model, offset = (size_t)c->family->position_offset;
    float *x = norm->param ? r->embedded : r->stream;
    for (size_t i = 0; i < r->n; i++) {
        const float *row = table + g->text->id[r->first + i] * d;
        for (size_t k = 0; k < d; k++)
            x[i * d + k] = row[k] * (float)c->embed_scale;
        if (learned->param)
            kernel_add(x + i * d, learned->w + (r->position[i] + offset) * d, d, x + i * d);
        else if (g->sinusoid)
            kernel_add(x + i * d, g->sinusoid + r->position[i] * d, d, x + i * d);
    }
    if (norm->param)
        grad_norm(g, norm, x, r->n, r->stream);
}

void grad_embed_back(const struct lm_grad *g, struct grad_room *r)
{
    const struct lm_config *c = g->config;
    const struct grad_weight *learned = grad_at(g, -1, LM_POSITION), *norm = grad_at(g, -1, LM_EMBED_NORM);
    size_t d = c->d_model, offset = (size_t)c->family->position_offset;
    float *table = r->grad + grad_at(g, -1, LM_EMBED)->param->offset;
    const float *dx = r->dx;
    if (norm->param) {
        memset(r->dnorm, 0, r->n * d * sizeof *r->dnorm);
        grad_norm_back(g, r, norm, r->embedded, r->dx, r->dnorm);
        dx = r->dnorm;
    }
    for (size_t i = 0; i < r->n; i++, dx += d) {
        kernel_add_scaled(dx, d, (float)c->embed_scale, table + g->text->id[r->first + i] * d);
        if (learned->param)
            kernel_add_scaled(dx, d, 1, r->grad + learned->param->offset + (r->position[i] + offset) * d);
    }
}

/* ---- head */

static const struct grad_weight *head_of(const struct lm_grad *g)
{
    return grad_at(g, -1, g->config->tied ? LM_EMBED : LM_HEAD);
}

/* Rows [from, from + n) of the final ones, r->norm: their nll, and the derivatives of the logits in their
 * place. */
static void loss_rows(const struct lm_grad *g, struct grad_room *r, size_t from, size_t n)
{
    size_t n_vocab = g->config->vocab_size;
    for (size_t i = 0; i < n; i++) {
        size_t row = r->first + from + i;
        float *z = r->logits + i * n_vocab;
        if (g->target[row] == UINT32_MAX) {
            g->nll[row] = 0;
            memset(z, 0, n_vocab * sizeof *z);
        } else {
            g->nll[row] = kernel_cross_entropy(z, n_vocab, g->target[row]);
        }
    }
}

int grad_head(const struct lm_grad *g, struct grad_room *r)
{
    const struct lm_config *c = g->config;
    const struct grad_weight *head = head_of(g), *norm = grad_at(g, -1, LM_FINAL_NORM);
    size_t d = c->d_model;
    const float *x = r->stream + 2 * (size_t)c->n_layer * g->room * d;
    float *dfinal = norm->param ? r->dnorm : r->dx;
    int e = 0;
    if (norm->param)
        grad_norm(g, norm, x, r->n, r->norm);
    else
        memcpy(r->norm, x, r->n * d * sizeof *x);
    for (size_t from = 0; from < r->n && e == 0; from += g->n_head_row) {
        size_t n = r->n - from < g->n_head_row ? r->n - from : g->n_head_row;
        e |= grad_linear(head, r->norm + from * d, n, r->logits, c->vocab_size);
        loss_rows(g, r, from, n);
        if (!g->grad)
            continue;
        e |= gemm_run(head->back, r->logits, n, c->vocab_size, dfinal + from * d, d, NULL, 0, 1);
        e |= grad_matrix_back(g, r, head, r->norm + from * d, r->logits, n, c->vocab_size, 1);
    }
    if (g->grad && norm->param) {
        memset(r->dx, 0, r->n * d * sizeof *r->dx);
        grad_norm_back(g, r, norm, x, r->dnorm, r->dx);
    }
    return e;
}
