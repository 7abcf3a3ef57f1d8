/* corpus.h - texts by language as tokens, all of them in memory.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_CORPUS_H
#define TEXT_CORPUS_H
#include "io/bytein.h"
#include "text/tokenizer.h"
#include <stddef.h>

/* A line of a file, or a whole file. Its tokens are id[first .. first + n - 1] of the corpus, of which the
 * first n_start are not of the text but in front of it (a token for its beginning). */
struct corpus_text {
    size_t lang, line; /* index of the language; number of the line from 1, of a whole file 1 */
    size_t first, n, n_start, n_unknown;
};

struct corpus {
    char **lang; /* [n_lang] in the order of the files */
    size_t n_lang;
    struct corpus_text *text; /* [n_text] in the order of languages, then lines */
    size_t n_text;
    uint32_t *id;            /* [n_id] */
    uint32_t *bytes, *chars; /* [n_id] of its text that each token covers; a code point belongs to the token
                                with its first byte; those in front have none */
    size_t n_id;
    size_t n_empty; /* texts without a token of their own */
    size_t lang_room, text_room, id_room;
};

struct corpus_options {
    const struct tokenizer *tokenizer;
    const struct tokenizer *(*open_tokenizer)(void *ctx); /* corpus_read_files: gives one, borrowed, if there
                                                             is text and tokenizer is NULL; or NULL */
    int whole_files; /* a file is one text, its lines joined by `join`; else each line is */
    const char *join;
    const uint32_t *start; /* the tokens in front of each text */
    size_t n_start;
    int n_thread;
    int may_be_tokens; /* corpus_read_files: a file may be a token stream */
    size_t n_line;     /* of each file's lines only so many, the first; 0: all. The rest is read past */
    /* Is shown each of these lines of text, and its language's index; or NULL. */
    void (*line)(void *ctx, size_t lang, const char *s, size_t n);
    void *ctx; /* of both functions */
};

/* What a user means by `word`: "auto", those that the tokenizer's own template puts in front of a text;
 * "none"; or a token as the tokenizer spells it. 0 with *start, which the caller frees, and *n; -1 when there
 * is no such token. */
int corpus_find_start(const struct tokenizer *t, const char *word, uint32_t **start, size_t *n);

/* Adds the texts of what has been opened, under the language `lang`, and takes it over. Ends the program when
 * it cannot be read, is not UTF-8, the tokenizer refuses it, or the language has been there. Begin with a
 * corpus of all zeros. */
void corpus_read_text(struct corpus *c, struct bytein *in, const char *lang, const struct corpus_options *o);
/* The same of a token stream as `tok` makes them, which names its languages itself; its lines are taken as
 * they are, with nothing in front, and need no tokenizer. corpus_is_tokens tells which it is by the first
 * bytes. */
int corpus_is_tokens(struct bytein *in);
void corpus_read_tokens(struct corpus *c, struct bytein *in, const struct corpus_options *o);
/* All files, each under the language that its name gives, standard input under lang_of_stdin; `start` is what
 * corpus_find_start takes (o's own start is not looked at), and no such token ends the program. */
void corpus_read_files(struct corpus *c, char *const *files, const char *lang_of_stdin, const char *start,
                       const struct corpus_options *o);
/* The texts of a NULL-ended list, which must be UTF-8, as lines 1 and up of the language `lang`. */
void corpus_read_list(struct corpus *c, char *const *text, const char *lang, const struct corpus_options *o);
/* Ends the program if a token is beyond a model's vocabulary. */
void corpus_need_vocabulary(const struct corpus *c, size_t vocab_size);
void corpus_clear(struct corpus *c);

#endif
