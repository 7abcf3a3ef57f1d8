/* Reading BGZF: whoever is free, a worker or the caller with nothing to read, takes the next blocks from the
 * input, one at a time, and inflates them beside the others. The caller gets them in order.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "io/bgzf.h"
#include <errno.h>
#include <libdeflate.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_MAX = 1 << 16, GROUP = 16, WINDOW = 1 << 20, FOOTER = 8, DEFLATED_MIN = 2, STORED_HEADER = 5 };

/* Some blocks that follow each other, as they came and what they say. */
struct group {
    unsigned char *raw, *data; /* [GROUP * BLOCK_MAX] */
    size_t raw_end[GROUP];     /* where block i ends in raw */
    int n_block;
    struct {
        const unsigned char *data; /* inflated, or in raw if stored */
        size_t n;
    } piece[GROUP];
    int n_piece, next; /* next: the first that the caller has not had */
    const char *error; /* behind those; NULL if none */
    int error_number;
    int done;
};

struct bgzf_in {
    int fd, n_worker, n_group;
    int wake[2]; /* a pipe: closing its writing end calls off a read that waits */
    pthread_t *worker;
    struct libdeflate_decompressor *inflater; /* the caller's */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct group *group;     /* a ring */
    size_t n_taken, n_given; /* groups so far; those between are in the ring */
    int taking, ended, stop;
    /* Only for who takes: */
    unsigned char *window; /* read, but not taken yet: window[start..end-1] */
    size_t start, end;
    int at_eof, last_was_empty;
};

static uint32_t little_endian(const unsigned char *p, int n_bytes)
{
    uint32_t v = 0;
    while (n_bytes--)
        v = v << 8 | p[n_bytes];
    return v;
}

int bgzf_is_block(const unsigned char head[BGZF_HEADER])
{
    static const unsigned char fixed[] = { 0x1f, 0x8b, 8, 4 }, extra[] = { 6, 0, 'B', 'C', 2, 0 };
    return !memcmp(head, fixed, sizeof fixed) && !memcmp(head + 10, extra, sizeof extra);
}

/* Reads until the window holds `need` bytes: 1, 0 when the input ends before, -1 when it cannot be read. */
static int fill_window(struct bgzf_in *b, size_t need)
{
    if (b->end - b->start >= need)
        return 1;
    memmove(b->window, b->window + b->start, b->end - b->start);
    b->end -= b->start;
    b->start = 0;
    while (b->end < need && !b->at_eof) {
        if (b->n_worker) {
            struct pollfd p[2] = { { .fd = b->fd, .events = POLLIN },
                                   { .fd = b->wake[0], .events = POLLIN } };
            if (poll(p, 2, -1) < 0 && errno != EINTR)
                return -1;
            if (p[1].revents)
                return 0;
        }
        ssize_t k = read(b->fd, b->window + b->end, WINDOW - b->end);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        b->at_eof = k == 0;
        b->end += (size_t)k;
    }
    return b->end >= need;
}

/* Takes one block into g: NULL, or why there is none; "" at the clean end of the input. */
static const char *take_block(struct bgzf_in *b, struct group *g)
{
    int got = fill_window(b, BGZF_HEADER);
    if (got < 0)
        return strerror(errno);
    if (!got && b->end > b->start)
        return "truncated in a compressed block";
    if (!got)
        return b->last_was_empty ? "" : "truncated: the closing block is missing";
    if (!bgzf_is_block(b->window + b->start))
        return "corrupt: what follows a compressed block is none";
    size_t n = little_endian(b->window + b->start + 16, 2) + 1;
    if (n < BGZF_HEADER + DEFLATED_MIN + FOOTER)
        return "corrupt: the size of a compressed block is wrong";
    got = fill_window(b, n);
    if (got <= 0)
        return got ? strerror(errno) : "truncated in a compressed block";
    size_t at = g->n_block ? g->raw_end[g->n_block - 1] : 0;
    memcpy(g->raw + at, b->window + b->start, n);
    g->raw_end[g->n_block++] = at + n;
    b->start += n;
    b->last_was_empty = little_endian(b->window + b->start - 4, 4) == 0;
    return NULL;
}

/* Takes the blocks that have arrived, at least one. */
static void take(struct bgzf_in *b, struct group *g)
{
    g->n_block = 0;
    g->error = NULL;
    do {
        errno = 0;
        g->error = take_block(b, g);
        g->error_number = errno;
    } while (!g->error && g->n_block < GROUP && b->end - b->start >= BGZF_HEADER &&
             b->end - b->start > little_endian(b->window + b->start + 16, 2));
}

/* The n bytes of a block that holds nothing but one stored run of them; NULL if it is another kind of block.
 */
static const unsigned char *stored_data(const unsigned char *raw, size_t n_raw, size_t n)
{
    const unsigned char *p = raw + BGZF_HEADER;
    if (n_raw != BGZF_HEADER + STORED_HEADER + n + FOOTER || p[0] != 1 || little_endian(p + 1, 2) != n ||
        little_endian(p + 3, 2) != (~n & 0xffff))
        return NULL;
    return p + STORED_HEADER;
}

