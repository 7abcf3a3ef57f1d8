/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/model.h"
#include "base/fnv.h"
#include "base/mem.h"
#include "base/threads.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- buffers, which go from one layer to the next: fresh memory is slow */

struct buffer {
    float *p;
    size_t n;
};

struct pool {
    struct buffer *free;
    size_t n, room;
};

static float *pool_take(struct pool *pool, size_t n)
{
    for (size_t i = 0; i < pool->n; i++)
        if (pool->free[i].n == n) {
            float *p = pool->free[i].p;
            pool->free[i] = pool->free[--pool->n];
            return p;
        }
    return xaligned(n, sizeof(float));
}

static void pool_give(struct pool *pool, float *p, size_t n)
{
    if (!p)
        return;
    xgrow(&pool->free, &pool->room, pool->n + 1, sizeof *pool->free);
    pool->free[pool->n++] = (struct buffer){ p, n };
}

static void pool_clear(struct pool *pool)
{
    for (size_t i = 0; i < pool->n; i++)
        free(pool->free[i].p);
    free(pool->free);
    *pool = (struct pool){ 0 };
}

/* ---- a model */

/* What a weight owns of what it shows; NULL where that belongs to the checkpoint or to an earlier variant. */
struct owned {
    float *w, *bias;
    struct gemm_weight *packed;
    const void *kept; /* of the checkpoint */
    size_t n_kept;
};

struct variant_part {
    struct lm_part part;
    struct owned own[LM_N_ROLE];
};

/* The embedding or the head, in the dtype of the checkpoint. */
struct table {
    struct tensor t;   /* its data are own or the checkpoint's */
    void *own;         /* NULL: the checkpoint keeps them */
    const void *block; /* the rows given last, and how many bytes: of what the checkpoint keeps */
    size_t n_block;
    float **changed; /* [n_variant] all as floats, where not as variant 0 has it; may be an earlier one's */
};

struct lm_model {
    struct lm_checkpoint *from;
    const struct lm_config *config;
    enum gemm_precision precision;
    int n_thread, keep;
    size_t n_variant;
    struct lm_change *change;   /* [n_variant], the first unused */
    size_t *way;                /* [n_variant] what becomes of the matrix at hand; 0: nothing */
    struct variant_part **part; /* [n_layer + 2][n_variant], NULL when not there */
    size_t *missing;            /* [n_layer + 2] tensors still to come */
    struct table embed, head;
    float *row_block; /* the rows of the head that are borrowed */
    size_t row_room;
    struct pool pool;
    int wants_fingerprint;
    uint64_t fingerprint;
    char why[LM_WHY_MAX];
};

static size_t part_index(const struct lm_config *c, const struct lm_place *p)
{
    if (p->layer >= 0)
        return (size_t)p->layer + 1;
    return p->role < LM_ATTN_NORM ? 0 : (size_t)c->n_layer + 1;
}

static void count_missing(struct lm_model *m)
{
    struct lm_place p = { LM_EMBED, -1, 0 };
    memset(m->missing, 0, ((size_t)m->config->n_layer + 2) * sizeof *m->missing);
    do {
        m->missing[part_index(m->config, &p)] += (size_t)lm_config_needs(m->config, &p);
    } while (lm_config_next_place(m->config, &p));
}

struct lm_model *lm_model_new(struct lm_checkpoint *c, enum gemm_precision precision, int n_thread,
                              const struct lm_change *change, size_t n_change, int keep)
{
    struct lm_model *m = xcalloc(1, sizeof *m);
    m->from = c;
    m->config = lm_checkpoint_config(c);
    m->precision = precision;
    m->n_thread = n_thread;
    m->keep = keep;
    m->n_variant = n_change + 1;
    m->change = xcalloc(m->n_variant, sizeof *m->change);
    m->way = xcalloc(m->n_variant, sizeof *m->way);
    if (n_change)
        memcpy(m->change + 1, change, n_change * sizeof *change);
    m->part = xcalloc((size_t)m->config->n_layer + 2, sizeof(*m->part));
    m->missing = xcalloc((size_t)m->config->n_layer + 2, sizeof *m->missing);
    m->embed.changed = xcalloc(m->n_variant, sizeof *m->embed.changed);
    m->head.changed = xcalloc(m->n_variant, sizeof *m->head.changed);
    count_missing(m);
    return m;
}

const struct lm_config *lm_model_config(const struct lm_model *m)
{
    return m->config;
}

const char *lm_model_error(const struct lm_model *m)
{
    return m->why;
}

