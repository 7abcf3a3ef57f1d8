/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/tensor.h"
#include "base/half.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/vector.h"
#include <libdeflate.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensor data is read in place, as little-endian");

/* ---- dtypes */

static const struct {
    const char *name;
    unsigned bits;
} dtypes[] = {
    [TENSOR_F64] = { "F64", 64 },
    [TENSOR_F32] = { "F32", 32 },
    [TENSOR_F16] = { "F16", 16 },
    [TENSOR_BF16] = { "BF16", 16 },
    [TENSOR_I64] = { "I64", 64 },
    [TENSOR_I32] = { "I32", 32 },
    [TENSOR_I16] = { "I16", 16 },
    [TENSOR_I8] = { "I8", 8 },
    [TENSOR_U8] = { "U8", 8 },
    [TENSOR_BOOL] = { "BOOL", 8 },
    /* only passed through */
    { "U64", 64 },
    { "U32", 32 },
    { "U16", 16 },
    { "C64", 64 },
    { "F8_E5M2", 8 },
    { "F8_E4M3", 8 },
    { "F8_E8M0", 8 },
    { "F8_E4M3FNUZ", 8 },
    { "F8_E5M2FNUZ", 8 },
    { "F6_E2M3", 6 },
    { "F6_E3M2", 6 },
    { "F4", 4 },
};
enum { N_DTYPE = sizeof dtypes / sizeof *dtypes };

size_t tensor_dtype_bytes(enum tensor_dtype dtype)
{
    return dtype < TENSOR_OTHER ? dtypes[dtype].bits / 8 : 0;
}

const char *tensor_dtype_name(enum tensor_dtype dtype)
{
    return dtype < TENSOR_OTHER ? dtypes[dtype].name : "other";
}

enum tensor_dtype tensor_dtype_find(const char *name)
{
    for (int i = 0; i < TENSOR_OTHER; i++)
        if (!strcmp(dtypes[i].name, name))
            return (enum tensor_dtype)i;
    return TENSOR_OTHER;
}

unsigned tensor_dtype_bits(const char *name)
{
    for (int i = 0; i < N_DTYPE; i++)
        if (!strcmp(dtypes[i].name, name))
            return dtypes[i].bits;
    return 0;
}

char *tensor_shape_text(const struct tensor *t, char text[TENSOR_SHAPE_MAX])
{
    if (!t->n_dim)
        return strcpy(text, "scalar");
    size_t n = 0;
    for (int i = 0; i < t->n_dim; i++)
        n += (size_t)snprintf(text + n, TENSOR_SHAPE_MAX - n, i ? "x%zu" : "%zu", t->shape[i]);
    return text;
}

int tensor_parse_shape(struct tensor *t, const char *text)
{
    t->n_dim = 0;
    if (!strcmp(text, "scalar"))
        return 0;
    for (;; text++) {
        char number[24];
        uint64_t v;
        size_t n = strcspn(text, "x,");
        if (n >= sizeof number || t->n_dim == TENSOR_MAX_DIM)
            return -1;
        memcpy(number, text, n);
        number[n] = 0;
        if (num_parse_u64(number, &v) < 0)
            return -1;
        t->shape[t->n_dim++] = v;
        text += n;
        if (!*text)
            return 0;
    }
}

int tensor_set_size(struct tensor *t)
{
    unsigned bits = tensor_dtype_bits(t->dtype_name);
    size_t n = 1, n_bits;
    for (int i = 0; i < t->n_dim; i++)
        if (mem_mul(n, t->shape[i], &n) < 0)
            return -1;
    t->n = n;
    if (!bits)
        return 0;
    if (mem_mul(n, bits, &n_bits) < 0 || n_bits % 8)
        return -1;
    t->n_bytes = n_bits / 8;
    return 0;
}

/* ---- numbers */

/* To f32 by rounding to odd: towards 0, then the last bit set if anything was lost. Rounding that to fewer
 * bits gives what rounding once would (Boldo & Melquiond 2008). */
static inline float f32_odd(double d)
{
    float f = (float)d;
    uint32_t u = half_bits(f);
    if ((double)f == d || isnan(d))
        return f;
    u -= fabs((double)f) > fabs(d);
    return half_of_bits(u | 1);
}

/* ---- arrays */

/* Elements at any address. */
#define ANYWHERE __attribute__((aligned(1), may_alias))
typedef double any_f64 ANYWHERE;
typedef float any_f32 ANYWHERE;
typedef uint16_t any_16 ANYWHERE;
typedef int64_t any_i64 ANYWHERE;
typedef int32_t any_i32 ANYWHERE;
typedef int16_t any_i16 ANYWHERE;
typedef int8_t any_i8 ANYWHERE;
typedef uint8_t any_u8 ANYWHERE;

typedef void convert(const void *in, size_t n, void *out);

