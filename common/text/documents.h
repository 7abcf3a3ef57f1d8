/* documents.h - all of a language's documents as one row of tokens, to train on.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_DOCUMENTS_H
#define TEXT_DOCUMENTS_H
#include "text/corpus.h"

/* Starts as all zeros. */
struct documents {
    char *lang;
    uint32_t *id;
    size_t n, room;
    double bytes; /* of their text; of a token stream, which does not say, of what the tokens stand for */
};

/* The texts of language number `lang` of c, each behind the separator's n_separator tokens (0: none), which
 * close the last one too. Texts without a token are left out; one that has a beginning of its own (see
 * corpus_options) keeps it. 0; or -1 when the tokenizer does not know a token of a stream. */
int documents_join(struct documents *d, const struct corpus *c, size_t lang, const struct tokenizer *t,
                   const uint32_t *separator, size_t n_separator);
void documents_clear(struct documents *d);

#endif
