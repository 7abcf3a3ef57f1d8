/* vocab.h - the tokens of a model and their numbers, both ways.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_VOCAB_H
#define TEXT_VOCAB_H
#include <stddef.h>
#include <stdint.h>

/* Ids are small enough to share a 32-bit word with a length below 256. */
enum { VOCAB_MAX_ID = (1 << 24) - 1 };

struct vocab_token {
    const char *s; /* not NUL-ended; NULL: this id has no token */
    size_t n;
};

struct vocab {
    struct vocab_token *token; /* [n_id] */
    size_t n_id, id_room;      /* largest id + 1 */
    size_t n;                  /* tokens */
    uint64_t *slot;            /* open addressing: upper half of the hash, id + 1; 0 is empty */
    size_t mask;
};

/* An empty vocabulary with room for n_expected tokens (it grows). */
void vocab_init(struct vocab *v, size_t n_expected);
void vocab_clear(struct vocab *v);

/* Adds s[0..n-1], which must outlive the vocabulary. Returns 0; -1 when s is there already, -2 when the id is
 * above VOCAB_MAX_ID, -3 when the id has a token already. */
int vocab_add(struct vocab *v, const char *s, size_t n, uint32_t id);

/* An id whose token s[0..n-1] is found under a larger id: vocab_find will not give it. The same results. */
int vocab_add_alias(struct vocab *v, const char *s, size_t n, uint32_t id);

/* The id of s[0..n-1], or -1. */
int32_t vocab_find(const struct vocab *v, const char *s, size_t n);

#endif
