/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/outdir.h"
#include "base/mem.h"
#include "base/msg.h"
#include "io/outfile.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_FILES = 16 };

struct outdir {
    char *path, *temp;
    char *file[MOST_FILES];
    int n_file;
};

static void check_free(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return;
    DIR *d = S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    if (!d)
        die("%s: cannot write: there is something of that name, and it is no empty directory", path);
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            die("%s: cannot write: the directory is there and not empty", path);
    closedir(d);
}

struct outdir *outdir_open(const char *path)
{
    struct outdir *d = xcalloc(1, sizeof *d);
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    d->path = xstrndup(path, n);
    check_free(d->path);
    d->temp = xsprintf("%s.XXXXXX", d->path);
    if (!mkdtemp(d->temp))
        die("%s: cannot write: %s", d->path, strerror(errno));
    outfile_guard(d->temp);
    mode_t mask = umask(0);
    umask(mask);
    if (chmod(d->temp, 0777 & ~mask) < 0)
        warn("%s: cannot set permissions: %s", d->temp, strerror(errno));
    return d;
}

const char *outdir_file(struct outdir *d, const char *name)
{
    if (d->n_file == MOST_FILES)
        die("%s: too many files", d->path);
    char *file = xsprintf("%s/%s", d->temp, name);
    outfile_guard(file);
    return d->file[d->n_file++] = file;
}

void outdir_write(struct outdir *d, const char *name, const void *data, size_t n)
{
    struct outfile *f = outfile_open(outdir_file(d, name), 0);
    outfile_write(f, data, n);
    outfile_close(f);
}

void outdir_close(struct outdir *d)
{
    if (rename(d->temp, d->path) < 0)
        die("%s: cannot rename the finished directory: %s", d->path, strerror(errno));
    for (int i = 0; i < d->n_file; i++) {
        outfile_release(d->file[i]);
        free(d->file[i]);
    }
    outfile_release(d->temp);
    free(d->temp);
    free(d->path);
    free(d);
}
