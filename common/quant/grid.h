/* grid.h - the grids of values that weights are rounded to.  Layer: quant.
 * A cell is what shares one scale: a tensor, an output channel or a group of weights. Its grid has levels
 * (u - offset) * scale for whole u in lo..hi; a weight goes to u = round(clamp(w / scale + offset, lo, hi)),
 * halves to even, all in float as torch has it. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_GRID_H
#define QUANT_GRID_H
#include <stddef.h>
#include <stdint.h>

/* For the range [-a, a], or [lo, hi] of the asymmetric ones, which is widened to hold 0; H = 2^(bits-1): */
enum quant_grid {
    QUANT_ABSMAX, /* scale a/(H-1), -(H-1)..H-1: plain absmax */
    QUANT_QMAX,   /* scale a/(H-1), -H..H-1 */
    QUANT_QMIN,   /* scale a/H, -H..H-1: the lowest level is -a */
    QUANT_CT,     /* scale a/(H-1/2), -H..H-1: compressed-tensors' calculate_qparams */
    QUANT_GPTQ,   /* scale (hi-lo)/(2H-1), -H..H-1; lo = -hi if any weight is below 0, else 0: the quant.py of
                     GPTQ's authors, which so cuts a cell without negative weights to half its range */
    QUANT_Q4_0,   /* scale (the weight of largest |w|, or its sign times a)/-H, -H..H-1: llama.cpp's Q4_0 */
    QUANT_MIDRISE,   /* scale a/H, levels (u + 1/2) * scale, u in -H..H-1: ACIQ's, without 0 */
    QUANT_CT_ASYM,   /* scale (hi-lo)/(2H-1), u - zero, zero = round(clamp(-H - lo/scale)): compressed-tensors
                      */
    QUANT_GPTQ_ASYM, /* the same scale; zero = round(-lo/scale) is added behind the rounding: GPTQ's authors
                      */
    QUANT_N_GRID
};

/* What scales are rounded to, before anything is divided by them; the last two are for quant_spec_resolve. */
enum quant_scale { QUANT_SCALE_F32, QUANT_SCALE_F16, QUANT_SCALE_BF16, QUANT_SCALE_SAME, QUANT_SCALE_AUTO };

struct quant_cell {
    float scale, offset, lo, hi;
    int zero; /* as it is stored beside codes u - offset + zero in -H..H-1; 0 of symmetric grids */
};

/* "absmax", ...; quant_grid_find: -1 if there is none of that name; all names, separated by blanks. */
const char *quant_grid_name(enum quant_grid grid);
int quant_grid_find(const char *name);
const char *quant_grid_names(void);
int quant_grid_is_asym(enum quant_grid grid);

/* How many scales there are between -a and a: what the noise model of clip.h counts with. */
double quant_grid_steps(enum quant_grid grid, int bits);

/* The grid for weights from lo to hi, lo <= 0 <= hi; of symmetric grids but gptq a = max(-lo, hi). `sign` is
 * that of the weight of largest |w|, which only q4_0 asks for. A range without weights but 0 gives [-1, 1]
 * (gptq, gptq-asym) or a scale that is the epsilon of its dtype, as does a scale that its dtype has no
 * number but 0 for. Returns 0; or -1 when the scale is too large for its dtype. */
int quant_grid_fit(enum quant_grid grid, int bits, enum quant_scale scale, float lo, float hi, int sign,
                   struct quant_cell *cell);

/* out[i] is the level that w[i] goes to; the arrays do not overlap. */
void quant_cell_round(const struct quant_cell *cell, const float *w, size_t n, float *out);
/* The same where each weight has a cell of its own, given part by part: out[i] is what w[i] goes to. */
void quant_cells_round(const float *scale, const float *offset, const float *lo, const float *hi,
                       const float *w, size_t n, float *out);
/* The codes u - offset + zero + H in 0..2H-1, of grids that store whole numbers. */
void quant_cell_codes(const struct quant_cell *cell, int bits, const float *w, size_t n, uint8_t *code);
/* sum (w^ - w)^2 / scale^2: in units of the scale no square leaves the range of floats. Summed in an order
 * that depends on n alone. */
double quant_cell_error(const struct quant_cell *cell, const float *w, size_t n);

/* The least and the largest of w[0..n-1], n >= 1: 0; or -1 if one is not finite. */
int quant_range(const float *w, size_t n, float *least, float *most);

#endif
