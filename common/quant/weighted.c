/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/weighted.h"
#include "base/vector.h"
#include <math.h>

enum { LANES = 8, PIECE = 512 };

/* Sums over n numbers, round LANES lanes: importance times (q - w)^2, and times the square of how far w is
 * outside low..high. */
VECTOR_CLONES static void add_weighted(const float *restrict w, const float *restrict q,
                                       const double *restrict importance, size_t n, double low, double high,
                                       double *error, double *outside)
{
    double e[LANES] = { 0 }, o[LANES] = { 0 };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            double x = (double)w[i + k], d = (double)q[i + k] - x;
            double over = x > high ? x - high : 0, under = x < low ? low - x : 0;
            e[k] += importance[i + k] * (d * d);
            o[k] += importance[i + k] * (over * over + under * under);
        }
    for (size_t k = 0; i < n; i++, k++) {
        double x = (double)w[i], d = (double)q[i] - x;
        double over = x > high ? x - high : 0, under = x < low ? low - x : 0;
        e[k] += importance[i] * (d * d);
        o[k] += importance[i] * (over * over + under * under);
    }
    for (size_t k = 0; k < LANES; k++) {
        *error += e[k];
        *outside += o[k];
    }
}

int weighted_search_best(const struct quant_search *s, enum quant_grid grid, int bits, enum quant_scale scale,
                         const float *w, const double *importance, size_t n, float lo, float hi, int sign)
{
    float q[PIECE];
    double least = INFINITY;
    /* zero points may move by one as the range shrinks, and the outer levels with them */
    int best = -1, moves = quant_grid_is_asym(grid);
    for (int i = 0; i < QUANT_CANDIDATES; i++) {
        struct quant_cell c;
        double p = quant_search_shrink(s, i), error = 0, outside = 0;
        if (quant_grid_fit(grid, bits, scale, (float)((double)lo * p), (float)((double)hi * p), sign, &c) < 0)
            continue;
        double a = ((double)c.lo - (double)c.offset) * (double)c.scale;
        double b = ((double)c.hi - (double)c.offset) * (double)c.scale;
        double more = moves ? fabs((double)c.scale) : 0;
        for (size_t at = 0; at < n; at += PIECE) {
            size_t k = n - at < PIECE ? n - at : PIECE;
            quant_cell_round(&c, w + at, k, q);
            add_weighted(w + at, q, importance + at, k, fmin(a, b) - more, fmax(a, b) + more, &error,
                         &outside);
        }
        if (error < least) {
            least = error;
            best = i;
        }
        if (outside > least)
            break;
    }
    return best;
}
