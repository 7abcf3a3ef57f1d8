/* bgzf.h - gzip in blocks that deflate and inflate in parallel.  Layer: io.
 * BGZF (SAM specification, section 4.1): gzip members of at most 64 KiB, each with its size in a BC extra
 * field, closed by an empty one. Any gzip reads it. Blocks that deflating would hardly shrink are stored,
 * which costs a checksum and a copy. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_BGZF_H
#define IO_BGZF_H
#include "io/outfile.h"
#include <stddef.h>

/* Bytes of a block's header, up to the deflated data. */
enum { BGZF_HEADER = 18 };

/* Whether these first bytes of an input, BGZF_HEADER of them, open a BGZF block. */
int bgzf_is_block(const unsigned char head[BGZF_HEADER]);

/* ---- reading */

struct bgzf_in;

/* Reads blocks from fd, which stays the caller's, behind n_head bytes read before. n_thread threads inflate:
 * the caller's, when it waits for data, and others ahead of it, up to a few MB. */
struct bgzf_in *bgzf_in_new(int fd, const void *head, size_t n_head, int n_thread);
/* The next bytes, borrowed until the next call: how many (at least one); 0 at the end. *error is NULL, or why
 * the data end here; errno is then that of read, or 0 when the data are bad. */
size_t bgzf_in_next(struct bgzf_in *b, const unsigned char **data, const char **error);
void bgzf_in_free(struct bgzf_in *b);

/* ---- writing */

struct bgzf_out;

/* Writes to f, which stays the caller's. level: 1 to 12, as libdeflate has them. n_thread threads deflate,
 * the caller's one of them. The bytes do not depend on n_thread. Ends the program when they cannot be
 * written. */
struct bgzf_out *bgzf_out_new(struct outfile *f, int level, int n_thread);
void bgzf_out_write(struct bgzf_out *b, const void *data, size_t n);
/* Writes what is left and the closing empty block; frees b. */
void bgzf_out_close(struct bgzf_out *b);

#endif
