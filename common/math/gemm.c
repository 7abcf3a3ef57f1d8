/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/gemm.h"
#include "base/mem.h"
#include "base/threads.h"
#include "base/vector.h"
#include "math/bf16.h"
#include "math/blas.h"
#include "math/fmagemm.h"
#include "math/kernels_back.h"
#include "math/onednn.h"
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TILE = 512,       /* most rows of a task */
    BLOCK = 512,      /* most outputs of a task, with a library */
    LARGE = 1 << 21,  /* multiplications of GEMM_ROWS rows from which on a tile may have more rows */
    PACKED = 1 << 18, /* weights from which on our own kernels have the rows packed: long ones that lie a
                         power of two apart get into each other's way in the cache */
    STRETCH = 2048,   /* rows whose copies are in memory at a time */
};

struct gemm_weight {
    size_t n_out, n_in;
    enum gemm_library library;
    int n_term, n_x_term; /* of the weights, of the activations */
    int rounded, bf16;    /* terms are rounded to bfloat16; and are held as such, not as floats */
    size_t tile, block,
        n_block; /* most rows, outputs of a task: a property of the weights, not of the call */
    /* OpenBLAS and ours: [n_out][n_in], or [n_in][n_out]; own, but for the first when it is borrowed */
    const float *w[BF16_TERMS];
    int in_out, is_borrowed;
    /* oneDNN: [term][block] */
    struct onednn_block **blocks;
};

/* ---- the libraries */

static const struct blas *blas; /* set by gemm_load() */

/* Which multiplies floats. OpenBLAS's kernels for AVX2 (sgemm_kernel_8x4_haswell_2.c) sum even and odd terms
 * apart in some rows and straight on in others, by where a row stands in the product; its kernels for AVX-512
 * and older ones treat all rows alike. Products of equal rows tell. Where they differ our own kernels are
 * used. */
static enum gemm_library float_library;

static int rows_are_alike(void)
{
    enum { OUTS = 36, IN = 500 };
    float *w = xnew(OUTS * IN, sizeof *w), *x = xnew(TILE * IN, sizeof *x), *y = xnew(TILE * OUTS, sizeof *y);
    for (size_t i = 0; i < (size_t)OUTS * IN; i++)
        w[i] = (float)(i * 37 % 101) / 101 - 0.5f;
    for (size_t i = 0; i < (size_t)TILE * IN; i++)
        x[i] = (float)(i % IN * 59 % 103) / 103 - 0.5f;
    int alike = 1;
    float first[OUTS] = { 0 };
    for (size_t n_row = TILE; n_row; n_row -= GEMM_ROWS) {
        blas->sgemm(BLAS_ROW_MAJOR, BLAS_NO_TRANS, BLAS_TRANS, (int)n_row, OUTS, IN, 1, x, IN, w, IN, 0, y,
                    OUTS);
        for (size_t i = 0; i < n_row * OUTS; i++)
            alike &= y[i] == (n_row == TILE ? y : first)[i % OUTS];
        if (n_row == TILE)
            memcpy(first, y, sizeof first);
    }
    free(y);
    free(x);
    free(w);
    return alike;
}

int gemm_load(const char **why)
{
    if (blas)
        return 0;
    if (!(blas = blas_load(why)))
        return -1;
    float_library = fmagemm_unit() && !rows_are_alike() ? GEMM_OWN : GEMM_OPENBLAS;
    return 0;
}

enum gemm_precision gemm_default_precision(void)
{
    const char *unit = onednn_bf16_unit();
    return unit && !strcmp(unit, "AMX") ? GEMM_BF16X3 : GEMM_F32;
}

static const char *const names[] = { [GEMM_F32] = "f32", [GEMM_BF16X3] = "bf16x3", [GEMM_BF16] = "bf16" };

enum gemm_precision gemm_precision_of(const char *name)
{
    for (int p = 0; p < (int)(sizeof names / sizeof *names); p++)
        if (!strcmp(name, names[p]))
            return (enum gemm_precision)p;
    return gemm_default_precision();
}

