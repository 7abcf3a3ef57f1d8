/* Loaded when first needed rather than linked: most processors have no use for it, and programs that multiply
 * nothing need not wait for its 50 MB. Its C interface of 2.x and of 3.x. Each call is one primitive on one
 * thread; who does what is decided by our threads. SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/onednn.h"
#if defined(__has_include)
#if __has_include(<dnnl.h>)
#define HAVE_DNNL 1
#endif
#endif

#ifdef HAVE_DNNL
#include "base/mem.h"
#include <dlfcn.h>
#include <dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the library */

#if DNNL_VERSION_MAJOR >= 3
#define FUNCTIONS_OF_VERSION(X)                                                                              \
    X(dnnl_memory_desc_create_with_tag)                                                                      \
    X(dnnl_memory_desc_create_with_strides)                                                                  \
    X(dnnl_memory_desc_clone) X(dnnl_memory_desc_destroy) X(dnnl_matmul_primitive_desc_create)
#else
#define FUNCTIONS_OF_VERSION(X)                                                                              \
    X(dnnl_memory_desc_init_by_tag)                                                                          \
    X(dnnl_memory_desc_init_by_strides) X(dnnl_matmul_desc_init) X(dnnl_primitive_desc_create)
#endif
#define FUNCTIONS(X)                                                                                         \
    X(dnnl_version)                                                                                          \
    X(dnnl_get_effective_cpu_isa)                                                                            \
    X(dnnl_engine_create)                                                                                    \
    X(dnnl_stream_create)                                                                                    \
    X(dnnl_stream_wait)                                                                                      \
    X(dnnl_stream_destroy)                                                                                   \
    X(dnnl_memory_create)                                                                                    \
    X(dnnl_memory_destroy)                                                                                   \
    X(dnnl_memory_desc_get_size)                                                                             \
    X(dnnl_primitive_attr_create)                                                                            \
    X(dnnl_primitive_attr_destroy)                                                                           \
    X(dnnl_primitive_attr_set_scratchpad_mode)                                                               \
    X(dnnl_primitive_attr_set_post_ops)                                                                      \
    X(dnnl_post_ops_create)                                                                                  \
    X(dnnl_post_ops_destroy)                                                                                 \
    X(dnnl_post_ops_append_sum)                                                                              \
    X(dnnl_primitive_desc_query)                                                                             \
    X(dnnl_primitive_desc_query_md)                                                                          \
    X(dnnl_primitive_desc_destroy)                                                                           \
    X(dnnl_reorder_primitive_desc_create)                                                                    \
    X(dnnl_primitive_create) X(dnnl_primitive_execute) X(dnnl_primitive_destroy) FUNCTIONS_OF_VERSION(X)

#define POINTER(name) __typeof__(name) *name;
static struct {
    pthread_once_t once;
    int ok;
    FUNCTIONS(POINTER)
    void (*omp_set_num_threads)(int); /* NULL when it was built without OpenMP */
    dnnl_engine_t engine;
    char version[32];
} lib = { .once = PTHREAD_ONCE_INIT };

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

