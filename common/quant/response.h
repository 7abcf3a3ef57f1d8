/* response.h - how much a layer's outputs change when its weights do.  Layer: quant.
 * For inputs x of second moment C = E[x x^T] the outputs of w[rows][n] change by E |(w - q) x|^2 =
 * tr((w - q) C (w - q)^T) = the sum over all i, j of G_ij C_ij, G = (w - q)^T (w - q): so for many C, of
 * languages for instance, the rows are needed once. In double, the same for any n_thread and on any
 * processor. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_RESPONSE_H
#define QUANT_RESPONSE_H
#include <stddef.h>

/* G of w - q, or of w if q is NULL, into g[n][n]: the diagonal and what is above it. */
void response_gram(const float *w, const float *q, size_t rows, size_t n, int n_thread, double *g);
/* sum of G_ij C_ij for a symmetric c[n][n]. */
double response_sum(const double *g, const double *c, size_t n);

#endif
