/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/dtile.h"
#include "base/vector.h"
#include <string.h>

enum { COLUMNS = 4, LANES = DTILE_LANES / 2 }; /* of a vector, two of which go side by side */
typedef double dlanes __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double))));

/* COLUMNS by DTILE_LANES sums, or one by DTILE_LANES, stay in registers. */
VECTOR_CLONES static void add_four(size_t n_r, size_t n_k, const double *restrict a, size_t stride_c,
                                   size_t stride_k, const double *restrict b, size_t ldb,
                                   double *restrict out, size_t ldo)
{
    for (size_t r = 0; r < n_r; r += DTILE_LANES) {
        dlanes low[COLUMNS] = { { 0 } }, high[COLUMNS] = { { 0 } };
        const double *x = a, *y = b + r;
        for (size_t k = 0; k < n_k; k++, x += stride_k, y += ldb) {
            dlanes v = *(const dlanes *)y, w = *(const dlanes *)(y + LANES);
            for (size_t c = 0; c < COLUMNS; c++) {
                low[c] += x[c * stride_c] * v;
                high[c] += x[c * stride_c] * w;
            }
        }
        for (size_t c = 0; c < COLUMNS; c++) {
            *(dlanes *)(out + c * ldo + r) += low[c];
            *(dlanes *)(out + c * ldo + r + LANES) += high[c];
        }
    }
}

VECTOR_CLONES static void add_one(size_t n_r, size_t n_k, const double *restrict a, size_t stride_k,
                                  const double *restrict b, size_t ldb, double *restrict out)
{
    for (size_t r = 0; r < n_r; r += DTILE_LANES) {
        dlanes low = { 0 }, high = { 0 };
        const double *y = b + r;
        for (size_t k = 0; k < n_k; k++, y += ldb) {
            low += a[k * stride_k] * *(const dlanes *)y;
            high += a[k * stride_k] * *(const dlanes *)(y + LANES);
        }
        *(dlanes *)(out + r) += low;
        *(dlanes *)(out + r + LANES) += high;
    }
}

void dtile_add_product(size_t n_c, size_t n_r, size_t n_k, const double *a, size_t stride_c, size_t stride_k,
                       const double *b, size_t ldb, double *out, size_t ldo)
{
    size_t c = 0;
    for (; c + COLUMNS <= n_c; c += COLUMNS)
        add_four(n_r, n_k, a + c * stride_c, stride_c, stride_k, b, ldb, out + c * ldo, ldo);
    for (; c < n_c; c++)
        add_one(n_r, n_k, a + c * stride_c, stride_k, b, ldb, out + c * ldo);
}
void dtile_strips(const double *b, size_t ldb, size_t n_k, size_t n_r, double *strips)
{
    for (size_t r = 0; r < n_r; r += DTILE_LANES)
        for (size_t k = 0; k < n_k; k++, strips += DTILE_LANES)
            memcpy(strips, b + k * ldb + r, DTILE_LANES * sizeof *strips);
}

void dtile_add_strips(size_t n_c, size_t n_r, size_t n_k, const double *a, const double *b, double *out,
                      size_t ldo)
{
    for (size_t c = 0; c < n_c; c += DTILE_LANES)
        for (size_t r = 0; r < n_r; r += DTILE_LANES)
            dtile_add_product(DTILE_LANES, DTILE_LANES, n_k, a + c * n_k, 1, DTILE_LANES, b + r * n_k,
                              DTILE_LANES, out + c * ldo + r, ldo);
}
