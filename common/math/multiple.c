/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/multiple.h"
#include "math/order.h"
#include <math.h>

size_t multiple_work_bytes(size_t n)
{
    return 2 * n * sizeof(struct order_item);
}

void multiple_adjust(enum multiple_method method, const double *p, size_t n, double *adjusted, void *work)
{
    struct order_item *item = work;
    size_t m = 0; /* tests */
    for (size_t i = 0; i < n; i++) {
        adjusted[i] = p[i];
        if (!isnan(p[i]))
            item[m++] = (struct order_item){ order_key(p[i]), (uint32_t)i, 0 };
    }
    item = order_sort(item, item + n, m);
    double harmonic = 1, so_far;
    switch (method) {
    case MULTIPLE_BONFERRONI:
        for (size_t i = 0; i < m; i++)
            adjusted[item[i].index] = fmin(1, (double)m * p[item[i].index]);
        break;
    case MULTIPLE_HOLM:
        so_far = 0;
        for (size_t i = 0; i < m; i++) {
            so_far = fmax(so_far, fmin(1, (double)(m - i) * p[item[i].index]));
            adjusted[item[i].index] = so_far;
        }
        break;
    case MULTIPLE_BY:
        for (size_t i = 2; i <= m; i++)
            harmonic += 1 / (double)i;
        /* fall through */
    case MULTIPLE_BH:
        so_far = 1;
        for (size_t i = m; i > 0; i--) {
            so_far = fmin(so_far, harmonic * (double)m / (double)i * p[item[i - 1].index]);
            adjusted[item[i - 1].index] = so_far;
        }
    }
}
