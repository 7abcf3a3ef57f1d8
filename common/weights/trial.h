/* trial.h - --quant SPEC: a model quantised while it runs, as ppl and sens have it.  Layer: weights.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_TRIAL_H
#define WEIGHTS_TRIAL_H
#include "lm/model.h"
#include "quant/recipe.h"
#include "quant/row.h"

/* One way to quantise a model. */
struct trial {
    struct quant_spec usual;     /* what the SPEC says of all matrices .. */
    struct quant_recipe *recipe; /* .. unless a row of recipe=FILE is for one; NULL: none */
    char *recipe_path;
};

/* The SPECs of a NULL-ended list of texts, into *trial; returns how many. One that says nothing, or what
 * another says, is wrong usage; so is recipe= where there are to be none. */
size_t trial_read(char *const *texts, int may_be_recipes, struct trial **trial);
void trial_free(struct trial *trial, size_t n);

/* What matrices are asked about: NULL-ended lists of items (quant/pick.h), or NULL. */
struct trial_lists {
    char **only, **skip;
};
/* Lists of items that are none: wrong usage. */
void trial_check_lists(const struct trial_lists *lists);

/* Whether a matrix is meant, no recipe being asked: those in the layers, or what `only` asks for, less
 * `skip`. */
int trial_wants(const struct trial_lists *lists, const struct lm_place *p, const char *name);
/* For lm_change: 0 for a matrix that trial[k] leaves as it is; else the number, from 1, of the first trial
 * that does the same to it. A row of a recipe can ask for what is outside the layers too. */
size_t trial_way(const struct trial_lists *lists, const struct trial *trial, size_t k,
                 const struct lm_place *p, const char *name);

/* Quantises w[rows][cols] in place as weights of dtype would be; stats unless NULL. 0; or -1 and a reason. */
int trial_apply(const struct trial *t, const struct lm_place *p, const char *name, enum tensor_dtype dtype,
                float *w, size_t rows, size_t cols, int n_thread, struct quant_stats *stats,
                char why[LM_WHY_MAX]);

/* Once trial_way has been asked about all matrices: ends the program if a row of the recipe was for none. */
void trial_check_recipe(const struct trial *t);

#endif
