/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/grams.h"
#include "base/mem.h"
#include "base/num.h"
#include "io/scratch.h"
#include "io/tstream.h"
#include "lm/neurons.h"
#include "lm/plan.h"
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A gram of a site in a layer, and where it is among those of a language, in doubles. */
struct place {
    int layer;
    enum lm_site site;
    size_t width, at;
    size_t seen;     /* frames that had it */
    double *absmean; /* [width] the sum so far */
    size_t n_absmean;
};

struct lm_grams {
    struct place *place;
    size_t n_place, place_room, n_double; /* of all grams of a language */
    char **lang;
    double *weight; /* [n_lang] */
    char **lines;   /* [n_lang] NULL: not known */
    size_t n_lang, lang_room, weight_room, lines_room;
    int apart;
    size_t memory_left;
    struct scratch **store; /* [n_lang]; or one */
    double scale;           /* of what is stored */
    size_t n_store, store_room;
    double *row;
};

static int fail(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, LM_GRAMS_WHY_MAX, format, args);
    va_end(args);
    return -1;
}

/* ---- mixes */

static int parse_item(struct lm_mix *m, const char *item, char *why)
{
    size_t n = strcspn(item, "=");
    double weight = 1;
    if (!n || (item[n] && (num_parse_f64(item + n + 1, &weight) < 0 || !(weight > 0) || !isfinite(weight))))
        return fail(why, "'%.60s' is not LANG or LANG=WEIGHT, a weight above 0", item);
    for (size_t i = 0; i < m->n; i++)
        if (strlen(m->name[i]) == n && !memcmp(m->name[i], item, n))
            return fail(why, "'%.60s' is there twice", m->name[i]);
    m->name[m->n] = xstrndup(item, n);
    m->weight[m->n++] = weight;
    return 0;
}

int lm_mix_parse(struct lm_mix *m, char *const *list, char why[LM_GRAMS_WHY_MAX])
{
    static const char *const kinds[] = { "pooled", "balanced", "minmax" };
    size_t n = 0;
    while (list[n])
        n++;
    *m = (struct lm_mix){ .kind = LM_MIX_NAMED };
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < LM_MIX_NAMED; k++)
            if (!strcmp(list[i], kinds[k])) {
                m->kind = (enum lm_mix_kind)k;
                return n == 1 ? 0 : fail(why, "'%s' is all of a mix", list[i]);
            }
    m->name = xnew(n, sizeof *m->name);
    m->weight = xnew(n, sizeof *m->weight);
    for (size_t i = 0; i < n; i++)
        if (parse_item(m, list[i], why) < 0) {
            lm_mix_clear(m);
            return -1;
        }
    return 0;
}

void lm_mix_clear(struct lm_mix *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->name[i]);
    free(m->name);
    free(m->weight);
    *m = (struct lm_mix){ 0 };
}

/* ---- reading */

static struct place *find(const struct lm_grams *g, int layer, enum lm_site site)
{
    for (size_t i = 0; i < g->n_place; i++)
        if (g->place[i].layer == layer && g->place[i].site == site)
            return &g->place[i];
    return NULL;
}

/* What a tensor is: "gram", "absmean" or NULL; with_rest tells which of the two kinds is read. */
static const char *kind_of(const struct tensor *t, int with_rest, int *layer, enum lm_site *site)
{
    static const char *const kinds[2][2] = { { "gram", "absmean" }, { "gram.rest", "absmean.rest" } };
    const char *name, *measure;
    size_t n;
    if (!lm_neurons_name(t->name, layer, &name, &n, &measure))
        return NULL;
    char site_name[32];
    snprintf(site_name, sizeof site_name, "%.*s", (int)n, name);
    *site = (enum lm_site)lm_site_find(site_name);
    for (int k = 0; k < 2; k++)
        if (!strcmp(measure, kinds[with_rest][k]))
            return kinds[0][k];
    return NULL;
}

/* Whether the frame has grams without the first tokens, and none with them. */
static int has_rest_only(const struct ts_reader *in)
{
    int layer, rest = 0;
    enum lm_site site;
    for (size_t i = 0; i < ts_frame_tensors(in); i++) {
        const char *kind = kind_of(ts_frame_tensor(in, i), 0, &layer, &site);
        if (kind && !strcmp(kind, "gram"))
            return 0;
        kind = kind_of(ts_frame_tensor(in, i), 1, &layer, &site);
        rest |= kind && !strcmp(kind, "gram");
    }
    return rest;
}

