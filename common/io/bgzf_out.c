/* Writing BGZF: the caller fills groups of blocks, whoever is free deflates one, and whoever finds the oldest
 * group ready writes it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "io/bgzf.h"
#include <libdeflate.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

/* A block of BLOCK bytes fits 64 KiB even when it is stored. */
enum { BLOCK = 0xff00, GROUP = 16, FOOTER = 8, STORED_HEADER = 5, BLOCK_MAX = 1 << 16 };

struct group {
    unsigned char *data; /* [GROUP * BLOCK] */
    unsigned char *raw;  /* [GROUP * BLOCK_MAX]: deflated blocks, and what goes around stored ones */
    size_t n;            /* bytes in data */
    struct iovec piece[2 * GROUP + 1];
    int n_piece, done;
};

struct bgzf_out {
    struct outfile *file;
    int level, n_worker, n_group;
    pthread_t *worker;
    struct libdeflate_compressor *deflater; /* the caller's */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct group *group;                 /* a ring */
    size_t n_filled, n_begun, n_written; /* groups so far */
    int writing, stop;
};

static void put_little_endian(unsigned char *p, uint32_t v, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

/* Whether deflating may pay: bytes are spread unevenly, or 4-byte words come again. Judged by a sample, at
 * memory speed. Entropies measured, bits a byte: normal values in F32 7.3, in BF16 6.2, quantised to 4 bits
 * under 6.2 and then a sixth or more of the words are repeats. Level 1 leaves BF16 alone: a fifth less space
 * would cost most of the speed. */
static int may_shrink(const unsigned char *p, size_t n, int level)
{
    enum { RUN = 256, RUNS = 16, SAMPLE = RUN * RUNS, LOG_SEEN = 10 };
    if (n < 2 * SAMPLE)
        return 1;
    uint16_t count[4][256] = { 0 }; /* in four, as adding to one counter again and again is slow */
    uint32_t seen[1 << LOG_SEEN] = { 0 };
    int n_again = 0;
    for (size_t r = 0; r < RUNS; r++) {
        const unsigned char *run = p + (n - RUN) / (RUNS - 1) / 4 * 4 * r;
        for (size_t i = 0; i < RUN; i += 4) {
            uint32_t word, slot;
            memcpy(&word, run + i, 4);
            slot = (word * 0x9e3779b1u) >> (32 - LOG_SEEN);
            n_again += seen[slot] == word;
            seen[slot] = word;
            for (size_t k = 0; k < 4; k++)
                count[k][run[i + k]]++;
        }
    }
    double entropy_bits = 0;
    for (int v = 0; v < 256; v++) {
        int c = count[0][v] + count[1][v] + count[2][v] + count[3][v];
        if (c)
            entropy_bits -= (double)c / SAMPLE * log2((double)c / SAMPLE);
    }
    return n_again > SAMPLE / 4 / 16 || entropy_bits < (level == 1 ? 6.0 : 7.2);
}

static void add_piece(struct group *g, const void *p, size_t n)
{
    struct iovec *last = g->n_piece ? &g->piece[g->n_piece - 1] : NULL;
    if (last && (unsigned char *)last->iov_base + last->iov_len == p)
        last->iov_len += n;
    else
        g->piece[g->n_piece++] = (struct iovec){ (void *)(uintptr_t)p, n };
}

/* One block for data[0..n-1], at raw; returns the bytes used there. */
static size_t make_block(struct group *g, int level, struct libdeflate_compressor *deflater,
                         const unsigned char *data, size_t n, unsigned char *raw)
{
    static const unsigned char header[] = { 0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 'B', 'C', 2, 0 };
    unsigned char *deflated = raw + BGZF_HEADER, *footer;
    size_t n_deflated = 0, size;
    if (may_shrink(data, n, level))
        n_deflated = libdeflate_deflate_compress(deflater, data, n, deflated, n);
    memcpy(raw, header, sizeof header);
    if (n_deflated) {
        footer = deflated + n_deflated;
        size = BGZF_HEADER + n_deflated + FOOTER;
        add_piece(g, raw, size);
    } else {
        deflated[0] = 1; /* the last deflate block, stored */
        put_little_endian(deflated + 1, (uint32_t)n, 2);
        put_little_endian(deflated + 3, ~(uint32_t)n, 2);
        footer = deflated + STORED_HEADER;
        size = BGZF_HEADER + STORED_HEADER + n + FOOTER;
        add_piece(g, raw, BGZF_HEADER + STORED_HEADER);
        add_piece(g, data, n);
        add_piece(g, footer, FOOTER);
    }
    put_little_endian(raw + 16, (uint32_t)size - 1, 2);
    put_little_endian(footer, libdeflate_crc32(0, data, n), 4);
    put_little_endian(footer + 4, (uint32_t)n, 4);
    return (size_t)(footer + FOOTER - raw);
}

static void deflate_group(struct group *g, int level, struct libdeflate_compressor *deflater)
{
    unsigned char *raw = g->raw;
    g->n_piece = 0;
    for (size_t at = 0; at < g->n; at += BLOCK)
        raw += make_block(g, level, deflater, g->data + at, g->n - at < BLOCK ? g->n - at : BLOCK, raw);
}

/* Does the next thing that can be done now, if there is one; the lock is held before and after. */
static int step(struct bgzf_out *b, struct libdeflate_compressor *deflater)
{
    struct group *oldest = &b->group[b->n_written % (size_t)b->n_group];
    if (!b->writing && b->n_written < b->n_begun && oldest->done) {
        b->writing = 1;
        pthread_mutex_unlock(&b->lock);
        outfile_writev(b->file, oldest->piece, oldest->n_piece);
        pthread_mutex_lock(&b->lock);
        b->writing = 0;
        b->n_written++;
    } else if (b->n_begun < b->n_filled) {
        struct group *g = &b->group[b->n_begun++ % (size_t)b->n_group];
        pthread_mutex_unlock(&b->lock);
        deflate_group(g, b->level, deflater);
        pthread_mutex_lock(&b->lock);
        g->done = 1;
    } else {
        return 0;
    }
    pthread_cond_broadcast(&b->moved);
    return 1;
}

static struct libdeflate_compressor *new_deflater(int level)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
    if (!c)
        die("out of memory: cannot make a compressor");
    return c;
}

