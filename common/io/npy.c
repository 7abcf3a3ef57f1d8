/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/npy.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char magic[NPY_MAGIC] = "\x93NUMPY";

/* numpy's kind and bytes of an element, and the name here. */
static const struct {
    char code[3];
    const char *dtype_name;
} types[] = {
    { "f8", "F64" }, { "f4", "F32" },  { "f2", "F16" }, { "i8", "I64" }, { "i4", "I32" },
    { "i2", "I16" }, { "i1", "I8" },   { "u8", "U64" }, { "u4", "U32" }, { "u2", "U16" },
    { "u1", "U8" },  { "b1", "BOOL" }, { "c8", "C64" },
};
enum { N_TYPE = sizeof types / sizeof *types };

/* What the header says. */
struct descr {
    const char *dtype_name;
    char endian; /* '<', '>' or '|' */
    int fortran;
    int n_dim;
    size_t shape[TENSOR_MAX_DIM];
};

int npy_is_magic(const void *head, size_t n)
{
    return n >= NPY_MAGIC && !memcmp(head, magic, NPY_MAGIC);
}

/* ---- the header, a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } */

struct text {
    const char *p, *end;
};

static void skip_blanks(struct text *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
        s->p++;
}

/* Passes over `word`, and blanks before it, if it comes next. */
static int accept(struct text *s, const char *word)
{
    size_t n = strlen(word);
    skip_blanks(s);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return 0;
    s->p += n;
    return 1;
}

/* A quoted text without escapes, of at most room - 1 bytes. */
static int accept_text(struct text *s, char *out, size_t room)
{
    skip_blanks(s);
    if (s->p == s->end || (*s->p != '\'' && *s->p != '"'))
        return 0;
    char quote = *s->p++;
    size_t n = 0;
    for (; s->p < s->end && *s->p != quote; s->p++) {
        if (*s->p == '\\' || n + 1 == room)
            return 0;
        out[n++] = *s->p;
    }
    out[n] = 0;
    return accept(s, quote == '"' ? "\"" : "'");
}

static int accept_number(struct text *s, size_t *v)
{
    skip_blanks(s);
    const char *start = s->p;
    *v = 0;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++)
        if (mem_mul(*v, 10, v) < 0 || mem_add(*v, (size_t)(*s->p - '0'), v) < 0)
            return 0;
    return s->p > start;
}

static const char *parse_shape(struct text *s, struct descr *d)
{
    static const char bad[] = "its shape is no tuple of whole numbers";
    if (!accept(s, "("))
        return bad;
    while (!accept(s, ")")) {
        if (d->n_dim == TENSOR_MAX_DIM)
            return "has more than 8 dimensions";
        if (!accept_number(s, &d->shape[d->n_dim++]))
            return bad;
        accept(s, "L"); /* Python 2 */
        if (!accept(s, ",") && (s->p == s->end || *s->p != ')'))
            return bad;
    }
    return NULL;
}

static const char *parse_type(struct text *s, struct descr *d)
{
    char code[8];
    if (!accept_text(s, code, sizeof code) || !code[0])
        return "its dtype is not a single number type";
    d->endian = code[0];
    if (strchr("<>|", d->endian))
        for (int i = 0; i < N_TYPE; i++)
            if (!strcmp(code + 1, types[i].code)) {
                d->dtype_name = types[i].dtype_name;
                return NULL;
            }
    return "its dtype is none that a tensor can have (numbers of 1 to 8 bytes, complex64, bool)";
}

static const char *parse_dictionary(struct text *s, struct descr *d)
{
    static const char bad[] = "its header is malformed";
    int seen_type = 0, seen_order = 0, seen_shape = 0;
    if (!accept(s, "{"))
        return bad;
    while (!accept(s, "}")) {
        char key[16];
        const char *why = NULL;
        if (!accept_text(s, key, sizeof key) || !accept(s, ":"))
            return bad;
        if (!strcmp(key, "descr") && !seen_type++)
            why = parse_type(s, d);
        else if (!strcmp(key, "shape") && !seen_shape++)
            why = parse_shape(s, d);
        else if (!strcmp(key, "fortran_order") && !seen_order++)
            why = (d->fortran = accept(s, "True")) || accept(s, "False") ? NULL : bad;
        else
            why = bad;
        if (why)
            return why;
        skip_blanks(s);
        if (!accept(s, ",") && (s->p == s->end || *s->p != '}'))
            return bad;
    }
    skip_blanks(s);
    return seen_type && seen_order && seen_shape && s->p == s->end ? NULL : bad;
}

/* ---- the data */

