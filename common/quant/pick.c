/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/pick.h"
#include "base/mem.h"
#include "base/num.h"
#include <fnmatch.h>
#include <string.h>

enum kind { NAME, LAYER, ROLE, N_KIND };

static enum kind kind_of(const char *item, const char **rest)
{
    int layer = !strncmp(item, "layer:", 6), role = !strncmp(item, "role:", 5);
    *rest = item + (layer ? 6 : role ? 5 : 0);
    return layer ? LAYER : role ? ROLE : NAME;
}

int pick_layers(const char *text, int *first, int *last)
{
    char low[16];
    size_t n = strcspn(text, "-");
    int64_t from, to;
    if (n >= sizeof low)
        return -1;
    memcpy(low, text, n);
    low[n] = 0;
    if (num_parse_i64(low, &from) < 0 || num_parse_i64(text[n] ? text + n + 1 : low, &to) < 0)
        return -1;
    if (from < 0 || to < from || to > 1 << 20)
        return -1;
    *first = (int)from;
    *last = (int)to;
    return 0;
}

static int matches(const char *item, const struct pick_subject *s)
{
    const char *rest;
    int first, last;
    switch (kind_of(item, &rest)) {
    case LAYER:
        return !pick_layers(rest, &first, &last) && s->layer >= first && s->layer <= last;
    case ROLE:
        return s->role && !fnmatch(rest, s->role, 0);
    default:
        return !fnmatch(rest, s->name, 0);
    }
}

const char *pick_wrong(char *const *list)
{
    for (; list && *list; list++) {
        const char *rest;
        int first, last;
        enum kind kind = kind_of(*list, &rest);
        if (!*rest || (kind == LAYER && pick_layers(rest, &first, &last) < 0))
            return *list;
    }
    return NULL;
}

int pick_only(char *const *list, const struct pick_subject *s)
{
    int wanted[N_KIND] = { 0 }, found[N_KIND] = { 0 };
    for (; list && *list; list++) {
        const char *rest;
        enum kind kind = kind_of(*list, &rest);
        wanted[kind] = 1;
        found[kind] |= matches(*list, s);
    }
    for (int k = 0; k < N_KIND; k++)
        if (wanted[k] && !found[k])
            return 0;
    return 1;
}

int pick_any(char *const *list, const struct pick_subject *s)
{
    for (; list && *list; list++)
        if (matches(*list, s))
            return 1;
    return 0;
}

int pick_exactly(char *const *list, const struct pick_subject *s)
{
    for (; list && *list; list++) {
        const char *rest;
        enum kind kind = kind_of(*list, &rest);
        const char *whole = kind == ROLE ? s->role : kind == NAME ? s->name : NULL;
        if (whole && !strcmp(rest, whole))
            return 1;
    }
    return 0;
}

void pick_note(char *const *list, const struct pick_subject *s, char **used)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    if (!*used)
        *used = xcalloc(n + 1, 1);
    for (size_t i = 0; i < n; i++)
        (*used)[i] |= (char)matches(list[i], s);
}