/* A loop from an array of `from` to an array of `to`; `value` is made of x. */
#define LOOP(name, from, to, value)                                                                          \
    VECTOR_CLONES static void name(const void *in, size_t n, void *out)                                      \
    {                                                                                                        \
        const from *restrict input = in;                                                                     \
        to *restrict output = out;                                                                           \
        for (size_t i = 0; i < n; i++) {                                                                     \
            from x = input[i];                                                                               \
            output[i] = (to)(value);                                                                         \
        }                                                                                                    \
    }

/* To an integer from a number of type F (f or nothing behind its constants): `above` is the least value of F
 * that becomes `most`. */
#define SATURATED(round, least, above, most)                                                                 \
    (x != x ? 0 : x >= (above) ? (most) : x <= (least) ? (least) : round(x))

LOOP(f32_of_f64, any_f64, any_f32, x)
LOOP(f32_of_f16, any_16, any_f32, half_f16_to_f32(x))
LOOP(f32_of_bf16, any_16, any_f32, half_bf16_to_f32(x))
LOOP(f32_of_i64, any_i64, any_f32, x)
LOOP(f32_of_i32, any_i32, any_f32, x)
LOOP(f32_of_i16, any_i16, any_f32, x)
LOOP(f32_of_i8, any_i8, any_f32, x)
LOOP(f32_of_u8, any_u8, any_f32, x)

LOOP(f64_of_f32, any_f32, any_f64, x)
LOOP(f64_of_f16, any_16, any_f64, half_f16_to_f32(x))
LOOP(f64_of_bf16, any_16, any_f64, half_bf16_to_f32(x))
LOOP(f64_of_i64, any_i64, any_f64, x)
LOOP(f64_of_i32, any_i32, any_f64, x)
LOOP(f64_of_i16, any_i16, any_f64, x)
LOOP(f64_of_i8, any_i8, any_f64, x)
LOOP(f64_of_u8, any_u8, any_f64, x)

LOOP(f16_of_f32, any_f32, any_16, half_f32_to_f16(x))
LOOP(bf16_of_f32, any_f32, any_16, half_f32_to_bf16(x))
LOOP(i64_of_f32, any_f32, any_i64, SATURATED((int64_t)rintf, INT64_MIN, 0x1p63f, INT64_MAX))
LOOP(i32_of_f32, any_f32, any_i32, SATURATED((int32_t)rintf, INT32_MIN, 0x1p31f, INT32_MAX))
LOOP(i16_of_f32, any_f32, any_i16, SATURATED((int32_t)rintf, INT16_MIN, 32767.0f, INT16_MAX))
LOOP(i8_of_f32, any_f32, any_i8, SATURATED((int32_t)rintf, INT8_MIN, 127.0f, INT8_MAX))
LOOP(u8_of_f32, any_f32, any_u8, SATURATED((int32_t)rintf, 0, 255.0f, UINT8_MAX))
LOOP(bool_of_f32, any_f32, any_u8, x != 0)

LOOP(f16_of_f64, any_f64, any_16, half_f32_to_f16(f32_odd(x)))
LOOP(bf16_of_f64, any_f64, any_16, half_f32_to_bf16(f32_odd(x)))
LOOP(i64_of_f64, any_f64, any_i64, SATURATED((int64_t)rint, INT64_MIN, 0x1p63, INT64_MAX))
LOOP(i32_of_f64, any_f64, any_i32, SATURATED((int32_t)rint, INT32_MIN, 2147483647.0, INT32_MAX))
LOOP(i16_of_f64, any_f64, any_i16, SATURATED((int32_t)rint, INT16_MIN, 32767.0, INT16_MAX))
LOOP(i8_of_f64, any_f64, any_i8, SATURATED((int32_t)rint, INT8_MIN, 127.0, INT8_MAX))
LOOP(u8_of_f64, any_f64, any_u8, SATURATED((int32_t)rint, 0, 255.0, UINT8_MAX))
LOOP(bool_of_f64, any_f64, any_u8, x != 0)

static void copy_32(const void *in, size_t n, void *out)
{
    memcpy(out, in, 4 * n);
}

static void copy_64(const void *in, size_t n, void *out)
{
    memcpy(out, in, 8 * n);
}

