/* The factor is kept backwards: with J turning the order of columns around, J H J = V^T V and R = J V^T J, so
 * that what column i needs of R is a row of V. A place p counts from the last column taken, 0, to the first,
 * n - 1. SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/gptq.h"
#include "base/mem.h"
#include "base/threads.h"
#include "math/cholesky.h"
#include "math/dtile.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = 64,  /* rows of a task: side by side in its arrays [place][LANES] */
    STEP = 16,   /* columns that get the sum over all columns before them together */
    PIECE = 256, /* terms of a sum that are near each other in memory */
};

struct gptq_basis {
    size_t n, n_dead;
    size_t *column; /* [n] at each place */
    char *dead;     /* [n] by column */
    double *v;      /* [n][n], by places */
    double damping; /* as a share of the mean */
    int static_groups;
};

const char *gptq_why(int status)
{
    switch (status) {
    case GPTQ_NO_MOMENT:
        return "the second moment is not finite, or negative on its diagonal";
    case GPTQ_ALL_DEAD:
        return "the second moment is all zeros";
    case GPTQ_ROTATED:
        return "rows that are rotated have other second moments";
    case GPTQ_NOT_DEFINITE:
        return "the second moment is not positive definite, whatever the damping";
    default:
        return quant_why(status);
    }
}

/* ---- the basis */

struct diagonal {
    double h;
    size_t column;
};

/* By falling h, equal ones by column. */
static int compare_diagonal(const void *a, const void *b)
{
    const struct diagonal *x = a, *y = b;
    if (x->h != y->h)
        return x->h < y->h ? 1 : -1;
    return x->column < y->column ? -1 : x->column > y->column;
}

static void set_places(struct gptq_basis *b, const double *h, int act_order)
{
    struct diagonal *d = xnew(b->n, sizeof *d);
    for (size_t j = 0; j < b->n; j++)
        d[j] = (struct diagonal){ h[j * b->n + j], j };
    if (act_order)
        qsort(d, b->n, sizeof *d, compare_diagonal);
    for (size_t i = 0; i < b->n; i++)
        b->column[b->n - 1 - i] = d[i].column;
    free(d);
}

/* The mean of the diagonal where it is not 0, which is dead; or a reason. */
static int look_at(struct gptq_basis *b, const double *h, double *mean)
{
    double sum = 0;
    for (size_t i = 0; i < b->n * b->n; i++)
        if (!isfinite(h[i]))
            return GPTQ_NO_MOMENT;
    for (size_t j = 0; j < b->n; j++) {
        double d = h[j * b->n + j];
        if (d < 0)
            return GPTQ_NO_MOMENT;
        b->dead[j] = d == 0;
        b->n_dead += d == 0;
        sum += d;
    }
    *mean = sum / (double)(b->n - b->n_dead);
    return b->n_dead<b->n && * mean> 0 && isfinite(*mean) ? 0 : GPTQ_ALL_DEAD;
}

/* H in the order of places, damped. */
static void set_matrix(struct gptq_basis *b, const double *h, double mean)
{
    size_t n = b->n;
    for (size_t p = 0; p < n; p++) {
        size_t j = b->column[p];
        for (size_t q = p; q < n; q++) {
            size_t k = b->column[q];
            b->v[p * n + q] = b->dead[j] || b->dead[k] ? 0 : h[j * n + k];
        }
        b->v[p * n + p] = (b->dead[j] ? mean : h[j * n + j]) + b->damping * mean;
    }
}

int gptq_basis_new(const double *h, size_t n, const struct gptq_options *o, int n_thread,
                   struct gptq_basis **out)
{
    struct gptq_basis *b = xcalloc(1, sizeof *b);
    double mean;
    *b = (struct gptq_basis){ .n = n,
                              .column = xnew(n, sizeof *b->column),
                              .dead = xcalloc(n, 1),
                              .damping = o->damping,
                              .static_groups = o->static_groups || o->act_order };
    int status = look_at(b, h, &mean);
    if (!status) {
        b->v = xaligned(n, n * sizeof *b->v);
        set_places(b, h, o->act_order);
        set_matrix(b, h, mean);
        while ((status = cholesky_factor(b->v, n, n_thread)) < 0) {
            b->damping = b->damping > 0 ? b->damping * 10 : GPTQ_DAMPING;
            if (!(b->damping <= GPTQ_DAMPING_MAX))
                break;
            set_matrix(b, h, mean);
        }
        status = status < 0 ? GPTQ_NOT_DEFINITE : 0;
    }
    if (status < 0) {
        gptq_basis_free(b);
        b = NULL;
    }
    *out = b;
    return status;
}

