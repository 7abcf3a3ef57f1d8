/* linein.h - lines of text in, plain or gzip-compressed.  Layer: io.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_LINEIN_H
#define IO_LINEIN_H
#include "io/bytein.h"
#include <stddef.h>

struct linein;

/* path "-" is stdin. Ends the program when it cannot be opened; so do the functions below when it cannot be
 * read or a compressed file is cut. */
struct linein *linein_open(const char *path);
/* The same from what has been opened, and perhaps looked into by bytein_peek; takes `in` over. */
struct linein *linein_open_bytes(struct bytein *in);
const char *linein_path(const struct linein *l); /* for messages: "standard input" or the name */

/* The next line, without its line feed (a carriage return before it stays), in *text, borrowed until the next
 * call and followed by a NUL byte. Bytes may be anything. Returns 1, or 0 at the end; a last line without a
 * line feed counts. */
int linein_next(struct linein *l, char **text, size_t *n);
size_t linein_number(const struct linein *l); /* of the line last given, from 1 */
int linein_had_feed(const struct linein *l);  /* whether that line ended with a line feed */

/* As linein_next, for text: ends the program unless the line is UTF-8 without NUL bytes (`prog: FILE: line 3:
 * why`), and takes a carriage return before the line feed for part of the line's end, which is said once. */
int linein_next_utf8(struct linein *l, char **text, size_t *n);

/* For a caller that has a choice: as linein_next, but -1 where the line is not UTF-8, has NUL bytes or cannot
 * be read, with the reason (place and all) in linein_error, borrowed. Nothing can be read after it. */
int linein_try_next_utf8(struct linein *l, char **text, size_t *n);
const char *linein_error(const struct linein *l);
void linein_close(struct linein *l);

#endif
