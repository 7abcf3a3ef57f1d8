/* Lines are known by 64 bits: of a million lines two different ones are taken for one with a chance below
 * 1e-7. SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/overlap.h"
#include "base/mem.h"
#include "base/msg.h"
#include "io/linein.h"
#include "text/corpus.h"
#include "text/hash.h"
#include <stdlib.h>

struct hashes {
    uint64_t *h;
    size_t n, room;
};

/* The file's lines; NULL if it is a token stream. */
static struct linein *open_text(const char *path)
{
    const char *why;
    struct bytein *in = bytein_open(path, 1, &why);
    if (!in)
        die("%s: %s", path, why);
    if (!corpus_is_tokens(in))
        return linein_open_bytes(in);
    bytein_close(in);
    return NULL;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next line that is not blank, as its hash: 1, or 0 at the end. */
static int next_hash(struct linein *in, uint64_t *h)
{
    char *s;
    size_t n;
    while (linein_next(in, &s, &n)) {
        while (n && is_blank(s[n - 1]))
            n--;
        while (n && is_blank(*s)) {
            s++;
            n--;
        }
        if (n) {
            *h = hash_bytes(s, n);
            return 1;
        }
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void overlap_warn(char *const *texts, char *const *tests)
{
    struct hashes seen = { 0 };
    size_t n_line = 0, n_both = 0, first_line = 0;
    const char *first = NULL;
    uint64_t h;
    for (; *texts; texts++) {
        struct linein *in = open_text(*texts);
        while (in && next_hash(in, &h)) {
            xgrow(&seen.h, &seen.room, seen.n + 1, sizeof *seen.h);
            seen.h[seen.n++] = h;
        }
        if (in)
            linein_close(in);
    }
    if (seen.n)
        qsort(seen.h, seen.n, sizeof *seen.h, compare);
    for (; *tests; tests++) {
        struct linein *in = open_text(*tests);
        for (; in && next_hash(in, &h); n_line++) {
            if (!seen.n || !bsearch(&h, seen.h, seen.n, sizeof h, compare))
                continue;
            if (!n_both++) {
                first = *tests;
                first_line = linein_number(in);
            }
        }
        if (in)
            linein_close(in);
    }
    if (n_both)
        warn("%zu of %zu lines to test on are in the text to calibrate on: the first is %s, line %zu", n_both,
             n_line, first, first_line);
    free(seen.h);
}
