/* tstream - FILE..., each a whole and intact tensor stream under 64 KiB, is read; cut at any byte or followed
 * by anything it is refused; with any bit turned it is refused or, if it is compressed, says the same. From a
 * file and from a pipe, with one thread and with three. Prints one line for each check that fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/tstream.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 1 << 16 };

static int n_failed;

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return (h ^ n) * 0x9e3779b97f4a7c15u;
}

/* A number made of all that the stream at path says, 0 if it is refused. */
static uint64_t digest(const char *path, int n_thread)
{
    const char *why, *key, *value;
    uint64_t h = 1;
    struct tensor t;
    int got;
    struct ts_reader *r = ts_open(path, n_thread, &why);
    if (!r)
        return *why ? 0 : 1;
    while ((got = ts_next_frame(r)) > 0) {
        for (size_t i = 0; (key = ts_meta_at(r, i, &value)); i++)
            h = mix(mix(h, key, strlen(key)), value, strlen(value));
        while ((got = ts_next_in_frame(r, &t)) > 0) {
            h = mix(mix(h, t.name, strlen(t.name)), t.shape, (size_t)t.n_dim * sizeof *t.shape);
            h = mix(mix(h, t.dtype_name, strlen(t.dtype_name)), t.data, t.n_bytes);
        }
        if (got < 0)
            break;
    }
    if (got < 0)
        h = *ts_error(r) ? 0 : 1;
    ts_close(r);
    return h;
}

/* The same of data[0..n-1], in a file or, piped, through a pipe. */
static uint64_t digest_of(const unsigned char *data, size_t n, int piped, int n_thread)
{
    char path[64] = "stream.tmp";
    int fd, ends[2];
    if (piped && pipe(ends) < 0)
        abort();
    fd = piped ? ends[1] : open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        abort();
    close(fd);
    if (piped)
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    uint64_t h = digest(path, n_thread);
    if (piped)
        close(ends[0]);
    return h;
}

static void check(int ok, const char *file, const char *what, size_t at)
{
    if (!ok) {
        printf("failed: %s: %s %zu\n", file, what, at);
        n_failed++;
    }
}

static void test(const char *file)
{
    static unsigned char data[MOST + 1];
    FILE *f = fopen(file, "rb");
    size_t n = f ? fread(data, 1, sizeof data, f) : 0;
    if (!n || n >= MOST || fclose(f)) {
        check(0, file, "cannot be read", 0);
        return;
    }
    uint64_t whole = digest_of(data, n, 0, 1);
    check(whole > 1, file, "is refused", n);
    for (int piped = 0; piped < 2; piped++) {
        for (int n_thread = 1; n_thread <= 3; n_thread += 2)
            check(digest_of(data, n, piped, n_thread) == whole, file, "depends on pipe or threads",
                  (size_t)piped);
        for (size_t cut = 0; cut < n; cut++)
            check(!digest_of(data, cut, piped, 1 + (cut % 64 == 0)), file, "is read although cut at", cut);
        for (int more = 0; more < 256; more++) {
            data[n] = (unsigned char)more;
            check(!digest_of(data, n + 1, piped, 1), file, "is read although it ends with a further byte",
                  data[n]);
        }
    }
    int is_compressed = data[0] == 0x1f;
    for (size_t at = 0; at < n; at++)
        for (int bit = 0; bit < 8; bit++) {
            data[at] ^= (unsigned char)(1 << bit);
            uint64_t h = digest_of(data, n, 0, 1);
            check(h != 1 && (!h || h == whole || !is_compressed), file, "is misread with a bit turned at",
                  at);
            data[at] ^= (unsigned char)(1 << bit);
        }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        test(argv[i]);
    unlink("stream.tmp");
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
