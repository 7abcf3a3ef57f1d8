/* memo.h - the tokens of short pieces of text seen lately.  Layer: text.
 * A table of fixed size in which a piece overwrites what lay in its place: no memory is got while it is used,
 * and a piece found costs two cache lines. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_MEMO_H
#define TEXT_MEMO_H
#include "text/hash.h"
#include "text/tokens.h"

enum { MEMO_BYTES = 26, MEMO_TOKENS = 8, MEMO_SLOTS = 1 << 14 };

struct memo_slot {
    uint32_t tag; /* of the hash; with n_bytes it tells most others apart */
    unsigned char n_bytes, n_token;
    char key[MEMO_BYTES];
    uint32_t token[MEMO_TOKENS]; /* id, and the token's length in the upper 8 bits */
};

struct memo {
    struct memo_slot *slot; /* [MEMO_SLOTS] */
};

void memo_init(struct memo *m);
void memo_clear(struct memo *m);

/* Whether a piece of n bytes can be kept at all. */
static inline int memo_takes(size_t n)
{
    return n > 0 && n <= MEMO_BYTES;
}

static inline struct memo_slot *memo_slot(const struct memo *m, uint64_t hash)
{
    return &m->slot[hash % MEMO_SLOTS];
}

/* Appends the tokens of s[0..n-1], whose hash_bytes is `hash`, ends counted in bytes of s: 1; or 0 when it is
 * not there. */
static inline int memo_find(const struct memo *m, uint64_t hash, const char *s, size_t n, struct tokens *out)
{
    const struct memo_slot *slot = memo_slot(m, hash);
    if (slot->tag != (uint32_t)(hash >> 32) || slot->n_bytes != n || memcmp(slot->key, s, n) != 0)
        return 0;
    tokens_reserve(out, MEMO_TOKENS);
    uint32_t end = 0;
    for (size_t i = 0; i < slot->n_token; i++) {
        end += slot->token[i] >> 24;
        out->id[out->n + i] = slot->token[i] & 0xffffff;
        out->end[out->n + i] = end;
    }
    out->n += slot->n_token;
    return 1;
}

/* Keeps the tokens from index `first` on as those of s. */
void memo_keep(struct memo *m, uint64_t hash, const char *s, size_t n, const struct tokens *out,
               size_t first);

#endif
