/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/onig.h"
#include "base/utf8.h"
#include <stdint.h>
#include <stdio.h>
#include <strings.h>
#include <unicode/uchar.h>

/* Sets of code points as the inside of a PCRE2 class. */
#define SPACE                                                                                                \
    "\\x09-\\x0d\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{"     \
    "3000}"
#define WORD      "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
#define LONE_WORD WORD "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}" /* outside brackets it holds six more */
#define HEX       "0-9A-Fa-f"

static const struct {
    const char *name, *set;
} posix_sets[] = {
    { "alnum", "\\p{Alphabetic}\\p{Nd}" },
    { "alpha", "\\p{Alphabetic}" },
    { "cntrl", "\\p{Cc}" },
    { "digit", "\\p{Nd}" },
    { "lower", "\\p{Lowercase}" },
    { "punct", "\\p{P}\\p{S}" },
    { "space", SPACE },
    { "upper", "\\p{Uppercase}" },
    { "word", WORD },
    { "xdigit", HEX },
};

enum { DOT_ALL = 1, EXTENDED = 2, MAX_DEPTH = 100 };

struct onig {
    const char *p, *end;
    struct strbuf *out;
    int depth;
    const char *why;
};

static int fail(struct onig *o, const char *why)
{
    if (!o->why)
        o->why = why;
    return -1;
}

static int looking_at(const struct onig *o, const char *s)
{
    size_t n = strlen(s);
    return (size_t)(o->end - o->p) >= n && !memcmp(o->p, s, n);
}

static int take(struct onig *o, const char *s)
{
    if (!looking_at(o, s))
        return 0;
    o->p += strlen(s);
    return 1;
}

static uint32_t take_char(struct onig *o)
{
    size_t bytes;
    uint32_t c = utf8_decode(o->p, &bytes);
    o->p += bytes;
    return c;
}

/* A code point that stands for itself in and outside classes. */
static void put_char(struct strbuf *out, uint32_t c)
{
    char text[16];
    snprintf(text, sizeof text, "\\x{%x}", (unsigned)c);
    strbuf_str(out, text);
}

/* ---- escapes */

/* Up to max hexadecimal digits, at least min. */
static int hex_digits(struct onig *o, int min, int max, uint32_t *c)
{
    int n = 0;
    for (*c = 0; n < max && o->p < o->end && strchr("0123456789abcdefABCDEF", *o->p) && *o->p; n++, o->p++)
        *c = *c << 4 | (uint32_t)(*o->p <= '9' ? *o->p - '0' : (*o->p | 32) - 'a' + 10);
    if (n < min || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000))
        return fail(o, "an escaped code point is malformed");
    return 0;
}

/* The escape behind a backslash, if it stands for one code point: 1 and *c; 0 when it is another; -1. */
static int char_escape(struct onig *o, int in_class, uint32_t *c)
{
    static const char letters[] = "tnrfvae", meant[] = "\t\n\r\f\v\a\033";
    if (o->p == o->end)
        return fail(o, "it ends with a backslash");
    const char *letter = strchr(letters, *o->p);
    if (letter && *o->p) {
        o->p++;
        *c = (uint32_t)meant[letter - letters];
        return 1;
    }
    if (in_class && take(o, "b"))
        return *c = '\b', 1;
    if (take(o, "x{")) {
        if (hex_digits(o, 1, 8, c) < 0)
            return -1;
        return take(o, "}") ? 1 : fail(o, "an escaped code point is malformed");
    }
    if (take(o, "x"))
        return hex_digits(o, 1, 2, c) < 0 || *c > 0x7f ? fail(o, "\\x above 7f is a byte") : 1;
    if (take(o, "u"))
        return hex_digits(o, 4, 4, c) < 0 ? -1 : 1;
    unsigned char u = (unsigned char)*o->p;
    if ((u >= '0' && u <= '9') || (u >= 'A' && u <= 'Z') || (u >= 'a' && u <= 'z'))
        return 0;
    *c = take_char(o);
    return 1;
}

/* A set that an escape or a POSIX bracket stands for. */
struct set {
    char text[160]; /* the inside of a class */
    int negated;
};

