/* All words lie one behind the other in `symbol`, one entry a byte: a symbol's first and last entry hold it,
 * those between hold NONE, as do the entries around each word. So both neighbours of a symbol are found in
 * one step. Each pair has a list of the places where it may occur, falling behind as neighbours merge: a
 * place is looked at before it is believed. A pair gets places only in the merge that makes the younger of
 * its symbols, so that lists are written once, rising.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/bpetrain.h"
#include "base/mem.h"
#include "text/bytelevel.h"
#include "text/hash.h"

enum { AHEAD = 16 }; /* places fetched into the cache before their turn */
static const uint32_t NONE = UINT32_MAX;

struct pair {
    uint32_t left, right;
    uint64_t count;
    uint32_t *place; /* [n_place] of the left symbol's first byte, rising */
    uint32_t n_place;
};

/* Words of the same count lie together, so a place's count is found in a short table. */
struct range {
    uint32_t end; /* place behind the last word */
    uint64_t count;
};

/* What a merge changes, by the neighbour on one side. */
struct tally {
    uint64_t *count;   /* [n_symbol] */
    uint32_t *n_place; /* [n_symbol] */
    uint32_t *seen;    /* [n_seen] symbols with places */
    size_t n_seen;
};

struct entry {
    uint64_t count;
    uint32_t left, right, pair;
};

struct bpetrain {
    struct bpetrain_options o;
    const struct bpetrain_words *words;
    uint32_t *start;  /* [words->n] place of each word; 0: it is one byte */
    uint32_t *symbol; /* [n_place] */
    size_t n_place;
    uint32_t *length; /* [n_symbol] bytes */
    size_t n_symbol, n_merged;
    struct range *range; /* [n_range] */
    size_t n_range, range_room;
    struct pair *pair; /* [n_pair] */
    size_t n_pair, pair_room;
    uint32_t *slot; /* open addressing: index of a pair + 1; 0 is empty */
    size_t n_slot;
    struct entry *heap; /* [n_heap] */
    size_t n_heap, heap_room;
    struct tally before, behind;
    uint32_t **next; /* [n_symbol] where a list goes on being written */
};

void bpetrain_bytes(unsigned char byte[BPETRAIN_BYTES])
{
    for (uint32_t letter = 0, n = 0; n < BPETRAIN_BYTES; letter++)
        if (bytelevel_byte(letter) >= 0)
            byte[n++] = (unsigned char)bytelevel_byte(letter);
}

/* ---- the queue: the pair to merge next is on top */

static int comes_before(const struct entry *a, const struct entry *b)
{
    if (a->count != b->count)
        return a->count > b->count;
    return a->left != b->left ? a->left < b->left : a->right < b->right;
}

static void sift_down(struct bpetrain *t, struct entry e)
{
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < t->n_heap; i = child) {
        if (child + 1 < t->n_heap && comes_before(&t->heap[child + 1], &t->heap[child]))
            child++;
        if (!comes_before(&t->heap[child], &e))
            break;
        t->heap[i] = t->heap[child];
    }
    t->heap[i] = e;
}

static void enqueue(struct bpetrain *t, uint32_t pair)
{
    const struct pair *p = &t->pair[pair];
    struct entry e = { p->count, p->left, p->right, pair };
    xgrow(&t->heap, &t->heap_room, t->n_heap + 1, sizeof *t->heap);
    size_t i = t->n_heap++;
    for (; i && comes_before(&e, &t->heap[(i - 1) / 2]); i = (i - 1) / 2)
        t->heap[i] = t->heap[(i - 1) / 2];
    t->heap[i] = e;
}

static void drop_top(struct bpetrain *t)
{
    struct entry last = t->heap[--t->n_heap];
    if (t->n_heap)
        sift_down(t, last);
}

/* ---- pairs */

static size_t slot_of(const struct bpetrain *t, uint32_t left, uint32_t right)
{
    size_t at = hash_word((uint64_t)left << 32 | right) & (t->n_slot - 1);
    for (; t->slot[at]; at = (at + 1) & (t->n_slot - 1)) {
        const struct pair *p = &t->pair[t->slot[at] - 1];
        if (p->left == left && p->right == right)
            break;
    }
    return at;
}

