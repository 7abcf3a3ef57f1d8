/* trie.h - which of many keys does a text begin with.  Layer: text.
 * A double array (Aoe 1989, IEEE Trans. Software Eng. 15:1066): child c of a node is unit base + c + 1, if
 * that unit's check names the node. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_TRIE_H
#define TEXT_TRIE_H
#include "text/vocab.h"

struct trie_unit {
    uint32_t base, check;
    int32_t value; /* of the key that ends here; -1: none */
};

struct trie {
    struct trie_unit *unit;
    size_t n;
};

enum { TRIE_ROOT = 0, TRIE_NONE = UINT32_MAX >> 1 };

/* Builds the trie of n keys: key[i] (empty ones are left out) has value[i] >= 0; of equal keys the last
 * counts. */
void trie_build(struct trie *t, const struct vocab_token *key, const int32_t *value, size_t n);
void trie_clear(struct trie *t);

/* The child of a node along a byte, or TRIE_NONE. */
static inline uint32_t trie_child(const struct trie *t, uint32_t node, unsigned char byte)
{
    uint32_t child = t->unit[node].base + byte + 1;
    return t->unit[child].check == node ? child : (uint32_t)TRIE_NONE;
}

/* The value of the longest key that s[0..n-1] begins with and its length; -1 if there is none. */
int32_t trie_longest(const struct trie *t, const char *s, size_t n, size_t *length);

#endif
