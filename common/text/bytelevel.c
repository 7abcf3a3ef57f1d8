/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/bytelevel.h"
#include "base/utf8.h"

/* The bytes that have no printable letter in Latin-1 are those up to 32, 127 to 160, and 173. */
uint32_t bytelevel_letter(unsigned char byte)
{
    if (byte <= 32)
        return 0x100u + byte;
    if (byte >= 127 && byte <= 160)
        return 0x100u + 33 + (byte - 127u);
    return byte == 173 ? 0x143 : byte;
}

int bytelevel_byte(uint32_t c)
{
    if (c >= 0x100 && c <= 0x120)
        return (int)(c - 0x100);
    if (c > 0x120 && c < 0x143)
        return (int)(c - 0x121 + 127);
    if (c == 0x143)
        return 173;
    return c < 0x100 && bytelevel_letter((unsigned char)c) == c ? (int)c : -1;
}

void bytelevel_spell(const char *s, size_t n, struct strbuf *out)
{
    for (size_t i = 0; i < n; i++) {
        char text[4];
        strbuf_add(out, text, utf8_encode(bytelevel_letter((unsigned char)s[i]), text));
    }
}
