/* nform.h - Unicode's normalisation forms.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_NFORM_H
#define TEXT_NFORM_H
#include "text/mtext.h"
#include "text/upages.h"

enum nform { NFORM_C, NFORM_D, NFORM_KC, NFORM_KD, NFORM_N };

/* What one thread knows about code points, for each form; starts as all zeros. */
struct nform_work {
    struct upages quick[NFORM_N];
    uint16_t *wide; /* text in UTF-16, for ICU */
    uint16_t *changed;
    char *narrow;
    size_t wide_room, changed_room, narrow_room;
};
void nform_work_clear(struct nform_work *w);

/* The text in a form (Unicode Standard Annex 15): 0 when t is in that form already, and then nothing is
 * written; else 1, and the text is in *out, which is emptied first. Only stretches that need it go through
 * ICU. */
int nform_apply(enum nform form, struct nform_work *w, const struct mtext *t, struct mbuf *out);

#endif
