/* packed - a directory of packed weights, read as a loader reads it, by nothing of the project's own code:
 *   packed DIR FAKE.safetensors
 * Every module in config.json's groups or among what is ignored, and in one only; every word unpacked and
 * dequantised to the bits of the same weight in FAKE; all other tensors the same bytes in both. Prints how
 * many matrices of which bits there were. SPDX-License-Identifier: GPL-3.0-or-later */
#include <jansson.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "packed: %s: %s\n", name, what);
    exit(1);
}

struct file {
    unsigned char *data; /* behind the header */
    json_t *header;
};

static unsigned char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        fail("cannot read", path);
    *n = (size_t)ftell(f);
    rewind(f);
    unsigned char *all = malloc(*n + 1);
    if (!all || fread(all, 1, *n, f) != *n)
        fail("cannot read", path);
    fclose(f);
    return all;
}

static struct file open_safetensors(const char *path)
{
    size_t n;
    uint64_t n_header = 0;
    unsigned char *all = slurp(path, &n);
    for (int i = 7; i >= 0; i--)
        n_header = n_header << 8 | all[i];
    struct file f = { all + 8 + n_header,
                      json_loadb((char *)all + 8, n_header, JSON_REJECT_DUPLICATES, NULL) };
    if (!f.header)
        fail("no header", path);
    return f;
}

struct entry {
    const unsigned char *data;
    const char *dtype;
    size_t n_bytes, n_dim, dim[4];
};

static int look(const struct file *f, const char *stem, const char *suffix, struct entry *e)
{
    char name[300];
    json_t *shape, *offsets;
    snprintf(name, sizeof name, "%s%s", stem, suffix);
    json_t *o = json_object_get(f->header, name);
    if (!o)
        return 0;
    shape = json_object_get(o, "shape");
    offsets = json_object_get(o, "data_offsets");
    size_t begin = (size_t)json_integer_value(json_array_get(offsets, 0));
    e->n_bytes = (size_t)json_integer_value(json_array_get(offsets, 1)) - begin;
    e->data = f->data + begin;
    e->dtype = json_string_value(json_object_get(o, "dtype"));
    e->n_dim = json_array_size(shape);
    for (size_t i = 0; i < e->n_dim && i < 4; i++)
        e->dim[i] = (size_t)json_integer_value(json_array_get(shape, i));
    return 1;
}

/* As Python's re.match has it: from the start, but not to the end. Class names are not names. */
static int fits(const char *target, const char *module)
{
    char pattern[400];
    regex_t re;
    if (strncmp(target, "re:", 3) != 0)
        return !strcmp(target, module);
    snprintf(pattern, sizeof pattern, "^%s", target + 3);
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB))
        fail("no pattern", target);
    int got = !regexec(&re, module, 0, NULL, 0);
    regfree(&re);
    return got;
}

static int any_fits(json_t *targets, const char *module)
{
    size_t i;
    json_t *target;
    int n = 0;
    json_array_foreach(targets, i, target) n += fits(json_string_value(target), module);
    return n;
}

/* The weights' scheme of the one group that the module is in; NULL if it is ignored. */
static json_t *scheme_of(json_t *config, const char *module)
{
    json_t *q = json_object_get(config, "quantization_config"), *group, *found = NULL;
    json_t *groups = json_object_get(q, "config_groups");
    const char *key;
    int n_ignored = any_fits(json_object_get(q, "ignore"), module), n_group = 0;
    json_object_foreach(groups, key, group)
    {
        json_t *targets = json_object_get(group, "targets");
        int n = any_fits(targets, module);
        const char *first = json_string_value(json_array_get(targets, 0));
        if (!strcmp(first, "Linear")) { /* of all that is not ignored */
            if (json_object_size(groups) != 1)
                fail("Linear is not alone", key);
            n = !n_ignored;
        }
        n_group += n;
        if (n)
            found = json_object_get(group, "weights");
    }
    if (n_group + n_ignored != 1)
        fail("in no group, or in several", module);
    return found;
}

static float bits_float(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static float scale_at(const struct entry *e, size_t i)
{
    uint32_t u = 0;
    size_t width = !strcmp(e->dtype, "F32") ? 4 : 2;
    if (width == 2 && strcmp(e->dtype, "BF16") != 0)
        fail("this test knows F32 and BF16 only", e->dtype);
    memcpy(&u, e->data + i * width, width);
    return bits_float(width == 4 ? u : u << 16);
}

/* x in the dtype, as bits; halves to even. */
static uint32_t to_dtype(float x, const char *dtype)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return !strcmp(dtype, "F32") ? u : (u + 0x7fff + (u >> 16 & 1)) >> 16;
}

