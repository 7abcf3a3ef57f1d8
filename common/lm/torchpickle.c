/* A stack machine for the part of pickle that a dict of tensors needs. Values never change once they are
 * made, but for dicts, whose items are kept apart; so nothing can be built that is larger than the pickle, or
 * endless. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/torchpickle.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The opcodes that are understood (Python's pickle.py has all). */
enum {
    MARK = '(',
    STOP = '.',
    BININT = 'J',
    BININT1 = 'K',
    BININT2 = 'M',
    NONE = 'N',
    BINPERSID = 'Q',
    REDUCE = 'R',
    BINUNICODE = 'X',
    BUILD = 'b',
    GLOBAL = 'c',
    BINGET = 'h',
    LONG_BINGET = 'j',
    BINPUT = 'q',
    LONG_BINPUT = 'r',
    SETITEM = 's',
    TUPLE = 't',
    SETITEMS = 'u',
    EMPTY_DICT = '}',
    EMPTY_TUPLE = ')',
    PROTO = 0x80,
    TUPLE1 = 0x85,
    TUPLE2 = 0x86,
    TUPLE3 = 0x87,
    NEWTRUE = 0x88,
    NEWFALSE = 0x89,
    LONG1 = 0x8a,
};

struct value {
    enum { V_NONE, V_BOOL, V_INT, V_TEXT, V_TUPLE, V_DICT, V_GLOBAL, V_STORAGE, V_TENSOR } kind;
    int64_t number; /* V_BOOL, V_INT; V_GLOBAL: which of `globals`; V_DICT: which dict */
    size_t at,
        n; /* V_TEXT: bytes of the pickle; V_TUPLE: of `item`; V_STORAGE, V_TENSOR: `at` of their lists */
};

/* What a pickle may name. */
enum { ORDERED_DICT, REBUILD_TENSOR, FIRST_STORAGE };
static const struct {
    const char *module, *name;
    enum tensor_dtype dtype; /* of storages */
} globals[] = {
    [ORDERED_DICT] = { "collections", "OrderedDict", TENSOR_OTHER },
    [REBUILD_TENSOR] = { "torch._utils", "_rebuild_tensor_v2", TENSOR_OTHER },
    [FIRST_STORAGE] = { "torch", "FloatStorage", TENSOR_F32 },
    { "torch", "HalfStorage", TENSOR_F16 },
    { "torch", "BFloat16Storage", TENSOR_BF16 },
    { "torch", "DoubleStorage", TENSOR_F64 },
    { "torch", "LongStorage", TENSOR_I64 },
    { "torch", "IntStorage", TENSOR_I32 },
    { "torch", "ShortStorage", TENSOR_I16 },
    { "torch", "CharStorage", TENSOR_I8 },
    { "torch", "ByteStorage", TENSOR_U8 },
    { "torch", "BoolStorage", TENSOR_BOOL },
};
enum { N_GLOBAL = sizeof globals / sizeof *globals };

struct storage {
    enum tensor_dtype dtype;
    size_t at, n; /* its key, in the pickle */
    size_t n_elem;
};

struct entry { /* of a dict */
    int64_t dict;
    struct value key, value;
};

struct machine {
    const unsigned char *code;
    size_t at, n; /* of the code */
    char *why;
    struct value *stack, *memo, *item; /* item: of all tuples */
    size_t n_stack, stack_room, n_memo, memo_room, n_item, item_room;
    size_t *mark; /* heights of the stack */
    size_t n_mark, mark_room;
    struct storage *storage;
    size_t n_storage, storage_room;
    struct torch_view *tensor;
    size_t n_tensor, tensor_room;
    struct entry *entry;
    size_t n_entry, entry_room;
    int64_t n_dict;
};

static int refuse(struct machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct machine *m, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(m->why, TORCH_WHY_MAX, format, ap);
    va_end(ap);
    return -1;
}

static int shorten(size_t n)
{
    return n < 100 ? (int)n : 100;
}

