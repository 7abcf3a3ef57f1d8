/* npy.h - numpy's .npy files.  Layer: io.
 * Read: versions 1 to 3, little and big endian, C and Fortran order, numbers and booleans. Written:
 * version 1.0, little endian, C order. Format: numpy, doc/neps/nep-0001-npy-format. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#ifndef IO_NPY_H
#define IO_NPY_H
#include "io/tensor.h"

/* Whether an input that starts with these n bytes, NPY_MAGIC at least, is an .npy file. */
enum { NPY_MAGIC = 6 };
int npy_is_magic(const void *head, size_t n);

/* The array in a whole .npy file in memory, as t; its name is left alone. t->data points into the file, or to
 * *owned (the caller frees it; NULL otherwise) where values had to be put in order. Returns 0; or -1 and a
 * static reason. */
int npy_parse(const void *file, size_t n, struct tensor *t, void **owned, const char **why);

/* What goes before the data of t in an .npy file: *n bytes, which the caller frees. NULL if numpy has no such
 * dtype (BF16, F8_*). */
char *npy_header(const struct tensor *t, size_t *n);

#endif
