/* windows.h - texts cut into what a model reads at once, as many as fit into memory.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_WINDOWS_H
#define LM_WINDOWS_H
#include "lm/forward.h"

/* Tokens id[first .. first + n - 1] of text `text`, read from position 0 on. Those from index `score` on (1
 * at least) are predicted here; those before have been, or cannot be. */
struct lm_window {
    size_t text, first, n, score;
};

struct lm_windows {
    struct lm_window *w;
    size_t n, room;
};

/* How many tokens a model is to see at once: `wanted`, or if that is 0 the usual number, 2048 or what the
 * model was made for if that is less. 0 if it has fewer positions than are wanted (lm_forward_longest). */
size_t lm_windows_context(const struct lm_config *c, size_t wanted);

/* Cuts a text of n tokens, of which n_start are no part of it, into windows of up to `context` that begin
 * `stride` apart, 1 <= stride <= context: each of its tokens is predicted once, in the first window that has
 * it and something before it; with stride = context the first of a window but the first is not. full_only
 * leaves out a last window that is shorter, as the protocol of GPTQ's authors does. */
void lm_windows_cut(struct lm_windows *w, size_t text, size_t first, size_t n, size_t n_start, size_t context,
                    size_t stride, int full_only);
/* The same less the windows at the text's end that predict nothing; returns how many tokens are predicted. */
size_t lm_windows_cut_scored(struct lm_windows *w, size_t text, size_t first, size_t n, size_t n_start,
                             size_t context, size_t stride, int full_only);
void lm_windows_clear(struct lm_windows *w);
size_t lm_windows_longest(const struct lm_windows *w);

/* The windows [from, end) as sequences, ids copied. Begin with zeros. */
struct lm_batch {
    struct lm_text text;
    size_t *start;
    uint32_t *id;
    size_t start_room, id_room;
};
void lm_batch_fill(struct lm_batch *b, const struct lm_windows *w, size_t from, size_t end,
                   const uint32_t *id);
void lm_batch_clear(struct lm_batch *b);

/* The tokens that windows [from, end), which fill b, predict. Begin with zeros. */
struct lm_targets {
    size_t n;
    size_t *row;     /* [n] of the batch, that of the token before it */
    size_t *index;   /* [n] of the token in id[] */
    size_t *text;    /* [n] */
    uint32_t *token; /* [n] */
    size_t room, index_room, text_room, token_room;
};
void lm_targets_fill(struct lm_targets *t, const struct lm_windows *w, size_t from, size_t end,
                     const struct lm_batch *b, const uint32_t *id);
void lm_targets_clear(struct lm_targets *t);
/* Of the batch's rows x[.][d] those that predict something, moved together. */
void lm_targets_compact(const struct lm_targets *t, float *x, size_t d);

/* The end of the batch that begins with window `from` and has at most n_token tokens, or one window. */
size_t lm_batch_end(const struct lm_windows *w, size_t from, size_t n_token);

#endif
