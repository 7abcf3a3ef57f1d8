/* Writing tensor streams and plain safetensors files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "io/bgzf.h"
#include "io/outfile.h"
#include "io/tsheader.h"
#include "io/tstream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tensor on its way to a plain file. */
struct part {
    struct tensor tensor;   /* its strings are owned */
    size_t element_bytes;   /* that its data are to be aligned to */
    size_t written, placed; /* offsets in the data as they were written, and as they must be in the end */
};

struct ts_writer {
    struct outfile *file;
    struct bgzf_out *bgzf; /* NULL: not compressed */
    json_t *meta;          /* for the next frame */
    char *history;         /* lines to add in every frame; NULL if none */
    size_t n_frame;

    size_t *size;                             /* bytes of each tensor of the current frame */
    size_t size_room, n_tensor, tensor, done; /* which one is being given, and how much of it */

    int plain; /* the rest is only for that */
    json_t *plain_meta, *names;
    struct part *part;
    size_t *order;                   /* of parts in the file */
    size_t n_part, part_room, first; /* first: part of the current frame */
    size_t data_start, n_data;       /* as written */
};

struct ts_writer *ts_open_out(const char *path, const struct ts_options *options)
{
    static const char suffix[] = ".safetensors";
    static const struct ts_options usual = { .level = TS_LEVEL, .n_thread = 1 };
    struct ts_writer *w = xcalloc(1, sizeof *w);
    size_t n = strlen(path);
    if (!options)
        options = &usual;
    w->plain = n >= sizeof suffix && !strcmp(path + n - (sizeof suffix - 1), suffix);
    w->file = outfile_open(path, 1);
    w->meta = json_object();
    if (w->plain && !outfile_seekable(w->file))
        die("%s: a plain safetensors file must be a regular file", path);
    if (w->plain)
        w->names = json_object();
    else if (options->level)
        w->bgzf = bgzf_out_new(w->file, options->level, options->n_thread);
    return w;
}

int ts_out_is_plain(const struct ts_writer *w)
{
    return w->plain;
}

void ts_out_meta(struct ts_writer *w, const char *key, const char *value)
{
    if (!value)
        json_object_del(w->meta, key);
    else if (json_object_set_new(w->meta, key, json_string(value)) < 0)
        die("%s: metadata '%s' is not UTF-8", outfile_path(w->file), key);
}

void ts_out_copy_meta(struct ts_writer *w, const struct ts_reader *r)
{
    const char *key, *value;
    json_object_clear(w->meta);
    for (size_t i = 0; (key = ts_meta_at(r, i, &value)); i++)
        ts_out_meta(w, key, value);
}

void ts_out_history(struct ts_writer *w, const char *line)
{
    char *longer = w->history ? xsprintf("%s\n%s", w->history, line) : xstrdup(line);
    free(w->history);
    w->history = longer;
}

/* `__metadata__` of the next frame, history included; a new reference. */
static json_t *frame_meta(const struct ts_writer *w)
{
    json_t *meta = w->plain ? json_pack("{s:s}", "format", "pt") : json_object();
    json_object_update(meta, w->meta);
    const char *before = json_string_value(json_object_get(meta, "history"));
    if (w->history) {
        char *all = before && *before ? xsprintf("%s\n%s", before, w->history) : xstrdup(w->history);
        if (json_object_set_new(meta, "history", json_string(all)) < 0)
            die("%s: the command line is not UTF-8, and cannot go into the history", outfile_path(w->file));
        free(all);
    }
    if (!w->plain) {
        char number[32];
        snprintf(number, sizeof number, "%zu", w->n_frame);
        json_object_set_new(meta, TS_FRAME_KEY, json_string(number));
    }
    return meta;
}

/* The header of a frame into f or, compressed, w; returns its length. */
static size_t put_header(struct ts_writer *w, struct outfile *f, const json_t *root)
{
    size_t n;
    char *text = ts_header_print(root, &n);
    if (!text)
        die("%s: frame %zu: the header is larger than %d bytes", outfile_path(f), w->n_frame, TS_HEADER_MAX);
    if (w->bgzf)
        bgzf_out_write(w->bgzf, text, n);
    else
        outfile_write(f, text, n);
    free(text);
    return n;
}

static void add_tensor(const struct ts_writer *w, json_t *root, const struct tensor *t, size_t begin)
{
    char why[TS_WHY_MAX];
    if (ts_header_add(root, t, begin, why) < 0)
        die("%s: frame %zu: %s", outfile_path(w->file), w->n_frame, why);
}

/* ---- plain files */

static void add_part(struct ts_writer *w, const struct tensor *t)
{
    unsigned bits = tensor_dtype_bits(t->dtype_name);
    xgrow(&w->part, &w->part_room, w->n_part + 1, sizeof *w->part);
    struct part *p = &w->part[w->n_part++];
    *p = (struct part){ .tensor = *t, .element_bytes = bits < 8 ? 1 : bits / 8, .written = w->n_data };
    p->tensor.name = xstrdup(t->name);
    p->tensor.dtype_name = xstrdup(t->dtype_name);
    w->n_data += t->n_bytes;
    if (json_object_get(w->names, t->name))
        die("%s: two tensors are called '%s', which a plain safetensors file cannot hold",
            outfile_path(w->file), t->name);
    json_object_set_new(w->names, t->name, json_true());
}

