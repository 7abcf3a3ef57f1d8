/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/decode.h"
#include "base/utf8.h"
#include "text/bytelevel.h"

void decode_clear(struct decode *d)
{
    regex_free(d->regex);
    free(d->text);
    free(d->content);
    *d = (struct decode){ 0 };
}

void decode_work_clear(struct decode_work *w)
{
    strbuf_clear(&w->list.s);
    strbuf_clear(&w->spare.s);
    free(w->list.end);
    free(w->spare.end);
    regex_work_free(w->regex);
    *w = (struct decode_work){ 0 };
}

static void list_end_token(struct decode_list *l)
{
    xgrow(&l->end, &l->room, l->n + 1, sizeof *l->end);
    l->end[l->n++] = l->s.n;
}

static const char *list_token(const struct decode_list *l, size_t i, size_t *n)
{
    size_t start = i ? l->end[i - 1] : 0;
    *n = l->end[i] - start;
    return *n ? l->s.s + start : "";
}

void decode_start(struct decode_work *w)
{
    w->list.n = w->list.s.n = 0;
}

void decode_token(struct decode_work *w, const char *s, size_t n)
{
    strbuf_add(&w->list.s, s, n);
    list_end_token(&w->list);
}

/* Appends s[0..n-1] with each maximal part of an ill-formed sequence as U+FFFD (Unicode 15, section 3.9). */
static void add_lossy(struct strbuf *out, const char *s, size_t n)
{
    while (n) {
        size_t good = utf8_check(s, n);
        strbuf_add(out, s, good);
        s += good;
        n -= good;
        if (!n)
            return;
        strbuf_str(out, "\xef\xbf\xbd");
        unsigned char lead = (unsigned char)*s;
        unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        size_t want = lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4, have = 1;
        while (have < want && have < n && (unsigned char)s[have] >= low && (unsigned char)s[have] <= high) {
            have++;
            low = 0x80;
            high = 0xbf;
        }
        s += have;
        n -= have;
    }
}

