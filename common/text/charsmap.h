/* charsmap.h - SentencePiece's precompiled normaliser.  Layer: text.
 * The map is a trie (darts-clone: a double array of 32-bit units) from UTF-8 to offsets of NUL-ended
 * replacements. Hugging Face's library applies it to grapheme clusters, and takes the shortest key where
 * SentencePiece takes the longest.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_CHARSMAP_H
#define TEXT_CHARSMAP_H
#include "text/mtext.h"
#include "text/upages.h"

struct charsmap;

/* Decodes base64[0..n-1]. NULL and a reason, a literal, when it is no such map. */
struct charsmap *charsmap_new(const char *base64, size_t n, const char **why);
void charsmap_free(struct charsmap *c);

/* What one thread knows about code points; starts as all zeros. */
struct charsmap_work {
    struct upages breaks;
};
void charsmap_work_clear(struct charsmap_work *w);

/* As nform_apply: a cluster of fewer than 6 bytes is looked up as a whole; of what is longer, or not in the
 * map, each character by itself. */
int charsmap_apply(const struct charsmap *c, struct charsmap_work *w, const struct mtext *t,
                   struct mbuf *out);

#endif
