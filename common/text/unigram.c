/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/unigram.h"
#include "base/utf8.h"
#include <math.h>
#include <stdio.h>

static const double UNKNOWN_PENALTY = 10;

/* The best way to the end of a byte: its score, and its last token. */
struct node {
    double score;
    int32_t id, start; /* start -1: no way yet */
};

struct unigram_work {
    struct node *node;
    uint32_t *cut; /* where tokens end, from the last to the first */
    size_t room, cut_room;
};

struct unigram_work *unigram_work_new(void)
{
    return xcalloc(1, sizeof(struct unigram_work));
}

void unigram_work_free(struct unigram_work *w)
{
    if (!w)
        return;
    free(w->node);
    free(w->cut);
    free(w);
}

void unigram_init(struct unigram *m, const struct vocab *vocab, const double *score)
{
    *m = (struct unigram){ .vocab = vocab, .score = score, .unknown = -1 };
    double worst = INFINITY;
    int32_t *id = xnew(vocab->n_id, sizeof *id);
    for (size_t i = 0; i < vocab->n_id; i++) {
        id[i] = (int32_t)i;
        worst = fmin(worst, score[i]);
    }
    m->unknown_score = worst - UNKNOWN_PENALTY;
    trie_build(&m->trie, vocab->token, id, vocab->n_id);
    free(id);
    for (int i = 0; i < 256; i++) {
        char text[8];
        size_t n = (size_t)snprintf(text, sizeof text, "<0x%02X>", (unsigned)i);
        m->byte_fallback[i] = vocab_find(vocab, text, n);
    }
}

void unigram_clear(struct unigram *m)
{
    trie_clear(&m->trie);
    *m = (struct unigram){ 0 };
}

static void offer(struct node *to, double score, int32_t id, size_t start)
{
    if (to->start < 0 || score > to->score)
        *to = (struct node){ score, id, (int32_t)start };
}

/* Fills w->node: the best way to each byte that ends a character. */
static int find_ways(const struct unigram *m, struct unigram_work *w, const char *s, size_t n)
{
    xgrow(&w->node, &w->room, n + 1, sizeof *w->node);
    for (size_t i = 0; i <= n; i++)
        w->node[i] = (struct node){ 0, -1, -1 };
    size_t bytes;
    for (size_t i = 0; i < n; i += bytes) {
        double score = w->node[i].score;
        int known = 0;
        uint32_t at = TRIE_ROOT;
        utf8_decode(s + i, &bytes);
        for (size_t k = i; k < n && (at = trie_child(&m->trie, at, (unsigned char)s[k])) != TRIE_NONE; k++) {
            int32_t id = m->trie.unit[at].value;
            if (id < 0)
                continue;
            offer(&w->node[k + 1], score + m->score[id], id, i);
            known |= k + 1 == i + bytes;
        }
        if (known)
            continue;
        struct node *next = &w->node[i + bytes];
        if (m->unknown < 0 && (next->start < 0 || score + m->unknown_score > next->score))
            return -1;
        offer(next, score + m->unknown_score, m->unknown, i);
    }
    return 0;
}

/* The token of s[0..n-1], a step of the best way; or its bytes; or the unknown token. */
static void add_token(const struct unigram *m, const char *s, size_t n, uint32_t end, struct tokens *out)
{
    int32_t id = vocab_find(m->vocab, s, n);
    int fallback = id < 0 && m->has_fallback;
    for (size_t i = 0; i < n && fallback; i++)
        fallback = m->byte_fallback[(unsigned char)s[i]] >= 0;
    for (size_t i = 0; i < n && fallback; i++)
        tokens_add(out, (uint32_t)m->byte_fallback[(unsigned char)s[i]], end - (uint32_t)(n - 1 - i));
    if (!fallback)
        tokens_add(out, (uint32_t)(id >= 0 ? id : m->unknown), end);
}

int unigram_encode(const struct unigram *m, struct unigram_work *w, const char *s, size_t n,
                   struct tokens *out)
{
    if (find_ways(m, w, s, n) < 0)
        return -1;
    size_t n_cut = 0;
    int after_unknown = 0;
    for (size_t end = n; end > 0; end = (size_t)w->node[end].start) {
        int unknown = m->unknown >= 0 && w->node[end].id == m->unknown;
        xgrow(&w->cut, &w->cut_room, n_cut + 1, sizeof *w->cut);
        if (!(unknown && after_unknown)) /* else this joins the unknown token behind it */
            w->cut[n_cut++] = (uint32_t)end;
        after_unknown = unknown;
    }
    size_t start = 0;
    while (n_cut) {
        size_t end = w->cut[--n_cut];
        add_token(m, s + start, end - start, (uint32_t)end, out);
        start = end;
    }
    return 0;
}