static void load(void)
{
    void *dl = dlopen("libdnnl.so." TEXT(DNNL_VERSION_MAJOR), RTLD_NOW | RTLD_LOCAL);
    if (!dl)
        dl = dlopen("libdnnl." TEXT(DNNL_VERSION_MAJOR) ".dylib", RTLD_NOW | RTLD_LOCAL);
    if (!dl)
        return;
    void *p;
#define FIND(name)                                                                                           \
    if (!(p = dlsym(dl, #name)))                                                                             \
        return;                                                                                              \
    memcpy(&lib.name, &p, sizeof p);
    FUNCTIONS(FIND)
    if ((p = dlsym(dl, "omp_set_num_threads"))) /* of the library that it depends on */
        memcpy(&lib.omp_set_num_threads, &p, sizeof p);
    const dnnl_version_t *v = lib.dnnl_version();
    snprintf(lib.version, sizeof lib.version, "%d.%d.%d", v->major, v->minor, v->patch);
    lib.ok = v->major == DNNL_VERSION_MAJOR && !lib.dnnl_engine_create(&lib.engine, dnnl_cpu, 0);
}

static int is_there(void)
{
    pthread_once(&lib.once, load);
    return lib.ok;
}

const char *onednn_version(void)
{
    return is_there() ? lib.version : NULL;
}

const char *onednn_bf16_unit(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512bf16") || !is_there())
        return NULL;
    unsigned isa = lib.dnnl_get_effective_cpu_isa();
    if ((isa & dnnl_cpu_isa_avx512_core_amx) == dnnl_cpu_isa_avx512_core_amx)
        return "AMX";
    if ((isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16)
        return "AVX512-BF16";
#endif
    return NULL;
}

/* Each thread has its own number of OpenMP threads. */
static void use_one_thread(void)
{
    if (lib.omp_set_num_threads)
        lib.omp_set_num_threads(1);
}

/* ---- what differs between the versions: a description of memory is a struct in 2.x, a handle in 3.x */

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t layout;
typedef const_dnnl_memory_desc_t const_layout;

static layout layout_any(const dnnl_dims_t dims, dnnl_data_type_t type)
{
    layout l = NULL;
    return lib.dnnl_memory_desc_create_with_tag(&l, 2, dims, type, dnnl_format_tag_any) ? NULL : l;
}
static layout layout_strided(const dnnl_dims_t dims, dnnl_data_type_t type, const dnnl_dims_t strides)
{
    layout l = NULL;
    return lib.dnnl_memory_desc_create_with_strides(&l, 2, dims, type, strides) ? NULL : l;
}
static layout layout_copy(const_layout from)
{
    layout l = NULL;
    return lib.dnnl_memory_desc_clone(&l, from) ? NULL : l;
}
static void layout_free(layout l)
{
    if (l)
        lib.dnnl_memory_desc_destroy(l);
}
static int describe_matmul(dnnl_primitive_desc_t *pd, layout x, layout w, layout y,
                           dnnl_primitive_attr_t attr)
{
    return lib.dnnl_matmul_primitive_desc_create(pd, lib.engine, x, w, NULL, y, attr) ? -1 : 0;
}
static int append_sum(dnnl_post_ops_t ops)
{
    return lib.dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef) ? -1 : 0;
}
#else
typedef dnnl_memory_desc_t *layout;
typedef const dnnl_memory_desc_t *const_layout;

static layout layout_any(const dnnl_dims_t dims, dnnl_data_type_t type)
{
    layout l = xcalloc(1, sizeof *l);
    if (!lib.dnnl_memory_desc_init_by_tag(l, 2, dims, type, dnnl_format_tag_any))
        return l;
    free(l);
    return NULL;
}
static layout layout_strided(const dnnl_dims_t dims, dnnl_data_type_t type, const dnnl_dims_t strides)
{
    layout l = xcalloc(1, sizeof *l);
    if (!lib.dnnl_memory_desc_init_by_strides(l, 2, dims, type, strides))
        return l;
    free(l);
    return NULL;
}
static layout layout_copy(const_layout from)
{
    layout l = xmalloc(sizeof *l);
    *l = *from;
    return l;
}
static void layout_free(layout l)
{
    free(l);
}
static int describe_matmul(dnnl_primitive_desc_t *pd, layout x, layout w, layout y,
                           dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t d;
    if (lib.dnnl_matmul_desc_init(&d, x, w, NULL, y))
        return -1;
    return lib.dnnl_primitive_desc_create(pd, &d, attr, lib.engine, NULL) ? -1 : 0;
}
static int append_sum(dnnl_post_ops_t ops)
{
    return lib.dnnl_post_ops_append_sum(ops, 1) ? -1 : 0;
}
#endif

/* ---- a product of given shape */

struct plan {
    size_t n_row, ldx, ldy;
    int add;
    layout x, y, scratch;
    dnnl_primitive_t primitive;
    /* the block's weights once more, where this number of rows wants them otherwise; or NULL */
    layout layout;
    dnnl_memory_t memory;
    void *data;
};

struct onednn_block {
    size_t n_out, n_in;
    dnnl_data_type_t type;
    layout layout;
    dnnl_memory_t memory;
    void *data;
    pthread_mutex_t lock; /* of the plans */
    struct plan **plan;
    size_t n_plan, room;
};

/* dst (+)= x w, with scratch memory given at each execution, so that threads can share it. NULL if it cannot.
 */
static dnnl_primitive_desc_t describe(layout x, layout w, layout y, int add)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    int ok = !lib.dnnl_primitive_attr_create(&attr) &&
             !lib.dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user) &&
             !lib.dnnl_post_ops_create(&ops) && (!add || !append_sum(ops)) &&
             !lib.dnnl_primitive_attr_set_post_ops(attr, ops) && !describe_matmul(&pd, x, w, y, attr);
    if (ops)
        lib.dnnl_post_ops_destroy(ops);
    if (attr)
        lib.dnnl_primitive_attr_destroy(attr);
    return ok ? pd : NULL;
}

static int execute(dnnl_primitive_t primitive, int n, dnnl_exec_arg_t *args)
{
    dnnl_stream_t stream = NULL;
    int ok = !lib.dnnl_stream_create(&stream, lib.engine, dnnl_stream_default_flags) &&
             !lib.dnnl_primitive_execute(primitive, stream, n, args) && !lib.dnnl_stream_wait(stream);
    if (stream)
        lib.dnnl_stream_destroy(stream);
    return ok ? 0 : -1;
}

/* A handle on memory that stays the caller's; it is not written unless a primitive is told to. */
static dnnl_memory_t wrap(const_layout l, const void *data)
{
    dnnl_memory_t m = NULL;
    return lib.dnnl_memory_create(&m, l, lib.engine, (void *)(uintptr_t)data) ? NULL : m;
}

static void unwrap(dnnl_memory_t m)
{
    if (m)
        lib.dnnl_memory_destroy(m);
}

static int reorder(dnnl_memory_t from, const_layout from_layout, dnnl_memory_t to, const_layout to_layout)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };
    int ok = !lib.dnnl_reorder_primitive_desc_create(&pd, from_layout, lib.engine, to_layout, lib.engine,
                                                     NULL) &&
             !lib.dnnl_primitive_create(&primitive, pd) && !execute(primitive, 2, args);
    if (primitive)
        lib.dnnl_primitive_destroy(primitive);
    if (pd)
        lib.dnnl_primitive_desc_destroy(pd);
    return ok ? 0 : -1;
}

