/* upages.h - a byte about each code point, worked out page by page when first asked for.  Layer: text.
 * ICU's own look-ups take several steps each; here it is two loads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_UPAGES_H
#define TEXT_UPAGES_H
#include "base/mem.h"
#include <stdint.h>
#include <stdlib.h>

enum { UPAGES_N = 0x110000 >> 8 };

/* Belongs to one thread. Starts as all zeros but for `of`. */
struct upages {
    unsigned char (*of)(uint32_t c); /* what is kept about c */
    unsigned char *page[UPAGES_N];
};

static inline unsigned char upages_get(struct upages *u, uint32_t c)
{
    unsigned char **page = &u->page[c >> 8];
    if (__builtin_expect(!*page, 0)) {
        *page = xmalloc(256);
        for (uint32_t i = 0; i < 256; i++)
            (*page)[i] = u->of((c & ~(uint32_t)0xff) | i);
    }
    return (*page)[c & 0xff];
}

static inline void upages_clear(struct upages *u)
{
    for (int i = 0; i < UPAGES_N; i++) {
        free(u->page[i]);
        u->page[i] = NULL;
    }
}

#endif
