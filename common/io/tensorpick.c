/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/tensorpick.h"

void tensor_pick_lines(struct tensor_pick *p, const struct tensor *t, int dim, const size_t *at,
                       size_t n_line)
{
    size_t n_each = t->shape[1 - dim], cols = t->shape[1];
    *p = (struct tensor_pick){ t, n_line * n_each, at, n_each, dim ? 1 : cols, dim ? cols : 1 };
}

/* Where number i is, and how many of [i, end) lie there side by side. */
static size_t find(const struct tensor_pick *p, size_t i, size_t end, size_t *run)
{
    if (!p->at) {
        *run = end - i;
        return i;
    }
    size_t j = i % p->n_each, left = p->n_each - j;
    *run = p->stride > 1 ? 1 : left < end - i ? left : end - i;
    return p->at[i / p->n_each] * p->step + j * p->stride;
}

void tensor_pick_f32(const struct tensor_pick *p, size_t from, size_t n, float *out)
{
    for (size_t end = from + n, run; from < end; from += run, out += run) {
        size_t at = find(p, from, end, &run);
        tensor_to_f32(p->t, at, run, out);
    }
}

void tensor_pick_f64(const struct tensor_pick *p, size_t from, size_t n, double *out)
{
    for (size_t end = from + n, run; from < end; from += run, out += run) {
        size_t at = find(p, from, end, &run);
        tensor_to_f64(p->t, at, run, out);
    }
}