static int add_place(struct lm_grams *g, const struct tensor *t, int layer, enum lm_site site, char *why)
{
    size_t n;
    if (t->n_dim != 2 || t->shape[0] != t->shape[1] || !t->n)
        return fail(why, "'%.100s': a second moment is square", t->name);
    if (find(g, layer, site))
        return fail(why, "'%.100s': is there twice", t->name);
    if (mem_add(g->n_double, t->n, &n) < 0 || n > SIZE_MAX / sizeof(double) / 2)
        return fail(why, "the moments are too large");
    xgrow(&g->place, &g->place_room, g->n_place + 1, sizeof *g->place);
    g->place[g->n_place++] =
        (struct place){ .layer = layer, .site = site, .width = t->shape[0], .at = g->n_double };
    g->n_double = n;
    return 0;
}

static int learn_places(struct lm_grams *g, const struct ts_reader *in, int with_rest, char *why)
{
    size_t widest = 0;
    for (size_t i = 0; i < ts_frame_tensors(in); i++) {
        const struct tensor *t = ts_frame_tensor(in, i);
        enum lm_site site;
        int layer;
        const char *kind = kind_of(t, with_rest, &layer, &site);
        if (!kind || strcmp(kind, "gram") != 0)
            continue;
        if (add_place(g, t, layer, site, why) < 0)
            return -1;
        widest = t->shape[0] > widest ? t->shape[0] : widest;
    }
    if (!g->n_place)
        return fail(why, "there is no second moment: it takes actdump --reduce gram");
    g->row = xnew(widest, sizeof *g->row);
    return 0;
}

static void add_store(struct lm_grams *g)
{
    size_t n_bytes = g->n_double * sizeof(double);
    int in_file = n_bytes > g->memory_left;
    if (!in_file)
        g->memory_left -= n_bytes;
    xgrow(&g->store, &g->store_room, g->n_store + 1, sizeof *g->store);
    g->store[g->n_store++] = scratch_new(n_bytes, in_file);
}

/* Two vectors of numbers that have nothing to do with each other, between -1 and 1. */
static double probe(size_t i, uint32_t factor)
{
    return (double)(uint32_t)((uint32_t)(i + 1) * factor) * 0x1p-31 - 1;
}

/* Adds weight times t to the sum, or takes it as it is. That A is symmetric is seen from u A v = v A u. */
static int take_gram(struct lm_grams *g, const struct place *p, const struct tensor *t, double weight,
                     char *why)
{
    size_t n = p->width;
    double *row = g->row, *sum = scratch_bytes(g->store[g->n_store - 1]), left = 0, right = 0, size = 0;
    if (t->n_dim != 2 || t->shape[0] != n || t->shape[1] != n)
        return fail(why, "'%.100s': has another shape than that of the first language", t->name);
    sum += p->at;
    for (size_t i = 0; i < n; i++, sum += n) {
        double u = probe(i, 2654435761U), v = probe(i, 2246822519U);
        if (tensor_to_f64(t, i * n, n, row) < 0)
            return fail(why, "'%.100s': is not of numbers", t->name);
        for (size_t j = 0; j < n; j++) {
            left += u * row[j] * probe(j, 2246822519U);
            right += v * row[j] * probe(j, 2654435761U);
            size += fabs(row[j]);
        }
        for (size_t j = 0; j < n; j++)
            sum[j] = g->apart ? row[j] : sum[j] + weight * row[j];
    }
    if (!isfinite(size))
        return fail(why, "'%.100s': has a value that is not finite", t->name);
    return fabs(left - right) <= 1e-6 * size ? 0 : fail(why, "'%.100s': is not symmetric", t->name);
}

static int take_absmean(struct lm_grams *g, struct place *p, const struct tensor *t, double weight, char *why)
{
    if (t->n != p->width)
        return fail(why, "'%.100s': is not as wide as the second moment", t->name);
    if (!p->absmean)
        p->absmean = xcalloc(p->width, sizeof *p->absmean);
    if (tensor_to_f64(t, 0, p->width, g->row) < 0)
        return fail(why, "'%.100s': is not of numbers", t->name);
    for (size_t j = 0; j < p->width; j++) {
        if (!(g->row[j] >= 0 && isfinite(g->row[j])))
            return fail(why, "'%.100s': has a value that is not finite", t->name);
        p->absmean[j] += weight * g->row[j];
    }
    p->n_absmean++;
    return 0;
}

/* What a language of so many tokens counts for. */
static double weigh(const struct lm_mix *mix, const char *lang, double n_token)
{
    if (mix->kind == LM_MIX_BALANCED)
        return 1;
    if (mix->kind != LM_MIX_NAMED)
        return n_token;
    for (size_t i = 0; i < mix->n; i++)
        if (!strcmp(mix->name[i], lang))
            return mix->weight[i];
    return 0;
}

