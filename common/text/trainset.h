/* trainset.h - what a model is trained on: a tokenizer and the documents of each language.  Layer: text.
 * Each of these ends the program where a file cannot be read or is not what it should be.
 * SPDX-License-Identifier: GPL-3.0-or-later */
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
    struct documents *lang; /* [n_lang] in the order of the files */
    size_t n_lang, room;
    int n_thread; /* that encode */
};

/* Reads the tokenizer at path, as tokenizer_load does. separator is a token as it spells it, "none", or
 * "auto": the first of </s> <|endoftext|> <eos> <s> that it has. */
void trainset_open(struct trainset *s, const char *path, const char *separator, int n_thread);

/* Adds the languages of a NULL-ended list of files: lines of text, of the language that the file's name
 * gives, or token streams of `tok`'s, which name theirs. One of not more than `context` tokens is left out
 * with a warning; none at all, or one that stands twice, ends the program. */
void trainset_read(struct trainset *s, char *const *files, size_t context);

/* The number of a language; n_lang if it is not trained on. */
size_t trainset_find(const struct trainset *s, const char *lang);

/* Adds to c the texts of a NULL-ended list (NULL: none), read in the same way; of a directory those files
 * that have the names of `files`. Languages that are not trained on are warned about. */
void trainset_read_held_out(const struct trainset *s, struct corpus *c, char *const *held_out,
                            char *const *files);
void trainset_clear(struct trainset *s);

#endif
