/* matrix.h - matrices of weights quantised: floats in place, or any dtype and layout some rows at a time.
 * Layer: quant. Rows are output channels. All of it gives the same for any n_thread. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#ifndef QUANT_MATRIX_H
#define QUANT_MATRIX_H
#include "quant/row.h"

/* Quantises w[rows][cols] in place. Stats of all of it and of each row, unless NULL. 0 or a reason
 * (quant_why), *bad_row then being the first row at fault and w partly changed. bits=16 changes nothing. */
int quant_matrix(const struct quant_spec *spec, float *w, size_t rows, size_t cols, int n_thread,
                 struct quant_stats *total, struct quant_stats *by_row, size_t *bad_row);

/* w[rows][cols] to its levels q[rows][cols], which may not overlap, and its cells fit[rows][cells of a row].
 * 0 or a reason, *bad_row then being the first row at fault. */
int quant_rows(const struct quant_plan *plan, const float *w, size_t rows, size_t cols, int n_thread,
               float *q, struct quant_fit *fit, size_t *bad_row);

/* A matrix as it is stored. Its elements are floats in memory at `f32`; or, if that is NULL, made from
 * `source` by `load`, which puts elements [from, from + n) into out. `store` rounds n floats to the matrix's
 * own dtype, `unstore` reads them back. They are called from several threads. */
struct quant_sheet {
    size_t rows, cols;
    int in_out; /* stored [cols][rows] */
    const float *f32;
    const void *source;
    void (*load)(const void *source, size_t from, size_t n, float *out);
    void (*store)(const void *source, const float *in, size_t n, void *out);
    void (*unstore)(const void *source, const void *in, size_t n, float *out);
    size_t width;        /* bytes of an element as stored */
    float limit;         /* values of this magnitude become infinite when stored; INFINITY: none does */
    const float *solved; /* [rows][cols] what has been found for it (quant/gptq.h), with its cells
                            [rows][cells of a row]; NULL: quant_row finds it */
    const struct quant_fit *solved_fit;
};
/* All of it as floats, w[rows][cols]. */
void quant_sheet_floats(const struct quant_sheet *sheet, int n_thread, float *w);

/* Where results go; NULL: not wanted. */
struct quant_result {
    void *weights; /* quantised, stored, laid out as the sheet is; its first row is the first taken */
    int32_t *word; /* [rows][pack_words(cols, bits)], of pack.h */
    void *scale;   /* [rows][cells of a row], stored */
    int *zero;     /* [rows][cells of a row] */
    struct quant_stats *stats;    /* [rows], of the weights as stored */
    void (*meanwhile)(void *ctx); /* called once, by one of the threads, while others begin: to write what is
                                     ready */
    void *ctx;
};

/* quant_whole of a sheet, for QUANT_PER_TENSOR. */
int quant_sheet_whole(const struct quant_plan *plan, const struct quant_sheet *sheet,
                      struct quant_fit *whole);

/* Quantises rows first..end-1, all of them if the sheet is in_out. `whole` is that of quant_sheet_whole, else
 * NULL. 0 or a reason, *bad_row then being the first row at fault. */
int quant_sheet_rows(const struct quant_plan *plan, const struct quant_sheet *sheet,
                     const struct quant_fit *whole, size_t first, size_t end, int n_thread,
                     const struct quant_result *result, size_t *bad_row);

#endif
