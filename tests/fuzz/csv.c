/* A CSV table of any bytes is read or refused; what is read can be used and is what libcsv alone makes of it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "io/csvtable.h"
#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct walk {
    const struct csvtable *table;
    size_t n_field, n_row;
};

static void on_field(void *text, size_t n, void *ctx)
{
    struct walk *w = ctx;
    const struct csvtable *t = w->table;
    if (w->n_field >= (t->n_row + 1) * t->n_col)
        abort();
    const char *kept = w->n_field < t->n_col ? t->name[w->n_field] : t->cell[w->n_field - t->n_col];
    if (strlen(kept) != n || (n && memcmp(kept, text, n) != 0))
        abort();
    w->n_field++;
}

static void on_row(int end, void *ctx)
{
    struct walk *w = ctx;
    (void)end;
    if (w->n_field != ++w->n_row * w->table->n_col)
        abort();
}

static int no_space(unsigned char byte)
{
    (void)byte;
    return 0;
}

static void compare(const struct csvtable *t, const unsigned char *data, size_t size)
{
    struct walk w = { .table = t };
    struct csv_parser parser;
    size_t mark = size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3) ? 3 : 0;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI))
        abort();
    csv_set_space_func(&parser, no_space);
    if (csv_parse(&parser, data + mark, size - mark, on_field, on_row, &w) != size - mark ||
        csv_fini(&parser, on_field, on_row, &w) < 0 || w.n_row != t->n_row + 1)
        abort();
    csv_free(&parser);
}

static void use(const struct csvtable *t)
{
    size_t *level = xnew(t->n_row, sizeof *level), *first = xnew(t->n_row, sizeof *first);
    double *v = xnew(t->n_row, sizeof *v);
    for (size_t c = 0; c < t->n_col; c++) {
        if (csvtable_levels(t, &c, 1, level, first) > t->n_row)
            abort();
        if (csvtable_if_numeric(t, c, v))
            csvtable_numbers(t, c, v);
    }
    free(level);
    free(first);
    free(v);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    int fd = memfd_create("csv", 0);
    char path[64], *why;
    struct csvtable t;
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    lseek(fd, 0, SEEK_SET);
    if (csvtable_try_read(&t, path, &why) < 0) {
        free(why);
    } else {
        if (size < 2 || memcmp(data, "\x1f\x8b", 2) != 0)
            compare(&t, data, size);
        use(&t);
        csvtable_clear(&t);
    }
    close(fd);
    return 0;
}
