/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/trie.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

static const uint32_t FREE = UINT32_MAX;

/* A node to be laid out: keys order[from..to-1] share their first `depth` bytes, which lead to it. */
struct todo {
    size_t from, to, depth;
    uint32_t node;
};

struct builder {
    struct trie *t;
    size_t room;
    const struct vocab_token *key;
    size_t *order;
    size_t first_free; /* no unit before it is free, or hardly any */
    struct todo *todo;
    size_t n_todo, todo_room;
};

static int compare(const void *a, const void *b, void *keys)
{
    const struct vocab_token *key = keys, *x = &key[*(const size_t *)a], *y = &key[*(const size_t *)b];
    int order = memcmp(x->s, y->s, x->n < y->n ? x->n : y->n);
    if (order)
        return order;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Every unit that a child of `base` could be exists. */
static void make_room(struct builder *b, size_t base)
{
    size_t need = base + 258;
    if (need <= b->t->n)
        return;
    xgrow(&b->t->unit, &b->room, need, sizeof *b->t->unit);
    for (; b->t->n < need; b->t->n++)
        b->t->unit[b->t->n] = (struct trie_unit){ 0, FREE, -1 };
}

/* A base for which the units of all children are free. */
static uint32_t find_base(struct builder *b, const unsigned char *child, size_t n_child)
{
    while (make_room(b, b->first_free), b->t->unit[b->first_free].check != FREE)
        b->first_free++;
    size_t tried = 0, taken = 0;
    for (size_t at = b->first_free;; at++) {
        make_room(b, at);
        tried++;
        if (b->t->unit[at].check != FREE) {
            taken++;
            continue;
        }
        if (at < child[0] + (size_t)1)
            continue;
        size_t base = at - child[0] - 1, fits = 1;
        for (size_t i = 1; i < n_child && fits; i++)
            fits = b->t->unit[base + child[i] + 1].check == FREE;
        if (!fits)
            continue;
        if (tried > 64 && taken * 20 > tried * 19)
            b->first_free = at; /* what was passed over is as good as full */
        return (uint32_t)base;
    }
}

static void lay_out(struct builder *b, struct todo d)
{
    unsigned char child[256] = { 0 };
    size_t n_child = 0, from = d.from;
    while (from < d.to && b->key[b->order[from]].n == d.depth) /* keys that end here */
        from++;
    if (from == d.to)
        return;
    for (size_t i = from; i < d.to; i++) {
        unsigned char c = (unsigned char)b->key[b->order[i]].s[d.depth];
        if (!n_child || child[n_child - 1] != c)
            child[n_child++] = c;
    }
    uint32_t base = find_base(b, child, n_child);
    b->t->unit[d.node].base = base;
    for (size_t i = from, k = 0; k < n_child; k++) {
        size_t start = i;
        while (i < d.to && (unsigned char)b->key[b->order[i]].s[d.depth] == child[k])
            i++;
        b->t->unit[base + child[k] + 1].check = d.node;
        xgrow(&b->todo, &b->todo_room, b->n_todo + 1, sizeof *b->todo);
        b->todo[b->n_todo++] = (struct todo){ start, i, d.depth + 1, base + child[k] + 1 };
    }
}

void trie_build(struct trie *t, const struct vocab_token *key, const int32_t *value, size_t n)
{
    *t = (struct trie){ 0 };
    struct builder b = { .t = t, .key = key, .order = xnew(n, sizeof *b.order), .first_free = 1 };
    size_t n_key = 0;
    for (size_t i = 0; i < n; i++)
        if (key[i].s && key[i].n)
            b.order[n_key++] = i;
    qsort_r(b.order, n_key, sizeof *b.order, compare, (void *)(uintptr_t)key);
    make_room(&b, 1);
    t->unit[TRIE_ROOT].check = FREE - 1;
    xgrow(&b.todo, &b.todo_room, 1, sizeof *b.todo);
    b.todo[b.n_todo++] = (struct todo){ 0, n_key, 0, TRIE_ROOT };
    while (b.n_todo) {
        struct todo d = b.todo[--b.n_todo];
        for (size_t i = d.from; i < d.to && key[b.order[i]].n == d.depth; i++)
            t->unit[d.node].value = value[b.order[i]];
        lay_out(&b, d);
    }
    free(b.order);
    free(b.todo);
}

void trie_clear(struct trie *t)
{
    free(t->unit);
    *t = (struct trie){ 0 };
}

int32_t trie_longest(const struct trie *t, const char *s, size_t n, size_t *length)
{
    int32_t value = -1;
    uint32_t node = TRIE_ROOT;
    for (size_t i = 0; i < n; i++) {
        node = trie_child(t, node, (unsigned char)s[i]);
        if (node == TRIE_NONE)
            break;
        if (t->unit[node].value >= 0) {
            value = t->unit[node].value;
            *length = i + 1;
        }
    }
    return value;
}
