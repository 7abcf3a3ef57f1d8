/* mtext.h - a text on its way to a model, which knows where each of its bytes came from.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_MTEXT_H
#define TEXT_MTEXT_H
#include "base/mem.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Borrowed UTF-8. Byte i came from byte at[i] of the input, or base + i where `at` is NULL; at[n] is where
 * the text's source ends. Offsets never fall. */
struct mtext {
    const char *s;
    size_t n;
    const uint32_t *at;
    uint32_t base;
};

static inline uint32_t mtext_at(const struct mtext *t, size_t i)
{
    return t->at ? t->at[i] : t->base + (uint32_t)i;
}

/* The part from..to-1. */
static inline struct mtext mtext_part(const struct mtext *t, size_t from, size_t to)
{
    return (struct mtext){ t->s + from, to - from, t->at ? t->at + from : NULL, t->base + (uint32_t)from };
}

/* A changed text being written; starts as all zeros. */
struct mbuf {
    char *s;
    uint32_t *at;
    size_t n, room, at_room;
};

static inline void mbuf_reserve(struct mbuf *b, size_t more)
{
    xgrow(&b->s, &b->room, b->n + more + 1, 1);
    xgrow(&b->at, &b->at_room, b->n + more + 1, sizeof *b->at);
}

/* Appends bytes from..to-1 of t as they are. */
static inline void mbuf_copy(struct mbuf *b, const struct mtext *t, size_t from, size_t to)
{
    if (from == to)
        return;
    mbuf_reserve(b, to - from);
    memcpy(b->s + b->n, t->s + from, to - from);
    for (size_t i = from; i < to; i++)
        b->at[b->n++] = mtext_at(t, i);
}

/* Appends s[0..n-1] in place of what starts at byte `from` of t. */
static inline void mbuf_put(struct mbuf *b, const struct mtext *t, size_t from, const char *s, size_t n)
{
    if (!n)
        return;
    mbuf_reserve(b, n);
    memcpy(b->s + b->n, s, n);
    for (size_t i = 0; i < n; i++)
        b->at[b->n++] = mtext_at(t, from);
}

/* The text written, borrowed until the next change; t is what it was made of. */
static inline struct mtext mbuf_text(struct mbuf *b, const struct mtext *t)
{
    mbuf_reserve(b, 0);
    b->at[b->n] = mtext_at(t, t->n);
    return (struct mtext){ b->s, b->n, b->at, 0 };
}

static inline void mbuf_clear(struct mbuf *b)
{
    free(b->s);
    free(b->at);
    *b = (struct mbuf){ 0 };
}

#endif