/* The tokens that the frame says its moments are of, 0 if it does not. */
static double tokens_of(const struct ts_reader *in, int with_rest)
{
    const char *tokens = ts_meta(in, "n_tokens"), *first = ts_meta(in, "n_first");
    int64_t n, n_first = 0;
    if (!tokens || num_parse_i64(tokens, &n) < 0 ||
        (with_rest && (!first || num_parse_i64(first, &n_first) < 0)) || n_first < 0 || n <= n_first)
        return 0;
    return (double)(n - n_first);
}

static void add_lang(struct lm_grams *g, const char *lang, const char *lines, double weight)
{
    xgrow(&g->lang, &g->lang_room, g->n_lang + 2, sizeof *g->lang);
    xgrow(&g->weight, &g->weight_room, g->n_lang + 1, sizeof *g->weight);
    xgrow(&g->lines, &g->lines_room, g->n_lang + 1, sizeof(*g->lines));
    g->lang[g->n_lang] = xstrdup(lang);
    g->lines[g->n_lang] = lines ? xstrdup(lines) : NULL;
    g->weight[g->n_lang++] = weight;
    g->lang[g->n_lang] = NULL;
    if (g->apart || !g->n_store)
        add_store(g);
}

static int take_frame(struct lm_grams *g, struct ts_reader *in, const struct lm_mix *mix, char *why)
{
    const char *lang = ts_meta(in, "lang");
    int with_rest = has_rest_only(in), got;
    struct tensor t;
    if (!lang || !*lang)
        return fail(why, "frame %zu does not say its language (lang)", ts_frame(in));
    for (size_t i = 0; i < g->n_lang; i++)
        if (!strcmp(g->lang[i], lang))
            return fail(why, "language '%.60s' is there twice", lang);
    if (!g->n_lang && learn_places(g, in, with_rest, why) < 0)
        return -1;
    double n_token = tokens_of(in, with_rest), weight = weigh(mix, lang, n_token);
    if (!n_token && (mix->kind == LM_MIX_POOLED || mix->kind == LM_MIX_MINMAX))
        return fail(why, "%.60s: its frame does not say of how many tokens it is (n_tokens)", lang);
    add_lang(g, lang, ts_meta(in, "lines"), weight);
    while ((got = ts_next_in_frame(in, &t)) > 0) {
        enum lm_site site;
        int layer;
        const char *kind = kind_of(&t, with_rest, &layer, &site);
        struct place *p = kind ? find(g, layer, site) : NULL;
        if (!p && kind && !strcmp(kind, "gram"))
            return fail(why, "'%.100s': the first language has none", t.name);
        if (!p)
            continue;
        if (!strcmp(kind, "absmean")) {
            if (take_absmean(g, p, &t, weight, why) < 0)
                return -1;
            continue;
        }
        p->seen++;
        if (take_gram(g, p, &t, weight, why) < 0)
            return -1;
    }
    for (size_t i = 0; i < g->n_place && !got; i++)
        if (g->place[i].seen != g->n_lang)
            return fail(why, "language '%.60s' has no %s of layer %d", lang, lm_site_name(g->place[i].site),
                        g->place[i].layer);
    return got < 0 ? fail(why, "%.400s", ts_error(in)) : 0;
}

/* Weights whose sum is 1, once all languages are there. */
static int finish(struct lm_grams *g, const struct lm_mix *mix, char *why)
{
    double sum = 0;
    for (size_t i = 0; i < mix->n; i++) {
        size_t k = 0;
        while (k < g->n_lang && strcmp(g->lang[k], mix->name[i]) != 0)
            k++;
        if (k == g->n_lang)
            return fail(why, "there is no language '%.60s'", mix->name[i]);
    }
    if (!g->n_lang)
        return fail(why, "there is no second moment: it takes actdump --reduce gram");
    for (size_t i = 0; i < g->n_lang; i++)
        sum += g->weight[i];
    for (size_t i = 0; i < g->n_lang; i++)
        g->weight[i] /= sum;
    for (size_t i = 0; i < g->n_place; i++) {
        struct place *p = &g->place[i];
        for (size_t j = 0; p->absmean && j < p->width; j++)
            p->absmean[j] /= sum;
    }
    g->scale = g->apart ? 1 : 1 / sum;
    return 0;
}

