/* onig.h - regular expressions of tokenizer.json, in the words of PCRE2.  Layer: text.
 *
 * Hugging Face's library hands them to Oniguruma with Ruby's syntax, in which the same letters mean other
 * things: \s is Unicode's White_Space (PCRE2's also has U+180E), \h is a hexadecimal digit, ^ and $ stand at
 * every line, (?m) lets the dot match line feeds, {,3} counts from 0, {2}+ is a repetition of a repetition,
 * \p{Han} is the script without its extensions, and classes nest and intersect: [a[bc]], [\p{L}&&[^a-z]].
 * Which code points each class holds was compared, one by one, with the library's.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_ONIG_H
#define TEXT_ONIG_H
#include "text/strbuf.h"

/* Appends to `out` the PCRE2 pattern (for PCRE2_UTF and PCRE2_UCP) that matches what pattern[0..n-1], which
 * must be UTF-8, matches in Oniguruma. Groups capture nothing. Returns 0; or -1 and a reason, a literal, when
 * something in it has no translation (back references, \G, \X, callouts, conditions). */
int onig_translate(const char *pattern, size_t n, struct strbuf *out, const char **why);

#endif
