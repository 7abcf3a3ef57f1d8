/* ledger.h - damage summed by case and group of texts, noted in a file as it becomes known.  Layer: lm.
 * A case is a changed model, a group what a row of a table is about: a language, a line. The file is a CSV
 * that grows; a run that was killed goes on with what it holds. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_LEDGER_H
#define LM_LEDGER_H
#include "lm/damage.h"

struct lm_ledger;
struct lm_ledger *lm_ledger_new(size_t n_case, size_t n_group);
void lm_ledger_free(struct lm_ledger *l);

/* Adds a token's: the tokens of a text come one after another. Texts are summed by themselves first. */
void lm_ledger_add(struct lm_ledger *l, size_t k, size_t group, size_t text, const struct lm_damage *token);
struct lm_damage lm_ledger_total(const struct lm_ledger *l, size_t k, size_t group);

/* Notes in path from now on, and takes what it holds of the cases and groups of these names, [n_case] and
 * [n_group], which it takes over, strings and all; each differs from the others. 0; or -1 and a reason: what
 * stands in a line cannot be. Ends the program when it cannot read or write, or another program does. */
int lm_ledger_open(struct lm_ledger *l, const char *path, char **case_name, char **group_name,
                   char why[LM_WHY_MAX]);
/* Whether the case's sums of the group came with the file. They are then all there is: nothing is to be added
 * or noted. */
int lm_ledger_is_done(const struct lm_ledger *l, size_t k, size_t group);
/* What the model is known by, to be said before anything is checked or noted. */
void lm_ledger_set_model(struct lm_ledger *l, uint64_t fingerprint);
/* 0; or -1 and a reason if the file has this group of another model, or other numbers of the reference for
 * it: tokens, and sum of nll. */
int lm_ledger_check(const struct lm_ledger *l, size_t group, uint64_t n, double ref_nll,
                    char why[LM_WHY_MAX]);
/* The case's sums of the group are complete: they are noted. lm_ledger_flush gives them to the system. */
void lm_ledger_note(struct lm_ledger *l, size_t k, size_t group);
void lm_ledger_flush(struct lm_ledger *l);

#endif
