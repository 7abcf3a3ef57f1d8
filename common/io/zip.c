/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/zip.h"
#include "base/mem.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lengths of the fixed parts of an archive's records. */
enum { LOCAL = 30, CENTRAL = 46, END = 22, END64 = 56, LOCATOR64 = 20, COMMENT_MAX = 0xffff };
enum { ZIP64_EXTRA = 1, STORED = 0, ENCRYPTED = 1 };

static int refuse(char why[ZIP_WHY_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char why[ZIP_WHY_MAX], const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, ZIP_WHY_MAX, format, ap);
    va_end(ap);
    return -1;
}

static uint64_t number(const unsigned char *p, int n_byte)
{
    uint64_t v = 0;
    while (n_byte--)
        v = v << 8 | p[n_byte];
    return v;
}

int zip_is_magic(const void *head, size_t n)
{
    return n >= 4 && !memcmp(head, "PK\3\4", 4);
}

/* ---- the end record, and what it says of the directory */

struct directory {
    uint64_t at, n_byte, n_entry;
};

static const unsigned char *find_end(const unsigned char *bytes, size_t n)
{
    for (size_t behind = END; behind <= n && behind <= END + COMMENT_MAX; behind++) {
        const unsigned char *p = bytes + (n - behind);
        if (!memcmp(p, "PK\5\6", 4) && number(p + 20, 2) == behind - END)
            return p;
    }
    return NULL;
}

static int read_end(const unsigned char *bytes, size_t n, struct directory *d, char why[ZIP_WHY_MAX])
{
    const unsigned char *end = find_end(bytes, n);
    if (!end)
        return refuse(why, "truncated, or no zip archive: it has no end record");
    size_t limit = (size_t)(end - bytes);
    *d = (struct directory){ number(end + 16, 4), number(end + 12, 4), number(end + 10, 2) };
    if (limit >= LOCATOR64 && !memcmp(end - LOCATOR64, "PK\6\7", 4)) {
        uint64_t at = number(end - LOCATOR64 + 8, 8);
        limit -= LOCATOR64;
        if (limit < END64 || at > limit - END64 || memcmp(bytes + at, "PK\6\6", 4) != 0)
            return refuse(why, "corrupt: the zip64 end record is not where its locator points");
        limit = (size_t)at;
        *d = (struct directory){ number(bytes + at + 48, 8), number(bytes + at + 40, 8),
                                 number(bytes + at + 32, 8) };
    }
    if (d->at > limit || d->n_byte > limit - d->at)
        return refuse(why, "truncated, or corrupt: its directory lies outside the file");
    if (d->n_entry > d->n_byte / CENTRAL)
        return refuse(why, "corrupt: its directory is too small for %llu entries",
                      (unsigned long long)d->n_entry);
    return 0;
}

/* ---- the directory */

/* Replaces the values that did not fit 32 bits by those of the zip64 extra field: 0; -1 if they are not
 * there. */
static int read_zip64(const unsigned char *extra, size_t n, uint64_t *const value[3])
{
    for (; n >= 4; n -= 4 + number(extra + 2, 2), extra += 4 + number(extra + 2, 2)) {
        size_t length = number(extra + 2, 2);
        if (length > n - 4)
            return -1;
        if (number(extra, 2) != ZIP64_EXTRA)
            continue;
        const unsigned char *p = extra + 4, *end = p + length;
        for (int i = 0; i < 3; i++)
            if (*value[i] == UINT32_MAX) {
                if (end - p < 8)
                    return -1;
                *value[i] = number(p, 8);
                p += 8;
            }
        return 0;
    }
    for (int i = 0; i < 3; i++)
        if (*value[i] == UINT32_MAX)
            return -1;
    return 0;
}

/* The entry that the directory describes at p, `left` bytes before its end; its record's length, 0 with a
 * reason in why. */
static size_t read_entry(struct zip_entry *e, const unsigned char *p, size_t left, const unsigned char *bytes,
                         size_t n, char why[ZIP_WHY_MAX])
{
    if (left < CENTRAL || memcmp(p, "PK\1\2", 4) != 0)
        return refuse(why, "corrupt: its directory breaks off"), 0;
    size_t n_name = number(p + 28, 2), n_extra = number(p + 30, 2),
           length = CENTRAL + n_name + n_extra + number(p + 32, 2);
    uint64_t raw = number(p + 24, 4), packed = number(p + 20, 4), at = number(p + 42, 4);
    if (length > left || read_zip64(p + CENTRAL + n_name, n_extra, (uint64_t *[]){ &raw, &packed, &at }) < 0)
        return refuse(why, "corrupt: its directory breaks off"), 0;
    *e = (struct zip_entry){ .name = (const char *)p + CENTRAL, .n_name = n_name };
    int shown = n_name < 100 ? (int)n_name : 100;
    if (number(p + 8, 2) & ENCRYPTED)
        return refuse(why, "'%.*s' is encrypted", shown, e->name), 0;
    if (number(p + 10, 2) != STORED || raw != packed)
        return refuse(why, "'%.*s' is compressed, which torch.save does not do", shown, e->name), 0;
    if (at > n || n - at < LOCAL || memcmp(bytes + at, "PK\3\4", 4) != 0)
        return refuse(why, "corrupt: '%.*s' is not where the directory says", shown, e->name), 0;
    at += LOCAL + number(bytes + at + 26, 2) + number(bytes + at + 28, 2);
    if (at > n || raw > n - at)
        return refuse(why, "truncated: '%.*s' reaches past the end of the file", shown, e->name), 0;
    e->data = bytes + at;
    e->n = (size_t)raw;
    return length;
}

static int compare_names(const char *a, size_t n_a, const char *b, size_t n_b)
{
    int order = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return order ? order : (n_a > n_b) - (n_a < n_b);
}

static int compare_entries(const void *a, const void *b)
{
    const struct zip_entry *p = a, *q = b;
    return compare_names(p->name, p->n_name, q->name, q->n_name);
}

int zip_parse(struct zip *z, const void *bytes, size_t n, char why[ZIP_WHY_MAX])
{
    struct directory d = { 0 };
    *z = (struct zip){ 0 };
    if (read_end(bytes, n, &d, why) < 0)
        return -1;
    const unsigned char *p = (const unsigned char *)bytes + d.at;
    size_t left = (size_t)d.n_byte;
    z->entry = xnew((size_t)d.n_entry, sizeof *z->entry);
    for (; z->n < d.n_entry; z->n++) {
        size_t length = read_entry(&z->entry[z->n], p, left, bytes, n, why);
        if (!length)
            goto bad;
        p += length;
        left -= length;
    }
    qsort(z->entry, z->n, sizeof *z->entry, compare_entries);
    for (size_t i = 1; i < z->n; i++)
        if (!compare_entries(&z->entry[i - 1], &z->entry[i])) {
            refuse(why, "corrupt: '%.*s' is in it twice",
                   z->entry[i].n_name < 100 ? (int)z->entry[i].n_name : 100, z->entry[i].name);
            goto bad;
        }
    return 0;
bad:
    zip_clear(z);
    return -1;
}

void zip_clear(struct zip *z)
{
    free(z->entry);
    *z = (struct zip){ 0 };
}

const struct zip_entry *zip_find(const struct zip *z, const char *name, size_t n_name)
{
    const struct zip_entry key = { .name = name, .n_name = n_name };
    return z->n ? bsearch(&key, z->entry, z->n, sizeof *z->entry, compare_entries) : NULL;
}
