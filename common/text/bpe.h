/* bpe.h - byte pair encoding of one piece of text.  Layer: text.
 * Sennrich et al. 2016, arXiv 1508.07909, as Hugging Face's library does it: the pair of neighbours that was
 * learnt first is merged first, of equal ones the leftmost.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_BPE_H
#define TEXT_BPE_H
#include "text/strbuf.h"
#include "text/tokens.h"
#include "text/vocab.h"

struct bpe_merge {
    uint32_t left, right, rank, id; /* left UINT32_MAX: an empty slot */
};

struct bpe {
    const struct vocab *vocab;
    struct bpe_merge *merge; /* open addressing */
    size_t mask, n_merge;
    int32_t byte_letter[256];   /* the id of the letter that ByteLevel writes for a byte; -1: none */
    int32_t byte_fallback[256]; /* the id of <0x00> ... <0xFF>; -1: none */
    int32_t unknown;            /* id of the unknown token; -1: what is unknown is left out */
    int has_fallback, fuse_unknown, ignore_merges;
    struct strbuf prefix, suffix; /* continuing_subword_prefix, end_of_word_suffix */
};

/* Scratch of one thread. */
struct bpe_work;
struct bpe_work *bpe_work_new(void);
void bpe_work_free(struct bpe_work *w);

/* A model without merges over `vocab`, which it borrows; set the options, then add the merges. */
void bpe_init(struct bpe *m, const struct vocab *vocab, size_t n_merge_expected);
void bpe_clear(struct bpe *m);

/* The merge numbered `rank` (they come in order). 0; or -1 when one of the three tokens is not in the
 * vocabulary. A pair given twice keeps its later rank. */
int bpe_add_merge(struct bpe *m, const char *left, size_t n_left, const char *right, size_t n_right,
                  uint32_t rank);

/* Appends the tokens of s[0..n-1] (n < 2^31) to `out`, their ends counted in bytes of s. `bytes`: s stands
 * for the letters that ByteLevel would write for its bytes. */
void bpe_encode(const struct bpe *m, struct bpe_work *w, const char *s, size_t n, int bytes,
                struct tokens *out);

#endif