static void grow_slots(struct bpetrain *t)
{
    free(t->slot);
    t->n_slot = t->n_slot ? 2 * t->n_slot : 1024;
    t->slot = xcalloc(t->n_slot, sizeof *t->slot);
    for (size_t i = 0; i < t->n_pair; i++)
        t->slot[slot_of(t, t->pair[i].left, t->pair[i].right)] = (uint32_t)i + 1;
}

/* A new pair with room for its places, which are yet to be written; returns that room. NULL, and no such
 * pair, when it will never be merged. */
static uint32_t *add_pair(struct bpetrain *t, uint32_t left, uint32_t right, uint64_t count, uint32_t n_place)
{
    if (count < t->o.min_count || (size_t)t->length[left] + t->length[right] > t->o.max_token_bytes)
        return NULL;
    if (t->n_slot < 2 * (t->n_pair + 1))
        grow_slots(t);
    xgrow(&t->pair, &t->pair_room, t->n_pair + 1, sizeof *t->pair);
    uint32_t *place = xnew(n_place, sizeof *place);
    t->pair[t->n_pair++] = (struct pair){ left, right, count, place, n_place };
    t->slot[slot_of(t, left, right)] = (uint32_t)t->n_pair;
    enqueue(t, (uint32_t)t->n_pair - 1);
    return place;
}

static void forget_places(struct pair *p)
{
    free(p->place);
    p->place = NULL;
    p->n_place = 0;
}

static void lessen(struct bpetrain *t, uint32_t left, uint32_t right, uint64_t count)
{
    uint32_t index = t->slot[slot_of(t, left, right)];
    if (!index)
        return;
    struct pair *p = &t->pair[index - 1];
    p->count -= count;
    if (p->count < t->o.min_count)
        forget_places(p);
}

/* ---- tallies */

static void tally_init(struct tally *y, size_t n_symbol)
{
    y->count = xcalloc(n_symbol, sizeof *y->count);
    y->n_place = xcalloc(n_symbol, sizeof *y->n_place);
    y->seen = xnew(n_symbol, sizeof *y->seen);
}

static void tally_clear(struct tally *y)
{
    free(y->count);
    free(y->n_place);
    free(y->seen);
}

static inline void tally_add(struct tally *y, uint32_t symbol, uint64_t count)
{
    if (!y->n_place[symbol]++)
        y->seen[y->n_seen++] = symbol;
    y->count[symbol] += count;
}

static void tally_empty(struct tally *y)
{
    for (size_t i = 0; i < y->n_seen; i++)
        y->count[y->seen[i]] = y->n_place[y->seen[i]] = 0;
    y->n_seen = 0;
}

/* ---- one merge */

