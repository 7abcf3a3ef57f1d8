/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/response.h"
#include "base/mem.h"
#include "base/threads.h"
#include "math/dtile.h"
#include <stdlib.h>
#include <string.h>

enum { TILE = 64, ROWS = 256 }; /* columns of a tile; rows whose products are summed by themselves */

struct job {
    const float *w, *q;
    size_t rows, n, n_tile, first, end; /* rows of this piece */
    double *piece; /* [n_tile][ROWS * TILE] w - q in strips, zeros past the last column */
    double *g;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void load_tile(void *ctx, size_t task, int worker)
{
    const struct job *j = ctx;
    size_t from = task * TILE, width = least(TILE, j->n - from);
    double *to = j->piece + task * ROWS * TILE;
    size_t rows = j->end - j->first;
    (void)worker;
    memset(to, 0, (size_t)ROWS * TILE * sizeof *to);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < width; c++) {
            size_t at = (j->first + r) * j->n + from + c, strip = c / DTILE_LANES;
            to[(strip * rows + r) * DTILE_LANES + c % DTILE_LANES] = (double)j->w[at] -
                                                                     (j->q ? (double)j->q[at] : 0);
        }
}

static void add_tile(void *ctx, size_t task, int worker)
{
    const struct job *j = ctx;
    size_t a = task / j->n_tile, b = task % j->n_tile;
    double product[TILE * TILE] = { 0 };
    (void)worker;
    if (b < a)
        return;
    dtile_add_strips(TILE, TILE, j->end - j->first, j->piece + a * ROWS * TILE, j->piece + b * ROWS * TILE,
                     product, TILE);
    size_t n_row = least(TILE, j->n - a * TILE), n_column = least(TILE, j->n - b * TILE);
    for (size_t r = 0; r < n_row; r++)
        for (size_t c = 0; c < n_column; c++)
            j->g[(a * TILE + r) * j->n + b * TILE + c] += product[r * TILE + c];
}

void response_gram(const float *w, const float *q, size_t rows, size_t n, int n_thread, double *g)
{
    struct job j = { .w = w, .q = q, .rows = rows, .n = n, .n_tile = (n + TILE - 1) / TILE, .g = g };
    j.piece = xcalloc(j.n_tile, (size_t)ROWS * TILE * sizeof *j.piece);
    memset(g, 0, n * n * sizeof *g);
    for (; j.first < rows; j.first = j.end) {
        j.end = least(j.first + ROWS, rows);
        threads_for(n_thread, j.n_tile, load_tile, &j);
        threads_for(n_thread, j.n_tile * j.n_tile, add_tile, &j);
    }
    free(j.piece);
}

double response_sum(const double *g, const double *c, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double row = 0;
        for (size_t j = i + 1; j < n; j++)
            row += g[i * n + j] * c[i * n + j];
        sum += 2 * row + g[i * n + i] * c[i * n + i];
    }
    return sum;
}
