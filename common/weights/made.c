/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/made.h"
#include "base/mem.h"
#include "quant/pack.h"
#include <stdlib.h>
#include <string.h>

void made_note(struct made *m, const struct quant_spec *spec, const float *w, const float *q, size_t rows,
               size_t cols, enum tensor_dtype dtype)
{
    struct quant_spec own = *spec;
    float *row = xaligned(cols, sizeof *row);
    m->columns = xcalloc(cols, sizeof *m->columns);
    for (size_t r = 0; r < rows; r++) {
        memcpy(row, q + r * cols, cols * sizeof *row);
        tensor_round_f32(row, cols, dtype);
        for (size_t c = 0; c < cols; c++) {
            double d = (double)row[c] - (double)w[r * cols + c];
            m->columns[c] += d * d;
        }
    }
    for (size_t c = 0; c < cols; c++)
        m->squares += m->columns[c];
    free(row);
    quant_spec_resolve(&own, quant_scale_own(tensor_dtype_name(dtype)));
    m->bytes = pack_bytes(&own, rows, cols, tensor_dtype_bytes(dtype));
}

void made_clear(struct made *m)
{
    free(m->columns);
    *m = (struct made){ 0 };
}
