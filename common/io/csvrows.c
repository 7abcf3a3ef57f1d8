/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/csvrows.h"
#include "base/mem.h"
#include "base/msg.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Columns of text, mostly one; without any all rows have level 0. */
struct labels {
    size_t *level, *first; /* [n_row] */
    size_t n, n_column;
    char **text; /* [n][n_column], borrowed from the table */
};

struct csvrows_detail {
    struct labels by, group, stratum, cluster;
    size_t *row, *start; /* value k of `by` has rows row[start[k]] .. row[start[k + 1] - 1] */
    size_t group_level[2];
    double **number;       /* [n_col] columns read as numbers; NULL: not yet */
    unsigned char *missed; /* [n_row] */
};

static void read_labels(const struct csvtable *t, char *const *names, struct labels *l)
{
    size_t *column = NULL, n = 0;
    for (; names && names[n]; n++) {
        column = xrealloc(column, n + 1, sizeof *column);
        column[n] = csvtable_need(t, names[n]);
    }
    l->n_column = n;
    l->level = xcalloc(t->n_row, sizeof *l->level);
    l->first = xcalloc(t->n_row, sizeof *l->first);
    l->n = n ? csvtable_levels(t, column, n, l->level, l->first) : 1;
    l->text = xcalloc(l->n * n, sizeof *l->text);
    for (size_t i = 0; i < l->n * n; i++)
        l->text[i] = t->cell[l->first[i / n] * t->n_col + column[i % n]];
    free(column);
}

static void read_label(const struct csvtable *t, const char *name, struct labels *l)
{
    char *const names[] = { (char *)name, NULL };
    read_labels(t, names, l);
}

static void labels_clear(struct labels *l)
{
    free(l->level);
    free(l->first);
    free(l->text);
}