static void drop_part(struct lm_model *m, size_t index)
{
    struct variant_part *v = m->part[index];
    if (!v)
        return;
    for (size_t i = 0; i < m->n_variant; i++)
        for (int r = 0; r < LM_N_ROLE; r++) {
            const struct lm_weight *w = &v[i].part.weight[r];
            gemm_weight_free(v[i].own[r].packed);
            pool_give(&m->pool, v[i].own[r].w, w->n_out * (w->n_in ? w->n_in : 1));
            pool_give(&m->pool, v[i].own[r].bias, w->n_out);
            if (v[i].own[r].kept)
                lm_checkpoint_let_go(m->from, v[i].own[r].kept, v[i].own[r].n_kept);
        }
    free(v);
    m->part[index] = NULL;
}

void lm_model_drop(struct lm_model *m, int layer)
{
    if (!m->keep)
        drop_part(m, (size_t)(layer + 1));
}

static void clear_table(struct lm_checkpoint *from, struct table *t, size_t n_variant)
{
    for (size_t i = n_variant; i--;) {
        size_t owner = 0;
        while (t->changed[owner] != t->changed[i])
            owner++;
        if (owner == i)
            free(t->changed[i]);
        t->changed[i] = NULL;
    }
    if (t->t.data)
        lm_checkpoint_let_go(from, t->t.data, t->t.n_bytes);
    t->t.data = t->block = NULL;
}

static void forget(struct lm_model *m)
{
    for (size_t i = 0; i < (size_t)m->config->n_layer + 2; i++)
        drop_part(m, i);
    clear_table(m->from, &m->embed, m->n_variant);
    clear_table(m->from, &m->head, m->n_variant);
}

void lm_model_free(struct lm_model *m)
{
    if (!m)
        return;
    forget(m);
    pool_clear(&m->pool);
    free(m->embed.changed);
    free(m->head.changed);
    free(m->row_block);
    free(m->part);
    free(m->missing);
    free(m->way);
    free(m->change);
    lm_checkpoint_close(m->from);
    free(m);
}

/* ---- tensors into weights */

/* A tensor on its way into floats: [rows][cols] as stored, turned around if asked. */
struct conversion {
    const struct tensor *t;
    size_t rows, cols;
    int turned;
    float *out;
};

enum { ROWS = 64 };

static void convert_rows(void *ctx, size_t task, int worker)
{
    const struct conversion *c = ctx;
    size_t from = task * ROWS, end = from + ROWS < c->rows ? from + ROWS : c->rows;
    (void)worker;
    if (!c->turned) {
        tensor_to_f32(c->t, from * c->cols, (end - from) * c->cols, c->out + from * c->cols);
        return;
    }
    float row[512];
    for (size_t r = from; r < end; r++)
        for (size_t k = 0; k < c->cols; k += 512) {
            size_t n = c->cols - k < 512 ? c->cols - k : 512;
            tensor_to_f32(c->t, r * c->cols + k, n, row);
            for (size_t i = 0; i < n; i++)
                c->out[(k + i) * c->rows + r] = row[i];
        }
}

static void to_floats(const struct tensor *t, int turned, int n_thread, float *out)
{
    struct conversion c = { t, t->shape[0], t->n_dim > 1 ? t->shape[1] : 1, turned, out };
    threads_for(n_thread, (c.rows + ROWS - 1) / ROWS, convert_rows, &c);
}

static int apply_change(struct lm_model *m, size_t variant, const struct lm_place *p, const struct tensor *t,
                        float *w, size_t n_out, size_t n_in)
{
    const struct lm_change *change = &m->change[variant];
    char why[LM_WHY_MAX];
    if (change->change(change->ctx, p, t->name, t->dtype, w, n_out, n_in, why) == 0) {
        tensor_round_f32(w, n_out * n_in, t->dtype);
        return 0;
    }
    snprintf(m->why, sizeof m->why, "'%.150s': %.200s", t->name, why);
    return -1;
}

static void find_ways(struct lm_model *m, const struct lm_place *p, const struct tensor *t)
{
    for (size_t i = 1; i < m->n_variant; i++)
        m->way[i] = m->change[i].way(m->change[i].ctx, p, t->name);
}

/* The first variant that has the matrix at hand as variant i has it. */
static size_t maker_of(const struct lm_model *m, size_t i)
{
    size_t first = 0;
    while (m->way[first] != m->way[i])
        first++;
    return first;
}

static int are_floats(const struct tensor *t)
{
    return t->dtype == TENSOR_F32 && (uintptr_t)t->data % sizeof(float) == 0;
}

/* Whether products in bfloat16 can be made ready from the tensor as it is. */
static int is_packable(const struct tensor *t)
{
    return t->dtype == TENSOR_F32 || t->dtype == TENSOR_BF16;
}

static struct gemm_weight *pack(const struct lm_model *m, const struct tensor *t, size_t n_out, size_t n_in)
{
    enum gemm_dtype dtype = t->dtype == TENSOR_BF16 ? GEMM_OF_BF16 : GEMM_OF_F32;
    struct gemm_weight *w = gemm_pack_threads(t->data, dtype, n_out, n_in, 0, m->precision, m->n_thread);
    if (!w)
        mem_out();
    return w;
}

