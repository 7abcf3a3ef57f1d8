/* zip.h - what a zip archive holds, where all of it is stored and nothing deflated.  Layer: io.
 * As torch.save writes (APPNOTE 6.3.9, with zip64). Sizes and places are checked against the archive,
 * checksums are not: PyTorch can leave them out. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_ZIP_H
#define IO_ZIP_H
#include <stddef.h>

enum { ZIP_WHY_MAX = 400 };

struct zip_entry {
    const char *name; /* n_name bytes, not ended by a 0; like the data borrowed from the archive */
    size_t n_name;
    const unsigned char *data;
    size_t n;
};

struct zip {
    struct zip_entry *entry; /* sorted by name; no name comes twice */
    size_t n;
};

/* Whether these first bytes of a file, n of them, open a zip archive. */
int zip_is_magic(const void *head, size_t n);

/* Finds the entries of the archive bytes[0..n-1], which must outlive z; zip_clear releases the list. Returns
 * 0; or -1 with a reason in why, and nothing to release. */
int zip_parse(struct zip *z, const void *bytes, size_t n, char why[ZIP_WHY_MAX]);
void zip_clear(struct zip *z);

/* The entry of that name, n_name bytes; NULL if there is none. */
const struct zip_entry *zip_find(const struct zip *z, const char *name, size_t n_name);

#endif
