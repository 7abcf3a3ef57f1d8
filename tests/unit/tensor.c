/* tensor - dtypes converted, against the definition of each; prints one line for each check that fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/tensor.h"
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_CODE = 1 << 16 };

static int n_failed;

static void check(int ok, const char *what, const char *of)
{
    if (!ok) {
        printf("failed: %s: %s\n", of, what);
        n_failed++;
    }
}

/* A number format of 16 bits: 1 of sign, then exponent, then fraction. */
static const struct format {
    enum tensor_dtype dtype;
    int fraction_bits, bias;
} formats[] = { { TENSOR_F16, 10, 15 }, { TENSOR_BF16, 7, 127 } };

/* What IEEE 754 says a code means. */
static double meaning(const struct format *f, unsigned code)
{
    unsigned one = 1u << f->fraction_bits, fraction = code & (one - 1), exponent = (code & 0x7fff) / one,
             special = 0x7fff / one;
    double v = exponent == special ? (fraction ? NAN : INFINITY)
               : exponent          ? ldexp(one + fraction, (int)exponent - f->bias - f->fraction_bits)
                                   : ldexp(fraction, 1 - f->bias - f->fraction_bits);
    return code & 0x8000 ? -v : v;
}

static unsigned code_of_f32(enum tensor_dtype dtype, float v)
{
    uint16_t code = 0;
    tensor_from_f32(&v, 1, dtype, &code);
    return code;
}

static unsigned code_of_f64(enum tensor_dtype dtype, double v)
{
    uint16_t code = 0;
    tensor_from_f64(&v, 1, dtype, &code);
    return code;
}

/* Every code means what it should, and comes back as it was: NaNs with their payload too. */
static void test_codes(const struct format *f)
{
    static uint16_t code[N_CODE], back[N_CODE];
    static float narrow[N_CODE];
    static double wide[N_CODE];
    const char *name = tensor_dtype_name(f->dtype);
    int wrong = 0;
    for (unsigned i = 0; i < N_CODE; i++)
        code[i] = (uint16_t)i;
    struct tensor t = { .dtype = f->dtype, .dtype_name = name, .data = code };
    tensor_to_f32(&t, 0, N_CODE, narrow);
    tensor_to_f64(&t, 0, N_CODE, wide);
    for (unsigned i = 0; i < N_CODE; i++) {
        double m = meaning(f, i);
        wrong += isnan(m) ? !isnan(narrow[i]) || !isnan(wide[i])
                          : (double)narrow[i] != m || wide[i] != m || !signbit(narrow[i]) != !signbit(m);
    }
    check(!wrong, "codes mean what they should", name);
    tensor_from_f32(narrow, N_CODE, f->dtype, back);
    check(!memcmp(code, back, sizeof code), "every code comes back from f32", name);
    tensor_from_f64(wide, N_CODE, f->dtype, back);
    for (unsigned i = wrong = 0; i < N_CODE; i++)
        wrong += isnan(wide[i]) ? !isnan(meaning(f, back[i])) : back[i] != i;
    check(!wrong, "every code comes back from f64", name);
}

/* Between neighbours a < b: half way goes to the even one, anything off it to the nearer. */
static void test_rounding(const struct format *f)
{
    const char *name = tensor_dtype_name(f->dtype);
    int wrong_tie = 0, wrong_near = 0, wrong_odd = 0;
    unsigned infinite = code_of_f32(f->dtype, INFINITY);
    for (unsigned a = 0; a < infinite; a++) {
        unsigned b = a + 1, even = a % 2 ? b : a;
        double low = meaning(f, a), high = b == infinite ? 2 * low - meaning(f, a - 1) : meaning(f, b);
        double half = low + (high - low) / 2;
        if ((double)(float)half != half) /* BF16's least subnormal: half of it is no f32 */
            continue;
        float tie = (float)half;
        for (unsigned sign = 0; sign <= 0x8000; sign += 0x8000) {
            float s = sign ? -1.0f : 1.0f;
            wrong_tie += code_of_f32(f->dtype, s * tie) != (even | sign);
            wrong_tie += code_of_f64(f->dtype, (double)s * half) != (even | sign);
            wrong_near += code_of_f32(f->dtype, s * nextafterf(tie, 0)) != (a | sign);
            wrong_near += code_of_f32(f->dtype, s * nextafterf(tie, INFINITY)) != (b | sign);
            wrong_odd += code_of_f64(f->dtype, (double)s * nextafter(half, 0)) != (a | sign);
            wrong_odd += code_of_f64(f->dtype, (double)s * nextafter(half, INFINITY)) != (b | sign);
        }
    }
    check(!wrong_tie, "ties go to even", name);
    check(!wrong_near, "the nearer neighbour wins", name);
    check(!wrong_odd, "f64 is rounded once", name);
    check(code_of_f32(f->dtype, FLT_MAX) == infinite, "overflow becomes infinity", name);
    check(code_of_f64(f->dtype, -DBL_MAX) == (infinite | 0x8000), "overflow becomes -infinity", name);
    check(code_of_f64(f->dtype, DBL_TRUE_MIN) == 0, "underflow becomes 0", name);
    uint32_t bits = 0xff800001; /* a NaN whose payload is lost */
    float nan;
    memcpy(&nan, &bits, 4);
    check(isnan(meaning(f, code_of_f32(f->dtype, nan))), "a NaN stays one", name);
}

