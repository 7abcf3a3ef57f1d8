/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/excerpt.h"

static int decode(const struct tokenizer *t, struct tokenizer_work *w, const uint32_t *id, size_t n,
                  struct strbuf *out)
{
    uint32_t *known = xnew(n, sizeof *known);
    size_t n_known = 0, length, bad;
    for (size_t i = 0; i < n; i++)
        if (tokenizer_token(t, id[i], &length))
            known[n_known++] = id[i];
    int status = tokenizer_decode(t, w, known, n_known, 0, out, &bad);
    free(known);
    return status;
}

static int is_torn(const struct strbuf *s)
{
    return s->n >= 3 && !memcmp(s->s + s->n - 3, "\xef\xbf\xbd", 3);
}

size_t excerpt_whole(const struct tokenizer *t, struct tokenizer_work *w, const uint32_t *id, size_t n)
{
    struct strbuf s = { 0 };
    size_t k = n;
    for (; k; k--) {
        s.n = 0;
        if (decode(t, w, id, k, &s) == 0 && !is_torn(&s))
            break;
    }
    strbuf_clear(&s);
    return k ? k : n;
}

int excerpt_split(const struct tokenizer *t, struct tokenizer_work *w, const uint32_t *id, size_t n_before,
                  size_t n, struct strbuf *before, struct strbuf *behind)
{
    struct strbuf head = { 0 }, all = { 0 };
    size_t same = 0;
    int status = decode(t, w, id, n_before, &head) < 0 || decode(t, w, id, n, &all) < 0 ? -1 : 0;
    while (same < head.n && same < all.n && head.s[same] == all.s[same])
        same++;
    while (same && same < all.n && ((unsigned char)all.s[same] & 0xc0) == 0x80) /* back to a character */
        same--;
    strbuf_add(before, head.s, head.n);
    strbuf_add(behind, all.s + same, all.n - same);
    strbuf_clear(&all);
    strbuf_clear(&head);
    return status;
}
