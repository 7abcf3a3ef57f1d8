/* recipe.h - tensors quantised differently: the rows of a table.  Layer: quant.
 * A row says for which tensors it is (name: a pattern; layer: "5" or "20-23"; role: a pattern; what is empty
 * does not matter) and how they are quantised (the keys of spec.h; group: a group's size; what is empty is as
 * usual). The first row that is for a tensor counts. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_RECIPE_H
#define QUANT_RECIPE_H
#include "quant/pick.h"
#include "quant/spec.h"

struct quant_recipe;
struct quant_recipe *quant_recipe_new(int has_moments); /* as of struct quant_spec */
void quant_recipe_free(struct quant_recipe *r);

/* The columns that say how, NULL-ended. */
extern const char *const quant_recipe_hows[];
/* What a column of that name is for: 1 for which tensors, 2 how, 0 nothing. */
int quant_recipe_column(const char *name);

/* Begins a row that came from `line`; sets a field of it. Return 0; or -1 with a reason in why. */
void quant_recipe_row(struct quant_recipe *r, size_t line);
int quant_recipe_set(struct quant_recipe *r, const char *column, const char *text, char why[QUANT_WHY_MAX]);

/* Whether there is a row for s. */
int quant_recipe_has(const struct quant_recipe *r, const struct pick_subject *s);
/* Applies the first row that is for s to *spec: 1; or 0 if there is none. *asked: whether the row names the
 * role or the whole name. */
int quant_recipe_apply(struct quant_recipe *r, const struct pick_subject *s, struct quant_spec *spec,
                       int *asked);

/* The line of the first row that counted for no tensor so far; 0 if there is none. */
size_t quant_recipe_unused(const struct quant_recipe *r);

#endif
