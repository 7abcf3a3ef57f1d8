/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/matrix.h"
#include "base/mem.h"
#include "base/threads.h"
#include "quant/pack.h"
#include "quant/rotate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PANEL = 1 << 15,
    PANEL_ROWS = 64
}; /* weights that a task takes, in whole rows; rows that it takes if in_out */

struct worker {
    struct quant_work *work;
    float *in, *q; /* [panel_rows][cols] */
    float *column; /* [PANEL_ROWS] */
    char *stored;  /* a row */
    struct quant_fit *fit;
    uint8_t *code;
};

/* Rows of a sheet being quantised. */
struct job {
    const struct quant_plan *plan;
    const struct quant_sheet *sheet;
    const struct quant_fit *whole;
    const struct quant_result *result;
    size_t first, end, n_cell, panel_rows;
    struct worker *worker; /* [n_thread], opened when needed */
    int *status;           /* [panels] */
    size_t *bad_row;       /* [panels] */
};

static void open_worker(const struct job *j, struct worker *w)
{
    size_t cols = j->sheet->cols, n = j->panel_rows * cols;
    *w = (struct worker){ .work = quant_work_new(j->plan),
                          .in = xaligned(n, sizeof(float)),
                          .q = xaligned(n, sizeof(float)),
                          .column = xaligned(PANEL_ROWS, sizeof(float)),
                          .stored = xaligned(cols, j->sheet->width),
                          .fit = xnew(j->n_cell, sizeof(struct quant_fit)),
                          .code = xmalloc(cols) };
}

static void close_worker(struct worker *w)
{
    quant_work_free(w->work);
    free(w->in);
    free(w->q);
    free(w->column);
    free(w->stored);
    free(w->fit);
    free(w->code);
}

/* Rows [r, r + n) as floats: where they are or, made or about to be overwritten, in w->in. */
static const float *load(const struct job *j, struct worker *w, size_t r, size_t n)
{
    const struct quant_sheet *s = j->sheet;
    size_t cols = s->cols;
    if (!s->in_out && s->f32 && s->f32 != j->result->weights)
        return s->f32 + r * cols;
    if (!s->in_out && s->f32) {
        memcpy(w->in, s->f32 + r * cols, n * cols * sizeof(float));
    } else if (!s->in_out) {
        s->load(s->source, r * cols, n * cols, w->in);
    } else {
        for (size_t c = 0; c < cols; c++) {
            const float *column = s->f32 ? s->f32 + c * s->rows + r : w->column;
            if (!s->f32)
                s->load(s->source, c * s->rows + r, n, w->column);
            for (size_t i = 0; i < n; i++)
                w->in[i * cols + c] = column[i];
        }
    }
    return w->in;
}

static void store(const struct job *j, struct worker *w, size_t r, size_t n)
{
    const struct quant_sheet *s = j->sheet;
    char *out = j->result->weights;
    size_t cols = s->cols;
    if (!s->in_out) {
        s->store(s->source, w->q, n * cols, out + (r - j->first) * cols * s->width);
        return;
    }
    for (size_t c = 0; c < cols; c++) {
        for (size_t i = 0; i < n; i++)
            w->column[i] = w->q[i * cols + c];
        s->store(s->source, w->column, n, out + (c * s->rows + r) * s->width);
    }
}

/* Whether storing makes a value infinite: only looked for where the outer levels come near, or a
 * bias is corrected. */
static int leaves_range(const struct job *j, const struct quant_fit *fit, const float *q)
{
    float most = 0, limit = j->sheet->limit < 3e38F ? j->sheet->limit : 3e38F;
    for (size_t k = 0; k < j->n_cell; k++) {
        const struct quant_cell *c = &fit[k].cell;
        most = fmaxf(most, fmaxf(fabsf(c->hi - c->offset), fabsf(c->lo - c->offset)) * fabsf(c->scale));
    }
    const struct quant_spec *s = quant_plan_spec(j->plan);
    if (most < limit / 2 && !s->bias && !s->rotate && s->method == QUANT_ROUND) /* others know no bounds */
        return 0;
    for (size_t i = 0; i < j->sheet->cols; i++)
        if (!(fabsf(q[i]) < j->sheet->limit))
            return 1;
    return 0;
}

static void pack(const struct job *j, struct worker *w, size_t r)
{
    const struct quant_result *to = j->result;
    int bits = quant_plan_spec(j->plan)->bits;
    pack_row(w->code, j->sheet->cols, bits, to->word + r * pack_words(j->sheet->cols, bits));
    for (size_t k = 0; k < j->n_cell; k++) {
        size_t at = r * j->n_cell + k;
        j->sheet->store(j->sheet->source, &w->fit[k].cell.scale, 1, (char *)to->scale + at * j->sheet->width);
        to->zero[at] = w->fit[k].cell.zero;
    }
}

