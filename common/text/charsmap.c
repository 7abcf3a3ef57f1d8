/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/charsmap.h"
#include "base/utf8.h"
#include <unicode/uchar.h>

struct charsmap {
    uint32_t *unit;
    size_t n_unit;
    char *text; /* the replacements */
    size_t n_text;
    unsigned char plain[128]; /* ASCII characters that begin no key */
};

/* ---- reading the map */

static int base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

/* RFC 4648, with padding. The bytes, which the caller frees, or NULL. */
static unsigned char *decode_base64(const char *s, size_t n, size_t *n_out)
{
    size_t padding = n && s[n - 1] == '=' ? 1 + (n > 1 && s[n - 2] == '=') : 0;
    if (n % 4)
        return NULL;
    unsigned char *out = xmalloc(n / 4 * 3 + 1);
    *n_out = n / 4 * 3 - padding;
    uint32_t word = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = i < n - padding ? base64_digit(s[i]) : 0;
        if (digit < 0) {
            free(out);
            return NULL;
        }
        word = word << 6 | (uint32_t)digit;
        if (i % 4 == 3) {
            out[i / 4 * 3] = (unsigned char)(word >> 16);
            out[i / 4 * 3 + 1] = (unsigned char)(word >> 8);
            out[i / 4 * 3 + 2] = (unsigned char)word;
        }
    }
    return out;
}

static uint32_t little32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static const char *replacement(const struct charsmap *c, const char *s, size_t n, size_t *length);

struct charsmap *charsmap_new(const char *base64, size_t n, const char **why)
{
    size_t n_bytes = 0;
    unsigned char *bytes = decode_base64(base64, n, &n_bytes);
    uint32_t trie_bytes = bytes && n_bytes >= 4 ? little32(bytes) : 0;
    *why = !bytes                                                      ? "it is not base64"
           : !trie_bytes || trie_bytes % 4 || trie_bytes > n_bytes - 4 ? "it is cut short"
           : utf8_check((char *)bytes + 4 + trie_bytes, n_bytes - 4 - trie_bytes) < n_bytes - 4 - trie_bytes
               ? "its replacements are not UTF-8"
               : NULL;
    if (*why) {
        free(bytes);
        return NULL;
    }
    struct charsmap *c = xcalloc(1, sizeof *c);
    c->n_unit = trie_bytes / 4;
    c->unit = xnew(c->n_unit, sizeof *c->unit);
    for (size_t i = 0; i < c->n_unit; i++)
        c->unit[i] = little32(bytes + 4 + 4 * i);
    c->n_text = n_bytes - 4 - trie_bytes;
    c->text = xstrndup((char *)bytes + 4 + trie_bytes, c->n_text);
    free(bytes);
    for (int i = 0; i < 128; i++) {
        char text = (char)i;
        size_t length;
        c->plain[i] = !replacement(c, &text, 1, &length);
    }
    return c;
}

void charsmap_free(struct charsmap *c)
{
    if (!c)
        return;
    free(c->unit);
    free(c->text);
    free(c);
}

/* ---- looking up */

static size_t unit_offset(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 0x200) >> 6);
}

/* What the shortest key that s[0..n-1] begins with is replaced by; NULL if there is none. */
static const char *replacement(const struct charsmap *c, const char *s, size_t n, size_t *length)
{
    size_t node = unit_offset(c->unit[0]);
    for (size_t i = 0; i < n && s[i]; i++) {
        node ^= (unsigned char)s[i];
        if (node >= c->n_unit || (c->unit[node] & 0x800000ff) != (unsigned char)s[i])
            return NULL;
        uint32_t unit = c->unit[node];
        node ^= unit_offset(unit);
        if (!(unit & 0x100))
            continue;
        size_t at = node < c->n_unit ? c->unit[node] & 0x7fffffff : c->n_text;
        if (at >= c->n_text || ((unsigned char)c->text[at] & 0xc0) == 0x80)
            return NULL;
        *length = strnlen(c->text + at, c->n_text - at);
        return c->text + at;
    }
    return NULL;
}

/* ---- grapheme clusters (Unicode Standard Annex 29) */

enum { PICTOGRAPHIC = 0x80 };

static void fill_breaks(void *context, uint32_t first, unsigned char page[256])
{
    (void)context;
    for (uint32_t i = 0; i < 256; i++) {
        UChar32 c = (UChar32)(first + i);
        page[i] = (unsigned char)u_getIntPropertyValue(c, UCHAR_GRAPHEME_CLUSTER_BREAK);
        if (u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC))
            page[i] |= PICTOGRAPHIC;
    }
}

