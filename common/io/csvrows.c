/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/csvrows.h"
#include "base/mem.h"
#include "base/msg.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A column of text; without it all rows have level 0 and a text. */
struct labels {
    size_t *level, *first; /* [n_row] */
    size_t n;
    char **text; /* [n], borrowed from the table */
};

struct csvrows_detail {
    struct labels by, group, stratum, cluster;
    size_t group_level[2];
    double **number;       /* [n_col] columns read as numbers; NULL: not yet */
    unsigned char *missed; /* [n_row] */
};

static void read_labels(const struct csvtable *t, const char *name, struct labels *l)
{
    l->level = xcalloc(t->n_row, sizeof *l->level);
    l->first = xcalloc(t->n_row, sizeof *l->first);
    l->n = 1;
    size_t column = name ? csvtable_need(t, name) : 0;
    if (name)
        l->n = csvtable_levels(t, column, l->level, l->first);
    l->text = xcalloc(l->n, sizeof *l->text);
    for (size_t k = 0; name && k < l->n; k++)
        l->text[k] = t->cell[l->first[k] * t->n_col + column];
}

static void labels_clear(struct labels *l)
{
    free(l->level);
    free(l->first);
    free(l->text);
}

/* Whether the row has an empty field there. */
static int is_unnamed(const struct labels *l, size_t row)
{
    const char *text = l->text[l->level[row]];
    return text && !*text;
}

static void find_groups(struct csvrows *r, const struct csvrows_columns *c)
{
    const struct labels *l = &r->detail->group;
    size_t *level = r->detail->group_level, n = 0, n_found = 0;
    for (size_t k = 0; k < l->n; k++) {
        if (!*l->text[k])
            continue;
        if (n < 2)
            level[n] = k;
        n++;
    }
    for (size_t k = 0; c->groups && k < l->n; k++)
        for (int g = 0; g < 2; g++)
            if (!strcmp(l->text[k], c->groups[g])) {
                level[g] = k;
                n_found++;
            }
    if (c->groups && n_found != 2)
        die("%s: column '%s' does not have both '%s' and '%s'", r->table.path, c->group, c->groups[0],
            c->groups[1]);
    if (!c->groups && n != 2)
        die("%s: column '%s' has %zu values where two groups are wanted", r->table.path, c->group, n);
}

void csvrows_read(struct csvrows *r, const char *path, const struct csvrows_columns *c)
{
    *r = (struct csvrows){ 0 };
    csvtable_read(&r->table, path);
    const struct csvtable *t = &r->table;
    if (t->n_row >= INT32_MAX)
        die("%s: more than %d rows", t->path, INT32_MAX);
    struct csvrows_detail *d = r->detail = xcalloc(1, sizeof *d);
    read_labels(t, c->by, &d->by);
    read_labels(t, c->group, &d->group);
    read_labels(t, c->stratum, &d->stratum);
    read_labels(t, c->cluster, &d->cluster);
    d->number = xcalloc(t->n_col, sizeof *d->number);
    d->missed = xcalloc(t->n_row, 1);
    r->n_by = d->by.n;
    if (c->group)
        find_groups(r, c);
}

void csvrows_clear(struct csvrows *r)
{
    struct csvrows_detail *d = r->detail;
    for (size_t i = 0; i < r->table.n_col; i++)
        free(d->number[i]);
    free(d->number);
    free(d->missed);
    labels_clear(&d->by);
    labels_clear(&d->group);
    labels_clear(&d->stratum);
    labels_clear(&d->cluster);
    free(d);
    csvtable_clear(&r->table);
}

const char *csvrows_by(const struct csvrows *r, size_t k)
{
    return r->detail->by.text[k];
}

static const double *numbers(struct csvrows *r, const char *name)
{
    size_t column = csvtable_need(&r->table, name);
    double **number = &r->detail->number[column];
    if (!*number) {
        *number = xnew(r->table.n_row, sizeof **number);
        csvtable_numbers(&r->table, column, *number);
    }
    return *number;
}

void csvrows_select(struct csvrows *r, size_t k, const char *x, const char *y, int grouped,
                    struct csvrows_selection *s)
{
    struct csvrows_detail *d = r->detail;
    const double *vx = numbers(r, x), *vy = y ? numbers(r, y) : NULL;
    size_t room = r->table.n_row, n = 0;
    *s = (struct csvrows_selection){ .x = xnew(room, sizeof *s->x),
                                     .y = xnew(room, sizeof *s->y),
                                     .group = xnew(room, sizeof *s->group),
                                     .stratum = xnew(room, sizeof *s->stratum),
                                     .cluster = xnew(room, sizeof *s->cluster),
                                     .row = xnew(room, sizeof *s->row) };
    for (size_t i = 0; i < room; i++) {
        size_t group = d->group.level[i];
        if (d->by.level[i] != k || (grouped && !is_unnamed(&d->group, i) && group != d->group_level[0] &&
                                    group != d->group_level[1]))
            continue;
        if (isnan(vx[i]) || (vy && isnan(vy[i])) || (grouped && is_unnamed(&d->group, i)) ||
            is_unnamed(&d->stratum, i) || is_unnamed(&d->cluster, i)) {
            s->n_missing++;
            r->n_missed += !d->missed[i];
            d->missed[i] = 1;
            continue;
        }
        s->x[n] = vx[i];
        s->y[n] = vy ? vy[i] : 0;
        s->group[n] = grouped && group == d->group_level[1];
        s->stratum[n] = (uint32_t)d->stratum.level[i];
        s->cluster[n] = (uint32_t)d->cluster.level[i];
        s->row[n++] = i;
    }
    s->n = n;
}

void csvrows_selection_clear(struct csvrows_selection *s)
{
    free(s->x);
    free(s->y);
    free(s->group);
    free(s->stratum);
    free(s->cluster);
    free(s->row);
    *s = (struct csvrows_selection){ 0 };
}
