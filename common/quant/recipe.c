/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/recipe.h"
#include "base/mem.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const quant_recipe_hows[] = { "bits", "grid",   "per",    "group", "clip",   "scale",
                                          "bias", "beyond", "method", "seed",  "rotate", NULL };
enum { N_HOW = sizeof quant_recipe_hows / sizeof *quant_recipe_hows - 1 };

struct row {
    size_t line;
    char *name, *role; /* NULL: any */
    int first, last;   /* layers; first -1: any, and none */
    char *how[N_HOW];  /* NULL: as usual */
    int used;
};

struct quant_recipe {
    struct row *row;
    size_t n, room;
    int has_moments;
};

struct quant_recipe *quant_recipe_new(int has_moments)
{
    struct quant_recipe *r = xcalloc(1, sizeof *r);
    r->has_moments = has_moments;
    return r;
}

void quant_recipe_free(struct quant_recipe *r)
{
    if (!r)
        return;
    for (struct row *w = r->row; w < r->row + r->n; w++) {
        free(w->name);
        free(w->role);
        for (int k = 0; k < N_HOW; k++)
            free(w->how[k]);
    }
    free(r->row);
    free(r);
}

static int find_how(const char *column)
{
    for (int k = 0; k < N_HOW; k++)
        if (!strcmp(quant_recipe_hows[k], column))
            return k;
    return -1;
}

int quant_recipe_column(const char *name)
{
    if (!strcmp(name, "name") || !strcmp(name, "layer") || !strcmp(name, "role"))
        return 1;
    return find_how(name) >= 0 ? 2 : 0;
}

void quant_recipe_row(struct quant_recipe *r, size_t line)
{
    xgrow(&r->row, &r->room, r->n + 1, sizeof *r->row);
    r->row[r->n++] = (struct row){ .line = line, .first = -1 };
}

/* group=N is per=group:N. */
static int set_how(struct quant_spec *s, int how, const char *text, char why[QUANT_WHY_MAX])
{
    char group[QUANT_TEXT_MAX];
    if (strcmp(quant_recipe_hows[how], "group") != 0)
        return quant_spec_set(s, quant_recipe_hows[how], text, why);
    snprintf(group, sizeof group, "group:%.60s", text);
    return quant_spec_set(s, "per", group, why);
}

int quant_recipe_set(struct quant_recipe *r, const char *column, const char *text, char why[QUANT_WHY_MAX])
{
    struct row *w = &r->row[r->n - 1];
    struct quant_spec any;
    int how = find_how(column);
    if (!*text)
        return 0;
    if (!strcmp(column, "name")) {
        w->name = xstrdup(text);
    } else if (!strcmp(column, "role")) {
        w->role = xstrdup(text);
    } else if (!strcmp(column, "layer")) {
        if (pick_layers(text, &w->first, &w->last) < 0) {
            snprintf(why, QUANT_WHY_MAX,
                     "layer: '%.60s' is not a layer (from 0) or a range of layers as 20-23", text);
            return -1;
        }
    } else if (how >= 0) {
        quant_spec_init(&any);
        any.has_moments = r->has_moments;
        if (set_how(&any, how, text, why) < 0)
            return -1;
        w->how[how] = xstrdup(text);
    }
    return 0;
}

static int is_for(const struct row *w, const struct pick_subject *s)
{
    return (!w->name || !fnmatch(w->name, s->name, 0)) &&
           (!w->role || (s->role && !fnmatch(w->role, s->role, 0))) &&
           (w->first < 0 || (s->layer >= w->first && s->layer <= w->last));
}

int quant_recipe_has(const struct quant_recipe *r, const struct pick_subject *s)
{
    const struct row *w = r->row, *end = w + r->n;
    while (w < end && !is_for(w, s))
        w++;
    return w < end;
}

int quant_recipe_apply(struct quant_recipe *r, const struct pick_subject *s, struct quant_spec *spec,
                       int *asked)
{
    char why[QUANT_WHY_MAX];
    for (struct row *w = r->row; w < r->row + r->n; w++) {
        if (!is_for(w, s))
            continue;
        w->used = 1;
        *asked = (w->role && !strcmp(w->role, s->role)) || (w->name && !strcmp(w->name, s->name));
        for (int k = 0; k < N_HOW; k++)
            if (w->how[k])
                set_how(spec, k, w->how[k], why); /* was tried before */
        return 1;
    }
    return 0;
}

size_t quant_recipe_unused(const struct quant_recipe *r)
{
    for (const struct row *w = r->row; w < r->row + r->n; w++)
        if (!w->used)
            return w->line;
    return 0;
}