const char *gemm_precision_name(enum gemm_precision p)
{
    return names[p];
}

const char *gemm_describe(enum gemm_precision p)
{
    static char text[sizeof names / sizeof *names][80];
    const char *unit = p == GEMM_F32 ? NULL : onednn_bf16_unit();
    if (unit)
        snprintf(text[p], sizeof text[p], "%s oneDNN %s %s", names[p], onednn_version(), unit);
    else if (float_library == GEMM_OWN)
        snprintf(text[p], sizeof text[p], "%s %s", names[p], fmagemm_unit());
    else
        snprintf(text[p], sizeof text[p], "%s OpenBLAS %s", names[p], blas->core);
    return text[p];
}

/* ---- packing */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t round_up(size_t n)
{
    return (n + GEMM_ROWS - 1) / GEMM_ROWS * GEMM_ROWS;
}

/* Blocks of about equal size, so that the last is no crumb. Our own kernels read packed rows, so small blocks
 * cost nothing and share out better; for the libraries tiles keep even the smallest product of a large matrix
 * above what they take for a small one. */
static void set_tiles(struct gemm_weight *g)
{
    int own = g->library == GEMM_OWN;
    size_t most = own ? 4 * FMAGEMM_OUTS : BLOCK, unit = own ? FMAGEMM_OUTS : 1;
    g->n_block = (g->n_out + most - 1) / most;
    g->block = ((g->n_out + g->n_block - 1) / g->n_block + unit - 1) / unit * unit;
    g->n_block = (g->n_out + g->block - 1) / g->block;
    size_t smallest = g->n_out - (g->n_block - 1) * g->block;
    g->tile = own || (double)smallest * (double)g->n_in * GEMM_ROWS >= LARGE ? TILE : GEMM_ROWS;
}

struct pack {
    struct gemm_weight *g;
    const char
        *w; /* as given: element (row, column) of the matrix as it is stored at row * n_column + column */
    enum gemm_dtype dtype;
    enum { AS_IT_IS, FLOAT_TERMS, BF16_TERM_BITS } kind;
    char *own[BF16_TERMS]; /* g->w before it is const */
    atomic_int n_term, failed;
};

enum { PIECE = 4096 };

/* n numbers from the given matrix, from element `from` on, as floats. */
static void read_floats(const struct pack *p, size_t from, size_t n, float *out)
{
    uint16_t half[PIECE];
    if (p->dtype == GEMM_OF_F32) {
        memcpy(out, p->w + from * sizeof *out, n * sizeof *out);
    } else {
        memcpy(half, p->w + from * sizeof *half, n * sizeof *half);
        bf16_to_f32(half, n, out);
    }
}

static void count_terms(void *ctx, size_t task, int worker)
{
    struct pack *p = ctx;
    size_t from = task * PIECE, n = least(PIECE, p->g->n_out * p->g->n_in - from);
    float x[PIECE];
    (void)worker;
    read_floats(p, from, n, x);
    int needed = bf16_terms_needed(x, n), known = atomic_load(&p->n_term);
    while (needed > known && !atomic_compare_exchange_weak(&p->n_term, &known, needed))
        ;
}

/* n numbers as terms, from element `at` of each term[] on. */
static void write_terms(const struct pack *p, const float *x, size_t n, char *const term[], size_t at)
{
    float *whole[BF16_TERMS] = { NULL };
    uint16_t *half[BF16_TERMS] = { NULL };
    for (int t = 0; t < p->g->n_term; t++) {
        whole[t] = (float *)term[t] + at;
        half[t] = (uint16_t *)term[t] + at;
    }
    if (p->kind == AS_IT_IS)
        memcpy((float *)term[0] + at, x, n * sizeof *x);
    else if (p->kind == FLOAT_TERMS)
        bf16_split_f32(x, n, p->g->n_term, whole);
    else
        bf16_split(x, n, p->g->n_term, half);
}

/* A block of outputs of the given matrix: n_row rows of n_column numbers, the first at `from`, `stride`
 * apart. */
struct part {
    size_t n_row, n_column, from, stride;
};

