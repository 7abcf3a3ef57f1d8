/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/forward.h"
#include "base/mem.h"
#include "base/threads.h"
#include "lm/attention.h"
#include "math/kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 2048, /* tokens, at least one sequence, that go through a layer together */
    ROWS = 32     /* rows of one task */
};

/* A chunk's rows at each step. */
struct lm_forward {
    const struct lm_config *config;
    int n_thread;
    struct lm_attention *attention;
    struct lm_memory *memory; /* NULL: sequences are whole */
    size_t room;              /* rows of the buffers below */
    float *norm, *qkv, *mix, *out, *gate, *up;
    uint32_t *position; /* [room] of each row in its sequence */
};

struct lm_forward *lm_forward_new(const struct lm_config *c, size_t longest, int n_thread)
{
    struct lm_forward *f = xcalloc(1, sizeof *f);
    f->config = c;
    f->n_thread = n_thread;
    f->attention = lm_attention_new(c, longest);
    return f;
}

static void free_buffers(struct lm_forward *f)
{
    free(f->norm);
    free(f->qkv);
    free(f->mix);
    free(f->out);
    free(f->gate);
    free(f->up);
    free(f->position);
}

void lm_forward_free(struct lm_forward *f)
{
    if (!f)
        return;
    free_buffers(f);
    lm_attention_free(f->attention);
    free(f);
}

void lm_forward_remember(struct lm_forward *f, struct lm_memory *m)
{
    f->memory = m;
}

size_t lm_forward_longest(const struct lm_config *c)
{
    size_t table = c->position == LM_LEARNED ? c->n_position : 0;
    return c->window && (!table || c->window < table) ? c->window : table;
}

static void make_room(struct lm_forward *f, size_t n)
{
    const struct lm_config *c = f->config;
    if (n <= f->room)
        return;
    free_buffers(f);
    f->room = n;
    f->norm = xaligned(n, c->d_model * sizeof(float));
    f->qkv = xaligned(n, lm_attention_width(c) * sizeof(float));
    f->mix = xaligned(n, c->n_head * c->d_head * sizeof(float));
    f->out = xaligned(n, c->d_model * sizeof(float));
    f->gate = c->family->gated ? xaligned(n, c->d_ff * sizeof(float)) : NULL;
    f->up = xaligned(n, c->d_ff * sizeof(float));
    f->position = xnew(n, sizeof *f->position);
}

/* The next sequences [*seq, end) that make a chunk: returns end. */
static size_t chunk_end(const struct lm_text *t, size_t seq)
{
    size_t from = t->start[seq], end = seq + 1;
    while (end < t->n_seq && t->start[end + 1] - from <= CHUNK)
        end++;
    return end;
}

/* The position of a sequence's first token. */
static size_t first_position(const struct lm_forward *f, size_t seq)
{
    return f->memory ? f->memory->n[seq] : 0;
}

static void see(const struct lm_tap *tap, enum lm_site site, int layer, size_t from, size_t n, const float *x,
                size_t width)
{
    if (tap && tap->sites & 1u << site)
        tap->see(tap->ctx, site, layer, from, n, x, width);
}

/* ---- steps over rows, in threads */

struct rows {
    const struct lm_forward *f;
    const struct lm_weight *w;
    const float *x, *other;
    float *y;
    size_t n, first;
    void (*fn)(const struct rows *r, size_t from, size_t n);
};

static void rows_task(void *ctx, size_t task, int worker)
{
    const struct rows *r = ctx;
    size_t from = task * ROWS;
    (void)worker;
    r->fn(r, from, r->n - from < ROWS ? r->n - from : ROWS);
}

static void each_rows(const struct rows *r)
{
    threads_for(r->f->n_thread, (r->n + ROWS - 1) / ROWS, rows_task, (void *)r);
}

static void norm_rows(const struct rows *r, size_t from, size_t n)
{
    const struct lm_config *c = r->f->config;
    size_t d = c->d_model;
    for (size_t i = from; i < from + n; i++)
        if (c->family->rms_norm)
            kernel_rms_norm(r->x + i * d, d, r->w->w, c->norm_eps, r->y + i * d);
        else
            kernel_layer_norm(r->x + i * d, d, r->w->w, r->w->bias, c->norm_eps, r->y + i * d);
}

