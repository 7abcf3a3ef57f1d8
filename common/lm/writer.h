/* writer.h - models that write on where prompts end, all prompts a token at a time.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_WRITER_H
#define LM_WRITER_H
#include "lm/model.h"
#include "math/choose.h"

/* Tokens id[0..n-1], n >= 1, borrowed. Its random numbers are stream number `stream` of the seed. */
struct lm_prompt {
    const uint32_t *id;
    size_t n;
    uint64_t stream;
};

/* What a model wrote behind a prompt. */
struct lm_written {
    uint32_t *id; /* [n], the caller's to free; the token that ended it is the last */
    size_t n;
    int ended;  /* by that token, else by length */
    double nll; /* of all n, in nats: by the model's own probabilities, whatever they were chosen by */
};

struct lm_writer {
    struct lm_model *model; /* that keeps its parts */
    size_t n_variant;       /* variants 0 .. n_variant - 1 write, each on its own */
    size_t n_token;         /* at most, 1 or more */
    long stop;              /* the token behind which nothing comes; -1: none */
    struct choose how;
    uint64_t seed;
    int n_thread;
    void (*step_done)(size_t step, size_t n_step); /* NULL: nothing to tell */
};

/* Memory that a prompt of n tokens takes while it is written on, by all variants. */
size_t lm_writer_bytes(const struct lm_writer *w, size_t n);

/* Writes on behind n prompts, each as if it were alone: written[n_variant][n] is the caller's. One step takes
 * all through the model. Variants that are given the same random numbers choose alike as long as their
 * probabilities are. A prompt and n_token - 1 tokens are no longer than the model allows
 * (lm_forward_longest). 0; -1: see lm_model_error; -2: logits of prompt *bad are not finite. On an error
 * nothing is to be freed. */
int lm_writer_run(const struct lm_writer *w, const struct lm_prompt *prompt, size_t n,
                  struct lm_written *written, size_t *bad);

#endif