static struct part part_of(const struct gemm_weight *g, size_t block)
{
    size_t first = block * g->block, n_out = least(g->block, g->n_out - first);
    if (g->in_out)
        return (struct part){ g->n_in, n_out, first, g->n_out };
    return (struct part){ n_out, g->n_in, first * g->n_in, g->n_in };
}

static void split_part(const struct pack *p, struct part r, char *const term[], size_t at, size_t stride)
{
    float x[PIECE];
    for (size_t row = 0; row < r.n_row; row++)
        for (size_t c = 0; c < r.n_column; c += PIECE) {
            size_t n = least(PIECE, r.n_column - c);
            read_floats(p, r.from + row * r.stride + c, n, x);
            write_terms(p, x, n, term, at + row * stride + c);
        }
}

static void pack_block(void *ctx, size_t block, int worker)
{
    struct pack *p = ctx;
    struct gemm_weight *g = p->g;
    struct part r = part_of(g, block);
    (void)worker;
    if (g->library != GEMM_ONEDNN) {
        split_part(p, r, p->own, r.from, r.stride);
        return;
    }
    char *term[BF16_TERMS] = { NULL };
    for (int t = 0; t == 0 || t < g->n_term; t++)
        term[t] = xaligned(r.n_row * r.n_column, sizeof(float));
    split_part(p, r, term, 0, r.n_column);
    for (int t = 0; t < g->n_term; t++) {
        struct onednn_block **b = &g->blocks[(size_t)t * g->n_block + block];
        *b = g->in_out ? onednn_block_new(term[t], g->bf16, r.n_column, r.n_row, 1, r.n_column, g->tile)
                       : onednn_block_new(term[t], g->bf16, r.n_row, r.n_column, r.n_column, 1, g->tile);
        if (!*b)
            atomic_store(&p->failed, 1);
        free(term[t]);
    }
}

struct gemm_weight *gemm_pack_for(enum gemm_library library, const void *w, enum gemm_dtype dtype,
                                  size_t n_out, size_t n_in, int stored_in_out, enum gemm_precision precision,
                                  int n_thread)
{
    if (!n_out || !n_in || n_out > INT_MAX || n_in > INT_MAX)
        return NULL;
    struct gemm_weight *g = xcalloc(1, sizeof *g);
    *g = (struct gemm_weight){ .n_out = n_out, .n_in = n_in, .library = library, .n_term = 1 };
    g->in_out = stored_in_out;
    g->n_x_term = precision == GEMM_BF16X3 ? BF16_TERMS : 1;
    g->rounded = precision != GEMM_F32;
    g->bf16 = g->rounded && library == GEMM_ONEDNN;
    set_tiles(g);
    if (library != GEMM_ONEDNN && precision == GEMM_F32 && dtype == GEMM_OF_F32) {
        g->w[0] = w;
        g->is_borrowed = 1;
        return g;
    }
    struct pack p = { .g = g, .w = w, .dtype = dtype };
    p.kind = !g->rounded ? AS_IT_IS : g->bf16 ? BF16_TERM_BITS : FLOAT_TERMS;
    atomic_init(&p.n_term, 1);
    atomic_init(&p.failed, 0);
    if (precision == GEMM_BF16X3 && dtype == GEMM_OF_F32)
        threads_for(n_thread, (n_out * n_in + PIECE - 1) / PIECE, count_terms, &p);
    g->n_term = atomic_load(&p.n_term);
    if (library == GEMM_ONEDNN)
        g->blocks = xcalloc((size_t)g->n_term * g->n_block, sizeof(struct onednn_block *));
    else
        for (int t = 0; t < g->n_term; t++)
            g->w[t] = (float *)(p.own[t] = xaligned(n_out * n_in, sizeof(float)));
    threads_for(n_thread, g->n_block, pack_block, &p);
    if (!atomic_load(&p.failed))
        return g;
    gemm_weight_free(g);
    return NULL;
}