/* A matrix of the layers or a projection: as it is, and changed. */
static int take_matrix(struct lm_model *m, struct variant_part *v, const struct tensor *t,
                       const struct lm_place *p)
{
    int linear = lm_role_is_linear(p->role),
        turned = linear && p->layer >= 0 && m->config->family->weights_in_out;
    size_t n_out = t->shape[turned], n_in = t->shape[!turned];
    find_ways(m, p, t);
    for (size_t i = 0; i < m->n_variant; i++) {
        struct lm_weight *w = &v[i].part.weight[p->role];
        struct owned *own = &v[i].own[p->role];
        size_t maker = maker_of(m, i);
        w->n_out = n_out;
        w->n_in = n_in;
        if (maker < i) {
            w->w = v[maker].part.weight[p->role].w;
            w->packed = v[maker].part.weight[p->role].packed;
            continue;
        }
        if (i == 0 && !turned && linear && m->precision != GEMM_F32 && is_packable(t)) {
            w->packed = own->packed = pack(m, t, n_out, n_in);
            continue;
        }
        if (i == 0 && !turned && are_floats(t)) {
            lm_checkpoint_keep(m->from, t->data);
            w->w = own->kept = t->data;
            own->n_kept = t->n_bytes;
        } else {
            w->w = own->w = pool_take(&m->pool, t->n);
            to_floats(t, turned, m->n_thread, own->w);
        }
        if (i && apply_change(m, i, p, t, own->w, n_out, n_in) < 0)
            return -1;
        if (!linear)
            continue;
        struct tensor floats = { .dtype = TENSOR_F32, .data = w->w };
        w->packed = own->packed = pack(m, &floats, n_out, n_in);
        if (m->precision != GEMM_F32) { /* packed is a copy */
            pool_give(&m->pool, own->w, t->n);
            w->w = own->w = NULL;
        }
    }
    return 0;
}

static void take_vector(struct lm_model *m, struct variant_part *v, const struct tensor *t,
                        const struct lm_place *p)
{
    float *x = pool_take(&m->pool, t->n);
    to_floats(t, 0, 1, x);
    struct owned *own = &v[0].own[p->role];
    if (p->is_bias)
        own->bias = x;
    else
        own->w = x;
    for (size_t i = 0; i < m->n_variant; i++) {
        struct lm_weight *w = &v[i].part.weight[p->role];
        if (p->is_bias) {
            w->bias = x;
        } else {
            w->w = x;
        }
        w->n_out = t->n;
    }
}

static int take_table(struct lm_model *m, struct table *table, const struct tensor *t,
                      const struct lm_place *p)
{
    table->t = *t;
    lm_checkpoint_keep(m->from, t->data);
    find_ways(m, p, t);
    for (size_t i = 1; i < m->n_variant; i++) {
        table->changed[i] = table->changed[maker_of(m, i)];
        if (maker_of(m, i) < i)
            continue;
        table->changed[i] = xaligned(t->n, sizeof(float));
        to_floats(t, 0, m->n_thread, table->changed[i]);
        if (apply_change(m, i, p, t, table->changed[i], t->shape[0], t->shape[1]) < 0)
            return -1;
    }
    return 0;
}

static int take(struct lm_model *m, const struct tensor *t, const struct lm_place *p)
{
    size_t index = part_index(m->config, p);
    if (!lm_config_needs(m->config, p)) /* a head that is there although it is tied */
        return 0;
    if (!m->missing[index]) {
        snprintf(m->why, sizeof m->why, "'%.200s': is there twice", t->name);
        return -1;
    }
    m->missing[index]--;
    if (p->role == LM_EMBED || p->role == LM_HEAD)
        return take_table(m, p->role == LM_EMBED ? &m->embed : &m->head, t, p);
    if (!m->part[index])
        m->part[index] = xcalloc(m->n_variant, sizeof **m->part);
    if (t->n_dim == 2)
        return take_matrix(m, m->part[index], t, p);
    take_vector(m, m->part[index], t, p);
    return 0;
}

static void add_to_fingerprint(struct lm_model *m, const struct tensor *t, const struct lm_place *p)
{
    const uint32_t known[] = { (uint32_t)p->role, (uint32_t)p->layer, (uint32_t)p->is_bias,
                               (uint32_t)t->dtype, tensor_checksum(t) };
    m->fingerprint += fnv_add(FNV_START, known, sizeof known);
}

void lm_model_want_fingerprint(struct lm_model *m)
{
    const char *config = lm_checkpoint_config_text(m->from);
    m->wants_fingerprint = 1;
    m->fingerprint = fnv_add(FNV_START, config, strlen(config));
}

