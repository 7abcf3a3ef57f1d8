/* A pytorch_model.bin of any bytes is read or refused, and what is read lies in the file. The input is one as
 * a whole (it opens with "PK"), or the pickle of one, around which an archive with a storage of 64 bytes is
 * put. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/torchfile.h"
#include "io/bytein.h"
#include "lm/torchpickle.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { PATH = 64, STORAGE = 64 };

static void put(int fd, const void *data, size_t n)
{
    if (write(fd, data, n) != (ssize_t)n)
        abort();
}

static void put_number(int fd, uint64_t v, size_t n_byte)
{
    put(fd, &v, n_byte);
}

/* One record of an archive, local or, at >= 0, of its directory. */
static size_t put_record(int fd, const char *name, size_t n, int64_t at)
{
    size_t length = (at < 0 ? 30 : 46) + strlen(name);
    put(fd, at < 0 ? "PK\3\4" : "PK\1\2\0", at < 0 ? 4 : 6);
    put_number(fd, 0, 8);
    put_number(fd, 0, 4);
    put_number(fd, 0, 2);
    put_number(fd, n, 4);
    put_number(fd, n, 4);
    put_number(fd, strlen(name), 2);
    put_number(fd, 0, 2);
    if (at >= 0) {
        put_number(fd, 0, 8);
        put_number(fd, 0, 2);
        put_number(fd, (uint64_t)at, 4);
    }
    put(fd, name, strlen(name));
    return length;
}

static void put_archive(int fd, const unsigned char *pickle, size_t n)
{
    static const unsigned char storage[STORAGE];
    size_t second = put_record(fd, "a/data.pkl", n, -1) + n;
    put(fd, pickle, n);
    size_t directory = second + put_record(fd, "a/data/0", STORAGE, -1) + STORAGE;
    put(fd, storage, STORAGE);
    size_t length = put_record(fd, "a/data.pkl", n, 0);
    length += put_record(fd, "a/data/0", STORAGE, (int64_t)second);
    put(fd, "PK\5\6\0\0\0\0\2\0\2", 12);
    put_number(fd, length, 4);
    put_number(fd, directory, 4);
    put_number(fd, 0, 2);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char path[PATH];
    const char *why = NULL;
    int fd = memfd_create("fuzz", 0);
    if (size > 1 << 20)
        return 0;
    if (size > 1 && data[0] == 'P' && data[1] == 'K')
        put(fd, data, size);
    else
        put_archive(fd, data, size);
    snprintf(path, PATH, "/proc/self/fd/%d", fd);
    struct torchfile *f = torchfile_open(bytein_open(path, 1, &why), &why);
    if (!f && !strlen(why))
        abort();
    for (size_t i = 0; f && i < torchfile_n(f); i++) {
        void *owned;
        const struct tensor *t = torchfile_tensor(f, i);
        const unsigned char *p = torchfile_data(f, i, &owned);
        unsigned sum = (unsigned)strlen(t->name);
        for (size_t k = 0; k < t->n_bytes; k++)
            sum += p[k];
        if (sum == UINT32_MAX)
            puts(t->name); /* so that the bytes are looked at */
        if (!owned)
            torchfile_release(f, p, t->n_bytes);
        free(owned);
    }
    torchfile_close(f);
    close(fd);
    return 0;
}
