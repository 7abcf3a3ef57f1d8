/* utf8.h - is it UTF-8, and what code points.  Layer: base.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include <stddef.h>
#include <stdint.h>

/* The offset of the first byte of s[0..n-1] that starts no well-formed UTF-8 sequence (Unicode 15, table 3-7:
 * no surrogates, nothing overlong, nothing above U+10FFFF); n when all is well. */
size_t utf8_check(const char *s, size_t n);

/* Code points in well-formed UTF-8. */
size_t utf8_length(const char *s, size_t n);

/* The code point at s, which must be well-formed; *bytes is its length, 1 to 4. */
static inline uint32_t utf8_decode(const char *s, size_t *bytes)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0x80)
        return *bytes = 1, u[0];
    if (u[0] < 0xe0)
        return *bytes = 2, (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
    if (u[0] < 0xf0)
        return *bytes = 3, (u[0] & 0xfu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
    return *bytes = 4, (u[0] & 7u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
}

/* Writes code point c at s (room for 4 bytes); returns its length. */
size_t utf8_encode(uint32_t c, char *s);

#endif
