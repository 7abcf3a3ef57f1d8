/* uchars.h - kinds of characters, as Rust's standard library and regex crate tell them apart.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_UCHARS_H
#define TEXT_UCHARS_H
#include <stdint.h>
#include <unicode/uchar.h>

/* White_Space. */
static inline int uchars_is_space(uint32_t c)
{
    return u_isUWhiteSpace((UChar32)c);
}

/* \w of Unicode Technical Standard 18. */
static inline int uchars_is_word(uint32_t c)
{
    return (U_GET_GC_MASK((UChar32)c) & (U_GC_L_MASK | U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) ||
           u_hasBinaryProperty((UChar32)c, UCHAR_ALPHABETIC) ||
           u_hasBinaryProperty((UChar32)c, UCHAR_JOIN_CONTROL);
}

/* Nd, Nl, No. */
static inline int uchars_is_numeric(uint32_t c)
{
    return (U_GET_GC_MASK((UChar32)c) & U_GC_N_MASK) != 0;
}

/* Punctuation of Unicode, and ASCII's, which has symbols among it. */
static inline int uchars_is_punctuation(uint32_t c)
{
    int ascii = (c > 32 && c < 48) || (c > 57 && c < 65) || (c > 90 && c < 97) || (c > 122 && c < 127);
    return ascii || (U_GET_GC_MASK((UChar32)c) & U_GC_P_MASK);
}

#endif
