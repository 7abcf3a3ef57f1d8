/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"
#include <string.h>

size_t utf8_check(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t i = 0;
    while (i < n) {
        if (u[i] < 0x80) {
            uint64_t w;
            while (i + 8 <= n && (memcpy(&w, u + i, 8), !(w & 0x8080808080808080u)))
                i += 8;
            while (i < n && u[i] < 0x80)
                i++;
            continue;
        }
        size_t more = u[i] < 0xe0 ? 1 : u[i] < 0xf0 ? 2 : 3;
        if (u[i] < 0xc2 || u[i] > 0xf4 || n - i <= more)
            return i;
        unsigned low = u[i] == 0xe0 ? 0xa0 : u[i] == 0xf0 ? 0x90 : 0x80;
        unsigned high = u[i] == 0xed ? 0x9f : u[i] == 0xf4 ? 0x8f : 0xbf;
        if (u[i + 1] < low || u[i + 1] > high)
            return i;
        for (size_t k = 2; k <= more; k++)
            if ((u[i + k] & 0xc0) != 0x80)
                return i;
        i += more + 1;
    }
    return n;
}

size_t utf8_length(const char *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (s[i] & 0xc0) != 0x80;
    return count;
}

size_t utf8_encode(uint32_t c, char *s)
{
    if (c < 0x80)
        return s[0] = (char)c, 1;
    if (c < 0x800) {
        s[0] = (char)(0xc0 | c >> 6);
        return s[1] = (char)(0x80 | (c & 0x3f)), 2;
    }
    if (c < 0x10000) {
        s[0] = (char)(0xe0 | c >> 12);
        s[1] = (char)(0x80 | (c >> 6 & 0x3f));
        return s[2] = (char)(0x80 | (c & 0x3f)), 3;
    }
    s[0] = (char)(0xf0 | c >> 18);
    s[1] = (char)(0x80 | (c >> 12 & 0x3f));
    s[2] = (char)(0x80 | (c >> 6 & 0x3f));
    return s[3] = (char)(0x80 | (c & 0x3f)), 4;
}
