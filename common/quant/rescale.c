/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/rescale.h"
#include "base/vector.h"
#include <math.h>

VECTOR_CLONES static void multiply_row(double *restrict w, size_t n, double by, const double *restrict col)
{
    if (col)
        for (size_t j = 0; j < n; j++)
            w[j] *= by * col[j];
    else
        for (size_t j = 0; j < n; j++)
            w[j] *= by;
}

void rescale_apply(double *w, size_t rows, size_t cols, const double *row, const double *col)
{
    for (size_t i = 0; i < rows; i++)
        multiply_row(w + i * cols, cols, row ? row[i] : 1, col);
}

/* Returns the largest |w|, which is infinite if one is not finite. */
VECTOR_CLONES static double raise_columns(const double *restrict w, size_t n, double *restrict col_max)
{
    double lane[8] = { 0 };
    for (size_t j = 0; j < n; j++) {
        double a = fabs(w[j]);
        a = a <= 0x1.fffffffffffffp1023 ? a : INFINITY;
        col_max[j] = a > col_max[j] ? a : col_max[j];
        lane[j % 8] = a > lane[j % 8] ? a : lane[j % 8];
    }
    for (int i = 1; i < 8; i++)
        lane[0] = lane[i] > lane[0] ? lane[i] : lane[0];
    return lane[0];
}

int rescale_maxima(const double *w, size_t rows, size_t cols, double *row_max, double *col_max)
{
    for (size_t i = 0; i < rows; i++) {
        double most = raise_columns(w + i * cols, cols, col_max);
        if (!isfinite(most))
            return -1;
        row_max[i] = most > row_max[i] ? most : row_max[i];
    }
    return 0;
}

/* floor(n / 2) of a whole number of either sign. */
static int half_of(int n)
{
    return (n - (n < 0 && n % 2)) / 2;
}

double rescale_even_out(double writes, double reads, int exactly)
{
    if (!(writes > 0 && reads > 0))
        return 1;
    if (exactly)
        return sqrt(writes / reads);
    /* q = mantissas * 2^e with mantissas in [1/2, 2): its floor(log2) without rounding, whatever the libm */
    int e_writes, e_reads;
    double m = frexp(writes, &e_writes), k = frexp(reads, &e_reads);
    int log2_floor = e_writes - e_reads - (m < k);
    return ldexp(1, half_of(log2_floor + 1));
}

int rescale_is_power(double s)
{
    int e;
    return s > 0 && isfinite(s) && frexp(s, &e) == 0.5;
}
