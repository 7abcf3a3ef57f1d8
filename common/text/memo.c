/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/memo.h"

void memo_init(struct memo *m)
{
    m->slot = xaligned(MEMO_SLOTS, sizeof *m->slot);
    memset(m->slot, 0, MEMO_SLOTS * sizeof *m->slot);
}

void memo_clear(struct memo *m)
{
    free(m->slot);
    m->slot = NULL;
}

void memo_keep(struct memo *m, uint64_t hash, const char *s, size_t n, const struct tokens *out, size_t first)
{
    size_t n_token = out->n - first;
    if (n_token > MEMO_TOKENS)
        return;
    struct memo_slot *slot = memo_slot(m, hash);
    slot->tag = (uint32_t)(hash >> 32);
    slot->n_bytes = (unsigned char)n;
    slot->n_token = (unsigned char)n_token;
    memcpy(slot->key, s, n);
    uint32_t start = 0;
    for (size_t i = 0; i < n_token; i++) {
        slot->token[i] = out->id[first + i] | (out->end[first + i] - start) << 24;
        start = out->end[first + i];
    }
}
