/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/scratch.h"
#include "base/mem.h"
#include "base/msg.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct scratch {
    char *bytes;
    size_t n_mapped; /* of a file; 0: in memory */
};

static const char *folder(void)
{
    const char *dir = getenv("TMPDIR");
    return dir && *dir ? dir : "/tmp";
}

/* A file without a name, all of whose room is taken: a full disk shows here, not later. */
static char *map_file(size_t n)
{
    char *path = xsprintf("%s/babelbits-XXXXXX", folder());
    int fd = mkstemp(path), error = fd < 0 || unlink(path) < 0 ? errno : posix_fallocate(fd, 0, (off_t)n);
    void *bytes = MAP_FAILED;
    if (!error) {
        bytes = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        error = bytes == MAP_FAILED ? errno : 0;
    }
    if (error)
        die("a temporary file in %s: %s", folder(), strerror(error));
    close(fd);
    free(path);
    return bytes;
}

struct scratch *scratch_new(size_t n_bytes, int in_file)
{
    struct scratch *s = xcalloc(1, sizeof *s);
    s->n_mapped = in_file ? n_bytes : 0;
    s->bytes = s->n_mapped ? map_file(n_bytes) : xcalloc(n_bytes ? n_bytes : 1, 1);
    return s;
}

void *scratch_bytes(const struct scratch *s)
{
    return s->bytes;
}

void scratch_free(struct scratch *s)
{
    if (!s)
        return;
    if (s->n_mapped)
        munmap(s->bytes, s->n_mapped);
    else
        free(s->bytes);
    free(s);
}
