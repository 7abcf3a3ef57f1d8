/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/sample.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

/* A row on its way into order. */
struct place {
    uint32_t group, stratum, cluster, row;
};

static int by_number(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int by_cluster(const void *a, const void *b)
{
    const struct place *p = a, *q = b;
    int c = by_number(p->cluster, q->cluster);
    c = c ? c : by_number(p->stratum, q->stratum);
    return c ? c : by_number(p->row, q->row);
}

static int by_stratum(const void *a, const void *b)
{
    const struct place *p = a, *q = b;
    int c = by_number(p->group, q->group);
    c = c ? c : by_number(p->stratum, q->stratum);
    c = c ? c : by_number(p->cluster, q->cluster);
    return c ? c : by_number(p->row, q->row);
}

static void copy_rows(struct sample *s, const struct sample_rows *rows)
{
    size_t k = 0;
    for (uint32_t group = 0; group < 2; group++) {
        for (size_t i = 0; i < rows->n; i++)
            if ((rows->group ? rows->group[i] : 0) == group)
                s->source[k++] = (uint32_t)i;
        if (!group)
            s->n_first = k;
    }
    for (size_t i = 0; i < s->n; i++) {
        s->x[i] = rows->x[s->source[i]];
        if (s->y)
            s->y[i] = rows->y[s->source[i]];
    }
}

/* Sorts the rows into clusters, finds whether one has both groups (then groups are no strata) and numbers the
 * strata. Returns -1 when a cluster has two strata. */
static int inspect(struct sample *s, struct place *place)
{
    int mixed = 0;
    qsort(place, s->n, sizeof *place, by_cluster);
    for (size_t i = 1; i < s->n; i++) {
        if (place[i].cluster != place[i - 1].cluster)
            continue;
        if (place[i].stratum != place[i - 1].stratum)
            return -1;
        mixed |= place[i].group != place[i - 1].group;
    }
    for (size_t i = 0; mixed && i < s->n; i++)
        place[i].group = 0;
    qsort(place, s->n, sizeof *place, by_stratum);
    return 0;
}

static void number_units(struct sample *s, const struct place *place)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct place *p = &place[i], *before = p - 1;
        int new_stratum = !i || p->group != before->group || p->stratum != before->stratum;
        if (new_stratum)
            s->stratum[s->n_stratum++] = (uint32_t)s->n_unit;
        if (new_stratum || p->cluster != before->cluster)
            s->unit[s->n_unit++] = (uint32_t)i;
        s->member[i] = p->row;
        s->cluster[p->row] = (uint32_t)s->n_unit - 1;
    }
    s->unit[s->n_unit] = (uint32_t)s->n;
    s->stratum[s->n_stratum] = (uint32_t)s->n_unit;
}

/* Blocks are numbered in the order in which their first row stands. */
static void number_blocks(struct sample *s, const struct sample_rows *rows)
{
    uint32_t most = 0;
    for (size_t i = 0; rows->stratum && i < s->n; i++)
        most = rows->stratum[i] > most ? rows->stratum[i] : most;
    uint32_t *number = xcalloc((size_t)most + 1, sizeof *number); /* from 1; 0: not met yet */
    for (size_t i = 0; i < s->n; i++) {
        uint32_t *known = &number[rows->stratum ? rows->stratum[s->source[i]] : 0];
        if (!*known)
            *known = (uint32_t)++s->n_block;
        s->block[i] = *known - 1;
    }
    free(number);
}

int sample_init(struct sample *s, const struct sample_rows *rows)
{
    size_t n = rows->n;
    *s = (struct sample){ .n = n };
    s->x = xnew(n, sizeof *s->x);
    s->y = rows->y ? xnew(n, sizeof *s->y) : NULL;
    s->source = xnew(n, sizeof *s->source);
    s->block = xnew(n, sizeof *s->block);
    s->cluster = xnew(n, sizeof *s->cluster);
    s->member = xnew(n, sizeof *s->member);
    s->unit = xnew(n + 1, sizeof *s->unit);
    s->stratum = xnew(n + 1, sizeof *s->stratum);
    copy_rows(s, rows);
    number_blocks(s, rows);
    struct place *place = xnew(n, sizeof *place);
    for (size_t i = 0; i < n; i++)
        place[i] = (struct place){ i >= s->n_first, s->block[i],
                                   rows->cluster ? rows->cluster[s->source[i]] : (uint32_t)i, (uint32_t)i };
    int status = rows->cluster || rows->stratum ? inspect(s, place) : 0;
    if (!status)
        number_units(s, place);
    else
        sample_clear(s);
    free(place);
    return status;
}

void sample_clear(struct sample *s)
{
    free(s->x);
    free(s->y);
    free(s->source);
    free(s->block);
    free(s->cluster);
    free(s->member);
    free(s->unit);
    free(s->stratum);
    *s = (struct sample){ 0 };
}
