/* strbuf.h - bytes that grow.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_STRBUF_H
#define TEXT_STRBUF_H
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

/* Starts as all zeros; s is not NUL-ended unless strbuf_text has been called. */
struct strbuf {
    char *s;
    size_t n, room;
};

/* Room for n bytes more and a NUL, so that adding them moves nothing. */
static inline void strbuf_reserve(struct strbuf *b, size_t n)
{
    xgrow(&b->s, &b->room, b->n + n + 1, 1);
}

static inline void strbuf_add(struct strbuf *b, const char *s, size_t n)
{
    if (!n)
        return;
    xgrow(&b->s, &b->room, b->n + n + 1, 1);
    memcpy(b->s + b->n, s, n);
    b->n += n;
}

static inline void strbuf_str(struct strbuf *b, const char *s)
{
    strbuf_add(b, s, strlen(s));
}

static inline void strbuf_char(struct strbuf *b, char c)
{
    strbuf_add(b, &c, 1);
}

/* Puts s in front of byte `at`. */
static inline void strbuf_insert(struct strbuf *b, size_t at, const char *s)
{
    size_t n = strlen(s);
    xgrow(&b->s, &b->room, b->n + n + 1, 1);
    memmove(b->s + at + n, b->s + at, b->n - at);
    memcpy(b->s + at, s, n);
    b->n += n;
}

/* The bytes with a NUL behind them, borrowed until the next change. */
static inline char *strbuf_text(struct strbuf *b)
{
    xgrow(&b->s, &b->room, b->n + 1, 1);
    b->s[b->n] = 0;
    return b->s;
}

static inline void strbuf_clear(struct strbuf *b)
{
    free(b->s);
    *b = (struct strbuf){ 0 };
}

#endif
