/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/tsheader.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char metadata_key[] = "__metadata__";

static int refuse(char why[TS_WHY_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char why[TS_WHY_MAX], const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, TS_WHY_MAX, format, ap);
    va_end(ap);
    return -1;
}

/* ---- in */

static int get_size(const json_t *value, size_t *n)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return -1;
    *n = (size_t)json_integer_value(value);
    return 0;
}

static int parse_tensor(struct tensor *t, const json_t *value, size_t *begin, char why[TS_WHY_MAX])
{
    const json_t *dtype = json_object_get(value, "dtype"), *shape = json_object_get(value, "shape"),
                 *offsets = json_object_get(value, "data_offsets");
    size_t end;
    if (!json_is_string(dtype) || !json_is_array(shape) || !json_is_array(offsets))
        return refuse(why, "'%s': needs dtype, shape and data_offsets", t->name);
    t->dtype_name = json_string_value(dtype);
    t->dtype = tensor_dtype_find(t->dtype_name);
    if (json_array_size(shape) > TENSOR_MAX_DIM)
        return refuse(why, "'%s': has %zu dimensions, more than %d", t->name, json_array_size(shape),
                      TENSOR_MAX_DIM);
    t->n_dim = (int)json_array_size(shape);
    for (int i = 0; i < t->n_dim; i++)
        if (get_size(json_array_get(shape, (size_t)i), &t->shape[i]) < 0)
            return refuse(why, "'%s': shape is not made of whole numbers", t->name);
    if (json_array_size(offsets) != 2 || get_size(json_array_get(offsets, 0), begin) < 0 ||
        get_size(json_array_get(offsets, 1), &end) < 0 || end < *begin)
        return refuse(why, "'%s': data_offsets are not a beginning and an end", t->name);
    t->n_bytes = end - *begin;
    if (tensor_set_size(t) < 0)
        return refuse(why, "'%s': the shape is too large or its elements do not fill whole bytes", t->name);
    if (t->n_bytes != end - *begin)
        return refuse(why, "'%s': shape and dtype take %zu bytes, data_offsets say %zu", t->name, t->n_bytes,
                      end - *begin);
    return 0;
}

struct placed {
    struct tensor tensor;
    size_t begin, order; /* order in the JSON, so that empty tensors keep it */
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *p = a, *q = b;
    if (p->begin != q->begin)
        return p->begin < q->begin ? -1 : 1;
    if (p->tensor.n_bytes && q->tensor.n_bytes)
        return 0; /* they overlap, which is refused later */
    if (!p->tensor.n_bytes != !q->tensor.n_bytes)
        return p->tensor.n_bytes ? 1 : -1;
    return p->order < q->order ? -1 : 1;
}

static int parse_metadata(struct ts_header *h, const json_t *value, char why[TS_WHY_MAX])
{
    const char *key;
    json_t *text;
    if (!json_is_object(value))
        return refuse(why, "__metadata__ is not an object");
    json_object_foreach((json_t *)(uintptr_t)value, key, text)
    {
        if (!json_is_string(text))
            return refuse(why, "__metadata__: '%s' is not text", key);
    }
    h->meta = value;
    return 0;
}

/* Puts the tensors in the order of their data; -1 unless one begins where another ends. */
static int put_in_order(struct ts_header *h, struct placed *placed, char why[TS_WHY_MAX])
{
    qsort(placed, h->n, sizeof *placed, compare_placed);
    h->tensors = xnew(h->n, sizeof *h->tensors);
    for (size_t i = 0; i < h->n; i++) {
        if (placed[i].begin != h->n_bytes)
            return refuse(why, "'%s': its data begin at %zu, but %s %zu", placed[i].tensor.name,
                          placed[i].begin, i ? "the tensor before ends at" : "the first must begin at",
                          h->n_bytes);
        h->tensors[i] = placed[i].tensor;
        h->n_bytes += placed[i].tensor.n_bytes; /* no overflow: it is that tensor's end */
    }
    return 0;
}

int ts_header_parse(struct ts_header *h, const char *json, size_t n_json, char why[TS_WHY_MAX])
{
    json_error_t error;
    const char *key;
    json_t *value;
    *h = (struct ts_header){ 0 };
    if (!n_json || json[0] != '{')
        return refuse(why, "the header is no JSON object");
    h->root = json_loadb(json, n_json, JSON_REJECT_DUPLICATES, &error);
    if (!h->root)
        return refuse(why, "the header is no valid JSON: %s", error.text);
    struct placed *placed = xcalloc(json_object_size(h->root), sizeof *placed);
    int status = 0;
    json_object_foreach(h->root, key, value)
    {
        if (!strcmp(key, metadata_key)) {
            status = parse_metadata(h, value, why);
        } else {
            placed[h->n].tensor.name = key;
            placed[h->n].order = h->n;
            status = parse_tensor(&placed[h->n].tensor, value, &placed[h->n].begin, why);
            h->n++;
        }
        if (status < 0)
            break;
    }
    if (!status)
        status = put_in_order(h, placed, why);
    free(placed);
    return status;
}

void ts_header_clear(struct ts_header *h)
{
    json_decref(h->root);
    free(h->tensors);
    *h = (struct ts_header){ 0 };
}

/* ---- out */

int ts_header_add(json_t *root, const struct tensor *t, size_t begin, char why[TS_WHY_MAX])
{
    if (!strcmp(t->name, metadata_key))
        return refuse(why, "a tensor cannot be called %s", metadata_key);
    if (json_object_get(root, t->name))
        return refuse(why, "two tensors are called '%s'", t->name);
    json_t *entry = json_object(), *shape = json_array(), *offsets = json_array();
    for (int i = 0; i < t->n_dim; i++)
        json_array_append_new(shape, json_integer((json_int_t)t->shape[i]));
    json_array_append_new(offsets, json_integer((json_int_t)begin));
    json_array_append_new(offsets, json_integer((json_int_t)(begin + t->n_bytes)));
    json_object_set_new(entry, "dtype", json_string(t->dtype_name));
    json_object_set_new(entry, "shape", shape);
    json_object_set_new(entry, "data_offsets", offsets);
    if (json_object_set_new(root, t->name, entry) < 0)
        return refuse(why, "a tensor's name is not UTF-8");
    return 0;
}

char *ts_header_print(const json_t *root, size_t *n)
{
    size_t n_json = json_dumpb(root, NULL, 0, JSON_COMPACT), n_padded = (n_json + 7) / 8 * 8;
    if (n_padded > TS_HEADER_MAX)
        return NULL;
    char *text = xmalloc(8 + n_padded);
    uint64_t length = n_padded; /* little-endian, as tensor.c asserts */
    memcpy(text, &length, 8);
    json_dumpb(root, text + 8, n_json, JSON_COMPACT);
    memset(text + 8 + n_json, ' ', n_padded - n_json);
    *n = 8 + n_padded;
    return text;
}
