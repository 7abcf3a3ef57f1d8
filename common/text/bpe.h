/* bpe.h - byte pair encoding of one piece of text.  Layer: text.
 * Sennrich et al. 2016, arXiv 1508.07909, as Hugging Face's library does it: the pair of neighbours that was
 * learnt first is merged first, of equal ones the leftmost.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_BPE_H
#define TEXT_BPE_H
#include "text/strbuf.h"
#include "text/tokens.h"
#include "text/vocab.h"

enum { BPE_MAX_ID = (1 << 20) - 1, BPE_MAX_MERGE = (1 << 24) - 1 };

/* What SentencePiece writes for a space, U+2581. */
#define BPE_BLANK "\xe2\x96\x81"

struct bpe {
    const struct vocab *vocab;
    uint64_t *pair; /* open addressing: left id, right id (20 bits each), rank (24); UINT64_MAX: empty */
    uint64_t
        *filter; /* a bit for each hash: most pairs have no merge, and this is small enough to tell fast */
    size_t mask, filter_mask, n_pair;
    uint32_t *merged; /* [n_merge] what the pair of each rank becomes */
    size_t n_merge, merge_room;
    int32_t byte_letter[256];   /* the id of the letter that ByteLevel writes for a byte; -1: none */
    int32_t byte_fallback[256]; /* the id of <0x00> ... <0xFF>; -1: none */
    int32_t unknown;            /* id of the unknown token; -1: what is unknown is left out */
    int has_fallback, fuse_unknown, ignore_merges;
    unsigned char joins_blank[256]; /* whether a merge joins what ends in this byte with a blank behind it */
    struct strbuf prefix, suffix;   /* continuing_subword_prefix, end_of_word_suffix */
};

/* Scratch of one thread. */
struct bpe_work;
struct bpe_work *bpe_work_new(void);
void bpe_work_free(struct bpe_work *w);

/* A model without merges over `vocab`, which it borrows and whose ids must be at most BPE_MAX_ID; set the
 * options, then add the merges. */
void bpe_init(struct bpe *m, const struct vocab *vocab);
void bpe_clear(struct bpe *m);

/* The next merge. 0; or -1 when one of the three tokens is not in the vocabulary; or -2 when there are too
 * many. A pair given twice keeps its later rank. */
int bpe_add_merge(struct bpe *m, const char *left, size_t n_left, const char *right, size_t n_right);

/* Whether a piece may be cut before each run of blanks, but behind bytes that joins_blank names, without a
 * change: every character leaves a symbol, and no merge reaches across. */
int bpe_can_cut_at_blanks(const struct bpe *m);

/* Appends the tokens of s[0..n-1] (n < 2^31) to `out`, their ends counted in bytes of s. `bytes`: s stands
 * for the letters that ByteLevel would write for its bytes. */
void bpe_encode(const struct bpe *m, struct bpe_work *w, const char *s, size_t n, int bytes,
                struct tokens *out);

#endif
