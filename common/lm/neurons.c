/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/neurons.h"
#include "base/mem.h"
#include "io/tstream.h"
#include "lm/site.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What writes a neuron has its row, what reads it its column. */
static const struct {
    const char *site;
    enum lm_role role;
    enum lm_neurons_side side;
} owned[] = {
    { "attn_in", LM_ATTN_QKV, LM_NEURONS_COLUMNS },  { "attn_in", LM_ATTN_Q, LM_NEURONS_COLUMNS },
    { "attn_in", LM_ATTN_K, LM_NEURONS_COLUMNS },    { "attn_in", LM_ATTN_V, LM_NEURONS_COLUMNS },
    { "attn_mix", LM_ATTN_OUT, LM_NEURONS_COLUMNS }, { "attn_out", LM_ATTN_OUT, LM_NEURONS_ROWS },
    { "mlp_in", LM_MLP_GATE, LM_NEURONS_COLUMNS },   { "mlp_in", LM_MLP_UP, LM_NEURONS_COLUMNS },
    { "mlp_act", LM_MLP_GATE, LM_NEURONS_ROWS },     { "mlp_act", LM_MLP_UP, LM_NEURONS_ROWS },
    { "mlp_act", LM_MLP_DOWN, LM_NEURONS_COLUMNS },  { "mlp_out", LM_MLP_DOWN, LM_NEURONS_ROWS },
    { "resid", LM_ATTN_OUT, LM_NEURONS_ROWS },       { "resid", LM_MLP_DOWN, LM_NEURONS_ROWS },
};

enum lm_neurons_side lm_neurons_side(const char *site, enum lm_role role)
{
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        if (!strcmp(owned[i].site, site) && owned[i].role == role)
            return owned[i].side;
    return LM_NEURONS_NONE;
}

int lm_neurons_name(const char *name, int *layer, const char **site, size_t *site_len, const char **measure)
{
    const char *p = name;
    int number = 0;
    for (; *p >= '0' && *p <= '9' && number < 100000; p++)
        number = 10 * number + (*p - '0');
    if (p > name && (*p++ != '.' || (*name == '0' && p > name + 2)))
        return 0;
    *layer = p > name ? number : -1;
    *site = p;
    *site_len = strcspn(p, ".");
    *measure = p + *site_len + (p[*site_len] == '.');
    for (int s = 0; s < LM_N_SITE; s++)
        if (strlen(lm_site_name(s)) == *site_len && !memcmp(lm_site_name(s), p, *site_len))
            return 1;
    return 0;
}

/* ---- choosing */

struct choice {
    size_t lang, width;
    int layer;
    size_t *top; /* [n_top] */
};

struct lm_neurons {
    size_t n_top;
    char **lang;
    size_t n_lang, lang_room;
    struct choice *choice;
    size_t n_choice, choice_room;
};

static int fail(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, LM_NEURONS_WHY_MAX, format, args);
    va_end(args);
    return -1;
}

struct ranked {
    double value;
    size_t place;
};

static int larger_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

