/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/pretok.h"
#include "base/utf8.h"
#include "text/bytelevel.h"
#include "text/uchars.h"

void pretok_clear(struct pretok *p)
{
    regex_free(p->regex);
    free(p->text);
    *p = (struct pretok){ 0 };
}

void pretok_work_clear(struct pretok_work *w)
{
    regex_work_free(w->regex);
    gptsplit_work_clear(&w->gptsplit);
    free(w->piece);
    free(w->spare);
    mbuf_clear(&w->buffer[0]);
    mbuf_clear(&w->buffer[1]);
    *w = (struct pretok_work){ 0 };
}

static void add_piece(struct pretok_work *w, size_t start, size_t end)
{
    xgrow(&w->spare, &w->spare_room, w->n_spare + 1, sizeof *w->spare);
    w->spare[w->n_spare++] = (struct pretok_piece){ (uint32_t)start, (uint32_t)end };
}

/* ---- cutting at matches */

/* Takes matches and the stretches between them, from the left, and makes pieces of them. */
struct cutter {
    struct pretok_work *w;
    enum pretok_behaviour behaviour;
    int invert, last_was_match;
    size_t first;                /* piece of this text */
    size_t match_start, at_hand; /* MERGED_WITH_NEXT: a match that waits for what follows */
};

static void cut(struct cutter *c, size_t start, size_t end, int match)
{
    struct pretok_work *w = c->w;
    match ^= c->invert;
    int join = 0;
    switch (c->behaviour) {
    case PRETOK_REMOVED:
        if (match)
            return;
        break;
    case PRETOK_ISOLATED:
        break;
    case PRETOK_CONTIGUOUS:
        join = match == c->last_was_match;
        break;
    case PRETOK_MERGED_WITH_PREVIOUS:
        join = match && !c->last_was_match;
        break;
    case PRETOK_MERGED_WITH_NEXT:
        join = !match && c->last_was_match;
        break;
    }
    c->last_was_match = match;
    if (join && w->n_spare > c->first)
        w->spare[w->n_spare - 1].end = (uint32_t)end;
    else
        add_piece(w, start, end);
}

/* Cuts s[0..n-1], whose first byte is byte `base` of the text, at each occurrence of the step's text. */
static void cut_text(const struct pretok *p, struct cutter *c, const char *s, size_t n, size_t base)
{
    size_t done = 0;
    const char *at;
    while (done < n && p->n_text && (at = memmem(s + done, n - done, p->text, p->n_text))) {
        size_t start = (size_t)(at - s);
        if (done < start)
            cut(c, base + done, base + start, 0);
        done = start + p->n_text;
        cut(c, base + start, base + done, 1);
    }
    if (done < n)
        cut(c, base + done, base + n, 0);
}

/* The same at the matches of its regex. */
static int cut_matches(const struct pretok *p, struct cutter *c, const char *s, size_t n, size_t base)
{
    struct regex_matches m = regex_matches(p->regex, c->w->regex, s, n);
    size_t done = 0, start, end;
    int got;
    while ((got = regex_next(&m, &start, &end)) > 0) {
        if (done < start)
            cut(c, base + done, base + start, 0);
        cut(c, base + start, base + end, 1);
        done = end;
    }
    if (done < n)
        cut(c, base + done, base + n, 0);
    return got;
}

/* The same when the pattern is a well-known one and matches are isolated: matches and what lies between are
 * pieces. */
static void cut_fast(const struct pretok *p, struct pretok_work *w, const char *s, size_t n, size_t base)
{
    size_t done = 0, start, end;
    while (done < n && (end = gptsplit_next(p->fast, &w->gptsplit, s, n, done, &start))) {
        if (done < start)
            add_piece(w, base + done, base + start);
        add_piece(w, base + start, base + end);
        done = end;
    }
    if (done < n)
        add_piece(w, base + done, base + n);
}

static int in_set(const struct pretok *p, uint32_t c)
{
    switch (p->set) {
    case PRETOK_SPACE:
        return uchars_is_space(c);
    case PRETOK_DIGIT:
        return uchars_is_numeric(c);
    case PRETOK_PUNCTUATION:
        return uchars_is_punctuation(c);
    case PRETOK_DELIMITER:
        return c == p->delimiter;
    }
    return 0;
}

/* Cuts at each character of the step's set. */
static void cut_chars(const struct pretok *p, struct cutter *c, const char *s, size_t n, size_t base)
{
    size_t done = 0, bytes;
    for (size_t i = 0; i < n; i += bytes) {
        if (!in_set(p, utf8_decode(s + i, &bytes)))
            continue;
        if (done < i)
            cut(c, base + done, base + i, 0);
        cut(c, base + i, base + i + bytes, 1);
        done = i + bytes;
    }
    if (done < n)
        cut(c, base + done, base + n, 0);
}

static void cut_words(struct pretok_work *w, const char *s, size_t n, size_t base)
{
    enum { BLANK, WORD, OTHER } kind, run = BLANK;
    size_t start = 0, bytes;
    for (size_t i = 0; i < n; i += bytes) {
        uint32_t c = utf8_decode(s + i, &bytes);
        kind = uchars_is_word(c) ? WORD : uchars_is_space(c) ? BLANK : OTHER;
        if (kind == run)
            continue;
        if (run != BLANK)
            add_piece(w, base + start, base + i);
        run = kind;
        start = i;
    }
    if (run != BLANK)
        add_piece(w, base + start, base + n);
}

