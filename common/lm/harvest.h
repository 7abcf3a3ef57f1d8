/* harvest.h - a model's activations, as they come, into what a plan wants of them.  Layer: lm.
 *
 * Tokens must come language after language, as they stand in the text; then the sums of one language, and of
 * one layer, are there at a time, and results go to a store when its last token has come. They do not
 * depend on the batches. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_HARVEST_H
#define LM_HARVEST_H
#include "lm/plan.h"
#include "lm/windows.h"

/* Of a window: its language; the first of its tokens that counts (those before were seen in the window before
 * it); and how many tokens its language has before that, as the plan counts them. */
struct lm_lane {
    size_t lang, n_seen;
    struct lm_count before;
};

struct lm_harvest;
/* All is borrowed. lane[] and count[] are of all windows and languages; `store` has room for the plan. */
struct lm_harvest *lm_harvest_new(const struct lm_plan *plan, const struct lm_config *c,
                                  const struct lm_wish *w, const struct lm_lane *lane,
                                  const struct lm_count *count, char *store, int n_thread);
void lm_harvest_free(struct lm_harvest *h);

/* Windows [from, end), with their tokens, are those that the model runs next; then what the model is to be
 * given to look into it. b is borrowed until the next call. */
void lm_harvest_batch(struct lm_harvest *h, size_t from, size_t end, const struct lm_batch *b);
struct lm_tap lm_harvest_tap(struct lm_harvest *h);

/* Of all windows, what rows are of: id[] is what the windows were cut from, line(text) the number of a
 * text's line. Nothing unless rows are wanted. */
void lm_harvest_tokens(struct lm_harvest *h, const struct lm_windows *w, const uint32_t *id,
                       uint32_t (*line)(size_t text));

#endif
