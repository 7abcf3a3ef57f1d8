/* sweep.h - many changed models over the same text, and what each costs each group of texts.  Layer: lm.
 *
 * Text goes in batches, of whole languages where they fit into memory. Of each the model as it is runs first,
 * which gives what is predicted of the changes (outerror.h); then every case from where it departs
 * (branch.h). Cases are scored several at a time, because each is compared with the reference's logits, which
 * are then made once: when `room` for them is used up, or a minute has passed, since what a killed run has
 * not scored it has to do again. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_SWEEP_H
#define LM_SWEEP_H
#include "lm/branch.h"
#include "lm/ledger.h"
#include "lm/outerror.h"
#include "lm/windows.h"

struct lm_sweep {
    struct lm_model *model;            /* keeps its parts */
    const struct lm_windows *windows;  /* in the order of texts, at least one */
    const uint32_t *id;                /* what they were cut from */
    const size_t *group_of, *batch_of; /* [texts] 0.., not falling; what has one batch_of stays together */
    const struct lm_case *cases;       /* [n_case] */
    const char *idle;                  /* [n_case] those that are not to be run */
    size_t n_case;
    struct lm_ledger *ledger;    /* of the cases */
    struct lm_ledger *reference; /* of the model as it is: one case */
    struct lm_outerror *errors;  /* NULL: not wanted */
    size_t memory;               /* bytes for states of tokens */
    int n_thread;
    void (*progress)(void *ctx, size_t k, size_t text); /* case k is next, n_case the model as it is */
    void *ctx;
};

/* 0; or -1 with a reason in why: the model cannot be read, logits are not finite; or LM_SWEEP_OTHER_LEDGER:
 * the ledger's file is of another model or text. */
enum { LM_SWEEP_OTHER_LEDGER = -2 };
int lm_sweep_run(const struct lm_sweep *s, char why[LM_WHY_MAX]);

#endif
