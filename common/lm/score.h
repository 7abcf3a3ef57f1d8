/* score.h - what a model's head says of each next token, and how two models differ there.  Layer: lm.
 *
 * The vocabulary comes in blocks of rows of the head: logits exist for one block and some tokens at a time,
 * and sums of exponentials are kept on the way. So 250,880 tokens cost no 500 MB, and each block of weights
 * is needed once for all the text. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_SCORE_H
#define LM_SCORE_H
#include "lm/model.h"
#include <stdint.h>

/* Of one token under one model. */
struct lm_score {
    double max, sum; /* of its logits z: the largest, and sum of exp(z - max) */
    double target;   /* the logit of the token that follows */
    uint32_t top;    /* the token of the largest logit, the lowest of equals */
};

/* -ln p(target), in nats. */
double lm_score_nll(const struct lm_score *s);

/* How model q differs from model p at one token: KL divergence sum p (ln p - ln q) in nats is
 * difference / p.sum - ln p's sum of exponentials + that of q. */
struct lm_contrast {
    double difference; /* sum over the vocabulary of exp(zp - p.max) (zp - zq) */
};
double lm_contrast_kl(const struct lm_contrast *c, const struct lm_score *p, const struct lm_score *q);

/* Logits z[n][n_vocab] of rows [from, from + n) and tokens [vocab, vocab + n_vocab), as they come: for each
 * block of the vocabulary all rows. */
struct lm_logits_tap {
    void (*see)(void *ctx, size_t side, size_t from, size_t n, size_t vocab, size_t n_vocab, const float *z);
    void *ctx;
};

/* One model's side: its final rows x[n][d_embed], and where the scores go. */
struct lm_side {
    struct lm_model *model;
    size_t variant;
    const float *x;
    struct lm_score *score; /* [n] */
};

/* Scores rows 0..n-1, of which row i is followed by target[i], with each side's head. contrast[k][i] is of
 * side k against side 0, from k = 1 on; NULL for none. tap may be NULL. 0; or -1: see the side's
 * lm_model_error, and *bad is its index. All sides have the vocabulary of the first. */
int lm_score_rows(const struct lm_side *side, size_t n_side, const uint32_t *target, size_t n,
                  struct lm_contrast *const *contrast, int n_thread, const struct lm_logits_tap *tap,
                  size_t *bad);

#endif
