/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/bpe.h"
#include "base/utf8.h"
#include "text/bytelevel.h"
#include "text/hash.h"
#include <stdio.h>

enum { SHORT_WORD = 64 };
static const uint32_t NONE = UINT32_MAX;

/* Part of a piece: a token so far. In a long piece they are linked, as merging moves nothing then. */
struct symbol {
    uint32_t id, n_bytes; /* n_bytes 0: merged into the one before it */
    int32_t prev, next;
};

/* A merge that may be due at a symbol. */
struct due {
    uint32_t rank, at, id;
};

struct bpe_work {
    struct symbol *symbol;
    size_t n, room;
    struct due *heap;
    size_t n_heap, heap_room;
    uint32_t unknown;  /* bytes of an unknown stretch that is no symbol yet */
    uint32_t left_out; /* bytes without a token; the next symbol counts them */
    struct strbuf text;
};

struct bpe_work *bpe_work_new(void)
{
    return xcalloc(1, sizeof(struct bpe_work));
}

void bpe_work_free(struct bpe_work *w)
{
    if (!w)
        return;
    free(w->symbol);
    free(w->heap);
    strbuf_clear(&w->text);
    free(w);
}

/* ---- the model */

void bpe_init(struct bpe *m, const struct vocab *vocab, size_t n_merge_expected)
{
    size_t n_slot = 16;
    while (n_slot < n_merge_expected * 2)
        n_slot *= 2;
    *m = (struct bpe){ .vocab = vocab, .unknown = -1, .mask = n_slot - 1 };
    m->merge = xaligned(n_slot, sizeof *m->merge);
    for (size_t i = 0; i < n_slot; i++)
        m->merge[i].left = NONE;
    for (int i = 0; i < 256; i++) {
        char text[8];
        size_t n = utf8_encode(bytelevel_letter((unsigned char)i), text);
        m->byte_letter[i] = vocab_find(vocab, text, n);
        n = (size_t)snprintf(text, sizeof text, "<0x%02X>", (unsigned)i);
        m->byte_fallback[i] = vocab_find(vocab, text, n);
    }
}

void bpe_clear(struct bpe *m)
{
    free(m->merge);
    strbuf_clear(&m->prefix);
    strbuf_clear(&m->suffix);
    *m = (struct bpe){ 0 };
}

/* The slot of a pair, or the empty one where it belongs. */
static inline struct bpe_merge *find_merge(const struct bpe *m, uint32_t left, uint32_t right)
{
    for (size_t i = hash_pair(left, right) & m->mask;; i = (i + 1) & m->mask) {
        struct bpe_merge *slot = &m->merge[i];
        if ((slot->left == left && slot->right == right) || slot->left == NONE)
            return slot;
    }
}

static void grow_merges(struct bpe *m)
{
    struct bpe old = *m;
    m->mask = old.mask * 2 + 1;
    m->merge = xaligned(m->mask + 1, sizeof *m->merge);
    for (size_t i = 0; i <= m->mask; i++)
        m->merge[i].left = NONE;
    for (size_t i = 0; i <= old.mask; i++)
        if (old.merge[i].left != NONE)
            *find_merge(m, old.merge[i].left, old.merge[i].right) = old.merge[i];
    free(old.merge);
}

int bpe_add_merge(struct bpe *m, const char *left, size_t n_left, const char *right, size_t n_right,
                  uint32_t rank)
{
    int32_t l = vocab_find(m->vocab, left, n_left), r = vocab_find(m->vocab, right, n_right);
    if (l < 0 || r < 0 || n_right < m->prefix.n)
        return -1;
    char small[256], *joined = small;
    size_t n_joined = n_left + n_right - m->prefix.n;
    if (n_joined > sizeof small)
        joined = xmalloc(n_joined);
    memcpy(joined, left, n_left);
    memcpy(joined + n_left, right + m->prefix.n, n_right - m->prefix.n);
    int32_t id = vocab_find(m->vocab, joined, n_joined);
    if (joined != small)
        free(joined);
    if (id < 0)
        return -1;
    if ((m->n_merge + 1) * 2 > m->mask + 1)
        grow_merges(m);
    struct bpe_merge *slot = find_merge(m, (uint32_t)l, (uint32_t)r);
    m->n_merge += slot->left == NONE;
    *slot = (struct bpe_merge){ (uint32_t)l, (uint32_t)r, rank, (uint32_t)id };
    return 0;
}

