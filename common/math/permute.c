/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/permute.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/threads.h"
#include "math/correlation.h"
#include "math/nullsum.h"
#include "math/order.h"
#include "math/scale.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 64,         /* replicates that share a stream of random numbers */
    WALK_MOST = 4000000 /* arrangements that are walked one by one */
};
static const double cost_most[] = { 0, 1e8, 1e10 }; /* by effort; in sums, see nullsum_cost() */
static const double tolerance = 1e-11; /* of the largest |T| that there could be: so that ties count */

/* The elements that are rearranged, block by block: rows, or units where signs flip. */
struct permute {
    const struct statistic *statistic;
    const struct sample *sample;
    struct nullsum sum;
    size_t n;
    uint32_t *row;                             /* [n] PAIRING, LABELS: the row that an element is */
    double map[4];                             /* from T to the statistic */
    double observed, null_mean, null_variance; /* of T, or of the statistic if that is no function of T */
    double slack;
};

/* ---- making ready */

static int is_linear(const struct permute *p)
{
    return p->statistic->null_map != NULL;
}

/* Elements of SIGNS: one for each unit, its sum. */
static void gather_units(struct permute *p)
{
    const struct sample *s = p->sample;
    p->sum.block[0] = 0;
    p->sum.block[1] = p->n = s->n_unit;
    p->sum.n_block = 1;
    for (size_t u = 0; u < s->n_unit; u++) {
        p->sum.v[u] = 0;
        for (uint32_t m = s->unit[u]; m < s->unit[u + 1]; m++)
            p->sum.v[u] += s->x[s->member[m]] - (s->y ? s->y[s->member[m]] : 0);
    }
}

/* Elements of PAIRING and LABELS: the rows by block, those of the first group in front. */
static void gather_rows(struct permute *p)
{
    const struct sample *s = p->sample;
    p->n = s->n;
    p->sum.n_block = s->n_block;
    for (size_t i = 0; i < s->n; i++)
        p->sum.block[s->block[i] + 1]++;
    for (size_t b = 0; b < s->n_block; b++)
        p->sum.block[b + 1] += p->sum.block[b];
    size_t *next = xnew(s->n_block, sizeof *next);
    memcpy(next, p->sum.block, s->n_block * sizeof *next);
    for (size_t i = 0; i < s->n; i++) {
        p->sum.n_first[s->block[i]] += i < s->n_first;
        p->row[next[s->block[i]]++] = (uint32_t)i;
    }
    free(next);
}

static double centre(double *v, size_t n)
{
    double mean = 0, rest = 0;
    for (size_t i = 0; i < n; i++)
        mean += v[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        rest += v[i] - mean;
    for (size_t i = 0; i < n; i++)
        v[i] -= mean + rest / (double)n;
    return mean + rest / (double)n;
}

/* Divides v by the power of two that brings its largest element near 1, so that sums and products stay in the
 * range of doubles; returns it, NaN when an element is not finite. */
static double scale(double *v, size_t n)
{
    int exponent = scale_exponent_of(v, n), finite = 1;
    for (size_t i = 0; i < n; i++)
        finite &= isfinite(v[i]) != 0;
    if (!finite)
        return NAN;
    for (size_t i = 0; i < n; i++)
        v[i] = ldexp(v[i], -exponent);
    return ldexp(1, exponent);
}

static double squares(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i] * v[i];
    return sum;
}

/* Column `from` of the sample by element into `to`: its ranks if T is of ranks, and centred if it is a T that
 * is wanted. Returns the mean taken away. */
static double take_column(const struct permute *p, const double *from, double *to)
{
    double *rank = NULL;
    if (p->statistic->null_of_ranks) {
        void *work = xaligned(1, correlation_work_bytes(p->n));
        rank = xnew(p->n, sizeof *rank);
        correlation_ranks(from, p->n, rank, work);
        free(work);
    }
    for (size_t i = 0; i < p->n; i++)
        to[i] = rank ? rank[p->row[i]] : from[p->row[i]];
    free(rank);
    return is_linear(p) ? centre(to, p->n) : 0;
}

static void find_map(struct permute *p, double mean, double unit)
{
    const struct sample *s = p->sample;
    struct statistic_null_facts f = {
        .n = (double)s->n, .n_first = (double)s->n_first, .mean = mean, .unit = unit
    };
    if (p->statistic->null == STATISTIC_SIGNS && s->y)
        for (size_t i = 0; i < s->n; i++)
            f.total += s->x[i] + s->y[i];
    f.xx = squares(p->sum.x, p->n);
    f.yy = squares(p->sum.v, p->n);
    p->statistic->null_map(&f, p->map);
}

