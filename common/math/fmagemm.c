/* The usual shape of such a product (Goto & van de Geijn 2008): a panel of weights, 24 outputs by 256 terms,
 * is packed to stay in the first-level cache while all rows of the tile, packed by fours, stream past it; the
 * kernel keeps 4 rows by 24 outputs in registers. SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/fmagemm.h"
#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#define TARGET __attribute__((target("avx2,fma")))
typedef __m256 vec;
#define VEC          8
#define LOAD(p)      _mm256_loadu_ps(p)
#define STORE(p, v)  _mm256_storeu_ps(p, v)
#define SPLAT(p)     _mm256_broadcast_ss(p)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define ADD(a, b)    _mm256_add_ps(a, b)
#define ZERO         _mm256_setzero_ps()
#elif defined(__aarch64__)
#include <arm_neon.h>
#define TARGET
typedef float32x4_t vec;
#define VEC          4
#define LOAD(p)      vld1q_f32(p)
#define STORE(p, v)  vst1q_f32(p, v)
#define SPLAT(p)     vld1q_dup_f32(p)
#define FMA(a, b, c) vfmaq_f32(c, a, b)
#define ADD(a, b)    vaddq_f32(a, b)
#define ZERO         vdupq_n_f32(0)
#else /* one number at a time */
#define TARGET
typedef float vec;
#define VEC          1
#define LOAD(p)      (*(p))
#define STORE(p, v)  (*(p) = (v))
#define SPLAT(p)     (*(p))
#define FMA(a, b, c) fmaf(a, b, c)
#define ADD(a, b)    ((a) + (b))
#define ZERO         0
#endif

enum { PIECE = FMAGEMM_PIECE, ROWS = FMAGEMM_ROWS, OUTS = FMAGEMM_OUTS, N_VEC = OUTS / VEC };

