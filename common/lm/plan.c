/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/plan.h"
#include "base/mem.h"
#include "math/columns.h"
#include <stdlib.h>
#include <string.h>

enum shape { ROWS, VECTOR, SCALAR, MATRIX };

static const struct {
    const char *name, *word;
    enum shape shape;
    unsigned columns;
} results[LM_N_RESULT] = {
    [LM_ROWS] = { "", "none", ROWS, 0 },
    [LM_ABSMEAN] = { ".absmean", "absmean", VECTOR, COLUMNS_ABS },
    [LM_ABSMAX] = { ".absmax", "absmax", VECTOR, COLUMNS_ABS },
    [LM_MEAN] = { ".mean", "moments", VECTOR, COLUMNS_MOMENTS },
    [LM_SD] = { ".sd", "moments", VECTOR, COLUMNS_MOMENTS },
    [LM_SKEWNESS] = { ".skewness", "moments", VECTOR, COLUMNS_MOMENTS },
    [LM_KURTOSIS] = { ".kurtosis", "moments", VECTOR, COLUMNS_MOMENTS },
    [LM_SITE_ABSMEAN] = { ".site_absmean", "site_absmean", SCALAR, COLUMNS_ABS },
    [LM_SITE_MEAN] = { ".site_mean", "site_moments", SCALAR, COLUMNS_MOMENTS },
    [LM_SITE_SD] = { ".site_sd", "site_moments", SCALAR, COLUMNS_MOMENTS },
    [LM_SITE_SKEWNESS] = { ".site_skewness", "site_moments", SCALAR, COLUMNS_MOMENTS },
    [LM_SITE_KURTOSIS] = { ".site_kurtosis", "site_moments", SCALAR, COLUMNS_MOMENTS },
    [LM_GRAM] = { ".gram", "gram", MATRIX, COLUMNS_GRAM },
};

/* ---- wishes */

int lm_wish_add(struct lm_wish *w, const char *word, int all, int rest)
{
    int found = -1;
    for (int r = 0; r < LM_N_RESULT; r++)
        if (!strcmp(results[r].word, word)) {
            w->result[r][LM_ALL] = all;
            w->result[r][LM_REST] = rest && !(r == LM_ROWS && all);
            found = 0;
        }
    return found;
}

int lm_wish_has_rows(const struct lm_wish *w)
{
    return w->result[LM_ROWS][LM_ALL] || w->result[LM_ROWS][LM_REST];
}

unsigned lm_wish_columns(const struct lm_wish *w)
{
    unsigned all = 0;
    for (int r = 0; r < LM_N_RESULT; r++)
        if (w->result[r][LM_ALL] || w->result[r][LM_REST])
            all |= results[r].columns;
    return all;
}

int lm_wish_has(const struct lm_wish *w, const struct lm_config *c, int layer, enum lm_site site)
{
    if (!(w->sites & 1u << site))
        return 0;
    if (layer < 0 || layer == c->n_layer)
        return site == (layer < 0 ? LM_AT_EMBED : LM_AT_FINAL);
    return site != LM_AT_EMBED && site != LM_AT_FINAL && w->in_layer[layer];
}

/* ---- plans */

struct lm_plan {
    const struct lm_config *config;
    const struct lm_wish *wish;
    struct lm_slot *slot; /* [n_lang][n_slot]; NULL while they are counted */
    size_t n_slot, n_bytes;
    size_t *first; /* [n_layer + 2][LM_N_SITE] slot of a site, layer -1 first */
    int too_large;
};

static size_t *first_of(const struct lm_plan *p, int layer, enum lm_site site)
{
    return &p->first[(size_t)(layer + 1) * LM_N_SITE + (size_t)site];
}

/* Sets a slot, whose name it takes over, if there are slots yet. */
static void set_slot(struct lm_plan *p, size_t slot, char *name, enum tensor_dtype dtype, int n_dim, size_t a,
                     size_t b)
{
    struct lm_slot *s = p->slot ? p->slot + slot : NULL;
    if (!s) {
        free(name);
        return;
    }
    s->t = (struct tensor){ .name = name,
                            .dtype = dtype,
                            .dtype_name = tensor_dtype_name(dtype),
                            .n_dim = n_dim,
                            .shape = { a, b } };
    s->at = p->n_bytes;
    p->too_large |= tensor_set_size(&s->t) < 0 || mem_add(p->n_bytes, s->t.n_bytes, &p->n_bytes) < 0;
}