struct scratch {
    uint32_t *key; /* [n] an arrangement. PAIRING: whose v is here; LABELS: group; SIGNS: 1 is flipped */
    double *v;
    void *work;
};
static void observe(struct permute *p);

static struct permute *gather(const struct statistic *statistic, const struct sample *s)
{
    struct permute *p = xcalloc(1, sizeof *p);
    p->statistic = statistic;
    p->sample = s;
    p->sum.kind = statistic->null;
    p->sum.block = xcalloc(s->n_block + 2, sizeof *p->sum.block);
    p->sum.n_first = xcalloc(s->n_block + 1, sizeof *p->sum.n_first);
    p->sum.x = xcalloc(s->n, sizeof *p->sum.x);
    p->sum.v = xcalloc(s->n, sizeof *p->sum.v);
    p->row = xnew(s->n, sizeof *p->row);
    if (statistic->null == STATISTIC_SIGNS)
        gather_units(p);
    else
        gather_rows(p);
    return p;
}

struct permute *permute_new(const struct statistic *statistic, const struct sample *s)
{
    struct permute *p = gather(statistic, s);
    double mean = 0, unit = 1;
    if (statistic->null == STATISTIC_PAIRING)
        take_column(p, s->x, p->sum.x);
    if (statistic->null != STATISTIC_SIGNS)
        mean = take_column(p, statistic->null == STATISTIC_PAIRING ? s->y : s->x, p->sum.v);
    if (is_linear(p)) {
        unit = scale(p->sum.v, p->n);
        unit /= statistic->null == STATISTIC_PAIRING ? scale(p->sum.x, p->n) : 1;
        find_map(p, mean, unit);
    }
    if (isnan(unit)) {
        permute_free(p);
        return NULL;
    }
    observe(p);
    return p;
}

void permute_free(struct permute *p)
{
    if (!p)
        return;
    free(p->sum.block);
    free(p->sum.n_first);
    free(p->sum.x);
    free(p->sum.v);
    free(p->row);
    free(p);
}

static struct scratch *scratch_new(const struct permute *p, int n_worker)
{
    size_t n = p->sample->n, sort = order_values_work(n), rank = correlation_work_bytes(n);
    struct scratch *w = xcalloc((size_t)n_worker, sizeof *w);
    for (int i = 0; i < n_worker; i++)
        w[i] = (struct scratch){ xnew(n, sizeof *w->key), xnew(n, sizeof *w->v),
                                 xaligned(1, sort > rank ? sort : rank) };
    return w;
}

static void scratch_free(struct scratch *w, int n_worker)
{
    for (int i = 0; i < n_worker; i++) {
        free(w[i].key);
        free(w[i].v);
        free(w[i].work);
    }
    free(w);
}

/* ---- one arrangement: its T, or its statistic */

/* The arrangement that was observed. */
static void set_keys(const struct permute *p, uint32_t *key)
{
    for (size_t b = 0; b < p->sum.n_block; b++)
        for (size_t i = p->sum.block[b], k = 0; i < p->sum.block[b + 1]; i++, k++)
            key[i] = p->sum.kind == STATISTIC_PAIRING  ? (uint32_t)i
                     : p->sum.kind == STATISTIC_LABELS ? k >= p->sum.n_first[b]
                                                       : 0;
}

static double sum_of(const struct permute *p, const uint32_t *key)
{
    const double *x = p->sum.x, *v = p->sum.v;
    double t = 0;
    if (p->sum.kind == STATISTIC_PAIRING)
        for (size_t i = 0; i < p->n; i++)
            t += x[i] * v[key[i]];
    else if (p->sum.kind == STATISTIC_LABELS)
        for (size_t i = 0; i < p->n; i++)
            t += key[i] ? 0 : v[i];
    else
        for (size_t i = 0; i < p->n; i++)
            t += key[i] ? -v[i] : v[i];
    return t;
}

static double pairs_statistic(const struct permute *p, struct scratch *w)
{
    for (size_t i = 0; i < p->n; i++)
        w->v[i] = p->sum.v[w->key[i]];
    return p->statistic->of_pairs(p->sum.x, w->v, p->n, w->work);
}

static double sorted_statistic(const struct permute *p, struct scratch *w)
{
    const struct sample *s = p->sample;
    if (p->sum.kind == STATISTIC_SIGNS) {
        for (size_t i = 0; i < s->n; i++)
            w->v[i] = w->key[s->cluster[i]] ? -s->x[i] : s->x[i];
    } else {
        size_t at[2] = { 0, s->n_first };
        for (size_t i = 0; i < p->n; i++)
            w->v[at[w->key[i]]++] = p->sum.v[i];
    }
    order_values(w->v, s->n_first, w->work);
    order_values(w->v + s->n_first, s->n - s->n_first, w->work);
    return p->statistic->of_sorted(w->v, s->n_first, s->n);
}

