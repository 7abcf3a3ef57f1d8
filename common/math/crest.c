/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/crest.h"
#include "base/mem.h"
#include "base/threads.h"
#include <math.h>
#include <stdlib.h>

enum { TASK = 1 << 18 /* numbers of a task, roughly */ };

struct job {
    const struct crest_array *array;
    size_t per_run, n_group,
        per_task;       /* groups: of each run along len, in all (each `inner` wide), of a task */
    struct crest *part; /* [tasks] */
};

static void add(struct crest *c, double size, double squares, size_t n)
{
    double rms = sqrt(squares / (double)n);
    if (!(rms > 0 && isfinite(rms) && isfinite(size)))
        return;
    c->n++;
    c->sum += size / rms;
    c->max = fmax(c->max, size / rms);
}

/* inner groups side by side, of n numbers each: x[n][inner]; size[inner] and squares[inner] are scratch. */
static void add_side_by_side(struct crest *c, const double *x, size_t n, size_t inner, double *size,
                             double *squares)
{
    for (size_t j = 0; j < inner; j++)
        size[j] = squares[j] = 0;
    for (size_t i = 0; i < n; i++, x += inner)
        for (size_t j = 0; j < inner; j++) {
            size[j] = fabs(x[j]) > size[j] ? fabs(x[j]) : size[j];
            squares[j] += x[j] * x[j];
        }
    for (size_t j = 0; j < inner; j++)
        add(c, size[j], squares[j], n);
}

static void do_task(void *ctx, size_t task, int worker)
{
    const struct job *job = ctx;
    const struct crest_array *a = job->array;
    size_t first = task * job->per_task, last = first + job->per_task;
    size_t most = (a->group < a->len ? a->group : a->len) * a->inner;
    double *x = xnew(most + 2 * a->inner, sizeof *x);
    (void)worker;
    for (size_t g = first; g < last && g < job->n_group; g++) {
        size_t run = g / job->per_run, at = g % job->per_run * a->group, left = a->len - at;
        size_t n = left < a->group ? left : a->group;
        a->load(a->source, (run * a->len + at) * a->inner, n * a->inner, x);
        add_side_by_side(&job->part[task], x, n, a->inner, x + most, x + most + a->inner);
    }
    free(x);
}

void crest_take(const struct crest_array *a, int n_thread, struct crest *c)
{
    struct job job = { .array = a };
    if (!a->outer || !a->len || !a->inner)
        return;
    job.per_run = a->len / a->group + (a->len % a->group > 0);
    job.n_group = a->outer * job.per_run;
    job.per_task = TASK / (a->group < a->len ? a->group : a->len) / a->inner + 1;
    size_t n_task = (job.n_group + job.per_task - 1) / job.per_task;
    job.part = xcalloc(n_task, sizeof *job.part);
    threads_for(n_thread, n_task, do_task, &job);
    for (size_t i = 0; i < n_task; i++) {
        c->n += job.part[i].n;
        c->sum += job.part[i].sum;
        c->max = fmax(c->max, job.part[i].max);
    }
    free(job.part);
}