static void plan_free(struct plan *p)
{
    if (!p)
        return;
    if (p->primitive)
        lib.dnnl_primitive_destroy(p->primitive);
    unwrap(p->memory);
    free(p->data);
    layout_free(p->layout);
    layout_free(p->scratch);
    layout_free(p->y);
    layout_free(p->x);
    free(p);
}

/* Whether it would run code written to be plain rather than fast. */
static int is_reference(dnnl_primitive_desc_t pd)
{
    const char *name = NULL;
    return lib.dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name) || !name ||
           strstr(name, "ref");
}

/* The product that a plan is for, with the weights as they are or, when no fast code takes them so for this
 * number of rows, as it likes them. */
static dnnl_primitive_desc_t describe_with(const struct onednn_block *b, struct plan *p)
{
    dnnl_primitive_desc_t as_they_are = describe(p->x, b->layout, p->y, p->add), pd = NULL;
    if (as_they_are && !is_reference(as_they_are))
        return as_they_are;
    dnnl_dims_t w = { (dnnl_dim_t)b->n_in, (dnnl_dim_t)b->n_out };
    layout any = layout_any(w, b->type);
    if (any && (pd = describe(p->x, any, p->y, p->add)) && !is_reference(pd) &&
        (p->layout = layout_copy(lib.dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0)))) {
        p->data = xaligned(lib.dnnl_memory_desc_get_size(p->layout), 1);
        p->memory = wrap(p->layout, p->data);
    }
    layout_free(any);
    if (p->memory && !reorder(b->memory, b->layout, p->memory, p->layout)) {
        if (as_they_are)
            lib.dnnl_primitive_desc_destroy(as_they_are);
        return pd;
    }
    unwrap(p->memory);
    p->memory = NULL;
    if (pd)
        lib.dnnl_primitive_desc_destroy(pd);
    return as_they_are;
}

static struct plan *plan_new(const struct onednn_block *b, size_t n_row, size_t ldx, size_t ldy, int add)
{
    struct plan *p = xcalloc(1, sizeof *p);
    *p = (struct plan){ .n_row = n_row, .ldx = ldx, .ldy = ldy, .add = add };
    dnnl_dims_t x = { (dnnl_dim_t)n_row, (dnnl_dim_t)b->n_in }, x_strides = { (dnnl_dim_t)ldx, 1 };
    dnnl_dims_t y = { (dnnl_dim_t)n_row, (dnnl_dim_t)b->n_out }, y_strides = { (dnnl_dim_t)ldy, 1 };
    p->x = layout_strided(x, b->type, x_strides);
    p->y = layout_strided(y, dnnl_f32, y_strides);
    dnnl_primitive_desc_t pd = p->x && p->y ? describe_with(b, p) : NULL;
    const_layout scratch = pd ? lib.dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0) : NULL;
    int ok = scratch && (p->scratch = layout_copy(scratch)) && !lib.dnnl_primitive_create(&p->primitive, pd);
    if (pd)
        lib.dnnl_primitive_desc_destroy(pd);
    if (ok)
        return p;
    plan_free(p);
    return NULL;
}

/* The plan for such a product, made when it is first asked for. */
static const struct plan *plan_get(struct onednn_block *b, size_t n_row, size_t ldx, size_t ldy, int add)
{
    struct plan *p = NULL;
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->n_plan && !p; i++) {
        struct plan *q = b->plan[i];
        if (q->n_row == n_row && q->ldx == ldx && q->ldy == ldy && q->add == add)
            p = q;
    }
    if (!p && (p = plan_new(b, n_row, ldx, ldy, add))) {
        xgrow(&b->plan, &b->room, b->n_plan + 1, sizeof(struct plan *));
        b->plan[b->n_plan++] = p;
    }
    pthread_mutex_unlock(&b->lock);
    return p;
}

