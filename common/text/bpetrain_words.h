/* bpetrain_words.h - distinct pieces of a text and how often each occurs.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_BPETRAIN_WORDS_H
#define TEXT_BPETRAIN_WORDS_H
#include "text/strbuf.h"
#include <stdint.h>

struct bpetrain_word {
    size_t at; /* of its first byte in `text` */
    uint64_t count;
    uint32_t n; /* bytes */
};

/* In the order of first appearance; starts as all zeros. */
struct bpetrain_words {
    struct bpetrain_word *word; /* [n] */
    size_t n, room;
    struct strbuf text;
    uint64_t *slot; /* open addressing: upper 24 bits of the hash, index + 1; 0 is empty */
    size_t n_slot;  /* a power of two */
};

/* Counts s[0..n-1] `count` times more; returns its index. */
size_t bpetrain_words_add(struct bpetrain_words *w, const char *s, size_t n, uint64_t count);
void bpetrain_words_clear(struct bpetrain_words *w);

#endif
