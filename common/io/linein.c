/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/linein.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <string.h>

enum { READ_SIZE = 1 << 17 };

struct linein {
    char *path;
    struct bytein *from;
    char *buffer;
    size_t room, start, end; /* unread bytes are buffer[start..end-1]; room leaves a byte for the NUL */
    size_t number;
    int had_feed, at_eof;
    char *nul_at, nul_was; /* the byte that the NUL behind the last line covered */
    char *error;           /* NULL while all is well */
};

struct linein *linein_open(const char *path)
{
    const char *why;
    struct bytein *in = bytein_open(path, 1, &why);
    if (!in)
        die("%s: %s", strcmp(path, "-") != 0 ? path : "standard input", why);
    return linein_open_bytes(in);
}

struct linein *linein_open_bytes(struct bytein *in)
{
    struct linein *l = xcalloc(1, sizeof *l);
    l->path = xstrdup(bytein_path(in));
    l->from = in;
    return l;
}

const char *linein_path(const struct linein *l)
{
    return l->path;
}

size_t linein_number(const struct linein *l)
{
    return l->number;
}

int linein_had_feed(const struct linein *l)
{
    return l->had_feed;
}

const char *linein_error(const struct linein *l)
{
    return l->error;
}

/* Reads more behind the unread bytes; sets at_eof at the end. Returns 0, or -1 with the reason in error. */
static int fill(struct linein *l)
{
    if (l->start) {
        memmove(l->buffer, l->buffer + l->start, l->end - l->start);
        l->end -= l->start;
        l->start = 0;
    }
    xgrow(&l->buffer, &l->room, l->end + READ_SIZE + 1, 1);
    int error_number;
    size_t k = bytein_read(l->from, l->buffer + l->end, READ_SIZE);
    const char *why = bytein_error(l->from, &error_number);
    if (why && error_number)
        l->error = xsprintf("%s: cannot read: %s", l->path, strerror(error_number));
    else if (why)
        l->error = xsprintf("%s: line %zu: %s", l->path, l->number + 1, why);
    if (why)
        return -1;
    l->end += k;
    l->at_eof = k == 0;
    return 0;
}

static int try_next(struct linein *l, char **text, size_t *n)
{
    if (l->nul_at)
        *l->nul_at = l->nul_was;
    l->nul_at = NULL;
    size_t seen = 0;
    char *feed = NULL;
    for (;;) {
        if (l->end > l->start + seen)
            feed = memchr(l->buffer + l->start + seen, '\n', l->end - l->start - seen);
        if (feed || l->at_eof)
            break;
        seen = l->end - l->start;
        if (fill(l) < 0)
            return -1;
    }
    if (l->start == l->end)
        return 0;
    l->had_feed = feed != NULL;
    *text = l->buffer + l->start;
    *n = (feed ? (size_t)(feed - l->buffer) : l->end) - l->start;
    l->nul_at = *text + *n;
    l->nul_was = *l->nul_at;
    *l->nul_at = 0;
    l->start += *n + (feed != NULL);
    l->number++;
    return 1;
}

int linein_next(struct linein *l, char **text, size_t *n)
{
    int got = try_next(l, text, n);
    if (got < 0)
        die("%s", l->error);
    return got;
}

int linein_try_next_utf8(struct linein *l, char **text, size_t *n)
{
    int got = l->error ? -1 : try_next(l, text, n);
    if (got <= 0)
        return got;
    size_t good = utf8_check(*text, *n);
    if (good < *n)
        l->error = xsprintf("%s: line %zu: byte %zu is not UTF-8", l->path, l->number, good + 1);
    else if (memchr(*text, 0, *n))
        l->error = xsprintf("%s: line %zu: a NUL byte is not text", l->path, l->number);
    return l->error ? -1 : 1;
}

int linein_next_utf8(struct linein *l, char **text, size_t *n)
{
    static int said;
    int got = linein_try_next_utf8(l, text, n);
    if (got < 0)
        die("%s", l->error);
    if (!got || !l->had_feed || !*n || (*text)[*n - 1] != '\r')
        return got;
    (*text)[--*n] = 0;
    if (!said++)
        warn("%s: line %zu: lines end in CR LF; the CR is left out", l->path, l->number);
    return got;
}

void linein_close(struct linein *l)
{
    bytein_close(l->from);
    free(l->buffer);
    free(l->error);
    free(l->path);
    free(l);
}
