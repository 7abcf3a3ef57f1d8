/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/ledger.h"
#include "base/mem.h"
#include "io/csvin.h"
#include "io/csvout.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_HEX = 16 }; /* digits of a model's number */

struct cell {
    struct lm_damage sum, of_text; /* of texts that are complete, of the one at hand */
    size_t text;
    size_t line; /* of the file that it came with; 0: of none */
    uint64_t model;
};

/* A name and its number, sorted by name. */
struct entry {
    const char *name;
    size_t i;
};

struct lm_ledger {
    char **case_name, **group_name; /* NULL: there is no file */
    size_t n_case, n_group;
    struct cell *cell; /* [n_case][n_group] */
    uint64_t model;
    struct csvout *out;
};

struct lm_ledger *lm_ledger_new(size_t n_case, size_t n_group)
{
    struct lm_ledger *l = xmalloc(sizeof *l);
    size_t n;
    if (mem_mul(n_case, n_group, &n) < 0)
        mem_out();
    *l = (struct lm_ledger){ .n_case = n_case, .n_group = n_group, .cell = xcalloc(n, sizeof *l->cell) };
    return l;
}

static void free_names(char **name, size_t n)
{
    for (size_t i = 0; name && i < n; i++)
        free(name[i]);
    free(name);
}

void lm_ledger_free(struct lm_ledger *l)
{
    if (!l)
        return;
    if (l->out)
        csvout_close(l->out);
    free_names(l->case_name, l->n_case);
    free_names(l->group_name, l->n_group);
    free(l->cell);
    free(l);
}

static struct cell *cell_at(const struct lm_ledger *l, size_t k, size_t group)
{
    return &l->cell[k * l->n_group + group];
}

void lm_ledger_add(struct lm_ledger *l, size_t k, size_t group, size_t text, const struct lm_damage *token)
{
    struct cell *c = cell_at(l, k, group);
    if (c->text != text) {
        lm_damage_add(&c->sum, &c->of_text);
        c->of_text = (struct lm_damage){ 0 };
        c->text = text;
    }
    lm_damage_add(&c->of_text, token);
}

struct lm_damage lm_ledger_total(const struct lm_ledger *l, size_t k, size_t group)
{
    const struct cell *c = cell_at(l, k, group);
    struct lm_damage all = c->sum;
    lm_damage_add(&all, &c->of_text);
    return all;
}

/* ---- the file */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static struct entry *sorted(char *const *name, size_t n)
{
    struct entry *e = xnew(n, sizeof *e);
    for (size_t i = 0; i < n; i++)
        e[i] = (struct entry){ name[i], i };
    qsort(e, n, sizeof *e, by_name);
    return e;
}

static int cannot_be(const struct csvin *in, size_t column, char why[LM_WHY_MAX])
{
    snprintf(why, LM_WHY_MAX, "line %zu: '%.300s' cannot be", csvin_line(in), csvin_text(in, column));
    return -1;
}

/* Takes a row; one of another case or group is left alone. */
static int take_row(struct lm_ledger *l, const struct csvin *in, const struct entry *cases,
                    const struct entry *groups, char why[LM_WHY_MAX])
{
    const char *text = csvin_text(in, 2);
    char *end;
    uint64_t model = strtoull(text, &end, 16);
    if (strlen(text) != N_HEX || end != text + N_HEX)
        return cannot_be(in, 2, why);
    const struct entry wanted = { csvin_text(in, 0), 0 }, whose = { csvin_text(in, 1), 0 };
    const struct entry *k = bsearch(&wanted, cases, l->n_case, sizeof *cases, by_name);
    const struct entry *g = bsearch(&whose, groups, l->n_group, sizeof *groups, by_name);
    double v[6];
    for (size_t i = 0; i < 6; i++) {
        v[i] = csvin_number(in, 3 + i);
        if (!isfinite(v[i]) || (i < 2 && !(v[i] >= 0 && v[i] <= 0x1p53)))
            return cannot_be(in, 3 + i, why);
    }
    if (!k || !g)
        return 0;
    *cell_at(l, k->i,
             g->i) = (struct cell){ .sum = { (uint64_t)v[0], (uint64_t)v[1], v[2], v[3], v[4], v[5] },
                                    .line = csvin_line(in),
                                    .model = model };
    return 0;
}

int lm_ledger_open(struct lm_ledger *l, const char *path, char **case_name, char **group_name,
                   char why[LM_WHY_MAX])
{
    int status = 0;
    l->case_name = case_name;
    l->group_name = group_name;
    l->out = csvout_append(path, "case,group,model,tokens,agreed,nll,ref_nll,kl,squares");
    struct csvin *in = csvin_open(path);
    struct entry *cases = sorted(l->case_name, l->n_case), *groups = sorted(l->group_name, l->n_group);
    while (status == 0 && csvin_next(in))
        status = take_row(l, in, cases, groups, why);
    free(groups);
    free(cases);
    csvin_close(in);
    return status;
}

int lm_ledger_is_done(const struct lm_ledger *l, size_t k, size_t group)
{
    return cell_at(l, k, group)->line > 0;
}

void lm_ledger_set_model(struct lm_ledger *l, uint64_t fingerprint)
{
    l->model = fingerprint;
}

int lm_ledger_check(const struct lm_ledger *l, size_t group, uint64_t n, double ref_nll, char why[LM_WHY_MAX])
{
    for (size_t k = 0; k < l->n_case; k++) {
        const struct cell *c = cell_at(l, k, group);
        if (c->line && (c->model != l->model || c->sum.n != n || c->sum.ref_nll != ref_nll)) {
            snprintf(why, LM_WHY_MAX, "line %zu: is of another model, text or precision", c->line);
            return -1;
        }
    }
    return 0;
}

void lm_ledger_note(struct lm_ledger *l, size_t k, size_t group)
{
    if (!l->out)
        return;
    struct lm_damage d = lm_ledger_total(l, k, group);
    char model[N_HEX + 1];
    snprintf(model, sizeof model, "%016" PRIx64, l->model);
    csvout_str(l->out, l->case_name[k]);
    csvout_str(l->out, l->group_name[group]);
    csvout_str(l->out, model);
    csvout_int(l->out, (int64_t)d.n);
    csvout_int(l->out, (int64_t)d.n_agree);
    csvout_num(l->out, d.nll);
    csvout_num(l->out, d.ref_nll);
    csvout_num(l->out, d.kl);
    csvout_num(l->out, d.squares);
    csvout_end_row(l->out);
}

void lm_ledger_flush(struct lm_ledger *l)
{
    if (l->out)
        csvout_flush(l->out);
}
