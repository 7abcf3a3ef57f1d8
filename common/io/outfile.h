/* outfile.h - output that is whole or not there.  Layer: io.
 * A named file is written under a temporary name beside it and renamed when it is complete; the temporary
 * file is removed when the program ends in any other way, by a signal too. "-" is stdout.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_OUTFILE_H
#define IO_OUTFILE_H
#include <stddef.h>
#include <sys/uio.h>

struct outfile;

/* path "-" is stdout. Ends the program when the file cannot be made. `binary`: refuse a terminal. Names that
 * are no regular file (/dev/null, a fifo) are written in place. */
struct outfile *outfile_open(const char *path, int binary);
/* For a file that grows and may be cut short: opens path to be written behind what it holds, or makes it, and
 * removes a last line without its line feed. *n is what it holds then. Ends the program when it is no regular
 * file or another program has it open in this way. */
struct outfile *outfile_append(const char *path, size_t *n);
/* Removes temporary files that programs which were killed outright have left beside path. For outputs that
 * only one program at a time can be writing. */
void outfile_sweep(const char *path);
const char *outfile_path(const struct outfile *f); /* for messages: "standard output" or the name */

/* Appends n bytes (buffered when small); ends the program when they cannot be written. outfile_flush gives
 * the buffer to the system. */
void outfile_write(struct outfile *f, const void *data, size_t n);
void outfile_flush(struct outfile *f);
/* Appends n_piece pieces, at most 64, past the buffer. The pieces are used up. */
void outfile_writev(struct outfile *f, struct iovec *piece, int n_piece);

/* Writes n bytes at an offset from the start, for headers known late; only for regular files (see
 * outfile_seekable). */
void outfile_write_at(struct outfile *f, const void *data, size_t n, size_t offset);
int outfile_seekable(const struct outfile *f);

/* Appends to f the n bytes at `offset` of another file being written. Both must be seekable. */
void outfile_copy(struct outfile *f, struct outfile *from, size_t offset, size_t n);

/* Flushes, renames, frees; ends the program when any of it fails. outfile_discard leaves nothing under the
 * final name. */
void outfile_close(struct outfile *f);
void outfile_discard(struct outfile *f);

/* For others that write under temporary names: `temp`, a file or a directory that is empty without the files
 * guarded, is removed if the program ends before outfile_release. Borrowed until then. */
void outfile_guard(char *temp);
void outfile_release(const char *temp);

#endif