struct lm_grams *lm_grams_read(const char *path, const struct lm_mix *mix, int apart, size_t memory_bytes,
                               int n_thread, char why[LM_GRAMS_WHY_MAX])
{
    struct lm_grams *g = xcalloc(1, sizeof *g);
    const char *reason;
    struct ts_reader *in = ts_open(path, n_thread, &reason);
    int status = in ? 0 : fail(why, "%.400s", reason), got = 0;
    g->apart = apart;
    g->memory_left = memory_bytes;
    while (!status && (got = ts_next_frame(in)) > 0)
        status = take_frame(g, in, mix, why);
    if (!status && got < 0)
        status = fail(why, "%.400s", ts_error(in));
    if (!status)
        status = finish(g, mix, why);
    if (in)
        ts_close(in);
    if (!status)
        return g;
    lm_grams_free(g);
    return NULL;
}

struct lm_grams *lm_grams_of_site(const struct lm_plan *plan, const char *store, int layer, enum lm_site site,
                                  char *const *lang, const struct lm_count *count, size_t n_lang,
                                  const struct lm_mix *mix, int apart, size_t memory_bytes,
                                  char why[LM_GRAMS_WHY_MAX])
{
    struct lm_grams *g = xcalloc(1, sizeof *g);
    g->apart = apart;
    g->memory_left = memory_bytes;
    int status = add_place(g, &lm_plan_site(plan, 0, layer, site)->t, layer, site, why);
    g->row = xnew(g->n_place ? g->place[0].width : 0, sizeof *g->row);
    for (size_t k = 0; k < n_lang && !status; k++) {
        const struct lm_slot *slot = lm_plan_site(plan, k, layer, site);
        struct tensor t = slot->t;
        if (!count[k].n_all)
            continue;
        double weight = weigh(mix, lang[k], (double)count[k].n_all);
        add_lang(g, lang[k], NULL, weight);
        t.data = store + slot->at;
        status = take_gram(g, &g->place[0], &t, weight, why);
    }
    if (!status)
        status = finish(g, mix, why);
    if (!status)
        return g;
    lm_grams_free(g);
    return NULL;
}

void lm_grams_free(struct lm_grams *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n_store; i++)
        scratch_free(g->store[i]);
    for (size_t i = 0; i < g->n_lang; i++) {
        free(g->lang[i]);
        free(g->lines[i]);
    }
    for (size_t i = 0; i < g->n_place; i++)
        free(g->place[i].absmean);
    free(g->store);
    free(g->lang);
    free(g->lines);
    free(g->weight);
    free(g->place);
    free(g->row);
    free(g);
}

/* ---- results */

size_t lm_grams_n_lang(const struct lm_grams *g)
{
    return g->n_lang;
}

const char *lm_grams_lines(const struct lm_grams *g, size_t lang)
{
    return g->lines[lang];
}

char *const *lm_grams_langs(const struct lm_grams *g)
{
    return g->lang;
}

int lm_grams_are_apart(const struct lm_grams *g)
{
    return g->apart;
}

double lm_grams_weight(const struct lm_grams *g, size_t lang)
{
    return g->weight[lang];
}

size_t lm_grams_width(const struct lm_grams *g, int layer, enum lm_site site)
{
    const struct place *p = find(g, layer, site);
    return p ? p->width : 0;
}

static void read_one(const struct lm_grams *g, const struct place *p, size_t store, double *out)
{
    size_t n = p->width * p->width;
    const double *sum = (const double *)scratch_bytes(g->store[store]) + p->at;
    for (size_t i = 0; i < n; i++)
        out[i] = sum[i] * g->scale;
}

void lm_grams_of(const struct lm_grams *g, int layer, enum lm_site site, size_t lang, double *out)
{
    read_one(g, find(g, layer, site), lang, out);
}

void lm_grams_mixed(const struct lm_grams *g, int layer, enum lm_site site, double *out)
{
    const struct place *p = find(g, layer, site);
    size_t n = p->width * p->width;
    if (!g->apart) {
        read_one(g, p, 0, out);
        return;
    }
    double *one = xaligned(n, sizeof *one);
    memset(out, 0, n * sizeof *out);
    for (size_t lang = 0; lang < g->n_lang; lang++) {
        read_one(g, p, lang, one);
        for (size_t i = 0; i < n; i++)
            out[i] += g->weight[lang] * one[i];
    }
    free(one);
}

const double *lm_grams_absmean(const struct lm_grams *g, int layer, enum lm_site site)
{
    const struct place *p = find(g, layer, site);
    return p && p->n_absmean == g->n_lang ? p->absmean : NULL;
}
