/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/normal.h"
#include "base/utf8.h"
#include "text/bytelevel.h"
#include "text/uchars.h"

void normal_clear(struct normal *p)
{
    charsmap_free(p->charsmap);
    regex_free(p->regex);
    free(p->text);
    free(p->content);
    *p = (struct normal){ 0 };
}

void normal_work_clear(struct normal_work *w)
{
    mbuf_clear(&w->buffer[0]);
    mbuf_clear(&w->buffer[1]);
    nform_work_clear(&w->form);
    charsmap_work_clear(&w->charsmap);
    regex_work_free(w->regex);
    *w = (struct normal_work){ 0 };
}

/* Each step writes the changed text to `out` and returns 1; or returns 0 when nothing changes; or -1. */

/* Puts the content in place of bytes start..end-1. Hugging Face's library takes it for what the last
 * character was, which tells at the beginning: a Metaspace that prepends `first` leaves alone what does not
 * start there.
 */
static void put_content(const struct normal *p, const struct mtext *t, size_t start, size_t end,
                        struct mbuf *out)
{
    size_t from = start;
    if (!start && end)
        for (from = end - 1; from && ((unsigned char)t->s[from] & 0xc0) == 0x80; from--)
            ;
    mbuf_put(out, t, from, p->content, p->n_content);
}

static int replace_text(const struct normal *p, const struct mtext *t, struct mbuf *out)
{
    size_t done = 0;
    const char *at;
    while (p->n_text && (at = memmem(t->s + done, t->n - done, p->text, p->n_text))) {
        size_t start = (size_t)(at - t->s);
        mbuf_copy(out, t, done, start);
        done = start + p->n_text;
        put_content(p, t, start, done, out);
    }
    if (done)
        mbuf_copy(out, t, done, t->n);
    return done > 0;
}

static int replace_matches(const struct normal *p, struct normal_work *w, const struct mtext *t,
                           struct mbuf *out)
{
    if (!w->regex)
        w->regex = regex_work_new();
    struct regex_matches m = regex_matches(p->regex, w->regex, t->s, t->n);
    size_t done = 0, start, end;
    int got, changed = 0;
    while ((got = regex_next(&m, &start, &end)) > 0) {
        mbuf_copy(out, t, done, start);
        put_content(p, t, start, end, out);
        done = end;
        changed = 1;
    }
    if (got < 0)
        return -1;
    if (changed)
        mbuf_copy(out, t, done, t->n);
    return changed;
}

static int strip(const struct normal *p, const struct mtext *t, struct mbuf *out)
{
    size_t from = 0, to = t->n, bytes, blank_from = 0;
    while (p->left && from < t->n && uchars_is_space(utf8_decode(t->s + from, &bytes)))
        from += bytes;
    int in_blanks = 0; /* where the white space at the end starts */
    for (size_t i = from; p->right && i < t->n; i += bytes) {
        int blank = uchars_is_space(utf8_decode(t->s + i, &bytes));
        if (blank && !in_blanks)
            blank_from = i;
        in_blanks = blank;
    }
    if (in_blanks)
        to = blank_from;
    mbuf_copy(out, t, from, to);
    return 1;
}

/* Blocks of Han ideographs as BERT lists them. */
static int is_chinese(uint32_t c)
{
    static const uint32_t blocks[][2] = { { 0x4e00, 0x9fff },   { 0x3400, 0x4dbf },   { 0x20000, 0x2a6df },
                                          { 0x2a700, 0x2b73f }, { 0x2b740, 0x2b81f }, { 0x2b920, 0x2ceaf },
                                          { 0xf900, 0xfaff },   { 0x2f800, 0x2fa1f } };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (c >= blocks[i][0] && c <= blocks[i][1])
            return 1;
    return 0;
}

static int is_nmt_blank(uint32_t c)
{
    return c == 9 || c == 10 || c == 12 || c == 13 || c == 0x1680 || (c >= 0x200b && c <= 0x200f) ||
           c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xfeff || c == 0xfffd;
}