/* Gives the parts their places: 8-byte elements first, then 4, 2, 1, each in the order given. */
static void place_parts(struct ts_writer *w)
{
    size_t at = 0, n = 0;
    free(w->order);
    w->order = xnew(w->n_part, sizeof *w->order);
    for (size_t element_bytes = 8; element_bytes; element_bytes /= 2)
        for (size_t i = 0; i < w->n_part; i++)
            if (w->part[i].element_bytes == element_bytes) {
                w->part[i].placed = at;
                at += w->part[i].tensor.n_bytes;
                w->order[n++] = i;
            }
}

static size_t put_plain_header(struct ts_writer *w, struct outfile *f)
{
    json_t *root = json_object();
    place_parts(w);
    if (json_object_size(w->plain_meta))
        json_object_set(root, "__metadata__", w->plain_meta);
    for (size_t i = 0; i < w->n_part; i++)
        add_tensor(w, root, &w->part[w->order[i]].tensor, w->part[w->order[i]].placed);
    size_t n = put_header(w, f, root);
    json_decref(root);
    return n;
}

/* The first frame gets its header and its data their places at once, in the hope that no other follows. */
static void begin_plain_frame(struct ts_writer *w, const struct tensor *tensors, size_t n)
{
    w->first = w->n_part;
    for (size_t i = 0; i < n; i++)
        add_part(w, &tensors[i]);
    if (w->n_frame)
        return;
    w->plain_meta = frame_meta(w);
    w->data_start = put_plain_header(w, w->file);
    for (size_t i = 0; i < n; i++)
        w->part[i].written = w->part[i].placed;
}

static void finish_plain(struct ts_writer *w)
{
    if (!w->n_frame)
        begin_plain_frame(w, NULL, 0);
    if (w->n_frame > 1) { /* the header grew, so everything moves */
        struct outfile *whole = outfile_open(outfile_path(w->file), 1);
        put_plain_header(w, whole);
        for (size_t i = 0; i < w->n_part; i++) {
            const struct part *p = &w->part[w->order[i]];
            outfile_copy(whole, w->file, w->data_start + p->written, p->tensor.n_bytes);
        }
        outfile_discard(w->file);
        w->file = whole;
    }
    for (size_t i = 0; i < w->n_part; i++) {
        free((char *)w->part[i].tensor.name);
        free((char *)w->part[i].tensor.dtype_name);
    }
    json_decref(w->plain_meta);
    json_decref(w->names);
    free(w->part);
    free(w->order);
}

/* ---- frames */

static void begin_stream_frame(struct ts_writer *w, const struct tensor *tensors, size_t n)
{
    json_t *root = json_object();
    json_object_set_new(root, "__metadata__", frame_meta(w));
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        add_tensor(w, root, &tensors[i], at);
        at += tensors[i].n_bytes;
    }
    put_header(w, w->file, root);
    json_decref(root);
}

static void check_complete(const struct ts_writer *w)
{
    if (w->tensor < w->n_tensor)
        die("%s: frame %zu: tensor %zu was given %zu of %zu bytes", outfile_path(w->file), w->n_frame - 1,
            w->tensor, w->done, w->size[w->tensor]);
}

/* Moves on to the next tensor that has data. */
static void pass_complete(struct ts_writer *w)
{
    for (; w->tensor < w->n_tensor && w->done == w->size[w->tensor]; w->tensor++)
        w->done = 0;
}

void ts_out_frame(struct ts_writer *w, const struct tensor *tensors, size_t n)
{
    check_complete(w);
    xgrow(&w->size, &w->size_room, n, sizeof *w->size);
    for (size_t i = 0; i < n; i++)
        w->size[i] = tensors[i].n_bytes;
    w->n_tensor = n;
    w->tensor = w->done = 0;
    if (w->plain)
        begin_plain_frame(w, tensors, n);
    else
        begin_stream_frame(w, tensors, n);
    w->n_frame++;
    pass_complete(w);
}

void ts_out_data(struct ts_writer *w, const void *data, size_t n_bytes)
{
    const char *p = data;
    while (n_bytes) {
        if (w->tensor == w->n_tensor)
            die("%s: frame %zu: more data than its tensors have", outfile_path(w->file), w->n_frame - 1);
        size_t left = w->size[w->tensor] - w->done, k = n_bytes < left ? n_bytes : left;
        if (w->plain)
            outfile_write_at(w->file, p, k, w->data_start + w->part[w->first + w->tensor].written + w->done);
        else if (w->bgzf)
            bgzf_out_write(w->bgzf, p, k);
        else
            outfile_write(w->file, p, k);
        w->done += k;
        p += k;
        n_bytes -= k;
        pass_complete(w);
    }
}

static void put_end_frame(struct ts_writer *w)
{
    char count[32];
    snprintf(count, sizeof count, "%zu", w->n_frame);
    json_t *root = json_pack("{s:{s:s}}", "__metadata__", TS_END_KEY, count);
    put_header(w, w->file, root);
    json_decref(root);
}

void ts_close_out(struct ts_writer *w)
{
    check_complete(w);
    if (w->plain)
        finish_plain(w);
    else
        put_end_frame(w);
    if (w->bgzf)
        bgzf_out_close(w->bgzf);
    outfile_close(w->file);
    json_decref(w->meta);
    free(w->history);
    free(w->size);
    free(w);
}
