/* tensor.h - what a tensor is.  Layer: io.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_TENSOR_H
#define IO_TENSOR_H
#include <stddef.h>
#include <stdint.h>

/* The dtypes of safetensors. Those from TENSOR_OTHER on pass through untouched: programs copy but do not read
 * them. */
enum tensor_dtype {
    TENSOR_F64,
    TENSOR_F32,
    TENSOR_F16,
    TENSOR_BF16,
    TENSOR_I64,
    TENSOR_I32,
    TENSOR_I16,
    TENSOR_I8,
    TENSOR_U8,
    TENSOR_BOOL,
    TENSOR_OTHER, /* U64 U32 U16 C64 F8_E5M2 F8_E4M3 F8_E8M0 ... : n_bytes is a whole number, see dtype_name
                   */
};

enum { TENSOR_MAX_DIM = 8 };

/* One tensor of a stream, row-major, little-endian. n_dim 0 is a scalar (n = 1); a shape with a 0 has n = 0.
 */
struct tensor {
    const char *name;
    enum tensor_dtype dtype;
    const char *dtype_name; /* as in the file: "F32" */
    int n_dim;
    size_t shape[TENSOR_MAX_DIM];
    size_t n;         /* elements */
    size_t n_bytes;   /* of data */
    const void *data; /* any alignment */
};

/* Bytes of one element; 0 for TENSOR_OTHER. */
size_t tensor_dtype_bytes(enum tensor_dtype dtype);
/* Bits of one element by name, of those that are only passed through too ("U16", "F8_E4M3", "F4"); 0 if the
 * name is unknown. */
unsigned tensor_dtype_bits(const char *name);
const char *tensor_dtype_name(enum tensor_dtype dtype);
/* The dtype of that name ("BF16"); TENSOR_OTHER when it is none of those above. */
enum tensor_dtype tensor_dtype_find(const char *name);

/* Elements [from, from + n) of t as floats or doubles, into out (the caller's), exactly or rounded to nearest
 * even. Return 0; or -1 if the dtype is TENSOR_OTHER. */
int tensor_to_f32(const struct tensor *t, size_t from, size_t n, float *out);
int tensor_to_f64(const struct tensor *t, size_t from, size_t n, double *out);
/* n numbers into out (the caller's, n * tensor_dtype_bytes(dtype)), rounded to nearest even and saturated to
 * the range of an integer dtype (NaN becomes 0; BOOL is whether it is not 0); F16 overflow becomes infinity.
 * -1 if the dtype is TENSOR_OTHER. Neither way needs aligned tensors. */
int tensor_from_f32(const float *in, size_t n, enum tensor_dtype dtype, void *out);
/* x[0..n-1] as if written in dtype, which is not TENSOR_OTHER, and read again. */
void tensor_round_f32(float *x, size_t n, enum tensor_dtype dtype);
int tensor_from_f64(const double *in, size_t n, enum tensor_dtype dtype, void *out);

/* Elements [from, from + n) of t into out (the caller's) as `dtype`, rounded and saturated as above, through
 * f32 where that holds both and f64 otherwise. -1 if either is TENSOR_OTHER. */
int tensor_convert(const struct tensor *t, size_t from, size_t n, enum tensor_dtype dtype, void *out);

/* CRC-32 of the data, gigabytes of them in a second. */
uint32_t tensor_checksum(const struct tensor *t);

/* The shape as text, "3x4", "scalar" for n_dim 0, into the caller's buffer, which is returned. */
enum { TENSOR_SHAPE_MAX = TENSOR_MAX_DIM * 21 };
char *tensor_shape_text(const struct tensor *t, char text[TENSOR_SHAPE_MAX]);

/* Sets n_dim and shape from such a text, "3x4" or "3,4" or "scalar"; -1 when it is none. */
int tensor_parse_shape(struct tensor *t, const char *text);

/* Sets n from the shape, and n_bytes from n where the width of dtype_name is known. Returns -1 when a product
 * overflows or bits do not fill whole bytes. */
int tensor_set_size(struct tensor *t);

#endif
