/* grad.h - the loss of a decoder on text, and its derivative by every parameter.  Layer: lm.
 *
 * The text is cut into micro-batches: whole sequences, LM_GRAD_TOKENS tokens or one sequence if that is
 * longer. Each goes forward and backward on one thread, into a gradient of its own; these are added up in the
 * order of the text. So every result is the same for any number of threads, and that of a token (nll, dropout
 * masks) depends on its sequence and its place in the batch only. In memory are, for each thread, a gradient
 * and what LM_GRAD_TOKENS tokens leave for the way back: 6 d_model + d_ff floats a token and layer (one d_ff
 * more if gated). Norms and activations are computed again there, and attention, of which 64 rows exist at a
 * time (Dao et al. 2022). SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_GRAD_H
#define LM_GRAD_H
#include "lm/forward.h"
#include "lm/params.h"
#include "math/gemm.h"

enum { LM_GRAD_TOKENS = 512 };

struct lm_grad;

/* For texts whose sequences have up to `longest` tokens; call gemm_load first. p is borrowed. NULL, and a
 * reason in why, when the model is of a kind that cannot be trained here (OPT-350m's norms and projections),
 * or has no such position. */
struct lm_grad *lm_grad_new(const struct lm_params *p, size_t longest, enum gemm_precision precision,
                            int n_thread, char why[LM_WHY_MAX]);
void lm_grad_free(struct lm_grad *g);

/* Inverted dropout: what is kept is divided by 1 - rate. `hidden` is the rate for what attention and MLP add
 * to the residual stream, `attention` that for the weights of attention behind their softmax. Masks are a
 * function of (seed, step, layer, site, row of the text, element). Rates from 0 to below 1. */
struct lm_dropout {
    double hidden, attention;
    uint64_t seed, step;
};

/* nll[n_token]: -ln p(target[i]) in nats, of the token that follows token i, 0 where target[i] is UINT32_MAX
 * (not scored); other targets and the text's ids are below vocab_size. If grad is not NULL, grad[p->n] +=
 * scale * d(sum of nll) / dw. d NULL: no dropout. nll is computed with the mask when there is one. 0; or -1
 * when a library fails or a sequence is longer than `longest`. */
int lm_grad_run(struct lm_grad *g, const float *w, const struct lm_text *t, const uint32_t *target,
                const struct lm_dropout *d, double scale, float *grad, float *nll);

#endif
