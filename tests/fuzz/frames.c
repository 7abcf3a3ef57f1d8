/* A tensor stream of any bytes is read or refused, and alike whether mapped, piped, or compressed on the way.
 * What is read can be written and is the same then. SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/msg.h"
#include "io/bgzf.h"
#include "io/outfile.h"
#include "io/tstream.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { PATH = 64, PIPE_HOLDS = 1 << 16 };

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return (h ^ n) * 0x9e3779b97f4a7c15u;
}

/* A number made of all that the stream says, 0 if it is refused. Writes the stream to `copy`, unless that is
 * NULL. */
static uint64_t digest(const char *path, int n_thread, const char *copy)
{
    const struct ts_options bare = { .level = 0, .n_thread = 1 };
    const char *why, *key, *value;
    uint64_t h = 1;
    struct tensor t, frame[64];
    int got;
    struct ts_reader *r = ts_open(path, n_thread, &why);
    if (!r)
        return strlen(why) ? 0 : 1;
    struct ts_writer *w = copy ? ts_open_out(copy, &bare) : NULL;
    while ((got = ts_next_frame(r)) > 0) {
        size_t n = ts_frame_tensors(r);
        for (size_t i = 0; (key = ts_meta_at(r, i, &value)); i++)
            h = mix(mix(h, key, strlen(key)), value, strlen(value));
        for (size_t i = 0; i < n && i < 64; i++)
            frame[i] = *ts_frame_tensor(r, i);
        if (w && n <= 64) {
            ts_out_copy_meta(w, r);
            ts_out_frame(w, frame, n);
        }
        while ((n % 3 != 2 || w) && (got = ts_next_in_frame(r, &t)) > 0) { /* or leave the frame unread */
            float f = 0;
            h = mix(mix(h, t.name, strlen(t.name)), t.shape, (size_t)t.n_dim * sizeof *t.shape);
            h = mix(mix(h, t.dtype_name, strlen(t.dtype_name)), t.data, t.n_bytes);
            if (t.n)
                tensor_to_f32(&t, t.n - 1, 1, &f);
            if (w && n <= 64)
                ts_out_data(w, t.data, t.n_bytes);
        }
        if (got < 0)
            break;
    }
    if (got < 0 && !strlen(ts_error(r)))
        abort();
    ts_close(r);
    if (w)
        ts_close_out(w);
    return got < 0 ? 0 : h;
}

static int in_memory(const void *data, size_t n, char path[PATH])
{
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        abort();
    snprintf(path, PATH, "/proc/self/fd/%d", fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char path[PATH], other[PATH];
    if (size > PIPE_HOLDS)
        return 0;
    int fd = in_memory(data, size, path);
    uint64_t mapped = digest(path, 1, NULL);
    if (!mapped && size % 32) { /* what is refused is mostly tried one way, for speed */
        close(fd);
        return 0;
    }

    int ends[2];
    if (pipe(ends) || write(ends[1], data, size) != (ssize_t)size)
        abort();
    close(ends[1]);
    snprintf(other, PATH, "/proc/self/fd/%d", ends[0]);
    if (digest(other, 1, NULL) != mapped)
        abort();
    close(ends[0]);

    snprintf(other, PATH, "%s/fuzz-frames-%d.t", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm",
             (int)getpid());
    if (size < 2 || data[0] != 0x1f) { /* not compressed yet */
        struct outfile *f = outfile_open(other, 0);
        struct bgzf_out *z = bgzf_out_new(f, 1, 1 + (size % 64 == 0));
        bgzf_out_write(z, data, size);
        bgzf_out_close(z);
        outfile_close(f);
        if (digest(other, 1 + (size % 32 == 0), NULL) != mapped)
            abort();
    }
    if (mapped) {
        digest(path, 1, other);
        if (digest(other, 1, NULL) != mapped)
            abort();
    }
    unlink(other);
    close(fd);
    return 0;
}
