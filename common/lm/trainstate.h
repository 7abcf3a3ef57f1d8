/* trainstate.h - where a training stands, and its checkpoints.  Layer: lm.
 * A checkpoint is one plain safetensors file, NAME.safetensors: the weights under their published names,
 * which with the config in its metadata makes it a model that every program here reads; the moments of the
 * optimiser, adam_m.NAME and adam_v.NAME; the log and running sums in F64; and in its metadata the step and
 * the settings. It appears when it is whole. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_TRAINSTATE_H
#define LM_TRAINSTATE_H
#include "lm/params.h"

struct lm_trainstate {
    const struct lm_params *params; /* borrowed */
    float *w, *m, *v;               /* [params->n] */
    uint64_t step;                  /* that are done */
    double *tally;                  /* [n_tally] the caller's running sums; zeros at first */
    size_t n_tally;
    double *log; /* [n_row][n_column] the caller's rows */
    size_t n_row, n_column, log_room;
};

/* An option that decides the result, with what a run has for it. */
struct lm_setting {
    const char *name;
    char *value; /* owned by the caller */
};

void lm_trainstate_init(struct lm_trainstate *s, const struct lm_params *p, size_t n_tally, size_t n_column);
void lm_trainstate_clear(struct lm_trainstate *s);
/* A further row of the log, all NaN, to be filled. */
double *lm_trainstate_row(struct lm_trainstate *s);

/* Writes a checkpoint; ends the program when it cannot. settings are ended by .name NULL. */
void lm_trainstate_save(const struct lm_trainstate *s, const char *path, const struct lm_setting *settings,
                        const char *config_text, const char *history);

/* Reads one that was made with the same settings, but for those named in may_differ (NULL-ended, or NULL).
 * 0; or -1 with a reason, which does not repeat the path: it is no checkpoint, is cut, is of another model,
 * holds weights or moments that are not finite, or a setting differs. */
enum { LM_TRAINSTATE_WHY_MAX = 600 };
int lm_trainstate_load(struct lm_trainstate *s, const char *path, const struct lm_setting *settings,
                       char *const *may_differ, char why[LM_TRAINSTATE_WHY_MAX]);

#endif
