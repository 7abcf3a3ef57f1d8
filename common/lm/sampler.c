/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/sampler.h"
#include "base/mem.h"
#include "base/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void lm_sampler_init(struct lm_sampler *s, const struct lm_stream *stream, size_t n_stream, size_t context,
                     size_t n_seq, double temperature, uint64_t seed)
{
    double most = 1, sum = 0;
    *s = (struct lm_sampler){
        .stream = stream, .n_stream = n_stream, .context = context, .n_seq = n_seq, .seed = seed
    };
    s->below = xnew(n_stream, sizeof *s->below);
    for (size_t i = 0; i < n_stream; i++)
        most = fmax(most, stream[i].bytes);
    for (size_t i = 0; i < n_stream; i++)
        s->below[i] = sum += pow(stream[i].bytes / most, 1 / temperature);
    for (size_t i = 0; i < n_stream; i++)
        s->below[i] /= sum;
    s->start = xnew(n_seq + 1, sizeof *s->start);
    for (size_t i = 0; i <= n_seq; i++)
        s->start[i] = i * context;
    s->id = xnew(n_seq, context * sizeof *s->id);
    s->target = xnew(n_seq, context * sizeof *s->target);
    s->lang = xnew(n_seq, sizeof *s->lang);
    s->text = (struct lm_text){ n_seq, s->start, s->id };
}

void lm_sampler_draw(struct lm_sampler *s, uint64_t step)
{
    enum { DRAWS = 1 << 30 }; /* streams of random numbers below this are the parameters' */
    struct rng r;
    rng_init(&r, s->seed, DRAWS + step);
    for (size_t i = 0; i < s->n_seq; i++) {
        double u = rng_unit(&r);
        size_t lang = 0;
        while (lang + 1 < s->n_stream && u >= s->below[lang])
            lang++;
        const struct lm_stream *from = &s->stream[lang];
        const uint32_t *first = from->id + rng_below(&r, (uint32_t)(from->n - s->context));
        memcpy(s->id + i * s->context, first, s->context * sizeof *first);
        memcpy(s->target + i * s->context, first + 1, s->context * sizeof *first);
        s->lang[i] = (uint32_t)lang;
    }
}

void lm_sampler_clear(struct lm_sampler *s)
{
    free(s->below);
    free(s->start);
    free(s->id);
    free(s->target);
    free(s->lang);
    *s = (struct lm_sampler){ 0 };
}
