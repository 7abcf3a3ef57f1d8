/* threads.h - the same work on several cores.  Layer: base.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H
#include <stddef.h>

/* Calls fn(ctx, task, worker) once for each task 0..n_task-1, on n_thread threads (the caller's is one of
 * them), and returns when all are done. Tasks start in order, whoever is free takes the next; worker is
 * 0..n_thread-1, for scratch space. For the same result on any n_thread a task writes only what belongs to
 * it. n_thread < 1 counts as 1; so does any within a task, or while another thread's call is at work. */
void threads_for(int n_thread, size_t n_task, void (*fn)(void *ctx, size_t task, int worker), void *ctx);

#endif
