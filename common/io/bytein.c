/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/bytein.h"
#include "base/mem.h"
#include "base/msg.h"
#include "io/bgzf.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { BUFFER = 1 << 18, BEHIND = 64 << 20 };

struct bytein {
    char *path;
    int fd;
    unsigned char *map; /* the whole file; NULL if not mapped */
    size_t n_map, at_map, released;
    struct bgzf_in *bgzf; /* one of these, or neither */
    z_stream *zlib;
    unsigned char *raw; /* as read: buffer for small reads, or deflated bytes for zlib */
    size_t raw_at, raw_n;
    const unsigned char *ready; /* bytes to give before any others */
    size_t n_ready;
    unsigned char *inflated;
    int in_member;      /* of zlib's input */
    unsigned char *all; /* what bytein_all read */
    const char *error;
    int error_number;
};

/* A mapped file that another program cuts short raises SIGBUS when its lost pages are touched. That happens
 * in our own loops, never inside the C library's locks, so that ending the program in the usual way is safe.
 */
static void on_sigbus(int signal_number)
{
    (void)signal_number;
    die("a file was cut short while it was being read");
}

static size_t fail(struct bytein *b, int error_number, const char *why)
{
    b->error = why;
    b->error_number = error_number;
    return 0;
}

/* Reads at most n bytes: how many; 0 at the end or on an error. */
static size_t read_some(struct bytein *b, void *out, size_t n)
{
    for (;;) {
        ssize_t k = read(b->fd, out, n < (1u << 30) ? n : 1u << 30);
        if (k >= 0)
            return (size_t)k;
        if (errno != EINTR)
            return fail(b, errno, strerror(errno));
    }
}

static int map_file(struct bytein *b, const struct stat *st)
{
    off_t at = lseek(b->fd, 0, SEEK_CUR);
    if (!S_ISREG(st->st_mode) || at < 0 || st->st_size <= at || (uintmax_t)st->st_size > SIZE_MAX)
        return -1;
    void *map = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, b->fd, 0);
    if (map == MAP_FAILED)
        return -1;
    signal(SIGBUS, on_sigbus);
    madvise(map, (size_t)st->st_size, MADV_SEQUENTIAL);
    b->map = map;
    b->n_map = (size_t)st->st_size;
    b->at_map = b->released = (size_t)at;
    return 0;
}

/* gzip, unless it is a safetensors header whose length, as bytes, reads 1f 8b 08: then the length's high
 * bytes are 0 and the JSON opens where gzip has its flags for speed, which are never '{'. */
static int is_gzip(const unsigned char *p, size_t n)
{
    static const unsigned char zero[4];
    return n >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8 &&
           !(n >= 9 && !memcmp(p + 4, zero, sizeof zero) && p[8] == '{');
}

static void start_zlib(struct bytein *b)
{
    b->zlib = xcalloc(1, sizeof *b->zlib);
    b->inflated = xmalloc(BUFFER);
    b->zlib->next_in = b->raw;
    b->zlib->avail_in = (uInt)b->raw_n;
    if (inflateInit2(b->zlib, 15 + 16) != Z_OK)
        fail(b, ENOMEM, "out of memory for decompression");
    b->in_member = 1;
}

/* "cannot read: " and the reason, as linein has it, with errno as it was. */
static const char *cannot_read(int error_number)
{
    static char why[160];
    snprintf(why, sizeof why, "cannot read: %s",
             error_number == EISDIR ? "it is a directory" : strerror(error_number));
    errno = error_number;
    return why;
}

struct bytein *bytein_open(const char *path, int n_thread, const char **why)
{
    int is_stdin = !strcmp(path, "-");
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        *why = cannot_read(errno);
        return NULL;
    }
    if (S_ISDIR(st.st_mode)) {
        close(fd);
        *why = cannot_read(EISDIR);
        return NULL;
    }
    struct bytein *b = xcalloc(1, sizeof *b);
    b->path = xstrdup(is_stdin ? "standard input" : path);
    b->fd = fd;
    const unsigned char *head;
    size_t n_head = 0;
    if (map_file(b, &st) == 0) {
        head = b->map + b->at_map;
        n_head = b->n_map - b->at_map;
    } else {
        b->raw = xmalloc(BUFFER);
        head = b->raw;
        for (size_t k = 1; k && n_head < BGZF_HEADER; n_head += k)
            k = read_some(b, b->raw + n_head, BUFFER - n_head);
        b->raw_n = n_head;
    }
    if (!is_gzip(head, n_head))
        return b;
    if (b->map) { /* inflating reads */
        munmap(b->map, b->n_map);
        b->map = NULL;
        b->raw = xmalloc(BUFFER);
        b->raw_n = n_head = read_some(b, b->raw, BUFFER);
    }
    if (n_head >= BGZF_HEADER && bgzf_is_block(b->raw))
        b->bgzf = bgzf_in_new(b->fd, b->raw, b->raw_n, n_thread);
    else
        start_zlib(b);
    return b;
}

const char *bytein_path(const struct bytein *b)
{
    return b->path;
}

size_t bytein_left(const struct bytein *b)
{
    return b->map ? b->n_map - b->at_map : SIZE_MAX;
}

/* Gives pages that were read back to the system, a good deal at a time and leaving the latest. */
static void release_behind(struct bytein *b)
{
    if (b->at_map - b->released < 2 * (size_t)BEHIND)
        return;
    size_t from = b->released / BEHIND * BEHIND, to = (b->at_map - BEHIND) / BEHIND * BEHIND;
    madvise(b->map + from, to - from, MADV_DONTNEED);
    b->released = to;
}

