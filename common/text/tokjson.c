/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/tokjson.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void skip_blanks(struct tokjson_scan *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t'))
        c->at++;
}

int tokjson_mark(struct tokjson_scan *c, char mark)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != mark)
        return 0;
    c->at++;
    skip_blanks(c);
    return 1;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The 4 hexadecimal digits of a \u escape, or -1. */
static int32_t hex4(const char *s, const char *end)
{
    if (end - s < 4)
        return -1;
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int d = s[i] >= '0' && s[i] <= '9'   ? s[i] - '0'
                : s[i] >= 'a' && s[i] <= 'f' ? s[i] - 'a' + 10
                : s[i] >= 'A' && s[i] <= 'F' ? s[i] - 'A' + 10
                                             : -1;
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* Decodes the escape at *from (behind the backslash) to *to, which it never overtakes; moves both. */
static int unescape(char **from, const char *end, char **to)
{
    static const char marks[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (*from == end)
        return 0;
    const char *mark = strchr(marks, **from);
    if (mark && **from) {
        *(*to)++ = meant[mark - marks];
        (*from)++;
        return 1;
    }
    int32_t code = **from == 'u' ? hex4(*from + 1, end) : -1;
    if (code < 0)
        return 0;
    *from += 5;
    if (code >= 0xd800 && code < 0xdc00 && end - *from >= 2 && (*from)[0] == '\\' && (*from)[1] == 'u') {
        int32_t low = hex4(*from + 2, end);
        if (low < 0xdc00 || low > 0xdfff)
            return 0;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *from += 6;
    }
    if (code >= 0xd800 && code < 0xe000)
        return 0;
    *to += utf8_encode((uint32_t)code, *to);
    return 1;
}

int tokjson_string(struct tokjson_scan *c, char **s, size_t *n)
{
    skip_blanks(c);
    char *p = c->at;
    if (p == c->end || *p != '"')
        return 0;
    char *start = ++p;
    while (p < c->end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    char *to = p;
    while (p < c->end && *p != '"') {
        if (*p == '\\') {
            p++;
            if (!unescape(&p, c->end, &to))
                return 0;
        } else if ((unsigned char)*p < 0x20) {
            return 0;
        } else {
            *to++ = *p++;
        }
    }
    if (p == c->end)
        return 0;
    *s = start;
    *n = (size_t)(to - start);
    c->at = p + 1;
    skip_blanks(c);
    return 1;
}

/* Bytes of the JSON number that s starts with, 0 if it starts with none. */
static size_t number_length(const char *s, const char *end)
{
    const char *p = s + (s < end && *s == '-'), *digits = p;
    while (p < end && is_digit(*p))
        p++;
    if (p == digits || (*digits == '0' && p > digits + 1))
        return 0;
    if (p < end && *p == '.') {
        for (digits = ++p; p < end && is_digit(*p);)
            p++;
        if (p == digits)
            return 0;
    }
    if (p < end && (*p | 32) == 'e') {
        p += 1 + (p + 1 < end && (p[1] == '+' || p[1] == '-'));
        for (digits = p; p < end && is_digit(*p);)
            p++;
        if (p == digits)
            return 0;
    }
    return (size_t)(p - s);
}

/* Ten to the power of |exponent|, at most 308. */
static double power_of_ten(int exponent)
{
    char text[16];
    snprintf(text, sizeof text, "1e%d", abs(exponent));
    return strtod(text, NULL);
}

/* The whole of s[0..n-1], a JSON number. */
static double number_value(const char *s, size_t n)
{
    uint64_t digits = 0;
    int exponent = 0, full = 0, in_fraction = 0;
    size_t i = s[0] == '-';
    for (; i < n && (s[i] | 32) != 'e'; i++) {
        uint64_t digit = (uint64_t)(s[i] - '0');
        if (s[i] == '.') {
            in_fraction = 1;
            continue;
        }
        full |= digits > (UINT64_MAX - digit) / 10;
        if (!full)
            digits = digits * 10 + digit;
        exponent += full - in_fraction;
    }
    if (i < n)
        exponent += (int)fmax(fmin(strtod(s + i + 1, NULL), 10000), -10000);
    double v = (double)digits;
    for (; exponent < -308 && v != 0; exponent += 308)
        v /= 1e308;
    if (v != 0 && exponent != 0)
        v = exponent > 308 ? INFINITY
            : exponent > 0 ? v * power_of_ten(exponent)
                           : v / power_of_ten(exponent);
    return s[0] == '-' ? -v : v;
}

int tokjson_number(struct tokjson_scan *c, double *v)
{
    char text[64]; /* a number that is longer is none that anybody writes */
    skip_blanks(c);
    size_t n = number_length(c->at, c->end);
    if (n == 0 || n >= sizeof text)
        return 0;
    memcpy(text, c->at, n);
    text[n] = 0;
    *v = number_value(text, n);
    if (!isfinite(*v))
        return 0;
    c->at += n;
    skip_blanks(c);
    return 1;
}

/* Skips a string without decoding it. */
static int skip_string(struct tokjson_scan *c)
{
    if (c->at == c->end || *c->at != '"')
        return 0;
    for (char *p = c->at + 1; p < c->end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '"')
            return c->at = p + 1, 1;
    }
    return 0;
}

/* Skips a value by its brackets and strings alone; whether it is well-formed is the reader's business. */
static int skip_value(struct tokjson_scan *c)
{
    static const unsigned char marks[256] = {
        ['"'] = 1, ['['] = 1, ['{'] = 1, [']'] = 1, ['}'] = 1, [','] = 1
    };
    size_t depth = 0;
    for (;;) {
        char *p = c->at;
        while (p < c->end && !marks[(unsigned char)*p])
            p++;
        c->at = p;
        if (p == c->end)
            return depth == 0;
        if (depth == 0 && (*p == ']' || *p == '}' || *p == ','))
            return 1;
        if (*p == '"') {
            if (!skip_string(c))
                return 0;
            continue;
        }
        depth += *p == '[' || *p == '{';
        depth -= *p == ']' || *p == '}';
        c->at++;
    }
}

/* Walks the members of the object at c, calling member(name, value) for each; the value is skipped whatever
 * it does. Stops, with 0, where the text is no object; jansson then says why. */
typedef void member_fn(struct tokjson *j, const char *name, size_t n, struct tokjson_scan value);

static int walk_object(struct tokjson *j, struct tokjson_scan c, member_fn *member)
{
    if (!tokjson_mark(&c, '{'))
        return 0;
    do {
        skip_blanks(&c);
        struct tokjson_scan name = c;
        if (!skip_string(&c))
            return 0;
        name.end = c.at;
        if (!tokjson_mark(&c, ':'))
            return 0;
        struct tokjson_scan value = c;
        if (!skip_value(&c))
            return 0;
        value.end = c.at;
        member(j, name.at + 1, (size_t)(name.end - name.at) - 2, value);
    } while (tokjson_mark(&c, ','));
    return 1;
}

static void model_member(struct tokjson *j, const char *name, size_t n, struct tokjson_scan value)
{
    if (n == 5 && !memcmp(name, "vocab", n))
        j->vocab = value;
    else if (n == 6 && !memcmp(name, "merges", n))
        j->merges = value;
}

static void top_member(struct tokjson *j, const char *name, size_t n, struct tokjson_scan value)
{
    if (n == 5 && !memcmp(name, "model", n))
        walk_object(j, value, model_member);
}

/* The text without the two tables, each replaced by `true`. */
static char *cut_tables(const struct tokjson *j, const char *text, size_t n, size_t *n_rest)
{
    const struct tokjson_scan *first = &j->vocab, *second = &j->merges;
    if (second->at && (!first->at || second->at < first->at)) {
        first = &j->merges;
        second = &j->vocab;
    }
    char *rest = xmalloc(n + 16), *to = rest;
    const char *from = text;
    for (const struct tokjson_scan *table = first; table; table = table == first ? second : NULL) {
        if (!table->at)
            continue;
        to = (char *)memcpy(to, from, (size_t)(table->at - from)) + (table->at - from);
        to = (char *)memcpy(to, " true ", 6) + 6;
        from = table->end;
    }
    memcpy(to, from, (size_t)(text + n - from));
    *n_rest = (size_t)(to - rest) + (size_t)(text + n - from);
    return rest;
}

int tokjson_read(struct tokjson *j, char *text, size_t n, char **why)
{
    *j = (struct tokjson){ 0 };
    size_t good = utf8_check(text, n);
    if (good < n) {
        *why = xsprintf("byte %zu is not UTF-8", good + 1);
        return -1;
    }
    walk_object(j, (struct tokjson_scan){ text, text + n }, top_member);
    size_t n_rest;
    char *rest = cut_tables(j, text, n, &n_rest);
    json_error_t error;
    j->root = json_loadb(rest, n_rest, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    free(rest);
    if (!j->root) {
        *why = xsprintf("not valid JSON: %s", error.text);
        return -1;
    }
    return 0;
}

void tokjson_clear(struct tokjson *j)
{
    json_decref(j->root);
    *j = (struct tokjson){ 0 };
}
