/* An .npy file of any bytes is read or refused; what is read is the same when written and read again.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/npy.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct tensor t = { .name = "x" }, again = t;
    void *owned, *owned_again;
    const char *why;
    size_t n;
    if (npy_parse(data, size, &t, &owned, &why) < 0) {
        free(owned);
        return strlen(why) ? 0 : -1;
    }
    char *header = npy_header(&t, &n);
    if (!header)
        abort();
    char *file = malloc(n + t.n_bytes + 1);
    memcpy(file, header, n);
    memcpy(file + n, t.data, t.n_bytes);
    if (npy_parse(file, n + t.n_bytes, &again, &owned_again, &why) < 0 || owned_again || n % 64 ||
        strcmp(t.dtype_name, again.dtype_name) != 0 || t.n_dim != again.n_dim || t.n != again.n ||
        memcmp(t.shape, again.shape, sizeof *t.shape * (size_t)t.n_dim) != 0 || t.n_bytes != again.n_bytes ||
        memcmp(t.data, again.data, t.n_bytes) != 0)
        abort();
    free(file);
    free(header);
    free(owned);
    return 0;
}
