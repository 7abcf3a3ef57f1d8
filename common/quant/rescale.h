/* rescale.h - rows and columns of a matrix multiplied, and the scales that even two matrices out.
 * Layer: quant. Nothing depends on n_thread. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_RESCALE_H
#define QUANT_RESCALE_H
#include <stddef.h>

/* A matrix as it is stored, and what its rows and columns are multiplied by (NULL: ones). `load` puts
 * elements [from, from + n) of `source` into out; `store` rounds n numbers to the matrix's own dtype,
 * `unstore` reads them back. They are called from several threads. */
struct rescale_sheet {
    size_t rows, cols;
    double *row, *col;
    const void *source;
    void (*load)(const void *source, size_t from, size_t n, double *out);
    void (*store)(const void *source, const double *in, size_t n, void *out);
    void (*unstore)(const void *source, const void *in, size_t n, double *out);
    size_t width; /* bytes of an element as stored */
};

/* Reasons, as rescale_why says them. */
enum { RESCALE_NONFINITE = -1, RESCALE_BEYOND = -2, RESCALE_ROUNDED = -3 };
const char *rescale_why(int status);

/* The largest |w| of each row and of each column, as multiplied. 0; or RESCALE_NONFINITE. */
int rescale_largest(const struct rescale_sheet *s, int n_thread, double *row_max, double *col_max);

/* Rows [first, first + n), multiplied and stored, into out. 0; RESCALE_BEYOND if a finite weight became
 * infinite; RESCALE_ROUNDED if the dtype does not hold one exactly, and `exactly` was asked for. */
int rescale_rows(const struct rescale_sheet *s, size_t first, size_t n, int exactly, int n_thread, void *out);

/* What to divide a channel by where it is written, with largest weight `writes`, and to multiply it by where
 * it is read, largest `reads`, so that both become sqrt(writes * reads): sqrt(writes / reads), the equalising
 * of Nagel et al. 2019 (arXiv 1906.04721, equation 11). As the power of two that is nearest, the two then
 * differ by a factor of at most 2, and powers of two in either cancel to the last bit. 1 if either is 0. */
double rescale_even_out(double writes, double reads, int as_power);

/* Whether s is a positive power of two. */
int rescale_is_power(double s);

#endif
