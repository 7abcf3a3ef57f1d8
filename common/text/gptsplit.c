/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/gptsplit.h"
#include "base/utf8.h"
#include <string.h>

#define QWEN_LIKE(digits)                                                                                    \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits                                     \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define BLOOM_SET "[^(\\s|[.,!?…。，、।۔،])]+"

static const char *const patterns[] = {
    [GPTSPLIT_GPT2] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    [GPTSPLIT_QWEN] = QWEN_LIKE("\\p{N}"),
    [GPTSPLIT_LLAMA] = QWEN_LIKE("\\p{N}{1,3}"),
    [GPTSPLIT_BLOOM] = " ?" BLOOM_SET,
};

enum { LETTER = 1, DIGIT = 2, SPACE = 4, BLOOM = 8 };

/* Runs of the characters of each kind, in the order of the bits. */
static const char *const sets[] = { "\\p{L}+", "\\p{N}+", "\\s+", BLOOM_SET };

enum gptsplit gptsplit_of(const char *pattern, size_t n)
{
    for (int g = GPTSPLIT_GPT2; g <= GPTSPLIT_BLOOM; g++)
        if (strlen(patterns[g]) == n && !memcmp(pattern, patterns[g], n))
            return (enum gptsplit)g;
    return GPTSPLIT_NONE;
}

void gptsplit_work_clear(struct gptsplit_work *w)
{
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++)
        regex_free(w->set[k]);
    regex_work_free(w->regex);
    upages_clear(&w->kinds);
    *w = (struct gptsplit_work){ 0 };
}

/* The kinds of 256 code points: a text of them all, and where the runs of each set are in it. */
static void fill_kinds(void *context, uint32_t first, unsigned char page[256])
{
    struct gptsplit_work *w = context;
    char text[4 * 256];
    size_t n = 0, start, end, bytes;
    if (first >= 0xd800 && first < 0xe000)
        return;
    for (uint32_t i = 0; i < 256; i++)
        n += utf8_encode(first + i, text + n);
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        char *why;
        if (!w->set[k])
            w->set[k] = regex_new(sets[k], strlen(sets[k]), &why);
        if (!w->regex)
            w->regex = regex_work_new();
        struct regex_matches m = regex_matches(w->set[k], w->regex, text, n);
        while (regex_next(&m, &start, &end) > 0)
            for (size_t i = start; i < end; i += bytes)
                page[utf8_decode(text + i, &bytes) - first] |= (unsigned char)(1 << k);
    }
}

/* ---- matching: each takes what begins at byte i and returns where it ends, 0 for no match */

struct text {
    struct upages *kinds;
    const char *s;
    size_t n;
};

static inline unsigned kind_at(const struct text *t, size_t i, size_t *bytes)
{
    return upages_get(t->kinds, utf8_decode(t->s + i, bytes));
}

/* The end of a run of characters whose kind has one of the bits in `any`, or none of those in `none`. */
static inline size_t run_of(const struct text *t, size_t i, unsigned any)
{
    size_t bytes;
    while (i < t->n && kind_at(t, i, &bytes) & any)
        i += bytes;
    return i;
}

static inline size_t run_without(const struct text *t, size_t i, unsigned none)
{
    size_t bytes;
    while (i < t->n && !(kind_at(t, i, &bytes) & none))
        i += bytes;
    return i;
}

static int is_feed(char c)
{
    return c == '\n' || c == '\r';
}

/* 's 't 're 've 'm 'll 'd; with `fold` in any case, in which s has a third form, U+017F. */
static size_t contraction(const struct text *t, size_t i, int fold)
{
    const char *s = t->s + i + 1;
    size_t left = t->n - i - 1;
    if (left == 0)
        return 0;
    char a = fold ? (char)(s[0] | 32) : s[0], b = left < 2 ? 0 : fold ? (char)(s[1] | 32) : s[1];
    if (fold && (unsigned char)s[0] == 0xc5 && left >= 2 && (unsigned char)s[1] == 0xbf)
        return i + 3;
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return i + 2;
    return ((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l') ? i + 3 : 0;
}

/* \s+(?!\S)|\s+ at a space: the run, but for its last character if something follows that is no space. */
static size_t blanks(const struct text *t, size_t i)
{
    size_t bytes, end = i, last = i;
    for (; end < t->n && kind_at(t, end, &bytes) & SPACE; end += bytes)
        last = end;
    return end == t->n || last == i ? end : last;
}

/* \s*[\r\n]+ at a space: up to the last line feed of the run; 0 if it has none. */
static size_t blanks_to_feed(const struct text *t, size_t i)
{
    size_t bytes, end = 0;
    for (; i < t->n && kind_at(t, i, &bytes) & SPACE; i += bytes)
        if (is_feed(t->s[i]))
            end = i + 1;
    return end;
}

static size_t match_gpt2(const struct text *t, size_t i)
{
    size_t bytes, end = t->s[i] == '\'' ? contraction(t, i, 0) : 0;
    if (end)
        return end;
    size_t from = i + (t->s[i] == ' ' && i + 1 < t->n);
    unsigned kind = kind_at(t, from, &bytes);
    if (kind & (LETTER | DIGIT))
        return run_of(t, from + bytes, kind & (LETTER | DIGIT));
    return kind & SPACE ? blanks(t, i) : run_without(t, from + bytes, LETTER | DIGIT | SPACE);
}

static size_t match_qwen(const struct text *t, size_t i, int max_digits)
{
    size_t bytes, next_bytes, end = t->s[i] == '\'' ? contraction(t, i, 1) : 0;
    if (end)
        return end;
    unsigned kind = kind_at(t, i, &bytes), next = i + bytes < t->n ? kind_at(t, i + bytes, &next_bytes) : 0;
    if (kind & LETTER || (next & LETTER && !(kind & DIGIT) && !is_feed(t->s[i])))
        return run_of(t, i + bytes, LETTER);
    if (kind & DIGIT) {
        for (end = i + bytes; --max_digits && end < t->n && kind_at(t, end, &bytes) & DIGIT;)
            end += bytes;
        return end;
    }
    int space_first = t->s[i] == ' ' && i + 1 < t->n && !(next & (LETTER | DIGIT | SPACE));
    if (!(kind & SPACE) || space_first) {
        end = run_without(t, i + bytes, LETTER | DIGIT | SPACE);
        while (end < t->n && is_feed(t->s[end]))
            end++;
        return end;
    }
    end = blanks_to_feed(t, i);
    return end ? end : blanks(t, i);
}

static size_t match_bloom(const struct text *t, size_t i)
{
    size_t from = i + (t->s[i] == ' '), end = run_of(t, from, BLOOM);
    return end > from ? end : 0;
}

size_t gptsplit_next(enum gptsplit g, struct gptsplit_work *w, const char *s, size_t n, size_t i,
                     size_t *start)
{
    struct text t = { &w->kinds, s, n };
    size_t end = 0, bytes;
    w->kinds.fill = fill_kinds;
    w->kinds.context = w;
    for (; i < n && !end; i += bytes) { /* all but BLOOM's match wherever they are tried */
        *start = i;
        end = g == GPTSPLIT_BLOOM  ? match_bloom(&t, i)
              : g == GPTSPLIT_GPT2 ? match_gpt2(&t, i)
                                   : match_qwen(&t, i, g == GPTSPLIT_QWEN ? 1 : 3);
        utf8_decode(s + i, &bytes);
    }
    return end;
}
