/* grams.h - second moments of a model's activations by layer, site and language, and mixtures of them. Layer:
 * lm. From a stream of moments, as actdump makes it: frames that say their `lang` and `n_tokens`, tensors
 * LAYER.SITE.gram [width][width] ("3.mlp_act.gram"; "final.gram" has no layer) and, where it is there,
 * LAYER.SITE.absmean [width]; with .rest behind these names, those without the first tokens.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_GRAMS_H
#define LM_GRAMS_H
#include "lm/site.h"
#include <stddef.h>

enum { LM_GRAMS_WHY_MAX = 600 };

/* What each language counts for. */
enum lm_mix_kind {
    LM_MIX_POOLED,   /* its tokens */
    LM_MIX_BALANCED, /* as much as any other */
    LM_MIX_MINMAX,   /* its tokens at first; then what makes the worst off best off, for the caller to find */
    LM_MIX_NAMED     /* what is said, 0 if nothing is */
};
struct lm_mix {
    enum lm_mix_kind kind;
    size_t n; /* named ones */
    char **name;
    double *weight;
};
/* From the items of a list, NULL-ended: "pooled", "balanced" or "minmax" alone; or NAME=W, W > 0, and NAME,
 * which is NAME=1. 0, with what lm_mix_clear frees; or -1 with a reason in why. */
int lm_mix_parse(struct lm_mix *m, char *const *list, char why[LM_GRAMS_WHY_MAX]);
void lm_mix_clear(struct lm_mix *m);

/* Reads the stream at path. `apart`: languages can be told apart afterwards; else they are mixed as they
 * come, which takes the room of one. What needs more than memory_bytes is in a temporary file. NULL and a
 * reason in why: it cannot be read or is damaged, has no gram, a language twice or without a name, not the
 * same tensors for every language, a value that is not finite, a gram that is not symmetric; a language of
 * the mix is not there. */
struct lm_grams;
struct lm_grams *lm_grams_read(const char *path, const struct lm_mix *mix, int apart, size_t memory_bytes,
                               int n_thread, char why[LM_GRAMS_WHY_MAX]);
/* The same from what a model's run has just left in `store`: the grams of one site, F64, of all languages
 * that have tokens in count[n_lang]. */
struct lm_plan;
struct lm_count;
struct lm_grams *lm_grams_of_site(const struct lm_plan *plan, const char *store, int layer, enum lm_site site,
                                  char *const *lang, const struct lm_count *count, size_t n_lang,
                                  const struct lm_mix *mix, int apart, size_t memory_bytes,
                                  char why[LM_GRAMS_WHY_MAX]);
void lm_grams_free(struct lm_grams *g);

/* Languages, and what each counts for in the mix; the weights' sum is 1. lm_grams_lines: what a language's
 * frame says of the lines it was made from (weights/overlap.h), NULL if nothing. */
size_t lm_grams_n_lang(const struct lm_grams *g);
const char *lm_grams_lines(const struct lm_grams *g, size_t lang);
char *const *lm_grams_langs(const struct lm_grams *g); /* NULL-ended */
int lm_grams_are_apart(const struct lm_grams *g);
double lm_grams_weight(const struct lm_grams *g, size_t lang);

/* The width of a site in a layer (-1: of none), 0 if the stream has no gram of it. */
size_t lm_grams_width(const struct lm_grams *g, int layer, enum lm_site site);
/* The mixture, or with `apart` that of one language, [width][width] into out. */
void lm_grams_mixed(const struct lm_grams *g, int layer, enum lm_site site, double *out);
void lm_grams_of(const struct lm_grams *g, int layer, enum lm_site site, size_t lang, double *out);
/* The mixture of mean|x|, [width], borrowed; NULL if the stream has none there. */
const double *lm_grams_absmean(const struct lm_grams *g, int layer, enum lm_site site);

#endif
