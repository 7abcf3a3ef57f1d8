/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/msg.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

static const char *prog = "babelbits";
static int failed_status = STATUS_FAILED;
static int quiet;
static int progress_shown;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void msg_set_prog(const char *name)
{
    prog = name;
}

const char *msg_prog(void)
{
    return prog;
}

void msg_set_quiet(int on)
{
    quiet = on;
}

void msg_set_failed_status(int status)
{
    failed_status = status;
}

static int wants_progress(void)
{
    static int tty = -1;
    if (tty < 0)
        tty = isatty(STDERR_FILENO);
    return tty && !quiet;
}

/* One write for the whole line, so that lines of two programs of a pipe do not mix. */
static void say(const char *format, va_list ap)
{
    char line[4096];
    int n = snprintf(line, sizeof line, "%s: ", prog);
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, ap);
    n = m < 0 ? n : n + m;
    if (n > (int)sizeof line - 2)
        n = (int)sizeof line - 2;
    for (int i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?'; /* names from files must not steer the terminal */
    line[n++] = '\n';
    pthread_mutex_lock(&lock);
    if (progress_shown) {
        fputs("\r\033[K", stderr);
        progress_shown = 0;
    }
    fwrite(line, 1, (size_t)n, stderr);
    fflush(stderr);
    pthread_mutex_unlock(&lock);
}

void warn(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(format, ap);
    va_end(ap);
}

#ifdef __SANITIZE_ADDRESS__
static atomic_int dying;

/* A program that dies leaves what it holds, whether or not anything still points there: that is no leak. */
int __lsan_is_turned_off(void)
{
    return dying;
}
#define SET_DYING() (dying = 1)
#else
#define SET_DYING() ((void)0)
#endif

/* Lets the first thread that wants to end the program do so, alone; others wait here for that end. */
static void claim_end(void)
{
    static atomic_flag claimed = ATOMIC_FLAG_INIT;
    static pthread_t claimant;
    if (!atomic_flag_test_and_set(&claimed)) {
        claimant = pthread_self();
        return;
    }
    while (!pthread_equal(claimant, pthread_self()))
        pause();
}

void die(const char *format, ...)
{
    va_list ap;
    claim_end();
    va_start(ap, format);
    say(format, ap);
    va_end(ap);
    SET_DYING();
    exit(failed_status);
}

void die_usage(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    say(format, ap);
    va_end(ap);
    fprintf(stderr, "Try '%s --help' for more.\n", prog);
    SET_DYING();
    exit(STATUS_USAGE);
}

void msg_progress(const char *format, ...)
{
    static struct timespec last;
    if (!wants_progress())
        return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double since = (double)(now.tv_sec - last.tv_sec) + 1e-9 * (double)(now.tv_nsec - last.tv_nsec);
    if (progress_shown && since < 0.1)
        return;
    last = now;
    char line[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    pthread_mutex_lock(&lock);
    fprintf(stderr, "\r\033[K%s: %s", prog, line);
    fflush(stderr);
    progress_shown = 1;
    pthread_mutex_unlock(&lock);
}

void msg_progress_end(void)
{
    pthread_mutex_lock(&lock);
    if (progress_shown)
        fputs("\r\033[K", stderr);
    progress_shown = 0;
    pthread_mutex_unlock(&lock);
}