const char *fmagemm_unit(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? "AVX2" : NULL;
#elif defined(__aarch64__)
    return "NEON";
#else
    return NULL;
#endif
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A tile lies as [piece][fours of rows][term of the piece][row of the four]. */
void fmagemm_pack(const float *const x[ROWS], size_t n_in, size_t first, size_t n_row, float *packed)
{
    static const float zeros[PIECE];
    for (size_t from = 0; from < n_in; from += PIECE) {
        size_t n = least(PIECE, n_in - from);
        float *restrict to = packed + from * n_row + first * n;
        const float *a = x[0] ? x[0] + from : zeros, *b = x[1] ? x[1] + from : zeros;
        const float *c = x[2] ? x[2] + from : zeros, *d = x[3] ? x[3] + from : zeros;
        for (size_t k = 0; k < n; k++, to += ROWS) {
            to[0] = a[k];
            to[1] = b[k];
            to[2] = c[k];
            to[3] = d[k];
        }
    }
}

void fmagemm_pack_turned(const float *x, size_t ldx, size_t n, size_t n_filled, size_t n_in, size_t first,
                         size_t n_row, float *packed)
{
    enum { STEP = 4 }; /* terms whose ROWS rows fill a cache line */
    for (size_t from = 0; from < n_in; from += PIECE) {
        size_t n_term = least(PIECE, n_in - from);
        for (size_t k = 0; k < n_term; k += STEP)
            for (size_t i = 0; i < n_filled; i += ROWS) {
                float *to = packed + from * n_row + (first + i) * n_term + k * ROWS;
                const float *source = x + (from + k) * ldx + i;
                size_t terms = least(STEP, n_term - k), rows = i < n ? least(ROWS, n - i) : 0;
                for (size_t j = 0; j < terms; j++, to += ROWS, source += ldx)
                    if (rows == ROWS)
                        memcpy(to, source, ROWS * sizeof *to);
                    else
                        for (size_t r = 0; r < ROWS; r++)
                            to[r] = r < rows ? source[r] : 0;
            }
    }
}

/* Weights that lie by outputs, as [term][output]: returns how many terms of them are done. */
#if defined(__x86_64__)
TARGET
static size_t turn_panel(const float *w, size_t stride_out, size_t n_out, size_t n, float *to)
{
    size_t k = 0;
    for (; n_out == OUTS && k + VEC <= n; k += VEC)
        for (size_t o = 0; o < OUTS; o += VEC) { /* squares of 8 by 8: pairs, then fours, then halves */
            vec r[VEC], p[VEC];
            for (size_t i = 0; i < VEC; i++)
                r[i] = LOAD(w + (o + i) * stride_out + k);
            for (int i = 0; i < VEC; i += 2) {
                p[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
                p[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
            }
            for (int i = 0; i < VEC; i += 4)
                for (int j = 0; j < 2; j++) {
                    r[i + 2 * j] = _mm256_shuffle_ps(p[i + j], p[i + j + 2], _MM_SHUFFLE(1, 0, 1, 0));
                    r[i + 2 * j + 1] = _mm256_shuffle_ps(p[i + j], p[i + j + 2], _MM_SHUFFLE(3, 2, 3, 2));
                }
            for (size_t i = 0; i < 4; i++) {
                STORE(to + (k + i) * OUTS + o, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
                STORE(to + (k + i + 4) * OUTS + o, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
            }
        }
    return k;
}
#else
static size_t turn_panel(const float *w, size_t stride_out, size_t n_out, size_t n, float *to)
{
    (void)w, (void)stride_out, (void)n_out, (void)n, (void)to;
    return 0;
}
#endif

/* n terms of up to OUTS outputs as [term][output], zeros where there is none. */
TARGET
static void pack_weights(const float *w, size_t stride_out, size_t stride_in, size_t n_out, size_t n,
                         float *to)
{
    if (n_out < OUTS)
        memset(to, 0, n * OUTS * sizeof *to);
    if (stride_out == 1 && n_out == OUTS) { /* the number is a constant: moves of vectors */
        for (size_t k = 0; k < n; k++)
            memcpy(to + k * OUTS, w + k * stride_in, OUTS * sizeof *to);
        return;
    }
    if (stride_out == 1) {
        for (size_t k = 0; k < n; k++)
            for (size_t o = 0; o < n_out; o++)
                to[k * OUTS + o] = w[k * stride_in + o];
        return;
    }
    enum { STEP = 16 }; /* terms of a row that are one cache line */
    size_t k = turn_panel(w, stride_out, n_out, n, to);
    for (; k + STEP <= n; k += STEP)
        for (size_t o = 0; o < n_out; o++) {
            float line[STEP];
            memcpy(line, w + o * stride_out + k, sizeof line);
            for (size_t i = 0; i < STEP; i++)
                to[(k + i) * OUTS + o] = line[i];
        }
    for (; k < n; k++)
        for (size_t o = 0; o < n_out; o++)
            memcpy(to + k * OUTS + o, w + o * stride_out + k, sizeof *to);
}

/* Where the products of a four of rows go, and what is added to them. */
struct target {
    float *y;
    size_t ldy;
    int add;           /* what is there */
    const float *bias; /* [outputs]; NULL: none */
};

/* Products of a four of rows, term k of row i at x[i * row + k * term], and the first n_vec vectors of a
 * panel of weights. */
TARGET
static inline __attribute__((always_inline)) void
kernel_of(int n_vec, const float *x, size_t row, size_t term, const float *w, size_t n, struct target t)
{
    vec sum[ROWS][N_VEC];
    for (size_t i = 0; i < ROWS; i++) {
        for (int j = 0; j < n_vec; j++)
            sum[i][j] = ZERO;
        __builtin_prefetch(t.y + i * t.ldy, 1); /* wanted when the sums are done */
        __builtin_prefetch(t.y + i * t.ldy + n_vec * VEC - 1, 1);
    }
#pragma GCC unroll 4
    for (size_t k = 0; k < n; k++, x += term, w += OUTS)
        for (size_t i = 0; i < ROWS; i++) {
            vec a = SPLAT(x + i * row);
            for (int j = 0; j < n_vec; j++)
                sum[i][j] = FMA(a, LOAD(w + j * VEC), sum[i][j]);
        }
    for (int i = 0; i < ROWS; i++, t.y += t.ldy)
        for (int j = 0; j < n_vec; j++) {
            vec v = t.add ? ADD(LOAD(t.y + j * VEC), sum[i][j]) : sum[i][j];
            STORE(t.y + j * VEC, t.bias ? ADD(v, LOAD(t.bias + j * VEC)) : v);
        }
}

/* Constants make the loops: thirds of a panel, rows that are packed and such that lie ldx apart (ldx > 0). */
TARGET
static void kernel(size_t n_third, const float *x, size_t ldx, const float *w, size_t n, struct target t)
{
    enum { THIRD = N_VEC / 3 };
    if (n_third == 3 && ldx)
        kernel_of(3 * THIRD, x, ldx, 1, w, n, t);
    else if (n_third == 3)
        kernel_of(3 * THIRD, x, 1, ROWS, w, n, t);
    else if (n_third == 2 && ldx)
        kernel_of(2 * THIRD, x, ldx, 1, w, n, t);
    else if (n_third == 2)
        kernel_of(2 * THIRD, x, 1, ROWS, w, n, t);
    else if (ldx)
        kernel_of(THIRD, x, ldx, 1, w, n, t);
    else
        kernel_of(THIRD, x, 1, ROWS, w, n, t);
}

/* The same for the last outputs, n_out of them, by way of a block that is whole. */
static void kernel_edge(size_t n_out, const float *x, size_t ldx, const float *w, size_t n, struct target t)
{
    float block[ROWS * OUTS] = { 0 }, bias[OUTS] = { 0 };
    for (size_t i = 0; i < ROWS && t.add; i++)
        memcpy(block + i * OUTS, t.y + i * t.ldy, n_out * sizeof *t.y);
    if (t.bias)
        memcpy(bias, t.bias, n_out * sizeof *bias);
    kernel(3, x, ldx, w, n, (struct target){ block, OUTS, t.add, t.bias ? bias : NULL });
    for (size_t i = 0; i < ROWS; i++)
        memcpy(t.y + i * t.ldy, block + i * OUTS, n_out * sizeof *t.y);
}

/* Brings part i of n_part of a panel nearer, while the panel before is at work. */
static void prefetch(const float *w, size_t stride_out, size_t stride_in, size_t n, size_t i, size_t n_part)
{
    enum { LINE = 16 };
    size_t n_run = stride_in == 1 ? OUTS : n, length = stride_in == 1 ? n : OUTS;
    size_t stride = stride_in == 1 ? stride_out : stride_in;
    for (size_t run = i * n_run / n_part; run < (i + 1) * n_run / n_part; run++)
        for (size_t k = 0; k < length; k += LINE)
            __builtin_prefetch(w + run * stride + k);
}

void fmagemm_multiply(const float *w, size_t stride_out, size_t stride_in, size_t n_out, size_t n_in,
                      const float *x, size_t ldx, size_t n_row, int add, const float *bias, float *y,
                      size_t ldy)
{
    enum { THIRD = OUTS / 3 };
    _Alignas(64) float panel[PIECE * OUTS];
    for (size_t from = 0; from < n_in; from += PIECE) {
        size_t n = least(PIECE, n_in - from);
        for (size_t first = 0; first < n_out; first += OUTS) {
            size_t outs = least(OUTS, n_out - first);
            const float *here = w + first * stride_out + from * stride_in;
            pack_weights(here, stride_out, stride_in, outs, n, panel);
            for (size_t row = 0; row < n_row; row += ROWS) {
                const float *rows = ldx ? x + row * ldx + from : x + from * n_row + row * n;
                struct target t = { y + row * ldy + first, ldy, add || from, NULL };
                if (bias && from + n == n_in)
                    t.bias = bias + first;
                if (first + 2 * OUTS <= n_out)
                    prefetch(here + OUTS * stride_out, stride_out, stride_in, n, row / ROWS, n_row / ROWS);
                if (outs % THIRD == 0)
                    kernel(outs / THIRD, rows, ldx, panel, n, t);
                else
                    kernel_edge(outs, rows, ldx, panel, n, t);
            }
        }
    }
}
