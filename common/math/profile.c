/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/profile.h"
#include "base/mem.h"
#include "base/threads.h"
#include "math/beyond.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 64 * MOMENTS_CHUNK, /* numbers that one task takes of a lone channel */
    SHORT = 64,                 /* channels in pieces shorter than that are gathered .. */
    TOGETHER = 16,              /* .. so many at a time */
    GUESS_FROM = 1 << 20,       /* shorter arrays are in cache when they are looked at again */
    SAMPLES = 256,              /* places .. */
    SAMPLE = 256                /* .. of so many numbers to guess from */
};

struct worker {
    union {
        float f32[MOMENTS_CHUNK];
        double f64[MOMENTS_CHUNK];
    } room;
    struct powers_watch watch;
    char *gathered; /* [TOGETHER][MOMENTS_CHUNK] numbers */
};

/* One pass over an array: for moments or, where there are low and high, to count what is outside. */
struct pass {
    const struct profile_array *array;
    const double *low, *high; /* [n_channel] */
    int sieving;              /* whether inner and outer are a guess of where outliers begin */
    float inner, outer;
    struct beyond_sieve *sieve; /* each worker's */
    struct worker *worker;
    struct moments *m; /* [n_channel], or of blocks */
    uint64_t *count;   /* likewise */
};

/* What becomes of a channel, or of a block. */
struct result {
    struct moments_tree tree;
    uint64_t count;
};

static int is_wide(const struct profile_array *a)
{
    return a->load_f64 != NULL;
}

/* Numbers [from, from + n), n <= MOMENTS_CHUNK, as floats or (is_wide) doubles. */
static const void *load(const struct profile_array *a, size_t from, size_t n, struct worker *w)
{
    if (a->plain && a->type == POWERS_F32)
        return (const char *)a->plain + from * sizeof(float);
    if (is_wide(a))
        a->load_f64(a->source, from, n, w->room.f64);
    else
        a->load_f32(a->source, from, n, w->room.f32);
    return &w->room;
}

/* The same as they are, of the array's type. */
static const void *see(const struct profile_array *a, size_t from, size_t n, struct worker *w)
{
    return a->plain ? (const char *)a->plain + from * powers_bytes(a->type) : load(a, from, n, w);
}

/* ---- pieces */

static void take_moments(const struct pass *p, const void *x, enum powers_type type, size_t n, int worker,
                         struct result *r)
{
    struct powers_watch *watch = &p->worker[worker].watch;
    struct moments m;
    if (is_wide(p->array)) {
        moments_chunk_f64(x, n, &m);
    } else {
        moments_chunk(x, type, n, watch, &m);
        if (p->sieving)
            beyond_take(&p->sieve[worker], watch, x, type);
    }
    moments_tree_push(&r->tree, &m);
}

/* Adds to the count of x[0..n-1], floats or doubles. */
static void take_count(const struct pass *p, size_t channel, const void *x, size_t n, struct result *r)
{
    if (is_wide(p->array))
        r->count += beyond_count_f64(x, n, p->low[channel], p->high[channel]);
    else
        r->count += beyond_count_f32(x, n, p->low[channel], p->high[channel]);
}

/* Numbers [from, from + n) of the array, all of one channel. */
static void take_run(const struct pass *p, size_t channel, size_t from, size_t n, int worker,
                     struct result *r)
{
    for (size_t end = from + n; from < end; from += MOMENTS_CHUNK) {
        size_t k = end - from < MOMENTS_CHUNK ? end - from : MOMENTS_CHUNK;
        struct worker *w = &p->worker[worker];
        if (p->low)
            take_count(p, channel, load(p->array, from, k, w), k, r);
        else
            take_moments(p, see(p->array, from, k, w), p->array->type, k, worker, r);
    }
}

static void finish(const struct pass *p, size_t place, const struct result *r)
{
    if (p->low)
        p->count[place] += r->count;
    else
        p->m[place] = moments_tree_total(&r->tree);
}

/* ---- tasks */

static size_t channel_size(const struct profile_array *a)
{
    return a->outer * a->inner;
}

