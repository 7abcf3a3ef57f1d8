/* tensorpick.h - the numbers of a tensor, or of some lines of a matrix, as one row of numbers.  Layer: io.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_TENSORPICK_H
#define IO_TENSORPICK_H
#include "io/tensor.h"

/* n numbers: those of t as they lie, if at is NULL; else line by line, number j of the k-th being the element
 * at[k] * step + j * stride. All borrowed. */
struct tensor_pick {
    const struct tensor *t;
    size_t n;
    const size_t *at;
    size_t n_each, step, stride; /* n_each: numbers of a line */
};

/* Lines at[0..n_line-1] of the matrix t: rows if dim is 0, columns if it is 1. */
void tensor_pick_lines(struct tensor_pick *p, const struct tensor *t, int dim, const size_t *at,
                       size_t n_line);

/* Numbers [from, from + n) into out, the caller's; t is none of TENSOR_OTHER. */
void tensor_pick_f32(const struct tensor_pick *p, size_t from, size_t n, float *out);
void tensor_pick_f64(const struct tensor_pick *p, size_t from, size_t n, double *out);

#endif
