/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/words.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <stdlib.h>
#include <unicode/ubrk.h>
#include <unicode/uscript.h>
#include <unicode/utext.h>

struct words {
    UBreakIterator *breaks;
    UText *text;
};

struct words *words_new(void)
{
    UErrorCode error = U_ZERO_ERROR;
    struct words *w = xcalloc(1, sizeof *w);
    w->breaks = ubrk_open(UBRK_WORD, "", NULL, 0, &error);
    if (U_SUCCESS(error))
        return w;
    free(w);
    return NULL;
}

void words_free(struct words *w)
{
    if (!w)
        return;
    ubrk_close(w->breaks);
    utext_close(w->text);
    free(w);
}

void words_start(struct words *w, const char *s, size_t n)
{
    UErrorCode error = U_ZERO_ERROR;
    w->text = utext_openUTF8(w->text, s, (int64_t)n, &error);
    ubrk_setUText(w->breaks, w->text, &error);
    ubrk_first(w->breaks);
}

int words_next(struct words *w, size_t *start, size_t *end)
{
    for (;;) {
        int32_t from = ubrk_current(w->breaks), to = ubrk_next(w->breaks);
        if (to == UBRK_DONE)
            return 0;
        if (ubrk_getRuleStatus(w->breaks) < UBRK_WORD_NONE_LIMIT)
            continue;
        *start = (size_t)from;
        *end = (size_t)to;
        return 1;
    }
}

void words_count_scripts(struct words_scripts *c, const char *s, size_t n)
{
    size_t bytes;
    for (size_t i = 0; i < n; i += bytes) {
        UErrorCode error = U_ZERO_ERROR;
        UScriptCode script = uscript_getScript((UChar32)utf8_decode(s + i, &bytes), &error);
        if (U_SUCCESS(error) && script >= 0 && (int)script < WORDS_MAX_SCRIPT)
            c->count[script]++;
    }
}

const char *words_script(const struct words_scripts *c)
{
    uint64_t kana = c->count[USCRIPT_HIRAGANA] + c->count[USCRIPT_KATAKANA],
             han = c->count[USCRIPT_HAN] + kana, most = 0;
    int best = USCRIPT_COMMON;
    for (int i = 0; i < WORDS_MAX_SCRIPT; i++) {
        uint64_t n = i == USCRIPT_HAN ? han : c->count[i];
        if (i != USCRIPT_COMMON && i != USCRIPT_INHERITED && i != USCRIPT_UNKNOWN && n > most) {
            most = n;
            best = i;
        }
    }
    if (best == USCRIPT_HAN && kana * 20 >= han)
        return "Jpan";
    return uscript_getShortName((UScriptCode)best);
}
