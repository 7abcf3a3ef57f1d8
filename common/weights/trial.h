/* trial.h - --quant SPEC: a model quantised while it runs, as ppl, sens and lmsample have it.  Layer:
 * weights. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_TRIAL_H
#define WEIGHTS_TRIAL_H
#include "lm/model.h"
#include "quant/row.h"

/* The specs of a NULL-ended list of texts, into *spec, which the caller frees; returns how many. One that
 * says nothing, or what another says, is wrong usage. */
size_t trial_specs(char *const *texts, struct quant_spec **spec);

/* Lists of items (quant/pick.h) that are none: wrong usage. */
void trial_check_lists(char *const *only, char *const *skip);
/* Whether a matrix is quantised: those in the layers, or what `only` asks for, less `skip`. */
int trial_wants(char *const *only, char *const *skip, const struct lm_place *p, const char *name);

/* Quantises w[rows][cols] in place as weights of dtype would be; stats unless NULL. 0; or -1 and a reason. */
int trial_apply(const struct quant_spec *spec, enum tensor_dtype dtype, float *w, size_t rows, size_t cols,
                int n_thread, struct quant_stats *stats, char why[LM_WHY_MAX]);

/* Both as a change of a model (lm/model.h), for as long as t is there; the lists are borrowed. */
struct trial {
    const struct quant_spec *spec;
    char *const *only, *const *skip;
    int n_thread;
};
struct lm_change trial_change(struct trial *t);

#endif
