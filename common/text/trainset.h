/* trainset.h - what a model is trained on: a tokenizer and the documents of each language.  Layer: text.
 * What can fail returns 0, or -1 and a reason, with the name of the file, in *why, which the caller frees;
 * text that cannot be read ends the program (corpus.h). SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_TRAINSET_H
#define TEXT_TRAINSET_H
#include "text/documents.h"

/* Starts as all zeros. */
struct trainset {
    struct tokenizer *tokenizer;
    char *json; /* [n_json] the tokenizer's file */
    size_t n_json;
    uint32_t *separator; /* [n_separator] tokens in front of each document */
    size_t n_separator;
    struct documents *lang, *too_short; /* [n_lang], [n_too_short] in the order of the files */
    size_t n_lang, n_too_short, room, room_too_short;
    int n_thread; /* that encode */
};

/* Reads the tokenizer at path, as tokenizer_load does. separator is a token as it spells it, "none", or
 * "auto": the first of </s> <|endoftext|> <eos> <s> that it has. */
int trainset_open(struct trainset *s, const char *path, const char *separator, int n_thread, char **why);

/* Adds the languages of a file: lines of text, of the language that the file's name gives, or token streams
 * of `tok`'s, which name theirs. None may stand twice; one of not more than `context` tokens is too short. */
int trainset_read(struct trainset *s, const char *path, size_t context, char **why);

/* The number of a language; n_lang if it is not trained on. */
size_t trainset_find(const struct trainset *s, const char *lang);

/* Adds to c the texts of a NULL-ended list (NULL: none), read in the same way, of whatever languages; of a
 * directory those files that have the names of `files`. */
int trainset_read_held_out(const struct trainset *s, struct corpus *c, char *const *held_out,
                           char *const *files, char **why);
void trainset_clear(struct trainset *s);

#endif