/* Row r of what has been found, its cells and codes, as quant_row gives them. */
static void take_solved(const struct job *j, struct worker *w, size_t r, float *q, uint8_t *code)
{
    const struct quant_sheet *s = j->sheet;
    const struct quant_spec *spec = quant_plan_spec(j->plan);
    size_t cell_cols, n_cell = quant_row_cells(spec, s->cols, &cell_cols);
    memcpy(q, s->solved + r * s->cols, s->cols * sizeof *q);
    memcpy(w->fit, s->solved_fit + r * n_cell, n_cell * sizeof *w->fit);
    for (size_t k = 0, at = 0; code && k < n_cell; k++, at += cell_cols)
        quant_cell_codes(&w->fit[k].cell, spec->bits, q + at,
                         s->cols - at < cell_cols ? s->cols - at : cell_cols, code + at);
}

static void take_panel(const struct job *j, size_t task, int worker)
{
    const struct quant_sheet *s = j->sheet;
    const struct quant_result *to = j->result;
    struct worker *w = &j->worker[worker];
    if (!w->work)
        open_worker(j, w);
    size_t cols = s->cols, r = j->first + task * j->panel_rows;
    size_t n = j->end - r < j->panel_rows ? j->end - r : j->panel_rows;
    const float *in = load(j, w, r, n);
    int in_place = to->weights && !s->in_out && s->f32;
    for (size_t i = 0; i < n; i++) {
        float *q = in_place ? (float *)to->weights + (r - j->first + i) * cols : w->q + i * cols;
        const float *before = in + i * cols;
        uint8_t *code = to->word ? w->code : NULL;
        int status = 0;
        if (s->solved)
            take_solved(j, w, r + i, q, code);
        else
            status = quant_row(w->work, j->whole, before, cols, q, w->fit, code);
        if (!status && leaves_range(j, w->fit, q))
            status = QUANT_RANGE;
        j->status[task] = status;
        j->bad_row[task] = r + i;
        if (status < 0)
            return;
        if (to->word)
            pack(j, w, r + i);
        if (to->stats) {
            if (!s->f32) { /* as it reads once it was stored */
                s->store(s->source, q, cols, w->stored);
                s->unstore(s->source, w->stored, cols, q);
            }
            to->stats[r + i] = (struct quant_stats){ .n = 0 };
            quant_measure(w->work, w->fit, before, q, cols, &to->stats[r + i]);
        }
    }
    if (to->weights && !in_place)
        store(j, w, r, n);
}

/* The first task is `meanwhile`. */
static void take_task(void *ctx, size_t task, int worker)
{
    const struct job *j = ctx;
    if (task)
        take_panel(j, task - 1, worker);
    else if (j->result->meanwhile)
        j->result->meanwhile(j->result->ctx);
}

int quant_sheet_rows(const struct quant_plan *plan, const struct quant_sheet *sheet,
                     const struct quant_fit *whole, size_t first, size_t end, int n_thread,
                     const struct quant_result *result, size_t *bad_row)
{
    struct job j = {
        .plan = plan, .sheet = sheet, .whole = whole, .result = result, .first = first, .end = end
    };
    size_t cell_cols, n = n_thread < 1 ? 1 : (size_t)n_thread;
    int status = 0;
    j.n_cell = quant_row_cells(quant_plan_spec(plan), sheet->cols, &cell_cols);
    j.panel_rows = sheet->in_out ? PANEL_ROWS : sheet->cols < PANEL ? PANEL / sheet->cols : 1;
    size_t n_panel = (end - first + j.panel_rows - 1) / j.panel_rows;
    j.worker = xcalloc(n, sizeof *j.worker);
    j.status = xcalloc(n_panel, sizeof *j.status);
    j.bad_row = xcalloc(n_panel, sizeof *j.bad_row);
    threads_for(n_thread, n_panel + 1, take_task, &j);
    for (size_t i = n_panel; i--;)
        if (j.status[i] < 0) {
            status = j.status[i];
            *bad_row = j.bad_row[i];
        }
    for (size_t i = 0; i < n; i++)
        close_worker(&j.worker[i]);
    free(j.worker);
    free(j.status);
    free(j.bad_row);
    return status;
}

/* ---- matrices of floats */

struct reading {
    const struct quant_sheet *sheet;
    float *w;
};

static void read_panel(void *ctx, size_t task, int worker)
{
    const struct reading *r = ctx;
    const struct quant_sheet *s = r->sheet;
    size_t first = task * PANEL_ROWS, n = s->rows - first < PANEL_ROWS ? s->rows - first : PANEL_ROWS;
    float column[PANEL_ROWS], *to = r->w + first * s->cols;
    (void)worker;
    if (!s->in_out && s->f32)
        memcpy(to, s->f32 + first * s->cols, n * s->cols * sizeof *to);
    else if (!s->in_out)
        s->load(s->source, first * s->cols, n * s->cols, to);
    for (size_t c = 0; s->in_out && c < s->cols; c++) {
        const float *from = s->f32 ? s->f32 + c * s->rows + first : column;
        if (!s->f32)
            s->load(s->source, c * s->rows + first, n, column);
        for (size_t i = 0; i < n; i++)
            to[i * s->cols + c] = from[i];
    }
}