struct gemm_weight *gemm_pack_threads(const void *w, enum gemm_dtype dtype, size_t n_out, size_t n_in,
                                      int stored_in_out, enum gemm_precision p, int n_thread)
{
    enum gemm_library library = p != GEMM_F32 && onednn_bf16_unit() ? GEMM_ONEDNN : float_library;
    return gemm_pack_for(library, w, dtype, n_out, n_in, stored_in_out, p, n_thread);
}

struct gemm_weight *gemm_pack(const void *w, enum gemm_dtype dtype, size_t n_out, size_t n_in,
                              int stored_in_out, enum gemm_precision p)
{
    return gemm_pack_threads(w, dtype, n_out, n_in, stored_in_out, p, 1);
}

void gemm_weight_free(struct gemm_weight *w)
{
    if (!w)
        return;
    for (int t = 0; t < w->n_term && !w->is_borrowed; t++)
        free((void *)(uintptr_t)w->w[t]);
    for (size_t i = 0; w->blocks && i < (size_t)w->n_term * w->n_block; i++)
        onednn_block_free(w->blocks[i]);
    free(w->blocks);
    free(w);
}

/* ---- running */

struct run {
    const struct gemm_weight *w;
    const float *x, *bias;
    float *y;
    size_t n, ldx, ldy;
    size_t skip; /* x begins with this row */
    int turned;  /* x is stored [n_in][n] */
    int accumulate;
    char **copy;    /* [tile]: terms of its rows, filled up with zeros; NULL if they can be used in x */
    float *product; /* [worker][tile][block] */
    atomic_int failed;
};

/* n_row rows of x from `row` on; n_filled with the zeros. */
struct tile {
    size_t row, n_row, n_filled;
};

static struct tile tile_of(const struct run *r, size_t i)
{
    struct tile t = { .row = i * r->w->tile };
    t.n_row = least(r->w->tile, r->n - t.row);
    t.n_filled = round_up(t.n_row);
    return t;
}

/* y = p + bias + what was there. */
VECTOR_CLONES
static void put(const float *p, size_t n_row, size_t n_out, const float *bias, int accumulate, float *y,
                size_t ldy)
{
    for (size_t i = 0; i < n_row; i++, p += n_out, y += ldy)
        for (size_t o = 0; o < n_out; o++) {
            float v = bias ? p[o] + bias[o] : p[o];
            y[o] = accumulate ? y[o] + v : v;
        }
}

/* A term of a tile's activations by term b of a block of weights, into product[n_filled], ld floats apart.
 * ldx 0: packed. Only our own kernels add a bias. */
static int multiply(const struct run *r, struct tile t, size_t block, const char *x, size_t ldx, int b,
                    int add, const float *bias, float *product, size_t ld)
{
    const struct gemm_weight *w = r->w;
    size_t first = block * w->block, n_out = least(w->block, w->n_out - first);
    if (w->library == GEMM_ONEDNN)
        return onednn_multiply(w->blocks[(size_t)b * w->n_block + block], x, ldx, t.n_filled, add, product,
                               ld);
    size_t stride_out = w->in_out ? 1 : w->n_in, stride_in = w->in_out ? w->n_out : 1;
    const float *from = w->w[b] + first * stride_out;
    if (w->library == GEMM_OWN)
        fmagemm_multiply(from, stride_out, stride_in, n_out, w->n_in, (const float *)x, ldx, t.n_filled, add,
                         bias, product, ld);
    else
        blas->sgemm(BLAS_ROW_MAJOR, BLAS_NO_TRANS, w->in_out ? BLAS_NO_TRANS : BLAS_TRANS, (int)t.n_filled,
                    (int)n_out, (int)w->n_in, 1, (const float *)x, (int)ldx, from,
                    (int)(w->in_out ? w->n_out : w->n_in), (float)add, product, (int)ld);
    return 0;
}

/* Whether a tile's product can be made where it belongs. Our own kernels add to it what there is to add, if
 * the order of summation is the same: a product of several pieces or terms is summed before it is added.
 * oneDNN's blocks are ready for products side by side. */
