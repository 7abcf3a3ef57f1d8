/* trial.h - --quant SPEC: a model quantised while it runs, as ppl, sens and lmsample have it.  Layer:
 * weights. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_TRIAL_H
#define WEIGHTS_TRIAL_H
#include "lm/model.h"
#include "quant/recipe.h"
#include "quant/row.h"

/* One way to quantise a model. */
struct trial {
    struct trials *of;
    struct quant_spec usual;     /* what the SPEC says of all matrices .. */
    struct quant_recipe *recipe; /* .. unless a row of recipe=FILE is for one; NULL: none */
    int says_bits;               /* of what no row is for */
    char *recipe_path;
};

/* Those of a run, and which matrices they are for: NULL-ended lists of items (quant/pick.h), or NULL. */
struct trials {
    struct trial *each;
    size_t n;
    char *const *only, *const *skip;
    int n_thread;
    /* what came: */
    char *only_used, *skip_used; /* [items] whether there was such a matrix */
    int had_any, checked;
};

/* Reads the SPECs of a NULL-ended list of texts into t->each, which borrows t; t's other fields are the
 * caller's. A SPEC that says nothing, or what another says, or recipe= where there are to be none, and lists
 * of items that are none are wrong usage. */
void trial_read(struct trials *t, char *const *texts, int may_be_recipes);
void trial_clear(struct trials *t);

/* Whether a matrix is meant, no recipe being asked: those in the layers, or what `only` asks for, less
 * `skip`. */
int trial_wants(struct trials *t, const struct lm_place *p, const char *name);

/* Quantises w[rows][cols] in place as weights of dtype would be; stats unless NULL. 0; or -1 and a reason. */
int trial_apply(const struct trial *t, const struct lm_place *p, const char *name, enum tensor_dtype dtype,
                float *w, size_t rows, size_t cols, struct quant_stats *stats, char why[LM_WHY_MAX]);

/* The model of c whose variant i + 1 (lm/model.h) is what trial i makes of it, for as long as t is there;
 * keep: its parts. A matrix that several trials would make the same is one matrix; what is left at 16 bits is
 * the model's own. A row of a recipe can ask for what is outside the layers too. */
struct lm_model *trial_model(struct trials *t, struct lm_checkpoint *c, enum gemm_precision precision,
                             int n_thread, int keep);

/* Ends the program if no matrix of the model at path was meant, or a row of a recipe was for none; and warns
 * of items that were for none. Says it once: trial_check once the model was read, trial_try before that, if
 * its tensors are known by then. trial_try also warns of matrices that no row is for and the SPEC has no bits
 * for. */
void trial_check(struct trials *t, const char *path);
void trial_try(struct trials *t, const struct lm_checkpoint *c);

#endif
