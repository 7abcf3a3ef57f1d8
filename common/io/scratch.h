/* scratch.h - bytes put aside, in memory or in a temporary file.  Layer: io.
 * The file is in $TMPDIR, or /tmp, and has no name, so that nothing is left of it however the program ends.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_SCRATCH_H
#define IO_SCRATCH_H
#include <stddef.h>

struct scratch;

/* Room for n_bytes, all zeros, in a file if in_file is set. Ends the program when there is no room. */
struct scratch *scratch_new(size_t n_bytes, int in_file);
/* Where it is, for any type. */
void *scratch_bytes(const struct scratch *s);
void scratch_free(struct scratch *s);

#endif
