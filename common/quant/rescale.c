/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/rescale.h"
#include "base/mem.h"
#include "base/threads.h"
#include "base/vector.h"
#include <math.h>
#include <stdlib.h>

enum { SHARE = 1 << 15 }; /* elements of a task */

const char *rescale_why(int status)
{
    return status == RESCALE_NONFINITE ? "a weight is not finite"
           : status == RESCALE_BEYOND  ? "a weight leaves the range of its dtype when it is scaled"
                                       : "a weight is rounded by its dtype when it is scaled";
}

/* ---- loops over a row */

VECTOR_CLONES static void multiply_row(double *restrict w, size_t n, double by, const double *restrict col)
{
    if (col)
        for (size_t j = 0; j < n; j++)
            w[j] *= by * col[j];
    else
        for (size_t j = 0; j < n; j++)
            w[j] *= by;
}

/* The largest |w|; col_max[j] is raised to that of column j. What is not finite counts as infinite. */
VECTOR_CLONES static double raise_maxima(const double *restrict w, size_t n, double *restrict col_max)
{
    double most = 0;
    for (size_t j = 0; j < n; j++) {
        double a = fabs(w[j]);
        a = a <= 0x1.fffffffffffffp1023 ? a : INFINITY;
        col_max[j] = a > col_max[j] ? a : col_max[j];
    }
    for (size_t j = 0; j < n; j++) {
        double a = fabs(w[j]);
        a = a <= 0x1.fffffffffffffp1023 ? a : INFINITY;
        most = a > most ? a : most;
    }
    return most;
}

/* Whether back[n] are not w[n]; *beyond: whether one of them is infinite that was not. */
VECTOR_CLONES static int differ(const double *restrict w, const double *restrict back, size_t n, int *beyond)
{
    int lost = 0, infinite = 0;
    for (size_t i = 0; i < n; i++) {
        int finite = fabs(w[i]) <= 0x1.fffffffffffffp1023;
        lost |= finite & (back[i] != w[i]);
        infinite |= finite & !(fabs(back[i]) <= 0x1.fffffffffffffp1023);
    }
    *beyond = infinite;
    return lost;
}

/* ---- rows in shares, by many threads */

struct sharing {
    const struct rescale_sheet *sheet;
    size_t first, n, share;    /* rows; those of a task */
    double *scratch, *back;    /* [n_thread][share * cols] */
    double *row_max, *col_max; /* [rows], [n_thread][cols] */
    int exactly;
    char *out;
    int *status; /* [n_thread] the worst of a worker's tasks */
};

/* Rows *first.., *n of them, multiplied, as the task's share. */
static double *load_share(const struct sharing *s, size_t task, int worker, size_t *first, size_t *n)
{
    const struct rescale_sheet *h = s->sheet;
    double *w = s->scratch + (size_t)worker * s->share * h->cols;
    size_t at = task * s->share;
    *first = s->first + at;
    *n = s->n - at < s->share ? s->n - at : s->share;
    h->load(h->source, *first * h->cols, *n * h->cols, w);
    if (h->cols == 1 && h->row)
        multiply_row(w, *n, h->col ? *h->col : 1, h->row + *first);
    else
        for (size_t i = 0; i < *n; i++)
            multiply_row(w + i * h->cols, h->cols, h->row ? h->row[*first + i] : 1, h->col);
    return w;
}

static void largest_task(void *ctx, size_t task, int worker)
{
    const struct sharing *s = ctx;
    size_t first, n, cols = s->sheet->cols;
    const double *w = load_share(s, task, worker, &first, &n);
    for (size_t i = 0; i < n; i++) {
        s->row_max[first + i] = raise_maxima(w + i * cols, cols, s->col_max + (size_t)worker * cols);
        if (!isfinite(s->row_max[first + i]))
            s->status[worker] = RESCALE_NONFINITE;
    }
}

static void store_task(void *ctx, size_t task, int worker)
{
    const struct sharing *s = ctx;
    const struct rescale_sheet *h = s->sheet;
    size_t first, n;
    const double *w = load_share(s, task, worker, &first, &n);
    double *back = s->back + (size_t)worker * s->share * h->cols;
    char *out = s->out + (first - s->first) * h->cols * h->width;
    int beyond;
    h->store(h->source, w, n * h->cols, out);
    h->unstore(h->source, out, n * h->cols, back);
    int lost = differ(w, back, n * h->cols, &beyond);
    if (beyond)
        s->status[worker] = RESCALE_BEYOND;
    else if (lost && s->exactly && !s->status[worker])
        s->status[worker] = RESCALE_ROUNDED;
}

/* Runs fn for all shares; the worst that happened. */
static int share(struct sharing *s, int n_thread, void (*fn)(void *, size_t, int))
{
    size_t cols = s->sheet->cols, workers = (size_t)n_thread;
    int status = 0;
    s->share = cols < SHARE ? SHARE / cols : 1;
    s->scratch = xnew(workers * s->share, cols * sizeof *s->scratch);
    s->back = s->out ? xnew(workers * s->share, cols * sizeof *s->back) : NULL;
    s->status = xcalloc(workers, sizeof *s->status);
    threads_for(n_thread, (s->n + s->share - 1) / s->share, fn, s);
    for (size_t i = 0; i < workers; i++)
        if (s->status[i] == RESCALE_BEYOND || !status)
            status = s->status[i];
    free(s->scratch);
    free(s->back);
    free(s->status);
    return status;
}

int rescale_largest(const struct rescale_sheet *h, int n_thread, double *row_max, double *col_max)
{
    size_t workers = (size_t)(n_thread < 1 ? 1 : n_thread);
    struct sharing s = { .sheet = h, .n = h->rows, .row_max = row_max };
    s.col_max = xcalloc(workers * h->cols, sizeof *s.col_max);
    int status = share(&s, (int)workers, largest_task);
    for (size_t j = 0; j < h->cols; j++)
        for (size_t k = col_max[j] = 0; k < workers; k++)
            col_max[j] = s.col_max[k * h->cols + j] > col_max[j] ? s.col_max[k * h->cols + j] : col_max[j];
    free(s.col_max);
    return status;
}

int rescale_rows(const struct rescale_sheet *h, size_t first, size_t n, int exactly, int n_thread, void *out)
{
    struct sharing s = { .sheet = h, .first = first, .n = n, .exactly = exactly, .out = out };
    return share(&s, n_thread < 1 ? 1 : n_thread, store_task);
}

/* ---- scales */

/* floor(n / 2) of a whole number of either sign. */
static int half_of(int n)
{
    return (n - (n % 2 != 0 && n < 0)) / 2;
}

double rescale_even_out(double writes, double reads, int as_power)
{
    if (!(writes > 0 && reads > 0))
        return 1;
    if (!as_power)
        return sqrt(writes) / sqrt(reads);
    /* from the exponents, so that no libm's logarithm decides a tie */
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
