/* csvout.h - CSV tables out: RFC 4180, UTF-8, a header row, numbers that round-trip.  Layer: io.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_CSVOUT_H
#define IO_CSVOUT_H
#include <stddef.h>
#include <stdint.h>

struct csvout;

/* Opens path ("-" is stdout; a named file appears when it is complete) and, unless `header` is NULL, writes
 * the row of column names: comma-separated, each quoted if need be. Ends the program when it cannot. */
struct csvout *csvout_open(const char *path, const char *header);

/* The same with columns in front that are named by the user (`--by`, NULL-ended; NULL: none), whose names
 * must differ from each other and from the header's. csvout_by writes their fields of a row. */
struct csvout *csvout_open_by(const char *path, char *const *by, const char *header);
void csvout_by(struct csvout *c, char *const *values);

/* A table that grows, and keeps the rows of a program that was killed (outfile_append): rows are written
 * behind those that path holds, or behind the header in a new file. Ends the program when path holds another
 * table. csvout_flush gives the rows so far to the system. */
struct csvout *csvout_append(const char *path, const char *header);
void csvout_flush(struct csvout *c);

/* Fields of the current row, from the left; text is quoted where needed. A NaN is an empty field. */
void csvout_str(struct csvout *c, const char *text);
/* As csvout_str, for text that came with a file and may be shown on a terminal: control characters become
 * '?', but for line feeds and tabs. */
void csvout_safe(struct csvout *c, const char *text);
void csvout_strn(struct csvout *c, const char *text, size_t n);
void csvout_num(struct csvout *c, double v);
void csvout_int(struct csvout *c, int64_t v);
void csvout_end_row(struct csvout *c);

/* Flushes; ends the program when the disk is full. */
void csvout_close(struct csvout *c);

#endif
