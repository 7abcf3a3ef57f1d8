/* Reading tensor streams.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include "io/bytein.h"
#include "io/npy.h"
#include "io/tsheader.h"
#include "io/tstream.h"
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROW_FROM = 64 << 20, ERROR_MAX = TS_WHY_MAX + 300 };

struct ts_reader {
    struct bytein *in;
    struct ts_header header;                        /* of the current frame */
    size_t frame, n_frame;                          /* number of the current frame; how many have begun */
    enum { OPENED, IN_FRAME, ENDED, FAILED } state; /* OPENED: frame 0 is current but was not asked for */
    int is_stream;                                  /* an end frame must come */
    size_t next;                                    /* tensor of the current frame */
    unsigned char *buffer;                          /* its data, unless mapped */
    size_t room;
    char *header_text;
    size_t header_room;
    char error[ERROR_MAX];
    int error_number;
};

static int fail(struct ts_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct ts_reader *r, const char *format, ...)
{
    char what[TS_WHY_MAX + 100];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    if (r->n_frame)
        snprintf(r->error, sizeof r->error, "frame %zu: %s", r->frame, what);
    else
        snprintf(r->error, sizeof r->error, "%s", what);
    r->state = FAILED;
    return -1;
}

/* What to say when the input gave less than wanted of `what`: its own reason, or that it ended. */
static int fail_short(struct ts_reader *r, const char *what)
{
    const char *why = bytein_error(r->in, &r->error_number);
    if (why && r->error_number)
        return fail(r, "cannot read: %s", why);
    return fail(r, "%.150s: %s", what, why ? why : "truncated");
}

static int fail_tensor(struct ts_reader *r, const struct tensor *t)
{
    char what[160];
    snprintf(what, sizeof what, "'%.150s'", t->name);
    return fail_short(r, what);
}

/* The next n bytes, borrowed until the next read: mapped, or in *buffer. The buffer grows as data arrive, so
 * a header that promises too much costs nothing. NULL: fewer came, or memory ran out. */
static const void *get(struct ts_reader *r, unsigned char **buffer, size_t *room, size_t n)
{
    const void *mapped = n ? bytein_borrow(r->in, n) : "";
    if (mapped)
        return mapped;
    size_t have = 0;
    for (;;) {
        size_t want = n <= *room || n - have <= GROW_FROM ? n
                      : have + GROW_FROM > 2 * have       ? have + GROW_FROM
                                                          : 2 * have;
        if (want > n)
            want = n;
        if (want > *room) {
            *buffer = xrealloc(*buffer, want, 1); /* which moves pages of a large one, not bytes */
            *room = want;
        }
        have += bytein_read(r->in, *buffer + have, want - have);
        if (have == n)
            return *buffer;
        if (have < want)
            return NULL;
    }
}

static const char *meta_of(const struct ts_header *h, const char *key)
{
    return json_string_value(json_object_get(h->meta, key));
}

/* The end frame, which r's header is: it must count right and be the last. */
static int finish(struct ts_reader *r)
{
    uint64_t count;
    if (num_parse_u64(meta_of(&r->header, TS_END_KEY), &count) < 0 || count != r->n_frame)
        return fail(r, "the end frame counts '%s' frames, but %zu came", meta_of(&r->header, TS_END_KEY),
                    r->n_frame);
    if (bytein_read(r->in, NULL, 1))
        return fail(r, "something follows the end frame");
    if (bytein_error(r->in, &r->error_number))
        return fail_short(r, "after the end frame");
    ts_header_clear(&r->header);
    r->state = ENDED;
    return 0;
}

/* Whether these first bytes are text: of a header's length some are 0, as it is below TS_HEADER_MAX. */
static int is_text(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((p[i] < ' ' || p[i] > '~') && !memchr("\t\r\n", p[i], 3))
            return 0;
    return n > 1;
}

/* Reads the header of the next frame: 1, 0 at the clean end, -1. */
static int read_header(struct ts_reader *r)
{
    unsigned char length_bytes[8];
    uint64_t length = 0;
    char why[TS_WHY_MAX];
    ts_header_clear(&r->header);
    r->frame = r->n_frame;
    r->next = 0;
    size_t got = bytein_read(r->in, length_bytes, 8);
    if (!got && !bytein_error(r->in, &r->error_number)) {
        if (!r->n_frame)
            return fail(r, "the input is empty");
        if (r->is_stream)
            return fail(r, "truncated: the end frame is missing");
        r->state = ENDED;
        return 0;
    }
    if (!r->n_frame && is_text(length_bytes, got))
        return fail(r, "this is text, not a tensor stream; tensorcat --from=text reads numbers");
    if (!r->n_frame && npy_is_magic(length_bytes, got))
        return fail(r, "this is an array of NumPy's, not a tensor stream; tensorcat reads it");
    if (got < 8)
        return fail_short(r, "header");
    for (int i = 8; i--;)
        length = length << 8 | length_bytes[i];
    if (length > TS_HEADER_MAX || length < 2)
        return fail(
            r, r->n_frame ? "the header is said to have %llu bytes" : "not a tensor stream nor safetensors",
            (unsigned long long)length);
    const char *json = get(r, (unsigned char **)&r->header_text, &r->header_room, length);
    if (!json)
        return fail_short(r, "header");
    if (ts_header_parse(&r->header, json, length, why) < 0)
        return fail(r, "%s", why);
    if (!r->header.n && json_object_size(r->header.meta) == 1 && meta_of(&r->header, TS_END_KEY))
        return finish(r);
    const char *number = meta_of(&r->header, TS_FRAME_KEY);
    uint64_t n;
    if (number && (num_parse_u64(number, &n) < 0 || n != r->n_frame))
        return fail(r, "is numbered '%s': frames are missing or out of order", number);
    if (number || r->n_frame)
        r->is_stream = 1;
    if (r->header.n_bytes > bytein_left(r->in))
        return fail(r, "truncated: %zu bytes of data, %zu are there", r->header.n_bytes, bytein_left(r->in));
    r->n_frame++;
    return 1;
}