static int named_set(struct set *set, const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof posix_sets / sizeof *posix_sets; i++)
        if (strlen(posix_sets[i].name) == n && !strncasecmp(name, posix_sets[i].name, n))
            return snprintf(set->text, sizeof set->text, "%s", posix_sets[i].set), 0;
    return -1;
}

/* \p{name}: a POSIX name, a general category or a script, in any case, long or short. */
static int property(struct onig *o, struct set *set)
{
    if (take(o, "^"))
        set->negated = !set->negated;
    const char *close = memchr(o->p, '}', (size_t)(o->end - o->p));
    size_t n = close ? (size_t)(close - o->p) : 0;
    char name[64];
    if (n == 0 || n >= sizeof name)
        return fail(o, "a property has no name");
    memcpy(name, o->p, n);
    name[n] = 0;
    o->p = close + 1;
    if (!strcasecmp(name, "word"))
        return snprintf(set->text, sizeof set->text, "%s", LONE_WORD), 1;
    if (named_set(set, name, n) == 0)
        return 1;
    int32_t category = u_getPropertyValueEnum(UCHAR_GENERAL_CATEGORY_MASK, name);
    int32_t script = u_getPropertyValueEnum(UCHAR_SCRIPT, name);
    const char *mark = set->negated ? "\\P" : "\\p";
    set->negated = 0;
    if (!strcasecmp(name, "Any"))
        snprintf(set->text, sizeof set->text, "%s{Any}", mark);
    else if (category != UCHAR_INVALID_CODE)
        snprintf(set->text, sizeof set->text, "%s{%s}", mark,
                 u_getPropertyValueName(UCHAR_GENERAL_CATEGORY_MASK, category, U_SHORT_PROPERTY_NAME));
    else if (script != UCHAR_INVALID_CODE)
        snprintf(set->text, sizeof set->text, "%s{sc:%s}", mark,
                 u_getPropertyValueName(UCHAR_SCRIPT, script, U_SHORT_PROPERTY_NAME));
    else
        return fail(o, "a property is unknown");
    return 1;
}

/* The escape behind a backslash, if it stands for a set: 1, else 0, or -1. */
static int set_escape(struct onig *o, int in_class, struct set *set)
{
    const struct {
        char letter;
        const char *set;
    } short_sets[] = {
        { 's', SPACE }, { 'd', "\\p{Nd}" }, { 'w', in_class ? WORD : LONE_WORD }, { 'h', HEX }
    };
    *set = (struct set){ 0 };
    if (take(o, "p{") || (set->negated = take(o, "P{")))
        return property(o, set);
    for (size_t i = 0; i < sizeof short_sets / sizeof *short_sets; i++) {
        if (o->p == o->end || (*o->p | 32) != short_sets[i].letter)
            continue;
        set->negated = *o->p++ != short_sets[i].letter;
        snprintf(set->text, sizeof set->text, "%s", short_sets[i].set);
        return 1;
    }
    return 0;
}

/* ---- classes */

/* A class being read: the inside of a PCRE2 class, and what cannot go into one, as alternatives. */
struct cls {
    struct strbuf flat, other;
};

static void cls_add_expr(struct cls *c, const char *expr, size_t n)
{
    if (c->other.n)
        strbuf_char(&c->other, '|');
    strbuf_add(&c->other, expr, n);
}

static void cls_add_set(struct cls *c, const struct set *set)
{
    char expr[sizeof set->text + 4];
    if (set->negated)
        cls_add_expr(c, expr, (size_t)snprintf(expr, sizeof expr, "[^%s]", set->text));
    else
        strbuf_str(&c->flat, set->text);
}

static void cls_clear(struct cls *c)
{
    strbuf_clear(&c->flat);
    strbuf_clear(&c->other);
}

/* The expression that matches one code point of the class. */
static void cls_put(struct cls *c, int negated, struct strbuf *out)
{
    if (!c->other.n) {
        strbuf_str(out, negated ? "[^" : "[");
        strbuf_add(out, c->flat.s, c->flat.n);
        strbuf_char(out, ']');
        return;
    }
    strbuf_str(out, negated ? "(?:(?!" : "(?:");
    if (c->flat.n) {
        strbuf_char(out, '[');
        strbuf_add(out, c->flat.s, c->flat.n);
        strbuf_str(out, "]|");
    }
    strbuf_add(out, c->other.s, c->other.n);
    strbuf_str(out, negated ? ")(?s:.))" : ")");
}

