/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/nullsum.h"
#include "base/mem.h"
#include "base/threads.h"
#include "math/order.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1 << 22 }; /* sums in one list */

/* Sums of some of the elements: of a half of a block, a block, or several. */
struct list {
    double *sum;
    size_t n;
};

/* One block, or a part of it: n elements, of which LABELS chooses n_first. */
struct part {
    const double *x;
    double *v;
    size_t n, n_first;
};

static double factorial(size_t n)
{
    double f = 1;
    for (size_t i = 2; i <= n; i++)
        f *= (double)i;
    return f;
}

static double choose(size_t n, size_t k)
{
    if (k > n)
        return 0;
    double c = 1;
    for (size_t i = 1; i <= k && isfinite(c); i++)
        c = c * (double)(n - k + i) / (double)i; /* whole after each step */
    return c;
}

static double arrangements(enum statistic_null kind, size_t n, size_t n_first)
{
    return kind == STATISTIC_PAIRING  ? factorial(n)
           : kind == STATISTIC_LABELS ? choose(n, n_first)
                                      : ldexp(1, n < 2000 ? (int)n : 2000);
}

/* ---- moments */

void nullsum_moments(const struct nullsum *s, double *mean, double *variance)
{
    *mean = *variance = 0;
    for (size_t b = 0; b < s->n_block; b++) {
        size_t first = s->block[b], n = s->block[b + 1] - first;
        double mx = 0, mv = 0, xx = 0, vv = 0, square = 0;
        for (size_t i = first; i < first + n; i++) {
            mx += s->x[i] / (double)n;
            mv += s->v[i] / (double)n;
            square += s->v[i] * s->v[i];
        }
        for (size_t i = first; i < first + n; i++) {
            xx += (s->x[i] - mx) * (s->x[i] - mx);
            vv += (s->v[i] - mv) * (s->v[i] - mv);
        }
        if (s->kind == STATISTIC_SIGNS) {
            *variance += square;
        } else if (s->kind == STATISTIC_PAIRING) {
            *mean += (double)n * mx * mv;
            *variance += n > 1 ? xx * vv / (double)(n - 1) : 0;
        } else {
            double k = (double)s->n_first[b];
            *mean += k * mv;
            *variance += n > 1 ? k * ((double)n - k) * vv / ((double)n * (double)(n - 1)) : 0;
        }
    }
}

/* ---- lists of sums */

static void push(struct list *l, double sum)
{
    l->sum[l->n++] = sum;
}

