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

/* A block of the vocabulary, a chunk of rows, and a side against the first. */
struct block {
    const struct lm_side *side; /* the first */
    size_t from, n, vocab, n_vocab;
    const uint32_t *target;
    struct lm_score *score;       /* of the side */
    struct lm_contrast *contrast; /* of the side, or NULL */
    const float *z, *z_first;     /* [n][n_vocab] */
    double *old_max;              /* [CHUNK] the first side's before this block */
    double *e;                    /* [n][n_vocab] exp(z_first - the first side's max); NULL: not wanted */
};

/* Takes logits z of one row into s; into e, unless it is NULL, what they come to. */
static void take_logits(const float *z, size_t n, size_t vocab, uint32_t target, struct lm_score *s,
                        double *e)
{
    size_t top;
    double max = logits_max(z, n, &top);
    if (max > s->max || isnan(max)) {
        s->sum = s->sum > 0 ? s->sum * exp(s->max - max) : 0;
        s->max = max;
        s->top = (uint32_t)(vocab + top);
    }
    s->sum += e ? logits_keep_exp(z, n, s->max, e) : logits_sum_exp(z, n, s->max);
    if (target >= vocab && target - vocab < n)
        s->target = z[target - vocab];
}

static void take_rows(void *ctx, size_t task, int worker)
{
    const struct block *b = ctx;
    size_t end = (task + 1) * ROWS < b->n ? (task + 1) * ROWS : b->n;
    (void)worker;
    for (size_t i = task * ROWS; i < end; i++) {
        size_t row = b->from + i, at = i * b->n_vocab;
        const struct lm_score *p = &b->side->score[row];
        int is_first = b->z == b->z_first;
        if (is_first)
            b->old_max[i] = p->max;
        take_logits(b->z + at, b->n_vocab, b->vocab, b->target[row], &b->score[row],
                    is_first && b->e ? b->e + at : NULL);
        if (!b->contrast)
            continue;
        struct lm_contrast *c = &b->contrast[row];
        double rescale = exp(b->old_max[i] - p->max); /* 0 at first */
        c->difference = c->difference * rescale +
                        logits_sum_difference(b->e + at, b->z_first + at, b->z + at, b->n_vocab);
    }
}

static int have_same_head(const struct lm_side *a, const struct lm_side *b)
{
    return a->model == b->model && lm_model_same_head(a->model, a->variant, b->variant);
}

/* The heads of all sides for a block of the vocabulary into w[n_side], made ready once for all that have the
 * same: w[k] is then that of an earlier side. -1: *bad is the side that has none, w[*bad] NULL. */
static int open_heads(const struct lm_side *side, size_t n_side, size_t vocab, size_t n_vocab,
                      struct gemm_weight **w, size_t *bad)
{
    for (*bad = 0; *bad < n_side; ++*bad) {
        const struct lm_side *s = &side[*bad];
        size_t i = 0;
        while (i < *bad && !have_same_head(&side[i], s))
            i++;
        w[*bad] = i < *bad ? w[i] : lm_model_head_block(s->model, s->variant, vocab, n_vocab);
        if (!w[*bad])
            return -1;
    }
    return 0;
}

static void close_heads(struct gemm_weight **w, size_t n_side)
{
    for (size_t k = n_side; k--;) {
        size_t i = 0;
        while (w[i] != w[k])
            i++;
        if (i == k)
            gemm_weight_free(w[k]);
        w[k] = NULL;
    }
}

int lm_score_rows(const struct lm_side *side, size_t n_side, const uint32_t *target, size_t n,
                  struct lm_contrast *const *contrast, int n_thread, const struct lm_logits_tap *tap,
                  size_t *bad)
{
    size_t n_vocab = lm_model_config(side[0].model)->vocab_size;
    struct gemm_weight **w = xcalloc(n_side, sizeof *w);
    float *z[2] = { xaligned(CHUNK * VOCAB, sizeof **z), xaligned(CHUNK * VOCAB, sizeof **z) };
    double old_max[CHUNK], *e = n_side > 1 && contrast ? xaligned(CHUNK * VOCAB, sizeof *e) : NULL;
    int status = 0;
    for (size_t k = 0; k < n_side; k++) {
        for (size_t i = 0; i < n; i++)
            side[k].score[i] = (struct lm_score){ .max = -INFINITY };
        if (k && contrast)
            memset(contrast[k], 0, n * sizeof **contrast);
    }
    for (size_t vocab = 0; vocab < n_vocab && status == 0; vocab += VOCAB) {
        struct block b = {
            .side = side, .vocab = vocab, .target = target, .z_first = z[0], .old_max = old_max, .e = e
        };
        b.n_vocab = n_vocab - vocab < VOCAB ? n_vocab - vocab : VOCAB;
        status = open_heads(side, n_side, vocab, b.n_vocab, w, bad);
        for (b.from = 0; b.from < n && status == 0; b.from += CHUNK) {
            b.n = n - b.from < CHUNK ? n - b.from : CHUNK;
            for (size_t k = 0; k < n_side; k++) {
                size_t d = lm_model_config(side[k].model)->d_embed;
                b.z = z[k > 0];
                b.score = side[k].score;
                b.contrast = k && contrast ? contrast[k] : NULL;
                if (gemm_run(w[k], side[k].x + b.from * d, b.n, d, z[k > 0], b.n_vocab, NULL, 0, n_thread) <
                    0)
                    mem_out();
                if (tap)
                    tap->see(tap->ctx, k, b.from, b.n, vocab, b.n_vocab, b.z);
                threads_for(n_thread, (b.n + ROWS - 1) / ROWS, take_rows, &b);
            }
        }
        close_heads(w, n_side);
    }
    free(z[0]);
    free(z[1]);
    free(e);
    free(w);
    return status;
}
