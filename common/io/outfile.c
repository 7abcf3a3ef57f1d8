/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/outfile.h"
#include "base/mem.h"
#include "base/msg.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, PIECE = 1 << 18, BUFFER = 1 << 16, PIPE = 1 << 20, COPY = 1 << 20, MAX_PENDING = 64 };

struct outfile {
    int fd;
    char *path; /* final name, or "standard output" */
    char *temp; /* NULL when written in place */
    size_t n;   /* bytes waiting in buffer */
    int seekable;
    char buffer[BUFFER];
};

/* Temporary names that must go if the program ends early. Slots are filled and emptied by the main flow and
 * only read by the handler, so a plain array of pointers serves. */
static char *volatile pending[MAX_PENDING];

/* Files first: a directory among them is empty then. */
static void remove_pending(void)
{
    for (int i = 0; i < MAX_PENDING; i++)
        if (pending[i])
            unlink(pending[i]);
    for (int i = 0; i < MAX_PENDING; i++)
        if (pending[i])
            rmdir(pending[i]);
}

static void on_signal(int signal_number)
{
    remove_pending();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void outfile_guard(char *temp)
{
    static int installed;
    if (!installed) {
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ, SIGXCPU };
        atexit(remove_pending);
        for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
            struct sigaction old;
            sigaction(signals[i], NULL, &old);
            if (old.sa_handler == SIG_DFL)
                signal(signals[i], on_signal);
        }
        installed = 1;
    }
    for (int i = 0; i < MAX_PENDING; i++)
        if (!pending[i]) {
            pending[i] = temp;
            return;
        }
    die("%s: too many files being written", temp);
}

void outfile_release(const char *temp)
{
    for (int i = 0; i < MAX_PENDING; i++)
        if (pending[i] == temp)
            pending[i] = NULL;
}

/* A new file beside `path`, with the permissions that creat would have given; a regular file at `path` keeps
 * its own. */
static int make_temp(const char *path, char **temp, const struct stat *old)
{
    *temp = xsprintf("%s.XXXXXX.tmp", path);
    int fd = mkostemps(*temp, 4, O_CLOEXEC);
    if (fd < 0)
        die("%s: cannot write: %s", path, strerror(errno));
    outfile_guard(*temp);
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, old ? old->st_mode & 07777 : 0666 & ~mask) < 0)
        warn("%s: cannot set permissions: %s", *temp, strerror(errno));
    return fd;
}

/* Whether a name is one that make_temp gives a file beside `base`. */
static int is_temp_of(const char *base, const char *name)
{
    size_t n = strlen(base);
    return strlen(name) == n + strlen(".XXXXXX.tmp") && !strncmp(name, base, n) && name[n] == '.' &&
           !strcmp(name + n + strlen(".XXXXXX"), ".tmp");
}

void outfile_sweep(const char *path)
{
    char *target = realpath(path, NULL), *folder = target ? target : xstrdup(path),
         *slash = strrchr(folder, '/');
    char *base = xstrdup(slash ? slash + 1 : folder);
    *(slash ? slash + 1 : folder) = 0;
    DIR *d = opendir(slash ? folder : ".");
    for (struct dirent *e; d && (e = readdir(d));)
        if (is_temp_of(base, e->d_name)) {
            char *temp = xsprintf("%s%s", folder, e->d_name);
            unlink(temp);
            free(temp);
        }
    if (d)
        closedir(d);
    free(base);
    free(folder);
}

struct outfile *outfile_open(const char *path, int binary)
{
    struct outfile *f = xmalloc(sizeof *f);
    struct stat st;
    *f = (struct outfile){ .fd = STDOUT_FILENO };
    if (!strcmp(path, "-")) {
        f->path = xstrdup("standard output");
        if (binary && isatty(f->fd))
            die("standard output: will not write binary data to a terminal; use -o FILE or a pipe");
#ifdef F_SETPIPE_SZ
        if (binary) /* a wider pipe is a fifth faster; where it is refused the usual one serves */
            fcntl(f->fd, F_SETPIPE_SZ, PIPE);
#endif
        return f;
    }
    f->path = xstrdup(path);
    int exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode))
        die("%s: cannot write: it is a directory", path);
    if (exists && !S_ISREG(st.st_mode)) {
        f->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (f->fd < 0)
            die("%s: cannot write: %s", path, strerror(errno));
    } else {
        char *target = exists ? realpath(path, NULL) : NULL; /* through a symbolic link, keep the link */
        f->fd = make_temp(target ? target : path, &f->temp, exists ? &st : NULL);
        if (target) {
            free(f->path);
            f->path = target;
        }
        f->seekable = 1;
    }
    return f;
}

