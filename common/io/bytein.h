/* bytein.h - bytes in, as they are meant: a file mapped, a pipe read, either inflated.  Layer: io.
 * A regular file that is not compressed is mapped. BGZF is inflated in parallel, any other gzip by zlib.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_BYTEIN_H
#define IO_BYTEIN_H
#include <stddef.h>
#include <stdint.h>

struct bytein;

/* Opens path ("-" is stdin, read from where it stands); n_thread inflate. NULL and a reason (static) when it
 * cannot be opened. */
struct bytein *bytein_open(const char *path, int n_thread, const char **why);
const char *bytein_path(const struct bytein *b); /* for messages: "standard input" or the name */

/* The next n bytes: borrowed from the mapped file, so they cost nothing and stay until bytein_close; or NULL,
 * taking none, when the file is not mapped or has less left. */
const void *bytein_borrow(struct bytein *b, size_t n);

/* Gives the whole pages of n borrowed bytes back to the system; they are read again should they be looked at
 * again. For those who take a mapped file in an order of their own: borrowing on and on releases by itself.
 * Nothing happens if the file is not mapped, or the bytes are none of its own. */
void bytein_release(const struct bytein *b, const void *bytes, size_t n);

/* Reads the next n bytes into out; with out NULL, passes over them. Returns n, or less at the end of the
 * input or on an error (see bytein_error). */
size_t bytein_read(struct bytein *b, void *out, size_t n);

/* The next n bytes without taking them, borrowed until the next call; NULL when fewer are at hand. For
 * telling kinds of input apart by their first bytes. */
const void *bytein_peek(struct bytein *b, size_t n);

/* Everything that is left, *n bytes, borrowed until bytein_close; NULL on an error. */
const void *bytein_all(struct bytein *b, size_t *n);

/* All of the small file at path, *n bytes, with a 0 behind them; the caller frees it. NULL and a reason
 * (static) when it cannot be read, or has more than `most`: *n is then larger. */
char *bytein_text(const char *path, size_t most, size_t *n, const char **why);

/* Bytes left, SIZE_MAX when that is not known before they are read. */
size_t bytein_left(const struct bytein *b);

/* NULL, or why reading stopped; *error_number is then that of the system, 0 when it could read but the data
 * are bad (corrupt or truncated compressed data). */
const char *bytein_error(const struct bytein *b, int *error_number);
void bytein_close(struct bytein *b);

#endif
