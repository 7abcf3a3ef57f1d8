/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/writer.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/threads.h"
#include "lm/run.h"
#include "lm/score.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A variant's side. */
struct side {
    struct lm_run run;
    struct lm_memory *memory;
    float *last;            /* [n][d_embed] the final row of each prompt's last token */
    float *logits;          /* [n][vocab_size] of what comes behind it */
    struct lm_score *score; /* [n] of these */
    struct lm_written *written;
};

struct job {
    const struct lm_writer *w;
    const struct lm_config *config;
    const struct lm_prompt *prompt;
    size_t n;
    struct side *side; /* [n_variant] */
    struct rng *rng;   /* [n] */
    uint64_t *key;     /* [n] the step's */
    uint32_t *work;    /* [n_thread][vocab_size] */
    size_t *start;     /* [n + 1] a step's text */
    uint32_t *id;
    atomic_size_t bad; /* the first prompt whose logits are not finite; n: none */
};

size_t lm_writer_bytes(const struct lm_writer *w, size_t n)
{
    const struct lm_config *c = lm_model_config(w->model);
    size_t of_memory = (n + w->n_token) * lm_memory_token_bytes(c);
    return w->n_variant * (of_memory + (n * lm_config_width(c) + c->d_embed + c->vocab_size) * sizeof(float));
}

/* ---- a step of one side */

/* What it reads next of each prompt: at first the prompt, then what it wrote last, nothing once that has come
 * to its end. */
static struct lm_text next_text(const struct job *j, const struct side *s, int is_first)
{
    size_t n = 0;
    for (size_t i = 0; i < j->n; i++) {
        const struct lm_prompt *p = &j->prompt[i];
        const struct lm_written *t = &s->written[i];
        j->start[i] = n;
        if (is_first) {
            memcpy(j->id + n, p->id, p->n * sizeof *p->id);
            n += p->n;
        } else if (!t->ended) {
            j->id[n++] = t->id[t->n - 1];
        }
    }
    j->start[j->n] = n;
    return (struct lm_text){ j->n, j->start, j->id };
}

static int read_on(const struct job *j, struct side *s, int is_first)
{
    struct lm_text text = next_text(j, s, is_first);
    size_t d = j->config->d_embed, bad;
    if (!j->start[j->n])
        return 0;
    if (lm_run_batch(&s->run, 1, &text, NULL, &bad) < 0)
        return -1;
    for (size_t i = 0; i < j->n; i++)
        if (j->start[i + 1] > j->start[i])
            memcpy(s->last + i * d, s->run.x + (j->start[i + 1] - 1) * d, d * sizeof *s->last);
    return 0;
}

/* ---- a step of all */

static void see_logits(void *ctx, size_t side, size_t from, size_t n, size_t vocab, size_t n_vocab,
                       const float *z)
{
    const struct job *j = ctx;
    size_t size = j->config->vocab_size;
    for (size_t i = 0; i < n; i++)
        memcpy(j->side[side].logits + (from + i) * size + vocab, z + i * n_vocab, n_vocab * sizeof *z);
}

static void note_bad(struct job *j, size_t i)
{
    size_t known = atomic_load(&j->bad);
    while (i < known && !atomic_compare_exchange_weak(&j->bad, &known, i))
        ;
}

static void write_one(void *ctx, size_t task, int worker)
{
    struct job *j = ctx;
    const struct lm_writer *w = j->w;
    size_t i = task % j->n, size = j->config->vocab_size;
    struct side *s = &j->side[task / j->n];
    struct lm_written *t = &s->written[i];
    const float *z = s->logits + i * size;
    const struct lm_score *score = &s->score[i];
    if (t->ended)
        return;
    if (!isfinite(score->max) || !isfinite(score->sum)) {
        note_bad(j, i);
        return;
    }
    size_t chosen = choose_index(&w->how, z, size, j->key[i], j->work + (size_t)worker * size);
    t->nll += log(score->sum) + score->max - (double)z[chosen];
    t->id[t->n++] = (uint32_t)chosen;
    t->ended = (long)chosen == w->stop;
}

static int all_ended(const struct job *j)
{
    for (size_t i = 0; i < j->w->n_variant * j->n; i++)
        if (!j->side[i / j->n].written[i % j->n].ended)
            return 0;
    return 1;
}