/* Whether a cluster goes on from a character of class a to one of class b, as far as these two tell. */
static int joined(unsigned char a, unsigned char b)
{
    switch (b & ~PICTOGRAPHIC) {
    case U_GCB_EXTEND:
    case U_GCB_ZWJ:
    case U_GCB_SPACING_MARK:
        return a != U_GCB_CONTROL && a != U_GCB_CR && a != U_GCB_LF;
    case U_GCB_LF:
        return a == U_GCB_CR;
    case U_GCB_CONTROL:
    case U_GCB_CR:
        return 0;
    case U_GCB_L:
    case U_GCB_LV:
    case U_GCB_LVT:
        return a == U_GCB_L || a == U_GCB_PREPEND;
    case U_GCB_V:
        return a == U_GCB_L || a == U_GCB_LV || a == U_GCB_V || a == U_GCB_PREPEND;
    case U_GCB_T:
        return a == U_GCB_LV || a == U_GCB_V || a == U_GCB_LVT || a == U_GCB_T || a == U_GCB_PREPEND;
    default:
        return a == U_GCB_PREPEND;
    }
}

/* The end of the cluster that starts at byte i. Rule GB9c (Indic conjuncts) is left out: it joins characters
 * of three bytes, so that its clusters have 6 bytes or more either way. */
static size_t cluster_end(struct upages *breaks, const struct mtext *t, size_t i)
{
    size_t bytes;
    unsigned char a = upages_get(breaks, utf8_decode(t->s + i, &bytes)), b;
    int emoji = (a & PICTOGRAPHIC) != 0, flag = a == U_GCB_REGIONAL_INDICATOR, after_zwj = 0;
    for (i += bytes; i < t->n; i += bytes, a = b) {
        b = upages_get(breaks, utf8_decode(t->s + i, &bytes));
        int both_flags = flag && b == U_GCB_REGIONAL_INDICATOR;
        if (!joined(a, b) && !(emoji && after_zwj && (b & PICTOGRAPHIC)) && !both_flags)
            break;
        flag = a == U_GCB_PREPEND && b == U_GCB_REGIONAL_INDICATOR;
        after_zwj = b == U_GCB_ZWJ;
        emoji = (b & PICTOGRAPHIC) || (emoji && (b == U_GCB_EXTEND || after_zwj));
    }
    return i;
}

/* ---- */

void charsmap_work_clear(struct charsmap_work *w)
{
    upages_clear(&w->breaks);
}

/* What is written so far, and up to where of t that is. */
struct progress {
    const struct mtext *t;
    struct mbuf *out;
    size_t done;
    int changed;
};

static void put(struct progress *p, size_t from, size_t to, const char *s, size_t n)
{
    if (!p->changed)
        p->out->n = 0;
    p->changed = 1;
    mbuf_copy(p->out, p->t, p->done, from);
    mbuf_put(p->out, p->t, from, s, n);
    p->done = to;
}

int charsmap_apply(const struct charsmap *c, struct charsmap_work *w, const struct mtext *t, struct mbuf *out)
{
    enum { WHOLE_BELOW = 6 };
    struct progress p = { t, out, 0, 0 };
    size_t end, bytes, length;
    const char *by;
    w->breaks.fill = fill_breaks;
    for (size_t i = 0; i < t->n; i = end) {
        unsigned char u = (unsigned char)t->s[i], v = i + 1 < t->n ? (unsigned char)t->s[i + 1] : ' ';
        end = i + 1;
        if (u < 0x80 && v < 0x80 && v != '\n' && c->plain[u])
            continue;
        end = cluster_end(&w->breaks, t, i);
        if (end - i < WHOLE_BELOW && (by = replacement(c, t->s + i, end - i, &length))) {
            put(&p, i, end, by, length);
            continue;
        }
        for (size_t k = i; k < end; k += bytes) {
            utf8_decode(t->s + k, &bytes);
            if ((by = replacement(c, t->s + k, bytes, &length)))
                put(&p, k, k + bytes, by, length);
        }
    }
    if (p.changed)
        mbuf_copy(out, t, p.done, t->n);
    for (size_t i = 0; p.changed && i < out->n && (i == 0 || (out->s[i] & 0xc0) == 0x80); i++)
        out->at[i] = mtext_at(
            t, 0); /* the first character starts where the text does, whatever was in front of it */
    return p.changed;
}