static double value_of(const struct permute *p, struct scratch *w)
{
    if (is_linear(p))
        return sum_of(p, w->key);
    return p->statistic->form == STATISTIC_PAIRS ? pairs_statistic(p, w) : sorted_statistic(p, w);
}

static double largest_value(const struct permute *p)
{
    double sum = 0, most = 0;
    for (size_t i = 0; i < p->n; i++) {
        sum += fabs(p->sum.v[i]);
        most = fmax(most, isfinite(p->sum.v[i]) ? fabs(p->sum.v[i]) : 0);
    }
    if (!is_linear(p))
        return p->sum.kind == STATISTIC_PAIRING ? 1 : most; /* kendall, medians */
    return p->sum.kind == STATISTIC_PAIRING ? sqrt(squares(p->sum.x, p->n) * squares(p->sum.v, p->n)) : sum;
}

static void observe(struct permute *p)
{
    struct scratch *w = scratch_new(p, 1);
    set_keys(p, w->key);
    p->observed = value_of(p, w);
    scratch_free(w, 1);
    p->slack = tolerance * largest_value(p);
    if (is_linear(p))
        nullsum_moments(&p->sum, &p->null_mean, &p->null_variance);
    if (p->sum.n_block == 1)
        p->null_mean = 0; /* elements are centred, or change sign */
}

double permute_statistic(const struct permute *p, double t)
{
    return is_linear(p) ? (p->map[0] + p->map[1] * t) / (p->map[2] + p->map[3] * t) : t;
}

/* ---- random arrangements */

struct drawing {
    const struct permute *p;
    struct scratch *scratch;
    uint64_t seed, stream;
    double *value;
    size_t n_value;
};

static void shuffle(struct rng *r, uint32_t *key, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = rng_below(r, (uint32_t)i);
        uint32_t t = key[i - 1];
        key[i - 1] = key[k];
        key[k] = t;
    }
}

static void flip(struct rng *r, uint32_t *key, size_t n)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits = i % 64 ? bits >> 1 : rng_u64(r);
        key[i] = bits & 1;
    }
}

static void draw_block(void *ctx, size_t block, int worker)
{
    const struct drawing *d = ctx;
    const struct permute *p = d->p;
    struct scratch *w = &d->scratch[worker];
    size_t end = (block + 1) * BLOCK < d->n_value ? (block + 1) * BLOCK : d->n_value;
    struct rng r;
    rng_init(&r, d->seed, d->stream + block);
    set_keys(p, w->key);
    for (size_t k = block * BLOCK; k < end; k++) {
        for (size_t b = 0; b < p->sum.n_block; b++) {
            size_t first = p->sum.block[b], n = p->sum.block[b + 1] - first;
            if (p->sum.kind == STATISTIC_SIGNS)
                flip(&r, w->key + first, n);
            else
                shuffle(&r, w->key + first, n);
        }
        d->value[k] = value_of(p, w);
    }
}

void permute_draw(const struct permute *p, uint64_t seed, uint64_t stream, int n_thread, double *value,
                  size_t n_value)
{
    size_t n_block = (n_value + BLOCK - 1) / BLOCK;
    n_thread = (size_t)n_thread > n_block ? (int)n_block : n_thread;
    struct drawing d = { p, scratch_new(p, n_thread), seed, stream, value, n_value };
    threads_for(n_thread, n_block, draw_block, &d);
    scratch_free(d.scratch, n_thread);
}

/* ---- the test */

/* Mean and standard deviation of what was looked at, infinite values (a ratio to 0) left out. Returns how
 * many those are. */
static size_t find_moments(const struct permute *p, const double *value, size_t n_value, double *mean,
                           double *sd)
{
    size_t n = 0;
    double most = 0, centre = 0, square = 0;
    for (size_t k = 0; k < n_value; k++) {
        double t = fabs(permute_statistic(p, value[k]));
        most = isfinite(t) && t > most ? t : most;
    }
    double unit = ldexp(1, scale_exponent(most)), factor = 1 / unit;
    for (size_t k = 0; k < n_value; k++) {
        double t = factor * permute_statistic(p, value[k]);
        centre += isfinite(t) ? (t - centre) / (double)++n : 0;
    }
    for (size_t k = 0; k < n_value; k++) {
        double d = factor * permute_statistic(p, value[k]) - centre;
        square += isfinite(d) ? d * d : 0;
    }
    *mean = unit * centre;
    *sd = unit * sqrt(square / (double)n);
    return n_value - n;
}