void quant_sheet_floats(const struct quant_sheet *sheet, int n_thread, float *w)
{
    struct reading r = { sheet, w };
    threads_for(n_thread, (sheet->rows + PANEL_ROWS - 1) / PANEL_ROWS, read_panel, &r);
}

static void rotate_rows(float *w, size_t rows, size_t cols, size_t block)
{
    for (size_t r = 0; r < rows; r++)
        rotate_row(w + r * cols, cols, block);
}

int quant_sheet_whole(const struct quant_plan *plan, const struct quant_sheet *sheet, struct quant_fit *whole)
{
    size_t n = sheet->rows * sheet->cols, block = quant_plan_spec(plan)->rotate;
    const float *w = sheet->f32;
    float *floats = NULL;
    if (block) {
        w = floats = xaligned(n, sizeof *floats);
        quant_sheet_floats(sheet, 1, floats);
        rotate_rows(floats, sheet->rows, sheet->cols, block);
    } else if (!w && sheet->load) {
        w = floats = xaligned(n, sizeof *floats);
        sheet->load(sheet->source, 0, n, floats);
    }
    struct quant_work *work = quant_work_new(plan);
    int status = quant_whole(work, w, n, whole);
    quant_work_free(work);
    free(floats);
    return status;
}

struct rounding {
    const struct quant_plan *plan;
    const struct quant_fit *whole;
    const float *w;
    float *q;
    struct quant_fit *fit;
    size_t rows, cols, n_cell;
    struct quant_work **work; /* [n_thread] */
    int *status;              /* [rows] */
};

static void round_panel(void *ctx, size_t task, int worker)
{
    struct rounding *j = ctx;
    size_t first = task * PANEL_ROWS, end = j->rows - first < PANEL_ROWS ? j->rows : first + PANEL_ROWS;
    if (!j->work[worker])
        j->work[worker] = quant_work_new(j->plan);
    for (size_t r = first; r < end; r++)
        j->status[r] = quant_row(j->work[worker], j->whole, j->w + r * j->cols, j->cols, j->q + r * j->cols,
                                 j->fit + r * j->n_cell, NULL);
}

int quant_rows(const struct quant_plan *plan, const float *w, size_t rows, size_t cols, int n_thread,
               float *q, struct quant_fit *fit, size_t *bad_row)
{
    struct rounding j = { .plan = plan, .w = w, .q = q, .fit = fit, .rows = rows, .cols = cols };
    struct quant_fit whole;
    size_t cell_cols, n = n_thread < 1 ? 1 : (size_t)n_thread;
    int status = 0;
    *bad_row = 0;
    j.n_cell = quant_row_cells(quant_plan_spec(plan), cols, &cell_cols);
    j.work = xcalloc(n, sizeof(*j.work));
    j.status = xcalloc(rows, sizeof *j.status);
    if (quant_plan_spec(plan)->per == QUANT_PER_TENSOR) {
        const struct quant_sheet sheet = { .rows = rows, .cols = cols, .f32 = w };
        status = quant_sheet_whole(plan, &sheet, &whole);
        j.whole = &whole;
    }
    if (!status)
        threads_for(n_thread, (rows + PANEL_ROWS - 1) / PANEL_ROWS, round_panel, &j);
    for (size_t r = rows; r--;)
        if (j.status[r] < 0) {
            status = j.status[r];
            *bad_row = r;
        }
    for (size_t i = 0; i < n; i++)
        quant_work_free(j.work[i]);
    free(j.work);
    free(j.status);
    return status;
}

int quant_matrix(const struct quant_spec *spec, float *w, size_t rows, size_t cols, int n_thread,
                 struct quant_stats *total, struct quant_stats *by_row, size_t *bad_row)
{
    const struct quant_sheet sheet = {
        .rows = rows, .cols = cols, .f32 = w, .width = sizeof *w, .limit = INFINITY
    };
    struct quant_fit whole;
    int status = 0, is_whole = spec->per == QUANT_PER_TENSOR;
    *bad_row = 0;
    if (total)
        *total = (struct quant_stats){ .n = 0 };
    if (spec->bits == 16 || !rows || !cols)
        return 0;
    struct quant_plan *plan = quant_plan_new(spec);
    struct quant_stats *stats = by_row || !total ? by_row : xcalloc(rows, sizeof *stats);
    const struct quant_result result = { .weights = w, .stats = stats };
    if (is_whole)
        status = quant_sheet_whole(plan, &sheet, &whole);
    if (!status)
        status = quant_sheet_rows(plan, &sheet, is_whole ? &whole : NULL, 0, rows, n_thread, &result,
                                  bad_row);
    for (size_t r = 0; total && r < rows && !status; r++)
        quant_stats_add(total, &stats[r]);
    if (stats != by_row)
        free(stats);
    quant_plan_free(plan);
    return status;
}