/* Element i of a line of words that are `stride` apart. */
static int code_at(const unsigned char *words, size_t stride, size_t i, int bits)
{
    uint32_t u;
    memcpy(&u, words + i * (size_t)bits / 32 * stride * 4, sizeof u);
    return (int)(u >> (i * (size_t)bits % 32) & ((1u << bits) - 1));
}

static int check_matrix(const struct file *packed, const struct file *fake, json_t *scheme,
                        const char *module)
{
    struct entry word, scale, shape, zero = { .data = NULL }, want;
    int64_t dim[2];
    int bits = (int)json_integer_value(json_object_get(scheme, "num_bits"));
    int symmetric = json_is_true(json_object_get(scheme, "symmetric"));
    size_t group = (size_t)json_integer_value(json_object_get(scheme, "group_size")); /* null: 0 */
    if (!look(packed, module, ".weight_packed", &word) || !look(packed, module, ".weight_scale", &scale) ||
        !look(packed, module, ".weight_shape", &shape) || !look(fake, module, ".weight", &want))
        fail("a tensor is missing", module);
    if (look(packed, module, ".weight_zero_point", &zero) == symmetric)
        fail("zero points, or none, against the scheme", module);
    memcpy(dim, shape.data, sizeof dim);
    size_t rows = (size_t)dim[0], cols = (size_t)dim[1], width = want.n_bytes / (rows * cols);
    size_t n_word = (cols * (size_t)bits + 31) / 32, n_cell = group ? cols / group : 1;
    if (strcmp(word.dtype, "I32") != 0 || strcmp(shape.dtype, "I64") != 0 ||
        strcmp(scale.dtype, want.dtype) != 0 || word.dim[0] != rows || word.dim[1] != n_word ||
        scale.dim[0] != rows || scale.dim[1] != n_cell || want.dim[0] != rows || want.dim[1] != cols)
        fail("shape or dtype", module);
    for (size_t r = 0; r < rows; r++) {
        const unsigned char *row = word.data + r * n_word * 4;
        for (size_t c = 0; c < cols; c++) {
            size_t cell = group ? c / group : 0;
            int offset = zero.data ? code_at(zero.data + cell * 4, n_cell, r, bits) : 1 << (bits - 1);
            float x = (float)(code_at(row, 1, c, bits) - offset) * scale_at(&scale, r * n_cell + cell);
            uint32_t got = to_dtype(x, want.dtype), wanted = 0;
            memcpy(&wanted, want.data + (r * cols + c) * width, width);
            if (got != wanted && !(x == 0 && (wanted << 1 & 0xffff) == 0))
                fail("a weight differs from the fake-quantised one", module);
        }
        for (size_t c = cols; c < n_word * 32 / (size_t)bits; c++)
            if (code_at(row, 1, c, bits))
                fail("tail bits are not 0", module);
    }
    return bits;
}

static json_t *config; /* to the end */
static struct file packed, fake;

int main(int argc, char **argv)
{
    char path[300], module[300];
    int n_of_bits[17] = { 0 }, n_same = 0;
    const char *name;
    json_t *o;
    if (argc != 3)
        fail("packed DIR FAKE.safetensors", "usage");
    snprintf(path, sizeof path, "%s/config.json", argv[1]);
    config = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    snprintf(path, sizeof path, "%s/model.safetensors", argv[1]);
    packed = open_safetensors(path);
    fake = open_safetensors(argv[2]);
    json_object_foreach(fake.header, name, o)
    {
        struct entry a, b;
        size_t n = strlen(name);
        int is_weight = n > 7 && !strcmp(name + n - 7, ".weight");
        snprintf(module, sizeof module, "%.*s", (int)(is_weight ? n - 7 : n), name);
        if (!strcmp(name, "__metadata__"))
            continue;
        if (is_weight && look(&packed, module, ".weight_packed", &a)) {
            json_t *scheme = scheme_of(config, module);
            if (!scheme || look(&packed, name, "", &b))
                fail("packed, but ignored or there as it was", name);
            n_of_bits[check_matrix(&packed, &fake, scheme, module)]++;
            continue;
        }
        if (!look(&packed, name, "", &a) || !look(&fake, name, "", &b) || a.n_bytes != b.n_bytes ||
            strcmp(a.dtype, b.dtype) != 0 || memcmp(a.data, b.data, a.n_bytes) != 0)
            fail("not as it was", name);
        n_same++;
    }
    printf("4 bits %d, 8 bits %d, as they were %d\n", n_of_bits[4], n_of_bits[8], n_same);
    return 0;
}
