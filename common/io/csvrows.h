/* csvrows.h - the rows of a CSV table that one analysis is about.  Layer: io.
 * Columns of text may tell what is analysed apart (by), which of two groups a row is in, and which stratum
 * and cluster. A row is left out where a number that is used is missing or a text that is used is empty
 * ("nan" is text here: it is a language); those without a value of `by` once and for all, with a warning.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_CSVROWS_H
#define IO_CSVROWS_H
#include "io/csvtable.h"
#include <stdint.h>

/* Names of columns; NULL: there is none. */
struct csvrows_columns {
    char **by; /* one or several, NULL-ended: each combination of their values */
    const char *group, *stratum, *cluster;
    char **groups; /* two values of `group`, the first and the second one; NULL: it has just two */
};

struct csvrows {
    struct csvtable table;
    size_t n_by;     /* values of `by`, 1 without it */
    size_t n_missed; /* rows left out so far, each counted once */
    struct csvrows_detail *detail;
};

/* Reads path ("-" is stdin). Ends the program when a column is not there, or `group` has not two values. */
void csvrows_read(struct csvrows *r, const char *path, const struct csvrows_columns *columns);
void csvrows_clear(struct csvrows *r);

/* The texts that value k of `by` is, 0..n_by-1, one for each column; NULL without `by`. Borrowed. Its rows in
 * the order of the table: how many, and, unless row is NULL, which; borrowed. */
char *const *csvrows_by(const struct csvrows *r, size_t k);
size_t csvrows_rows(const struct csvrows *r, size_t k, const size_t **row);

/* A column as numbers, [n_row], by the rules of csvtable_numbers (text ends the program) or
 * csvtable_if_numeric (text gives NULL). Read once, borrowed. */
const double *csvrows_numbers(struct csvrows *r, size_t column);
const double *csvrows_if_numeric(struct csvrows *r, size_t column);

/* Those rows of value k that have numbers in all n_column columns, into value[n_column][rows], one column
 * after the other; returns how many. The columns have been read by a function above; value has room for
 * csvrows_rows(k) rows. May be called from several threads. */
size_t csvrows_gather(const struct csvrows *r, size_t k, const size_t *column, size_t n_column,
                      double *value);

/* The rows of value k of `by` that have numbers in columns x and (unless NULL) y; with `grouped` also a
 * group: rows of neither are not counted. The arrays are [n], in the order of the table, the selection's own.
 */
struct csvrows_selection {
    size_t n, n_missing;
    double *x, *y;     /* y is all 0 if it is not used */
    uint32_t *group;   /* 0: first, 1: second; all 0 without `grouped` */
    uint32_t *stratum; /* number of its value; all 0 without it */
    uint32_t *cluster; /* the same */
    size_t *row;       /* of the table */
};
void csvrows_select(struct csvrows *r, size_t k, const char *x, const char *y, int grouped,
                    struct csvrows_selection *s);
void csvrows_selection_clear(struct csvrows_selection *s);

#endif