static convert *const to_f32[TENSOR_OTHER] = {
    [TENSOR_F64] = f32_of_f64,   [TENSOR_F32] = copy_32,    [TENSOR_F16] = f32_of_f16,
    [TENSOR_BF16] = f32_of_bf16, [TENSOR_I64] = f32_of_i64, [TENSOR_I32] = f32_of_i32,
    [TENSOR_I16] = f32_of_i16,   [TENSOR_I8] = f32_of_i8,   [TENSOR_U8] = f32_of_u8,
    [TENSOR_BOOL] = f32_of_u8,
};
static convert *const to_f64[TENSOR_OTHER] = {
    [TENSOR_F64] = copy_64,      [TENSOR_F32] = f64_of_f32, [TENSOR_F16] = f64_of_f16,
    [TENSOR_BF16] = f64_of_bf16, [TENSOR_I64] = f64_of_i64, [TENSOR_I32] = f64_of_i32,
    [TENSOR_I16] = f64_of_i16,   [TENSOR_I8] = f64_of_i8,   [TENSOR_U8] = f64_of_u8,
    [TENSOR_BOOL] = f64_of_u8,
};
static convert *const from_f32[TENSOR_OTHER] = {
    [TENSOR_F64] = f64_of_f32,   [TENSOR_F32] = copy_32,    [TENSOR_F16] = f16_of_f32,
    [TENSOR_BF16] = bf16_of_f32, [TENSOR_I64] = i64_of_f32, [TENSOR_I32] = i32_of_f32,
    [TENSOR_I16] = i16_of_f32,   [TENSOR_I8] = i8_of_f32,   [TENSOR_U8] = u8_of_f32,
    [TENSOR_BOOL] = bool_of_f32,
};
static convert *const from_f64[TENSOR_OTHER] = {
    [TENSOR_F64] = copy_64,      [TENSOR_F32] = f32_of_f64, [TENSOR_F16] = f16_of_f64,
    [TENSOR_BF16] = bf16_of_f64, [TENSOR_I64] = i64_of_f64, [TENSOR_I32] = i32_of_f64,
    [TENSOR_I16] = i16_of_f64,   [TENSOR_I8] = i8_of_f64,   [TENSOR_U8] = u8_of_f64,
    [TENSOR_BOOL] = bool_of_f64,
};

static int apply(convert *const *table, const struct tensor *t, size_t from, size_t n, void *out)
{
    if (t->dtype >= TENSOR_OTHER)
        return -1;
    if (n)
        table[t->dtype]((const char *)t->data + from * tensor_dtype_bytes(t->dtype), n, out);
    return 0;
}

int tensor_to_f32(const struct tensor *t, size_t from, size_t n, float *out)
{
    return apply(to_f32, t, from, n, out);
}

int tensor_to_f64(const struct tensor *t, size_t from, size_t n, double *out)
{
    return apply(to_f64, t, from, n, out);
}

int tensor_from_f32(const float *in, size_t n, enum tensor_dtype dtype, void *out)
{
    if (dtype >= TENSOR_OTHER)
        return -1;
    if (n)
        from_f32[dtype](in, n, out);
    return 0;
}

void tensor_round_f32(float *x, size_t n, enum tensor_dtype dtype)
{
    enum { PIECE = 1024 };
    uint64_t piece[PIECE]; /* of any dtype */
    for (size_t i = 0; i < n && dtype != TENSOR_F32; i += PIECE) {
        struct tensor t = { .dtype = dtype, .data = piece, .n = n - i < PIECE ? n - i : PIECE };
        tensor_from_f32(x + i, t.n, dtype, piece);
        tensor_to_f32(&t, 0, t.n, x + i);
    }
}

int tensor_from_f64(const double *in, size_t n, enum tensor_dtype dtype, void *out)
{
    if (dtype >= TENSOR_OTHER)
        return -1;
    if (n)
        from_f64[dtype](in, n, out);
    return 0;
}

uint32_t tensor_checksum(const struct tensor *t)
{
    return t->n_bytes ? libdeflate_crc32(0, t->data, t->n_bytes) : 0;
}

/* Whether f32 holds every value of the dtype. */
static int fits_f32(enum tensor_dtype dtype)
{
    return dtype != TENSOR_F64 && dtype != TENSOR_I64 && dtype != TENSOR_I32;
}

int tensor_convert(const struct tensor *t, size_t from, size_t n, enum tensor_dtype dtype, void *out)
{
    enum { PIECE = 1024 };
    double wide[PIECE];
    float narrow[PIECE];
    size_t width = tensor_dtype_bytes(dtype);
    if (t->dtype >= TENSOR_OTHER || dtype >= TENSOR_OTHER)
        return -1;
    if (t->dtype == dtype) {
        if (n)
            memcpy(out, (const char *)t->data + from * width, n * width);
        return 0;
    }
    for (size_t k, at = 0; at < n; at += k) {
        char *piece = (char *)out + at * width;
        k = n - at < PIECE ? n - at : PIECE;
        if (fits_f32(t->dtype) && fits_f32(dtype)) {
            tensor_to_f32(t, from + at, k, narrow);
            tensor_from_f32(narrow, k, dtype, piece);
        } else {
            tensor_to_f64(t, from + at, k, wide);
            tensor_from_f64(wide, k, dtype, piece);
        }
    }
    return 0;
}
