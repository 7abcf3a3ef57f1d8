/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/pack.h"
#include "quant/row.h"
#include <string.h>

static void put(int32_t *word, size_t i, int bits, uint32_t code)
{
    uint32_t u = (uint32_t)*word | code << (i * (size_t)bits % 32);
    *word = (int32_t)u;
}

void pack_row(const uint8_t *code, size_t n, int bits, int32_t *word)
{
    memset(word, 0, pack_words(n, bits) * sizeof *word);
    if (bits == 8) {
        memcpy(word, code, n); /* little-endian, as io/tensor.c asserts */
        return;
    }
    for (size_t i = 0; i < n; i++)
        put(&word[i * (size_t)bits / 32], i, bits, code[i]);
}

void pack_zeros(const int *zero, size_t rows, size_t cols, int bits, int32_t *word)
{
    memset(word, 0, pack_words(rows, bits) * cols * sizeof *word);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            put(&word[r * (size_t)bits / 32 * cols + c], r, bits,
                (uint32_t)(zero[r * cols + c] + (1 << (bits - 1))));
}

size_t pack_bytes(const struct quant_spec *spec, size_t rows, size_t cols, size_t width)
{
    size_t cell_cols, n_cell = quant_row_cells(spec, cols, &cell_cols), n_scale_row = rows;
    if (spec->bits == 16)
        return rows * cols * width;
    if (spec->per == QUANT_PER_TENSOR)
        n_scale_row = n_cell = 1;
    size_t scales = n_scale_row * n_cell *
                    (spec->scale == QUANT_SCALE_F32 ? sizeof(float) : sizeof(uint16_t));
    size_t zeros = quant_grid_is_asym(spec->grid) ? pack_words(n_scale_row, spec->bits) * n_cell : 0;
    return (rows * pack_words(cols, spec->bits) + zeros) * sizeof(uint32_t) + scales;
}

const char *pack_refuses(const struct quant_spec *s, size_t cols)
{
    if (s->bits != 4 && s->bits != 8)
        return "only 4 and 8 bits have a layout that all loaders agree on";
    if (s->grid == QUANT_MIDRISE || s->grid == QUANT_Q4_0)
        return "the grid has no place in compressed-tensors (midrise has no zero, q4_0 negative scales)";
    if (s->per == QUANT_PER_TENSOR)
        return "loaders want a scale for each channel or group";
    if (s->per == QUANT_PER_GROUP && cols % s->group)
        return "the group does not divide the columns";
    if (s->method != QUANT_ROUND)
        return "noise has no levels";
    if (s->rotate)
        return "its levels are those of rotated rows, which loaders do not turn back";
    if (s->bias)
        return "a bias correction has no place in it";
    if (s->scale == QUANT_SCALE_F32 || s->scale == QUANT_SCALE_F16 || s->scale == QUANT_SCALE_BF16)
        return "scales are stored in the dtype of the weights: leave out scale";
    return NULL;
}