/* ---- the stack */

static int push(struct machine *m, struct value v)
{
    xgrow(&m->stack, &m->stack_room, m->n_stack + 1, sizeof *m->stack);
    m->stack[m->n_stack++] = v;
    return 0;
}

static int push_number(struct machine *m, int kind, int64_t number)
{
    return push(m, (struct value){ .kind = kind, .number = number });
}

/* Whether n values lie above the last mark; else the refusal is there. */
static int has(struct machine *m, size_t n)
{
    size_t floor = m->n_mark ? m->mark[m->n_mark - 1] : 0;
    if (m->n_stack - floor >= n)
        return 1;
    refuse(m, "corrupt pickle: the stack is empty at byte %zu", m->at - 1);
    return 0;
}

/* The values above the last mark, which is taken away: how many, or SIZE_MAX if there is no mark. */
static size_t take_mark(struct machine *m)
{
    if (m->n_mark)
        return m->n_stack - m->mark[--m->n_mark];
    refuse(m, "corrupt pickle: no mark at byte %zu", m->at - 1);
    return SIZE_MAX;
}

/* The top n values become one tuple. */
static int make_tuple(struct machine *m, size_t n)
{
    struct value v = { .kind = V_TUPLE, .at = m->n_item, .n = n };
    if (n == SIZE_MAX || !has(m, n))
        return -1;
    xgrow(&m->item, &m->item_room, m->n_item + n, sizeof *m->item);
    m->n_stack -= n;
    if (n)
        memcpy(m->item + m->n_item, m->stack + m->n_stack, n * sizeof *m->item);
    m->n_item += n;
    return push(m, v);
}

static int make_dict(struct machine *m)
{
    return push_number(m, V_DICT, m->n_dict++);
}

/* The top n values, keys and values in turn, go into the dict below them. */
static int set_items(struct machine *m, size_t n)
{
    if (n == SIZE_MAX || !has(m, n + 1))
        return -1;
    const struct value *dict = &m->stack[m->n_stack - n - 1];
    if (dict->kind != V_DICT || n % 2)
        return refuse(m, "corrupt pickle: items without a dict at byte %zu", m->at - 1);
    xgrow(&m->entry, &m->entry_room, m->n_entry + n / 2, sizeof *m->entry);
    for (size_t i = 1; i <= n; i += 2)
        m->entry[m->n_entry++] = (struct entry){ dict->number, dict[i], dict[i + 1] };
    m->n_stack -= n;
    return 0;
}

static int put_memo(struct machine *m, uint64_t number)
{
    if (number > m->n_memo) /* picklers number without gaps */
        return refuse(m, "corrupt pickle: a memo out of order at byte %zu", m->at - 1);
    if (!has(m, 1))
        return -1;
    if (number == m->n_memo) {
        xgrow(&m->memo, &m->memo_room, m->n_memo + 1, sizeof *m->memo);
        m->n_memo++;
    }
    m->memo[number] = m->stack[m->n_stack - 1];
    return 0;
}

static int get_memo(struct machine *m, uint64_t number)
{
    if (number >= m->n_memo)
        return refuse(m, "corrupt pickle: an empty memo is asked for at byte %zu", m->at - 1);
    return push(m, m->memo[number]);
}

/* ---- the code */

/* The next n bytes of the code; NULL if there are fewer, and the refusal is there. */
static const unsigned char *take(struct machine *m, size_t n)
{
    if (n > m->n - m->at) {
        refuse(m, "truncated pickle");
        return NULL;
    }
    m->at += n;
    return m->code + m->at - n;
}

/* A whole number of n_byte bytes: 0, or -1. */
static int take_number(struct machine *m, int n_byte, uint64_t *v)
{
    const unsigned char *p = take(m, (size_t)n_byte);
    *v = 0;
    while (p && n_byte--)
        *v = *v << 8 | p[n_byte];
    return p ? 0 : -1;
}

