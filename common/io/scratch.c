/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/scratch.h"
#include "base/mem.h"
#include "base/msg.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scratch {
    char *bytes; /* NULL: in the file */
    int fd;
};

static const char *folder(void)
{
    const char *dir = getenv("TMPDIR");
    return dir && *dir ? dir : "/tmp";
}

static _Noreturn void fail(void)
{
    die("a temporary file in %s: %s", folder(), strerror(errno));
}

struct scratch *scratch_new(size_t n_bytes, int in_file)
{
    struct scratch *s = xcalloc(1, sizeof *s);
    s->fd = -1;
    if (!in_file) {
        s->bytes = xcalloc(n_bytes ? n_bytes : 1, 1);
        return s;
    }
    char *path = xsprintf("%s/babelbits-XXXXXX", folder());
    s->fd = mkstemp(path);
    if (s->fd < 0 || unlink(path) < 0 || ftruncate(s->fd, (off_t)n_bytes) < 0)
        fail();
    free(path);
    return s;
}

void scratch_write(struct scratch *s, size_t at, const void *data, size_t n)
{
    const char *p = data;
    if (s->bytes) {
        memcpy(s->bytes + at, p, n);
        return;
    }
    while (n) {
        ssize_t k = pwrite(s->fd, p, n, (off_t)at);
        if (k < 0 && errno != EINTR)
            fail();
        k = k < 0 ? 0 : k;
        p += k;
        at += (size_t)k;
        n -= (size_t)k;
    }
}

void scratch_read(const struct scratch *s, size_t at, void *out, size_t n)
{
    char *p = out;
    if (s->bytes) {
        memcpy(p, s->bytes + at, n);
        return;
    }
    while (n) {
        ssize_t k = pread(s->fd, p, n, (off_t)at);
        if (k == 0)
            errno = EIO;
        if (k == 0 || (k < 0 && errno != EINTR))
            fail();
        k = k < 0 ? 0 : k;
        p += k;
        at += (size_t)k;
        n -= (size_t)k;
    }
}

void scratch_free(struct scratch *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s->bytes);
    free(s);
}