static void exchange(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

static void push_pairings(struct list *l, const double *x, double *v, size_t n, double sum)
{
    if (n <= 1) {
        push(l, n ? sum + x[0] * v[0] : sum);
        return;
    }
    if (n == 3) { /* nearly all calls end here */
        double s0 = sum + x[0] * v[0], s1 = sum + x[0] * v[1], s2 = sum + x[0] * v[2];
        push(l, s0 + (x[1] * v[1] + x[2] * v[2]));
        push(l, s0 + (x[1] * v[2] + x[2] * v[1]));
        push(l, s1 + (x[1] * v[0] + x[2] * v[2]));
        push(l, s1 + (x[1] * v[2] + x[2] * v[0]));
        push(l, s2 + (x[1] * v[0] + x[2] * v[1]));
        push(l, s2 + (x[1] * v[1] + x[2] * v[0]));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        exchange(&v[0], &v[i]);
        push_pairings(l, x + 1, v + 1, n - 1, sum + x[0] * v[0]);
        exchange(&v[0], &v[i]);
    }
}

static void push_choices(struct list *l, const double *v, size_t n, size_t n_first, double sum)
{
    if (n_first > n)
        return;
    if (!n) {
        push(l, sum);
        return;
    }
    if (n_first)
        push_choices(l, v + 1, n - 1, n_first - 1, sum + v[0]);
    push_choices(l, v + 1, n - 1, n_first, sum);
}

static void push_signs(struct list *l, const double *v, size_t n, double sum)
{
    if (!n) {
        push(l, sum);
        return;
    }
    push_signs(l, v + 1, n - 1, sum + v[0]);
    push_signs(l, v + 1, n - 1, sum - v[0]);
}

static void push_all(enum statistic_null kind, struct list *l, const struct part *p)
{
    l->n = 0;
    if (kind == STATISTIC_PAIRING)
        push_pairings(l, p->x, p->v, p->n, 0);
    else if (kind == STATISTIC_LABELS)
        push_choices(l, p->v, p->n, p->n_first, 0);
    else
        push_signs(l, p->v, p->n, 0);
}

/* l becomes all sums of one of l and one of rest. */
static void combine(struct list *l, const struct list *rest)
{
    size_t n = l->n;
    for (size_t i = rest->n; i-- > 0;)
        for (size_t k = 0; k < n; k++)
            l->sum[i * n + k] = l->sum[k] + rest->sum[i];
    l->n = n * rest->n;
}

/* ---- counting */

static void bounds(const struct list *l, double *least, double *most)
{
    *least = *most = l->sum[0];
    for (size_t i = 1; i < l->n; i++) {
        *least = l->sum[i] < *least ? l->sum[i] : *least;
        *most = l->sum[i] > *most ? l->sum[i] : *most;
    }
}

/* Adds the pairs (one of a, one of b) whose sum is <= low, and >= high. Sorts a and b. */
static void count_pairs(struct list *a, struct list *b, void *work, double low, double high,
                        struct nullsum_count *count)
{
    double least_a, most_a, least_b, most_b;
    bounds(a, &least_a, &most_a);
    bounds(b, &least_b, &most_b);
    if (least_a + least_b > low && most_a + most_b < high)
        return; /* far the most common case when p is small */
    order_values(a->sum, a->n, work);
    order_values(b->sum, b->n, work);
    size_t n_low = b->n, n_high = b->n; /* b[0..n_low-1] + a <= low; b[n_high..] + a >= high */
    for (size_t i = 0; i < a->n; i++) {
        while (n_low && a->sum[i] + b->sum[n_low - 1] > low)
            n_low--;
        while (n_high && a->sum[i] + b->sum[n_high - 1] >= high)
            n_high--;
        count->low += n_low;
        count->high += b->n - n_high;
    }
}

/* ---- the plan: the largest block whole or cut in two, and a list of the sums of all other blocks */

struct plan {
    const struct nullsum *s;
    size_t largest;
    int cut;
    size_t n_task; /* a pair of lists each */
    double rest;   /* sums of the other blocks */
    double room;   /* of the longest list */
    double cost, total;
};

static size_t block_size(const struct nullsum *s, size_t b)
{
    return s->block[b + 1] - s->block[b];
}

static double block_arrangements(const struct nullsum *s, size_t b)
{
    return arrangements(s->kind, block_size(s, b), s->n_first[b]);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* Adds a pair of lists of the cut block to the plan. */
static void plan_pair(struct plan *p, double first, double second, double times)
{
    p->room = larger(p->room, larger(first, second * p->rest));
    p->cost += times * (first + second * p->rest);
}

static void plan_cut(struct plan *p)
{
    const struct nullsum *s = p->s;
    size_t n = block_size(s, p->largest), half = (n + 1) / 2;
    p->cut = 1;
    p->cost = 0;
    p->n_task = 1;
    if (s->kind == STATISTIC_PAIRING) {
        double tasks = choose(n, half);
        p->n_task = tasks < 1e9 ? (size_t)tasks : 0;
        plan_pair(p, factorial(half), factorial(n - half), tasks);
    } else if (s->kind == STATISTIC_LABELS) {
        size_t n_first = s->n_first[p->largest];
        p->n_task = half + 1;
        for (size_t k = 0; k <= half; k++)
            if (k <= n_first)
                plan_pair(p, choose(half, k), choose(n - half, n_first - k), 1);
    } else {
        plan_pair(p, ldexp(1, (int)fmin((double)half, 1000)), ldexp(1, (int)fmin((double)(n - half), 1000)),
                  1);
    }
}

static struct plan make_plan(const struct nullsum *s)
{
    struct plan p = { .s = s, .rest = 1, .total = 1 };
    for (size_t b = 0; b < s->n_block; b++) {
        p.total *= block_arrangements(s, b);
        if (block_arrangements(s, b) > block_arrangements(s, p.largest))
            p.largest = b;
    }
    for (size_t b = 0; b < s->n_block; b++)
        p.rest *= b == p.largest ? 1 : block_arrangements(s, b);
    struct plan whole = p;
    double all = s->n_block ? block_arrangements(s, p.largest) : 1;
    whole.n_task = 1;
    whole.cost = all + p.rest;
    whole.room = p.room = larger(all, p.rest);
    p.room = p.rest;
    plan_cut(&p);
    if (!(whole.room > LONGEST) && (p.room > LONGEST || whole.cost < p.cost))
        p = whole;
    if (!(p.room <= LONGEST && p.total < 0x1p63))
        p.cost = INFINITY;
    return p;
}

double nullsum_total(const struct nullsum *s)
{
    return make_plan(s).total;
}

double nullsum_cost(const struct nullsum *s)
{
    return make_plan(s).cost;
}

/* ---- a task: one pair of lists */

struct worker {
    struct list a, b;
    double *v;
    void *work; /* to sort */
    struct nullsum_count count;
};

struct job {
    const struct plan *plan;
    struct list rest;
    double low, high;
    struct worker *worker;
};

/* Puts the task-th of the choices of `half` out of n elements into v: those chosen, then the others. */
static void choose_half(const double *from, size_t n, size_t half, size_t task, double *v)
{
    double *chosen = v, *other = v + half;
    double left = (double)task;
    for (size_t i = 0; i < n; i++) {
        double with = half ? choose(n - i - 1, half - 1) : 0;
        if (half && left < with) {
            *chosen++ = from[i];
            half--;
        } else {
            *other++ = from[i];
            left -= with;
        }
    }
}

static void do_task(void *ctx, size_t task, int worker)
{
    const struct job *j = ctx;
    const struct plan *p = j->plan;
    const struct nullsum *s = p->s;
    struct worker *w = &j->worker[worker];
    size_t first = s->block[p->largest], n = block_size(s, p->largest);
    size_t n_first = s->n_first[p->largest];
    size_t half = p->cut ? (n + 1) / 2 : n, first_half = p->cut ? task : n_first;
    if (s->kind == STATISTIC_PAIRING && p->cut)
        choose_half(s->v + first, n, half, task, w->v);
    else
        memcpy(w->v, s->v + first, n * sizeof *w->v);
    if (s->kind == STATISTIC_LABELS && (first_half > n_first || n_first - first_half > n - half))
        return; /* no such choice */
    const double *x = s->x + first;
    struct part a = { x, w->v, half, first_half };
    struct part b = { x + half, w->v + half, n - half, n_first - first_half };
    push_all(s->kind, &w->a, &a);
    push_all(s->kind, &w->b, &b);
    combine(&w->b, &j->rest);
    count_pairs(&w->a, &w->b, w->work, j->low, j->high, &w->count);
}

/* Sums of all blocks but the largest. */
static struct list rest_of(const struct plan *p)
{
    const struct nullsum *s = p->s;
    struct list rest = { xnew((size_t)p->rest, sizeof *rest.sum), 1 };
    struct list one = { xnew((size_t)p->rest, sizeof *one.sum), 0 };
    rest.sum[0] = 0;
    for (size_t b = 0; b < s->n_block; b++) {
        if (b == p->largest)
            continue;
        size_t first = s->block[b];
        struct part part = { s->x + first, s->v + first, block_size(s, b), s->n_first[b] };
        push_all(s->kind, &one, &part);
        combine(&rest, &one);
    }
    free(one.sum);
    return rest;
}

struct nullsum_count nullsum_count(const struct nullsum *s, double low, double high, int n_thread)
{
    struct plan plan = make_plan(s);
    struct nullsum_count count = { 0, 0 };
    n_thread = (size_t)n_thread > plan.n_task ? (int)plan.n_task : n_thread;
    struct job j = { &plan, rest_of(&plan), low, high, xcalloc((size_t)n_thread, sizeof *j.worker) };
    size_t n = s->n_block ? block_size(s, plan.largest) : 0, room = (size_t)plan.room;
    for (int i = 0; i < n_thread; i++)
        j.worker[i] = (struct worker){ .a = { xnew(room, sizeof(double)), 0 },
                                       .b = { xnew(room, sizeof(double)), 0 },
                                       .v = xnew(n, sizeof(double)),
                                       .work = xaligned(1, order_values_work(room)) };
    threads_for(n_thread, plan.n_task, do_task, &j);
    for (int i = 0; i < n_thread; i++) {
        struct worker *w = &j.worker[i];
        count.low += w->count.low;
        count.high += w->count.high;
        free(w->a.sum);
        free(w->b.sum);
        free(w->v);
        free(w->work);
    }
    free(j.worker);
    free(j.rest.sum);
    return count;
}