/* y = norm(x), n rows; y may be x. */
static void norm(const struct lm_forward *f, const struct lm_weight *w, const float *x, float *y, size_t n)
{
    each_rows(&(struct rows){ .f = f, .w = w, .x = x, .y = y, .n = n, .fn = norm_rows });
}

static void add_rows(const struct rows *r, size_t from, size_t n)
{
    size_t d = r->f->config->d_model;
    kernel_add(r->x + from * d, r->other + from * d, n * d, r->y + from * d);
}

static void add(const struct lm_forward *f, const float *a, const float *b, float *y, size_t n)
{
    each_rows(&(struct rows){ .f = f, .x = a, .other = b, .y = y, .n = n, .fn = add_rows });
}

static void activate_rows(const struct rows *r, size_t from, size_t n)
{
    static const enum kernel_act act[] = { [LM_GELU] = KERNEL_GELU,
                                           [LM_GELU_TANH] = KERNEL_GELU_TANH,
                                           [LM_RELU] = KERNEL_RELU,
                                           [LM_SILU] = KERNEL_SILU };
    const struct lm_config *c = r->f->config;
    size_t at = from * c->d_ff;
    if (c->family->gated)
        kernel_gate(act[c->activation], r->other + at, r->y + at, n * c->d_ff, r->y + at);
    else
        kernel_act(act[c->activation], r->y + at, n * c->d_ff, r->y + at);
}

/* ---- one layer */

static void rotate_rows(const struct rows *r, size_t from, size_t n)
{
    struct lm_heads h[3];
    lm_attention_heads(r->f->config, r->f->qkv, h);
    lm_attention_rotate(r->f->attention, &h[0], &h[1], from, n, r->f->position + from);
}

/* y[n][ld] = x W^T + bias. */
static void product(const struct lm_forward *f, const struct lm_weight *w, const float *x, float *y,
                    size_t ld, size_t n)
{
    if (gemm_run(w->packed, x, n, w->n_in, y, ld, w->bias, 0, f->n_thread) < 0)
        mem_out();
}

/* Sequences that go through a layer together: from number `seq` on, rows [start[i], start[i + 1]) of the
 * chunk, row `from` and up of the text. */
struct chunk {
    int layer;
    size_t seq, n_seq, from, n;
    const size_t *start;
};

/* What attention adds for the chunk's rows, x normed, before its output matrix, into mix. */
static void attention(struct lm_forward *f, const struct lm_part *p, const float *x, const struct chunk *t,
                      float *mix)
{
    const struct lm_config *c = f->config;
    size_t width = lm_attention_width(c), kv = c->n_kv_head * c->d_head, q = c->n_head * c->d_head, n = t->n;
    struct lm_heads h[3];
    lm_attention_heads(c, f->qkv, h);
    if (c->family->qkv == LM_QKV_APART) {
        product(f, &p->weight[LM_ATTN_Q], x, f->qkv, width, n);
        product(f, &p->weight[LM_ATTN_K], x, f->qkv + q, width, n);
        product(f, &p->weight[LM_ATTN_V], x, f->qkv + q + kv, width, n);
    } else {
        product(f, &p->weight[LM_ATTN_QKV], x, f->qkv, width, n);
    }
    if (c->position == LM_ROTARY)
        each_rows(&(struct rows){ .f = f, .n = n, .fn = rotate_rows });
    if (f->memory) {
        lm_memory_add(f->memory, t->layer, t->seq, t->start, t->n_seq, &h[1], &h[2]);
        lm_memory_attend(f->memory, f->attention, t->layer, t->seq, t->start, t->n_seq, &h[0], mix,
                         f->n_thread);
    } else {
        lm_attention_run(f->attention, &h[0], &h[1], &h[2], t->start, t->n_seq, NULL, mix, f->n_thread);
    }
}

/* What the MLP adds for x[n][d_model], before its last matrix, into act. */
static void mlp(struct lm_forward *f, const struct lm_part *p, const float *x, size_t n, float *act)
{
    const struct lm_config *c = f->config;
    product(f, &p->weight[LM_MLP_UP], x, act, c->d_ff, n);
    if (c->family->gated)
        product(f, &p->weight[LM_MLP_GATE], x, f->gate, c->d_ff, n);
    each_rows(&(struct rows){ .f = f, .y = act, .other = f->gate, .n = n, .fn = activate_rows });
}

