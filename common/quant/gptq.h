/* gptq.h - weights rounded column after column, what each loses made up for by those to come.  Layer: quant.
 *
 * Frantar et al. 2022, arXiv 2210.17323: the levels q of a row w of weights are to make (w - q) H (w - q)^T
 * small, H = E[x x^T] over the inputs x of the layer. Let H = R R^T, R upper triangular in the order in which
 * columns are taken. Then that is the sum over columns i of (R_ii (w_i - q_i) + sum over j < i of R_ji (w_j -
 * q_j))^2, and given the columns before, column i has the least of it at the level nearest to
 *
 *     t_i = w_i + (sum over j < i of R_ji (w_j - q_j)) / R_ii.
 *
 * These are the authors' steps (gptq.py of IST-DASLab/gptq) without the inverse of H: their U is R^-1. That
 * it is Babai's nearest plane, and so this form, is Chen et al. 2025, arXiv 2507.18553.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_GPTQ_H
#define QUANT_GPTQ_H
#include "quant/row.h"

struct gptq_options {
    double damping;    /* of the mean of H's diagonal, added to all of it (0.01); raised tenfold, up to
                          GPTQ_DAMPING_MAX, until H is positive definite */
    int act_order;     /* take columns by falling H_jj; groups then are static */
    int static_groups; /* cells of groups are made from the weights as they are; else each when its first
                          column is taken, from weights that have what the columns up to the last multiple of
                          GPTQ_BLOCK asked of them, as the authors' code has it */
};
enum { GPTQ_BLOCK = 128 };
#define GPTQ_DAMPING     0.01
#define GPTQ_DAMPING_MAX 100.0

/* Reasons, as gptq_why says them: those of row.h too. */
enum { GPTQ_NO_MOMENT = -11, GPTQ_ALL_DEAD = -12, GPTQ_NOT_DEFINITE = -13, GPTQ_ROTATED = -14 };
const char *gptq_why(int status);

/* An H made ready for the matrices that it is of. Columns with H_jj = 0 are dead: their weights count
 * as 0, which all grids but midrise have (H_jj counts as the mean of the others'). h[n][n] is symmetric and
 * the caller's. 0 with *b, which gptq_basis_free frees; or a reason: h is not finite or has a negative
 * diagonal, is all zeros, is not positive definite with any damping. */
struct gptq_basis;
int gptq_basis_new(const double *h, size_t n, const struct gptq_options *o, int n_thread,
                   struct gptq_basis **b);
void gptq_basis_free(struct gptq_basis *b);
double gptq_basis_damping(const struct gptq_basis *b); /* what it took */
size_t gptq_basis_dead(const struct gptq_basis *b);    /* columns */

/* Quantises w[rows][n] to q[rows][n] with cells fit[rows][quant_row_cells]; the plan's bias is not applied.
 * *loss, unless NULL, is the sum over rows of (w - q) H (w - q)^T with the damping in H. The same for any
 * n_thread, and, computed in double, on any processor. 0; or a reason, *bad_row then being the first row at
 * fault. */
int gptq_solve(const struct gptq_basis *b, const struct quant_plan *plan, const float *w, size_t rows,
               int n_thread, float *q, struct quant_fit *fit, double *loss, size_t *bad_row);

#endif
