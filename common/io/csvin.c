/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/csvin.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include "io/linein.h"
#include <csv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* libcsv calls back for every field and row; one physical line is fed at a time, so rarely more than one row
 * waits (only where carriage returns alone end rows). Fields of the waiting rows lie NUL-ended in `bytes`. */
struct csvin {
    struct linein *lines;
    struct csv_parser parser;
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

static void parse(struct csvin *c, const char *text, size_t n)
{
    if (csv_parse(&c->parser, text, n, on_field, on_row, c) != n)
        die("%s: line %zu: %s", csvin_path(c), linein_number(c->lines),
            csv_error(&c->parser) == CSV_EPARSE ? "a quote inside a field that is not quoted right"
                                                : csv_strerror(csv_error(&c->parser)));
}

/* Feeds lines until a whole row waits. Returns 0 when the input has ended before one came. */
static int fetch_row(struct csvin *c)
{
    c->n_byte = c->n_field = c->next_field = 0;
    c->next_line = 0;
    while (!c->n_field || c->field[c->n_field - 1] != SIZE_MAX) {
        char *text;
        size_t n;
        if (c->ended || !linein_next_utf8(c->lines, &text, &n)) {
            if (!c->ended && csv_fini(&c->parser, on_field, on_row, c) < 0)
                die("%s: line %zu: the input ends inside a quoted field", csvin_path(c), c->next_line);
            c->ended = 1;
            return c->n_field > 0;
        }
        if (linein_number(c->lines) == 1 && n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
            text += 3;
            n -= 3;
        }
        if (!c->next_line || (!c->n_field && !n)) /* blank lines between rows belong to no row */
            c->next_line = linein_number(c->lines);
        parse(c, text, n);
        if (linein_had_feed(c->lines))
            parse(c, "\n", 1);
    }
    return 1;
}

/* Makes the next row current and returns its number of fields; -1 at the end. */
static long take_row(struct csvin *c)
{
    if (c->next_field >= c->n_field && !fetch_row(c))
        return -1;
    c->row = c->next_field;
    c->line = c->next_line;
    size_t n = 0;
    while (c->field[c->row + n] != SIZE_MAX)
        n++;
    c->next_field = c->row + n + 1;
    return (long)n;
}

struct csvin *csvin_open(const char *path)
{
    struct csvin *c = xcalloc(1, sizeof *c);
    c->lines = linein_open(path);
    if (csv_init(&c->parser, CSV_STRICT | CSV_STRICT_FINI) < 0)
        die("out of memory");
    csv_set_space_func(&c->parser, no_space);
    long n = take_row(c);
    if (n <= 0)
        die("%s: no header row: the input is empty", csvin_path(c));
    c->n_col = (size_t)n;
    c->name = xnew(c->n_col, sizeof *c->name);
    for (size_t i = 0; i < c->n_col; i++) {
        c->name[i] = xstrdup(csvin_text(c, i));
        if (!*c->name[i])
            die("%s: the name of column %zu is empty", csvin_path(c), i + 1);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(c->name[k], c->name[i]))
                die("%s: two columns are called '%s'", csvin_path(c), c->name[i]);
    }
    return c;
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

static int find(char *const *name, size_t n, const char *wanted)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(name[i], wanted))
            return (int)i;
    return -1;
}

static size_t need(const char *path, char *const *name, size_t n, const char *wanted)
{
    int i = find(name, n, wanted);
    if (i >= 0)
        return (size_t)i;
    char *all = xstrdup("");
    for (size_t k = 0; k < n; k++) {
        char *more = xsprintf("%s%s%s", all, k ? ", " : "", name[k]);
        free(all);
        all = more;
    }
    die("%s: no column '%s'; there are: %s", path, wanted, all);
}

int csvin_find(const struct csvin *c, const char *name)
{
    return find(c->name, c->n_col, name);
}

size_t csvin_need(const struct csvin *c, const char *name)
{
    return need(csvin_path(c), c->name, c->n_col, name);
}

int csvin_next(struct csvin *c)
{
    long n = take_row(c);
    if (n < 0)
        return 0;
    if ((size_t)n != c->n_col)
        die("%s: line %zu: %ld fields where the header has %zu", csvin_path(c), c->line, n, c->n_col);
    return 1;
}

const char *csvin_text(const struct csvin *c, size_t column)
{
    return c->bytes + c->field[c->row + column];
}

size_t csvin_line(const struct csvin *c)
{
    return c->line;
}

static int parse_number(const char *s, double *v)
{
    if (!*s || !strcasecmp(s, "nan") || !strcasecmp(s, "na")) {
        *v = NAN;
        return 0;
    }
    return num_parse_f64(s, v);
}

int csvin_try_number(const struct csvin *c, size_t column, double *v)
{
    return parse_number(csvin_text(c, column), v);
}

double csvin_number(const struct csvin *c, size_t column)
{
    double v;
    if (parse_number(csvin_text(c, column), &v) < 0)
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
    free(c->bytes);
    free(c->field);
    free(c);
}

void csvtable_read(struct csvtable *t, const char *path)
{
    struct csvin *c = csvin_open(path);
    size_t cell_room = 0, line_room = 0;
    *t = (struct csvtable){ .path = xstrdup(csvin_path(c)), .n_col = c->n_col };
    t->name = xnew(t->n_col, sizeof *t->name);
    for (size_t i = 0; i < t->n_col; i++)
        t->name[i] = xstrdup(c->name[i]);
    while (csvin_next(c)) {
        xgrow(&t->cell, &cell_room, (t->n_row + 1) * t->n_col, sizeof *t->cell);
        xgrow(&t->line, &line_room, t->n_row + 1, sizeof *t->line);
        for (size_t i = 0; i < t->n_col; i++)
            t->cell[t->n_row * t->n_col + i] = xstrdup(csvin_text(c, i));
        t->line[t->n_row++] = c->line;
    }
    csvin_close(c);
}

size_t csvtable_need(const struct csvtable *t, const char *name)
{
    return need(t->path, t->name, t->n_col, name);
}

int csvtable_find(const struct csvtable *t, const char *name)
{
    return find(t->name, t->n_col, name);
}

void csvtable_numbers(const struct csvtable *t, size_t column, double *v)
{
    for (size_t i = 0; i < t->n_row; i++)
        if (parse_number(t->cell[i * t->n_col + column], &v[i]) < 0)
            die("%s: line %zu: column '%s': '%s' is not a number", t->path, t->line[i], t->name[column],
                t->cell[i * t->n_col + column]);
}

int csvtable_is_numeric(const struct csvtable *t, size_t column)
{
    int any = 0;
    for (size_t i = 0; i < t->n_row; i++) {
        double v;
        if (parse_number(t->cell[i * t->n_col + column], &v) < 0)
            return 0;
        any |= !isnan(v);
    }
    return any;
}

void csvtable_clear(struct csvtable *t)
{
    for (size_t i = 0; i < t->n_row * t->n_col; i++)
        free(t->cell[i]);
    for (size_t i = 0; i < t->n_col; i++)
        free(t->name[i]);
    free(t->cell);
    free(t->name);
    free(t->line);
    free(t->path);
    *t = (struct csvtable){ 0 };
}
