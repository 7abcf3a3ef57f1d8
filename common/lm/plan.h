/* plan.h - what is wanted of a model's activations, and the tensors that it becomes.  Layer: lm.
 *
 * For each language the same tensors, LAYER.SITE.RESULT ("3.mlp_act.absmean"; "embed" and "final" have no
 * layer), in the order in which a model computes them. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_PLAN_H
#define LM_PLAN_H
#include "io/tensor.h"
#include "lm/forward.h"

/* Over the tokens of a language: rows as they are; of each neuron; of all neurons; the second moment. */
enum lm_result {
    LM_ROWS,
    LM_ABSMEAN,
    LM_ABSMAX,
    LM_MEAN,
    LM_SD,
    LM_SKEWNESS,
    LM_KURTOSIS,
    LM_SITE_ABSMEAN,
    LM_SITE_MEAN,
    LM_SITE_SD,
    LM_SITE_SKEWNESS,
    LM_SITE_KURTOSIS,
    LM_GRAM,
    LM_N_RESULT
};
/* Of which tokens: all; or all but the first of each window, in tensors whose names end in ".rest". */
enum lm_part_of_tokens { LM_ALL, LM_REST, LM_N_PART };

struct lm_wish {
    unsigned sites;       /* 1 << site */
    const char *in_layer; /* [n_layer] whether the layer is looked into; borrowed */
    int result[LM_N_RESULT][LM_N_PART];
    enum tensor_dtype dtype; /* of rows and second moments; all else is F64 */
};
/* Adds what a word means: "none" (rows), "absmean", "absmax", "moments", "site_absmean", "site_moments",
 * "gram". Rows are wanted once: without the first tokens only where `all` is not set. -1 if it means nothing.
 */
#define LM_WISHES "none absmean absmax moments site_absmean site_moments gram"
int lm_wish_add(struct lm_wish *w, const char *word, int all, int rest);
/* Whether rows are wanted; and the sums that the results need, as bits of math/columns.h. */
int lm_wish_has_rows(const struct lm_wish *w);
unsigned lm_wish_columns(const struct lm_wish *w);
/* Whether a site of a layer is looked into; layer -1 has the embedding, n_layer what is behind the layers. */
int lm_wish_has(const struct lm_wish *w, const struct lm_config *c, int layer, enum lm_site site);

/* Tokens of a language that count: all of them, and those that are not the first of a window. */
struct lm_count {
    size_t n_all, n_rest;
};
static inline size_t lm_count_of(const struct lm_count *n, int part)
{
    return part == LM_REST ? n->n_rest : n->n_all;
}

/* Beside rows: what they are of, before all else, I32 [n]. */
enum lm_token_tensor { LM_TOKEN_ID, LM_TOKEN_LINE, LM_TOKEN_POSITION, LM_N_TOKEN_TENSOR };

/* A tensor of the plan, and where its data are among those of all languages, in bytes. */
struct lm_slot {
    struct tensor t;
    size_t at;
};

struct lm_plan;
/* All but the counts are borrowed. NULL when there would be more bytes than can be counted. */
struct lm_plan *lm_plan_new(const struct lm_config *c, const struct lm_wish *w, const struct lm_count *count,
                            size_t n_lang);
void lm_plan_free(struct lm_plan *p);
size_t lm_plan_bytes(const struct lm_plan *p);
/* The tensors of a language, [n] in the order of the output; those of a site in a layer that is looked into,
 * in the order of results and, of each, parts. */
const struct lm_slot *lm_plan_lang(const struct lm_plan *p, size_t lang, size_t *n);
const struct lm_slot *lm_plan_site(const struct lm_plan *p, size_t lang, int layer, enum lm_site site);

#endif
