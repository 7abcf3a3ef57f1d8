/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/tokstream.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

void tokstream_clear(struct tokstream *s)
{
    free(s->lang);
    free(s->id);
    free(s->offset);
    *s = (struct tokstream){ 0 };
}

void tokstream_empty(struct tokstream *s)
{
    s->n_id = s->n_line = 0;
}

int tokstream_add(struct tokstream *s, const uint32_t *id, size_t n)
{
    if (n > INT32_MAX - s->n_id || s->n_line >= INT32_MAX - 1)
        return -1;
    xgrow(&s->id, &s->id_room, s->n_id + n, sizeof *s->id);
    xgrow(&s->offset, &s->line_room, s->n_line + 2, sizeof *s->offset);
    if (n)
        memcpy(s->id + s->n_id, id, n * sizeof *id);
    s->n_id += n;
    s->offset[0] = 0;
    s->offset[++s->n_line] = (int32_t)s->n_id;
    return 0;
}

static struct tensor vector(const char *name, size_t n)
{
    struct tensor t = { .name = name, .dtype = TENSOR_I32, .dtype_name = "I32", .n_dim = 1, .shape = { n } };
    tensor_set_size(&t);
    return t;
}

void tokstream_write(const struct tokstream *s, struct ts_writer *out, const char *lang, size_t vocab_size)
{
    static const int32_t zero;
    char *ids = xsprintf("%s.ids", lang), *offsets = xsprintf("%s.offsets", lang),
         *size = xsprintf("%zu", vocab_size);
    const struct tensor tensors[2] = { vector(ids, s->n_id), vector(offsets, s->n_line + 1) };
    ts_out_meta(out, "kind", "tokens");
    ts_out_meta(out, "lang", lang);
    ts_out_meta(out, "vocab_size", size);
    ts_out_frame(out, tensors, 2);
    ts_out_data(out, s->id, tensors[0].n_bytes);
    ts_out_data(out, s->n_line ? s->offset : &zero, tensors[1].n_bytes);
    free(ids);
    free(offsets);
    free(size);
}

/* The next tensor, a vector of I32 whose name ends in `suffix`, what is before it being *n_lang bytes. As
 * tokstream_read. */
static int next_vector(struct ts_reader *in, const char *suffix, struct tensor *t, size_t *n_lang,
                       const char **why)
{
    int got = ts_next(in, t);
    *why = got < 0 ? ts_error(in) : "not a token stream: a tensor LANG.ids or LANG.offsets of I32 is missing";
    if (got <= 0)
        return got;
    size_t n = strlen(t->name), n_suffix = strlen(suffix);
    if (t->dtype != TENSOR_I32 || t->n_dim != 1 || n < n_suffix ||
        strcmp(t->name + n - n_suffix, suffix) != 0)
        return -1;
    *n_lang = n - n_suffix;
    return 1;
}

int tokstream_read(struct tokstream *s, struct ts_reader *in, const char **why)
{
    struct tensor t;
    size_t n_lang, n_lang_again;
    int got = next_vector(in, ".ids", &t, &n_lang, why);
    if (got <= 0)
        return got;
    free(s->lang);
    s->lang = xstrndup(t.name, n_lang);
    s->n_id = t.n;
    s->n_line = 0;
    xgrow(&s->id, &s->id_room, t.n, sizeof *s->id);
    if (t.n)
        memcpy(s->id, t.data, t.n_bytes);
    if (next_vector(in, ".offsets", &t, &n_lang_again, why) <= 0)
        return -1;
    *why = "offsets do not fit the ids";
    if (n_lang_again != n_lang || strncmp(t.name, s->lang, n_lang) != 0 || t.n == 0)
        return -1;
    xgrow(&s->offset, &s->line_room, t.n, sizeof *s->offset);
    memcpy(s->offset, t.data, t.n_bytes);
    for (size_t i = 0; i < t.n; i++)
        if (s->offset[i] < (i ? s->offset[i - 1] : 0))
            return -1;
    if (s->offset[0] != 0 || (size_t)s->offset[t.n - 1] != s->n_id)
        return -1;
    s->n_line = t.n - 1;
    return 1;
}
