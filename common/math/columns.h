/* columns.h - statistics of each column of a matrix whose rows come in pieces.  Layer: math.
 *
 * Rows are gathered into blocks of COLUMNS_BLOCK, counted from the first row there was, and each block is
 * added up on its own: what comes out depends on the rows and their order, never on the pieces they came in,
 * nor on threads. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_COLUMNS_H
#define MATH_COLUMNS_H
#include "math/moments.h"
#include <stddef.h>
#include <stdint.h>

enum { COLUMNS_BLOCK = 2048 };

/* What is wanted. COLUMNS_GRAM, the second moment x x^T, needs gemm_load before. */
enum { COLUMNS_ABS = 1, COLUMNS_MOMENTS = 2, COLUMNS_GRAM = 4 };

struct columns;
struct columns *columns_new(size_t width, unsigned what, int n_thread);
void columns_free(struct columns *c);
/* Forgets all rows. */
void columns_empty(struct columns *c);

/* Adds the rows x[row[i] * width ..], i < n. */
void columns_add(struct columns *c, const float *x, const uint32_t *row, size_t n);

/* After the last row and before the results; columns_merge then adds other's rows to c. */
void columns_end(struct columns *c);
void columns_merge(struct columns *c, const struct columns *other);

/* Results, into what is the caller's; NaN of no rows. Mean and largest of |x|, in double, [width]. */
void columns_absmean(const struct columns *c, double *out);
void columns_absmax(const struct columns *c, double *out);
/* What is not finite is counted there and left out of the rest: borrowed, [width]. */
const struct moments *columns_moments(const struct columns *c);
/* Row i of the mean of x x^T, [width]: products of a block are summed in float, blocks in double. */
void columns_gram_row(const struct columns *c, size_t i, double *out);

#endif