/* Integers: rounded to even, saturated, NaN to 0; all that they hold comes back through f64. */
static void test_integers(void)
{
    static const struct {
        enum tensor_dtype dtype;
        int64_t least, most;
    } types[] = { { TENSOR_I64, INT64_MIN, INT64_MAX },
                  { TENSOR_I32, INT32_MIN, INT32_MAX },
                  { TENSOR_I16, INT16_MIN, INT16_MAX },
                  { TENSOR_I8, INT8_MIN, INT8_MAX },
                  { TENSOR_U8, 0, UINT8_MAX } };
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        const double in[] = { 0.5, 1.5, 2.5, -0.25, 100.75, 1e30, -1e30, INFINITY, -INFINITY, NAN };
        const int64_t want[] = {
            0, 2, 2, 0, 101, types[k].most, types[k].least, types[k].most, types[k].least, 0
        };
        enum { N = sizeof in / sizeof *in };
        size_t width = tensor_dtype_bytes(types[k].dtype);
        const char *name = tensor_dtype_name(types[k].dtype);
        float narrow[N];
        char wide_out[8 * N] = { 0 }, narrow_out[8 * N] = { 0 };
        int wrong = 0;
        for (int i = 0; i < N; i++)
            narrow[i] = (float)in[i];
        tensor_from_f64(in, N, types[k].dtype, wide_out);
        tensor_from_f32(narrow, N, types[k].dtype, narrow_out);
        for (int i = 0; i < N; i++)
            wrong += memcmp(wide_out + (size_t)i * width, &want[i], width) != 0;
        check(!wrong, "f64 is rounded and saturated", name);
        check(!memcmp(wide_out, narrow_out, sizeof wide_out), "f32 as f64", name);
        double ends[2], there[2] = { (double)types[k].least, (double)types[k].most };
        char ends_out[16];
        tensor_from_f64(there, 2, types[k].dtype, ends_out);
        struct tensor t = { .dtype = types[k].dtype, .data = ends_out };
        tensor_to_f64(&t, 0, 2, ends);
        check(ends[0] == there[0] && ends[1] == there[1], "the ends of the range come back", name);
    }
    const double in[] = { 0, -0.0, 1e-300, NAN, -3 };
    unsigned char out[5];
    tensor_from_f64(in, 5, TENSOR_BOOL, out);
    check(!memcmp(out, (unsigned char[]){ 0, 0, 1, 1, 1 }, 5), "whether it is not 0", "BOOL");
}

/* Any dtype from any address and any element on gives what it gives when aligned and whole. */
static void test_anywhere(void)
{
    enum { N = 301 };
    static char bytes[8 * N + 16];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 37 + i / 7);
    for (int d = 0; d < TENSOR_OTHER; d++) {
        static double aligned[N + 1], wide[N], wide_part[N];
        static float narrow[N], narrow_part[N];
        const char *name = tensor_dtype_name((enum tensor_dtype)d);
        memcpy(aligned, bytes + 3, 8 * N);
        struct tensor a = { .dtype = (enum tensor_dtype)d, .data = aligned }, b = a;
        b.data = bytes + 3;
        tensor_to_f64(&a, 0, N, wide);
        tensor_to_f32(&a, 0, N, narrow);
        for (size_t from = 0; from < 40; from += 13) {
            tensor_to_f64(&b, from, N - from, wide_part);
            tensor_to_f32(&b, from, N - from, narrow_part);
            check(!memcmp(wide + from, wide_part, (N - from) * sizeof *wide), "anywhere, to f64", name);
            check(!memcmp(narrow + from, narrow_part, (N - from) * sizeof *narrow), "anywhere, to f32", name);
        }
    }
    float f = 0;
    struct tensor other = { .dtype = TENSOR_OTHER, .dtype_name = "U32", .data = &f };
    check(tensor_to_f32(&other, 0, 1, &f) < 0 && tensor_from_f32(&f, 1, TENSOR_OTHER, &f) < 0, "refused",
          "U32");
}

static void test_sizes(void)
{
    struct tensor t = { .dtype_name = "F4", .n_dim = 2, .shape = { 3, 2 } };
    check(!tensor_set_size(&t) && t.n == 6 && t.n_bytes == 3, "6 of 4 bits are 3 bytes", "sizes");
    t.shape[1] = 3;
    check(tensor_set_size(&t) < 0, "9 of 4 bits fill no bytes", "sizes");
    t = (struct tensor){ .dtype_name = "F32", .n_dim = 3, .shape = { (size_t)1 << 62, 4, 0 } };
    check(tensor_set_size(&t) < 0, "a shape that overflows is refused, 0 or not", "sizes");
    t = (struct tensor){ .dtype_name = "F64", .n_dim = 1, .shape = { (size_t)1 << 61 } };
    check(tensor_set_size(&t) < 0, "bytes that overflow are refused", "sizes");
    t.n_dim = 0;
    check(!tensor_set_size(&t) && t.n == 1 && t.n_bytes == 8, "a scalar is one element", "sizes");
    char text[TENSOR_SHAPE_MAX];
    check(!tensor_parse_shape(&t, "3x4,5") && t.n_dim == 3 && !strcmp(tensor_shape_text(&t, text), "3x4x5"),
          "3x4x5", "shapes");
    check(tensor_parse_shape(&t, "3x") < 0 && tensor_parse_shape(&t, "") < 0 &&
              tensor_parse_shape(&t, "-1") < 0 && tensor_parse_shape(&t, "1x1x1x1x1x1x1x1x1") < 0 &&
              tensor_parse_shape(&t, "99999999999999999999999999") < 0,
          "no shapes", "shapes");
}

int main(void)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        test_codes(&formats[i]);
        test_rounding(&formats[i]);
    }
    test_integers();
    test_anywhere();
    test_sizes();
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
