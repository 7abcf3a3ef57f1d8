/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/awq.h"
#include "base/mem.h"
#include "quant/matrix.h"
#include "quant/response.h"
#include <math.h>
#include <stdlib.h>

/* scale[n] of a step from x[n], mean|x| of each channel. */
static void scale_of(const double *x, size_t n, int step, double *scale)
{
    double least = INFINITY, most = 0;
    for (size_t j = 0; j < n; j++) {
        scale[j] = fmax(pow(x[j], step / (double)AWQ_STEPS), 1e-4);
        least = scale[j] < least ? scale[j] : least;
        most = scale[j] > most ? scale[j] : most;
    }
    /* As floats, so that no libm's last digit is seen. */
    for (size_t j = 0; j < n; j++)
        scale[j] = (double)(float)(scale[j] / sqrt(most * least));
}

/* What round(w s) / s costs one matrix, added to *error. */
static int add_error(const struct awq_matrix *m, size_t cols, const double *moment, const double *scale,
                     const size_t *channel, int n_thread, double *error)
{
    size_t cell_cols, n_fit = m->rows * quant_row_cells(quant_plan_spec(m->plan), cols, &cell_cols), bad_row;
    float *scaled = xaligned(m->rows, cols * sizeof *scaled), *q = xaligned(m->rows, cols * sizeof *q);
    struct quant_fit *fit = xnew(n_fit, sizeof *fit);
    for (size_t r = 0; r < m->rows; r++)
        for (size_t j = 0; j < cols; j++)
            scaled[r * cols + j] = (float)((double)m->w[r * cols + j] * scale[channel[j]]);
    int status = quant_rows(m->plan, scaled, m->rows, cols, n_thread, q, fit, &bad_row);
    if (!status) {
        double *gram = xaligned(cols, cols * sizeof *gram);
        for (size_t r = 0; r < m->rows; r++)
            for (size_t j = 0; j < cols; j++)
                q[r * cols + j] = (float)((double)q[r * cols + j] / scale[channel[j]]);
        response_gram(m->w, q, m->rows, cols, n_thread, gram);
        *error += response_sum(gram, moment, cols);
        free(gram);
    }
    free(scaled);
    free(q);
    free(fit);
    return status;
}

int awq_search(const struct awq_matrix *m, size_t n_matrix, size_t cols, const double *moment,
               const double *x, const size_t *channel, size_t n_channel, int n_thread, double *scale,
               double error[AWQ_STEPS])
{
    int best = 0;
    for (int step = 0; step < AWQ_STEPS; step++) {
        error[step] = 0;
        scale_of(x, n_channel, step, scale);
        for (size_t k = 0; k < n_matrix; k++) {
            int status = add_error(&m[k], cols, moment, scale, channel, n_thread, &error[step]);
            if (status < 0)
                return status;
        }
        if (error[step] < error[best])
            best = step;
    }
    scale_of(x, n_channel, best, scale);
    return best;
}
