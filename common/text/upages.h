/* upages.h - a byte about each code point, worked out page by page when first asked for.  Layer: text.
 * Libraries' own look-ups take several steps each; here it is two loads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_UPAGES_H
#define TEXT_UPAGES_H
#include "base/mem.h"
#include <stdint.h>
#include <stdlib.h>

enum { UPAGES_N = 0x110000 >> 8 };

/* Belongs to one thread. Starts as all zeros but for `fill`, which says what is kept about code points first
 * to first + 255. */
struct upages {
    void (*fill)(void *context, uint32_t first, unsigned char page[256]);
    void *context;
    unsigned char *page[UPAGES_N];
};

static inline unsigned char upages_get(struct upages *u, uint32_t c)
{
    unsigned char **page = &u->page[c >> 8];
    if (__builtin_expect(!*page, 0)) {
        *page = xcalloc(256, 1);
        u->fill(u->context, c & ~(uint32_t)0xff, *page);
    }
    return (*page)[c & 0xff];
}

static inline void upages_clear(struct upages *u)
{
    for (int i = 0; i < UPAGES_N; i++)
        if (u->page[i]) {
            free(u->page[i]);
            u->page[i] = NULL;
        }
}

#endif