/* One end of a range, or a single code point: 1; a set: 2; nothing such here: 0; -1. */
static int cls_member(struct onig *o, uint32_t *c, struct set *set)
{
    if (!take(o, "\\"))
        return *c = take_char(o), 1;
    int got = char_escape(o, 1, c);
    if (got)
        return got;
    got = set_escape(o, 1, set);
    return got == 0 ? fail(o, "an escape in a class is not supported") : got < 0 ? -1 : 2;
}

static int cls_posix(struct onig *o, struct cls *c)
{
    const char *start = o->p;
    struct set set = { .negated = take(o, "^") };
    const char *name = o->p;
    while (o->p < o->end && *o->p >= 'a' && *o->p <= 'z')
        o->p++;
    size_t n = (size_t)(o->p - name);
    if (!take(o, ":]"))
        return o->p = start, 0;
    if (named_set(&set, name, n) < 0)
        return fail(o, "a POSIX class is not supported");
    cls_add_set(c, &set);
    return 1;
}

/* A member or a range. */
static int cls_range(struct onig *o, struct cls *c)
{
    uint32_t from, to;
    struct set set;
    int got = cls_member(o, &from, &set);
    if (got < 0)
        return -1;
    if (got == 2)
        return cls_add_set(c, &set), 0;
    put_char(&c->flat, from);
    if (!looking_at(o, "-") || looking_at(o, "-]") || looking_at(o, "-&&"))
        return 0;
    o->p++;
    if (o->p == o->end || looking_at(o, "["))
        return fail(o, "a class has a range without an end");
    got = cls_member(o, &to, &set);
    if (got < 0)
        return -1;
    if (got == 2 || to < from)
        return fail(o, "a class has a range without an end");
    strbuf_char(&c->flat, '-');
    put_char(&c->flat, to);
    return 0;
}

static int char_class(struct onig *o, struct cls *into);

/* Members up to `&&` or the closing bracket. */
static int cls_members(struct onig *o, struct cls *c)
{
    for (int first = 1;; first = 0) {
        if (o->p == o->end)
            return fail(o, "a class is not closed");
        if (looking_at(o, "&&") || (looking_at(o, "]") && !first))
            return 0;
        int got = take(o, "[:") ? cls_posix(o, c) : 0;
        if (got < 0)
            return -1;
        if (got)
            continue;
        if (take(o, "[")) {
            if (char_class(o, c) < 0)
                return -1;
        } else if (cls_range(o, c) < 0) {
            return -1;
        }
    }
}

/* The class behind an opening bracket, added to `into`: A && B && C is (?:(?=A)(?=B)C). */
static int char_class(struct onig *o, struct cls *into)
{
    if (++o->depth > MAX_DEPTH)
        return fail(o, "it nests too deep");
    int negated = take(o, "^"), n_operand = 0, status = -1;
    struct cls c = { 0 };
    struct strbuf expr = { 0 };
    for (;;) {
        c.flat.n = c.other.n = 0;
        if (cls_members(o, &c) < 0)
            goto out;
        if (!c.flat.n && !c.other.n) {
            fail(o, "a class is empty");
            goto out;
        }
        if (!take(o, "&&"))
            break;
        n_operand++;
        strbuf_str(&expr, "(?=");
        cls_put(&c, 0, &expr);
        strbuf_char(&expr, ')');
    }
    o->p++; /* the bracket that ended the members */
    status = 0;
    if (n_operand) {
        strbuf_insert(&expr, 0, negated ? "(?:(?!" : "(?:");
        cls_put(&c, 0, &expr);
        strbuf_str(&expr, negated ? ")(?s:.))" : ")");
        cls_add_expr(into, expr.s, expr.n);
    } else if (negated) {
        cls_put(&c, 1, &expr);
        cls_add_expr(into, expr.s, expr.n);
    } else {
        strbuf_add(&into->flat, c.flat.s, c.flat.n);
        if (c.other.n)
            cls_add_expr(into, c.other.s, c.other.n);
    }
out:
    o->depth--;
    strbuf_clear(&expr);
    cls_clear(&c);
    return status;
}