/* Whether a field of that level is empty. */
static int is_unnamed(const struct labels *l, size_t level)
{
    for (size_t c = 0; c < l->n_column; c++)
        if (!*l->text[level * l->n_column + c])
            return 1;
    return 0;
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

static char *join(char *const *names)
{
    char *all = xstrdup(*names);
    while (*++names) {
        char *more = xsprintf("%s,%s", all, *names);
        free(all);
        all = more;
    }
    return all;
}

/* Sorts the rows by their value of `by`; those that have none come last, as number n_by. */
static void sort_rows(struct csvrows *r, char *const *by)
{
    struct csvrows_detail *d = r->detail;
    struct labels *l = &d->by;
    size_t n_row = r->table.n_row, n_unnamed = 0, *number = xnew(l->n, sizeof *number);
    for (size_t k = 0; k < l->n; k++) {
        number[k] = is_unnamed(l, k) ? SIZE_MAX : r->n_by++;
        if (number[k] < k)
            memcpy(l->text + number[k] * l->n_column, l->text + k * l->n_column,
                   l->n_column * sizeof *l->text);
    }
    d->row = xnew(n_row, sizeof *d->row);
    d->start = xcalloc(r->n_by + 3, sizeof *d->start);
    for (size_t i = 0; i < n_row; i++) {
        size_t k = number[l->level[i]];
        n_unnamed += k == SIZE_MAX;
        l->level[i] = k == SIZE_MAX ? r->n_by : k;
        d->start[l->level[i] + 2]++;
    }
    for (size_t k = 2; k <= r->n_by + 1; k++)
        d->start[k] += d->start[k - 1];
    for (size_t i = 0; i < n_row; i++)
        d->row[d->start[l->level[i] + 1]++] = i;
    free(number);
    if (!n_unnamed)
        return;
    char *names = join(by);
    warn("%s: rows without '%s', which are left out: %zu", r->table.path, names, n_unnamed);
    free(names);
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
    read_label(t, c->group, &d->group);
    read_label(t, c->stratum, &d->stratum);
    read_label(t, c->cluster, &d->cluster);
    d->number = xcalloc(t->n_col, sizeof *d->number);
    d->missed = xcalloc(t->n_row, 1);
    sort_rows(r, c->by);
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
    free(d->row);
    free(d->start);
    labels_clear(&d->by);
    labels_clear(&d->group);
    labels_clear(&d->stratum);
    labels_clear(&d->cluster);
    free(d);
    csvtable_clear(&r->table);
}

char *const *csvrows_by(const struct csvrows *r, size_t k)
{
    const struct labels *l = &r->detail->by;
    return l->n_column ? l->text + k * l->n_column : NULL;
}

size_t csvrows_rows(const struct csvrows *r, size_t k, const size_t **row)
{
    const struct csvrows_detail *d = r->detail;
    if (row)
        *row = d->row + d->start[k];
    return d->start[k + 1] - d->start[k];
}

const double *csvrows_numbers(struct csvrows *r, size_t column)
{
    double **number = &r->detail->number[column];
    if (!*number) {
        *number = xnew(r->table.n_row, sizeof **number);
        csvtable_numbers(&r->table, column, *number);
    }
    return *number;
}

const double *csvrows_if_numeric(struct csvrows *r, size_t column)
{
    double **number = &r->detail->number[column];
    if (!*number) {
        *number = xnew(r->table.n_row, sizeof **number);
        if (!csvtable_if_numeric(&r->table, column, *number)) {
            free(*number);
            *number = NULL;
        }
    }
    return *number;
}

size_t csvrows_gather(const struct csvrows *r, size_t k, const size_t *column, size_t n_column, double *value)
{
    double *const *number = r->detail->number;
    const size_t *row;
    size_t n_row = csvrows_rows(r, k, &row), n = 0;
    for (size_t i = 0; i < n_row; i++) {
        int whole = 1;
        for (size_t c = 0; c < n_column; c++)
            whole &= !isnan(value[c * n_row + n] = number[column[c]][row[i]]);
        n += (size_t)whole;
    }
    for (size_t c = 1; c < n_column; c++)
        memmove(value + c * n, value + c * n_row, n * sizeof *value);
    return n;
}

void csvrows_select(struct csvrows *r, size_t k, const char *x, const char *y, int grouped,
                    struct csvrows_selection *s)
{
    struct csvrows_detail *d = r->detail;
    const double *vx = csvrows_numbers(r, csvtable_need(&r->table, x));
    const double *vy = y ? csvrows_numbers(r, csvtable_need(&r->table, y)) : NULL;
    const size_t *row;
    size_t room = csvrows_rows(r, k, &row), n = 0;
    *s = (struct csvrows_selection){ .x = xnew(room, sizeof *s->x),
                                     .y = xnew(room, sizeof *s->y),
                                     .group = xnew(room, sizeof *s->group),
                                     .stratum = xnew(room, sizeof *s->stratum),
                                     .cluster = xnew(room, sizeof *s->cluster),
                                     .row = xnew(room, sizeof *s->row) };
    for (size_t m = 0; m < room; m++) {
        size_t i = row[m], group = d->group.level[i], stratum = d->stratum.level[i],
               cluster = d->cluster.level[i];
        int unnamed = grouped && is_unnamed(&d->group, group);
        if (grouped && !unnamed && group != d->group_level[0] && group != d->group_level[1])
            continue;
        if (isnan(vx[i]) || (vy && isnan(vy[i])) || unnamed || is_unnamed(&d->stratum, stratum) ||
            is_unnamed(&d->cluster, cluster)) {
            s->n_missing++;
            r->n_missed += !d->missed[i];
            d->missed[i] = 1;
            continue;
        }
        s->x[n] = vx[i];
        s->y[n] = vy ? vy[i] : 0;
        s->group[n] = grouped && group == d->group_level[1];
        s->stratum[n] = (uint32_t)stratum;
        s->cluster[n] = (uint32_t)cluster;
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
