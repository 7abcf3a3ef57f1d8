/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/nform.h"
#include "base/utf8.h"
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

/* About a code point: its canonical combining class if its quick check says yes, else this. */
enum { NOT_QUICK = 255 };

static const UProperty quick_checks[NFORM_N] = { UCHAR_NFC_QUICK_CHECK, UCHAR_NFD_QUICK_CHECK,
                                                 UCHAR_NFKC_QUICK_CHECK, UCHAR_NFKD_QUICK_CHECK };

static void fill_quick(void *context, uint32_t first, unsigned char page[256])
{
    const UProperty *check = context;
    for (uint32_t i = 0; i < 256; i++) {
        UChar32 c = (UChar32)(first + i);
        page[i] = u_getIntPropertyValue(c, *check) == UNORM_YES ? u_getCombiningClass(c) : NOT_QUICK;
    }
}

static const UNormalizer2 *icu_form(enum nform form)
{
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *forms[NFORM_N] = { unorm2_getNFCInstance(&error), unorm2_getNFDInstance(&error),
                                           unorm2_getNFKCInstance(&error), unorm2_getNFKDInstance(&error) };
    return forms[form];
}

void nform_work_clear(struct nform_work *w)
{
    for (int i = 0; i < NFORM_N; i++)
        upages_clear(&w->quick[i]);
    free(w->wide);
    free(w->changed);
    free(w->narrow);
    *w = (struct nform_work){ 0 };
}

/* How many code points c becomes before marks are put in order and composed. */
static int32_t n_decomposed(enum nform form, uint32_t c)
{
    UErrorCode error = U_ZERO_ERROR;
    UChar text[32];
    int32_t n = form == NFORM_C || form == NFORM_KC
                    ? -1
                    : unorm2_getDecomposition(icu_form(form), (UChar32)c, text, 32, &error);
    return n < 0 ? 1 : u_countChar32(text, n);
}

/* Appends bytes from..to-1 of t, normalised by ICU. No code point becomes more than 18 units (Unicode
 * Standard Annex 15, section 12). Where a code point came from is told by counting, which marks that change
 * places upset. */
static void through_icu(enum nform form, struct nform_work *w, const struct mtext *t, size_t from, size_t to,
                        struct mbuf *out)
{
    UErrorCode error = U_ZERO_ERROR;
    int32_t n_wide, n_changed, n_narrow = 0, n_due = 0;
    xgrow(&w->wide, &w->wide_room, to - from, sizeof *w->wide);
    xgrow(&w->changed, &w->changed_room, (to - from) * 18, sizeof *w->changed);
    u_strFromUTF8((UChar *)w->wide, (int32_t)w->wide_room, &n_wide, t->s + from, (int32_t)(to - from),
                  &error);
    n_changed = unorm2_normalize(icu_form(form), (const UChar *)w->wide, n_wide, (UChar *)w->changed,
                                 (int32_t)w->changed_room, &error);
    xgrow(&w->narrow, &w->narrow_room, (size_t)n_changed * 3, 1);
    u_strToUTF8(w->narrow, (int32_t)w->narrow_room, &n_narrow, (const UChar *)w->changed, n_changed, &error);
    if (U_FAILURE(error)) /* the text is well-formed and the buffers are large enough */
        mem_out();
    size_t bytes, source = from, next = from;
    for (size_t i = 0; i < (size_t)n_narrow; i += bytes, n_due--) {
        if (n_due == 0 && next < to) {
            source = next;
            n_due = n_decomposed(form, utf8_decode(t->s + source, &bytes));
            next += bytes;
        }
        utf8_decode(w->narrow + i, &bytes);
        mbuf_put(out, t, source, w->narrow + i, bytes);
    }
}

/* A stretch that may not be in the form: from the last character in front of byte i that nothing can join, to
 * the next such one. */
int nform_apply(enum nform form, struct nform_work *w, const struct mtext *t, struct mbuf *out)
{
    struct upages *pages = &w->quick[form];
    pages->fill = fill_quick;
    pages->context = (void *)(uintptr_t)&quick_checks[form];
    size_t bytes, firm = 0, done = 0; /* the last such character; what has been written */
    unsigned char last = 0;
    int changed = 0;
    for (size_t i = 0; i < t->n; i += bytes) {
        if ((unsigned char)t->s[i] < 0x80) { /* in every form, and nothing but what follows can touch it */
            firm = i;
            bytes = 1;
            last = 0;
            continue;
        }
        unsigned char c = upages_get(pages, utf8_decode(t->s + i, &bytes));
        if (c == 0)
            firm = i;
        if (c == NOT_QUICK || (c && c < last)) {
            size_t end = i + bytes, next;
            while (end < t->n && upages_get(pages, utf8_decode(t->s + end, &next)) != 0)
                end += next;
            if (!changed)
                out->n = 0;
            changed = 1;
            mbuf_copy(out, t, done, firm);
            through_icu(form, w, t, firm, end, out);
            done = firm = end;
            bytes = end - i;
            c = 0;
        }
        last = c;
    }
    if (changed)
        mbuf_copy(out, t, done, t->n);
    return changed;
}
