/* bpetrain.h - learns byte-pair encoding (Sennrich et al. 2016, algorithm 1) from counted words.  Layer:
 * text. The most frequent pair of neighbouring symbols becomes a symbol, again and again; of equally frequent
 * ones that with the smallest left symbol, then the smallest right one: the same merges as Hugging Face's
 * trainer. Only what a merge touches is counted anew. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_BPETRAIN_H
#define TEXT_BPETRAIN_H
#include "text/bpetrain_words.h"

/* Symbols: 0 to 255 are the bytes in the order of the letters that spell them (bytelevel.h), 256 + k is what
 * merge k makes. */
enum { BPETRAIN_BYTES = 256 };

struct bpetrain_merge {
    uint32_t left, right;
    uint64_t count; /* of the pair when it was merged */
};

struct bpetrain_options {
    size_t n_merge;         /* at most */
    uint64_t min_count;     /* pairs that occur less often stay apart; at least 1 */
    size_t max_token_bytes; /* longer symbols are not made */
};

struct bpetrain;

/* NULL when the words have 4 GiB or more, words of one byte left out. They are borrowed until
 * bpetrain_free. The sum of counts times bytes must be below 2^64. */
struct bpetrain *bpetrain_new(const struct bpetrain_words *words, const struct bpetrain_options *o);
void bpetrain_free(struct bpetrain *t);

/* The bytes that symbols 0 to 255 are. */
void bpetrain_bytes(unsigned char byte[BPETRAIN_BYTES]);

/* Makes the next merge: 1; or 0 when n_merge are made or no pair is left. */
int bpetrain_next(struct bpetrain *t, struct bpetrain_merge *m);

/* Into how many symbols word i of the words is cut by the merges made so far. */
size_t bpetrain_n_symbol(const struct bpetrain *t, size_t i);

#endif
