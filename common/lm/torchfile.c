/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/torchfile.h"
#include "base/mem.h"
#include "io/zip.h"
#include "lm/torchpickle.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PICKLE_MAX = 16 << 20 }; /* bytes of a table of contents: some 100 for each tensor */

/* The pickled number that opened files of torch.save before PyTorch 1.6, behind protocol and opcode. */
static const unsigned char legacy_magic[] = { 0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c,
                                              0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };

struct torchfile {
    struct bytein *in;
    struct torch_view *view;
    const unsigned char **storage; /* of each view */
    size_t n;
};

static int is_legacy(const void *head, size_t n)
{
    return n >= sizeof legacy_magic && !memcmp(head, legacy_magic, sizeof legacy_magic);
}

int torchfile_is_magic(const void *head, size_t n)
{
    return zip_is_magic(head, n) || is_legacy(head, n);
}

/* ---- opening */

/* The archive's entry STEM/name, STEM being that of `like`, its name's first n_stem bytes; NULL if there is
 * none. */
static const struct zip_entry *find(const struct zip *z, const struct zip_entry *like, size_t n_stem,
                                    const char *name, const char *rest, size_t n_rest)
{
    char *full = xsprintf("%.*s%s%.*s", (int)n_stem, like->name, name, (int)n_rest, rest);
    const struct zip_entry *e = zip_find(z, full, strlen(full));
    free(full);
    return e;
}

/* The table of contents, "STEM/data.pkl". */
static const struct zip_entry *find_pickle(const struct zip *z)
{
    static const char name[] = "/data.pkl";
    const size_t n = sizeof name - 1;
    for (size_t i = 0; i < z->n; i++) {
        const struct zip_entry *e = &z->entry[i];
        if (e->n_name > n && !memcmp(e->name + e->n_name - n, name, n) &&
            !memchr(e->name, '/', e->n_name - n))
            return e;
    }
    return NULL;
}

/* Finds the storage of every view; 0, or -1 with a reason. */
static int place_views(struct torchfile *f, const struct zip *z, const struct zip_entry *pickle,
                       char why[TORCH_WHY_MAX])
{
    size_t n_stem = pickle->n_name - (sizeof "data.pkl" - 1);
    const struct zip_entry *order = find(z, pickle, n_stem, "byteorder", "", 0);
    if (order && (order->n != 6 || memcmp(order->data, "little", 6) != 0)) {
        snprintf(why, TORCH_WHY_MAX, "its numbers are not little-endian");
        return -1;
    }
    f->storage = xnew(f->n, sizeof *f->storage);
    for (size_t i = 0; i < f->n; i++) {
        const struct torch_view *v = &f->view[i];
        const struct zip_entry *e = v->n_key < 100 ? find(z, pickle, n_stem, "data/", v->key, v->n_key)
                                                   : NULL;
        size_t n_byte;
        if (!e || mem_mul(v->n_storage, tensor_dtype_bytes(v->tensor.dtype), &n_byte) < 0 || e->n != n_byte) {
            snprintf(why, TORCH_WHY_MAX, "'%.150s': its storage, data/%.*s, %s", v->tensor.name,
                     v->n_key < 100 ? (int)v->n_key : 100, v->key,
                     e ? "has not the size that was promised" : "is missing");
            return -1;
        }
        f->storage[i] = e->data;
    }
    return 0;
}

static int read_contents(struct torchfile *f, char why[TORCH_WHY_MAX])
{
    size_t n;
    struct zip z;
    const unsigned char *bytes = bytein_all(f->in, &n);
    if (!bytes) {
        int error_number;
        const char *reason = bytein_error(f->in, &error_number);
        snprintf(why, TORCH_WHY_MAX, "%s%s", error_number ? "cannot read: " : "", reason);
        errno = error_number;
        return -1;
    }
    errno = 0;
    if (is_legacy(bytes, n)) {
        snprintf(why, TORCH_WHY_MAX,
                 "written by torch.save of PyTorch before 1.6 (no zip archive): load it and save it again");
        return -1;
    }
    if (zip_parse(&z, bytes, n, why) < 0)
        return -1;
    const struct zip_entry *pickle = find_pickle(&z);
    int status = -1;
    if (!pickle)
        snprintf(why, TORCH_WHY_MAX, "a zip archive, but not of torch.save: it has no data.pkl");
    else if (pickle->n > PICKLE_MAX)
        snprintf(why, TORCH_WHY_MAX, "its data.pkl of %zu bytes is no table of contents", pickle->n);
    else if (torchpickle_read(pickle->data, pickle->n, &f->view, &f->n, why) == 0)
        status = place_views(f, &z, pickle, why);
    zip_clear(&z);
    errno = 0;
    return status;
}

struct torchfile *torchfile_open(struct bytein *in, const char **why)
{
    static char reason[TORCH_WHY_MAX];
    _Static_assert((int)ZIP_WHY_MAX <= (int)TORCH_WHY_MAX, "one buffer serves both");
    struct torchfile *f = xcalloc(1, sizeof *f);
    f->in = in;
    if (read_contents(f, reason) == 0)
        return f;
    int error_number = errno;
    torchfile_close(f);
    errno = error_number;
    *why = reason;
    return NULL;
}

/* ---- tensors */

size_t torchfile_n(const struct torchfile *f)
{
    return f->n;
}

const struct tensor *torchfile_tensor(const struct torchfile *f, size_t i)
{
    return &f->view[i].tensor;
}

/* Whether the elements lie side by side, in order. */
static int is_dense(const struct torch_view *v)
{
    size_t step = 1;
    for (int i = v->tensor.n_dim; i--; step *= v->tensor.shape[i])
        if (v->tensor.shape[i] != 1 && v->stride[i] != step)
            return 0;
    return 1;
}

/* Puts the elements of a view that has some at out, row by row. */
static void gather(const struct torch_view *v, const unsigned char *storage, unsigned char *out)
{
    const struct tensor *t = &v->tensor;
    size_t width = tensor_dtype_bytes(t->dtype), index[TENSOR_MAX_DIM] = { 0 }, from = v->offset;
    int last = t->n_dim - 1; /* a scalar is dense */
    size_t n_col = t->shape[last], stride = v->stride[last];
    for (;;) {
        for (size_t i = 0; i < n_col; i++, out += width)
            memcpy(out, storage + (from + i * stride) * width, width);
        int d = last;
        while (d-- > 0) {
            from += v->stride[d];
            if (++index[d] < t->shape[d])
                break;
            from -= index[d] * v->stride[d];
            index[d] = 0;
        }
        if (d < 0)
            return;
    }
}

const void *torchfile_data(const struct torchfile *f, size_t i, void **owned)
{
    const struct torch_view *v = &f->view[i];
    *owned = NULL;
    if (!v->tensor.n)
        return f->storage[i];
    if (is_dense(v))
        return f->storage[i] + v->offset * tensor_dtype_bytes(v->tensor.dtype);
    *owned = xaligned(v->tensor.n_bytes, 1);
    gather(v, f->storage[i], *owned);
    torchfile_release(f, f->storage[i], v->n_storage * tensor_dtype_bytes(v->tensor.dtype));
    return *owned;
}

void torchfile_release(const struct torchfile *f, const void *data, size_t n)
{
    bytein_release(f->in, data, n);
}

void torchfile_close(struct torchfile *f)
{
    if (!f)
        return;
    torchpickle_free(f->view, f->n);
    free(f->storage);
    bytein_close(f->in);
    free(f);
}