static void *work(void *arg)
{
    struct bgzf_out *b = arg;
    struct libdeflate_compressor *deflater = new_deflater(b->level);
    pthread_mutex_lock(&b->lock);
    while (!b->stop)
        if (!step(b, deflater))
            pthread_cond_wait(&b->moved, &b->lock);
    pthread_mutex_unlock(&b->lock);
    libdeflate_free_compressor(deflater);
    return NULL;
}

/* Hands the group being filled on and waits, helping, until at most `most` are still to be written. */
static void submit(struct bgzf_out *b, size_t most)
{
    pthread_mutex_lock(&b->lock);
    struct group *g = &b->group[b->n_filled % (size_t)b->n_group];
    if (g->n) {
        g->done = 0;
        b->n_filled++;
        pthread_cond_broadcast(&b->moved);
    }
    while (b->n_filled - b->n_written > most)
        if (!step(b, b->deflater))
            pthread_cond_wait(&b->moved, &b->lock);
    b->group[b->n_filled % (size_t)b->n_group].n = 0;
    pthread_mutex_unlock(&b->lock);
}

struct bgzf_out *bgzf_out_new(struct outfile *f, int level, int n_thread)
{
    struct bgzf_out *b = xcalloc(1, sizeof *b);
    b->file = f;
    b->level = level;
    b->n_worker = n_thread > 1 ? n_thread - 1 : 0;
    b->n_group = b->n_worker ? 2 * n_thread + 1 : 1;
    b->group = xcalloc((size_t)b->n_group, sizeof *b->group);
    for (int i = 0; i < b->n_group; i++) {
        b->group[i].data = xnew(GROUP, BLOCK);
        b->group[i].raw = xnew(GROUP, BLOCK_MAX);
    }
    b->deflater = new_deflater(level);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->moved, NULL);
    b->worker = xcalloc((size_t)b->n_worker + 1, sizeof *b->worker);
    for (int i = 0; i < b->n_worker; i++) {
        int e = pthread_create(&b->worker[i], NULL, work, b);
        if (e)
            die("cannot start a thread: %s", strerror(e));
    }
    return b;
}

void bgzf_out_write(struct bgzf_out *b, const void *data, size_t n)
{
    const char *p = data;
    while (n) {
        struct group *g = &b->group[b->n_filled % (size_t)b->n_group];
        size_t room = GROUP * BLOCK - g->n, k = n < room ? n : room;
        memcpy(g->data + g->n, p, k);
        g->n += k;
        p += k;
        n -= k;
        if (k == room)
            submit(b, (size_t)b->n_group - 1);
    }
}

void bgzf_out_close(struct bgzf_out *b)
{
    static const unsigned char closing[28] = { 0x1f, 0x8b, 8,   4,   0, 0, 0,    0, 0, 0xff,
                                               6,    0,    'B', 'C', 2, 0, 0x1b, 0, 3 };
    submit(b, 0);
    pthread_mutex_lock(&b->lock);
    b->stop = 1;
    pthread_cond_broadcast(&b->moved);
    pthread_mutex_unlock(&b->lock);
    for (int i = 0; i < b->n_worker; i++)
        pthread_join(b->worker[i], NULL);
    outfile_write(b->file, closing, sizeof closing);
    for (int i = 0; i < b->n_group; i++) {
        free(b->group[i].data);
        free(b->group[i].raw);
    }
    libdeflate_free_compressor(b->deflater);
    pthread_cond_destroy(&b->moved);
    pthread_mutex_destroy(&b->lock);
    free(b->group);
    free(b->worker);
    free(b);
}
