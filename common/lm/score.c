/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/score.h"
#include "base/mem.h"
#include "base/threads.h"
#include "math/logits.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    VOCAB = 2048, /* tokens of the vocabulary in a block */
    CHUNK = 512,  /* rows whose logits exist at a time */
    ROWS = 8      /* rows of one task */
};

double lm_score_nll(const struct lm_score *s)
{
    return log(s->sum) + s->max - s->target;
}

double lm_contrast_kl(const struct lm_contrast *c, const struct lm_score *p, const struct lm_score *q)
{
    return c->difference / p->sum - (log(p->sum) + p->max) + (log(q->sum) + q->max);
}

/* A block of the vocabulary and a chunk of rows. */
struct block {
    const struct lm_side *side;
    size_t n_side, from, n, vocab, n_vocab;
    const uint32_t *target;
    struct lm_contrast *const *contrast;
    float *const *z; /* [n_side][n][n_vocab] */
};

/* Takes logits z of one row into s. */
static void take_logits(const float *z, size_t n, size_t vocab, uint32_t target, struct lm_score *s)
{
    size_t top;
    double max = logits_max(z, n, &top);
    if (max > s->max || isnan(max)) {
        s->sum = s->sum > 0 ? s->sum * exp(s->max - max) : 0;
        s->max = max;
        s->top = (uint32_t)(vocab + top);
    }
    s->sum += logits_sum_exp(z, n, s->max);
    if (target >= vocab && target - vocab < n)
        s->target = z[target - vocab];
}

static void take_rows(void *ctx, size_t task, int worker)
{
    const struct block *b = ctx;
    size_t end = (task + 1) * ROWS < b->n ? (task + 1) * ROWS : b->n;
    (void)worker;
    for (size_t i = task * ROWS; i < end; i++) {
        size_t row = b->from + i;
        struct lm_score *p = &b->side[0].score[row];
        double old_max = p->max;
        for (size_t k = 0; k < b->n_side; k++)
            take_logits(b->z[k] + i * b->n_vocab, b->n_vocab, b->vocab, b->target[row],
                        &b->side[k].score[row]);
        for (size_t k = 1; b->contrast && k < b->n_side; k++) {
            struct lm_contrast *c = &b->contrast[k][row];
            double rescale = c->weight > 0 ? exp(old_max - p->max) : 0, weight;
            double difference = logits_sum_exp_difference(b->z[0] + i * b->n_vocab, b->z[k] + i * b->n_vocab,
                                                          b->n_vocab, p->max, &weight);
            c->difference = c->difference * rescale + difference;
            c->weight = c->weight * rescale + weight;
        }
    }
}

int lm_score_rows(const struct lm_side *side, size_t n_side, const uint32_t *target, size_t n,
                  struct lm_contrast *const *contrast, int n_thread, const struct lm_logits_tap *tap,
                  size_t *bad)
{
    size_t n_vocab = lm_model_config(side[0].model)->vocab_size;
    struct gemm_weight **w = xcalloc(n_side, sizeof *w);
    float **z = xcalloc(n_side, sizeof(*z));
    int status = 0;
    for (size_t k = 0; k < n_side; k++) {
        z[k] = xaligned(CHUNK * VOCAB, sizeof **z);
        for (size_t i = 0; i < n; i++)
            side[k].score[i] = (struct lm_score){ .max = -INFINITY };
        if (k && contrast)
            memset(contrast[k], 0, n * sizeof **contrast);
    }
    for (size_t vocab = 0; vocab < n_vocab && status == 0; vocab += VOCAB) {
        struct block b = {
            .side = side, .n_side = n_side, .vocab = vocab, .target = target, .contrast = contrast, .z = z
        };
        b.n_vocab = n_vocab - vocab < VOCAB ? n_vocab - vocab : VOCAB;
        for (*bad = 0; *bad < n_side && status == 0; ++*bad) {
            w[*bad] = lm_model_head_block(side[*bad].model, side[*bad].variant, vocab, b.n_vocab);
            if (!w[*bad]) {
                status = -1;
                break;
            }
        }
        for (b.from = 0; b.from < n && status == 0; b.from += CHUNK) {
            b.n = n - b.from < CHUNK ? n - b.from : CHUNK;
            for (size_t k = 0; k < n_side; k++) {
                size_t d = lm_model_config(side[k].model)->d_embed;
                if (gemm_run(w[k], side[k].x + b.from * d, b.n, d, z[k], b.n_vocab, NULL, 0, n_thread) < 0)
                    mem_out();
                if (tap)
                    tap->see(tap->ctx, k, b.from, b.n, vocab, b.n_vocab, z[k]);
            }
            threads_for(n_thread, (b.n + ROWS - 1) / ROWS, take_rows, &b);
        }
        for (size_t k = 0; k < n_side; k++) {
            gemm_weight_free(w[k]);
            w[k] = NULL;
        }
    }
    for (size_t k = 0; k < n_side; k++)
        free(z[k]);
    free(z);
    free(w);
    return status;
}