/* The range that a place is in, which is r or one behind it. */
static inline const struct range *range_at(const struct bpetrain *t, const struct range *r, uint32_t place)
{
    if (place < r->end)
        return r;
    const struct range *low = r + 1, *high = t->range + t->n_range - 1;
    while (low < high) { /* the first one that ends behind the place is among low..high */
        const struct range *middle = low + (high - low) / 2;
        if (place < middle->end)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Joins the pair wherever it still is, from the left; leaves those places in its list and tallies the
 * neighbours whose pairs with its symbols are gone. */
static void join(struct bpetrain *t, struct pair *p, uint32_t made)
{
    uint32_t *symbol = t->symbol, n_left = t->length[p->left], n = t->length[made], n_found = 0;
    const struct range *range = t->range;
    for (uint32_t i = 0; i < p->n_place; i++) {
        if (i + AHEAD < p->n_place)
            __builtin_prefetch(&symbol[p->place[i + AHEAD]], 1);
        uint32_t at = p->place[i];
        if (symbol[at] != p->left || symbol[at + n_left] != p->right)
            continue;
        range = range_at(t, range, at);
        uint32_t before = symbol[at - 1], behind = symbol[at + n];
        if (before != NONE && before != made)
            tally_add(&t->before, before, range->count);
        if (behind != NONE)
            tally_add(&t->behind, behind, range->count);
        symbol[at + n_left - 1] = symbol[at + n_left] = NONE;
        symbol[at] = symbol[at + n - 1] = made;
        p->place[n_found++] = at;
    }
    p->n_place = n_found;
    for (size_t i = 0; i < t->before.n_seen; i++)
        lessen(t, t->before.seen[i], p->left, t->before.count[t->before.seen[i]]);
    for (size_t i = 0; i < t->behind.n_seen; i++)
        lessen(t, p->right, t->behind.seen[i], t->behind.count[t->behind.seen[i]]);
    tally_empty(&t->before);
    tally_empty(&t->behind);
}

/* Counts and lists the pairs that the new symbol is in now. A neighbour in front that is the new symbol too
 * has counted the pair from its own place. */
static void add_pairs(struct bpetrain *t, const uint32_t *place, uint32_t n_place, uint32_t made)
{
    const uint32_t *symbol = t->symbol, n = t->length[made];
    const struct range *range = t->range;
    for (uint32_t i = 0; i < n_place; i++) {
        if (i + AHEAD < n_place)
            __builtin_prefetch(&symbol[place[i + AHEAD]]);
        uint32_t before = symbol[place[i] - 1], behind = symbol[place[i] + n];
        range = range_at(t, range, place[i]);
        if (before != NONE && before != made)
            tally_add(&t->before, before, range->count);
        if (behind != NONE)
            tally_add(&t->behind, behind, range->count);
    }
    for (size_t i = 0; i < t->before.n_seen; i++) {
        uint32_t s = t->before.seen[i];
        t->next[s] = add_pair(t, s, made, t->before.count[s], t->before.n_place[s]);
    }
    for (uint32_t i = 0; i < n_place; i++) {
        uint32_t before = symbol[place[i] - 1];
        if (before != NONE && before != made && t->next[before])
            *t->next[before]++ = place[i] - t->length[before];
    }
    for (size_t i = 0; i < t->behind.n_seen; i++) {
        uint32_t s = t->behind.seen[i];
        t->next[s] = add_pair(t, made, s, t->behind.count[s], t->behind.n_place[s]);
    }
    for (uint32_t i = 0; i < n_place; i++) {
        uint32_t behind = symbol[place[i] + n];
        if (behind != NONE && t->next[behind])
            *t->next[behind]++ = place[i];
    }
    tally_empty(&t->before);
    tally_empty(&t->behind);
}

static void merge(struct bpetrain *t, uint32_t index)
{
    struct pair p = t->pair[index];
    uint32_t made = BPETRAIN_BYTES + (uint32_t)t->n_merged++;
    t->length[made] = t->length[p.left] + t->length[p.right];
    t->pair[index].place = NULL; /* p owns them now */
    t->pair[index].n_place = 0;
    join(t, &p, made);
    add_pairs(t, p.place, p.n_place, made);
    free(p.place);
    t->pair[index].count = 0;
}

int bpetrain_next(struct bpetrain *t, struct bpetrain_merge *m)
{
    while (t->n_heap && t->n_merged < t->o.n_merge) {
        struct entry top = t->heap[0];
        uint64_t count = t->pair[top.pair].count;
        if (count < t->o.min_count) {
            drop_top(t);
        } else if (count < top.count) { /* counts only fall */
            top.count = count;
            sift_down(t, top);
        } else {
            drop_top(t);
            merge(t, top.pair);
            *m = (struct bpetrain_merge){ top.left, top.right, count };
            return 1;
        }
    }
    return 0;
}

/* ---- the start */

static int more_frequent(const void *a, const void *b)
{
    const struct bpetrain_word *v = *(const struct bpetrain_word *const *)a;
    const struct bpetrain_word *w = *(const struct bpetrain_word *const *)b;
    if (v->count != w->count)
        return v->count > w->count ? -1 : 1;
    return (v->at > w->at) - (v->at < w->at);
}

/* Lays the words out, the most frequent ones first. */
static void lay_out(struct bpetrain *t, size_t n_long)
{
    const struct bpetrain_words *w = t->words;
    const struct bpetrain_word **word = xnew(n_long, sizeof *word);
    unsigned char byte[BPETRAIN_BYTES];
    uint32_t symbol_of[BPETRAIN_BYTES], at = 0;
    size_t n = 0;
    bpetrain_bytes(byte);
    for (uint32_t i = 0; i < BPETRAIN_BYTES; i++)
        symbol_of[byte[i]] = i;
    for (size_t i = 0; i < w->n; i++)
        if (w->word[i].n > 1)
            word[n++] = &w->word[i];
    qsort(word, n, sizeof *word, more_frequent);
    t->symbol[at++] = NONE;
    for (size_t i = 0; i < n; i++) {
        t->start[word[i] - w->word] = at;
        const unsigned char *s = (const unsigned char *)w->text.s + word[i]->at;
        for (uint32_t k = 0; k < word[i]->n; k++)
            t->symbol[at++] = symbol_of[s[k]];
        t->symbol[at++] = NONE;
        if (i + 1 < n && word[i + 1]->count == word[i]->count)
            continue;
        xgrow(&t->range, &t->range_room, t->n_range + 1, sizeof *t->range);
        t->range[t->n_range++] = (struct range){ at, word[i]->count };
    }
    free(word);
}

/* Counts and lists the pairs of bytes. */
static void add_byte_pairs(struct bpetrain *t)
{
    enum { N = BPETRAIN_BYTES * BPETRAIN_BYTES };
    uint64_t *count = xcalloc(N, sizeof *count);
    uint32_t *n_place = xcalloc(N, sizeof *n_place), **next = xcalloc(N, sizeof *next);
    const struct range *range = t->range;
    for (uint32_t i = 0; i + 1 < t->n_place; i++) {
        if (t->symbol[i] == NONE || t->symbol[i + 1] == NONE)
            continue;
        size_t pair = (size_t)t->symbol[i] * BPETRAIN_BYTES + t->symbol[i + 1];
        range = range_at(t, range, i);
        count[pair] += range->count;
        n_place[pair]++;
    }
    for (uint32_t i = 0; i < N; i++)
        if (n_place[i])
            next[i] = add_pair(t, i / BPETRAIN_BYTES, i % BPETRAIN_BYTES, count[i], n_place[i]);
    for (uint32_t i = 0; i + 1 < t->n_place; i++) {
        if (t->symbol[i] == NONE || t->symbol[i + 1] == NONE)
            continue;
        size_t pair = (size_t)t->symbol[i] * BPETRAIN_BYTES + t->symbol[i + 1];
        if (next[pair])
            *next[pair]++ = i;
    }
    free(count);
    free(n_place);
    free(next);
}

struct bpetrain *bpetrain_new(const struct bpetrain_words *words, const struct bpetrain_options *o)
{
    size_t n_place = 1, n_long = 0;
    for (size_t i = 0; i < words->n; i++)
        if (words->word[i].n > 1) {
            n_place += words->word[i].n + (size_t)1;
            n_long++;
        }
    if (n_place >= UINT32_MAX)
        return NULL;
    struct bpetrain *t = xcalloc(1, sizeof *t);
    t->o = *o;
    t->words = words;
    t->n_place = n_place;
    t->n_symbol = BPETRAIN_BYTES + o->n_merge;
    t->start = xcalloc(words->n, sizeof *t->start);
    t->symbol = xnew(n_place, sizeof *t->symbol);
    t->length = xnew(t->n_symbol, sizeof *t->length);
    t->next = xcalloc(t->n_symbol, sizeof(uint32_t *));
    for (size_t i = 0; i < BPETRAIN_BYTES; i++)
        t->length[i] = 1;
    tally_init(&t->before, t->n_symbol);
    tally_init(&t->behind, t->n_symbol);
    grow_slots(t);
    lay_out(t, n_long);
    add_byte_pairs(t);
    return t;
}

void bpetrain_free(struct bpetrain *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_pair; i++)
        free(t->pair[i].place);
    tally_clear(&t->before);
    tally_clear(&t->behind);
    free(t->start);
    free(t->symbol);
    free(t->length);
    free(t->range);
    free(t->pair);
    free(t->slot);
    free(t->heap);
    free(t->next);
    free(t);
}

size_t bpetrain_n_symbol(const struct bpetrain *t, size_t i)
{
    if (!t->start[i])
        return t->words->word[i].n;
    size_t n = 0;
    for (uint32_t at = t->start[i]; t->symbol[at] != NONE; at += t->length[t->symbol[at]])
        n++;
    return n;
}