static void inflate_group(struct group *g, struct libdeflate_decompressor *inflater)
{
    unsigned char *out = g->data;
    for (int i = 0; i < g->n_block; i++) {
        const unsigned char *raw = g->raw + (i ? g->raw_end[i - 1] : 0),
                            *footer = g->raw + g->raw_end[i] - FOOTER;
        size_t n_raw = (size_t)(footer + FOOTER - raw), n = little_endian(footer + 4, 4), used;
        const unsigned char *stored = stored_data(raw, n_raw, n);
        int bad = stored ? libdeflate_crc32(0, stored, n) != little_endian(footer, 4)
                         : n > BLOCK_MAX ||
                               libdeflate_gzip_decompress_ex(inflater, raw, n_raw, out, n, &used, NULL) ||
                               used != n_raw;
        if (bad) {
            g->error = "corrupt: a compressed block does not match its checksum";
            g->error_number = 0;
            return;
        }
        if (!n)
            continue;
        g->piece[g->n_piece].data = stored ? stored : out;
        g->piece[g->n_piece++].n = n;
        out += stored ? 0 : n;
    }
}

static int may_take(const struct bgzf_in *b)
{
    return !b->taking && !b->ended && b->n_taken - b->n_given < (size_t)b->n_group;
}

/* Whether a block can be had without waiting for the input; nobody may be taking. */
static int is_ready(const struct bgzf_in *b)
{
    struct pollfd p = { .fd = b->fd, .events = POLLIN };
    return b->at_eof || poll(&p, 1, 0) > 0;
}

/* Takes and inflates one group; the lock is held before and after. */
static void take_and_inflate(struct bgzf_in *b, struct libdeflate_decompressor *inflater)
{
    struct group *g = &b->group[b->n_taken++ % (size_t)b->n_group];
    g->done = g->n_piece = g->next = 0;
    b->taking = 1;
    pthread_mutex_unlock(&b->lock);
    take(b, g);
    pthread_mutex_lock(&b->lock);
    b->taking = 0;
    b->ended = g->error != NULL;
    pthread_cond_broadcast(&b->moved);
    pthread_mutex_unlock(&b->lock);
    inflate_group(g, inflater);
    pthread_mutex_lock(&b->lock);
    g->done = 1;
    b->ended |= g->error != NULL;
    pthread_cond_broadcast(&b->moved);
}

static struct libdeflate_decompressor *new_inflater(void)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (!d)
        die("out of memory: cannot make a decompressor");
    return d;
}

static void *work(void *arg)
{
    struct bgzf_in *b = arg;
    struct libdeflate_decompressor *inflater = new_inflater();
    pthread_mutex_lock(&b->lock);
    while (!b->stop && !b->ended) {
        if (may_take(b))
            take_and_inflate(b, inflater);
        else
            pthread_cond_wait(&b->moved, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    libdeflate_free_decompressor(inflater);
    return NULL;
}

struct bgzf_in *bgzf_in_new(int fd, const void *head, size_t n_head, int n_thread)
{
    struct bgzf_in *b = xcalloc(1, sizeof *b);
    b->fd = fd;
    b->n_worker = n_thread > 1 ? n_thread - 1 : 0;
    b->n_group = b->n_worker ? 2 * n_thread + 1 : 1;
    b->group = xcalloc((size_t)b->n_group, sizeof *b->group);
    for (int i = 0; i < b->n_group; i++) {
        b->group[i].raw = xnew(GROUP, BLOCK_MAX);
        b->group[i].data = xnew(GROUP, BLOCK_MAX);
    }
    b->window = xmalloc(WINDOW);
    memcpy(b->window, head, n_head);
    b->end = n_head;
    b->inflater = new_inflater();
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->moved, NULL);
    b->worker = xcalloc((size_t)b->n_worker + 1, sizeof *b->worker);
    if (b->n_worker && pipe(b->wake) < 0)
        die("cannot make a pipe: %s", strerror(errno));
    for (int i = 0; i < b->n_worker; i++) {
        int e = pthread_create(&b->worker[i], NULL, work, b);
        if (e)
            die("cannot start a thread: %s", strerror(e));
    }
    return b;
}

size_t bgzf_in_next(struct bgzf_in *b, const unsigned char **data, const char **error)
{
    struct group *g;
    *error = NULL;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        g = &b->group[b->n_given % (size_t)b->n_group];
        if (b->n_given < b->n_taken && g->done) {
            if (g->next < g->n_piece || g->error)
                break;
            b->n_given++;
            pthread_cond_broadcast(&b->moved);
        } else if (may_take(b) && (b->n_taken == b->n_given || is_ready(b))) {
            take_and_inflate(b, b->inflater); /* not if that would wait while a worker's group gets done */
        } else {
            pthread_cond_wait(&b->moved, &b->lock);
        }
    }
    pthread_mutex_unlock(&b->lock);
    if (g->next < g->n_piece) {
        *data = g->piece[g->next].data;
        return g->piece[g->next++].n;
    }
    if (*g->error) { /* "" is the clean end */
        *error = g->error;
        errno = g->error_number;
    }
    return 0;
}

void bgzf_in_free(struct bgzf_in *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    b->stop = 1;
    pthread_cond_broadcast(&b->moved);
    pthread_mutex_unlock(&b->lock);
    if (b->n_worker)
        close(b->wake[1]);
    for (int i = 0; i < b->n_worker; i++)
        pthread_join(b->worker[i], NULL);
    if (b->n_worker)
        close(b->wake[0]);
    for (int i = 0; i < b->n_group; i++) {
        free(b->group[i].raw);
        free(b->group[i].data);
    }
    libdeflate_free_decompressor(b->inflater);
    pthread_cond_destroy(&b->moved);
    pthread_mutex_destroy(&b->lock);
    free(b->group);
    free(b->worker);
    free(b->window);
    free(b);
}
