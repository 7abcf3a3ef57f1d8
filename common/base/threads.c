/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/threads.h"
#include "base/mem.h"
#include "base/msg.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct job {
    atomic_size_t next;
    size_t n_task;
    void (*fn)(void *ctx, size_t task, int worker);
    void *ctx;
};

static void work(struct job *job, int worker)
{
    size_t task;
    while ((task = atomic_fetch_add(&job->next, 1)) < job->n_task)
        job->fn(job->ctx, task, worker);
}

/* Threads that wait for jobs: one that sleeps on its processor is at work sooner than one that is yet to be
 * made, and a job does not wait for one that comes too late; both tell where other programs are running. */
static struct {
    pthread_mutex_t in_use; /* by the one whose job it is */
    pthread_mutex_t lock;   /* of what follows */
    pthread_cond_t wake, done;
    struct job *job; /* NULL: none that may be joined any more */
    uint64_t n_job;
    int n_started; /* threads 1 to n_started are there, */
    int n_called;  /* 1 to n_called may join, */
    int n_at_work; /* and so many have */
    int ending;
    pthread_t *thread; /* [n_started] */
    size_t room;
} pool = { .in_use = PTHREAD_MUTEX_INITIALIZER,
           .lock = PTHREAD_MUTEX_INITIALIZER,
           .wake = PTHREAD_COND_INITIALIZER,
           .done = PTHREAD_COND_INITIALIZER };

static void *wait_for_jobs(void *arg)
{
    int id = (int)(intptr_t)arg;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        while (!pool.ending && (!pool.job || pool.n_job == seen || id > pool.n_called))
            pthread_cond_wait(&pool.wake, &pool.lock);
        if (pool.ending)
            break;
        struct job *job = pool.job;
        seen = pool.n_job;
        pool.n_at_work++;
        pthread_mutex_unlock(&pool.lock);
        work(job, id);
        pthread_mutex_lock(&pool.lock);
        if (--pool.n_at_work == 0)
            pthread_cond_signal(&pool.done);
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

/* At the program's end, unless that comes in the midst of a job: leak checkers want no thread left. */
static void end_threads(void)
{
    if (pthread_mutex_trylock(&pool.in_use) != 0)
        return;
    pthread_mutex_lock(&pool.lock);
    pool.ending = 1;
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < pool.n_started; i++)
        pthread_join(pool.thread[i], NULL);
}

static void start(int n_thread)
{
    for (; pool.n_started < n_thread - 1; pool.n_started++) {
        xgrow(&pool.thread, &pool.room, (size_t)pool.n_started + 1, sizeof *pool.thread);
        int e = pthread_create(&pool.thread[pool.n_started], NULL, wait_for_jobs,
                               (void *)(intptr_t)(pool.n_started + 1));
        if (e)
            die("cannot start a thread: %s", strerror(e));
        if (!pool.n_started)
            atexit(end_threads);
    }
}

void threads_for(int n_thread, size_t n_task, void (*fn)(void *ctx, size_t task, int worker), void *ctx)
{
    struct job job = { .n_task = n_task, .fn = fn, .ctx = ctx };
    if (n_task < (size_t)(n_thread > 1 ? n_thread : 1))
        n_thread = (int)n_task;
    /* a task's own tasks, and those of another thread, are done by whoever asks */
    if (n_thread < 2 || pthread_mutex_trylock(&pool.in_use) != 0) {
        work(&job, 0);
        return;
    }
    pthread_mutex_lock(&pool.lock);
    start(n_thread);
    pool.job = &job;
    pool.n_job++;
    pool.n_called = n_thread - 1;
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    work(&job, 0);
    pthread_mutex_lock(&pool.lock);
    pool.job = NULL;
    while (pool.n_at_work)
        pthread_cond_wait(&pool.done, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
    pthread_mutex_unlock(&pool.in_use);
}
