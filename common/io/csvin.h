/* csvin.h - CSV tables in, by column name, through libcsv.  Layer: io.
 * RFC 4180, UTF-8 (a byte order mark is skipped), a header row always; gzip-compressed input is taken as it
 * is. Every row has as many fields as the header. Bad input ends the program: `prog: FILE: line 7: why`.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_CSVIN_H
#define IO_CSVIN_H
#include <stddef.h>

struct csvin;

/* Opens path ("-" is stdin) and reads the header. An input without one, a name that stands twice in it and an
 * empty name are errors. */
struct csvin *csvin_open(const char *path);
const char *csvin_path(const struct csvin *c);

/* Columns: how many, their names (borrowed until csvin_close), the index of a name; if there is none, the end
 * of the program with a message that lists what there is. */
size_t csvin_columns(const struct csvin *c);
const char *csvin_name(const struct csvin *c, size_t column);
size_t csvin_need(const struct csvin *c, const char *name);

/* Reads the next row: 1, or 0 at the clean end. Fields are borrowed until the next call. */
int csvin_next(struct csvin *c);
const char *csvin_text(const struct csvin *c, size_t column);

/* The field as a number; NaN when it is missing (empty, NaN, NA, in any case); anything else ends the
 * program. */
double csvin_number(const struct csvin *c, size_t column);

/* Line of the file on which the current row starts, from 1. */
size_t csvin_line(const struct csvin *c);
void csvin_close(struct csvin *c);

/* For a caller that has a choice: as csvin_open and csvin_next, but csvin_try_open opens always (unless the
 * file cannot be opened) and csvin_try_next returns -1 where the program would end. csvin_error is the
 * reason, place and all, borrowed; NULL while all is well. Nothing can be read after it. */
struct csvin *csvin_try_open(const char *path);
int csvin_try_next(struct csvin *c);
const char *csvin_error(const struct csvin *c);

/* For tables that are kept elsewhere: a field as csvin_number reads it, 0, or -1 when it is none; the index
 * of a name, -1 if it is not there; and what csvin_need does. */
int csvin_parse_number(const char *text, double *v);
int csvin_find_name(char *const *names, size_t n, const char *wanted);
size_t csvin_need_name(const char *path, char *const *names, size_t n, const char *wanted);

#endif
