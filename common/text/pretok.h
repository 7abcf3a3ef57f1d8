/* pretok.h - pre-tokenizers: a text is cut into pieces, which the model then encodes one by one.  Layer:
 * text. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_PRETOK_H
#define TEXT_PRETOK_H
#include "text/gptsplit.h"
#include "text/mtext.h"
#include "text/regex.h"

/* What becomes of a match; `between` are the stretches around matches. */
enum pretok_behaviour {
    PRETOK_REMOVED,    /* a match is left out */
    PRETOK_ISOLATED,   /* a match is a piece */
    PRETOK_CONTIGUOUS, /* neighbouring matches are one piece */
    PRETOK_MERGED_WITH_PREVIOUS,
    PRETOK_MERGED_WITH_NEXT
};

enum pretok_kind {
    PRETOK_SPLIT,        /* at matches of a regex, or of a text */
    PRETOK_CHARS,        /* at each character of a set */
    PRETOK_WORDS,        /* Whitespace: runs of word characters, runs of others; white space left out */
    PRETOK_PREFIX_SPACE, /* a space in front of each piece that has none */
    PRETOK_SPELL,        /* bytes become the letters of bytelevel.h */
    PRETOK_CUT_BLANKS, /* before each run of `text` but behind bytes to `keep`: not of the file, see tokload.c
                        */
    PRETOK_METASPACE   /* spaces become `text`, which is put in front too, and a piece starts at each */
};

enum pretok_set { PRETOK_SPACE, PRETOK_DIGIT, PRETOK_PUNCTUATION, PRETOK_DELIMITER };
enum pretok_prepend { PRETOK_ALWAYS, PRETOK_FIRST, PRETOK_NEVER };

/* One step. */
struct pretok {
    enum pretok_kind kind;
    enum pretok_behaviour behaviour;
    int invert;
    struct regex *regex; /* owned; NULL: `text` is looked for */
    enum gptsplit fast;  /* the pattern is this one, matches are isolated, and there is no regex */
    char *text;          /* owned */
    size_t n_text;
    const unsigned char *keep; /* [256] whether a byte is one; borrowed */
    enum pretok_set set;
    uint32_t delimiter;
    enum pretok_prepend prepend;
    int split;
};

struct pretok_piece {
    uint32_t start, end; /* bytes start..end-1 of the text */
};

/* Scratch of one thread; starts as all zeros. */
struct pretok_work {
    struct regex_work *regex;
    struct gptsplit_work gptsplit;
    struct pretok_piece *piece, *spare; /* [n_piece] the result */
    size_t n_piece, room, n_spare, spare_room;
    struct mbuf buffer[2];
    struct mtext text; /* that the pieces are of */
};

void pretok_clear(struct pretok *p);
void pretok_work_clear(struct pretok_work *w);

/* Runs n steps on t; the pieces, none of them empty, are left in *w, borrowed until the next call. Returns 0;
 * or -1 when a regex takes too many steps. */
int pretok_run(const struct pretok *p, size_t n, struct pretok_work *w, const struct mtext *t);

#endif