static int is_nmt_control(uint32_t c)
{
    return (c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f || c == 0x8f || c == 0x9f;
}

/* What becomes of a character: up to 3 code points. */
static int map_char(enum normal_kind kind, uint32_t c, uint32_t to[3])
{
    int white = c == '\t' || c == '\n' || c == '\r';
    to[0] = c;
    switch (kind) {
    case NORMAL_NO_MARKS:
        return !(U_GET_GC_MASK((UChar32)c) & U_GC_M_MASK);
    case NORMAL_NO_ACCENTS:
        return !(U_GET_GC_MASK((UChar32)c) & U_GC_MN_MASK);
    case NORMAL_LOWERCASE:
        to[0] = c == 0x130 ? 'i' : (uint32_t)u_tolower((UChar32)c); /* the only one that becomes two */
        to[1] = 0x307;
        return c == 0x130 ? 2 : 1;
    case NORMAL_CLEAN:
        if (c == 0 || c == 0xfffd || (!white && (U_GET_GC_MASK((UChar32)c) & U_GC_C_MASK)))
            return 0;
        to[0] = uchars_is_space(c) ? ' ' : c;
        return 1;
    case NORMAL_CHINESE:
        if (!is_chinese(c))
            return 1;
        to[0] = to[2] = ' ';
        to[1] = c;
        return 3;
    case NORMAL_NMT:
        to[0] = is_nmt_blank(c) ? ' ' : c;
        return !is_nmt_control(c);
    default:
        return 1;
    }
}

static int map_chars(enum normal_kind kind, const struct mtext *t, struct mbuf *out)
{
    size_t bytes;
    for (size_t i = 0; i < t->n; i += bytes) {
        uint32_t c = utf8_decode(t->s + i, &bytes), to[3];
        int n = map_char(kind, c, to);
        if (n == 1 && to[0] == c)
            mbuf_copy(out, t, i, i + bytes);
        for (int k = 0; k < n && !(n == 1 && to[0] == c); k++) {
            char text[4];
            mbuf_put(out, t, i, text, utf8_encode(to[k], text));
        }
    }
    return 1;
}

static int spell(const struct mtext *t, struct mbuf *out)
{
    for (size_t i = 0; i < t->n; i++) {
        char text[4];
        mbuf_put(out, t, i, text, utf8_encode(bytelevel_letter((unsigned char)t->s[i]), text));
    }
    return 1;
}

static int step(const struct normal *p, struct normal_work *w, const struct mtext *t, struct mbuf *out)
{
    out->n = 0;
    switch (p->kind) {
    case NORMAL_FORM:
        return nform_apply(p->form, &w->form, t, out);
    case NORMAL_CHARSMAP:
        return charsmap_apply(p->charsmap, &w->charsmap, t, out);
    case NORMAL_REPLACE:
        return p->regex ? replace_matches(p, w, t, out) : replace_text(p, t, out);
    case NORMAL_PREPEND:
        if (!t->n)
            return 0;
        mbuf_put(out, t, 0, p->content, p->n_content);
        mbuf_copy(out, t, 0, t->n);
        return 1;
    case NORMAL_STRIP:
        return strip(p, t, out);
    case NORMAL_SPELL:
        return spell(t, out);
    default:
        return map_chars(p->kind, t, out);
    }
}

int normal_run(const struct normal *p, size_t n, struct normal_work *w, const struct mtext *t,
               struct mtext *out)
{
    *out = *t;
    for (size_t i = 0, into = 0; i < n; i++) {
        int changed = step(&p[i], w, out, &w->buffer[into]);
        if (changed < 0 || w->buffer[into].n > INT32_MAX)
            return -1;
        if (!changed)
            continue;
        *out = mbuf_text(&w->buffer[into], out);
        into ^= 1;
    }
    return 0;
}
