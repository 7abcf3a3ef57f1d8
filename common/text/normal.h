/* normal.h - normalisers: a text is changed before it is cut.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_NORMAL_H
#define TEXT_NORMAL_H
#include "text/charsmap.h"
#include "text/mtext.h"
#include "text/nform.h"
#include "text/regex.h"

enum normal_kind {
    NORMAL_FORM,       /* NFC, NFD, NFKC, NFKD */
    NORMAL_CHARSMAP,   /* Precompiled */
    NORMAL_REPLACE,    /* matches of `regex`, or `text`, by `content` */
    NORMAL_PREPEND,    /* `content` in front of a text that is not empty */
    NORMAL_STRIP,      /* white space off the ends */
    NORMAL_NO_MARKS,   /* StripAccents: combining marks left out (M) */
    NORMAL_NO_ACCENTS, /* those that take no room only (Mn), as BERT does */
    NORMAL_LOWERCASE,  /* each character by itself */
    NORMAL_CLEAN,      /* BERT: control characters left out, white space to spaces */
    NORMAL_CHINESE,    /* BERT: spaces around ideographs */
    NORMAL_NMT,        /* control characters left out, some blanks to spaces */
    NORMAL_SPELL       /* ByteLevel: bytes to the letters of bytelevel.h */
};

struct normal {
    enum normal_kind kind;
    enum nform form;
    struct charsmap *charsmap; /* owned, as is what follows */
    struct regex *regex;
    char *text, *content; /* not NUL-ended */
    size_t n_text, n_content;
    int left, right; /* STRIP: which ends */
};

/* Scratch of one thread; starts as all zeros. */
struct normal_work {
    struct mbuf buffer[2];
    struct nform_work form;
    struct charsmap_work charsmap;
    struct regex_work *regex;
};

void normal_clear(struct normal *p);
void normal_work_clear(struct normal_work *w);

/* Runs n steps on t; *out is borrowed from t or *w until the next call. Returns 0; or -1 when a regex takes
 * too many steps or the text grows beyond 2 GiB. */
int normal_run(const struct normal *p, size_t n, struct normal_work *w, const struct mtext *t,
               struct mtext *out);

#endif
