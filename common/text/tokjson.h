/* tokjson.h - tokenizer.json, its two large tables apart from the rest.  Layer: text.
 *
 * jansson needs 0.43 s for Qwen3's 11 MB, nearly all of it for the 450,000 small objects of `model.vocab` and
 * `model.merges`. So these two values are cut out and read by the scanner below, which makes no objects; what
 * is left goes through jansson, strictly (no duplicate keys, limited depth). In the tree a cut-out table is
 * `true`.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_TOKJSON_H
#define TEXT_TOKJSON_H
#include <jansson.h>
#include <stddef.h>

/* A value in the file's text, being read. Strings are decoded in place, so `at` moves through memory that the
 * caller owns and may write to. */
struct tokjson_scan {
    char *at, *end;
};

struct tokjson {
    json_t *root;                      /* owned: tokjson_clear */
    struct tokjson_scan vocab, merges; /* at NULL: not there */
};

/* Reads text[0..n-1], which must be UTF-8 and outlive j. Returns 0; or -1 and a reason in *why, which the
 * caller frees. */
int tokjson_read(struct tokjson *j, char *text, size_t n, char **why);
void tokjson_clear(struct tokjson *j);

/* Pieces of a table. Each returns 1 when it has taken what it is named for (and blanks around it), else 0,
 * having taken nothing. tokjson_string decodes escapes in place: *s is borrowed from the text, *n its length;
 * a lone surrogate is no string. tokjson_number takes any JSON number, and gives it the value that Rust's
 * serde_json does: digits times, or over, a power of ten, rounded twice. Its last bit decides between
 * segmentations of equal score. */
int tokjson_mark(struct tokjson_scan *c, char mark);
int tokjson_string(struct tokjson_scan *c, char **s, size_t *n);
int tokjson_number(struct tokjson_scan *c, double *v);

#endif
