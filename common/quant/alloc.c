/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/alloc.h"
#include "base/mem.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STATES = 1 << 22 };

size_t alloc_least(const struct alloc_problem *p)
{
    size_t sum = 0;
    for (size_t i = 0; i < p->n_part; i++) {
        size_t least = SIZE_MAX;
        for (size_t k = 0; k < p->part[i].n; k++)
            least = p->part[i].choice[k].bytes < least ? p->part[i].choice[k].bytes : least;
        sum += least;
    }
    return sum;
}

size_t alloc_most(const struct alloc_problem *p)
{
    size_t sum = 0;
    for (size_t i = 0; i < p->n_part; i++) {
        size_t most = 0;
        for (size_t k = 0; k < p->part[i].n; k++)
            most = p->part[i].choice[k].bytes > most ? p->part[i].choice[k].bytes : most;
        sum += most;
    }
    return sum;
}

double alloc_damage(const struct alloc_problem *p, const size_t *pick, size_t lang)
{
    double sum = 0;
    for (size_t i = 0; i < p->n_part; i++)
        sum += p->part[i].choice[pick[i]].damage[lang];
    return sum;
}

size_t alloc_bytes(const struct alloc_problem *p, const size_t *pick)
{
    size_t sum = 0;
    for (size_t i = 0; i < p->n_part; i++)
        sum += p->part[i].choice[pick[i]].bytes;
    return sum;
}

/* ---- choices worth a thought */

/* A choice by size and cost; the next larger one costs less. is_hull: on the lower convex hull. */
struct option {
    size_t bytes, index;
    double cost;
    int is_hull;
};

struct options {
    size_t n;
    struct option *o;
};