static int rising(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static int choose(struct choice *c, const struct tensor *t, size_t n_top, char *why)
{
    struct ranked *all = xnew(t->n, sizeof *all);
    int bad = 0;
    for (size_t i = 0; i < t->n && !bad; i++) {
        all[i].place = i;
        bad = tensor_to_f64(t, i, 1, &all[i].value) < 0 || !isfinite(all[i].value);
    }
    if (!bad) {
        qsort(all, t->n, sizeof *all, larger_first);
        c->top = xnew(n_top, sizeof *c->top);
        for (size_t i = 0; i < n_top; i++)
            c->top[i] = all[i].place;
        qsort(c->top, n_top, sizeof *c->top, rising);
    }
    free(all);
    return bad ? fail(why, "'%.100s': has a value that is not finite", t->name) : 0;
}

static size_t lang_of(struct lm_neurons *n, const char *lang)
{
    size_t i = 0;
    while (i < n->n_lang && strcmp(n->lang[i], lang))
        i++;
    if (i == n->n_lang) {
        xgrow(&n->lang, &n->lang_room, i + 1, sizeof *n->lang);
        n->lang[n->n_lang++] = xstrdup(lang);
    }
    return i;
}

static const struct choice *find(const struct lm_neurons *n, size_t lang, int layer)
{
    for (size_t i = 0; i < n->n_choice; i++)
        if (n->choice[i].lang == lang && n->choice[i].layer == layer)
            return &n->choice[i];
    return NULL;
}

static int take(struct lm_neurons *n, const struct tensor *t, int layer, const char *lang, char *why)
{
    if (!lang)
        return fail(why, "'%.100s': its frame does not say a language (lang)", t->name);
    struct choice c = { .lang = lang_of(n, lang), .width = t->n, .layer = layer };
    if (find(n, c.lang, layer))
        return fail(why, "'%.100s': is there twice for '%.100s'", t->name, lang);
    if (t->n < n->n_top)
        return fail(why, "'%.100s': has %zu neurons, fewer than %zu", t->name, t->n, n->n_top);
    if (choose(&c, t, n->n_top, why) < 0)
        return -1;
    xgrow(&n->choice, &n->choice_room, n->n_choice + 1, sizeof *n->choice);
    n->choice[n->n_choice++] = c;
    return 0;
}

static int is_wanted(const char *name, const char *site, const char *measure, int *layer)
{
    const char *has_site, *has_measure;
    size_t len;
    return lm_neurons_name(name, layer, &has_site, &len, &has_measure) && *layer >= 0 &&
           strlen(site) == len && !memcmp(site, has_site, len) && !strcmp(measure, has_measure);
}

static int read_all(struct lm_neurons *n, struct ts_reader *in, const char *site, const char *measure,
                    char *why)
{
    char seen[120] = "";
    struct tensor t;
    int got, layer;
    while ((got = ts_next(in, &t)) > 0) {
        if (!*seen)
            snprintf(seen, sizeof seen, "%s", t.name);
        if (is_wanted(t.name, site, measure, &layer) && take(n, &t, layer, ts_meta(in, "lang"), why) < 0)
            return -1;
    }
    if (got < 0)
        return fail(why, "%s", ts_error(in));
    if (!n->n_choice && *seen)
        return fail(why, "no tensor is called LAYER.%s.%s, the first is '%s'", site, measure, seen);
    return n->n_choice ? 0 : fail(why, "has no tensors");
}

struct lm_neurons *lm_neurons_read(const char *path, const char *site, const char *measure, size_t top,
                                   int n_thread, char why[LM_NEURONS_WHY_MAX])
{
    const char *reason;
    struct ts_reader *in = ts_open(path, n_thread, &reason);
    if (!in) {
        fail(why, "%s", reason);
        return NULL;
    }
    struct lm_neurons *n = xcalloc(1, sizeof *n);
    n->n_top = top;
    int status = read_all(n, in, site, measure, why);
    ts_close(in);
    if (!status)
        return n;
    lm_neurons_free(n);
    return NULL;
}

void lm_neurons_free(struct lm_neurons *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n_lang; i++)
        free(n->lang[i]);
    for (size_t i = 0; i < n->n_choice; i++)
        free(n->choice[i].top);
    free(n->lang);
    free(n->choice);
    free(n);
}

size_t lm_neurons_n_lang(const struct lm_neurons *n)
{
    return n->n_lang;
}

const char *lm_neurons_lang(const struct lm_neurons *n, size_t lang)
{
    return n->lang[lang];
}

const size_t *lm_neurons_top(const struct lm_neurons *n, size_t lang, int layer, size_t *width)
{
    const struct choice *c = find(n, lang, layer);
    if (!c)
        return NULL;
    *width = c->width;
    return c->top;
}

int lm_neurons_last_layer(const struct lm_neurons *n)
{
    int last = -1;
    for (size_t i = 0; i < n->n_choice; i++)
        last = n->choice[i].layer > last ? n->choice[i].layer : last;
    return last;
}
