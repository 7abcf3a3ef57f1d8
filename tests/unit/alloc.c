/* Bit allocation against trying everything, on small random problems. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#include "quant/alloc.h"
#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTS = 7, CHOICES = 4, LANGS = 5 };

/* A problem with room for the largest. */
struct sample {
    struct alloc_problem p;
    struct alloc_part part[PARTS];
    struct alloc_choice choice[PARTS][CHOICES];
    double damage[PARTS][CHOICES][LANGS], weight[LANGS];
};

/* kind 0: larger is better for all; 1: for most; 2: anything goes, with equal sizes and equal damage. */
static void draw(struct rng *r, int kind, struct sample *s)
{
    s->p = (struct alloc_problem){ 1 + rng_below(r, PARTS), 1 + rng_below(r, LANGS), s->part, 0 };
    for (size_t i = 0; i < s->p.n_part; i++) {
        s->part[i] = (struct alloc_part){ 1 + rng_below(r, CHOICES), s->choice[i] };
        for (size_t k = 0; k < s->part[i].n; k++) {
            size_t bytes = kind == 2 ? rng_below(r, 8) : (k + 2) * (20 + 3 * i) + rng_below(r, 7);
            s->choice[i][k] = (struct alloc_choice){ bytes, s->damage[i][k] };
            for (size_t lang = 0; lang < s->p.n_lang; lang++)
                s->damage[i][k][lang] = kind == 2 ? (double)rng_below(r, 7) - 2
                                        : kind    ? exp2(-(double)k) * rng_unit(r) - 0.05 * rng_unit(r)
                                                  : exp2(-2 * (double)k) * (1 + 0.5 * rng_unit(r));
        }
    }
    for (size_t lang = 0; lang < LANGS; lang++)
        s->weight[lang] = 0.5 + rng_unit(r);
    size_t least = alloc_least(&s->p), most = alloc_most(&s->p);
    s->p.budget = least + (size_t)((double)(most - least) * rng_unit(r));
}

static double value_of(const struct sample *s, const size_t *pick, int is_worst)
{
    double value = is_worst ? -INFINITY : 0;
    for (size_t lang = 0; lang < s->p.n_lang; lang++) {
        double d = s->weight[lang] * alloc_damage(&s->p, pick, lang);
        value = !is_worst ? value + d : d > value ? d : value;
    }
    return value;
}

/* The best of all picks. */
static double by_trying(const struct sample *s, int is_worst)
{
    size_t pick[PARTS] = { 0 }, i;
    double best = INFINITY;
    do {
        double value = alloc_bytes(&s->p, pick) <= s->p.budget ? value_of(s, pick, is_worst) : INFINITY;
        best = value < best ? value : best;
        for (i = 0; i < s->p.n_part && ++pick[i] == s->part[i].n; i++)
            pick[i] = 0;
    } while (i < s->p.n_part);
    return best;
}

static void check_answer(const struct sample *s, const char *what, const size_t *pick,
                         const struct alloc_answer *a, int is_worst, double best, double slack)
{
    CHECK(a->bytes == alloc_bytes(&s->p, pick) && a->bytes <= s->p.budget, "%s: %zu bytes", what, a->bytes);
    CHECK(fabs(a->value - value_of(s, pick, is_worst)) <= 1e-12, "%s: %.17g", what, a->value);
    CHECK(a->bound <= best + slack && a->value >= best - 1e-12, "%s: %.17g <= %.17g <= %.17g", what, a->bound,
          best, a->value);
    if (a->is_exact)
        CHECK(a->value <= best + slack, "%s: %.17g, the best is %.17g", what, a->value, best);
}

static void test_against_trying(int n)
{
    static struct sample s;
    struct rng r;
    size_t pick[PARTS], n_best = 0, n_exact = 0;
    struct alloc_answer a;
    rng_init(&r, 1, 0);
    for (int trial = 0; trial < n; trial++) {
        draw(&r, trial % 3, &s);
        CHECK(alloc_mean(&s.p, s.weight, pick, &a) == 0 && a.is_exact, "trial %d", trial);
        check_answer(&s, "mean", pick, &a, 0, by_trying(&s, 0), 1e-12);
        double best = by_trying(&s, 1);
        CHECK(alloc_worst(&s.p, s.weight, ALLOC_EXACT, 0, pick, &a) == 0 && a.is_exact, "trial %d", trial);
        check_answer(&s, "worst, exact", pick, &a, 1, best, 1e-7);
        CHECK(alloc_worst(&s.p, s.weight, ALLOC_MWU, 0, pick, &a) == 0, "trial %d", trial);
        check_answer(&s, "worst, mwu", pick, &a, 1, best, 1e-9);
        n_best += a.value <= best + 1e-9;
        n_exact += (size_t)a.is_exact;
        s.p.budget = alloc_least(&s.p);
        if (s.p.budget--) {
            CHECK(alloc_mean(&s.p, s.weight, pick, &a) == ALLOC_TOO_SMALL, "trial %d", trial);
            CHECK(alloc_worst(&s.p, s.weight, ALLOC_AUTO, 0, pick, &a) == ALLOC_TOO_SMALL, "trial %d", trial);
        }
    }
    printf("mwu: the best in %zu of %d, proven in %zu\n", n_best, n, n_exact);
    CHECK(n_best >= (size_t)(0.95 * n), "%zu", n_best);
}

/* Larger ones: the programme against the relaxation, which is a bound, for answers that are close to it. */
static void test_large(void)
{
    enum { N = 96, K = 4, L = 14 };
    static struct alloc_choice choice[N][K];
    static double damage[N][K][L];
    static struct alloc_part part[N];
    struct alloc_problem p = { N, L, part, 0 };
    struct alloc_answer a;
    double weight[L];
    size_t pick[N], again[N];
    struct rng r;
    rng_init(&r, 2, 0);
    for (size_t i = 0; i < N; i++) {
        size_t n = (size_t)1024 * (1 + rng_below(&r, 4)), scale = 1 + rng_below(&r, 9);
        part[i] = (struct alloc_part){ K, choice[i] };
        for (size_t k = 0; k < K; k++) {
            choice[i][k] = (struct alloc_choice){ n * (2 + k) / 8 + 2 * scale, damage[i][k] };
            for (size_t l = 0; l < L; l++)
                damage[i][k][l] = exp2(-2 * (double)k) * (double)scale * (0.2 + rng_unit(&r));
        }
    }
    for (size_t l = 0; l < L; l++)
        weight[l] = 1;
    p.budget = (alloc_least(&p) + alloc_most(&p)) / 2;
    CHECK(alloc_mean(&p, weight, pick, &a) == 0 && a.is_exact && a.bytes <= p.budget, "mean");
    CHECK(alloc_worst(&p, weight, ALLOC_MWU, 0, pick, &a) == 0 && a.bytes <= p.budget, "worst");
    printf("96 parts, 14 languages: worst %.6f, bound %.6f, gap %.2g %%\n", a.value, a.bound,
           100 * (a.value / a.bound - 1));
    CHECK(a.value <= a.bound * 1.01, "%.9g, bound %.9g", a.value, a.bound);
    alloc_worst(&p, weight, ALLOC_MWU, 0, again, &a);
    for (size_t i = 0; i < N; i++)
        CHECK(pick[i] == again[i], "part %zu", i);
}

int main(int argc, char **argv)
{
    test_against_trying(argc > 1 ? atoi(argv[1]) : 300);
    test_large();
    return checks_end();
}
