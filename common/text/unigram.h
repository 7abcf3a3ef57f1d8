/* unigram.h - the unigram language model's best segmentation of one piece of text.  Layer: text.
 * Kudo 2018, arXiv 1804.10959, with the details of Hugging Face's library: scores are summed in double, on a
 * tie the longer last token stays, a character that is no token costs 10 more than the worst token, and
 * neighbouring unknown characters are one unknown token. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_UNIGRAM_H
#define TEXT_UNIGRAM_H
#include "text/tokens.h"
#include "text/trie.h"

struct unigram {
    const struct vocab *vocab;
    struct trie trie;
    const double *score; /* [vocab->n_id], log-probabilities; borrowed */
    double unknown_score;
    int32_t unknown;            /* id; -1: none */
    int32_t byte_fallback[256]; /* the id of <0x00> ... <0xFF>; -1: none */
    int has_fallback;
};

/* Scratch of one thread. */
struct unigram_work;
struct unigram_work *unigram_work_new(void);
void unigram_work_free(struct unigram_work *w);

/* Borrows the vocabulary and the scores. */
void unigram_init(struct unigram *m, const struct vocab *vocab, const double *score);
void unigram_clear(struct unigram *m);

/* Appends the tokens of s[0..n-1] (UTF-8, n < 2^31) to `out`, their ends counted in bytes of s. Returns 0; or
 * -1 when a character is unknown and there is no token for that. */
int unigram_encode(const struct unigram *m, struct unigram_work *w, const char *s, size_t n,
                   struct tokens *out);

#endif
