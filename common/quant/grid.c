/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/grid.h"
#include "base/half.h"
#include "base/vector.h"
#include <float.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    int fewer_steps; /* than 2^bits between -a and a */
    int asym;
} grids[QUANT_N_GRID] = {
    [QUANT_ABSMAX] = { "absmax", 2, 0 },       [QUANT_QMAX] = { "qmax", 2, 0 },
    [QUANT_QMIN] = { "qmin", 0, 0 },           [QUANT_CT] = { "ct", 1, 0 },
    [QUANT_GPTQ] = { "gptq", 1, 0 },           [QUANT_Q4_0] = { "q4_0", 0, 0 },
    [QUANT_MIDRISE] = { "midrise", 0, 0 },     [QUANT_CT_ASYM] = { "ct-asym", 1, 1 },
    [QUANT_GPTQ_ASYM] = { "gptq-asym", 1, 1 },
};

const char *quant_grid_name(enum quant_grid grid)
{
    return grids[grid].name;
}

int quant_grid_find(const char *name)
{
    for (int i = 0; i < QUANT_N_GRID; i++)
        if (!strcmp(grids[i].name, name))
            return i;
    return -1;
}

const char *quant_grid_names(void)
{
    return "absmax qmax qmin ct gptq q4_0 midrise ct-asym gptq-asym";
}

int quant_grid_is_asym(enum quant_grid grid)
{
    return grids[grid].asym;
}

double quant_grid_steps(enum quant_grid grid, int bits)
{
    return (double)(1 << bits) - grids[grid].fewer_steps;
}

/* ---- scales */

static float stored(enum quant_scale as, float s)
{
    return as == QUANT_SCALE_F16    ? half_f16_to_f32(half_f32_to_f16(s))
           : as == QUANT_SCALE_BF16 ? half_bf16_to_f32(half_f32_to_bf16(s))
                                    : s;
}

static float epsilon(enum quant_scale as)
{
    return as == QUANT_SCALE_F16 ? 0x1p-10f : as == QUANT_SCALE_BF16 ? 0x1p-7f : FLT_EPSILON;
}

/* (hi - lo) / steps in floats, as the reference code has it, unless the difference is too large for one. */
static float span(float lo, float hi, float steps)
{
    float width = hi - lo;
    return isfinite(width) ? width / steps : (float)(((double)hi - (double)lo) / (double)steps);
}