static void count_values(const struct permute *p, enum permute_side side, const double *value, size_t n_value,
                         struct permute_result *result)
{
    double centre = p->null_mean;
    *result = (struct permute_result){ .total = n_value };
    size_t n_infinite = find_moments(p, value, n_value, &result->null_mean, &result->null_sd);
    if (!is_linear(p) && p->sum.n_block > 1)
        centre = result->null_mean;
    if (n_infinite)
        result->null_mean = result->null_sd = NAN;
    for (size_t k = 0; k < n_value; k++)
        result->count += side == PERMUTE_LESS ? value[k] <= p->observed + p->slack
                         : side == PERMUTE_GREATER
                             ? value[k] >= p->observed - p->slack
                             : fabs(value[k] - centre) >= fabs(p->observed - centre) - p->slack;
}

/* The closed forms in place of what was looked at. */
static void state_moments(const struct permute *p, struct permute_result *result)
{
    if (!is_linear(p) || p->map[3] != 0)
        return;
    result->null_mean = permute_statistic(p, p->null_mean);
    result->null_sd = sqrt(p->null_variance) * fabs(p->map[1] / p->map[2]);
}

void permute_random(const struct permute *p, enum permute_side side, const double *value, size_t n_value,
                    struct permute_result *result)
{
    count_values(p, side, value, n_value, result);
    state_moments(p, result);
    result->p = ((double)result->count + 1) / ((double)result->total + 1);
}

static void exact_sum(const struct permute *p, enum permute_side side, int n_thread,
                      struct permute_result *result)
{
    double low = p->observed + p->slack, high = p->observed - p->slack;
    if (side == PERMUTE_TWO_SIDED) {
        double far = fabs(p->observed - p->null_mean) - p->slack;
        low = p->null_mean - far;
        high = p->null_mean + far;
    }
    struct nullsum_count count = nullsum_count(&p->sum, low, high, n_thread);
    uint64_t total = (uint64_t)nullsum_total(&p->sum);
    *result = (struct permute_result){ .exact = 1, .total = total, .null_mean = NAN, .null_sd = NAN };
    result->count = side == PERMUTE_LESS ? count.low : count.high;
    if (side == PERMUTE_TWO_SIDED) /* all of them when nothing is nearer than far <= 0 */
        result->count = low >= high ? total : count.low + count.high;
}

/* The next arrangement of a block in lexicographic order; 0, and the first one again, after the last. */
static int next_keys(enum statistic_null kind, uint32_t *key, size_t n)
{
    if (kind == STATISTIC_SIGNS) {
        for (size_t i = 0; i < n; i++) {
            key[i] = !key[i];
            if (key[i])
                return 1;
        }
        return 0;
    }
    size_t i = n, k = n;
    while (i > 1 && key[i - 2] >= key[i - 1])
        i--;
    int more = i > 1;
    if (more) {
        while (key[k - 1] <= key[i - 2])
            k--;
        uint32_t t = key[i - 2];
        key[i - 2] = key[k - 1];
        key[k - 1] = t;
    }
    for (size_t a = i ? i - 1 : 0, b = n; a + 1 < b; a++) {
        uint32_t t = key[a];
        key[a] = key[--b];
        key[b] = t;
    }
    return more;
}

static void exact_walk(const struct permute *p, enum permute_side side, struct permute_result *result)
{
    size_t total = (size_t)nullsum_total(&p->sum), k = 0, b;
    double *value = xnew(total, sizeof *value);
    struct scratch *w = scratch_new(p, 1);
    set_keys(p, w->key);
    do {
        value[k++] = value_of(p, w);
        for (b = 0; b < p->sum.n_block; b++)
            if (next_keys(p->sum.kind, w->key + p->sum.block[b], p->sum.block[b + 1] - p->sum.block[b]))
                break;
    } while (b < p->sum.n_block);
    count_values(p, side, value, total, result);
    result->exact = 1;
    scratch_free(w, 1);
    free(value);
}

int permute_exact(const struct permute *p, enum permute_effort effort, enum permute_side side, int n_thread,
                  struct permute_result *result)
{
    if (effort == PERMUTE_NEVER)
        return -1;
    if (is_linear(p) && nullsum_cost(&p->sum) <= cost_most[effort])
        exact_sum(p, side, n_thread, result);
    else if (!is_linear(p) && nullsum_total(&p->sum) <= WALK_MOST)
        exact_walk(p, side, result);
    else
        return -1;
    state_moments(p, result);
    result->p = (double)result->count / (double)result->total;
    return 0;
}
