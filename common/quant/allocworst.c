/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "quant/alloc.h"
#include <glpk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 400, PASSES = 50, AUTO_NODES = 10000 };

static const double tiny = 1e-12; /* relative: less is no difference */

/* ---- a candidate: choices and what they cost each language */

struct candidate {
    size_t *pick, bytes; /* [n_part] */
    double *cost;        /* [n_lang] weighted damage */
    double worst;
    size_t worst_lang;
};

static double largest(const double *x, size_t n)
{
    double most = -INFINITY;
    for (size_t i = 0; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

static void evaluate(const struct alloc_problem *p, const double *weight, struct candidate *c)
{
    for (size_t lang = 0; lang < p->n_lang; lang++)
        c->cost[lang] = weight[lang] * alloc_damage(p, c->pick, lang);
    c->bytes = alloc_bytes(p, c->pick);
    c->worst = largest(c->cost, p->n_lang);
    c->worst_lang = 0;
    while (c->cost[c->worst_lang] != c->worst)
        c->worst_lang++;
}

static void open_candidate(const struct alloc_problem *p, struct candidate *c)
{
    *c = (struct candidate){ .pick = xcalloc(p->n_part, sizeof *c->pick),
                             .cost = xcalloc(p->n_lang, sizeof *c->cost) };
}

static void close_candidate(struct candidate *c)
{
    free(c->pick);
    free(c->cost);
}

static void copy_candidate(const struct alloc_problem *p, const struct candidate *from, struct candidate *to)
{
    memcpy(to->pick, from->pick, p->n_part * sizeof *to->pick);
    memcpy(to->cost, from->cost, p->n_lang * sizeof *to->cost);
    to->bytes = from->bytes;
    to->worst = from->worst;
    to->worst_lang = from->worst_lang;
}

/* ---- exchanges: one part, or two, given other choices */

/* Whether every language costs less than the worst does now once part i has choice k, and part j choice m. */
static int is_better_with(const struct alloc_problem *p, const double *weight, const struct candidate *c,
                          size_t i, size_t k, size_t j, size_t m)
{
    const double *a = p->part[i].choice[c->pick[i]].damage, *b = p->part[i].choice[k].damage;
    const double *d = p->part[j].choice[c->pick[j]].damage, *e = p->part[j].choice[m].damage;
    double limit = c->worst - tiny * fabs(c->worst);
    for (size_t n = 0, lang = c->worst_lang; n < p->n_lang; n++, lang = lang + 1 < p->n_lang ? lang + 1 : 0) {
        double change = b[lang] - a[lang] + (i != j ? e[lang] - d[lang] : 0);
        if (c->cost[lang] + weight[lang] * change >= limit)
            return 0;
    }
    return 1;
}

/* Tries all exchanges that begin with part i; takes each that helps. Returns how many did. */
static int mend_part(const struct alloc_problem *p, const double *weight, struct candidate *c, size_t i)
{
    int helped = 0;
    for (size_t k = 0; k < p->part[i].n; k++)
        for (size_t j = i; j < p->n_part; j++)
            for (size_t m = 0; m < (j == i ? 1 : p->part[j].n); m++) {
                size_t bytes = c->bytes - p->part[i].choice[c->pick[i]].bytes + p->part[i].choice[k].bytes;
                if (j != i)
                    bytes = bytes - p->part[j].choice[c->pick[j]].bytes + p->part[j].choice[m].bytes;
                if (bytes > p->budget || !is_better_with(p, weight, c, i, k, j, m))
                    continue;
                c->pick[i] = k;
                if (j != i)
                    c->pick[j] = m;
                evaluate(p, weight, c);
                helped++;
            }
    return helped;
}

static void mend(const struct alloc_problem *p, const double *weight, struct candidate *c)
{
    int helped = 1;
    for (int pass = 0; pass < PASSES && helped; pass++) {
        helped = 0;
        for (size_t i = 0; i < p->n_part; i++)
            helped += mend_part(p, weight, c, i);
    }
}

/* ---- multiplicative weights */

/* The best candidate into *best and the best bound; `share` is scratch [n_lang]. */
static void play(const struct alloc_problem *p, const double *weight, double *share, struct candidate *best,
                 double *bound)
{
    struct candidate c;
    double *log_share = xcalloc(p->n_lang, sizeof *log_share), promising = INFINITY; /* not mended */
    open_candidate(p, &c);
    best->worst = INFINITY;
    *bound = -INFINITY;
    for (int round = 1; round <= ROUNDS; round++) {
        struct alloc_answer a;
        double sum = 0, most = largest(log_share, p->n_lang), least;
        for (size_t lang = 0; lang < p->n_lang; lang++)
            sum += share[lang] = exp(log_share[lang] - most);
        for (size_t lang = 0; lang < p->n_lang; lang++)
            share[lang] *= weight[lang] / sum;
        alloc_mean(p, share, c.pick, &a);
        *bound = a.bound > *bound ? a.bound : *bound;
        evaluate(p, weight, &c);
        least = c.cost[0];
        for (size_t lang = 0; lang < p->n_lang; lang++)
            least = c.cost[lang] < least ? c.cost[lang] : least;
        for (size_t lang = 0; lang < p->n_lang && c.worst > least; lang++)
            log_share[lang] += 2 / sqrt(round) * (c.cost[lang] - c.worst) / (c.worst - least);
        promising = c.worst < promising ? c.worst : promising;
        if (c.worst <= promising + 0.05 * fabs(promising))
            mend(p, weight, &c);
        if (c.worst < best->worst)
            copy_candidate(p, &c, best);
        if (*bound >= best->worst - tiny * fabs(best->worst))
            break;
    }
    close_candidate(&c);
    free(log_share);
}

/* ---- the integer programme */

struct search {
    size_t n_node, most; /* most: 0 for no limit */
    double bound;
};

static void watch(glp_tree *tree, void *info)
{
    struct search *s = info;
    if (glp_ios_reason(tree) != GLP_ISELECT)
        return;
    int node = glp_ios_best_node(tree);
    if (node)
        s->bound = glp_ios_node_bound(tree, node);
    if (s->most && ++s->n_node > s->most)
        glp_ios_terminate(tree);
}

/* Minimise t: each part has one choice; bytes fit; each language's damage, in units of `unit`, is at most t;
 * low <= t <= high. Columns are t, then choices part by part; GLPK counts from 1. */
static glp_prob *pose(const struct alloc_problem *p, const double *weight, double unit, double low,
                      double high)
{
    glp_prob *lp = glp_create_prob();
    int n_column = 1, n_lang = (int)p->n_lang, n_part = (int)p->n_part;
    for (size_t i = 0; i < p->n_part; i++)
        n_column += (int)p->part[i].n;
    int *column = xnew((size_t)n_column + 1, sizeof *column);
    double *value = xnew((size_t)n_column + 1, sizeof *value);
    double budget = p->budget ? (double)p->budget : 1;
    glp_add_cols(lp, n_column);
    glp_add_rows(lp, n_part + 1 + n_lang);
    glp_set_obj_dir(lp, GLP_MIN);
    glp_set_obj_coef(lp, 1, 1);
    glp_set_col_bnds(lp, 1, low < high ? GLP_DB : GLP_FX, low, high);
    for (int k = 2; k <= n_column; k++)
        glp_set_col_kind(lp, k, GLP_BV);
    for (int i = 0, at = 2; i < n_part; i++) {
        int n = (int)p->part[i].n;
        for (int k = 0; k < n; k++, at++) {
            column[k + 1] = at;
            value[k + 1] = 1;
        }
        glp_set_mat_row(lp, i + 1, n, column, value);
        glp_set_row_bnds(lp, i + 1, GLP_FX, 1, 1);
    }
    for (int lang = -1; lang < n_lang; lang++) {
        int row = n_part + 2 + lang, at = 1;
        column[1] = 1;
        value[1] = lang < 0 ? 0 : -1;
        for (size_t i = 0; i < p->n_part; i++)
            for (size_t k = 0; k < p->part[i].n; k++) {
                const struct alloc_choice *c = &p->part[i].choice[k];
                at++;
                column[at] = at;
                value[at] = lang < 0 ? (double)c->bytes / budget : weight[lang] * c->damage[lang] / unit;
            }
        glp_set_mat_row(lp, row, at, column, value);
        glp_set_row_bnds(lp, row, GLP_UP, 0, lang < 0);
    }
    free(column);
    free(value);
    return lp;
}

/* What counts as large: the cost or, as that may be 0, a thousandth of the largest weighted damage of a
 * choice. */
static double size_of_cost(const struct alloc_problem *p, const double *weight, double cost)
{
    double most = 0;
    for (size_t i = 0; i < p->n_part; i++)
        for (size_t k = 0; k < p->part[i].n; k++)
            for (size_t lang = 0; lang < p->n_lang; lang++)
                most = fmax(most, fabs(weight[lang] * p->part[i].choice[k].damage[lang]));
    return fmax(fabs(cost), 1e-3 * most);
}

/* Looks for what is better than *best, whose cost is between the bound and its own; raises the bound. Returns
 * whether the search came to its end. */
static int branch_and_bound(const struct alloc_problem *p, const double *weight, size_t most_nodes,
                            struct candidate *best, double *bound)
{
    double unit = fmax(size_of_cost(p, weight, best->worst), fabs(*bound));
    struct search s = { .most = most_nodes, .bound = *bound / unit };
    glp_smcp simplex;
    glp_iocp options;
    struct candidate c;
    glp_init_smcp(&simplex);
    glp_init_iocp(&options);
    simplex.msg_lev = options.msg_lev = GLP_MSG_OFF;
    options.cb_func = watch;
    options.cb_info = &s;
    glp_prob *lp = pose(p, weight, unit, *bound / unit - 1e-9, best->worst / unit + 1e-9);
    glp_term_out(GLP_OFF);
    open_candidate(p, &c);
    int status = glp_simplex(lp, &simplex), ended = 0;
    if (status == 0 && glp_get_status(lp) == GLP_OPT) {
        status = glp_intopt(lp, &options);
        ended = status == 0;
    }
    int found = ended || status == GLP_ESTOP ? glp_mip_status(lp) : GLP_UNDEF;
    if (found == GLP_OPT || found == GLP_FEAS) {
        for (size_t i = 0, at = 2; i < p->n_part; i++)
            for (size_t k = 0; k < p->part[i].n; k++, at++)
                if (glp_mip_col_val(lp, (int)at) > 0.5)
                    c.pick[i] = k;
        evaluate(p, weight, &c);
        if (c.bytes <= p->budget && c.worst < best->worst)
            copy_candidate(p, &c, best);
    }
    double reached = (found == GLP_OPT ? glp_mip_obj_val(lp) : s.bound) * unit;
    if (found == GLP_OPT || status == GLP_ESTOP)
        *bound = reached > *bound ? reached : *bound;
    *bound = *bound < best->worst ? *bound : best->worst;
    ended = ended && found == GLP_OPT && c.bytes <= p->budget; /* GLPK's tolerance is wider than a byte */
    close_candidate(&c);
    glp_delete_prob(lp);
    glp_free_env();
    return ended;
}

int alloc_worst(const struct alloc_problem *p, const double *weight, enum alloc_solver solver, size_t n_node,
                size_t *pick, struct alloc_answer *a)
{
    if (alloc_least(p) > p->budget)
        return ALLOC_TOO_SMALL;
    struct candidate best;
    double *share = xcalloc(p->n_lang, sizeof *share), bound;
    open_candidate(p, &best);
    play(p, weight, share, &best, &bound);
    int is_exact = bound >= best.worst - 1e-9 * size_of_cost(p, weight, best.worst);
    if (!is_exact && solver != ALLOC_MWU)
        is_exact = branch_and_bound(p, weight, solver == ALLOC_AUTO ? AUTO_NODES : n_node, &best, &bound);
    memcpy(pick, best.pick, p->n_part * sizeof *pick);
    *a = (struct alloc_answer){ best.bytes, best.worst, is_exact ? best.worst : bound, is_exact };
    close_candidate(&best);
    free(share);
    return 0;
}