static float clamp(float x, float lo, float hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

int quant_grid_fit(enum quant_grid grid, int bits, enum quant_scale scale, float lo, float hi, int sign,
                   struct quant_cell *cell)
{
    float half = (float)(1 << (bits - 1)), a = -lo > hi ? -lo : hi, s = 0;
    int of_gptq = grid == QUANT_GPTQ || grid == QUANT_GPTQ_ASYM;
    *cell = (struct quant_cell){ .lo = grid == QUANT_ABSMAX ? 1 - half : -half, .hi = half - 1 };
    if (of_gptq && a == 0) {
        lo = -1;
        hi = 1;
    }
    switch (grid) {
    case QUANT_ABSMAX:
    case QUANT_QMAX:
        s = a / (half - 1);
        break;
    case QUANT_CT:
        s = a / (half - 0.5F);
        break;
    case QUANT_Q4_0:
        s = (sign > 0 ? a : -a) / -half;
        break;
    case QUANT_QMIN:
    case QUANT_MIDRISE:
        s = a / half;
        break;
    default:
        s = span(lo, hi, 2 * half - 1);
    }
    s = stored(scale, s);
    if (s == 0)
        s = epsilon(scale);
    if (!isfinite(s))
        return -1;
    cell->scale = s;
    if (grid == QUANT_MIDRISE) {
        cell->offset = -0.5F;
    } else if (grid == QUANT_CT_ASYM) {
        cell->offset = rintf(clamp(-half - lo / s, -half, half - 1));
        cell->zero = (int)cell->offset;
    } else if (grid == QUANT_GPTQ_ASYM) {
        float zero = rintf(clamp(-lo / s, 0, 2 * half - 1)); /* the scale may have been rounded down */
        cell->lo = -zero;
        cell->hi = 2 * half - 1 - zero;
        cell->zero = (int)(zero - half);
    }
    return 0;
}

/* ---- arrays */

/* Added to a float below 2^22 and taken away again, it leaves a whole number, halves rounded to even. */
#define WHOLE 0x1.8p23F

static inline float nearest(float x, float lo, float hi)
{
    x = x < lo ? lo : x;
    x = x > hi ? hi : x;
    return (x + WHOLE) - WHOLE;
}

VECTOR_CLONES static void round_all(const float *restrict w, size_t n, float scale, float offset, float lo,
                                    float hi, float *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (nearest(w[i] / scale + offset, lo, hi) - offset) * scale + 0.0F; /* no -0 */
}

void quant_cell_round(const struct quant_cell *c, const float *w, size_t n, float *out)
{
    round_all(w, n, c->scale, c->offset, c->lo, c->hi, out);
}

VECTOR_CLONES static void round_each(const float *restrict scale, const float *restrict offset,
                                     const float *restrict lo, const float *restrict hi,
                                     const float *restrict w, size_t n, float *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (nearest(w[i] / scale[i] + offset[i], lo[i], hi[i]) - offset[i]) * scale[i] + 0.0F;
}

void quant_cells_round(const float *scale, const float *offset, const float *lo, const float *hi,
                       const float *w, size_t n, float *out)
{
    round_each(scale, offset, lo, hi, w, n, out);
}

VECTOR_CLONES static void code_all(const float *restrict w, size_t n, float scale, float offset, float lo,
                                   float hi, float base, uint8_t *restrict code)
{
    for (size_t i = 0; i < n; i++)
        code[i] = (uint8_t)(int32_t)(nearest(w[i] / scale + offset, lo, hi) + base);
}

void quant_cell_codes(const struct quant_cell *c, int bits, const float *w, size_t n, uint8_t *code)
{
    code_all(w, n, c->scale, c->offset, c->lo, c->hi, (float)(1 << (bits - 1)) + (float)c->zero - c->offset,
             code);
}

enum { LANES = 8, BLOCK = 512 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

/* How far w[i] / scale + offset is from where it goes. */
VECTOR_CLONES static void off_all(const float *restrict w, size_t n, float scale, float offset, float lo,
                                  float hi, float *restrict off)
{
    for (size_t i = 0; i < n; i++) {
        float x = w[i] / scale + offset;
        off[i] = x - nearest(x, lo, hi);
    }
}

/* sum x^2 of 2 n lanes: two times LANES sums, then those. */
VECTOR_CLONES static double sum_block(const lanes *x, size_t n)
{
    lanes even = { 0 }, odd = { 0 };
    double all = 0;
    for (; n--; x += 2) {
        even += x[0] * x[0];
        odd += x[1] * x[1];
    }
    even += odd;
    for (int j = 0; j < LANES; j++)
        all += (double)even[j];
    return all;
}

double quant_cell_error(const struct quant_cell *c, const float *w, size_t n)
{
    union {
        float f[BLOCK];
        lanes v[BLOCK / LANES];
    } off;
    double sum = 0;
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t k = n - at < BLOCK ? n - at : BLOCK;
        off_all(w + at, k, c->scale, c->offset, c->lo, c->hi, off.f);
        size_t n_pair = (k + 2 * LANES - 1) / (2 * LANES);
        memset(off.f + k, 0, (n_pair * 2 * LANES - k) * sizeof *off.f);
        sum += sum_block(off.v, n_pair);
    }
    return sum;
}

/* Bits of floats as whole numbers in the order of the floats. */
static inline int32_t ordered(float f)
{
    int32_t b;
    memcpy(&b, &f, sizeof b);
    return b ^ ((b >> 31) & 0x7fffffff);
}

static inline float unordered(int32_t b)
{
    float f;
    b ^= (b >> 31) & 0x7fffffff;
    memcpy(&f, &b, sizeof f);
    return f;
}

VECTOR_CLONES static void range_all(const float *w, size_t n, int32_t *least, int32_t *most)
{
    int32_t low = INT32_MAX, high = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
        int32_t b = ordered(w[i]);
        low = b < low ? b : low;
        high = b > high ? b : high;
    }
    *least = low;
    *most = high;
}

int quant_range(const float *w, size_t n, float *least, float *most)
{
    int32_t low, high;
    range_all(w, n, &low, &high);
    *least = unordered(low);
    *most = unordered(high);
    return low < ordered(-FLT_MAX) || high > ordered(FLT_MAX) ? -1 : 0;
}
