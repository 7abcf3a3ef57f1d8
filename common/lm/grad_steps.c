/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/grad_parts.h"
#include "math/kernels_back.h"
#include <string.h>

int grad_linear(const struct grad_weight *w, const float *x, size_t n, float *y, size_t ld)
{
    return gemm_run(w->forward, x, n, w->n_in, y, ld, w->bias, 0, 1);
}

/* dW = dy^T x, or its transpose where it is stored so: the sum is over rows, so one factor is taken as
 * "weights" stored the other way around, the other turned. */
int grad_matrix_back(const struct lm_grad *g, struct grad_room *r, const struct grad_weight *w,
                     const float *x, const float *dy, size_t n, size_t ld, int add)
{
    const float *left = w->in_out ? x : dy, *right = w->in_out ? dy : x;
    size_t n_left = w->in_out ? w->n_in : w->n_out, n_right = w->in_out ? w->n_out : w->n_in;
    struct gemm_weight *packed = gemm_pack(right, GEMM_OF_F32, n_right, n, 1, g->precision);
    if (!packed)
        return -1;
    int e = gemm_run_turned(packed, left, n_left, w->in_out ? n_left : ld, r->grad + w->param->offset,
                            n_right, NULL, add, 1);
    gemm_weight_free(packed);
    return e;
}

static void put_sums(const double *sum, size_t n, float *grad)
{
    for (size_t i = 0; i < n; i++)
        grad[i] = (float)sum[i];
}

int grad_linear_back(const struct lm_grad *g, struct grad_room *r, const struct grad_weight *w,
                     const float *x, const float *dy, size_t ld, float *dx, int add_dx)
{
    if (w->bias_param) {
        memset(r->sum, 0, w->n_out * sizeof *r->sum);
        kernel_add_columns(dy, r->n, w->n_out, ld, r->sum);
        put_sums(r->sum, w->n_out, r->grad + w->bias_param->offset);
    }
    if (grad_matrix_back(g, r, w, x, dy, r->n, ld, 0) < 0)
        return -1;
    return gemm_run(w->back, dy, r->n, ld, dx, w->n_in, NULL, add_dx, 1);
}

void grad_norm(const struct lm_grad *g, const struct grad_weight *w, const float *x, size_t n, float *y)
{
    size_t d = g->config->d_model;
    double eps = g->config->norm_eps;
    for (size_t i = 0; i < n; i++)
        if (g->config->family->rms_norm)
            kernel_rms_norm(x + i * d, d, w->w, eps, y + i * d);
        else
            kernel_layer_norm(x + i * d, d, w->w, w->bias, eps, y + i * d);
}

void grad_norm_back(const struct lm_grad *g, struct grad_room *r, const struct grad_weight *w, const float *x,
                    const float *dy, float *dx)
{
    size_t d = g->config->d_model;
    double eps = g->config->norm_eps, *dweight = r->sum, *dbias = r->sum + d;
    memset(r->sum, 0, 2 * d * sizeof *r->sum);
    for (size_t i = 0; i < r->n; i++)
        if (g->config->family->rms_norm)
            kernel_rms_norm_back(x + i * d, d, w->w, eps, dy + i * d, dx + i * d, dweight);
        else
            kernel_layer_norm_back(x + i * d, d, w->w, eps, dy + i * d, dx + i * d, dweight, dbias);
    put_sums(dweight, d, r->grad + w->param->offset);
    if (w->bias_param)
        put_sums(dbias, d, r->grad + w->bias_param->offset);
}