void gptq_basis_free(struct gptq_basis *b)
{
    if (!b)
        return;
    free(b->column);
    free(b->dead);
    free(b->v);
    free(b);
}

double gptq_basis_damping(const struct gptq_basis *b)
{
    return b->damping;
}

size_t gptq_basis_dead(const struct gptq_basis *b)
{
    return b->n_dead;
}

/* ---- rows */

/* The cells that LANES rows round a column with. */
struct lanes_cells {
    float scale[LANES], offset[LANES], lo[LANES], hi[LANES];
};

struct worker {
    struct quant_work *work;
    float *w;    /* [n][LANES] weights by place, 0 where dead or past the last row */
    double *off; /* [n][LANES] w - q, of places that are done */
    double *sum; /* [GPTQ_BLOCK + a group][LANES] of V off, of the block's places and what its groups reach */
    double *strips; /* [PIECE * LANES] of off */
    float *row;     /* [n] */
    struct lanes_cells cells;
    size_t cell; /* whose these are */
};

struct job {
    const struct gptq_basis *b;
    const struct quant_plan *plan;
    const struct quant_spec *spec;
    const struct quant_fit *whole; /* of QUANT_PER_TENSOR */
    const float *w;
    float *q;
    struct quant_fit *fit; /* [rows][n_cell] */
    double *loss;          /* [rows] */
    size_t rows, cell_cols, n_cell;
    int refit; /* groups when they come */
    struct worker *worker;
    int *status;     /* [tasks] */
    size_t *bad_row; /* [tasks] */
};

