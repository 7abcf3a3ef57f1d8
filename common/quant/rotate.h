/* rotate.h - rows of weights turned so that outliers spread.  Layer: quant.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_ROTATE_H
#define QUANT_ROTATE_H
#include <stddef.h>

enum { ROTATE_MOST = 1 << 16 };

/* w[0..n-1] in blocks of `block`, a power of two up to ROTATE_MOST, each multiplied by the Hadamard matrix of
 * Sylvester's order over sqrt(block) (blocks as in QuaRot, arXiv 2404.00456); what is left of the row is
 * taken in ever smaller powers of two. The norm stays, and the same once more brings w back, both but for
 * rounding. */
void rotate_row(float *w, size_t n, size_t block);

/* What a diagonal matrix d[0..n-1] has on its diagonal once it is turned so on both sides: means of blocks.
 */
void rotate_diagonal(double *d, size_t n, size_t block);

#endif
