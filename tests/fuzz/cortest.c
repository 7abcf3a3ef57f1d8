/* Correlations of any numbers are in range or undefined, and do not depend on the order of the pairs'
 * columns. SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/cortest.h"
#include "base/mem.h"
#include "math/correlation.h"
#include "math/multiple.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { COLUMNS = 4 };

static void need(int ok)
{
    if (!ok)
        abort();
}

static int between(double v, double low, double high)
{
    return isnan(v) || (v >= low && v <= high);
}

/* Two bytes a number, with whatever extremes a first byte asks for. */
static double number(const unsigned char *p)
{
    static const double special[] = {
        0, -0.0, INFINITY, -INFINITY, NAN, 1e308, -1e308, 5e-324, 1e-300, 1e200
    };
    if (p[0] < sizeof special / sizeof *special)
        return special[p[0]];
    return p[0] < 200 ? (double)p[1] - 100 : ((double)p[0] * 256 + p[1]) * 1e-3 + 1e6;
}

static void test(double *v, double *copy, size_t n, const struct cortest_how *how, void *work)
{
    double p[3], adjusted[3], multiple_work[64];
    for (int c = 0; c < 3; c++) {
        struct cortest t;
        size_t n_given = c == CORTEST_KENDALL ? 0 : COLUMNS - 2;
        memcpy(copy, v, COLUMNS * n * sizeof *v);
        cortest_columns((enum cortest_coefficient)c, copy, n, how->level > 0.9 ? n_given : 0, how, work, &t);
        need(between(t.estimate, -1, 1) && between(t.p, 0, 1) && between(t.low, -1, 1) &&
             between(t.high, -1, 1));
        need(isnan(t.low) || isnan(t.high) || t.low <= t.high);
        need(isnan(t.p) == !*t.method);
        p[c] = t.p;
    }
    need(multiple_work_bytes(3) <= sizeof multiple_work);
    for (int m = MULTIPLE_BONFERRONI; m <= MULTIPLE_BY; m++) {
        multiple_adjust((enum multiple_method)m, p, 3, adjusted, multiple_work);
        for (int i = 0; i < 3; i++)
            need(isnan(p[i]) ? isnan(adjusted[i]) : adjusted[i] >= p[i] && adjusted[i] <= 1);
    }
}

static void turn(const double *x, const double *y, size_t n, void *work)
{
    double a = NAN, b = NAN;
    need(correlation_kendall(x, y, n, &a, work) == correlation_kendall(y, x, n, &b, work));
    need(a == b || (isnan(a) && isnan(b)));
    a = b = NAN;
    need(correlation_spearman(x, y, n, &a, work) == correlation_spearman(y, x, n, &b, work));
    need(a == b || (isnan(a) && isnan(b)));
    a = b = NAN;
    need(correlation_pearson(x, y, n, &a) == correlation_pearson(y, x, n, &b));
    need(a == b || (isnan(a) && isnan(b)));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size < 2)
        return 0;
    struct cortest_how how = { (enum tails_alternative)(data[0] % 3), data[0] & 8 ? 0.95 : 0.4, data[1] % 3 };
    size_t n = (size - 2) / (2 * COLUMNS);
    double *v = xnew(COLUMNS * n, sizeof *v), *copy = xnew(COLUMNS * n, sizeof *v);
    void *work = xaligned(1, correlation_work_bytes(n));
    for (size_t i = 0; i < COLUMNS * n; i++)
        v[i] = number(data + 2 + 2 * i);
    turn(v, v + n, n, work);
    test(v, copy, n, &how, work);
    free(v);
    free(copy);
    free(work);
    return 0;
}