static int is_direct(const struct run *r, struct tile t)
{
    const struct gemm_weight *w = r->w;
    if (t.n_row < t.n_filled || w->library == GEMM_ONEDNN)
        return 0;
    if (w->library == GEMM_OWN)
        return !r->accumulate || (!r->bias && w->n_x_term == 1 && w->n_in <= FMAGEMM_PIECE);
    return !r->bias && !r->accumulate;
}

static void run_task(void *ctx, size_t task, int worker)
{
    struct run *r = ctx;
    const struct gemm_weight *w = r->w;
    size_t block = task % w->n_block, first = block * w->block, n_out = least(w->block, w->n_out - first);
    struct tile t = tile_of(r, task / w->n_block);
    const char *copy = r->copy[task / w->n_block];
    const float *bias = r->bias ? r->bias + first : NULL;
    float *y = r->y + t.row * r->ldy + first;
    int direct = is_direct(r, t);
    float *product = direct ? y : r->product + (size_t)worker * w->block * w->tile;
    size_t ld = direct ? r->ldy : n_out;
    int failed = 0, add = direct && r->accumulate;
    if (!copy)
        failed = multiply(r, t, block, (const char *)(r->x + t.row * r->ldx), r->ldx, 0, add,
                          direct ? bias : NULL, product, ld);
    size_t term_bytes = t.n_filled * w->n_in * (w->bf16 ? sizeof(uint16_t) : sizeof(float));
    size_t ldx = w->library == GEMM_OWN ? 0 : w->n_in;
    for (int order = copy ? w->n_x_term - 1 : -1; order >= 0; order--) /* small products first */
        for (int a = order; a >= 0; a--)
            if (order - a < w->n_term) {
                failed |= multiply(r, t, block, copy + (size_t)a * term_bytes, ldx, order - a, add,
                                   direct && !order ? bias : NULL, product, ld);
                add = 1;
            }
    if (failed)
        atomic_store(&r->failed, 1);
    else if (!direct)
        put(product, t.n_row, n_out, bias, r->accumulate, y, r->ldy);
}

