/* Right-looking, by blocks of rows: a block's triangle, then the rest of its rows, then what these subtract
 * from the triangle below, tile by tile. SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/cholesky.h"
#include "base/mem.h"
#include "base/threads.h"
#include "math/dtile.h"
#include <math.h>
#include <stdlib.h>

enum { BLOCK = 128, TILE = 64 }; /* rows of a block; rows and columns of a tile */

struct step {
    double *a;
    size_t n, from, end; /* rows of the block */
    size_t n_tile;       /* of columns behind it */
    double *panel; /* [n_tile][BLOCK * TILE] the block's rows there in strips, zeros past the last column */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The triangle of the block itself, row by row. */
static int factor_block(double *a, size_t n, size_t from, size_t end)
{
    for (size_t i = from; i < end; i++) {
        double *row = a + i * n, pivot = row[i];
        if (!(pivot > 0) || !isfinite(pivot))
            return -1;
        pivot = sqrt(pivot);
        for (size_t j = i; j < end; j++)
            row[j] /= pivot;
        for (size_t k = i + 1; k < end; k++)
            for (size_t j = k; j < end; j++)
                a[k * n + j] -= row[k] * row[j];
    }
    return 0;
}

/* V[from..end) of the columns of one tile: solves V_block^T x = a. */
static void solve_tile(void *ctx, size_t task, int worker)
{
    const struct step *s = ctx;
    size_t first = s->end + task * TILE, width = least(TILE, s->n - first);
    double x[BLOCK * TILE] = { 0 };
    (void)worker;
    for (size_t i = s->from; i < s->end; i++) {
        double *to = x + (i - s->from) * TILE, *row = s->a + i * s->n;
        double sum[TILE] = { 0 };
        dtile_add_product(1, TILE, i - s->from, s->a + s->from * s->n + i, 0, s->n, x, TILE, sum, TILE);
        for (size_t j = 0; j < width; j++)
            row[first + j] = to[j] = (row[first + j] - sum[j]) / row[i];
    }
    dtile_strips(x, TILE, s->end - s->from, TILE, s->panel + task * BLOCK * TILE);
}

/* Tile (i, j), i <= j, of what is left: a -= V_i^T V_j. */
static void subtract_tile(void *ctx, size_t task, int worker)
{
    const struct step *s = ctx;
    size_t i = task / s->n_tile, j = task % s->n_tile;
    double product[TILE * TILE] = { 0 };
    (void)worker;
    if (j < i)
        return;
    dtile_add_strips(TILE, TILE, s->end - s->from, s->panel + i * BLOCK * TILE, s->panel + j * BLOCK * TILE,
                     product, TILE);
    size_t row = s->end + i * TILE, column = s->end + j * TILE;
    size_t n_row = least(TILE, s->n - row), n_column = least(TILE, s->n - column);
    for (size_t r = 0; r < n_row; r++)
        for (size_t c = 0; c < n_column; c++)
            s->a[(row + r) * s->n + column + c] -= product[r * TILE + c];
}

int cholesky_factor(double *a, size_t n, int n_thread)
{
    struct step s = { .a = a, .n = n };
    size_t most = (n + TILE - 1) / TILE;
    int status = 0;
    s.panel = xaligned(most, BLOCK * TILE * sizeof *s.panel);
    for (s.from = 0; s.from < n && !status; s.from = s.end) {
        s.end = least(s.from + BLOCK, n);
        s.n_tile = (n - s.end + TILE - 1) / TILE;
        status = factor_block(a, n, s.from, s.end);
        if (status < 0)
            break;
        threads_for(n_thread, s.n_tile, solve_tile, &s);
        threads_for(n_thread, s.n_tile * s.n_tile, subtract_tile, &s);
    }
    free(s.panel);
    return status;
}