/* Takes the chunk's rows one stage further; r is of these rows. */
static void run_stage(struct lm_forward *f, const struct lm_part *p, const struct chunk *t,
                      enum lm_stage stage, const struct lm_rows *r, const struct lm_tap *tap)
{
    const struct lm_config *c = f->config;
    const struct lm_weight *w = p->weight;
    size_t d = c->d_model, from = t->from, n = t->n;
    int layer = t->layer;
    const float *in = c->norm_after ? r->x : r->norm, *stream = c->residual_is_normed ? r->norm : r->x;
    switch (stage) {
    case LM_TO_ATTN_IN:
        if (!c->norm_after)
            norm(f, &w[LM_ATTN_NORM], r->x, r->norm, n);
        see(tap, LM_AT_ATTN_IN, layer, from, n, in, d);
        break;
    case LM_TO_ATTN_MIX:
        attention(f, p, in, t, r->mix);
        see(tap, LM_AT_ATTN_MIX, layer, from, n, r->mix, c->n_head * c->d_head);
        break;
    case LM_TO_MLP_IN:
        product(f, &w[LM_ATTN_OUT], r->mix, f->out, d, n);
        see(tap, LM_AT_ATTN_OUT, layer, from, n, f->out, d);
        if (c->parallel_residual)
            norm(f, &w[LM_MLP_NORM], r->x, r->norm, n);
        add(f, stream, f->out, r->x, n);
        if (c->norm_after)
            norm(f, &w[LM_ATTN_NORM], r->x, r->x, n);
        else if (!c->parallel_residual)
            norm(f, &w[LM_MLP_NORM], r->x, r->norm, n);
        see(tap, LM_AT_MLP_IN, layer, from, n, in, d);
        break;
    case LM_TO_MLP_ACT:
        mlp(f, p, in, n, r->act);
        see(tap, LM_AT_MLP_ACT, layer, from, n, r->act, c->d_ff);
        break;
    case LM_TO_RESID:
        product(f, &w[LM_MLP_DOWN], r->act, f->out, d, n);
        see(tap, LM_AT_MLP_OUT, layer, from, n, f->out, d);
        add(f, stream, f->out, r->x, n);
        if (c->norm_after)
            norm(f, &w[LM_MLP_NORM], r->x, r->x, n);
        see(tap, LM_AT_RESID, layer, from, n, r->x, d);
        break;
    case LM_N_STAGE:
        break;
    }
}

/* The rows from number `first` on; what is not kept between stages is in f. */
static struct lm_rows rows_from(const struct lm_forward *f, const struct lm_rows *r, size_t first)
{
    const struct lm_config *c = f->config;
    size_t d = c->d_model;
    if (!r->norm)
        return (struct lm_rows){ r->x + first * d, f->norm, f->mix, f->up };
    return (struct lm_rows){ r->x + first * d, r->norm + first * d, r->mix + first * c->n_head * c->d_head,
                             r->act + first * c->d_ff };
}

/* Takes the text chunk by chunk through stages [from, end). */
static void run_stages(struct lm_forward *f, const struct lm_part *p, int layer, enum lm_stage from,
                       enum lm_stage end, const struct lm_text *t, const struct lm_rows *rows,
                       const struct lm_tap *tap)
{
    for (size_t seq = 0, last; seq < t->n_seq; seq = last) {
        last = chunk_end(t, seq);
        size_t first = t->start[seq], n = t->start[last] - first, n_seq = last - seq;
        make_room(f, n);
        size_t *start = xnew(n_seq + 1, sizeof *start);
        for (size_t i = 0; i <= n_seq; i++)
            start[i] = t->start[seq + i] - first;
        for (size_t i = 0; i < n_seq; i++)
            for (size_t row = start[i]; row < start[i + 1]; row++)
                f->position[row] = (uint32_t)(first_position(f, seq + i) + row - start[i]);
        struct chunk chunk = { layer, seq, n_seq, first, n, start };
        struct lm_rows r = rows_from(f, rows, first);
        for (int stage = (int)from; n && stage < (int)end; stage++)
            run_stage(f, p, &chunk, (enum lm_stage)stage, &r, tap);
        free(start);
    }
}

void lm_forward_stage(struct lm_forward *f, const struct lm_part *p, int layer, enum lm_stage stage,
                      const struct lm_text *t, const struct lm_rows *rows, const struct lm_tap *tap)
{
    run_stages(f, p, layer, stage, (enum lm_stage)(stage + 1), t, rows, tap);
}

