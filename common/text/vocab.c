/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/vocab.h"
#include "base/mem.h"
#include "text/hash.h"
#include <stdlib.h>

static const uint64_t HASH_HALF = 0xffffffff00000000;

void vocab_init(struct vocab *v, size_t n_expected)
{
    size_t n_slot = 16;
    while (n_slot < n_expected * 2)
        n_slot *= 2;
    *v = (struct vocab){ .slot = xcalloc(n_slot, sizeof *v->slot), .mask = n_slot - 1 };
}

void vocab_clear(struct vocab *v)
{
    free(v->token);
    free(v->slot);
    *v = (struct vocab){ 0 };
}

/* The slot that holds s, or the empty one where it belongs. */
static uint64_t *find_slot(const struct vocab *v, uint64_t hash, const char *s, size_t n)
{
    for (size_t i = hash & v->mask;; i = (i + 1) & v->mask) {
        uint64_t *slot = &v->slot[i];
        if (!*slot)
            return slot;
        if (((*slot ^ hash) & HASH_HALF) == 0) {
            const struct vocab_token *t = &v->token[(uint32_t)*slot - 1];
            if (t->n == n && !memcmp(t->s, s, n))
                return slot;
        }
    }
}

static void grow_slots(struct vocab *v)
{
    size_t n_slot = (v->mask + 1) * 2;
    uint64_t *old = v->slot;
    size_t n_old = v->mask + 1;
    v->slot = xcalloc(n_slot, sizeof *v->slot);
    v->mask = n_slot - 1;
    for (size_t i = 0; i < n_old; i++) {
        if (!old[i])
            continue;
        const struct vocab_token *t = &v->token[(uint32_t)old[i] - 1];
        size_t at = hash_bytes(t->s, t->n) & v->mask;
        while (v->slot[at])
            at = (at + 1) & v->mask;
        v->slot[at] = old[i];
    }
    free(old);
}

int vocab_add_alias(struct vocab *v, const char *s, size_t n, uint32_t id)
{
    if (id > VOCAB_MAX_ID)
        return -2;
    if (id < v->n_id && v->token[id].s)
        return -3;
    if (id >= v->n_id) {
        xgrow(&v->token, &v->id_room, id + (size_t)1, sizeof *v->token);
        memset(v->token + v->n_id, 0, (id + 1 - v->n_id) * sizeof *v->token);
        v->n_id = id + (size_t)1;
    }
    v->token[id] = (struct vocab_token){ s, n };
    return 0;
}

int vocab_add(struct vocab *v, const char *s, size_t n, uint32_t id)
{
    if ((v->n + 1) * 2 > v->mask + 1)
        grow_slots(v);
    uint64_t hash = hash_bytes(s, n);
    uint64_t *slot = find_slot(v, hash, s, n);
    if (*slot)
        return -1;
    int status = vocab_add_alias(v, s, n, id);
    if (status < 0)
        return status;
    *slot = (hash & HASH_HALF) | (id + 1);
    v->n++;
    return 0;
}

int32_t vocab_find(const struct vocab *v, const char *s, size_t n)
{
    return (int32_t)(uint32_t)*find_slot(v, hash_bytes(s, n), s, n) - 1;
}
