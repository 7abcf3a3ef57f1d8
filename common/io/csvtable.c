/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/csvtable.h"
#include "base/fnv.h"
#include "base/mem.h"
#include "base/msg.h"
#include "io/csvin.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Text of many fields in one block: an allocation for each field would take longer than reading it. */
struct csvtable_text {
    struct csvtable_text *before;
    size_t used, room;
    char bytes[];
};

static char *keep(struct csvtable *t, const char *text, size_t n)
{
    enum { BLOCK = 1 << 20 };
    struct csvtable_text *b = t->text;
    if (!b || b->room - b->used < n) {
        size_t room = n > BLOCK ? n : BLOCK;
        b = xmalloc(sizeof *b + room);
        *b = (struct csvtable_text){ .before = t->text, .room = room };
        t->text = b;
    }
    char *kept = memcpy(b->bytes + b->used, text, n);
    b->used += n;
    return kept;
}

int csvtable_try_read(struct csvtable *t, const char *path, char **why)
{
    struct csvin *c = csvin_try_open(path);
    size_t cell_room = 0, line_room = 0;
    int got = csvin_error(c) ? -1 : 1;
    *t = (struct csvtable){ .path = xstrdup(csvin_path(c)), .n_col = csvin_columns(c) };
    t->name = xcalloc(t->n_col, sizeof *t->name);
    for (size_t i = 0; i < t->n_col; i++)
        t->name[i] = xstrdup(csvin_name(c, i));
    while (got > 0 && (got = csvin_try_next(c)) > 0) {
        xgrow(&t->cell, &cell_room, (t->n_row + 1) * t->n_col, sizeof *t->cell);
        xgrow(&t->line, &line_room, t->n_row + 1, sizeof *t->line);
        for (size_t i = 0; i < t->n_col; i++) {
            const char *text = csvin_text(c, i);
            t->cell[t->n_row * t->n_col + i] = keep(t, text, strlen(text) + 1);
        }
        t->line[t->n_row++] = csvin_line(c);
    }
    if (got < 0) {
        *why = xstrdup(csvin_error(c));
        csvtable_clear(t);
    }
    csvin_close(c);
    return got;
}

void csvtable_read(struct csvtable *t, const char *path)
{
    char *why;
    if (csvtable_try_read(t, path, &why) < 0)
        die("%s", why);
}

int csvtable_find(const struct csvtable *t, const char *name)
{
    return csvin_find_name(t->name, t->n_col, name);
}

size_t csvtable_need(const struct csvtable *t, const char *name)
{
    return csvin_need_name(t->path, t->name, t->n_col, name);
}

void csvtable_numbers(const struct csvtable *t, size_t column, double *v)
{
    for (size_t i = 0; i < t->n_row; i++) {
        const char *text = t->cell[i * t->n_col + column];
        if (csvin_parse_number(text, &v[i]) < 0)
            die("%s: line %zu: column '%s': '%s' is not a number", t->path, t->line[i], t->name[column],
                text);
    }
}

int csvtable_if_numeric(const struct csvtable *t, size_t column, double *v)
{
    int any = 0;
    for (size_t i = 0; i < t->n_row; i++) {
        if (csvin_parse_number(t->cell[i * t->n_col + column], &v[i]) < 0)
            return 0;
        any |= !isnan(v[i]);
    }
    return any;
}

/* Of the row's fields there, NUL bytes and all. */
static uint64_t hash(char *const *row, const size_t *column, size_t n_column)
{
    uint64_t h = FNV_START;
    for (size_t c = 0; c < n_column; c++)
        h = fnv_add(h, row[column[c]], strlen(row[column[c]]) + 1);
    return h;
}

static int same(char *const *a, char *const *b, const size_t *column, size_t n_column)
{
    for (size_t c = 0; c < n_column; c++)
        if (strcmp(a[column[c]], b[column[c]]) != 0)
            return 0;
    return 1;
}

size_t csvtable_levels(const struct csvtable *t, const size_t *column, size_t n_column, size_t *level,
                       size_t *first)
{
    size_t n = 0, size = 64;
    while (size < 2 * t->n_row)
        size *= 2;
    size_t *slot = xcalloc(size, sizeof *slot); /* level + 1, open addressing */
    for (size_t i = 0; i < t->n_row; i++) {
        char *const *row = t->cell + i * t->n_col;
        size_t h = (size_t)hash(row, column, n_column) & (size - 1);
        while (slot[h] && !same(t->cell + first[slot[h] - 1] * t->n_col, row, column, n_column))
            h = (h + 1) & (size - 1);
        if (!slot[h]) {
            first[n++] = i;
            slot[h] = n;
        }
        level[i] = slot[h] - 1;
    }
    free(slot);
    return n;
}

void csvtable_clear(struct csvtable *t)
{
    for (size_t i = 0; i < t->n_col; i++)
        free(t->name[i]);
    while (t->text) {
        struct csvtable_text *before = t->text->before;
        free(t->text);
        t->text = before;
    }
    free(t->cell);
    free(t->name);
    free(t->line);
    free(t->path);
    *t = (struct csvtable){ 0 };
}