struct ts_reader *ts_open_bytes(struct bytein *in, const char **why)
{
    static char reason[ERROR_MAX];
    struct ts_reader *r = xcalloc(1, sizeof *r);
    r->in = in;
    r->state = OPENED;
    if (read_header(r) < 0) {
        memcpy(reason, r->error, sizeof reason);
        *why = reason;
        int error_number = r->error_number;
        ts_close(r);
        errno = error_number;
        return NULL;
    }
    return r;
}

struct ts_reader *ts_open(const char *path, int n_thread, const char **why)
{
    struct bytein *in = bytein_open(path, n_thread, why);
    return in ? ts_open_bytes(in, why) : NULL;
}

struct ts_reader *ts_open_in(const char *path, int n_thread)
{
    const char *why;
    struct ts_reader *r = ts_open(path, n_thread, &why);
    if (!r)
        die("%s: %s", strcmp(path, "-") ? path : "standard input", why);
    return r;
}

const char *ts_path(const struct ts_reader *r)
{
    return bytein_path(r->in);
}

/* Passes over the tensors of the current frame that were not asked for. */
static int skip_rest(struct ts_reader *r)
{
    for (; r->next < r->header.n; r->next++) {
        const struct tensor *t = &r->header.tensors[r->next];
        if (bytein_read(r->in, NULL, t->n_bytes) < t->n_bytes)
            return fail_tensor(r, t);
    }
    return 0;
}

int ts_next_frame(struct ts_reader *r)
{
    if (r->state == FAILED)
        return -1;
    if (r->state == ENDED)
        return 0;
    if (r->state == OPENED) {
        r->state = IN_FRAME;
        return 1;
    }
    if (skip_rest(r) < 0)
        return -1;
    return read_header(r);
}

size_t ts_frame(const struct ts_reader *r)
{
    return r->frame;
}

size_t ts_frame_tensors(const struct ts_reader *r)
{
    return r->header.n;
}

const struct tensor *ts_frame_tensor(const struct ts_reader *r, size_t i)
{
    return &r->header.tensors[i];
}

const char *ts_meta(const struct ts_reader *r, const char *key)
{
    return strcmp(key, TS_FRAME_KEY) ? meta_of(&r->header, key) : NULL;
}

const char *ts_meta_at(const struct ts_reader *r, size_t i, const char **value)
{
    const char *key;
    json_t *text;
    json_object_foreach((json_t *)(uintptr_t)r->header.meta, key, text)
    {
        if (!strcmp(key, TS_FRAME_KEY) || i--)
            continue;
        *value = json_string_value(text);
        return key;
    }
    return NULL;
}

int ts_next_in_frame(struct ts_reader *r, struct tensor *t)
{
    if (r->state == OPENED)
        r->state = IN_FRAME;
    if (r->state == FAILED)
        return -1;
    if (r->state == ENDED || r->next == r->header.n)
        return 0;
    *t = r->header.tensors[r->next];
    t->data = get(r, &r->buffer, &r->room, t->n_bytes);
    if (!t->data)
        return fail_tensor(r, t);
    r->next++;
    return 1;
}

int ts_next(struct ts_reader *r, struct tensor *t)
{
    for (;;) {
        int got = ts_next_in_frame(r, t);
        if (got)
            return got;
        got = ts_next_frame(r);
        if (got <= 0)
            return got;
    }
}

int ts_map(struct ts_reader *r)
{
    if (r->state != OPENED || r->is_stream || bytein_left(r->in) != r->header.n_bytes)
        return 0;
    const char *data = bytein_borrow(r->in, r->header.n_bytes);
    for (size_t i = 0; i < r->header.n; i++) {
        r->header.tensors[i].data = data;
        data += r->header.tensors[i].n_bytes;
    }
    r->next = r->header.n;
    return 1;
}

void *ts_take(struct ts_reader *r, const void *data)
{
    void *own = r->buffer;
    if (own != data)
        return NULL;
    r->buffer = NULL;
    r->room = 0;
    return own;
}

void ts_release(const struct ts_reader *r, const void *data, size_t n)
{
    bytein_release(r->in, data, n);
}

const char *ts_error(const struct ts_reader *r)
{
    return r->error;
}

int ts_error_number(const struct ts_reader *r)
{
    return r->error_number;
}

void ts_die(const struct ts_reader *r)
{
    die("%s: %s", ts_path(r), ts_error(r));
}

void ts_close(struct ts_reader *r)
{
    if (!r)
        return;
    bytein_close(r->in);
    ts_header_clear(&r->header);
    free(r->buffer);
    free(r->header_text);
    free(r);
}