/* A token whose characters all spell bytes becomes these bytes; another stays as it is. */
static void bytelevel(const struct decode_list *in, struct decode_list *out)
{
    struct strbuf bytes = { 0 };
    for (size_t i = 0; i < in->n; i++) {
        size_t n, length, before = bytes.n;
        const char *s = list_token(in, i, &n);
        for (size_t k = 0; k < n; k += length) {
            int byte = bytelevel_byte(utf8_decode(s + k, &length));
            if (byte < 0) {
                bytes.n = before;
                strbuf_add(&bytes, s, n);
                break;
            }
            strbuf_char(&bytes, (char)byte);
        }
    }
    add_lossy(&out->s, bytes.s, bytes.n);
    list_end_token(out);
    strbuf_clear(&bytes);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* The byte of a token <0x..>, or -1. Rust's parser also takes a plus sign for the first digit. */
static int fallback_byte(const char *s, size_t n)
{
    if (n != 6 || memcmp(s, "<0x", 3) || s[5] != '>')
        return -1;
    int high = s[3] == '+' ? 0 : hex_digit(s[3]), low = hex_digit(s[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* A run of byte tokens becomes one token, or as many U+FFFD as it has bytes when they are not UTF-8. */
static void end_bytes(struct strbuf *bytes, struct decode_list *out)
{
    if (!bytes->n)
        return;
    if (utf8_check(bytes->s, bytes->n) == bytes->n)
        strbuf_add(&out->s, bytes->s, bytes->n);
    for (size_t i = 0; utf8_check(bytes->s, bytes->n) < bytes->n && i < bytes->n; i++) {
        strbuf_str(&out->s, "\xef\xbf\xbd");
        if (i + 1 < bytes->n)
            list_end_token(out);
    }
    list_end_token(out);
    bytes->n = 0;
}

static void byte_fallback(const struct decode_list *in, struct decode_list *out)
{
    struct strbuf bytes = { 0 };
    for (size_t i = 0; i < in->n; i++) {
        size_t n;
        const char *s = list_token(in, i, &n);
        int byte = fallback_byte(s, n);
        if (byte >= 0) {
            strbuf_char(&bytes, (char)byte);
            continue;
        }
        end_bytes(&bytes, out);
        strbuf_add(&out->s, s, n);
        list_end_token(out);
    }
    end_bytes(&bytes, out);
    strbuf_clear(&bytes);
}

/* s[0..n-1] with every `text` replaced. */
static void replace_text(const char *text, size_t n_text, const char *by, size_t n_by, const char *s,
                         size_t n, struct strbuf *out)
{
    const char *end = s + n, *at;
    while (n && n_text && (at = memmem(s, (size_t)(end - s), text, n_text))) {
        strbuf_add(out, s, (size_t)(at - s));
        strbuf_add(out, by, n_by);
        s = at + n_text;
    }
    strbuf_add(out, s, (size_t)(end - s));
}

static int replace(const struct decode *d, struct regex_work *w, const char *s, size_t n, struct strbuf *out)
{
    if (!d->regex) {
        replace_text(d->text, d->n_text, d->content, d->n_content, s, n, out);
        return 0;
    }
    struct regex_matches m = regex_matches(d->regex, w, s, n);
    size_t done = 0, start, end;
    int got;
    while ((got = regex_next(&m, &start, &end)) > 0) {
        strbuf_add(out, s + done, start - done);
        strbuf_add(out, d->content, d->n_content);
        done = end;
    }
    strbuf_add(out, s + done, n - done);
    return got;
}

static void strip(const struct decode *d, const char *s, size_t n, struct strbuf *out)
{
    for (size_t i = 0; i < d->start && n >= d->n_text && !memcmp(s, d->text, d->n_text); i++) {
        s += d->n_text;
        n -= d->n_text;
    }
    for (size_t i = 0; i < d->stop && n >= d->n_text && !memcmp(s + n - d->n_text, d->text, d->n_text); i++)
        n -= d->n_text;
    strbuf_add(out, s, n);
}

/* English spacing and contractions put right, as the reference does for every language. */
static void clean_up(struct strbuf *s)
{
    static const char *const pairs[][2] = {
        { " .", "." },   { " ?", "?" },     { " !", "!" },     { " ,", "," },
        { " ' ", "'" },  { " n't", "n't" }, { " 'm", "'m" },   { " do not", " don't" },
        { " 's", "'s" }, { " 've", "'ve" }, { " 're", "'re" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct strbuf next = { 0 };
        replace_text(pairs[i][0], strlen(pairs[i][0]), pairs[i][1], strlen(pairs[i][1]), s->s, s->n, &next);
        strbuf_clear(s);
        *s = next;
    }
}

static void wordpiece(const struct decode *d, size_t i, const char *s, size_t n, struct strbuf *out)
{
    struct strbuf token = { 0 };
    int continues = n >= d->n_text && !memcmp(s, d->text, d->n_text);
    if (i && continues) {
        strbuf_add(&token, s + d->n_text, n - d->n_text);
    } else {
        if (i)
            strbuf_char(&token, ' ');
        strbuf_add(&token, s, n);
    }
    if (d->cleanup)
        clean_up(&token);
    strbuf_add(out, token.s, token.n);
    strbuf_clear(&token);
}

/* A step that turns each token into one token. */
static int each_token(const struct decode *d, struct decode_work *w)
{
    const struct decode_list *in = &w->list;
    struct decode_list *out = &w->spare;
    for (size_t i = 0; i < in->n; i++) {
        size_t n;
        const char *s = list_token(in, i, &n);
        switch (d->kind) {
        case DECODE_METASPACE:
            replace_text(d->text, d->n_text, " ", i || d->first_too, s, n, &out->s);
            break;
        case DECODE_REPLACE:
            if (replace(d, w->regex, s, n, &out->s) < 0)
                return -1;
            break;
        case DECODE_STRIP:
            strip(d, s, n, &out->s);
            break;
        case DECODE_WORDPIECE:
            wordpiece(d, i, s, n, &out->s);
            break;
        case DECODE_SUFFIX:
            replace_text(d->text, d->n_text, " ", i + 1 < in->n, s, n, &out->s);
            break;
        default: /* BLANKS */
            if (i)
                strbuf_char(&out->s, ' ');
            strbuf_add(&out->s, s, n);
        }
        list_end_token(out);
    }
    return 0;
}

static int step(const struct decode *d, struct decode_work *w)
{
    w->spare.n = w->spare.s.n = 0;
    int status = 0;
    if (d->kind == DECODE_BYTELEVEL) {
        bytelevel(&w->list, &w->spare);
    } else if (d->kind == DECODE_BYTE_FALLBACK) {
        byte_fallback(&w->list, &w->spare);
    } else if (d->kind == DECODE_FUSE) {
        strbuf_add(&w->spare.s, w->list.s.s, w->list.s.n);
        list_end_token(&w->spare);
    } else {
        status = each_token(d, w);
    }
    struct decode_list done = w->spare;
    w->spare = w->list;
    w->list = done;
    return status;
}

int decode_run(const struct decode *d, size_t n, struct decode_work *w, struct strbuf *out)
{
    if (!w->regex)
        w->regex = regex_work_new();
    for (size_t i = 0; i < n; i++)
        if (step(&d[i], w) < 0)
            return -1;
    strbuf_add(out, w->list.s.s, w->list.s.n);
    return 0;
}
