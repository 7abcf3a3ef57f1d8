/* sampler.h - which sequences a step of training sees.  Layer: lm.
 * Everything is a function of (seed, step): a run that is resumed draws what one that never stopped would.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_SAMPLER_H
#define LM_SAMPLER_H
#include "lm/forward.h"
#include <stdint.h>

/* The tokens of a language, its documents joined; borrowed. */
struct lm_stream {
    const uint32_t *id;
    size_t n; /* above the context */
    double bytes;
};

/* Sequences of `context` tokens, each begun at random in the stream of a language that is drawn with
 * probability bytes^(1 / temperature): 1 is the natural mix, infinity draws all languages alike. */
struct lm_sampler {
    const struct lm_stream *stream;
    size_t n_stream, context, n_seq;
    uint64_t seed;
    double *below;       /* [n_stream] cumulative probability */
    struct lm_text text; /* the batch, n_seq sequences */
    size_t *start;
    uint32_t *id, *target; /* [n_seq * context]; the token that follows each */
    uint32_t *lang;        /* [n_seq] which stream each is of */
};

/* stream is borrowed. */
void lm_sampler_init(struct lm_sampler *s, const struct lm_stream *stream, size_t n_stream, size_t context,
                     size_t n_seq, double temperature, uint64_t seed);
/* Fills text, target and lang with the batch of a step. */
void lm_sampler_draw(struct lm_sampler *s, uint64_t step);
void lm_sampler_clear(struct lm_sampler *s);

#endif
