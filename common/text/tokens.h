/* tokens.h - what encoding a text gives.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_TOKENS_H
#define TEXT_TOKENS_H
#include "base/mem.h"
#include <stdint.h>
#include <stdlib.h>

/* Starts as all zeros; the arrays are the caller's to free. */
struct tokens {
    uint32_t *id;
    uint32_t
        *end; /* bytes of the text up to and with token i; a token that a template adds has none of its own */
    size_t n, room;
};

/* Room for `more` tokens, so that writing them needs no further check. */
static inline void tokens_reserve(struct tokens *t, size_t more)
{
    if (t->room - t->n >= more)
        return;
    size_t room = t->room, end_room = t->room;
    xgrow(&t->id, &room, t->n + more, sizeof *t->id);
    xgrow(&t->end, &end_room, t->n + more, sizeof *t->end);
    t->room = room;
}

static inline void tokens_add(struct tokens *t, uint32_t id, uint32_t end)
{
    tokens_reserve(t, 1);
    t->id[t->n] = id;
    t->end[t->n++] = end;
}

static inline void tokens_clear(struct tokens *t)
{
    free(t->id);
    free(t->end);
    *t = (struct tokens){ 0 };
}

#endif
