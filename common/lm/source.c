/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/source.h"
#include "base/mem.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 64 << 20 }; /* bytes of a JSON file */

struct opening {
    struct lm_source *s;
    const char *dir; /* of the model: what names are relative to */
    int n_thread;
    char *why;
};

static int refuse(const struct opening *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(const struct opening *o, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(o->why, LM_SOURCE_WHY_MAX, format, ap);
    va_end(ap);
    return -1;
}

/* ---- JSON files beside the weights */

/* The text of the file `name`, ended by a 0 that *n does not count; the caller frees it. NULL with a reason.
 */
static char *read_text(const struct opening *o, const char *name, size_t *n)
{
    const char *why;
    char *path = xsprintf("%s/%s", o->dir, name), *text = bytein_text(path, TEXT_MAX, n, &why);
    if (!text)
        refuse(o, "%s: %s%s", name, why, *n > TEXT_MAX ? " for a JSON file" : "");
    free(path);
    return text;
}

static int read_config(const struct opening *o)
{
    o->s->config = read_text(o, "config.json", &o->s->n_config);
    return o->s->config ? 0 : -1;
}

/* ---- files of tensors */

/* What is often found in the place of a large file. */
static int is_lfs_pointer(struct bytein *in)
{
    static const char start[] = "version https://git-lfs.";
    const char *head = bytein_peek(in, sizeof start - 1);
    return head && !memcmp(head, start, sizeof start - 1);
}

/* Opens path; name is that of a shard, for messages, or NULL. Fills f; or the source's stream, f left empty.
 */
static int open_file(const struct opening *o, const char *path, const char *name, struct lm_file *f)
{
    enum { MAGIC = 16 };
    const char *why, *colon = name ? ": " : "", *shown = name ? name : "";
    struct bytein *in = bytein_open(path, o->n_thread, &why);
    *f = (struct lm_file){ 0 };
    if (!in)
        return refuse(o, "%s%s%s", shown, colon, why);
    if (is_lfs_pointer(in)) {
        bytein_close(in);
        return refuse(o, "%s%sa Git LFS pointer, not yet the file it stands for (git lfs pull)", shown,
                      colon);
    }
    const void *head = bytein_peek(in, MAGIC);
    if (head && torchfile_is_magic(head, MAGIC)) {
        f->torch = torchfile_open(in, &why);
        f->n = f->torch ? torchfile_n(f->torch) : 0;
    } else {
        f->ts = ts_open_bytes(in, &why);
        f->n = f->ts ? ts_frame_tensors(f->ts) : 0;
    }
    if (!f->ts && !f->torch)
        return refuse(o, "%s%s%s", shown, colon, why);
    f->name = name ? xstrdup(name) : NULL;
    return 0;
}

/* Takes up what open_file opened: as a file of any order or, if it is the only one, as a stream. */
static int add_file(const struct opening *o, struct lm_file *f, int is_only)
{
    struct lm_source *s = o->s;
    if (f->ts && !ts_map(f->ts)) {
        s->stream = f->ts;
        int status = is_only ? 0 : refuse(o, "%s: not a plain safetensors file, as a shard must be", f->name);
        free(f->name);
        return status;
    }
    s->file[s->n_file++] = *f;
    return 0;
}

static int open_alone(const struct opening *o, const char *path, const char *name)
{
    struct lm_file f;
    o->s->file = xnew(1, sizeof *o->s->file);
    return open_file(o, path, name, &f) < 0 ? -1 : add_file(o, &f, 1);
}

/* The shards of an index: {"weight_map": {TENSOR: FILE, ...}} */
static int open_shards(const struct opening *o, const char *index)
{
    struct lm_source *s = o->s;
    json_error_t error;
    json_t *files = json_object();
    const char *tensor, *name;
    json_t *value;
    size_t n;
    int status = -1;
    char *text = read_text(o, index, &n);
    json_t *root = text ? json_loadb(text, n, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (text && !root)
        refuse(o, "%s: line %d: %.200s", index, error.line, error.text);
    if (!root)
        goto done;
    s->where = json_incref(json_object_get(root, "weight_map"));
    if (!json_is_object(s->where) || !json_object_size(s->where)) {
        refuse(o, "%s: has no weight_map", index);
        goto done;
    }
    json_object_foreach(s->where, tensor, value)
    {
        name = json_string_value(value);
        if (!name || !*name || strchr(name, '/')) {
            refuse(o, "%s: '%.150s' is not given the name of a file beside it", index, tensor);
            goto done;
        }
        json_object_set_new(files, name, json_true());
    }
    s->file = xcalloc(json_object_size(files), sizeof *s->file);
    json_object_foreach(files, name, value)
    {
        struct lm_file f;
        char *path = xsprintf("%s/%s", o->dir, name);
        status = open_file(o, path, name, &f);
        free(path);
        if (status < 0 || (status = add_file(o, &f, 0)) < 0)
            goto done;
    }
done:
    free(text);
    json_decref(files);
    json_decref(root);
    return status;
}

/* ---- paths */

/* What the metadata of the first file say: its history, and in *config, borrowed, the config or NULL. */
static int read_metadata(const struct opening *o, const char **config)
{
    struct lm_source *s = o->s;
    const struct ts_reader *r = s->stream ? s->stream : s->file[0].ts;
    const char *kind = r ? ts_meta(r, "kind") : NULL, *history = r ? ts_meta(r, "history") : NULL;
    *config = r ? ts_meta(r, "config") : NULL;
    if (kind && strcmp(kind, "weights") != 0)
        return refuse(o, "holds %.60s, not weights", kind);
    s->history = history ? xstrdup(history) : NULL;
    return 0;
}

static int open_dir(const struct opening *o)
{
    static const char *const names[] = { "model.safetensors", "model.safetensors.index.json",
                                         "pytorch_model.bin", "pytorch_model.bin.index.json" };
    const char *config;
    if (read_config(o) < 0)
        return -1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = xsprintf("%s/%s", o->dir, names[i]);
        int is_there = access(path, F_OK) == 0, status = -1;
        if (is_there)
            status = strstr(names[i], ".index.json") ? open_shards(o, names[i])
                                                     : open_alone(o, path, names[i]);
        free(path);
        if (is_there)
            return status < 0 ? -1 : read_metadata(o, &config);
    }
    return refuse(o, "holds none of %s, %s, %s, %s", names[0], names[1], names[2], names[3]);
}

/* One file or a stream, with the config in its metadata or beside it. */
static int open_path(const struct opening *o, const char *path)
{
    struct lm_source *s = o->s;
    const char *config;
    if (open_alone(o, path, NULL) < 0 || read_metadata(o, &config) < 0)
        return -1;
    if (!config && !strcmp(path, "-"))
        return refuse(o, "does not say what model it is (no config in its metadata, as modelcat writes)");
    if (!config)
        return read_config(o);
    s->config = xstrdup(config);
    s->n_config = strlen(config);
    return 0;
}

int lm_source_open(struct lm_source *s, const char *path, int n_thread, char why[LM_SOURCE_WHY_MAX])
{
    struct stat st;
    *s = (struct lm_source){ 0 };
    struct opening o = { s, path, n_thread, why };
    if (!strcmp(path, "-"))
        return open_path(&o, path);
    if (stat(path, &st) < 0)
        return refuse(&o, "cannot read: %s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return open_dir(&o);
    const char *slash = strrchr(path, '/');
    char *dir = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
    o.dir = dir;
    int status = open_path(&o, path);
    free(dir);
    return status;
}

void lm_source_clear(struct lm_source *s)
{
    for (size_t i = 0; i < s->n_file; i++) {
        ts_close(s->file[i].ts);
        torchfile_close(s->file[i].torch);
        free(s->file[i].name);
    }
    ts_close(s->stream);
    json_decref(s->where);
    free(s->file);
    free(s->config);
    free(s->history);
    *s = (struct lm_source){ 0 };
}

/* ---- tensors */

const struct tensor *lm_source_tensor(const struct lm_file *f, size_t i)
{
    return f->ts ? ts_frame_tensor(f->ts, i) : torchfile_tensor(f->torch, i);
}

const void *lm_source_data(const struct lm_file *f, size_t i, void **owned)
{
    *owned = NULL;
    return f->ts ? ts_frame_tensor(f->ts, i)->data : torchfile_data(f->torch, i, owned);
}

void lm_source_release(const struct lm_file *f, const void *data, size_t n)
{
    if (f->ts)
        ts_release(f->ts, data, n);
    else
        torchfile_release(f->torch, data, n);
}
