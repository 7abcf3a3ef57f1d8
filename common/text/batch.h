/* batch.h - many lines of text at once, so that threads have work.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_BATCH_H
#define TEXT_BATCH_H
#include "io/linein.h"
#include "text/strbuf.h"

/* Starts as all zeros, but for `keep_feeds`. */
struct batch {
    int keep_feeds;     /* a line has its line feed, where there is one */
    struct strbuf text; /* the lines */
    size_t *end;        /* [n] where each ends in `text` */
    size_t n, room;
    size_t first; /* number of the first line in its file, from 1 */
};

/* Takes the next lines of `in`, about a megabyte of them; ends the program when they are not UTF-8. Returns
 * how many, 0 at the end. */
size_t batch_read(struct batch *b, struct linein *in);
void batch_clear(struct batch *b);

/* Line i of the batch, borrowed; *n is its length. */
static inline const char *batch_line(const struct batch *b, size_t i, size_t *n)
{
    size_t start = i ? b->end[i - 1] : 0;
    *n = b->end[i] - start;
    return b->text.s + start;
}

/* The language that a file's name gives: "data/tha.txt.gz" is "tha"; the caller frees it. */
char *batch_lang(const char *path);

#endif
