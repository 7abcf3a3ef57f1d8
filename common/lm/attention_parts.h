/* attention_parts.h - what attention forward and backward share.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_ATTENTION_PARTS_H
#define LM_ATTENTION_PARTS_H
#include "lm/attention.h"
#include "math/gemm.h"
#include <string.h>

struct lm_attention {
    const struct lm_config *config;
    size_t n;         /* the longest sequence */
    float *cos, *sin; /* [n][n_rotary / 2] */
    float *slope;     /* [n_head] of ALiBi, else zeros */
};

static inline size_t attention_rounded(size_t n)
{
    return (n + GEMM_ROWS - 1) / GEMM_ROWS * GEMM_ROWS;
}

/* Head h of rows [from, from + n) into to[n_to][d_head], zeros behind. */
static inline void attention_gather(const struct lm_heads *x, size_t h, size_t from, size_t n, size_t n_to,
                                    size_t d_head, float *to)
{
    const float *row = x->base + from * x->row_stride + h * x->head_stride;
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * d_head, row + i * x->row_stride, d_head * sizeof *to);
    memset(to + n * d_head, 0, (n_to - n) * d_head * sizeof *to);
}

#endif