/* How much of the file's n bytes ends with its last line feed. */
static size_t whole_lines(int fd, size_t n)
{
    char piece[PAGE];
    while (n) {
        size_t k = n < PAGE ? n : PAGE;
        ssize_t got = pread(fd, piece, k, (off_t)(n - k));
        if (got != (ssize_t)k)
            return 0;
        const char *end = memrchr(piece, '\n', k);
        if (end)
            return n - k + (size_t)(end - piece) + 1;
        n -= k;
    }
    return 0;
}

struct outfile *outfile_append(const char *path, size_t *n)
{
    struct outfile *f = xmalloc(sizeof *f);
    struct stat st;
    *f = (struct outfile){ .fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666) };
    if (f->fd < 0 || fstat(f->fd, &st) < 0)
        die("%s: cannot write: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        die("%s: cannot grow: it is not a regular file", path);
    if (flock(f->fd, LOCK_EX | LOCK_NB) < 0)
        die("%s: cannot write: %s", path, errno == EWOULDBLOCK ? "another program does" : strerror(errno));
    f->path = xstrdup(path);
    *n = whole_lines(f->fd, (size_t)st.st_size);
    if (ftruncate(f->fd, (off_t)*n) < 0)
        die("%s: cannot write: %s", path, strerror(errno));
    return f;
}

const char *outfile_path(const struct outfile *f)
{
    return f->path;
}

int outfile_seekable(const struct outfile *f)
{
    return f->seekable;
}

/* The next piece to write of p[0..n-1]. It is touched first: the system copies what is not in the page tables
 * yet, such as a mapped file, at less than half the speed. */
static size_t next_piece(const char *p, size_t n)
{
    size_t k = n < PIECE ? n : PIECE;
    const volatile char *touched = p;
    for (size_t at = 0; at < k; at += PAGE)
        (void)touched[at];
    return k;
}

/* At `at`; where the file stands if that is below 0. */
static void write_all(struct outfile *f, const char *p, size_t n, off_t at)
{
    while (n) {
        size_t piece = next_piece(p, n);
        ssize_t k = at < 0 ? write(f->fd, p, piece) : pwrite(f->fd, p, piece, at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            die("%s: cannot write: %s", f->path, strerror(k ? errno : EIO));
        p += k;
        n -= (size_t)k;
        at += at < 0 ? 0 : k;
    }
}

void outfile_flush(struct outfile *f)
{
    write_all(f, f->buffer, f->n, -1);
    f->n = 0;
}

void outfile_write(struct outfile *f, const void *data, size_t n)
{
    if (n > BUFFER - f->n)
        outfile_flush(f);
    if (n >= BUFFER / 2) {
        outfile_flush(f);
        write_all(f, data, n, -1);
        return;
    }
    if (n) /* data may be NULL where it is not */
        memcpy(f->buffer + f->n, data, n);
    f->n += n;
}

void outfile_writev(struct outfile *f, struct iovec *piece, int n_piece)
{
    outfile_flush(f);
    while (n_piece) {
        ssize_t k = writev(f->fd, piece, n_piece);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            die("%s: cannot write: %s", f->path, strerror(errno));
        for (; n_piece && (size_t)k >= piece->iov_len; piece++, n_piece--)
            k -= (ssize_t)piece->iov_len;
        if (n_piece) {
            piece->iov_base = (char *)piece->iov_base + k;
            piece->iov_len -= (size_t)k;
        }
    }
}

void outfile_write_at(struct outfile *f, const void *data, size_t n, size_t offset)
{
    outfile_flush(f);
    write_all(f, data, n, (off_t)offset);
}

void outfile_copy(struct outfile *f, struct outfile *from, size_t offset, size_t n)
{
    outfile_flush(f);
    outfile_flush(from);
    loff_t at = (loff_t)offset;
    while (n) { /* inside the kernel where the file system can */
        ssize_t k = copy_file_range(from->fd, &at, f->fd, NULL, n, 0);
        if (k <= 0)
            break;
        n -= (size_t)k;
    }
    char *buffer = xmalloc(COPY);
    while (n) {
        ssize_t k = pread(from->fd, buffer, n < COPY ? n : COPY, at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            die("%s: cannot read back: %s", from->path, k ? strerror(errno) : "it was cut");
        write_all(f, buffer, (size_t)k, -1);
        at += k;
        n -= (size_t)k;
    }
    free(buffer);
}

void outfile_discard(struct outfile *f)
{
    close(f->fd);
    if (f->temp) {
        unlink(f->temp);
        outfile_release(f->temp);
    }
    free(f->temp);
    free(f->path);
    free(f);
}

void outfile_close(struct outfile *f)
{
    outfile_flush(f);
    if (close(f->fd) < 0)
        die("%s: cannot write: %s", f->path, strerror(errno));
    if (f->temp) {
        if (rename(f->temp, f->path) < 0)
            die("%s: cannot rename the finished file: %s", f->path, strerror(errno));
        outfile_release(f->temp);
    }
    free(f->temp);
    free(f->path);
    free(f);
}