/* The next token of all that have not ended. Returns as lm_writer_run. */
static int step(struct job *j, int is_first)
{
    const struct lm_writer *w = j->w;
    struct lm_side *side = xnew(w->n_variant, sizeof *side);
    uint32_t *target = xcalloc(j->n, sizeof *target); /* not known yet */
    struct lm_logits_tap tap = { see_logits, j };
    int status = 0;
    size_t bad;
    for (size_t k = 0; k < w->n_variant && status == 0; k++) {
        status = read_on(j, &j->side[k], is_first);
        side[k] = (struct lm_side){ w->model, k, j->side[k].last, j->side[k].score };
    }
    if (status == 0)
        status = lm_score_rows(side, w->n_variant, target, j->n, NULL, w->n_thread, &tap, &bad);
    for (size_t i = 0; i < j->n; i++)
        j->key[i] = rng_u64(&j->rng[i]);
    if (status == 0)
        threads_for(w->n_thread, w->n_variant * j->n, write_one, j);
    free(target);
    free(side);
    return status == 0 && atomic_load(&j->bad) < j->n ? -2 : status;
}

/* ---- all steps */

static void open_side(const struct job *j, struct side *s, size_t variant, size_t n_id, size_t longest)
{
    const struct lm_config *c = j->config;
    s->run.model = j->w->model;
    s->run.variant = variant;
    s->run.forward = lm_forward_new(c, longest, j->w->n_thread);
    s->run.x = xaligned(n_id, lm_config_width(c) * sizeof *s->run.x);
    s->memory = lm_memory_new(c, j->n, longest);
    s->last = xaligned(j->n, c->d_embed * sizeof *s->last);
    s->logits = xaligned(j->n, c->vocab_size * sizeof *s->logits);
    s->score = xnew(j->n, sizeof *s->score);
    lm_forward_remember(s->run.forward, s->memory);
}

static void close_side(struct side *s)
{
    lm_forward_free(s->run.forward);
    lm_memory_free(s->memory);
    free(s->run.x);
    free(s->last);
    free(s->logits);
    free(s->score);
}

int lm_writer_run(const struct lm_writer *w, const struct lm_prompt *prompt, size_t n,
                  struct lm_written *written, size_t *bad)
{
    struct job j = { .w = w, .config = lm_model_config(w->model), .prompt = prompt, .n = n };
    size_t n_id = n, longest = 0, n_thread = w->n_thread > 1 ? (size_t)w->n_thread : 1;
    for (size_t i = 0; i < n; i++) {
        n_id += prompt[i].n;
        longest = prompt[i].n > longest ? prompt[i].n : longest;
    }
    longest += w->n_token - 1; /* the last is not read */
    j.side = xcalloc(w->n_variant, sizeof *j.side);
    j.rng = xnew(n, sizeof *j.rng);
    j.key = xnew(n, sizeof *j.key);
    j.work = xnew(n_thread * j.config->vocab_size, sizeof *j.work);
    j.start = xnew(n + 1, sizeof *j.start);
    j.id = xnew(n_id, sizeof *j.id);
    atomic_init(&j.bad, n);
    for (size_t i = 0; i < n; i++)
        rng_init(&j.rng[i], w->seed, prompt[i].stream);
    for (size_t i = 0; i < w->n_variant * n; i++)
        written[i] = (struct lm_written){ .id = xnew(w->n_token, sizeof *written->id) };
    for (size_t k = 0; k < w->n_variant; k++) {
        j.side[k].written = written + k * n;
        open_side(&j, &j.side[k], k, n_id, longest);
    }
    int status = 0;
    for (size_t i = 0; i < w->n_token && status == 0 && !all_ended(&j); i++) {
        status = step(&j, i == 0);
        if (w->step_done)
            w->step_done(i + 1, w->n_token);
    }
    *bad = atomic_load(&j.bad);
    for (size_t i = 0; i < w->n_variant * n && status < 0; i++)
        free(written[i].id);
    for (size_t k = 0; k < w->n_variant; k++)
        close_side(&j.side[k]);
    free(j.id);
    free(j.start);
    free(j.work);
    free(j.key);
    free(j.rng);
    free(j.side);
    return status;
}
