/* words.h - words and scripts of a text, by ICU.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_WORDS_H
#define TEXT_WORDS_H
#include <stddef.h>
#include <stdint.h>

/* Word breaking of Unicode Standard Annex 29, with ICU's dictionaries where a script writes no spaces between
 * words: Thai, Lao, Khmer, Burmese, Chinese, Japanese. A word is a segment that holds a letter, a digit, kana
 * or an ideograph. One for each thread; NULL when ICU's data is not there. */
struct words;
struct words *words_new(void);
void words_free(struct words *w);

/* Starts on s[0..n-1] (UTF-8, borrowed). words_next gives the next word, bytes *start to *end - 1: 1, or 0.
 */
void words_start(struct words *w, const char *s, size_t n);
int words_next(struct words *w, size_t *start, size_t *end);

/* How often each script occurs in a text; starts as all zeros. */
enum { WORDS_MAX_SCRIPT = 256 };
struct words_scripts {
    uint64_t count[WORDS_MAX_SCRIPT]; /* characters, by ICU's number of the script */
};
void words_count_scripts(struct words_scripts *c, const char *s, size_t n);

/* The ISO 15924 code of the script with most characters, those that all scripts share (punctuation, digits,
 * marks) left out. Han with at least one kana to twenty characters is "Jpan"; nothing at all is "Zyyy". */
const char *words_script(const struct words_scripts *c);

#endif
