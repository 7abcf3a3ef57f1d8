/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/threads.h"
#include "base/mem.h"
#include "base/msg.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct job {
    atomic_size_t next;
    size_t n_task;
    void (*fn)(void *ctx, size_t task, int worker);
    void *ctx;
};

struct worker {
    struct job *job;
    pthread_t thread;
    int id;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    size_t task;
    while ((task = atomic_fetch_add(&w->job->next, 1)) < w->job->n_task)
        w->job->fn(w->job->ctx, task, w->id);
    return NULL;
}

void threads_for(int n_thread, size_t n_task, void (*fn)(void *ctx, size_t task, int worker), void *ctx)
{
    if (n_thread < 1)
        n_thread = 1;
    if ((size_t)n_thread > n_task)
        n_thread = n_task ? (int)n_task : 1;
    struct job job = { .n_task = n_task, .fn = fn, .ctx = ctx };
    struct worker *w = xcalloc((size_t)n_thread, sizeof *w);
    for (int i = 0; i < n_thread; i++)
        w[i] = (struct worker){ .job = &job, .id = i };
    for (int i = 1; i < n_thread; i++) {
        int e = pthread_create(&w[i].thread, NULL, work, &w[i]);
        if (e)
            die("cannot start a thread: %s", strerror(e));
    }
    work(&w[0]);
    for (int i = 1; i < n_thread; i++)
        pthread_join(w[i].thread, NULL);
    free(w);
}