/* The next line without its line feed: *at and *n in the code. */
static int take_line(struct machine *m, size_t *at, size_t *n)
{
    const unsigned char *end = memchr(m->code + m->at, '\n', m->n - m->at);
    if (!end)
        return refuse(m, "truncated pickle");
    *at = m->at;
    *n = (size_t)(end - (m->code + m->at));
    m->at += *n + 1;
    return 0;
}

static int is_text(const struct machine *m, size_t at, size_t n, const char *text)
{
    return n == strlen(text) && !memcmp(m->code + at, text, n);
}

static int take_global(struct machine *m)
{
    size_t module = 0, n_module = 0, name = 0, n_name = 0;
    if (take_line(m, &module, &n_module) < 0 || take_line(m, &name, &n_name) < 0)
        return -1;
    for (int i = 0; i < N_GLOBAL; i++)
        if (is_text(m, module, n_module, globals[i].module) && is_text(m, name, n_name, globals[i].name))
            return push_number(m, V_GLOBAL, i);
    return refuse(m, "refused: it calls for %.*s.%.*s, which a file of weights has no need of",
                  shorten(n_module), (const char *)m->code + module, shorten(n_name),
                  (const char *)m->code + name);
}

static int take_text(struct machine *m)
{
    uint64_t n;
    if (take_number(m, 4, &n) < 0 || !take(m, (size_t)n))
        return -1;
    const char *text = (const char *)m->code + m->at - n;
    if (utf8_check(text, (size_t)n) < n || memchr(text, 0, (size_t)n))
        return refuse(m, "corrupt pickle: a text that is not UTF-8 at byte %zu", m->at - (size_t)n);
    return push(m, (struct value){ .kind = V_TEXT, .at = m->at - (size_t)n, .n = (size_t)n });
}

/* A number of 1 to 8 bytes, two's complement. */
static int take_long(struct machine *m, int n_byte)
{
    uint64_t v;
    if (n_byte > 8)
        return refuse(m, "corrupt pickle: a number of %d bytes", n_byte);
    if (take_number(m, n_byte, &v) < 0)
        return -1;
    if (n_byte && n_byte < 8 && v >> (8 * n_byte - 1))
        v |= UINT64_MAX << (8 * n_byte);
    return push_number(m, V_INT, (int64_t)v);
}

/* ---- tensors */

/* A persistent id, ("storage", type, key, location, number of elements). */
static int make_storage(struct machine *m)
{
    if (!has(m, 1))
        return -1;
    struct value id = m->stack[--m->n_stack];
    const struct value *v = id.kind == V_TUPLE && id.n == 5 ? m->item + id.at : NULL;
    if (!v || v[0].kind != V_TEXT || !is_text(m, v[0].at, v[0].n, "storage") || v[1].kind != V_GLOBAL ||
        v[1].number < FIRST_STORAGE || v[2].kind != V_TEXT || v[3].kind != V_TEXT || v[4].kind != V_INT ||
        v[4].number < 0)
        return refuse(m, "corrupt pickle: a persistent id that is no storage at byte %zu", m->at - 1);
    xgrow(&m->storage, &m->storage_room, m->n_storage + 1, sizeof *m->storage);
    m->storage[m->n_storage] = (struct storage){ globals[v[1].number].dtype, v[2].at, v[2].n,
                                                 (size_t)v[4].number };
    return push(m, (struct value){ .kind = V_STORAGE, .at = m->n_storage++ });
}

/* n_dim whole numbers from a tuple: 0, or -1. */
static int get_sizes(const struct machine *m, const struct value *tuple, size_t out[TENSOR_MAX_DIM])
{
    if (tuple->kind != V_TUPLE || tuple->n > TENSOR_MAX_DIM)
        return -1;
    for (size_t i = 0; i < tuple->n; i++) {
        const struct value *v = &m->item[tuple->at + i];
        if (v->kind != V_INT || v->number < 0)
            return -1;
        out[i] = (size_t)v->number;
    }
    return 0;
}

