/* row.h - a row of weights rounded to its grids.  Layer: quant.
 * A row is an output channel; a group is a run of weights in it. What is done to a row depends on that row
 * and, with one scale for the whole matrix, on quant_whole; so rows may be taken in any order, by any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_ROW_H
#define QUANT_ROW_H
#include "quant/spec.h"

/* Reasons, as quant_why says them. */
enum { QUANT_NONFINITE = -1, QUANT_RANGE = -2 };
const char *quant_why(int status);

/* A spec made ready: constants of its rules. Shared by threads, the caller's until quant_plan_free. */
struct quant_plan;
struct quant_plan *quant_plan_new(const struct quant_spec *spec);
void quant_plan_free(struct quant_plan *plan);
/* What each column counts for, of QUANT_MOMENTS: importance[cols] is copied. Without it all count alike. */
void quant_plan_weigh(struct quant_plan *plan, const double *importance, size_t cols);
const struct quant_spec *quant_plan_spec(const struct quant_plan *plan);
/* Scratch of one thread. */
struct quant_work;
struct quant_work *quant_work_new(const struct quant_plan *plan);
void quant_work_free(struct quant_work *work);

/* The grid of a cell and the range it was made from. */
struct quant_fit {
    struct quant_cell cell;
    float lo, hi;
};
/* Cells of a row: how many, and how many weights each but the last has. */
size_t quant_row_cells(const struct quant_spec *spec, size_t cols, size_t *cell_cols);

/* The one cell of a matrix of n weights, of rows that have been rotated if they are, for QUANT_PER_TENSOR. 0
 * or a reason. */
int quant_whole(struct quant_work *work, const float *w, size_t n, struct quant_fit *fit);
/* The cell of weights w[0..n-1], the first of which is in this column. */
int quant_fit_at(struct quant_work *work, const float *w, size_t n, size_t column, struct quant_fit *fit);

/* Quantises a row: w[cols] to out[cols], which do not overlap; its cells to fit[quant_row_cells]; code[cols],
 * unless NULL, gets those of quant_cell_codes. `whole` is that of quant_whole, else NULL. 0 or a reason. */
int quant_row(struct quant_work *work, const struct quant_fit *whole, const float *w, size_t cols, float *out,
              struct quant_fit *fit, uint8_t *code);

/* What quantising did to some weights: sums, of which weights/report.c makes the figures. */
struct quant_stats {
    size_t n, n_clipped, n_cell;
    double squares, errors; /* sum w^2, sum (q - w)^2 */
    double alpha, scale;    /* sums over cells: of (hi - lo)/2, and of the scale's magnitude */
    double as_gauss,
        as_laplace; /* sum of n E(alpha), E being clip.h's for the cell's sd and mean|w - mean| */
};
/* Adds a row: q is what became of w. */
void quant_measure(struct quant_work *work, const struct quant_fit *fit, const float *w, const float *q,
                   size_t cols, struct quant_stats *stats);
void quant_stats_add(struct quant_stats *to, const struct quant_stats *more);

#endif
