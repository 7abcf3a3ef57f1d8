/* heldout.h - text that a training is checked on, by language.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_HELDOUT_H
#define LM_HELDOUT_H
#include "lm/trainer.h"
#include "lm/windows.h"

/* Starts as all zeros. Texts are read in windows of the context, as ppl reads them. */
struct lm_heldout {
    struct lm_windows windows;
    struct lm_batch batch; /* all windows */
    uint32_t *target;      /* [tokens of the batch] what follows each; UINT32_MAX where it is not predicted */
    uint32_t *target_bytes;
    float *nll;
    size_t *lang; /* [windows.n] */
    size_t lang_room;
};

/* Adds a text: tokens [first, first + n) of the array that lm_heldout_close is given, the first n_start of
 * which are not predicted. */
void lm_heldout_add(struct lm_heldout *h, size_t lang, size_t first, size_t n, size_t n_start,
                    size_t context);
/* Copies what was added from id, and the bytes of text that each token covers (0: not known). */
void lm_heldout_close(struct lm_heldout *h, const uint32_t *id, const uint32_t *bytes);

/* By language, of n_lang, the mean nll in nats a token and bits a byte, NaN where there is nothing; returns
 * the mean nll of all. */
double lm_heldout_score(struct lm_heldout *h, struct lm_trainer *t, size_t n_lang, double *nll,
                        double *bits_per_byte);
void lm_heldout_clear(struct lm_heldout *h);

#endif
