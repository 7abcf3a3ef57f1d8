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
#include <unistd.h>

enum { MOST_FILES = 16 };

struct outdir {
    char *path, *temp; /* temp: NULL as long as there is no file */
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

/* A new directory beside `path`: its name. */
static char *make_temp(const char *path)
{
    char *temp = xsprintf("%s.XXXXXX", path);
    if (!mkdtemp(temp))
        die("%s: cannot write: %s", path, strerror(errno));
    return temp;
}

struct outdir *outdir_open(const char *path)
{
    struct outdir *d = xcalloc(1, sizeof *d);
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    d->path = xstrndup(path, n);
    check_free(d->path);
    char *trial = make_temp(d->path);
    rmdir(trial);
    free(trial);
    return d;
}

static void begin(struct outdir *d)
{
    d->temp = make_temp(d->path);
    outfile_guard(d->temp);
    mode_t mask = umask(0);
    umask(mask);
    if (chmod(d->temp, 0777 & ~mask) < 0)
        warn("%s: cannot set permissions: %s", d->temp, strerror(errno));
}

const char *outdir_file(struct outdir *d, const char *name)
{
    if (d->n_file == MOST_FILES)
        die("%s: too many files", d->path);
    if (!d->temp)
        begin(d);
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