/* A task's rows. */
struct panel {
    const struct job *j;
    struct worker *w;
    size_t first, n; /* rows */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void open_worker(const struct job *j, struct worker *w)
{
    size_t n = j->b->n, reach = GPTQ_BLOCK + (j->refit ? j->cell_cols : 0);
    *w = (struct worker){ .work = quant_work_new(j->plan),
                          .w = xaligned(n, LANES * sizeof(float)),
                          .off = xaligned(n, LANES * sizeof(double)),
                          .sum = xaligned(reach, LANES * sizeof(double)),
                          .strips = xaligned(PIECE, LANES * sizeof(double)),
                          .row = xnew(n, sizeof(float)) };
}

static void close_worker(struct worker *w)
{
    quant_work_free(w->work);
    free(w->w);
    free(w->off);
    free(w->sum);
    free(w->strips);
    free(w->row);
}

/* The panel's weights by place; and the cells of its rows, where weights as they are make them. */
static int load_panel(const struct panel *p, size_t *bad_row)
{
    const struct job *j = p->j;
    const struct gptq_basis *b = j->b;
    size_t n = b->n;
    memset(p->w->w, 0, n * LANES * sizeof(float));
    for (size_t i = 0; i < p->n; i++) {
        float *row = p->w->row;
        struct quant_fit *fit = j->fit + (p->first + i) * j->n_cell;
        for (size_t c = 0; c < n; c++)
            row[c] = b->dead[c] ? 0 : j->w[(p->first + i) * n + c];
        for (size_t place = 0; place < n; place++)
            p->w->w[place * LANES + i] = row[b->column[place]];
        for (size_t k = 0; k < j->n_cell && !j->refit; k++) {
            size_t at = k * j->cell_cols;
            int status = 0;
            if (j->whole)
                fit[k] = *j->whole;
            else
                status = quant_fit_at(p->w->work, row + at, least(j->cell_cols, n - at), at, &fit[k]);
            if (status < 0) {
                *bad_row = p->first + i;
                return status;
            }
        }
    }
    return 0;
}

static void store_panel(const struct panel *p)
{
    const struct gptq_basis *b = p->j->b;
    for (size_t place = 0; place < b->n; place++)
        for (size_t i = 0; i < p->n; i++) {
            size_t at = place * LANES + i;
            p->j->q[(p->first + i) * b->n + b->column[place]] = (float)((double)p->w->w[at] - p->w->off[at]);
        }
}

/* Cell k of every row to where rounding reads it; it has been made. */
static void take_cells(const struct panel *p, size_t k)
{
    struct lanes_cells *to = &p->w->cells;
    if (p->w->cell == k)
        return;
    p->w->cell = k;
    for (size_t i = 0; i < LANES; i++) {
        const struct quant_cell *c = &p->j->fit[(p->first + least(i, p->n - 1)) * p->j->n_cell + k].cell;
        to->scale[i] = c->scale;
        to->offset[i] = c->offset;
        to->lo[i] = c->lo;
        to->hi[i] = c->hi;
    }
}

/* sum[place - low] += V off over places [from, end), for places [low, high). */
static void add_sums(const struct panel *p, size_t low, size_t high, size_t from, size_t end, size_t base)
{
    size_t n = p->j->b->n, n_term;
    double *sum = p->w->sum + (low - base) * LANES;
    for (size_t at = from; at < end; at += n_term) {
        const double *v = p->j->b->v + low * n + at, *off = p->w->off + at * LANES;
        n_term = least(PIECE, end - at);
        if (high - low < STEP) {
            dtile_add_product(high - low, LANES, n_term, v, n, 1, off, LANES, sum, LANES);
            continue;
        }
        dtile_strips(off, LANES, n_term, LANES, p->w->strips);
        for (size_t i = 0; i < LANES; i += DTILE_LANES)
            dtile_add_product(high - low, DTILE_LANES, n_term, v, n, 1, p->w->strips + i * n_term,
                              DTILE_LANES, sum + i, LANES);
    }
}

/* What the block's columns, places [low, high), and those that its groups reach, from `reach` on, would be if
 * only the columns before the block were rounded: w - u with u V's rows = -sum; and from these the groups'
 * cells. */
static int refit_groups(const struct panel *p, size_t reach, size_t low, size_t high, size_t *bad_row)
{
    const struct job *j = p->j;
    size_t n = j->b->n, g = j->cell_cols;
    double *u = p->w->off; /* of places not done yet */
    for (size_t place = high; place-- > reach;) {
        double *sum = u + place * LANES;
        memcpy(sum, p->w->sum + (place - reach) * LANES, LANES * sizeof *sum);
        dtile_add_product(1, LANES, high - 1 - place, j->b->v + place * n + place + 1, 0, 1, sum + LANES,
                          LANES, sum, LANES);
        for (size_t i = 0; i < LANES; i++)
            sum[i] /= -j->b->v[place * n + place];
    }
    for (size_t k = (n - high + g - 1) / g; k * g < n - low; k++)
        for (size_t i = 0; i < p->n; i++) {
            size_t from = k * g, end = least(from + g, n);
            for (size_t c = from; c < end; c++) {
                size_t at = (n - 1 - c) * LANES + i;
                p->w->row[c] = (float)((double)p->w->w[at] - u[at]);
            }
            struct quant_fit *fit = &j->fit[(p->first + i) * j->n_cell + k];
            int status = quant_fit_at(p->w->work, p->w->row + from, end - from, from, fit);
            if (status < 0) {
                *bad_row = p->first + i;
                return status;
            }
        }
    return 0;
}

/* Rounds the column at a place, whose sum is complete; adds to the rows' losses. */
static void round_place(const struct panel *p, size_t place, const double *sum, double *loss)
{
    const struct gptq_basis *b = p->j->b;
    const struct lanes_cells *c = &p->w->cells;
    double pivot = b->v[place * b->n + place], target[LANES];
    const float *w = p->w->w + place * LANES;
    double *off = p->w->off + place * LANES;
    float t[LANES], q[LANES];
    size_t column = b->column[place];
    take_cells(p, column / p->j->cell_cols);
    for (size_t i = 0; i < LANES; i++) {
        target[i] = (double)w[i] + sum[i] / pivot;
        t[i] = (float)target[i];
    }
    quant_cells_round(c->scale, c->offset, c->lo, c->hi, t, LANES, q);
    for (size_t i = 0; i < LANES; i++) {
        double lost = (target[i] - (double)q[i]) * pivot;
        off[i] = (double)w[i] - (double)q[i];
        loss[i] += lost * lost;
    }
}

static int take_panel(const struct panel *p, size_t *bad_row)
{
    const struct job *j = p->j;
    size_t n = j->b->n, low;
    double loss[LANES] = { 0 };
    int status = load_panel(p, bad_row);
    p->w->cell = SIZE_MAX;
    for (size_t high = n; high && !status; high = low) {
        low = high > GPTQ_BLOCK ? high - GPTQ_BLOCK : 0;
        size_t reach = low; /* a cell has a column at least: NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
        size_t last = (n - low - 1) / j->cell_cols * j->cell_cols + j->cell_cols;
        if (j->refit && last > n - low)
            reach = n - least(last, n);
        memset(p->w->sum, 0, (high - reach) * LANES * sizeof *p->w->sum);
        add_sums(p, reach, high, high, n, reach);
        if (j->refit)
            status = refit_groups(p, reach, low, high, bad_row);
        for (size_t top = high, end; top > low && !status; top = end) {
            end = top - low > STEP ? top - STEP : low;
            add_sums(p, end, top, top, high, reach);
            for (size_t place = top; place-- > end;) {
                add_sums(p, place, place + 1, place + 1, top, reach);
                round_place(p, place, p->w->sum + (place - reach) * LANES, loss);
            }
        }
    }
    if (!status)
        store_panel(p);
    memcpy(j->loss + p->first, loss, p->n * sizeof *loss);
    return status;
}

static void take_task(void *ctx, size_t task, int worker)
{
    struct job *j = ctx;
    struct worker *w = &j->worker[worker];
    struct panel p = { j, w, task * LANES, least(LANES, j->rows - task * LANES) };
    if (!w->work)
        open_worker(j, w);
    j->status[task] = take_panel(&p, &j->bad_row[task]);
}

/* The cell of all of w, without dead columns. */
static int fit_whole(const struct job *j, struct quant_fit *fit)
{
    struct quant_work *work = quant_work_new(j->plan);
    float *w = xaligned(j->rows * j->b->n, sizeof *w);
    for (size_t i = 0; i < j->rows * j->b->n; i++)
        w[i] = j->b->dead[i % j->b->n] ? 0 : j->w[i];
    int status = quant_whole(work, w, j->rows * j->b->n, fit);
    free(w);
    quant_work_free(work);
    return status;
}

int gptq_solve(const struct gptq_basis *b, const struct quant_plan *plan, const float *w, size_t rows,
               int n_thread, float *q, struct quant_fit *fit, double *loss, size_t *bad_row)
{
    size_t n_task = (rows + LANES - 1) / LANES, n_worker = n_thread < 1 ? 1 : (size_t)n_thread;
    struct quant_fit whole;
    struct job j = {
        .b = b, .plan = plan, .spec = quant_plan_spec(plan), .w = w, .q = q, .fit = fit, .rows = rows
    };
    int status = 0;
    *bad_row = 0;
    if (j.spec->rotate)
        return GPTQ_ROTATED;
    j.n_cell = quant_row_cells(j.spec, b->n, &j.cell_cols);
    j.refit = j.n_cell > 1 &&
              !b->static_groups; /* the only group of a row is made from weights as they are */
    if (j.spec->per == QUANT_PER_TENSOR) {
        status = fit_whole(&j, &whole);
        j.whole = &whole;
    }
    j.loss = xnew(rows, sizeof *j.loss);
    j.worker = xcalloc(n_worker, sizeof *j.worker);
    j.status = xcalloc(n_task, sizeof *j.status);
    j.bad_row = xcalloc(n_task, sizeof *j.bad_row);
    if (!status)
        threads_for(n_thread, n_task, take_task, &j);
    for (size_t i = n_task; i--;)
        if (j.status[i] < 0) {
            status = j.status[i];
            *bad_row = j.bad_row[i];
        }
    if (loss && !status) {
        *loss = 0;
        for (size_t i = 0; i < rows; i++)
            *loss += j.loss[i];
    }
    for (size_t i = 0; i < n_worker; i++)
        close_worker(&j.worker[i]);
    free(j.loss);
    free(j.worker);
    free(j.status);
    free(j.bad_row);
    return status;
}
