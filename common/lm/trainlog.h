/* trainlog.h - the log of a training: a row of numbers every so many steps.  Layer: lm.
 * The rows are kept in the state, and so in its checkpoints: a run that goes on has the log of one that never
 * stopped. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_TRAINLOG_H
#define LM_TRAINLOG_H
#include "lm/trainer.h"

/* The columns: these; then one a language for each LM_LOG_LOSS.., and one a layer. */
enum {
    LM_LOG_STEP,
    LM_LOG_TOKENS,
    LM_LOG_RATE,
    LM_LOG_LOSS,
    LM_LOG_NORM,
    LM_LOG_KURE,
    LM_LOG_SPEED,
    LM_LOG_VALID,
    LM_LOG_BY_LANG
};
enum { LM_LOG_LANG_LOSS, LM_LOG_LANG_NLL, LM_LOG_LANG_BITS, LM_LOG_N_LANG };

struct lm_trainlog {
    struct lm_trainstate *state; /* borrowed, like the names */
    const char **lang;           /* [n_lang] */
    size_t n_lang;
    double row_began_s; /* by lm_trainlog_now */
    /* Running sums since the last row, in state->tally. */
    double *nll, *n_token; /* [n_lang] of the text trained on */
    double *sums;          /* [LM_LOG_N_SUM] */
};
enum { LM_LOG_SUM_LOSS, LM_LOG_SUM_NORM, LM_LOG_SUM_STEPS, LM_LOG_BEYOND, LM_LOG_N_SUM };

/* What lm_trainstate_init must have room for. */
size_t lm_trainlog_columns(size_t n_lang, int n_layer);
size_t lm_trainlog_tally(size_t n_lang);
void lm_trainlog_init(struct lm_trainlog *l, struct lm_trainstate *s, const char **lang, size_t n_lang);

/* Counts a step: n_seq sequences of `context` tokens, of language lang[i] each, with their nll. Returns for
 * how many steps in a row the loss has been above `guessing`. */
double lm_trainlog_count(struct lm_trainlog *l, const struct lm_trainer_report *r, const uint32_t *lang,
                         const float *nll, size_t n_seq, size_t context, double guessing);

/* Makes a row of what has been counted, for the caller to fill LM_LOG_VALID and, from lm_trainlog_of_lang on,
 * what was validated. tokens: of a step. */
double *lm_trainlog_row(struct lm_trainlog *l, const struct lm_trainer_report *r, double tokens);
double *lm_trainlog_of_lang(const struct lm_trainlog *l, double *row, int which);

/* Writes the whole log as CSV; ends the program when it cannot. */
void lm_trainlog_write(const struct lm_trainlog *l, const char *path);

double lm_trainlog_now(void);

#endif