/* ---- the symbols that a piece starts as */

static void add_symbol(struct bpe_work *w, uint32_t id, uint32_t n_bytes)
{
    xgrow(&w->symbol, &w->room, w->n + 1, sizeof *w->symbol);
    w->symbol[w->n++] = (struct symbol){ .id = id, .n_bytes = n_bytes + w->left_out };
    w->left_out = 0;
}

static void flush_unknown(const struct bpe *m, struct bpe_work *w)
{
    if (w->unknown)
        add_symbol(w, (uint32_t)m->unknown, w->unknown);
    w->unknown = 0;
}

static void add_unknown(const struct bpe *m, struct bpe_work *w, uint32_t n_bytes)
{
    if (m->unknown < 0) {
        w->left_out += n_bytes;
        return;
    }
    if (!m->fuse_unknown)
        flush_unknown(m, w);
    w->unknown += n_bytes;
}

/* Bytes in place of a character that the vocabulary lacks, if it has a token for each of them. An unknown
 * stretch before them stays pending and so comes after them, as in the reference. */
static int add_fallback(const struct bpe *m, struct bpe_work *w, const char *s, size_t n)
{
    if (!m->has_fallback)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (m->byte_fallback[(unsigned char)s[i]] < 0)
            return 0;
    for (size_t i = 0; i < n; i++)
        add_symbol(w, (uint32_t)m->byte_fallback[(unsigned char)s[i]], 1);
    return 1;
}

static void split_chars(const struct bpe *m, struct bpe_work *w, const char *s, size_t n)
{
    size_t bytes;
    for (size_t i = 0; i < n; i += bytes) {
        utf8_decode(s + i, &bytes);
        const char *text = s + i;
        size_t n_text = bytes;
        if ((i && m->prefix.n) || (i + bytes == n && m->suffix.n)) {
            w->text.n = 0;
            if (i)
                strbuf_add(&w->text, m->prefix.s, m->prefix.n);
            strbuf_add(&w->text, s + i, bytes);
            if (i + bytes == n)
                strbuf_add(&w->text, m->suffix.s, m->suffix.n);
            text = w->text.s;
            n_text = w->text.n;
        }
        int32_t id = vocab_find(m->vocab, text, n_text);
        if (id >= 0) {
            flush_unknown(m, w);
            add_symbol(w, (uint32_t)id, (uint32_t)bytes);
        } else if (!add_fallback(m, w, text, n_text)) {
            add_unknown(m, w, (uint32_t)bytes);
        }
    }
    flush_unknown(m, w);
}

/* The same for bytes that stand for their letters; without prefix, suffix or fallback, which need the text.
 */
static void split_bytes(const struct bpe *m, struct bpe_work *w, const char *s, size_t n)
{
    xgrow(&w->symbol, &w->room, n, sizeof *w->symbol);
    for (size_t i = 0; i < n; i++) {
        int32_t id = m->byte_letter[(unsigned char)s[i]];
        if (id >= 0) {
            flush_unknown(m, w);
            add_symbol(w, (uint32_t)id, 1);
        } else {
            add_unknown(m, w, 1);
        }
    }
    flush_unknown(m, w);
}

/* ---- merging */

/* A short piece: look for the best pair, merge, close the gap. */
static void merge_short(const struct bpe *m, struct bpe_work *w)
{
    struct symbol *sym = w->symbol;
    size_t n = w->n;
    uint32_t rank[SHORT_WORD], id[SHORT_WORD]; /* of the pair (i, i + 1) */
    for (size_t i = 0; i + 1 < n; i++) {
        const struct bpe_merge *pair = find_merge(m, sym[i].id, sym[i + 1].id);
        rank[i] = pair->left == NONE ? NONE : pair->rank;
        id[i] = pair->id;
    }
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (rank[i] < rank[best])
                best = i;
        if (rank[best] == NONE)
            break;
        sym[best].id = id[best];
        sym[best].n_bytes += sym[best + 1].n_bytes;
        n--;
        for (size_t i = best + 1; i < n; i++) {
            sym[i] = sym[i + 1];
            rank[i - 1] = rank[i];
            id[i - 1] = id[i];
        }
        for (size_t i = best ? best - 1 : 0; i <= best && i + 1 < n; i++) {
            const struct bpe_merge *pair = find_merge(m, sym[i].id, sym[i + 1].id);
            rank[i] = pair->left == NONE ? NONE : pair->rank;
            id[i] = pair->id;
        }
    }
    w->n = n;
}

