/* forward.h - runs a decoder over sequences of tokens, a layer at a time.  Layer: lm.
 *
 * Layer-major: all sequences pass layer 0, then layer 1, ..., so each layer's weights are needed once and one
 * layer of them is in memory. What stays for the length of the run is a row of d_model floats for each token;
 * all else is in chunks of whole sequences. Nothing depends on threads, nor on which sequences run together.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_FORWARD_H
#define LM_FORWARD_H
#include "lm/memory.h"
#include "lm/model.h"
#include "lm/site.h"
#include <stdint.h>

/* Sequences one after another: ids[start[i]] to ids[start[i + 1] - 1] is sequence i, whose first token has
 * position 0, or the one behind what is remembered of it. All borrowed. */
struct lm_text {
    size_t n_seq;
    const size_t *start; /* [n_seq + 1] */
    const uint32_t *id;
};

/* Called with rows [from, from + n) of the text at a site, x[n][width]; from one thread, in the order of the
 * rows of each site and layer. */
struct lm_tap {
    unsigned sites; /* 1 << site of those that are wanted */
    void (*see)(void *ctx, enum lm_site site, int layer, size_t from, size_t n, const float *x, size_t width);
    void *ctx;
};

struct lm_forward;

/* For sequences of up to longest tokens, each with a position the model has (lm_forward_longest). */
struct lm_forward *lm_forward_new(const struct lm_config *c, size_t longest, int n_thread);
void lm_forward_free(struct lm_forward *f);

/* From here on sequence i of a text is the next part of sequence i of the text before, and may have no token;
 * what has been, and is remembered once lm_forward_final is through with it, is in m, borrowed. The same
 * comes out as of whole sequences, up to the rounding of attention's sums. NULL: each text stands by itself,
 * as at first. */
void lm_forward_remember(struct lm_forward *f, struct lm_memory *m);

/* The longest sequence that a model can run: the rows of its table of positions, or the window of its
 * attention; 0 if there is no limit. */
size_t lm_forward_longest(const struct lm_config *c);

/* Adds the sinusoid of a position to x[d] (Vaswani et al. 2017 as fairseq has it: first all sines, then all
 * cosines, the last frequency 1e-4). */
void lm_forward_sinusoid(size_t d, size_t position, float *x);

/* Each takes x[n_token][d_model], the residual stream of all tokens of t, one step further. tap may be NULL.
 * Return 0; or -1: see lm_model_error. lm_forward_final writes to final[n_token][d_embed], which may be x
 * where that has the room. */
int lm_forward_embed(struct lm_forward *f, struct lm_model *m, size_t variant, const struct lm_text *t,
                     float *x, const struct lm_tap *tap);
int lm_forward_layer(struct lm_forward *f, struct lm_model *m, size_t variant, int layer,
                     const struct lm_text *t, float *x, const struct lm_tap *tap);
/* lm_forward_layer with weights of the caller's: a layer put together from several variants. */
void lm_forward_part(struct lm_forward *f, const struct lm_part *p, int layer, const struct lm_text *t,
                     float *x, const struct lm_tap *tap);

int lm_forward_final(struct lm_forward *f, struct lm_model *m, size_t variant, const struct lm_text *t,
                     const float *x, float *final, const struct lm_tap *tap);

/* lm_forward_part in stages, each up to what the next matrices multiply, so that these may depend on it. All
 * rows of t take a stage before the next one; they are the caller's, who keeps them until the layer's last
 * stage. */
enum lm_stage { LM_TO_ATTN_IN, LM_TO_ATTN_MIX, LM_TO_MLP_IN, LM_TO_MLP_ACT, LM_TO_RESID, LM_N_STAGE };
struct lm_rows {
    float *x;    /* [n_token][d_model] the residual stream */
    float *norm; /* [n_token][d_model] normed, where norms come before */
    float *mix;  /* [n_token][n_head * d_head] */
    float *act;  /* [n_token][d_ff] may begin where mix does, which is not read any more */
};
void lm_forward_stage(struct lm_forward *f, const struct lm_part *p, int layer, enum lm_stage stage,
                      const struct lm_text *t, const struct lm_rows *rows, const struct lm_tap *tap);

#endif
