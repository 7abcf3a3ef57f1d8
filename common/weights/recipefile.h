/* recipefile.h - a recipe (quant/recipe.h) from a CSV file.  Layer: weights.
 * Columns that say for which tensors a row is, name, layer, role, and how they are quantised, the keys of
 * quant/spec.h and group; others are ignored. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_RECIPEFILE_H
#define WEIGHTS_RECIPEFILE_H
#include "quant/recipe.h"

/* The recipe in the file at path; the caller frees it. has_moments: rows may ask for clip=moments. Ends the
 * program if there is none. */
struct quant_recipe *recipefile_read(const char *path, int has_moments);

/* Once all tensors came: ends the program if a row was for none of them. */
void recipefile_check_used(const struct quant_recipe *r, const char *path);
/* Warns that n matrices, `first` the first of them, had no row and were rounded to `bits` all the same,
 * unless n is 0: a recipe of a smaller model. */
void recipefile_warn_unnamed(const char *path, size_t n, const char *first, int bits);

#endif
