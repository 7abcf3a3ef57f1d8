/* Lines are known by 64 bits: of a million lines two different ones are taken for one with a chance below
 * 1e-7. SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/overlap.h"
#include "base/fnv.h"
#include "base/mem.h"
#include "base/msg.h"
#include "io/linein.h"
#include "text/corpus.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_HEX = 16 }; /* digits of a number */

void overlap_clear(struct overlap *o)
{
    free(o->line);
    *o = (struct overlap){ 0 };
}

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

/* The line's number: 1; 0 if it is blank. */
static int number_of(const char *s, size_t n, uint64_t *number)
{
    while (n && is_blank(s[n - 1]))
        n--;
    while (n && is_blank(*s)) {
        s++;
        n--;
    }
    *number = fnv_add(FNV_START, s, n);
    return n > 0;
}

/* The next line that is not blank, as its number: 1, or 0 at the end. */
static int next_number(struct linein *in, uint64_t *number)
{
    char *s;
    size_t n;
    while (linein_next(in, &s, &n))
        if (number_of(s, n, number))
            return 1;
    return 0;
}

static void add_number(struct overlap *o, uint64_t number)
{
    xgrow(&o->line, &o->room, o->n + 1, sizeof *o->line);
    o->line[o->n++] = number;
}

void overlap_add(struct overlap *o, const char *line, size_t n)
{
    uint64_t number;
    if (number_of(line, n, &number))
        add_number(o, number);
}

void overlap_add_file(struct overlap *o, const char *path)
{
    uint64_t number;
    struct linein *in = open_text(path);
    while (in && next_number(in, &number))
        add_number(o, number);
    if (in)
        linein_close(in);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort(struct overlap *o)
{
    if (o->n)
        qsort(o->line, o->n, sizeof *o->line, compare);
}

char *overlap_text(struct overlap *o)
{
    char *text = xnew(o->n + 1, N_HEX), *at = text;
    sort(o);
    *text = 0;
    for (size_t i = 0; i < o->n; i++)
        if (!i || o->line[i] != o->line[i - 1])
            at += snprintf(at, N_HEX + 1, "%016" PRIx64, o->line[i]);
    return text;
}

int overlap_add_text(struct overlap *o, const char *text)
{
    size_t n = strlen(text);
    if (n % N_HEX || n != strspn(text, "0123456789abcdef"))
        return -1;
    for (size_t i = 0; i < n; i += N_HEX) {
        char digits[N_HEX + 1] = { 0 };
        memcpy(digits, text + i, N_HEX);
        add_number(o, strtoull(digits, NULL, 16));
    }
    return 0;
}

void overlap_warn(struct overlap *o, char *const *tests)
{
    size_t n_line = 0, n_both = 0, first_line = 0;
    const char *first = NULL;
    uint64_t number;
    sort(o);
    for (; *tests; tests++) {
        struct linein *in = open_text(*tests);
        for (; in && next_number(in, &number); n_line++) {
            if (!o->n || !bsearch(&number, o->line, o->n, sizeof number, compare))
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
}
