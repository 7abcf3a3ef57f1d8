/* decode.h - decoders: tokens become text again.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_DECODE_H
#define TEXT_DECODE_H
#include "text/regex.h"
#include "text/strbuf.h"
#include <stdint.h>

enum decode_kind {
    DECODE_BYTELEVEL,     /* letters of bytelevel.h to bytes; all tokens become one */
    DECODE_BYTE_FALLBACK, /* <0x..> to bytes */
    DECODE_METASPACE,     /* `text` to a space, unless it is in the first token and `first_too` is 0 */
    DECODE_REPLACE,       /* matches of `regex`, or `text`, to `content` */
    DECODE_STRIP,         /* up to `start` and `stop` characters `text` off the ends of each token */
    DECODE_FUSE,          /* all tokens become one */
    DECODE_WORDPIECE,     /* a space before each token but the first; or its prefix `text` taken off */
    DECODE_SUFFIX,        /* `text` to a space, in the last token to nothing */
    DECODE_BLANKS         /* spaces between tokens: what a file without a decoder means */
};

struct decode {
    enum decode_kind kind;
    struct regex *regex;  /* owned, as are the texts */
    char *text, *content; /* not NUL-ended */
    size_t n_text, n_content;
    size_t start, stop;
    int first_too, cleanup;
};

/* Tokens as text, one after another: token i ends before byte end[i] of s. */
struct decode_list {
    struct strbuf s;
    size_t *end, n, room;
};

/* Scratch of one thread; starts as all zeros. */
struct decode_work {
    struct decode_list list, spare;
    struct regex_work *regex;
};

void decode_clear(struct decode *d);
void decode_work_clear(struct decode_work *w);

/* Forgets all tokens; appends a token; runs n steps on them and appends the text to out. decode_run returns
 * 0, or -1 when a regex takes too many steps. */
void decode_start(struct decode_work *w);
void decode_token(struct decode_work *w, const char *s, size_t n);
int decode_run(const struct decode *d, size_t n, struct decode_work *w, struct strbuf *out);

#endif