static int due_before(const struct due *a, const struct due *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->at < b->at);
}

static void heap_push(struct bpe_work *w, struct due d)
{
    xgrow(&w->heap, &w->heap_room, w->n_heap + 1, sizeof *w->heap);
    size_t i = w->n_heap++;
    for (; i && due_before(&d, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = d;
}

static struct due heap_pop(struct bpe_work *w)
{
    struct due top = w->heap[0], last = w->heap[--w->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->n_heap; i = child) {
        if (child + 1 < w->n_heap && due_before(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!due_before(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = last;
    return top;
}

static void push_pair(const struct bpe *m, struct bpe_work *w, int32_t left, int32_t right)
{
    if (left < 0 || right < 0)
        return;
    const struct bpe_merge *pair = find_merge(m, w->symbol[left].id, w->symbol[right].id);
    if (pair->left != NONE)
        heap_push(w, (struct due){ pair->rank, (uint32_t)left, pair->id });
}

/* A long piece: a heap of merges, each looked at again when its turn comes, as the pair may be gone by then.
 */
static void merge_long(const struct bpe *m, struct bpe_work *w)
{
    struct symbol *sym = w->symbol;
    w->n_heap = 0;
    for (size_t i = 0; i < w->n; i++) {
        sym[i].prev = (int32_t)i - 1;
        sym[i].next = i + 1 < w->n ? (int32_t)i + 1 : -1;
    }
    for (size_t i = 0; i + 1 < w->n; i++)
        push_pair(m, w, (int32_t)i, (int32_t)i + 1);
    while (w->n_heap) {
        struct due d = heap_pop(w);
        struct symbol *left = &sym[d.at];
        if (left->n_bytes == 0 || left->next < 0)
            continue;
        struct symbol *right = &sym[left->next];
        const struct bpe_merge *pair = find_merge(m, left->id, right->id);
        if (pair->left == NONE || pair->rank != d.rank)
            continue;
        left->id = d.id;
        left->n_bytes += right->n_bytes;
        right->n_bytes = 0;
        left->next = right->next;
        if (left->next >= 0)
            sym[left->next].prev = (int32_t)d.at;
        push_pair(m, w, left->prev, (int32_t)d.at);
        push_pair(m, w, (int32_t)d.at, left->next);
    }
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        if (sym[i].n_bytes)
            sym[n++] = sym[i];
    w->n = n;
}

/* A piece that is a token as it stands. */
static int whole_token(const struct bpe *m, struct bpe_work *w, const char *s, size_t n, int bytes)
{
    w->text.n = 0;
    if (bytes)
        bytelevel_spell(s, n, &w->text);
    return vocab_find(m->vocab, bytes ? w->text.s : s, bytes ? w->text.n : n);
}

void bpe_encode(const struct bpe *m, struct bpe_work *w, const char *s, size_t n, int bytes,
                struct tokens *out)
{
    int32_t whole = m->ignore_merges && n ? whole_token(m, w, s, n, bytes) : -1;
    if (whole >= 0) {
        tokens_add(out, (uint32_t)whole, (uint32_t)n);
        return;
    }
    w->n = w->left_out = 0;
    if (bytes)
        split_bytes(m, w, s, n);
    else
        split_chars(m, w, s, n);
    if (w->n > 1 && w->n <= SHORT_WORD)
        merge_short(m, w);
    else if (w->n > 1)
        merge_long(m, w);
    tokens_reserve(out, w->n);
    uint32_t end = 0;
    for (size_t i = 0; i < w->n; i++) {
        end += w->symbol[i].n_bytes;
        out->id[out->n] = w->symbol[i].id;
        out->end[out->n++] = end;
    }
}