/* A block of an array that is one channel. */
static void do_block(void *ctx, size_t task, int worker)
{
    const struct pass *p = ctx;
    struct result r = { .count = 0 };
    size_t from = task * BLOCK, left = channel_size(p->array) - from, n = left < BLOCK ? left : BLOCK;
    take_run(p, 0, from, n, worker, &r);
    finish(p, task, &r);
}

/* A channel that comes in long pieces. */
static void do_channel(void *ctx, size_t task, int worker)
{
    const struct pass *p = ctx;
    const struct profile_array *a = p->array;
    struct result r = { .count = 0 };
    for (size_t o = 0; o < a->outer; o++)
        take_run(p, task, (o * a->n_channel + task) * a->inner, a->inner, worker, &r);
    finish(p, task, &r);
}

/* x[n][inner] of n channels into to[n][MOMENTS_CHUNK] from place `at` on. */
static void spread_f32(const char *x, size_t n, size_t inner, char *to, size_t at)
{
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < inner; i++, x += sizeof(float))
            memcpy(to + (k * MOMENTS_CHUNK + at + i) * sizeof(float), x, sizeof(float));
}

static void spread_f64(const char *x, size_t n, size_t inner, char *to, size_t at)
{
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < inner; i++, x += sizeof(double))
            memcpy(to + (k * MOMENTS_CHUNK + at + i) * sizeof(double), x, sizeof(double));
}

/* Channels that come in short pieces, as columns do: TOGETHER of them, gathered into chunks. */
static void do_columns(void *ctx, size_t task, int worker)
{
    const struct pass *p = ctx;
    const struct profile_array *a = p->array;
    struct worker *w = &p->worker[worker];
    struct result r[TOGETHER];
    size_t first = task * TOGETHER, left = a->n_channel - first, n = left < TOGETHER ? left : TOGETHER;
    size_t n_filled = 0, bytes = MOMENTS_CHUNK * (is_wide(a) ? sizeof(double) : sizeof(float));
    memset(r, 0, sizeof r);
    for (size_t o = 0; o < a->outer; o++) {
        const void *x = load(a, (o * a->n_channel + first) * a->inner, n * a->inner, w);
        (is_wide(a) ? spread_f64 : spread_f32)(x, n, a->inner, w->gathered, n_filled);
        n_filled += a->inner;
        if (n_filled + a->inner <= MOMENTS_CHUNK && o + 1 < a->outer)
            continue;
        for (size_t k = 0; k < n; k++) {
            const void *piece = w->gathered + k * bytes;
            if (p->low)
                take_count(p, first + k, piece, n_filled, &r[k]);
            else
                take_moments(p, piece, POWERS_F32, n_filled, worker, &r[k]);
        }
        n_filled = 0;
    }
    for (size_t k = 0; k < n; k++)
        finish(p, first + k, &r[k]);
}

/* Runs the tasks of a pass; returns how many workers there were, each with a sieve. */
static size_t run(struct pass *p, int n_thread, size_t n_task, void (*task)(void *, size_t, int))
{
    const struct profile_array *a = p->array;
    size_t n_worker = n_thread < 1 ? 1 : (size_t)n_thread;
    n_worker = n_worker > n_task ? n_task : n_worker;
    p->worker = xcalloc(n_worker, sizeof *p->worker);
    p->sieve = xcalloc(n_worker, sizeof *p->sieve);
    for (size_t i = 0; i < n_worker; i++) {
        if (task == do_columns)
            p->worker[i].gathered = xaligned(TOGETHER * MOMENTS_CHUNK,
                                             is_wide(a) ? sizeof(double) : sizeof(float));
        p->worker[i].watch.inner = p->sieving ? p->inner : INFINITY;
        p->worker[i].watch.outer = p->sieving ? p->outer : INFINITY;
        if (p->sieving) {
            p->sieve[i].room = channel_size(a) / 64 + 2 * MOMENTS_CHUNK;
            p->sieve[i].kept = xnew(p->sieve[i].room, sizeof(float));
        }
    }
    threads_for(n_thread, n_task, task, p);
    for (size_t i = 0; i < n_worker; i++)
        free(p->worker[i].gathered);
    free(p->worker);
    return n_worker;
}

static void free_sieves(struct pass *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(p->sieve[i].kept);
    free(p->sieve);
}

