/* trainer.h - one step of training after another.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_TRAINER_H
#define LM_TRAINER_H
#include "lm/grad.h"
#include "lm/trainstate.h"
#include "math/adamw.h"

struct lm_trainer_options {
    uint64_t n_step, n_warmup, n_cooldown; /* see adamw_rate */
    double rate, floor;
    struct adamw adamw;        /* decays matrices only: no biases, norms, embeddings of positions */
    double clip;               /* the gradient's norm is brought down to this; infinity: never */
    double kure, kure_target;  /* lambda * mean of (b2 - target)^2 over .. */
    const uint8_t *kure_of;    /* [n_param] .. the matrices that are set here; NULL: no such term */
    struct lm_dropout dropout; /* `step` is ignored */
};

/* What a step had to say. */
struct lm_trainer_report {
    double loss; /* nats a token, the kurtosis term not counted */
    double norm; /* of the gradient before it is clipped */
    double kure; /* mean of (b2 - target)^2; NaN without */
    double rate;
};

struct lm_trainer;

/* Borrows all of these. NULL and a reason when the engine cannot train such a model. */
struct lm_trainer *lm_trainer_new(const struct lm_trainer_options *o, struct lm_trainstate *state,
                                  size_t context, enum gemm_precision precision, int n_thread,
                                  char why[LM_WHY_MAX]);
void lm_trainer_free(struct lm_trainer *t);

/* Step number state->step + 1 on a batch, whose nll[n_token] comes out. 0, and the state is a step further;
 * LM_TRAINER_DIVERGED, and the state is as it was: the loss or the gradient is not finite. */
enum { LM_TRAINER_DIVERGED = -1 };
int lm_trainer_step(struct lm_trainer *t, const struct lm_text *text, const uint32_t *target, float *nll,
                    struct lm_trainer_report *r);

/* nll[n_token] of a text under the weights as they are, without dropout. */
void lm_trainer_score(struct lm_trainer *t, const struct lm_text *text, const uint32_t *target, float *nll);

#endif
