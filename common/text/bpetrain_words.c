/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/bpetrain_words.h"
#include "base/mem.h"
#include "text/hash.h"

static const uint64_t INDEX = ((uint64_t)1 << 40) - 1; /* the bits of a slot that are not of the hash */

static void grow_slots(struct bpetrain_words *w)
{
    size_t n = w->n_slot ? 2 * w->n_slot : 1024;
    uint64_t *slot = xcalloc(n, sizeof *slot);
    for (size_t i = 0; i < w->n; i++) {
        uint64_t hash = hash_bytes(w->text.s + w->word[i].at, w->word[i].n);
        size_t at = hash & (n - 1);
        while (slot[at])
            at = (at + 1) & (n - 1);
        slot[at] = (hash & ~INDEX) | (i + 1);
    }
    free(w->slot);
    w->slot = slot;
    w->n_slot = n;
}

size_t bpetrain_words_add(struct bpetrain_words *w, const char *s, size_t n, uint64_t count)
{
    if (w->n_slot < 2 * (w->n + 1))
        grow_slots(w);
    uint64_t hash = hash_bytes(s, n);
    size_t at = hash & (w->n_slot - 1);
    for (; w->slot[at]; at = (at + 1) & (w->n_slot - 1)) {
        if ((w->slot[at] ^ hash) & ~INDEX)
            continue;
        size_t i = (w->slot[at] & INDEX) - 1;
        struct bpetrain_word *word = &w->word[i];
        if (word->n == n && !memcmp(w->text.s + word->at, s, n)) {
            word->count += count;
            return i;
        }
    }
    w->slot[at] = (hash & ~INDEX) | (w->n + 1);
    xgrow(&w->word, &w->room, w->n + 1, sizeof *w->word);
    w->word[w->n] = (struct bpetrain_word){ .at = w->text.n, .count = count, .n = (uint32_t)n };
    strbuf_add(&w->text, s, n);
    return w->n++;
}

void bpetrain_words_clear(struct bpetrain_words *w)
{
    free(w->word);
    free(w->slot);
    strbuf_clear(&w->text);
    *w = (struct bpetrain_words){ 0 };
}