/* ---- sequences */

static int alternatives(struct onig *o, unsigned flags);

/* The letters of (?imx-imx: and whether a colon or a parenthesis closed them. Case is left to PCRE2. */
static int option_letters(struct onig *o, unsigned *flags, char pcre[16], int *isolated)
{
    int off = 0;
    size_t n = 0;
    pcre[n++] = '(';
    pcre[n++] = '?';
    for (; o->p < o->end; o->p++) {
        unsigned flag = *o->p == 'm' ? DOT_ALL : *o->p == 'x' ? EXTENDED : 0;
        if (*o->p == ':' || *o->p == ')') {
            *isolated = *o->p++ == ')';
            pcre[n++] = ':';
            pcre[n] = 0;
            return 0;
        }
        if (*o->p == '-' && !off)
            off = 1;
        else if (flag)
            *flags = off ? *flags & ~flag : *flags | flag;
        else if (*o->p != 'i')
            break;
        if ((*o->p == '-' || *o->p == 'i') && n < 12)
            pcre[n++] = *o->p;
    }
    return fail(o, "a group of this kind is not supported");
}

/* What follows an opening parenthesis. */
static int group(struct onig *o, unsigned flags)
{
    static const char *const kinds[] = { "?:", "?=", "?!", "?<=", "?<!", "?>" };
    char pcre[16] = "(?:";
    int isolated = 0, known = !looking_at(o, "?");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !known; i++)
        if ((known = take(o, kinds[i])))
            snprintf(pcre, sizeof pcre, "(%s", kinds[i]);
    if (!known && take(o, "?#")) {
        const char *close = memchr(o->p, ')', (size_t)(o->end - o->p));
        return close ? o->p = close + 1, 0 : fail(o, "a comment is not closed");
    }
    if (!known) {
        o->p++;
        if (option_letters(o, &flags, pcre, &isolated) < 0)
            return -1;
    }
    if (++o->depth > MAX_DEPTH)
        return fail(o, "it nests too deep");
    strbuf_str(o->out, pcre);
    if (alternatives(o, flags) < 0)
        return -1;
    strbuf_char(o->out, ')');
    o->depth--;
    if (isolated) /* (?i) reaches to the end of the group around it, which closes for both */
        return 0;
    return take(o, ")") ? 0 : fail(o, "a group is not closed");
}

static int escape(struct onig *o)
{
    static const char word_before[] = "(?<=[" LONE_WORD "])", word_behind[] = "(?=[" LONE_WORD "])";
    static const char no_word_before[] = "(?<![" LONE_WORD "])", no_word_behind[] = "(?![" LONE_WORD "])";
    uint32_t c = 0;
    struct set set;
    int got = char_escape(o, 0, &c);
    if (got) {
        if (got > 0)
            put_char(o->out, c);
        return got < 0 ? -1 : 0;
    }
    got = set_escape(o, 0, &set);
    if (got) {
        strbuf_str(o->out, set.negated ? "[^" : "[");
        strbuf_str(o->out, set.text);
        strbuf_char(o->out, ']');
        return got < 0 ? -1 : 0;
    }
    int boundary = take(o, "b");
    if (boundary || take(o, "B")) {
        strbuf_str(o->out, "(?:");
        strbuf_str(o->out, word_before);
        strbuf_str(o->out, boundary ? no_word_behind : word_behind);
        strbuf_char(o->out, '|');
        strbuf_str(o->out, no_word_before);
        strbuf_str(o->out, boundary ? word_behind : no_word_behind);
        strbuf_char(o->out, ')');
        return 0;
    }
    static const char *const same[] = { "A", "z", "Z", "R" };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (take(o, same[i])) {
            strbuf_char(o->out, '\\');
            strbuf_str(o->out, same[i]);
            return 0;
        }
    return fail(o, "an escape is not supported");
}

/* {n}, {n,}, {n,m} or {,m} behind an opening brace: 1 and the bounds, to = -1 for none; 0 when it is no such
 * thing and the brace stands for itself. */