/* ---- passes */

void profile_ends(const struct profile_rule *rule, const struct moments *m, double *low, double *high)
{
    struct moments_summary s;
    moments_summarise(m, rule->unbiased, &s);
    double centre = rule->about_zero ? 0 : s.mean;
    *low = centre - rule->k * s.sd; /* NaN where there is no sd: nothing is outside then */
    *high = centre + rule->k * s.sd;
}

/* Numbers from all over the array tell where its outliers will begin. Returns 0, or -1 if they do not. */
static int guess(const struct profile_array *a, const struct profile_rule *rule, float *inner, float *outer)
{
    size_t n = channel_size(a);
    if (n < GUESS_FROM || is_wide(a))
        return -1;
    struct moments samples[SAMPLES];
    struct worker *w = xcalloc(1, sizeof *w);
    w->watch.inner = w->watch.outer = INFINITY;
    for (size_t i = 0; i < SAMPLES; i++)
        moments_chunk(see(a, (n - SAMPLE) / (SAMPLES - 1) * i, SAMPLE, w), a->type, SAMPLE, &w->watch,
                      &samples[i]);
    free(w);
    return beyond_guess(samples, SAMPLES, rule->k, rule->about_zero, inner, outer);
}

static size_t blocks_of(const struct profile_array *a)
{
    return channel_size(a) / BLOCK + (channel_size(a) % BLOCK > 0);
}

/* Moments of an array that is one channel, and outliers if the guess holds. */
static int take_whole(const struct profile_array *a, const struct profile_rule *rule, int n_thread,
                      struct moments *m, uint64_t *n_outlier)
{
    size_t n_block = blocks_of(a);
    struct moments_tree tree = { .n = 0 };
    struct pass p = { .array = a, .m = xnew(n_block, sizeof *p.m) };
    p.sieving = n_outlier && guess(a, rule, &p.inner, &p.outer) == 0;
    size_t n_worker = run(&p, n_thread, n_block, do_block);
    for (size_t i = 0; i < n_block; i++)
        moments_tree_push(&tree, &p.m[i]);
    *m = moments_tree_total(&tree);
    double low, high;
    profile_ends(rule, m, &low, &high);
    int settled = p.sieving ? beyond_settle(p.sieve, n_worker, p.inner, p.outer, low, high, n_outlier) : -1;
    free_sieves(&p, n_worker);
    free(p.m);
    return settled;
}

static void take_channels(struct pass *p, int n_thread)
{
    const struct profile_array *a = p->array;
    size_t n_worker = a->inner < SHORT && a->outer > 1
                          ? run(p, n_thread, (a->n_channel + TOGETHER - 1) / TOGETHER, do_columns)
                          : run(p, n_thread, a->n_channel, do_channel);
    free_sieves(p, n_worker);
}

void profile_take(const struct profile_array *a, const struct profile_rule *rule, int n_thread,
                  struct moments *m, uint64_t *n_outlier)
{
    if (a->n_channel == 1) {
        if (take_whole(a, rule, n_thread, m, n_outlier) == 0 || !n_outlier)
            return;
    } else {
        struct pass p = { .array = a, .m = m };
        take_channels(&p, n_thread);
        if (!n_outlier)
            return;
    }
    double *low = xnew(a->n_channel, sizeof *low), *high = xnew(a->n_channel, sizeof *high);
    for (size_t c = 0; c < a->n_channel; c++) {
        profile_ends(rule, &m[c], &low[c], &high[c]);
        n_outlier[c] = 0;
    }
    profile_count(a, low, high, n_thread, n_outlier);
    free(low);
    free(high);
}

void profile_count(const struct profile_array *a, const double *low, const double *high, int n_thread,
                   uint64_t *n_outlier)
{
    struct pass p = { .array = a, .low = low, .high = high, .count = n_outlier };
    if (a->n_channel > 1) {
        take_channels(&p, n_thread);
        return;
    }
    size_t n_block = blocks_of(a);
    p.count = xcalloc(n_block, sizeof *p.count);
    free_sieves(&p, run(&p, n_thread, n_block, do_block));
    for (size_t i = 0; i < n_block; i++)
        *n_outlier += p.count[i];
    free(p.count);
}
