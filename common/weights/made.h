/* made.h - what a way to quantise makes of a matrix, as its errors and its size.  Layer: weights.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_MADE_H
#define WEIGHTS_MADE_H
#include "io/tensor.h"
#include "quant/row.h"

/* Of W [rows][cols], which becomes W + D. Starts as all zeros. */
struct made {
    struct quant_stats stats; /* the caller's to fill */
    double squares;           /* |D|^2 */
    double *columns;          /* [cols] |D_j|^2 of each input; owned */
    size_t bytes;             /* packed, scales and zero points too; 0: nothing has been noted yet */
};

/* Notes that w[rows][cols] became q, as it will be once it is stored in dtype, in the way of spec. */
void made_note(struct made *m, const struct quant_spec *spec, const float *w, const float *q, size_t rows,
               size_t cols, enum tensor_dtype dtype);
void made_clear(struct made *m);

#endif