static void swap_bytes(unsigned char *p, size_t n_bytes, size_t width)
{
    for (size_t at = 0; at < n_bytes; at += width)
        for (size_t i = 0; i < width / 2; i++) {
            unsigned char c = p[at + i];
            p[at + i] = p[at + width - 1 - i];
            p[at + width - 1 - i] = c;
        }
}

/* Elements of `width` bytes from Fortran order, first index fastest, into C order. */
static void reorder(const unsigned char *in, unsigned char *out, const struct tensor *t, size_t width)
{
    size_t index[TENSOR_MAX_DIM] = { 0 }, stride[TENSOR_MAX_DIM] = { 0 }, step = width;
    for (int i = 0; i < t->n_dim; i++) {
        stride[i] = step;
        step *= t->shape[i];
    }
    size_t from = 0;
    for (size_t k = 0; k < t->n; k++) {
        memcpy(out + k * width, in + from, width);
        for (int i = t->n_dim - 1; i >= 0; i--) {
            from += stride[i];
            if (++index[i] < t->shape[i])
                break;
            from -= stride[i] * t->shape[i];
            index[i] = 0;
        }
    }
}

int npy_parse(const void *file, size_t n, struct tensor *t, void **owned, const char **why)
{
    const unsigned char *p = file;
    *owned = NULL;
    *why = "truncated in the header";
    if (n < NPY_MAGIC + 4)
        return -1;
    unsigned version = p[NPY_MAGIC];
    if (!npy_is_magic(p, n) || version < 1 || version > 3) {
        *why = "not an .npy file of version 1 to 3";
        return -1;
    }
    size_t at = version == 1 ? NPY_MAGIC + 4 : NPY_MAGIC + 6, n_header = p[8] + 256u * p[9];
    if (n < at)
        return -1;
    if (version > 1)
        n_header += ((size_t)p[10] << 16) + ((size_t)p[11] << 24);
    if (n_header > n - at)
        return -1;
    struct text s = { (const char *)p + at, (const char *)p + at + n_header };
    struct descr d = { 0 };
    *why = parse_dictionary(&s, &d);
    if (*why)
        return -1;
    at += n_header;
    t->dtype_name = d.dtype_name;
    t->dtype = tensor_dtype_find(d.dtype_name);
    t->n_dim = d.n_dim;
    memcpy(t->shape, d.shape, sizeof t->shape);
    if (tensor_set_size(t) < 0) {
        *why = "its shape is too large";
        return -1;
    }
    if (t->n_bytes != n - at) {
        *why = t->n_bytes > n - at ? "truncated in the data" : "something follows the data";
        return -1;
    }
    t->data = p + at;
    size_t width = tensor_dtype_bits(t->dtype_name) / 8,
           part = strcmp(t->dtype_name, "C64") ? width : width / 2;
    int transpose = d.fortran && t->n_dim > 1, swap = d.endian == '>' && part > 1;
    if (!transpose && !swap)
        return 0;
    *owned = xmalloc(t->n_bytes);
    if (transpose)
        reorder(t->data, *owned, t, width);
    else
        memcpy(*owned, t->data, t->n_bytes);
    if (swap)
        swap_bytes(*owned, t->n_bytes, part);
    t->data = *owned;
    return 0;
}

char *npy_header(const struct tensor *t, size_t *n)
{
    const char *code = NULL;
    for (int i = 0; i < N_TYPE && !code; i++)
        if (!strcmp(types[i].dtype_name, t->dtype_name))
            code = types[i].code;
    if (!code)
        return NULL;
    char shape[TENSOR_MAX_DIM * 23] = "";
    size_t k = 0;
    for (int i = 0; i < t->n_dim; i++)
        k += (size_t)snprintf(shape + k, sizeof shape - k, i ? ", %zu" : "%zu", t->shape[i]);
    char *dictionary = xsprintf("{'descr': '%c%s', 'fortran_order': False, 'shape': (%s%s), }",
                                code[1] == '1' ? '|' : '<', code, shape, t->n_dim == 1 ? "," : "");
    size_t used = NPY_MAGIC + 4 + strlen(dictionary) + 1, all = (used + 63) / 64 * 64;
    char *header = xmalloc(all);
    memcpy(header, magic, NPY_MAGIC);
    header[NPY_MAGIC] = 1;
    header[NPY_MAGIC + 1] = 0;
    header[NPY_MAGIC + 2] = (char)((all - NPY_MAGIC - 4) & 0xff);
    header[NPY_MAGIC + 3] = (char)((all - NPY_MAGIC - 4) >> 8);
    memset(header + NPY_MAGIC + 4, ' ', all - NPY_MAGIC - 5);
    memcpy(header + NPY_MAGIC + 4, dictionary, strlen(dictionary));
    header[all - 1] = '\n';
    free(dictionary);
    *n = all;
    return header;
}