static int interval(struct onig *o, int *from, int *to)
{
    const char *start = o->p;
    int bound[2] = { -1, -1 }, comma = 0;
    for (int i = 0; i < 2; i++) {
        for (; o->p < o->end && *o->p >= '0' && *o->p <= '9' && bound[i] < 100000; o->p++)
            bound[i] = (bound[i] < 0 ? 0 : bound[i] * 10) + (*o->p - '0');
        if (i == 0)
            comma = take(o, ",");
        if (!comma)
            break;
    }
    if (!take(o, "}") || (bound[0] < 0 && bound[1] < 0))
        return o->p = start, 0;
    *from = bound[0] < 0 ? 0 : bound[0];
    *to = comma ? bound[1] : bound[0];
    return 1;
}

/* What may follow an atom, whose translation starts at `start`. */
static int quantifier(struct onig *o, size_t start)
{
    int from, to;
    char text[32];
    if (take(o, "{")) {
        if (!interval(o, &from, &to))
            return o->p--, 0;
        int exact = from == to;
        if (to >= 0 && to < from)
            return fail(o, "a repetition counts backwards");
        if (to < 0)
            snprintf(text, sizeof text, "{%d,}", from);
        else
            snprintf(text, sizeof text, "{%d,%d}", from, to);
        strbuf_str(o->out, text);
        if (looking_at(o, "+") || (exact && looking_at(o, "?"))) { /* in Ruby these repeat the repetition */
            strbuf_insert(o->out, start, "(?:");
            strbuf_char(o->out, ')');
            strbuf_char(o->out, *o->p++);
        } else if (take(o, "?")) {
            strbuf_char(o->out, '?');
        }
    } else if (o->p < o->end && strchr("*+?", *o->p) && *o->p) {
        strbuf_char(o->out, *o->p++);
        if (looking_at(o, "+") || looking_at(o, "?"))
            strbuf_char(o->out, *o->p++);
    } else {
        return 0;
    }
    if (o->p < o->end && strchr("*+?", *o->p) && *o->p)
        return fail(o, "a repetition of a repetition is not supported");
    return 0;
}

/* One atom, without its quantifier. */
static int atom(struct onig *o, unsigned flags)
{
    if (take(o, "("))
        return group(o, flags);
    if (take(o, "[")) {
        struct cls c = { 0 };
        int status = char_class(o, &c);
        if (status == 0)
            cls_put(&c, 0, o->out);
        cls_clear(&c);
        return status;
    }
    if (take(o, "\\"))
        return escape(o);
    if (take(o, "."))
        return strbuf_str(o->out, flags & DOT_ALL ? "(?s:.)" : "[^\\n]"), 0;
    if (take(o, "^"))
        return strbuf_str(o->out, "(?m:^)"), 0;
    if (take(o, "$"))
        return strbuf_str(o->out, "(?m:$)"), 0;
    if (looking_at(o, "*") || looking_at(o, "+") || looking_at(o, "?"))
        return fail(o, "a repetition has nothing to repeat");
    put_char(o->out, take_char(o));
    return 0;
}

/* Everything up to the parenthesis that closes the group, or the end. */
static int alternatives(struct onig *o, unsigned flags)
{
    while (o->p < o->end && *o->p != ')') {
        if (take(o, "|")) {
            strbuf_char(o->out, '|');
            continue;
        }
        if (flags & EXTENDED && strchr(" \t\n\r\f\v", *o->p) && *o->p) {
            o->p++;
            continue;
        }
        if (flags & EXTENDED && *o->p == '#') {
            const char *feed = memchr(o->p, '\n', (size_t)(o->end - o->p));
            o->p = feed ? feed : o->end;
            continue;
        }
        size_t start = o->out->n;
        if (atom(o, flags) < 0 || quantifier(o, start) < 0)
            return -1;
    }
    return 0;
}

int onig_translate(const char *pattern, size_t n, struct strbuf *out, const char **why)
{
    struct onig o = { pattern, pattern + n, out, 0, NULL };
    if (alternatives(&o, 0) == 0 && o.p < o.end)
        fail(&o, "a parenthesis closes nothing");
    *why = o.why;
    return o.why ? -1 : 0;
}
