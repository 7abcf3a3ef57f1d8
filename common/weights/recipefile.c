/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/recipefile.h"
#include "base/msg.h"
#include "io/csvin.h"

struct quant_recipe *recipefile_read(const char *path, int has_moments)
{
    struct csvin *in = csvin_open(path);
    struct quant_recipe *recipe = quant_recipe_new(has_moments);
    char why[QUANT_WHY_MAX];
    int says[3] = { 0 };
    for (size_t c = 0; c < csvin_columns(in); c++)
        says[quant_recipe_column(csvin_name(in, c))]++;
    if (!says[1] || !says[2])
        die("%s: a recipe needs a column that says for which tensors a row is (name, layer, role) and one "
            "that says how (bits, grid, per, group, clip, scale, bias, rotate, beyond)",
            path);
    while (csvin_next(in)) {
        quant_recipe_row(recipe, csvin_line(in));
        for (size_t c = 0; c < csvin_columns(in); c++)
            if (quant_recipe_set(recipe, csvin_name(in, c), csvin_text(in, c), why) < 0)
                die("%s: line %zu: %s", csvin_path(in), csvin_line(in), why);
    }
    csvin_close(in);
    return recipe;
}

void recipefile_check_used(const struct quant_recipe *r, const char *path)
{
    if (quant_recipe_unused(r))
        die("%s: line %zu: no tensor is what the row says, or earlier rows are for all of them", path,
            quant_recipe_unused(r));
}

void recipefile_warn_unnamed(const char *path, size_t n, const char *first, int bits)
{
    if (n)
        warn("%s: matrices that no row is for, rounded to %d bits: %zu, the first '%s'", path, bits, n,
             first);
}
