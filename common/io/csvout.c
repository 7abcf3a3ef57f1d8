/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/csvout.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include "io/outfile.h"
#include <csv.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct csvout {
    struct outfile *file;
    char *quoted;
    size_t room;
    int n_field, is_blank; /* is_blank: nothing but one empty field so far */
    size_t n_by;
};

static void put(struct csvout *c, const char *text, size_t n)
{
    c->is_blank = !c->n_field && !n;
    if (c->n_field++)
        outfile_write(c->file, ",", 1);
    outfile_write(c->file, text, n);
}

void csvout_strn(struct csvout *c, const char *text, size_t n)
{
    int plain = !n || (text[0] != ' ' && text[n - 1] != ' ');
    for (size_t i = 0; plain && i < n; i++)
        plain = text[i] != ',' && text[i] != '"' && text[i] != '\n' && text[i] != '\r';
    if (plain) {
        put(c, text, n);
        return;
    }
    xgrow(&c->quoted, &c->room, 2 * n + 2, 1);
    put(c, c->quoted, csv_write(c->quoted, c->room, text, n));
}

void csvout_str(struct csvout *c, const char *text)
{
    csvout_strn(c, text, strlen(text));
}

void csvout_safe(struct csvout *c, const char *text)
{
    char *safe = xstrdup(text);
    for (unsigned char *p = (unsigned char *)safe; *p; p++) {
        if ((*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f)
            *p = '?';
        if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) /* U+0080 to U+009F */
            p[0] = p[1] = '?';
    }
    csvout_str(c, safe);
    free(safe);
}

void csvout_num(struct csvout *c, double v)
{
    char text[NUM_TEXT_MAX];
    csvout_str(c, isnan(v) ? "" : num_text(v, text));
}

void csvout_int(struct csvout *c, int64_t v)
{
    char text[NUM_TEXT_MAX];
    put(c, text, (size_t)snprintf(text, sizeof text, "%" PRId64, v));
}

void csvout_end_row(struct csvout *c)
{
    if (c->is_blank) /* a lone empty field, which would be an empty line, and those readers skip */
        outfile_write(c->file, "\"\"\n", 3);
    else
        outfile_write(c->file, "\n", 1);
    c->is_blank = 0;
    c->n_field = 0;
}

static int has_name(char *const *names, size_t n_name, const char *name, size_t n)
{
    for (size_t i = 0; i < n_name; i++)
        if (strlen(names[i]) == n && !memcmp(names[i], name, n))
            return 1;
    return 0;
}

void csvout_by(struct csvout *c, char *const *values)
{
    for (size_t i = 0; i < c->n_by; i++)
        csvout_str(c, values[i]);
}

struct csvout *csvout_open_by(const char *path, char *const *by, const char *header)
{
    static char *const none[] = { NULL };
    struct csvout *c = xcalloc(1, sizeof *c);
    c->file = outfile_open(path, 0);
    size_t n_by = 0;
    for (by = by ? by : none; by[n_by]; n_by++) {
        if (has_name(by, n_by, by[n_by], strlen(by[n_by])))
            die_usage("--by: '%s' stands twice", by[n_by]);
        csvout_str(c, by[n_by]);
    }
    c->n_by = n_by;
    for (const char *s = header; s; s++) {
        size_t n = strcspn(s, ",");
        if (has_name(by, n_by, s, n))
            die("--by: the output has a column '%.*s' of its own", (int)n, s);
        csvout_strn(c, s, n);
        s += n;
        if (!*s)
            break;
    }
    if (header)
        csvout_end_row(c);
    return c;
}

struct csvout *csvout_open(const char *path, const char *header)
{
    return csvout_open_by(path, NULL, header);
}

/* Whether the file's first line is the header. */
static int begins_with(const char *path, const char *header)
{
    size_t n = strlen(header);
    char *line = xcalloc(n + 2, 1);
    FILE *f = fopen(path, "r");
    int same = f && fread(line, 1, n + 1, f) == n + 1 && !memcmp(line, header, n) && line[n] == '\n';
    if (f)
        fclose(f);
    free(line);
    return same;
}

struct csvout *csvout_append(const char *path, const char *header)
{
    struct csvout *c = xcalloc(1, sizeof *c);
    size_t n;
    c->file = outfile_append(path, &n);
    if (n && !begins_with(path, header))
        die("%s: holds something else than a table of %s", path, header);
    if (!n) {
        outfile_write(c->file, header, strlen(header));
        outfile_write(c->file, "\n", 1);
        outfile_flush(c->file);
    }
    return c;
}

void csvout_flush(struct csvout *c)
{
    outfile_flush(c->file);
}

void csvout_close(struct csvout *c)
{
    outfile_close(c->file);
    free(c->quoted);
    free(c);
}
