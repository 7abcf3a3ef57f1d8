/* pack.h - codes of few bits in 32-bit words, as compressed-tensors' pack-quantized has them.  Layer: quant.
 * compressors/pack_quantized/helpers.py of vllm-project/compressed-tensors: element i of a row stands at bits
 * (i * bits) mod 32 of word i * bits / 32, low bits first; what is left of the last word is 0. bits is 4
 * or 8. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_PACK_H
#define QUANT_PACK_H
#include "quant/spec.h"

/* Words of a row of n elements. */
static inline size_t pack_words(size_t n, int bits)
{
    return (n * (size_t)bits + 31) / 32;
}

/* code[n] into word[pack_words(n, bits)]. */
void pack_row(const uint8_t *code, size_t n, int bits, int32_t *word);

/* Zero points in -2^(bits-1)..2^(bits-1)-1, zero[rows][cols], packed along the rows with 2^(bits-1) added:
 * into word[pack_words(rows, bits)][cols]. */
void pack_zeros(const int *zero, size_t rows, size_t cols, int bits, int32_t *word);

/* Bytes of a matrix so packed: rows of codes, scales and, of asymmetric grids, zero points, for any bits and
 * cells; the scales are as wide as spec says, which has been resolved. With bits=16 elements of `width`
 * bytes. */
size_t pack_bytes(const struct quant_spec *spec, size_t rows, size_t cols, size_t width);

/* NULL if weights of so many columns that are quantised like this can be packed; else why not. */
const char *pack_refuses(const struct quant_spec *s, size_t cols);

#endif
