/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/added.h"
#include "base/utf8.h"
#include "text/uchars.h"

void added_init(struct added *a, struct added_token *token, const struct vocab_token *content,
                const int32_t *index, size_t n)
{
    *a = (struct added){ .token = token, .n = n };
    trie_build(&a->trie, content, index, n);
    for (size_t i = 0; i < n; i++)
        if (content[i].n)
            a->starts[(unsigned char)content[i].s[0]] = 1;
}

void added_clear(struct added *a)
{
    trie_clear(&a->trie);
    *a = (struct added){ 0 };
}

/* The start of the code point that ends at byte i. */
static size_t before(const char *s, size_t i)
{
    do
        i--;
    while (((unsigned char)s[i] & 0xc0) == 0x80);
    return i;
}

static int is_single_word(const struct mtext *t, size_t start, size_t end)
{
    size_t bytes;
    return (start == 0 || !uchars_is_word(utf8_decode(t->s + before(t->s, start), &bytes))) &&
           (end == t->n || !uchars_is_word(utf8_decode(t->s + end, &bytes)));
}

int32_t added_find(const struct added *a, const struct mtext *t, size_t from, size_t floor, size_t *start,
                   size_t *end, size_t *next)
{
    size_t length, bytes;
    for (size_t i = from; a->n && i < t->n; i++) {
        if (!a->starts[(unsigned char)t->s[i]])
            continue;
        int32_t index = trie_longest(&a->trie, t->s + i, t->n - i, &length);
        if (index < 0)
            continue;
        const struct added_token *token = &a->token[index];
        *start = i;
        *end = *next = i + length;
        i = *next - 1; /* a match that is refused is passed over whole */
        if (token->single_word && !is_single_word(t, *start, *end))
            continue;
        while (token->lstrip && *start > floor &&
               uchars_is_space(utf8_decode(t->s + before(t->s, *start), &bytes)))
            *start = before(t->s, *start);
        while (token->rstrip && *end < t->n && uchars_is_space(utf8_decode(t->s + *end, &bytes)))
            *end += bytes;
        return index;
    }
    return -1;
}
