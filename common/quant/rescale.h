/* rescale.h - rows and columns of a matrix multiplied, and the scales that even two matrices out.
 * Layer: quant. A matrix is taken in runs of rows, in any order; nothing depends on how it is cut.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_RESCALE_H
#define QUANT_RESCALE_H
#include <stddef.h>

/* w[rows][cols] *= row[i] * col[j], in place. row or col NULL: ones. */
void rescale_apply(double *w, size_t rows, size_t cols, const double *row, const double *col);

/* Raises row_max[i] and col_max[j] to the largest |w| of row i and of column j. 0; or -1 if a weight is not
 * finite, both then partly raised. */
int rescale_maxima(const double *w, size_t rows, size_t cols, double *row_max, double *col_max);

/* What to divide a channel by where it is written, with largest weight `writes`, and to multiply it by where
 * it is read, largest `reads`, so that both become sqrt(writes * reads): sqrt(writes / reads), the equalising
 * of Nagel et al. 2019 (arXiv 1906.04721, equation 11). Rounded to a power of two unless `exactly`, so that
 * the two then differ by a factor below 2; scales of exact powers cancel there to the last bit. 1 if either
 * is 0. */
double rescale_even_out(double writes, double reads, int exactly);

/* Whether s is a positive power of two. */
int rescale_is_power(double s);

#endif