/* Row i of a tile as its terms, each to[a][n_in] of the tile's type; zeros where there is none. */
static void row_terms(const struct run *r, struct tile t, size_t i, char *const to[])
{
    const struct gemm_weight *w = r->w;
    size_t n_in = w->n_in;
    const float *x = r->x + (t.row + i - r->skip) * r->ldx;
    float *whole[BF16_TERMS] = { NULL };
    uint16_t *half[BF16_TERMS] = { NULL };
    for (int a = 0; a < w->n_x_term; a++) {
        whole[a] = (float *)to[a];
        half[a] = (uint16_t *)to[a];
        if (i >= t.n_row) /* to[a] is there: NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
            memset(to[a], 0, n_in * (w->bf16 ? sizeof **half : sizeof **whole));
    }
    if (i < t.n_row && !w->rounded)
        memcpy(to[0], x, n_in * sizeof *x);
    else if (i < t.n_row && w->bf16)
        bf16_split(x, n_in, w->n_x_term, half);
    else if (i < t.n_row)
        bf16_split_f32(x, n_in, w->n_x_term, whole);
}

/* Rows `from` to `end` of a tile's copy, as they are for the libraries, packed by fours for our own kernels.
 */
static void copy_plain(const struct run *r, struct tile t, size_t from, size_t end, char *copy)
{
    size_t n_in = r->w->n_in, size = r->w->bf16 ? sizeof(uint16_t) : sizeof(float);
    for (size_t i = from; i < end; i++) {
        char *to[BF16_TERMS] = { NULL };
        for (int a = 0; a == 0 || a < r->w->n_x_term; a++)
            to[a] = copy + ((size_t)a * t.n_filled + i) * n_in * size;
        row_terms(r, t, i, to);
    }
}

static void copy_packed(const struct run *r, struct tile t, size_t from, size_t end, char *copy)
{
    size_t n_in = r->w->n_in;
    float *terms = r->w->rounded ? xnew((size_t)BF16_TERMS * FMAGEMM_ROWS * n_in, sizeof *terms) : NULL;
    for (size_t first = from; first < end; first += FMAGEMM_ROWS) {
        const float *row[BF16_TERMS][FMAGEMM_ROWS] = { { NULL } };
        for (size_t i = 0; i < FMAGEMM_ROWS; i++) {
            char *to[BF16_TERMS] = { NULL };
            row[0][i] = first + i < t.n_row ? r->x + (t.row + first + i - r->skip) * r->ldx : NULL;
            for (int a = 0; terms && a < BF16_TERMS; a++) {
                to[a] = (char *)(terms + ((size_t)a * FMAGEMM_ROWS + i) * n_in);
                row[a][i] = (float *)to[a];
            }
            if (terms)
                row_terms(r, t, first + i, to);
        }
        for (int a = 0; a < r->w->n_x_term; a++)
            fmagemm_pack(row[a], n_in, first, t.n_filled, (float *)copy + (size_t)a * t.n_filled * n_in);
    }
    free(terms);
}

static int needs_copy(const struct run *r, struct tile t)
{
    const struct gemm_weight *w = r->w;
    int packed = w->library == GEMM_OWN && w->n_out * w->n_in >= PACKED;
    return packed || w->rounded || r->turned || t.n_filled > t.n_row;
}

static size_t copy_row_bytes(const struct gemm_weight *w)
{
    return w->n_in * (size_t)w->n_x_term * (w->bf16 ? sizeof(uint16_t) : sizeof(float));
}

static void copy_rows(const struct run *r, struct tile t, size_t from, size_t end, char *copy)
{
    (r->w->library == GEMM_OWN ? copy_packed : copy_plain)(r, t, from, end, copy);
}

/* The same of rows that are columns. */
static void copy_turned(const struct run *r, struct tile t, size_t from, size_t end, char *copy)
{
    size_t n_in = r->w->n_in, n = from < t.n_row ? least(end, t.n_row) - from : 0;
    const float *x = r->x + t.row + from;
    if (r->w->library == GEMM_OWN && !r->w->rounded) {
        fmagemm_pack_turned(x, r->ldx, n, end - from, n_in, from, t.n_filled, (float *)copy);
        return;
    }
    struct run rows = *r;
    float *turned = xnew(n, n_in * sizeof *turned);
    kernel_turn(x, n_in, n, r->ldx, turned);
    rows.x = turned;
    rows.ldx = n_in;
    rows.skip = t.row + from;
    copy_rows(&rows, t, from, end, copy);
    free(turned);
}

/* GEMM_ROWS rows of a tile's copy, if it has one. */
static void copy_task(void *ctx, size_t task, int worker)
{
    const struct run *r = ctx;
    size_t per_tile = r->w->tile / GEMM_ROWS, i = task / per_tile, from = task % per_tile * GEMM_ROWS;
    struct tile t = tile_of(r, i);
    (void)worker;
    if (!r->copy[i] || from >= t.n_filled)
        return;
    (r->turned ? copy_turned : copy_rows)(r, t, from, from + GEMM_ROWS, r->copy[i]);
}

/* Memory for copies and products stays from one call to the next: fresh pages would cost as much as a third
 * of a product. Calls at the same time have their own; N_KEPT of them are kept. */
enum { N_KEPT = 64 };
struct scratch {
    _Alignas(64) size_t size;
    _Alignas(64) char data[];
};
static _Atomic(struct scratch *) kept[N_KEPT];

static struct scratch *scratch_take(size_t size)
{
    struct scratch *s = NULL;
    for (int i = 0; i < N_KEPT && !s; i++)
        s = atomic_exchange(&kept[i], NULL);
    if (s && s->size >= size)
        return s;
    free(s);
    s = xaligned(sizeof *s + size, 1);
    s->size = size;
    return s;
}

static void scratch_give(struct scratch *s)
{
    for (int i = 0; i < N_KEPT; i++) {
        struct scratch *none = NULL;
        if (atomic_compare_exchange_strong(&kept[i], &none, s))
            return;
    }
    free(s);
}

/* Up to STRETCH rows, with room for copies of as many. */
static int run_stretch(struct run *r, char *room, int n_thread)
{
    const struct gemm_weight *w = r->w;
    size_t n_tile = (r->n + w->tile - 1) / w->tile, n_copy = 0;
    char *copy[STRETCH / GEMM_ROWS] = { NULL };
    r->copy = copy;
    for (size_t i = 0; i < n_tile; i++) {
        struct tile t = tile_of(r, i);
        if (needs_copy(r, t)) {
            copy[i] = room;
            room += t.n_filled * copy_row_bytes(w);
            n_copy++;
        }
    }
    if (n_copy)
        threads_for(n_thread, n_tile * (w->tile / GEMM_ROWS), copy_task, r);
    threads_for(n_thread, n_tile * w->n_block, run_task, r);
    return atomic_load(&r->failed) ? -1 : 0;
}

static int run_all(const struct gemm_weight *w, const float *x, int turned, size_t n, size_t ldx, float *y,
                   size_t ldy, const float *bias, int accumulate, int n_thread)
{
    n_thread = n_thread < 1 ? 1 : n_thread;
    size_t product_bytes = (size_t)n_thread * w->block * w->tile * sizeof(float);
    struct scratch *s = scratch_take(product_bytes + round_up(least(n, STRETCH)) * copy_row_bytes(w));
    int failed = 0;
    for (size_t from = 0; from < n && !failed; from += STRETCH) {
        struct run r = { .w = w,
                         .x = x + from * (turned ? 1 : ldx),
                         .bias = bias,
                         .y = y + from * ldy,
                         .ldx = ldx,
                         .ldy = ldy };
        r.turned = turned;
        r.n = least(STRETCH, n - from);
        r.accumulate = accumulate;
        r.product = (float *)s->data;
        atomic_init(&r.failed, 0);
        failed = run_stretch(&r, s->data + product_bytes, n_thread);
    }
    scratch_give(s);
    return failed;
}

int gemm_run(const struct gemm_weight *w, const float *x, size_t n, size_t ldx, float *y, size_t ldy,
             const float *bias, int accumulate, int n_thread)
{
    if (ldx < w->n_in || ldy < w->n_out || ldx > INT_MAX)
        return -1;
    return run_all(w, x, 0, n, ldx, y, ldy, bias, accumulate, n_thread);
}

int gemm_run_turned(const struct gemm_weight *w, const float *x, size_t n, size_t ldx, float *y, size_t ldy,
                    const float *bias, int accumulate, int n_thread)
{
    if (ldx < n || ldy < w->n_out)
        return -1;
    return run_all(w, x, 1, n, ldx, y, ldy, bias, accumulate, n_thread);
}

/* ---- blocks */

void gemm_block_nt(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
                   size_t ldb, float beta, float *c, size_t ldc)
{
    if (float_library == GEMM_OWN && k >= FMAGEMM_PIECE && m % FMAGEMM_ROWS == 0 && alpha == 1 && beta == 0)
        fmagemm_multiply(b, ldb, 1, n, k, a, lda, m, 0, NULL, c, ldc);
    else
        blas->sgemm(BLAS_ROW_MAJOR, BLAS_NO_TRANS, BLAS_TRANS, (int)m, (int)n, (int)k, alpha, a, (int)lda, b,
                    (int)ldb, beta, c, (int)ldc);
}

void gemm_block_nn(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
                   size_t ldb, float beta, float *c, size_t ldc)
{
    blas->sgemm(BLAS_ROW_MAJOR, BLAS_NO_TRANS, BLAS_NO_TRANS, (int)m, (int)n, (int)k, alpha, a, (int)lda, b,
                (int)ldb, beta, c, (int)ldc);
}

void gemm_block_tn(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
                   size_t ldb, float beta, float *c, size_t ldc)
{
    blas->sgemm(BLAS_ROW_MAJOR, BLAS_TRANS, BLAS_NO_TRANS, (int)m, (int)n, (int)k, alpha, a, (int)lda, b,
                (int)ldb, beta, c, (int)ldc);
}
