/* outdir.h - a directory of output that is whole or not there.  Layer: io.
 * Its files are written into a directory under a temporary name beside it, which is made for the first of
 * them, renamed when all are complete, and removed when the program ends in any other way, by a signal too.
 * Only what is killed outright while it writes leaves it behind. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_OUTDIR_H
#define IO_OUTDIR_H
#include <stddef.h>

struct outdir;

/* path must not be there yet, or be an empty directory. Ends the program when it could not be made, which is
 * tried; so does the rest. */
struct outdir *outdir_open(const char *path);

/* Where to write its file `name`, for outfile_open and its like; borrowed until outdir_close. Each name once.
 */
const char *outdir_file(struct outdir *d, const char *name);

/* Makes its file `name` of these bytes. */
void outdir_write(struct outdir *d, const char *name, const void *data, size_t n);

/* Renames and frees. It has a file, and its files have been closed. */
void outdir_close(struct outdir *d);

#endif
