/* scratch.h - bytes put aside, in memory or in a temporary file.  Layer: io.
 * The file is in $TMPDIR, or /tmp, and has no name, so that nothing is left of it however the program ends.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_SCRATCH_H
#define IO_SCRATCH_H
#include <stddef.h>

struct scratch;

/* Room for n_bytes, all zeros, in a file if in_file is set. Ends the program when there is no room, or the
 * file cannot be written or read; so do the others. */
struct scratch *scratch_new(size_t n_bytes, int in_file);
/* n bytes at an offset, within the room. */
void scratch_write(struct scratch *s, size_t at, const void *data, size_t n);
void scratch_read(const struct scratch *s, size_t at, void *out, size_t n);
void scratch_free(struct scratch *s);

#endif
