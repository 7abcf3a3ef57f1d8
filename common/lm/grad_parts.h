/* grad_parts.h - what the steps of lm/grad.h share: a run, and what a thread works in.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_GRAD_PARTS_H
#define LM_GRAD_PARTS_H
#include "lm/attention.h"
#include "lm/grad.h"
#include "math/kernels.h"

/* What the model has at a place: its floats, where their derivatives are in a gradient, and of matrices both
 * ways to multiply by them. */
struct grad_weight {
    const struct lm_param *param, *bias_param; /* NULL: there is none */
    const float *w, *bias;
    size_t n_out, n_in;          /* as multiplied; n_in 0 for a vector */
    int in_out;                  /* stored as [n_in][n_out] */
    struct gemm_weight *forward; /* y = x W^T, of linear ones */
    struct gemm_weight *back;    /* dx = dy W */
};

/* What one thread has for a micro-batch of up to lm_grad.room rows. */
struct grad_room {
    /* kept from the forward pass for the backward pass, a block of room rows for each layer */
    float *stream; /* d_model; two blocks a layer, what enters it and its MLP, and one for what leaves the
                      last */
    float *qkv, *mix, *up, *gate;
    float *embedded; /* one block of d_model: before embed_norm */
    /* in use for one step, [room] of d_model, d_ff or the width of their kept namesakes */
    float *norm, *act, *out, *dx, *dout, *dnorm, *dmix, *dqkv, *dup, *dgate;
    float *logits; /* [n_head_row][vocab_size] */
    double *sum;   /* [2 widest] */
    float *grad;   /* [params->n] of the micro-batch; zeros where it is a sum of several products */
    /* the micro-batch */
    size_t first, n, n_seq; /* its first row in the text, its rows and sequences */
    size_t *start;          /* [n_seq + 1], from 0 */
    size_t start_room;
    uint32_t *position; /* [room] of each row in its sequence */
};

struct lm_grad {
    const struct lm_params *params;
    const struct lm_config *config;
    enum gemm_precision precision;
    int n_thread;
    size_t longest, room, n_head_row;
    struct lm_attention *attention;
    float *sinusoid;            /* [longest][d_model]; NULL: positions are otherwise */
    struct grad_weight *weight; /* [n_layer + 1][LM_N_ROLE]; see grad_at */
    struct grad_room *worker;   /* [n_thread] */
    /* the run at hand */
    const struct lm_text *text;
    const size_t *batch; /* first sequence of each micro-batch, and n_seq */
    const uint32_t *target;
    const struct lm_dropout *dropout; /* NULL: none */
    double scale;
    float *grad, *nll;
    struct grad_turn *turn;
};

/* Layer -1: what is outside of the layers. */
static inline const struct grad_weight *grad_at(const struct lm_grad *g, int layer, enum lm_role role)
{
    return &g->weight[(size_t)(layer + 1) * LM_N_ROLE + role];
}

/* All below work on the r->n rows of the micro-batch and return 0, or -1 when a library fails. */

/* y[n][ld] = x W^T + bias. */
int grad_linear(const struct grad_weight *w, const float *x, size_t n, float *y, size_t ld);
/* The way back, from dy[n][ld]: the gradients of W (+=, if `add`) and bias, and dx = dy W (+=, if `add_dx`).
 */
int grad_matrix_back(const struct lm_grad *g, struct grad_room *r, const struct grad_weight *w,
                     const float *x, const float *dy, size_t n, size_t ld, int add);
int grad_linear_back(const struct lm_grad *g, struct grad_room *r, const struct grad_weight *w,
                     const float *x, const float *dy, size_t ld, float *dx, int add_dx);
/* y = norm(x), and its way back: dx += */
void grad_norm(const struct lm_grad *g, const struct grad_weight *w, const float *x, size_t n, float *y);
void grad_norm_back(const struct lm_grad *g, struct grad_room *r, const struct grad_weight *w, const float *x,
                    const float *dy, float *dx);

/* A layer forward, and backward: r->dx from behind it to before it. */
int grad_layer(const struct lm_grad *g, struct grad_room *r, int layer);
int grad_layer_back(const struct lm_grad *g, struct grad_room *r, int layer);

/* What the layers begin with; its way back, from r->dx. */
void grad_embed(const struct lm_grad *g, struct grad_room *r);
void grad_embed_back(const struct lm_grad *g, struct grad_room *r);

/* The final norm, the head and the loss; backward to r->dx if there is a gradient to make. */
int grad_head(const struct lm_grad *g, struct grad_room *r);

#endif
