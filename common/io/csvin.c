/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/csvin.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include "io/linein.h"
#include <csv.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Lines without a quote, nearly all, are cut at their commas here. Others go through libcsv, which calls back
 * for every field and row; one physical line is fed at a time, so rarely more than one row waits (only where
 * carriage returns alone end rows). Fields of the waiting rows lie NUL-ended in `bytes`. */
struct csvin {
    struct linein *lines;
    struct csv_parser parser;
    char *error; /* NULL while all is well */
    char **name;
    size_t n_col;

    char *bytes;
    size_t n_byte, byte_room;
    size_t *field; /* offsets in bytes; SIZE_MAX marks the end of a row */
    size_t n_field, field_room;
    size_t next_field; /* first one of the row to give next */
    size_t row;        /* first field of the current row */
    size_t line, next_line;
    int ended;
    int returns; /* carriage returns have ended rows inside a line: libcsv alone knows where rows begin */
};

static void on_field(void *text, size_t n, void *self)
{
    struct csvin *c = self;
    xgrow(&c->bytes, &c->byte_room, c->n_byte + n + 1, 1);
    xgrow(&c->field, &c->field_room, c->n_field + 2, sizeof *c->field);
    c->field[c->n_field++] = c->n_byte;
    if (n)
        memcpy(c->bytes + c->n_byte, text, n);
    c->n_byte += n;
    c->bytes[c->n_byte++] = 0;
}

static void on_row(int end_byte, void *self)
{
    struct csvin *c = self;
    (void)end_byte;
    xgrow(&c->field, &c->field_room, c->n_field + 1, sizeof *c->field);
    c->field[c->n_field++] = SIZE_MAX;
}

static int no_space(unsigned char byte)
{
    (void)byte;
    return 0;
}

__attribute__((format(printf, 2, 3))) static int fail(struct csvin *c, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&c->error, format, ap) < 0)
        die("out of memory");
    va_end(ap);
    return -1;
}

static int parse(struct csvin *c, const char *text, size_t n)
{
    if (csv_parse(&c->parser, text, n, on_field, on_row, c) == n)
        return 0;
    return fail(c, "%s: line %zu: %s", csvin_path(c), linein_number(c->lines),
                csv_error(&c->parser) == CSV_EPARSE ? "a quote inside a field that is not quoted right"
                                                    : csv_strerror(csv_error(&c->parser)));
}

/* A row that is one line without quotes. Returns 0, having done nothing, when it is not that simple. */
static int split(struct csvin *c, const char *text, size_t n)
{
    if (n && text[n - 1] == '\r')
        n--;
    if (!n || memchr(text, '"', n))
        return 0;
    xgrow(&c->bytes, &c->byte_room, n + 1, 1);
    memcpy(c->bytes, text, n);
    c->bytes[n] = 0;
    char *comma = c->bytes - 1;
    do {
        char *field = comma + 1;
        xgrow(&c->field, &c->field_room, c->n_field + 2, sizeof *c->field);
        c->field[c->n_field++] = (size_t)(field - c->bytes);
        comma = memchr(field, ',', n - (size_t)(field - c->bytes));
        if (comma)
            *comma = 0;
    } while (comma);
    c->n_byte = n + 1;
    on_row(0, c);
    return 1;
}

/* Feeds lines until a whole row waits. Returns 1; 0 when the input has ended before one came; or -1. */
static int fetch_row(struct csvin *c)
{
    int amid = 0; /* whether the parser has part of a row */
    c->n_byte = c->n_field = c->next_field = 0;
    c->next_line = 0;
    while (!c->n_field || c->field[c->n_field - 1] != SIZE_MAX) {
        char *text;
        size_t n;
        int got = c->ended ? 0 : linein_try_next_utf8(c->lines, &text, &n);
        if (got < 0)
            return fail(c, "%s", linein_error(c->lines));
        if (!got) {
            if (!c->ended && csv_fini(&c->parser, on_field, on_row, c) < 0)
                return fail(c, "%s: line %zu: the input ends inside a quoted field", csvin_path(c),
                            c->next_line);
            c->ended = 1;
            return c->n_field > 0;
        }
        if (linein_number(c->lines) == 1 && n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
            text += 3;
            n -= 3;
        }
        if (!amid && !c->n_field) /* blank lines between rows belong to no row */
            c->next_line = linein_number(c->lines);
        c->returns |= n > 1 && memchr(text, '\r', n - 1);
        if (!amid && !c->returns && split(c, text, n))
            break;
        amid |= n > 0; /* a blank line inside quotes does not end them */
        if (parse(c, text, n) < 0 || (linein_had_feed(c->lines) && parse(c, "\n", 1) < 0))
            return -1;
    }
    return 1;
}

