/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/damagetable.h"
#include "base/mem.h"
#include <math.h>
#include <stdlib.h>

void lm_damagetable_init(struct lm_damagetable *t, size_t n_part, size_t n_way, size_t n_group, size_t n_lang,
                         size_t vocab_size)
{
    size_t n_case = (n_part + 1) * n_way;
    *t = (struct lm_damagetable){
        .n_part = n_part, .n_way = n_way, .n_group = n_group, .n_lang = n_lang, .vocab_size = vocab_size
    };
    t->lang_of = xcalloc(n_group, sizeof *t->lang_of);
    t->of_group = xcalloc(n_case * n_group, sizeof *t->of_group);
    t->of_lang = xcalloc(n_case * n_lang, sizeof *t->of_lang);
}

void lm_damagetable_clear(struct lm_damagetable *t)
{
    free(t->lang_of);
    free(t->of_group);
    free(t->of_lang);
}

void lm_damagetable_set(struct lm_damagetable *t, size_t part, size_t way, size_t group, size_t lang,
                        const struct lm_damage *d)
{
    size_t k = part * t->n_way + way;
    t->lang_of[group] = lang;
    t->of_group[k * t->n_group + group] = *d;
    lm_damage_add(&t->of_lang[k * t->n_lang + lang], d);
}

const struct lm_damage *lm_damagetable_at(const struct lm_damagetable *t, size_t part, size_t way,
                                          size_t group)
{
    return &t->of_group[(part * t->n_way + way) * t->n_group + group];
}

int lm_damagetable_beyond(const struct lm_damagetable *t, size_t part, size_t way, size_t lang)
{
    return lm_damage_beyond_guessing(&t->of_lang[(part * t->n_way + way) * t->n_lang + lang], t->vocab_size);
}

/* Of column i of d[n_part + 1][n_way][n], which is of language `lang`. */
static struct lm_additivity additivity(const struct lm_damagetable *t, const struct lm_damage *d, size_t n,
                                       size_t way, size_t i, size_t lang)
{
    const struct lm_damage *joint = &d[(t->n_part * t->n_way + way) * n + i];
    struct lm_damage sum = { 0 };
    int ranks = 1;
    for (size_t p = 0; p < t->n_part; p++)
        lm_damage_add(&sum, &d[(p * t->n_way + way) * n + i]);
    for (size_t p = 0; p <= t->n_part; p++)
        ranks &= !lm_damagetable_beyond(t, p, way, lang);
    struct lm_additivity a = { NAN, sum.kl != 0 ? joint->kl / sum.kl : NAN };
    if (ranks && sum.nll != sum.ref_nll)
        a.nll = (joint->nll - joint->ref_nll) / (sum.nll - sum.ref_nll);
    return a;
}

struct lm_additivity lm_damagetable_additivity(const struct lm_damagetable *t, size_t way, size_t group)
{
    return additivity(t, t->of_group, t->n_group, way, group, t->lang_of[group]);
}

size_t lm_damagetable_not_additive(const struct lm_damagetable *t, size_t way, double low, double high,
                                   double *least, double *most)
{
    size_t n = 0;
    *least = INFINITY;
    *most = -INFINITY;
    for (size_t lang = 0; lang < t->n_lang; lang++) {
        double ratio = additivity(t, t->of_lang, t->n_lang, way, lang, lang).nll;
        if (!(ratio < low || ratio > high)) /* NaN neither */
            continue;
        n++;
        *least = ratio < *least ? ratio : *least;
        *most = ratio > *most ? ratio : *most;
    }
    return n;
}