/* Whether every element of the view lies in its storage, and no more elements than that has. */
static int is_inside(const struct torch_view *v)
{
    size_t last = v->offset, step;
    if (!v->tensor.n)
        return 1;
    for (int i = 0; i < v->tensor.n_dim; i++)
        if (mem_mul(v->tensor.shape[i] - 1, v->stride[i], &step) < 0 || mem_add(last, step, &last) < 0)
            return 0;
    return last < v->n_storage && v->tensor.n <= v->n_storage;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
static int make_tensor(struct machine *m, const struct value *tuple)
{
    const struct value *v = tuple->n == 6 ? m->item + tuple->at : NULL;
    struct torch_view view = { 0 };
    if (!v || v[0].kind != V_STORAGE || v[1].kind != V_INT || v[1].number < 0 ||
        get_sizes(m, &v[2], view.tensor.shape) < 0 || get_sizes(m, &v[3], view.stride) < 0 ||
        v[2].n != v[3].n)
        return refuse(m, "corrupt pickle: a tensor without storage, shape or strides at byte %zu", m->at - 1);
    const struct storage *s = &m->storage[v[0].at];
    view.offset = (size_t)v[1].number;
    view.tensor.n_dim = (int)v[2].n;
    view.tensor.dtype = s->dtype;
    view.tensor.dtype_name = tensor_dtype_name(s->dtype);
    view.n_storage = s->n_elem;
    view.key = (const char *)m->code + s->at;
    view.n_key = s->n;
    if (tensor_set_size(&view.tensor) < 0 || !is_inside(&view))
        return refuse(m, "corrupt pickle: a tensor larger than its storage at byte %zu", m->at - 1);
    xgrow(&m->tensor, &m->tensor_room, m->n_tensor + 1, sizeof *m->tensor);
    m->tensor[m->n_tensor] = view;
    return push(m, (struct value){ .kind = V_TENSOR, .at = m->n_tensor++ });
}

/* Calls one of the two things that can be called. */
static int reduce(struct machine *m)
{
    if (!has(m, 2))
        return -1;
    struct value args = m->stack[m->n_stack - 1], called = m->stack[m->n_stack - 2];
    m->n_stack -= 2;
    if (called.kind == V_GLOBAL && args.kind == V_TUPLE) {
        if (called.number == ORDERED_DICT && !args.n)
            return make_dict(m);
        if (called.number == REBUILD_TENSOR)
            return make_tensor(m, &args);
    }
    return refuse(m, "refused: the pickle calls what is no tensor or empty dict at byte %zu", m->at - 1);
}

/* Attributes of a dict, as the _metadata of PyTorch's modules: nothing that weights need. */
static int build(struct machine *m)
{
    if (!has(m, 2))
        return -1;
    m->n_stack--;
    if (m->stack[m->n_stack - 1].kind != V_DICT)
        return refuse(m, "refused: the pickle changes what is no dict at byte %zu", m->at - 1);
    return 0;
}

/* ---- running */

static int step_number(struct machine *m, int op)
{
    static const int width[256] = {
        [BINGET] = 1, [LONG_BINGET] = 4, [BINPUT] = 1,  [LONG_BINPUT] = 4, [LONG1] = 1,
        [BININT] = 4, [BININT1] = 1,     [BININT2] = 2, [PROTO] = 1
    };
    uint64_t v;
    if (take_number(m, width[op], &v) < 0)
        return -1;
    switch (op) {
    case BINGET:
    case LONG_BINGET:
        return get_memo(m, v);
    case BINPUT:
    case LONG_BINPUT:
        return put_memo(m, v);
    case LONG1:
        return take_long(m, (int)v);
    case PROTO:
        return v == 2 ? 0 : refuse(m, "a pickle of protocol %d; torch.save writes protocol 2", (int)v);
    case BININT:
        return push_number(m, V_INT, (int32_t)(uint32_t)v);
    default:
        return push_number(m, V_INT, (int64_t)v);
    }
}

static int step(struct machine *m, int op)
{
    switch (op) {
    case MARK:
        xgrow(&m->mark, &m->mark_room, m->n_mark + 1, sizeof *m->mark);
        m->mark[m->n_mark++] = m->n_stack;
        return 0;
    case NONE:
        return push_number(m, V_NONE, 0);
    case NEWTRUE:
    case NEWFALSE:
        return push_number(m, V_BOOL, op == NEWTRUE);
    case BINUNICODE:
        return take_text(m);
    case GLOBAL:
        return take_global(m);
    case BINPERSID:
        return make_storage(m);
    case REDUCE:
        return reduce(m);
    case BUILD:
        return build(m);
    case EMPTY_DICT:
        return make_dict(m);
    case SETITEM:
        return set_items(m, 2);
    case SETITEMS:
        return set_items(m, take_mark(m));
    case TUPLE:
        return make_tuple(m, take_mark(m));
    case EMPTY_TUPLE:
        return make_tuple(m, 0);
    case TUPLE1:
    case TUPLE2:
    case TUPLE3:
        return make_tuple(m, (size_t)(op - TUPLE1 + 1));
    case BINGET:
    case LONG_BINGET:
    case BINPUT:
    case LONG_BINPUT:
    case LONG1:
    case BININT:
    case BININT1:
    case BININT2:
    case PROTO:
        return step_number(m, op);
    default:
        return refuse(
            m, "refused: the pickle has opcode 0x%02x at byte %zu, which a file of weights has no need of",
            (unsigned)op, m->at - 1);
    }
}

/* Runs to STOP, which must leave one dict: its number, or -1. */
static int64_t run(struct machine *m)
{
    const unsigned char *op;
    while ((op = take(m, 1)) && *op != STOP)
        if (step(m, *op) < 0)
            return -1;
    if (!op)
        return -1;
    if (m->n_stack != 1 || m->n_mark || m->at != m->n)
        return refuse(m, "corrupt pickle: it does not end with one value");
    if (m->stack[0].kind != V_DICT)
        return refuse(m, "holds no dict of tensors");
    return m->stack[0].number;
}

/* The named tensors of a dict into list, which has room. */
static int collect(struct machine *m, int64_t dict, struct torch_view *list, size_t *n_list)
{
    for (size_t i = 0; i < m->n_entry; i++) {
        const struct entry *e = &m->entry[i];
        if (e->dict != dict)
            continue;
        if (e->key.kind != V_TEXT)
            return refuse(m, "holds a dict whose keys are not all names");
        const char *name = (const char *)m->code + e->key.at;
        if (e->value.kind != V_TENSOR)
            return refuse(m, "'%.*s' is no tensor: a file of weights, not of a whole training run, is wanted",
                          shorten(e->key.n), name);
        list[*n_list] = m->tensor[e->value.at];
        list[(*n_list)++].tensor.name = xstrndup(name, e->key.n);
    }
    return 0;
}

int torchpickle_read(const void *bytes, size_t n, struct torch_view **list, size_t *n_list,
                     char why[TORCH_WHY_MAX])
{
    struct machine m = { .code = bytes, .n = n, .why = why };
    int64_t dict = run(&m);
    int status = -1;
    *n_list = 0;
    *list = NULL;
    if (dict >= 0) {
        *list = xnew(m.n_entry, sizeof **list);
        status = collect(&m, dict, *list, n_list);
    }
    if (status < 0) {
        torchpickle_free(*list, *n_list);
        *list = NULL;
        *n_list = 0;
    }
    free(m.stack);
    free(m.memo);
    free(m.item);
    free(m.mark);
    free(m.storage);
    free(m.tensor);
    free(m.entry);
    return status;
}

void torchpickle_free(struct torch_view *list, size_t n_list)
{
    for (size_t i = 0; i < n_list; i++)
        free((char *)(uintptr_t)list[i].tensor.name);
    free(list);
}