/* The layout of the weights that oneDNN likes best. */
static layout best_layout(const struct onednn_block *b, size_t max_rows)
{
    dnnl_dims_t x = { (dnnl_dim_t)max_rows, (dnnl_dim_t)b->n_in }, x_strides = { (dnnl_dim_t)b->n_in, 1 };
    dnnl_dims_t w = { (dnnl_dim_t)b->n_in, (dnnl_dim_t)b->n_out };
    dnnl_dims_t y = { (dnnl_dim_t)max_rows, (dnnl_dim_t)b->n_out }, y_strides = { (dnnl_dim_t)b->n_out, 1 };
    layout lx = layout_strided(x, b->type, x_strides), lw = layout_any(w, b->type);
    layout ly = layout_strided(y, dnnl_f32, y_strides), best = NULL;
    dnnl_primitive_desc_t pd = lx && lw && ly ? describe(lx, lw, ly, 1) : NULL;
    if (pd) {
        best = layout_copy(lib.dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
        lib.dnnl_primitive_desc_destroy(pd);
    }
    layout_free(ly);
    layout_free(lw);
    layout_free(lx);
    return best;
}

struct onednn_block *onednn_block_new(const void *w, int bf16, size_t n_out, size_t n_in, size_t stride_out,
                                      size_t stride_in, size_t max_rows)
{
    if (!is_there())
        return NULL;
    use_one_thread();
    struct onednn_block *b = xcalloc(1, sizeof *b);
    *b = (struct onednn_block){ .n_out = n_out, .n_in = n_in, .type = bf16 ? dnnl_bf16 : dnnl_f32 };
    pthread_mutex_init(&b->lock, NULL);
    dnnl_dims_t dims = { (dnnl_dim_t)n_in, (dnnl_dim_t)n_out };
    dnnl_dims_t strides = { (dnnl_dim_t)stride_in, (dnnl_dim_t)stride_out };
    layout from = layout_strided(dims, b->type, strides);
    dnnl_memory_t given = from ? wrap(from, w) : NULL;
    int ok = given && (b->layout = best_layout(b, max_rows));
    if (ok) {
        b->data = xaligned(lib.dnnl_memory_desc_get_size(b->layout), 1);
        b->memory = wrap(b->layout, b->data);
        ok = b->memory && !reorder(given, from, b->memory, b->layout);
    }
    unwrap(given);
    layout_free(from);
    if (ok)
        return b;
    onednn_block_free(b);
    return NULL;
}

void onednn_block_free(struct onednn_block *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n_plan; i++)
        plan_free(b->plan[i]);
    free(b->plan);
    pthread_mutex_destroy(&b->lock);
    unwrap(b->memory);
    free(b->data);
    layout_free(b->layout);
    free(b);
}

int onednn_multiply(struct onednn_block *b, const void *x, size_t ldx, size_t n_row, int add, float *y,
                    size_t ldy)
{
    use_one_thread();
    const struct plan *p = plan_get(b, n_row, ldx, ldy, add);
    if (!p)
        return -1;
    size_t scratch_bytes = lib.dnnl_memory_desc_get_size(p->scratch);
    void *scratch = scratch_bytes ? xaligned(scratch_bytes, 1) : NULL;
    dnnl_memory_t mx = wrap(p->x, x), my = wrap(p->y, y), ms = wrap(p->scratch, scratch);
    dnnl_exec_arg_t args[] = { { DNNL_ARG_SRC, mx },
                               { DNNL_ARG_WEIGHTS, p->memory ? p->memory : b->memory },
                               { DNNL_ARG_DST, my },
                               { DNNL_ARG_SCRATCHPAD, ms } };
    int r = mx && my && ms ? execute(p->primitive, 4, args) : -1;
    unwrap(ms);
    unwrap(my);
    unwrap(mx);
    free(scratch);
    return r;
}

#else /* built without oneDNN */

const char *onednn_bf16_unit(void)
{
    return NULL;
}
const char *onednn_version(void)
{
    return NULL;
}
struct onednn_block *onednn_block_new(const void *w, int bf16, size_t n_out, size_t n_in, size_t stride_out,
                                      size_t stride_in, size_t max_rows)
{
    (void)w, (void)bf16, (void)n_out, (void)n_in, (void)stride_out, (void)stride_in, (void)max_rows;
    return NULL;
}
void onednn_block_free(struct onednn_block *b)
{
    (void)b;
}
int onednn_multiply(struct onednn_block *b, const void *x, size_t ldx, size_t n_row, int add, float *y,
                    size_t ldy)
{
    (void)b, (void)x, (void)ldx, (void)n_row, (void)add, (void)y, (void)ldy;
    return -1;
}
#endif
