/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/residuals.h"
#include "math/scale.h"
#include <math.h>
#include <string.h>

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Measured from the first value, so that a constant becomes exactly 0. */
static void centre(double *v, size_t n)
{
    double first = n ? v[0] : 0;
    for (int twice = 0; twice < 2; twice++) {
        double sum = 0, origin = twice ? 0 : first;
        for (size_t i = 0; i < n; i++)
            sum += v[i] -= origin;
        double mean = sum / (double)n;
        for (size_t i = 0; i < n; i++)
            v[i] -= mean;
    }
}

/* Scales v, centres it and takes the basis out of it; returns how much of its length is left, 0 to 1. */
static double reduce(const double *basis, size_t rank, double *v, size_t n)
{
    double factor = ldexp(1, -scale_exponent_of(v, n));
    for (size_t i = 0; i < n; i++)
        v[i] *= factor;
    centre(v, n);
    double before = sqrt(dot(v, v, n));
    if (!(before > 0))
        return 0;
    for (int twice = 0; twice < 2; twice++)
        for (size_t k = 0; k < rank; k++) {
            const double *q = basis + k * n;
            double along = dot(q, v, n);
            for (size_t i = 0; i < n; i++)
                v[i] -= along * q[i];
        }
    return sqrt(dot(v, v, n)) / before;
}

size_t residuals_basis(double *z, size_t n, size_t k)
{
    size_t rank = 0;
    for (size_t c = 0; c < k; c++) {
        double *v = z + rank * n;
        memmove(v, z + c * n, n * sizeof *v);
        if (reduce(z, rank, v, n) < 1e-7)
            continue;
        double length = sqrt(dot(v, v, n));
        for (size_t i = 0; i < n; i++)
            v[i] /= length;
        rank++;
    }
    return rank;
}

int residuals_take(const double *basis, size_t rank, double *v, size_t n)
{
    return reduce(basis, rank, v, n) < 1e-13 ? -1 : 0;
}