static void cut_blanks(const struct pretok *p, struct pretok_work *w, const char *s, size_t n, size_t base)
{
    size_t done = 0;
    const char *at = s;
    while ((at = memmem(at, (size_t)(s + n - at), p->text, p->n_text))) {
        if (at > s + done && !p->keep[(unsigned char)at[-1]]) {
            add_piece(w, base + done, base + (size_t)(at - s));
            done = (size_t)(at - s);
        }
        while ((size_t)(s + n - at) >= p->n_text && !memcmp(at, p->text, p->n_text))
            at += p->n_text;
    }
    add_piece(w, base + done, base + n);
}

static int cut_piece(const struct pretok *p, struct pretok_work *w, const char *s, size_t n, size_t base)
{
    struct cutter c = { .w = w, .behaviour = p->behaviour, .invert = p->invert, .first = w->n_spare };
    if (p->fast)
        return cut_fast(p, w, s, n, base), 0;
    if (p->kind == PRETOK_SPLIT && p->regex)
        return cut_matches(p, &c, s, n, base);
    if (p->kind == PRETOK_SPLIT)
        cut_text(p, &c, s, n, base);
    else if (p->kind == PRETOK_CHARS)
        cut_chars(p, &c, s, n, base);
    else if (p->kind == PRETOK_CUT_BLANKS)
        cut_blanks(p, w, s, n, base);
    else
        cut_words(w, s, n, base);
    return 0;
}

/* ---- changing the text */

static void prefix_space(struct mbuf *out, const struct mtext *t)
{
    if (t->s[0] != ' ')
        mbuf_put(out, t, 0, " ", 1);
    mbuf_copy(out, t, 0, t->n);
}

static void spell(struct mbuf *out, const struct mtext *t)
{
    for (size_t i = 0; i < t->n; i++) {
        char text[4];
        mbuf_put(out, t, i, text, utf8_encode(bytelevel_letter((unsigned char)t->s[i]), text));
    }
}

static int starts_with(const char *s, size_t n, const struct pretok *p)
{
    return n >= p->n_text && !memcmp(s, p->text, p->n_text);
}

static void metaspace(const struct pretok *p, struct mbuf *out, const struct mtext *t)
{
    int wanted = p->prepend == PRETOK_ALWAYS || (p->prepend == PRETOK_FIRST && mtext_at(t, 0) == 0);
    if (wanted && t->s[0] != ' ' && !starts_with(t->s, t->n, p))
        mbuf_put(out, t, 0, p->text, p->n_text);
    size_t done = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (t->s[i] != ' ')
            continue;
        mbuf_copy(out, t, done, i);
        mbuf_put(out, t, i, p->text, p->n_text);
        done = i + 1;
    }
    mbuf_copy(out, t, done, t->n);
}

/* A piece starts at each p->text. */
static void cut_metaspace(const struct pretok *p, struct pretok_work *w, const char *s, size_t start,
                          size_t end)
{
    size_t from = start;
    for (size_t i = start; p->split && i < end;) {
        const char *at = memmem(s + i, end - i, p->text, p->n_text);
        if (!at)
            break;
        size_t here = (size_t)(at - s);
        if (here > from)
            add_piece(w, from, here);
        from = here;
        i = here + p->n_text;
    }
    add_piece(w, from, end);
}

/* Writes every piece anew into the buffer that the text is not in. */
static void rewrite(const struct pretok *p, struct pretok_work *w)
{
    struct mbuf *out = &w->buffer[w->text.s == w->buffer[0].s && w->text.s];
    out->n = 0;
    for (size_t i = 0; i < w->n_piece; i++) {
        struct mtext t = mtext_part(&w->text, w->piece[i].start, w->piece[i].end);
        size_t start = out->n;
        if (p->kind == PRETOK_PREFIX_SPACE)
            prefix_space(out, &t);
        else if (p->kind == PRETOK_SPELL)
            spell(out, &t);
        else
            metaspace(p, out, &t);
        add_piece(w, start, out->n);
    }
    w->text = mbuf_text(out, &w->text);
    if (p->kind != PRETOK_METASPACE)
        return;
    size_t n = w->n_spare; /* the pieces of the new text, each to be cut */
    for (size_t i = 0; i < n; i++) {
        struct pretok_piece whole = w->spare[i];
        cut_metaspace(p, w, w->text.s, whole.start, whole.end);
    }
    w->n_spare -= n;
    memmove(w->spare, w->spare + n, w->n_spare * sizeof *w->spare);
}

/* ---- */

static int step(const struct pretok *p, struct pretok_work *w)
{
    w->n_spare = 0;
    if (p->kind == PRETOK_PREFIX_SPACE || p->kind == PRETOK_SPELL || p->kind == PRETOK_METASPACE) {
        rewrite(p, w);
    } else {
        for (size_t i = 0; i < w->n_piece; i++) {
            struct pretok_piece piece = w->piece[i];
            if (cut_piece(p, w, w->text.s + piece.start, piece.end - piece.start, piece.start) < 0)
                return -1;
        }
    }
    struct pretok_piece *piece = w->spare;
    size_t room = w->spare_room;
    w->spare = w->piece;
    w->spare_room = w->room;
    w->piece = piece;
    w->room = room;
    w->n_piece = 0;
    for (size_t i = 0; i < w->n_spare; i++) /* empty matches leave empty pieces */
        if (piece[i].start < piece[i].end)
            piece[w->n_piece++] = piece[i];
    return 0;
}

int pretok_run(const struct pretok *p, size_t n, struct pretok_work *w, const struct mtext *t)
{
    if (!w->regex)
        w->regex = regex_work_new();
    w->text = *t;
    w->n_piece = w->n_spare = 0;
    if (t->n == 0)
        return 0;
    xgrow(&w->piece, &w->room, 1, sizeof *w->piece);
    w->piece[0] = (struct pretok_piece){ 0, (uint32_t)t->n };
    w->n_piece = 1;
    for (size_t i = 0; i < n; i++)
        if (step(&p[i], w) < 0)
            return -1;
    return 0;
}