uint64_t lm_model_fingerprint(const struct lm_model *m)
{
    return m->fingerprint;
}

/* The next tensor to its place: 1; 0 at the end; -1 with the reason in why. */
static int read_next(struct lm_model *m)
{
    struct tensor t;
    struct lm_place p;
    int got = lm_checkpoint_next(m->from, &t, &p);
    if (got < 0)
        snprintf(m->why, sizeof m->why, "%s", lm_checkpoint_error(m->from));
    if (got > 0 && m->wants_fingerprint)
        add_to_fingerprint(m, &t, &p);
    return got > 0 && take(m, &t, &p) < 0 ? -1 : got;
}

/* Reads what of a part is missing; behind the last part to the end of the stream, which may have been cut. */
static int read_until(struct lm_model *m, size_t index)
{
    int got = 1, is_last = index == (size_t)m->config->n_layer + 1;
    while (got > 0 && (m->missing[index] || is_last))
        got = read_next(m);
    if (got == 0 && m->missing[index]) {
        snprintf(m->why, sizeof m->why, "a tensor is missing");
        got = -1;
    }
    if (got < 0)
        return -1;
    if (!m->part[index]) /* nothing but an embedding or a head */
        m->part[index] = xcalloc(m->n_variant, sizeof **m->part);
    return 0;
}

/* ---- for the forward pass */

const struct lm_part *lm_model_part(struct lm_model *m, size_t variant, int layer)
{
    size_t index = (size_t)(layer + 1);
    if (read_until(m, index) < 0)
        return NULL;
    return &m->part[index][variant].part;
}

int lm_model_embed(struct lm_model *m, size_t variant, const uint32_t *ids, size_t n, float *out)
{
    if (read_until(m, 0) < 0)
        return -1;
    size_t d = m->config->d_embed;
    const float *changed = m->embed.changed[variant];
    for (size_t i = 0; i < n; i++)
        if (changed)
            memcpy(out + i * d, changed + ids[i] * d, d * sizeof *out);
        else
            tensor_to_f32(&m->embed.t, ids[i] * d, d, out + i * d);
    return 0;
}

static struct table *head_table(struct lm_model *m)
{
    return m->config->tied ? &m->embed : &m->head;
}

int lm_model_same_embed(const struct lm_model *m, size_t a, size_t b)
{
    return m->embed.changed[a] == m->embed.changed[b];
}

int lm_model_same_head(const struct lm_model *m, size_t a, size_t b)
{
    const struct table *head = m->config->tied ? &m->embed : &m->head;
    return head->changed[a] == head->changed[b];
}

int lm_model_same_part(const struct lm_model *m, size_t a, size_t b, int layer)
{
    const struct variant_part *v = m->part[layer + 1];
    for (int r = 0; r < LM_N_ROLE; r++) {
        const struct lm_weight *x = &v[a].part.weight[r], *y = &v[b].part.weight[r];
        if (x->w != y->w || x->packed != y->packed || x->bias != y->bias)
            return 0;
    }
    return 1;
}

struct gemm_weight *lm_model_head_block(struct lm_model *m, size_t variant, size_t from, size_t n)
{
    size_t d = m->config->d_embed;
    if (read_until(m, (size_t)m->config->n_layer + 1) < 0)
        return NULL;
    struct table *table = head_table(m);
    struct tensor rows = table->t;
    rows.data = (const char *)table->t.data + from * d * tensor_dtype_bytes(table->t.dtype);
    if (table->changed[variant]) {
        rows.data = table->changed[variant] + from * d;
        rows.dtype = TENSOR_F32;
    }
    rows.shape[0] = n;
    rows.n = n * d;
    rows.n_bytes = rows.n * tensor_dtype_bytes(rows.dtype);
    if (table->block && table->block != table->t.data) /* of the first block the address means the whole */
        lm_checkpoint_let_go(m->from, table->block, table->n_block);
    table->block = table->changed[variant] ? NULL : rows.data;
    table->n_block = rows.n_bytes;
    if (m->precision == GEMM_F32 ? !are_floats(&rows) : !is_packable(&rows)) {
        if (m->row_room < n * d) {
            free(m->row_block);
            m->row_room = n * d;
            m->row_block = xaligned(m->row_room, sizeof(float));
        }
        to_floats(&rows, 0, m->n_thread, m->row_block);
        rows.data = m->row_block;
        rows.dtype = TENSOR_F32;
    }
    return pack(m, &rows, n, d);
}

int lm_model_again(struct lm_model *m)
{
    if (m->keep)
        return 0;
    forget(m);
    count_missing(m);
    if (m->wants_fingerprint)
        lm_model_want_fingerprint(m);
    if (lm_checkpoint_rewind(m->from) == 0)
        return 0;
    snprintf(m->why, sizeof m->why, "%s", lm_checkpoint_error(m->from));
    return -1;
}
