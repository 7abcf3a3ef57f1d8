/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/tensortext.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- in */

static int is_integer(enum tensor_dtype dtype)
{
    return dtype >= TENSOR_I64 && dtype <= TENSOR_BOOL;
}

static int fits(enum tensor_dtype dtype, int64_t v)
{
    switch (dtype) {
    case TENSOR_I32:
        return v >= INT32_MIN && v <= INT32_MAX;
    case TENSOR_I16:
        return v >= INT16_MIN && v <= INT16_MAX;
    case TENSOR_I8:
        return v >= INT8_MIN && v <= INT8_MAX;
    case TENSOR_U8:
        return v >= 0 && v <= UINT8_MAX;
    case TENSOR_BOOL:
        return v == 0 || v == 1;
    default:
        return 1;
    }
}

/* One number into the 8, or fewer, bytes at out. */
static void read_number(const struct linein *l, const char *word, enum tensor_dtype dtype, void *out)
{
    if (is_integer(dtype)) {
        int64_t v;
        if (num_parse_i64(word, &v) < 0 || !fits(dtype, v))
            die("%s: line %zu: '%s' is no %s", linein_path(l), linein_number(l), word,
                tensor_dtype_name(dtype));
        memcpy(out, &v, tensor_dtype_bytes(dtype)); /* the low bytes come first */
    } else {
        double v;
        if (num_parse_f64(word, &v) < 0)
            die("%s: line %zu: '%s' is not a number", linein_path(l), linein_number(l), word);
        tensor_from_f64(&v, 1, dtype, out);
    }
}

/* Whether a comma has no number on one of its sides. */
static int has_empty_cell(const char *line)
{
    int filled = 0, commas = 0;
    for (; *line; line++) {
        if (*line == ',' && !filled)
            return 1;
        commas += *line == ',';
        filled = *line != ',' && (filled || !strchr(" \t\r", *line));
    }
    return commas && !filled;
}

void *tensortext_read(struct linein *l, struct tensor *t)
{
    static const char separators[] = " \t\r,";
    size_t width = tensor_dtype_bytes(t->dtype), n = 0, n_line = 0, n_col = 0, room = 0, length;
    char *line, *data = NULL;
    while (linein_next_utf8(l, &line, &length)) {
        size_t before = n;
        if (has_empty_cell(line))
            die("%s: line %zu: a cell is empty; NaN is a number here", linein_path(l), linein_number(l));
        for (char *rest = NULL, *word = strtok_r(line, separators, &rest); word;
             word = strtok_r(NULL, separators, &rest)) {
            xgrow(&data, &room, n + 1, width);
            read_number(l, word, t->dtype, data + n++ * width);
        }
        if (n == before)
            continue; /* a blank line */
        if (n_line++ && n - before != n_col && t->n_dim < 0)
            die("%s: line %zu: has %zu numbers, lines before have %zu; give a shape", linein_path(l),
                linein_number(l), n - before, n_col);
        n_col = n - before;
    }
    if (t->n_dim < 0) {
        t->n_dim = n_col > 1 ? 2 : 1;
        t->shape[0] = n_line;
        t->shape[1] = n_col;
    }
    char shape[TENSOR_SHAPE_MAX];
    if (tensor_set_size(t) < 0 || t->n != n)
        die("%s: %zu numbers do not fill the shape %s", linein_path(l), n, tensor_shape_text(t, shape));
    t->data = data;
    return data;
}

/* ---- out */

char *tensortext_element(const struct tensor *t, size_t i, char text[TENSORTEXT_MAX])
{
    double d;
    float f;
    int64_t v;
    switch (t->dtype) {
    case TENSOR_OTHER:
        return NULL;
    case TENSOR_F32:
    case TENSOR_F16:
    case TENSOR_BF16:
        tensor_to_f32(t, i, 1, &f);
        return num_text_f32(f, text);
    case TENSOR_I64:
        memcpy(&v, (const char *)t->data + 8 * i, 8);
        snprintf(text, TENSORTEXT_MAX, "%" PRId64, v);
        return text;
    default:
        tensor_to_f64(t, i, 1, &d);
        return num_text(d, text);
    }
}
