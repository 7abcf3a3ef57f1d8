/* csvtable.h - a whole CSV table in memory, its columns as text, numbers or levels.  Layer: io.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_CSVTABLE_H
#define IO_CSVTABLE_H
#include <stddef.h>

/* Fields are cell[row * n_col + col], owned by the table. */
struct csvtable {
    char *path;
    size_t n_row, n_col;
    char **name;                /* [n_col] */
    char **cell;                /* [n_row * n_col] */
    size_t *line;               /* [n_row], of the file, from 1 */
    struct csvtable_text *text; /* what the cells point into */
};

/* Reads all of path ("-" is stdin) by the rules of csvin.h. csvtable_try_read returns 0; or -1 with the
 * reason in *why, the caller's to free, and an empty table. csvtable_read ends the program. */
int csvtable_try_read(struct csvtable *t, const char *path, char **why);
void csvtable_read(struct csvtable *t, const char *path);
void csvtable_clear(struct csvtable *t);

/* The column of that name: -1 if there is none; or, with csvtable_need, the end of the program with a message
 * that lists what there is. */
int csvtable_find(const struct csvtable *t, const char *name);
size_t csvtable_need(const struct csvtable *t, const char *name);

/* The column as numbers into v[n_row]: NaN where it is missing (empty, NaN, NA, in any case). Text that is no
 * number ends the program. */
void csvtable_numbers(const struct csvtable *t, size_t column, double *v);
/* The same if every field of the column is a number or missing, and at least one is a number: then 1; else 0,
 * v is spoilt. */
int csvtable_if_numeric(const struct csvtable *t, size_t column, double *v);

/* The values of a column, or the combinations of values of several, as levels 0, 1, .. in order of first
 * appearance, into level[n_row]. Returns how many there are; row first[k] is the first of level k (first has
 * room for n_row). */
size_t csvtable_levels(const struct csvtable *t, const size_t *column, size_t n_column, size_t *level,
                       size_t *first);

#endif