/* Makes the next row current: 1, with its number of fields; 0 at the end; -1. */
static int take_row(struct csvin *c, size_t *n)
{
    int got = c->error ? -1 : 1;
    if (got > 0 && c->next_field >= c->n_field)
        got = fetch_row(c);
    if (got <= 0)
        return got;
    c->row = c->next_field;
    c->line = c->next_line;
    for (*n = 0; c->field[c->row + *n] != SIZE_MAX; ++*n)
        ;
    c->next_field = c->row + *n + 1;
    return 1;
}

/* A single column with such a name comes from a table that is separated in another way. */
static int refuse_separator(struct csvin *c)
{
    const char *tab = strchr(c->name[0], '\t'), *semicolon = strchr(c->name[0], ';');
    if (c->n_col != 1 || (!tab && !semicolon))
        return 0;
    return fail(c, "%s: line %zu: columns are separated by %s, not commas; `mlr %s cat` makes CSV of it",
                csvin_path(c), c->line, tab ? "tabs" : "semicolons", tab ? "--t2c" : "--csv --ifs ';'");
}

static int read_header(struct csvin *c)
{
    size_t n = 0;
    int got = take_row(c, &n);
    if (got < 0)
        return -1;
    if (!got || !n)
        return fail(c, "%s: no header row: the input is empty", csvin_path(c));
    c->name = xcalloc(n, sizeof *c->name);
    for (; c->n_col < n; c->n_col++) {
        const char *name = csvin_text(c, c->n_col);
        if (!*name)
            return fail(c, "%s: the name of column %zu is empty", csvin_path(c), c->n_col + 1);
        if (csvin_find_name(c->name, c->n_col, name) >= 0)
            return fail(c, "%s: two columns are called '%s'", csvin_path(c), name);
        c->name[c->n_col] = xstrdup(name);
    }
    return refuse_separator(c);
}

struct csvin *csvin_try_open(const char *path)
{
    struct csvin *c = xcalloc(1, sizeof *c);
    c->lines = linein_open(path);
    if (csv_init(&c->parser, CSV_STRICT | CSV_STRICT_FINI) < 0)
        die("out of memory");
    csv_set_space_func(&c->parser, no_space);
    read_header(c);
    return c;
}

struct csvin *csvin_open(const char *path)
{
    struct csvin *c = csvin_try_open(path);
    if (c->error)
        die("%s", c->error);
    return c;
}

const char *csvin_error(const struct csvin *c)
{
    return c->error;
}

const char *csvin_path(const struct csvin *c)
{
    return linein_path(c->lines);
}

size_t csvin_columns(const struct csvin *c)
{
    return c->n_col;
}

const char *csvin_name(const struct csvin *c, size_t column)
{
    return c->name[column];
}

int csvin_find_name(char *const *names, size_t n, const char *wanted)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(names[i], wanted))
            return (int)i;
    return -1;
}

size_t csvin_need_name(const char *path, char *const *names, size_t n, const char *wanted)
{
    int i = csvin_find_name(names, n, wanted);
    if (i >= 0)
        return (size_t)i;
    char *all = xstrdup("");
    for (size_t k = 0; k < n; k++) {
        char *more = xsprintf("%s%s%s", all, k ? ", " : "", names[k]);
        free(all);
        all = more;
    }
    die("%s: no column '%s'; there are: %s", path, wanted, all);
}

size_t csvin_need(const struct csvin *c, const char *name)
{
    return csvin_need_name(csvin_path(c), c->name, c->n_col, name);
}

int csvin_try_next(struct csvin *c)
{
    size_t n;
    int got = take_row(c, &n);
    if (got > 0 && n != c->n_col)
        return fail(c, "%s: line %zu: %zu fields where the header has %zu", csvin_path(c), c->line, n,
                    c->n_col);
    return got;
}

int csvin_next(struct csvin *c)
{
    int got = csvin_try_next(c);
    if (got < 0)
        die("%s", c->error);
    return got;
}

const char *csvin_text(const struct csvin *c, size_t column)
{
    return c->bytes + c->field[c->row + column];
}

size_t csvin_line(const struct csvin *c)
{
    return c->line;
}

int csvin_parse_number(const char *text, double *v)
{
    if (!num_parse_f64(text, v)) /* takes NaN in any case */
        return 0;
    if (*text && strcasecmp(text, "na") != 0)
        return -1;
    *v = NAN;
    return 0;
}

double csvin_number(const struct csvin *c, size_t column)
{
    double v;
    if (csvin_parse_number(csvin_text(c, column), &v) < 0)
        die("%s: line %zu: column '%s': '%s' is not a number", csvin_path(c), c->line, c->name[column],
            csvin_text(c, column));
    return v;
}

void csvin_close(struct csvin *c)
{
    csv_free(&c->parser);
    linein_close(c->lines);
    for (size_t i = 0; i < c->n_col; i++)
        free(c->name[i]);
    free(c->name);
    free(c->error);
    free(c->bytes);
    free(c->field);
    free(c);
}
