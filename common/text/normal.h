/* normal.h - normalisers: a text is changed before it is cut.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_NORMAL_H
#define TEXT_NORMAL_H
#include "text/mtext.h"
#include "text/regex.h"

enum normal_kind { NORMAL_NFC };

struct normal {
    enum normal_kind kind;
};

struct normal_work {
    struct mbuf buffer[2];
};

void normal_clear(struct normal *p);
void normal_work_clear(struct normal_work *w);

/* Runs n steps on t; *out is borrowed from t or *w until the next call. */
int normal_run(const struct normal *p, size_t n, struct normal_work *w, const struct mtext *t,
               struct mtext *out);

#endif