void lm_forward_part(struct lm_forward *f, const struct lm_part *p, int layer, const struct lm_text *t,
                     float *x, const struct lm_tap *tap)
{
    run_stages(f, p, layer, LM_TO_ATTN_IN, LM_N_STAGE, t, &(struct lm_rows){ .x = x }, tap);
}

int lm_forward_layer(struct lm_forward *f, struct lm_model *m, size_t variant, int layer,
                     const struct lm_text *t, float *x, const struct lm_tap *tap)
{
    const struct lm_part *p = lm_model_part(m, variant, layer);
    if (p)
        lm_forward_part(f, p, layer, t, x, tap);
    return p ? 0 : -1;
}

/* ---- before and behind the layers */

void lm_forward_sinusoid(size_t d, size_t position, float *x)
{
    size_t half = d / 2;
    for (size_t j = 0; j < half; j++) {
        double angle = (double)position * exp(-(double)j * log(10000) / (double)(half - 1));
        x[j] += (float)sin(angle);
        x[half + j] += (float)cos(angle);
    }
}

static void add_position(const struct lm_config *c, const struct lm_part *p, size_t t, float *x)
{
    size_t d = c->d_model, position = t + (size_t)c->family->position_offset;
    if (c->position == LM_SINUSOIDAL)
        lm_forward_sinusoid(d, position, x);
    else if (c->position == LM_LEARNED)
        kernel_add(x, p->weight[LM_POSITION].w + position * d, d, x);
}

/* Embeddings of ids[0..n-1] into x[n][d_model]. */
static int embed_rows(struct lm_forward *f, struct lm_model *m, size_t variant, const struct lm_part *p,
                      const uint32_t *ids, size_t n, float *x)
{
    const struct lm_config *c = f->config;
    const struct lm_weight *w = &p->weight[LM_PROJECT_IN];
    float *raw = w->packed ? xaligned(n, c->d_embed * sizeof *raw) : x;
    int e = lm_model_embed(m, variant, ids, n, raw);
    for (size_t i = 0; e == 0 && c->embed_scale != 1 && i < n * c->d_embed; i++)
        raw[i] *= (float)c->embed_scale;
    if (e == 0 && w->packed)
        product(f, w, raw, x, c->d_model, n);
    if (w->packed)
        free(raw);
    return e;
}

int lm_forward_embed(struct lm_forward *f, struct lm_model *m, size_t variant, const struct lm_text *t,
                     float *x, const struct lm_tap *tap)
{
    const struct lm_config *c = f->config;
    const struct lm_part *p = lm_model_part(m, variant, -1);
    size_t n = t->start[t->n_seq];
    if (!p || embed_rows(f, m, variant, p, t->id, n, x) < 0)
        return -1;
    for (size_t seq = 0; seq < t->n_seq; seq++)
        for (size_t row = t->start[seq]; row < t->start[seq + 1]; row++)
            add_position(c, p, first_position(f, seq) + row - t->start[seq], x + row * c->d_model);
    if (p->weight[LM_EMBED_NORM].w)
        norm(f, &p->weight[LM_EMBED_NORM], x, x, n);
    see(tap, LM_AT_EMBED, -1, 0, n, x, c->d_model);
    return 0;
}

int lm_forward_final(struct lm_forward *f, struct lm_model *m, size_t variant, const struct lm_text *t,
                     const float *x, float *final, const struct lm_tap *tap)
{
    const struct lm_config *c = f->config;
    const struct lm_part *p = lm_model_part(m, variant, c->n_layer);
    if (!p)
        return -1;
    size_t n = t->start[t->n_seq], d = c->d_model;
    const struct lm_weight *project = &p->weight[LM_PROJECT_OUT];
    float *own = project->packed ? xaligned(n, d * sizeof *own) : NULL, *normed = own ? own : final;
    if (c->final_norm)
        norm(f, &p->weight[LM_FINAL_NORM], x, normed, n);
    else if (normed != x)
        memcpy(normed, x, n * d * sizeof *x);
    if (own)
        product(f, project, own, final, c->d_embed, n);
    free(own);
    see(tap, LM_AT_FINAL, c->n_layer, 0, n, final, c->d_embed);
    if (f->memory)
        lm_memory_grow(f->memory, t->start, t->n_seq);
    return 0;
}
