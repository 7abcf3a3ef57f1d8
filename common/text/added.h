/* added.h - added tokens: cut out of a text before anything else looks at it.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_ADDED_H
#define TEXT_ADDED_H
#include "text/mtext.h"
#include "text/strbuf.h"
#include "text/trie.h"

struct added_token {
    char *content; /* as the file writes it; owned */
    char *decoded; /* as it is looked for and decoded, which is normalised if `normalized`; owned */
    size_t n, n_decoded;
    uint32_t id;
    int special, single_word, lstrip, rstrip, normalized;
};

/* Tokens that are looked for together: those that the file marks `normalized` in the normalised text, the
 * others before. Of several that match at a place the longest counts. */
struct added {
    const struct added_token *token; /* borrowed */
    struct trie trie;                /* of contents; values index `token` */
    unsigned char starts[256];       /* whether a content starts with this byte */
    size_t n;
};

/* Looks for those of token[0..n-1] (borrowed) whose `normalized` is as given. Of two that are looked for as
 * the same text the first special one counts, else the first. */
void added_init(struct added *a, const struct added_token *token, size_t n, int normalized);
void added_clear(struct added *a);

/* The next token in t at byte `from` or later: its index, and the bytes that it takes, white space that it
 * strips included; no further left than `floor`. -1 if there is none. *next is where to look on. */
int32_t added_find(const struct added *a, const struct mtext *t, size_t from, size_t floor, size_t *start,
                   size_t *end, size_t *next);

#endif
