/* bytelevel.h - the alphabet in which byte-level models spell bytes.  Layer: text.
 * Radford et al. 2019 (GPT-2): a printable byte of Latin-1 is the letter of its own code point; the 68
 * others, in order, are U+0100 to U+0143 (the space is U+0120). SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_BYTELEVEL_H
#define TEXT_BYTELEVEL_H
#include "text/strbuf.h"
#include <stdint.h>

/* The code point that spells a byte, and back: -1 when c spells none. */
uint32_t bytelevel_letter(unsigned char byte);
int bytelevel_byte(uint32_t c);

/* Appends the spelling of s[0..n-1]. */
void bytelevel_spell(const char *s, size_t n, struct strbuf *out);

#endif
