/* excerpt.h - a part of a row of tokens as text.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_EXCERPT_H
#define TEXT_EXCERPT_H
#include "text/tokenizer.h"

/* How many of the first n tokens end with a whole character; n if none of them do. */
size_t excerpt_whole(const struct tokenizer *t, struct tokenizer_work *w, const uint32_t *id, size_t n);

/* The text of the first n_before tokens, and what the rest of the n add to it, both appended: alone they
 * might lose the blank that they begin with. Ids that the tokenizer does not have, as those that fill up a
 * vocabulary, add nothing; bytes that are no character are U+FFFD. 0; or -1 when it cannot decode. */
int excerpt_split(const struct tokenizer *t, struct tokenizer_work *w, const uint32_t *id, size_t n_before,
                  size_t n, struct strbuf *before, struct strbuf *behind);

#endif
