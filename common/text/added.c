/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/added.h"
#include "base/utf8.h"
#include "text/uchars.h"

void added_init(struct added *a, const struct added_token *token, size_t n, int normalized)
{
    *a = (struct added){ .token = token };
    struct vocab_token *text = xnew(n, sizeof *text);
    int32_t *index = xnew(n, sizeof *index);
    for (int special = 0; special <= 1;
         special++) /* from the last to the first, as the trie keeps the last */
        for (size_t i = n; i-- > 0;) {
            if (token[i].special != special || token[i].normalized != normalized)
                continue;
            text[a->n] = (struct vocab_token){ token[i].decoded, token[i].n_decoded };
            index[a->n++] = (int32_t)i;
            a->starts[(unsigned char)token[i].decoded[0]] = 1;
        }
    trie_build(&a->trie, text, index, a->n);
    free(text);
    free(index);
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
        if (token->lstrip) {
            while (*start > floor && uchars_is_space(utf8_decode(t->s + before(t->s, *start), &bytes)))
                *start = before(t->s, *start);
            *start = *start > floor ? *start : floor; /* the token before may have stripped as far as here */
        }
        while (token->rstrip && *end < t->n && uchars_is_space(utf8_decode(t->s + *end, &bytes)))
            *end += bytes;
        if (*start >= *end)
            continue;
        return index;
    }
    return -1;
}
