/* tokload.h - reading the parts of a tokenizer.json; used by the tokload files only.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_TOKLOAD_H
#define TEXT_TOKLOAD_H
#include "text/tokenizer_parts.h"
#include "text/tokjson.h"

/* A file being read; `why` is the first thing that was wrong. */
struct load {
    struct tokenizer *t;
    struct tokjson json;
    char *why;
};

/* Keeps the reason, unless there is one already. Returns -1. */
int load_fail(struct load *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Members of an object `in`, which `where` names in messages. Each returns 0, or -1 when the member is of the
 * wrong type (or, where there is no fallback, missing). Texts are borrowed from the tree. A member that is
 * null counts as missing. */
json_t *load_member(const json_t *in, const char *key);
int load_bool(struct load *l, const json_t *in, const char *where, const char *key, int fallback, int *v);
int load_count(struct load *l, const json_t *in, const char *where, const char *key, size_t *v);
int load_text(struct load *l, const json_t *in, const char *where, const char *key, const char **s,
              size_t *n);
/* The same, when the text is exactly one character. */
int load_char(struct load *l, const json_t *in, const char *where, const char *key, const char **s,
              size_t *n);

/* The member "pattern", {"String": ...} or {"Regex": ...}: a regex, else a copy of the text. The caller owns
 * both. */
int load_pattern(struct load *l, const json_t *in, const char *where, struct regex **regex, char **text,
                 size_t *n);

/* The parts of the file, in the order in which they must be read. */
int load_model(struct load *l);
int load_normalizer(struct load *l, const json_t *step);
int load_pretokenizer(struct load *l, const json_t *step);
int load_decoder(struct load *l, const json_t *step);
int load_postprocessor(struct load *l, const json_t *step);

#endif
