/* damagetable.h - what parts of a model cost when each is changed alone, and all of them together.  Layer:
 * lm. By group of texts, which is what rows are about, a language or a line; and by language. There are
 * several ways to change a part. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_DAMAGETABLE_H
#define LM_DAMAGETABLE_H
#include "lm/damage.h"

struct lm_damagetable {
    size_t n_part, n_way, n_group, n_lang, vocab_size;
    size_t *lang_of;                      /* [n_group] */
    struct lm_damage *of_group, *of_lang; /* [n_part + 1][n_way][n_group], [n_lang]; part n_part is all */
};

/* Without damage; lm_damagetable_set adds a group's, which is of that language, once for each way of a part.
 */
void lm_damagetable_init(struct lm_damagetable *t, size_t n_part, size_t n_way, size_t n_group, size_t n_lang,
                         size_t vocab_size);
void lm_damagetable_set(struct lm_damagetable *t, size_t part, size_t way, size_t group, size_t lang,
                        const struct lm_damage *d);
void lm_damagetable_clear(struct lm_damagetable *t);

const struct lm_damage *lm_damagetable_at(const struct lm_damagetable *t, size_t part, size_t way,
                                          size_t group);
/* Whether guessing is better in a language, where a part is changed. */
int lm_damagetable_beyond(const struct lm_damagetable *t, size_t part, size_t way, size_t lang);

/* The damage of all parts together over the sum of what each costs alone; NaN where that sum is 0, and of nll
 * where guessing is better than one of the cases. */
struct lm_additivity {
    double nll, kl;
};
struct lm_additivity lm_damagetable_additivity(const struct lm_damagetable *t, size_t way, size_t group);
/* Of how many languages that of nll is not in [low, high], and from where to where it is in these. */
size_t lm_damagetable_not_additive(const struct lm_damagetable *t, size_t way, double low, double high,
                                   double *least, double *most);

#endif
