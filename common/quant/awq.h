/* awq.h - inputs scaled before rounding, large ones up, so that what they multiply is rounded more finely.
 * Layer: quant. Lin et al. 2023, arXiv 2306.00978; auto_scale.py of mit-han-lab/llm-awq: s_j =
 * max(x_j^r, 1e-4), x_j = mean|X_j| of input j, r = i/20 for i = 0..19, then s / sqrt(max s * min s); weights
 * become round(w s) / s. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_AWQ_H
#define QUANT_AWQ_H
#include "quant/row.h"

enum { AWQ_STEPS = 20 };

/* A matrix that reads the inputs. */
struct awq_matrix {
    const float *w; /* [rows][cols] */
    size_t rows;
    const struct quant_plan *plan;
};

/* Tries all steps and takes the first with the least error, the sum over the matrices, which read the same
 * inputs, of tr((w - q) C (w - q)^T) for moment C [cols][cols]. Inputs share scales as channels: input j has
 * that of channel[j] < n_channel. scale[n_channel] gets the scales; error[AWQ_STEPS] what each step costs:
 * error[0] is that of rounding without scales. Returns the step; or a reason of row.h. The same for any
 * n_thread. */
int awq_search(const struct awq_matrix *m, size_t n_matrix, size_t cols, const double *moment,
               const double *x, const size_t *channel, size_t n_channel, int n_thread, double *scale,
               double error[AWQ_STEPS]);

#endif
