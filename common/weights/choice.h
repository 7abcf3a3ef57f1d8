/* choice.h - which tensors of a model are quantised, and how.  Layer: weights (-> cli, lm, quant, text, io,
 * math).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_CHOICE_H
#define WEIGHTS_CHOICE_H
#include "io/tensor.h"
#include "lm/family.h"
#include "quant/recipe.h"

/* Of the list of items (quant/pick.h) that an option has, or NULL: wrong usage if one is none or names a role
 * that is not there. And once all tensors came, a warning for each that none of them was, used[] being what
 * pick_note marked. */
void choice_check_items(const char *option, char *const *list);
void choice_warn_items(const char *option, char *const *list, const char *used);

/* What the user asks for; lists are NULL-ended or NULL. */
struct choice_rules {
    struct quant_spec usual;
    struct quant_recipe *recipe; /* NULL: none */
    char **only, **skip;         /* items of quant/pick.h */
    int embed, head;             /* quantise these too */
    int pack;                    /* what cannot be packed ends the program */
    /* what came: */
    char *only_used, *skip_used; /* [items] whether there was such a tensor */
    int had_embed, had_head;
    size_t n_done; /* tensors that were chosen, to be left at 16 bits too */
    size_t n_unnamed;
    char *unnamed; /* of those to be rounded, n_unnamed that no row of the recipe is for: the first's name */
};
void choice_rules_clear(struct choice_rules *r);
/* What was asked for and did not come is said. */
void choice_warn_unused(const struct choice_rules *r);

struct choice {
    int quantise, has_row;  /* of the recipe */
    struct quant_spec spec; /* resolved */
    struct pick_subject subject;
    struct lm_place place; /* role LM_N_ROLE: of none that is known */
    int linear;            /* a module that loaders know as Linear */
    size_t rows, cols;     /* output channels, inputs */
    int in_out;            /* stored [cols][rows] */
};

/* Counts a choice as rounded without a row, if it is: each tensor once. */
void choice_note_unnamed(struct choice_rules *r, const struct choice *c);

/* f is the model's family; NULL: as the tensor's name suggests. */
void choice_make(struct choice_rules *r, const struct lm_family *f, const struct tensor *t, struct choice *c);

#endif