static int by_bytes(const void *a, const void *b)
{
    const struct option *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    if (x->cost != y->cost)
        return x->cost < y->cost ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* Slope from a to b. */
static double slope(const struct option *a, const struct option *b)
{
    return (b->cost - a->cost) / (double)(b->bytes - a->bytes);
}

/* Marks the lower convex hull of options that are sorted, from the first to the last. */
static void mark_hull(struct options *list)
{
    for (size_t i = 0, next; i < list->n; i = next) {
        list->o[i].is_hull = 1;
        next = i + 1;
        for (size_t k = i + 2; k < list->n; k++)
            if (slope(&list->o[i], &list->o[k]) <= slope(&list->o[i], &list->o[next]))
                next = k;
    }
}

static struct options options_of(const struct alloc_part *part, size_t n_lang, const double *weight)
{
    struct options list = { 0, xnew(part->n, sizeof *list.o) };
    for (size_t k = 0; k < part->n; k++) {
        struct option o = { .bytes = part->choice[k].bytes, .index = k };
        for (size_t lang = 0; lang < n_lang; lang++)
            o.cost += weight[lang] * part->choice[k].damage[lang];
        list.o[k] = o;
    }
    qsort(list.o, part->n, sizeof *list.o, by_bytes);
    for (size_t k = 0; k < part->n; k++)
        if (!list.n || list.o[k].cost < list.o[list.n - 1].cost)
            list.o[list.n++] = list.o[k];
    mark_hull(&list);
    return list;
}

/* ---- the linear relaxation */

/* A step along a part's hull: so many bytes more, so much less cost. */
struct step {
    size_t part, to, bytes;
    double cost, slope;
};

/* Steps of some parts, steepest first, with sums of the steps before each. */
struct relaxation {
    size_t n, least; /* least: bytes of their smallest options */
    double cost;     /* of those */
    struct step *step;
    size_t *bytes_before; /* [n + 1] */
    double *cost_before;  /* [n + 1] */
};

static int by_slope(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    if (x->slope != y->slope)
        return x->slope < y->slope ? -1 : 1;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static void sum_steps(struct relaxation *r)
{
    r->bytes_before = xcalloc(r->n + 1, sizeof *r->bytes_before);
    r->cost_before = xcalloc(r->n + 1, sizeof *r->cost_before);
    for (size_t i = 0; i < r->n; i++) {
        r->bytes_before[i + 1] = r->bytes_before[i] + r->step[i].bytes;
        r->cost_before[i + 1] = r->cost_before[i] + r->step[i].cost;
    }
}

/* Of all parts. */
static struct relaxation relax(const struct options *list, size_t n_part)
{
    struct relaxation r = { 0 };
    size_t room = 0;
    for (size_t i = 0; i < n_part; i++) {
        const struct option *o = list[i].o, *last = o;
        r.least += o->bytes;
        r.cost += o->cost;
        for (size_t k = 1; k < list[i].n; k++) {
            if (!o[k].is_hull)
                continue;
            double s = slope(last, &o[k]);
            if (last != o && s < r.step[r.n - 1].slope)
                s = r.step[r.n - 1].slope; /* by rounding: a part's steps are taken in their order */
            xgrow(&r.step, &room, r.n + 1, sizeof *r.step);
            r.step[r.n++] = (struct step){ i, k, o[k].bytes - last->bytes, o[k].cost - last->cost, s };
            last = &o[k];
        }
    }
    if (r.n)
        qsort(r.step, r.n, sizeof *r.step, by_slope);
    sum_steps(&r);
    return r;
}

/* Of parts first.. alone. */
static struct relaxation relax_rest(const struct relaxation *all, const struct options *list, size_t first,
                                    size_t n_part)
{
    struct relaxation r = { .step = xnew(all->n, sizeof *r.step) };
    for (size_t i = first; i < n_part; i++) {
        r.least += list[i].o->bytes;
        r.cost += list[i].o->cost;
    }
    for (size_t i = 0; i < all->n; i++)
        if (all->step[i].part >= first)
            r.step[r.n++] = all->step[i];
    sum_steps(&r);
    return r;
}

static void clear_relaxation(struct relaxation *r)
{
    free(r->step);
    free(r->bytes_before);
    free(r->cost_before);
}

/* The least cost of its parts within so many bytes, fractions of steps allowed; INFINITY if there is none. */
static double relaxed_cost(const struct relaxation *r, size_t bytes)
{
    if (bytes < r->least)
        return INFINITY;
    size_t spare = bytes - r->least, low = 0, high = r->n;
    while (low < high) { /* the last whose steps before it all fit */
        size_t middle = low + (high - low + 1) / 2;
        if (r->bytes_before[middle] <= spare)
            low = middle;
        else
            high = middle - 1;
    }
    double cost = r->cost + r->cost_before[low];
    return low < r->n ? cost + r->step[low].slope * (double)(spare - r->bytes_before[low]) : cost;
}

/* ---- a first answer: the relaxation's steps that fit, then whatever single change still helps */

static double first_answer(const struct options *list, size_t n_part, size_t budget,
                           const struct relaxation *r, size_t *at)
{
    size_t bytes = r->least;
    double cost = r->cost;
    char *stuck = xcalloc(n_part, 1);
    memset(at, 0, n_part * sizeof *at);
    for (size_t i = 0; i < r->n; i++) {
        const struct step *s = &r->step[i];
        if (stuck[s->part] || s->bytes > budget - bytes) {
            stuck[s->part] = 1;
            continue;
        }
        size_t to = at[s->part] + 1;
        while (!list[s->part].o[to].is_hull)
            to++;
        at[s->part] = to;
        bytes += s->bytes;
        cost += s->cost;
    }
    for (size_t i = 0; i < n_part; i++)
        for (size_t k = list[i].n - 1; k > at[i]; k--) {
            size_t more = list[i].o[k].bytes - list[i].o[at[i]].bytes;
            if (more <= budget - bytes) {
                bytes += more;
                cost += list[i].o[k].cost - list[i].o[at[i]].cost;
                at[i] = k;
                break;
            }
        }
    free(stuck);
    return cost;
}

/* ---- the dynamic programme */

/* Options chosen for the parts so far. */
struct state {
    size_t bytes;
    double cost;
    uint32_t before, option; /* index of the state it came from, in the part before; what this part has */
};

static int by_state(const void *a, const void *b)
{
    const struct state *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    if (x->cost != y->cost)
        return x->cost < y->cost ? -1 : 1;
    if (x->option != y->option)
        return x->option < y->option ? -1 : 1;
    return x->before < y->before ? -1 : x->before > y->before;
}

/* The states of one part from those of the part before, [n_before]; returns how many, 0 if there would be too
 * many. rest is the relaxation of the parts behind it. */
static size_t advance(const struct state *before, size_t n_before, const struct options *list, size_t budget,
                      const struct relaxation *rest, double best, struct state **to)
{
    size_t n = 0, n_kept = 0, room = 0;
    struct state *s = NULL;
    for (size_t i = 0; i < n_before; i++)
        for (size_t k = 0; k < list->n; k++) {
            size_t bytes = before[i].bytes + list->o[k].bytes;
            double cost = before[i].cost + list->o[k].cost;
            if (bytes > budget || cost + relaxed_cost(rest, budget - bytes) > best)
                continue;
            if (n == MOST_STATES) {
                free(s);
                return 0;
            }
            xgrow(&s, &room, n + 1, sizeof *s);
            s[n++] = (struct state){ bytes, cost, (uint32_t)i, (uint32_t)k };
        }
    if (n)
        qsort(s, n, sizeof *s, by_state);
    for (size_t i = 0; i < n; i++)
        if (!n_kept || s[i].cost < s[n_kept - 1].cost)
            s[n_kept++] = s[i];
    *to = s;
    return n_kept;
}

/* The best options into at[]; -1 if there would be too many states. `best` is what a first answer costs. */
static int programme(const struct options *list, size_t n_part, size_t budget, const struct relaxation *all,
                     double best, size_t *at)
{
    struct state **s = xcalloc(n_part + 1, sizeof(*s));
    struct state none = { 0 };
    size_t n = 1, n_all = 0;
    int status = -1;
    best += 1e-9 *
            (fabs(best) + fabs(all->cost) + fabs(all->cost_before[all->n])); /* what rounding may hide */
    for (size_t i = 0; i < n_part; i++) {
        struct relaxation rest = relax_rest(all, list, i + 1, n_part);
        n = advance(i ? s[i - 1] : &none, n, &list[i], budget, &rest, best, &s[i]);
        clear_relaxation(&rest);
        n_all += n;
        if (!n || n_all > MOST_STATES)
            goto done;
    }
    for (size_t i = n_part, k = n - 1; i--;) { /* the last is the cheapest */
        at[i] = s[i][k].option;
        k = s[i][k].before;
    }
    status = 0;
done:
    for (size_t i = 0; i < n_part; i++)
        free(s[i]);
    free(s);
    return status;
}

int alloc_mean(const struct alloc_problem *p, const double *weight, size_t *pick, struct alloc_answer *a)
{
    if (alloc_least(p) > p->budget)
        return ALLOC_TOO_SMALL;
    struct options *list = xnew(p->n_part, sizeof *list);
    for (size_t i = 0; i < p->n_part; i++)
        list[i] = options_of(&p->part[i], p->n_lang, weight);
    struct relaxation all = relax(list, p->n_part);
    double best = first_answer(list, p->n_part, p->budget, &all, pick);
    a->is_exact = programme(list, p->n_part, p->budget, &all, best, pick) == 0;
    a->bound = relaxed_cost(&all, p->budget);
    for (size_t i = 0; i < p->n_part; i++)
        pick[i] = list[i].o[pick[i]].index;
    a->bytes = alloc_bytes(p, pick);
    a->value = 0;
    for (size_t lang = 0; lang < p->n_lang; lang++)
        a->value += weight[lang] * alloc_damage(p, pick, lang);
    if (a->is_exact)
        a->bound = a->value;
    clear_relaxation(&all);
    for (size_t i = 0; i < p->n_part; i++)
        free(list[i].o);
    free(list);
    return 0;
}