static char *name_of(const struct lm_plan *p, int layer, enum lm_site site, int result, int part)
{
    const char *end = part == LM_REST ? ".rest" : "";
    if (layer < 0 || layer == p->config->n_layer)
        return xsprintf("%s%s%s", lm_site_name(site), results[result].name, end);
    return xsprintf("%d.%s%s%s", layer, lm_site_name(site), results[result].name, end);
}

/* From `slot` on the results of a site; returns the slot behind them. */
static size_t plan_site(struct lm_plan *p, size_t slot, const struct lm_count *n, int layer,
                        enum lm_site site)
{
    size_t width = lm_site_width(p->config, site);
    for (int r = 0; r < LM_N_RESULT; r++)
        for (int part = 0; part < LM_N_PART; part++) {
            if (!p->wish->result[r][part])
                continue;
            enum shape shape = results[r].shape;
            char *name = name_of(p, layer, site, r, part);
            if (shape == ROWS)
                set_slot(p, slot++, name, p->wish->dtype, 2, lm_count_of(n, part), width);
            else if (shape == MATRIX)
                set_slot(p, slot++, name, p->wish->dtype, 2, width, width);
            else
                set_slot(p, slot++, name, TENSOR_F64, 1, shape == SCALAR ? 1 : width, 0);
        }
    return slot;
}

/* The slots of a language from `slot` on; returns how many. */
static size_t plan_lang(struct lm_plan *p, size_t slot, const struct lm_count *n)
{
    static const char *const name[LM_N_TOKEN_TENSOR] = { "token.id", "token.line", "token.position" };
    size_t from = slot;
    for (int k = 0; k < LM_N_TOKEN_TENSOR && lm_wish_has_rows(p->wish); k++)
        set_slot(p, slot++, xstrdup(name[k]), TENSOR_I32, 1,
                 lm_count_of(n, p->wish->result[LM_ROWS][LM_REST] ? LM_REST : LM_ALL), 0);
    for (int layer = -1; layer <= p->config->n_layer; layer++)
        for (int site = 0; site < LM_N_SITE; site++) {
            *first_of(p, layer, (enum lm_site)site) = slot - from;
            if (lm_wish_has(p->wish, p->config, layer, (enum lm_site)site))
                slot = plan_site(p, slot, n, layer, (enum lm_site)site);
        }
    return slot - from;
}

struct lm_plan *lm_plan_new(const struct lm_config *c, const struct lm_wish *w, const struct lm_count *count,
                            size_t n_lang)
{
    struct lm_plan *p = xcalloc(1, sizeof *p);
    *p = (struct lm_plan){ .config = c, .wish = w };
    p->first = xcalloc((size_t)c->n_layer + 2, LM_N_SITE * sizeof *p->first);
    p->n_slot = plan_lang(p, 0, &count[0]);
    size_t n;
    p->too_large = mem_mul(n_lang, p->n_slot, &n) < 0;
    p->slot = xcalloc(p->too_large ? 1 : n + 1, sizeof *p->slot); /* the last has no name */
    for (size_t lang = 0; lang < n_lang && !p->too_large; lang++)
        plan_lang(p, lang * p->n_slot, &count[lang]);
    if (!p->too_large)
        return p;
    lm_plan_free(p);
    return NULL;
}

void lm_plan_free(struct lm_plan *p)
{
    if (!p)
        return;
    for (struct lm_slot *s = p->slot; s->t.name; s++)
        free((char *)s->t.name);
    free(p->slot);
    free(p->first);
    free(p);
}

size_t lm_plan_bytes(const struct lm_plan *p)
{
    return p->n_bytes;
}

const struct lm_slot *lm_plan_lang(const struct lm_plan *p, size_t lang, size_t *n)
{
    *n = p->n_slot;
    return p->slot + lang * p->n_slot;
}

const struct lm_slot *lm_plan_site(const struct lm_plan *p, size_t lang, int layer, enum lm_site site)
{
    return p->slot + lang * p->n_slot + *first_of(p, layer, site);
}