const void *bytein_borrow(struct bytein *b, size_t n)
{
    if (!b->map || n > b->n_map - b->at_map)
        return NULL;
    release_behind(b);
    b->at_map += n;
    return b->map + b->at_map - n;
}

void bytein_release(const struct bytein *b, const void *bytes, size_t n)
{
    size_t at = (uintptr_t)bytes - (uintptr_t)b->map; /* beyond all if the bytes are none of the file's */
    if (!b->map || at >= b->n_map)
        return;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t from = (at + page - 1) / page * page, to = (at + n) / page * page;
    if (from < to)
        madvise(b->map + from, to - from, MADV_DONTNEED);
}

/* Fills `ready` with inflated bytes; 0 at the end or on an error. */
static size_t inflate_some(struct bytein *b)
{
    z_stream *z = b->zlib;
    z->next_out = b->inflated;
    z->avail_out = BUFFER;
    while (z->avail_out == BUFFER) {
        if (!z->avail_in) {
            z->next_in = b->raw;
            z->avail_in = (uInt)read_some(b, b->raw, BUFFER);
            if (!z->avail_in && b->error)
                return 0;
            if (!z->avail_in)
                return b->in_member ? fail(b, 0, "truncated in the compressed data") : 0;
        }
        if (!b->in_member && *z->next_in != 0x1f)
            return fail(b, 0, "something follows the compressed data");
        if (!b->in_member)
            inflateReset(z); /* another member must follow */
        b->in_member = 1;
        int status = inflate(z, Z_NO_FLUSH);
        if (status == Z_STREAM_END)
            b->in_member = 0;
        else if (status != Z_OK && status != Z_BUF_ERROR)
            return fail(b, 0, "corrupt in the compressed data");
    }
    b->ready = b->inflated;
    return b->n_ready = BUFFER - z->avail_out;
}

/* Makes `ready` hold some bytes; 0 at the end or on an error. */
static size_t get_ready(struct bytein *b)
{
    if (b->n_ready || b->error)
        return b->n_ready;
    if (b->bgzf) {
        const char *why;
        b->n_ready = bgzf_in_next(b->bgzf, &b->ready, &why);
        if (!b->n_ready && why)
            fail(b, errno, why);
        return b->n_ready;
    }
    if (b->zlib)
        return inflate_some(b);
    if (!b->raw_n)
        b->raw_n = read_some(b, b->raw, BUFFER);
    b->ready = b->raw;
    b->n_ready = b->raw_n;
    b->raw_n = 0;
    return b->n_ready;
}

size_t bytein_read(struct bytein *b, void *out, size_t n)
{
    size_t done = 0;
    if (b->map) {
        done = n < b->n_map - b->at_map ? n : b->n_map - b->at_map;
        const void *p = bytein_borrow(b, done);
        if (out)
            memcpy(out, p, done);
        return done;
    }
    while (done < n) {
        size_t k = n - done;
        if (!b->n_ready && !b->raw_n && !b->bgzf && !b->zlib && out && k >= BUFFER) {
            k = b->error ? 0 : read_some(b, (char *)out + done, k); /* no need to copy */
        } else {
            size_t ready = get_ready(b);
            k = k < ready ? k : ready;
            if (!k)
                break;
            if (out)
                memcpy((char *)out + done, b->ready, k);
            b->ready += k;
            b->n_ready -= k;
        }
        if (!k)
            break;
        done += k;
    }
    return done;
}

const void *bytein_peek(struct bytein *b, size_t n)
{
    if (b->map)
        return n <= b->n_map - b->at_map ? b->map + b->at_map : NULL;
    return get_ready(b) >= n ? b->ready : NULL;
}

const void *bytein_all(struct bytein *b, size_t *n)
{
    *n = 0;
    if (b->map) {
        *n = b->n_map - b->at_map;
        return bytein_borrow(b, *n);
    }
    for (size_t room = 0, k = 1; k; *n += k) {
        xgrow(&b->all, &room, *n + BUFFER, 1);
        k = bytein_read(b, b->all + *n, room - *n);
    }
    return b->error ? NULL : b->all;
}

const char *bytein_error(const struct bytein *b, int *error_number)
{
    *error_number = b->error_number;
    return b->error;
}

void bytein_close(struct bytein *b)
{
    if (b->map && b->fd == STDIN_FILENO) /* it stands behind what was taken, as if that had been read */
        lseek(b->fd, (off_t)b->at_map, SEEK_SET);
    if (b->map)
        munmap(b->map, b->n_map);
    bgzf_in_free(b->bgzf);
    if (b->zlib)
        inflateEnd(b->zlib);
    if (b->fd != STDIN_FILENO)
        close(b->fd);
    free(b->zlib);
    free(b->inflated);
    free(b->all);
    free(b->raw);
    free(b->path);
    free(b);
}

char *bytein_text(const char *path, size_t most, size_t *n, const char **why)
{
    struct bytein *in = bytein_open(path, 1, why);
    *n = 0;
    if (!in)
        return NULL;
    char *text = NULL;
    size_t room = 0;
    int error_number;
    for (size_t k = 1; k && *n <= most; *n += k) {
        xgrow(&text, &room, *n + BUFFER, 1);
        k = bytein_read(in, text + *n, room - *n - 1);
    }
    text[*n] = 0;
    *why = *n > most ? "too large" : bytein_error(in, &error_number);
    bytein_close(in);
    if (*why) {
        free(text);
        text = NULL;
    }
    return text;
}
