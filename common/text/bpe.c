/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/bpe.h"
#include "base/utf8.h"
#include "text/bytelevel.h"
#include "text/hash.h"
#include <stdio.h>

enum { SHORT_WORD = 64 };
static const uint32_t NONE = UINT32_MAX;
static const uint64_t EMPTY = UINT64_MAX;

/* Part of a piece: a token so far. In a long piece they are linked, as merging moves nothing then. */
struct symbol {
    uint32_t id, n_bytes; /* n_bytes 0: merged into the one before it */
    int32_t prev, next;
};

/* A merge that may be due at a symbol. */
struct due {
    uint32_t rank, at;
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

static void empty_pairs(struct bpe *m, size_t n_slot)
{
    m->mask = n_slot - 1;
    m->filter_mask = n_slot / 16 - 1;
    m->n_pair = 0;
    m->pair = xaligned(n_slot, sizeof *m->pair);
    m->filter = xaligned(n_slot / 16, sizeof *m->filter);
    memset(m->pair, 0xff, n_slot * sizeof *m->pair);
    memset(m->filter, 0, n_slot / 16 * sizeof *m->filter);
}

void bpe_init(struct bpe *m, const struct vocab *vocab)
{
    *m = (struct bpe){ .vocab = vocab, .unknown = -1 };
    empty_pairs(m, 1024);
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
    free(m->pair);
    free(m->merged);
    free(m->filter);
    strbuf_clear(&m->prefix);
    strbuf_clear(&m->suffix);
    *m = (struct bpe){ 0 };
}

/* The slot of a pair, or the empty one where it belongs. */
static inline uint64_t *find_slot(const struct bpe *m, uint64_t hash, uint64_t key)
{
    for (size_t i = hash & m->mask;; i = (i + 1) & m->mask)
        if (m->pair[i] >> 24 == key || m->pair[i] == EMPTY)
            return &m->pair[i];
}

static inline uint64_t *filter_word(const struct bpe *m, uint64_t hash)
{
    return &m->filter[(hash >> 38) & m->filter_mask];
}

/* The rank of a pair's merge, or NONE. */
static inline uint32_t find_rank(const struct bpe *m, uint32_t left, uint32_t right)
{
    uint64_t key = (uint64_t)left << 20 | right, hash = hash_word(key);
    if (!(*filter_word(m, hash) >> (hash >> 32 & 63) & 1))
        return NONE;
    uint64_t slot = *find_slot(m, hash, key);
    return slot == EMPTY ? NONE : slot & BPE_MAX_MERGE;
}

static void put_pair(struct bpe *m, uint64_t pair)
{
    uint64_t hash = hash_word(pair >> 24), *slot = find_slot(m, hash, pair >> 24);
    m->n_pair += *slot == EMPTY;
    *slot = pair;
    *filter_word(m, hash) |= (uint64_t)1 << (hash >> 32 & 63);
}

static void grow_pairs(struct bpe *m)
{
    struct bpe old = *m;
    empty_pairs(m, (old.mask + 1) * 2);
    for (size_t i = 0; i <= old.mask; i++)
        if (old.pair[i] != EMPTY)
            put_pair(m, old.pair[i]);
    free(old.pair);
    free(old.filter);
}

/* The id of the token that a merge makes: most often the one behind that of the merge before it, for so they
 * were learnt, and to look there first is faster. */
static int32_t find_merged(const struct bpe *m, const char *s, size_t n)
{
    size_t guess = m->n_merge ? m->merged[m->n_merge - 1] + (size_t)1 : m->vocab->n_id;
    const struct vocab_token *t = guess < m->vocab->n_id ? &m->vocab->token[guess] : NULL;
    return t && t->s && t->n == n && !memcmp(t->s, s, n) ? (int32_t)guess : vocab_find(m->vocab, s, n);
}

static int is_blank(const char *s)
{
    return !memcmp(s, BPE_BLANK, 3);
}

/* The token `left`, which ends in this byte, can be joined with a blank behind it; one that stands for
 * unknown characters or for a byte can be any text's. */
static void note_blank_joined(struct bpe *m, int32_t left, unsigned char last)
{
    int any = left == m->unknown;
    for (int i = 0; i < 256; i++)
        any |= m->has_fallback && m->byte_fallback[i] == left;
    if (any)
        memset(m->joins_blank, 1, sizeof m->joins_blank);
    m->joins_blank[last] = 1;
}

int bpe_can_cut_at_blanks(const struct bpe *m)
{
    int whole_fallback = m->has_fallback;
    for (int i = 0; i < 256 && whole_fallback; i++)
        whole_fallback = m->byte_fallback[i] >= 0;
    return (m->unknown >= 0 || whole_fallback) && !m->ignore_merges && !m->prefix.n && !m->suffix.n &&
           vocab_find(m->vocab, BPE_BLANK, 3) >= 0;
}

int bpe_add_merge(struct bpe *m, const char *left, size_t n_left, const char *right, size_t n_right)
{
    int32_t l = vocab_find(m->vocab, left, n_left), r = vocab_find(m->vocab, right, n_right);
    if (l < 0 || r < 0 || n_right < m->prefix.n)
        return -1;
    if (m->n_merge > BPE_MAX_MERGE)
        return -2;
    char small[256], *joined = small;
    size_t n_joined = n_left + n_right - m->prefix.n;
    if (n_joined > sizeof small)
        joined = xmalloc(n_joined);
    memcpy(joined, left, n_left);
    memcpy(joined + n_left, right + m->prefix.n, n_right - m->prefix.n);
    int32_t id = find_merged(m, joined, n_joined);
    if (joined != small)
        free(joined);
    if (id < 0)
        return -1;
    if (n_right >= 3 && is_blank(right) && n_left && !(n_left >= 3 && is_blank(left + n_left - 3)))
        note_blank_joined(m, l, (unsigned char)left[n_left - 1]);
    if ((m->n_pair + 1) * 2 > m->mask + 1)
        grow_pairs(m);
    put_pair(m, (uint64_t)l << 44 | (uint64_t)r << 24 | m->n_merge);
    xgrow(&m->merged, &m->merge_room, m->n_merge + 1, sizeof *m->merged);
    m->merged[m->n_merge++] = (uint32_t)id;
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

static uint32_t due_key(uint32_t rank, size_t at)
{
    return rank == NONE ? NONE : rank * SHORT_WORD + (uint32_t)at;
}

static uint64_t bit(size_t i)
{
    return (uint64_t)1 << (i & 63);
}

/* The bit set next above, or below, bit i; 64 if there is none. */
static size_t next_bit(uint64_t bits, size_t i)
{
    bits &= ~(bit(i) | (bit(i) - 1));
    return bits ? (size_t)__builtin_ctzll(bits) : 64;
}

static size_t prev_bit(uint64_t bits, size_t i)
{
    bits &= bit(i) - 1;
    return bits ? 63 - (size_t)__builtin_clzll(bits) : 64;
}

/* A short piece. Nothing moves: a bit of `live` is a symbol that is not merged into one before it, and due[i]
 * is the rank of the pair that starts at symbol i with i below it, so that the smallest is the best and
 * leftmost. */
static void merge_short(const struct bpe *m, struct bpe_work *w)
{
    struct symbol *sym = w->symbol;
    size_t n = w->n;
    uint64_t live = n < 64 ? bit(n) - 1 : UINT64_MAX;
    uint32_t due[SHORT_WORD];
    for (size_t i = 0; i + 1 < n; i++)
        due[i] = due_key(find_rank(m, sym[i].id, sym[i + 1].id), i);
    due[n - 1] = NONE;
    for (;;) {
        uint32_t best = due[0];
        for (size_t i = 1; i + 1 < n; i++)
            best = due[i] < best ? due[i] : best;
        if (best == NONE)
            break;
        size_t at = best % SHORT_WORD, next = next_bit(live, at);
        sym[at].id = m->merged[best / SHORT_WORD];
        sym[at].n_bytes += sym[next].n_bytes;
        live &= ~bit(next);
        due[next] = due[at] = NONE;
        size_t behind = next_bit(live, at), before = prev_bit(live, at);
        if (behind < 64)
            due[at] = due_key(find_rank(m, sym[at].id, sym[behind].id), at);
        if (before < 64)
            due[before] = due_key(find_rank(m, sym[before].id, sym[at].id), before);
    }
    w->n = 0;
    for (; live; live &= live - 1)
        sym[w->n++] = sym[__builtin_ctzll(live)];
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
    uint32_t rank = find_rank(m, w->symbol[left].id, w->symbol[right].id);
    if (rank != NONE)
        heap_push(w, (struct due){ rank, (uint32_t)left });
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
        if (find_rank(m, left->id, right->id) != d.rank)
            continue;
        left->id = m->merged[d.rank];
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
        end = end < n ? end : (uint32_t)n; /* bytes of a prefix or suffix may have become tokens too */
        out->id[out->n] = w->symbol[i].id;
        out->end[out->n++] = end;
    }
}
