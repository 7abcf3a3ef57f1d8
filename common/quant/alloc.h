/* alloc.h - bits for each part of a model under a budget of bytes, for all languages or for the worst off.
 * Layer: quant.
 * Every part (a layer, a matrix) gets one of its choices; a choice has a size and a damage for each language,
 * and damage is taken to add up over parts (a multiple-choice knapsack). SPDX-License-Identifier:
 * GPL-3.0-or-later */
#ifndef QUANT_ALLOC_H
#define QUANT_ALLOC_H
#include <stddef.h>

struct alloc_choice {
    size_t bytes;
    const double *damage; /* [n_lang], finite */
};

struct alloc_part {
    size_t n; /* choices, at least one */
    const struct alloc_choice *choice;
};

struct alloc_problem {
    size_t n_part, n_lang;
    const struct alloc_part *part;
    size_t budget; /* bytes of all parts together */
};

/* What was found. No allocation within the budget is better than `bound`; is_exact: `value` is the best, but
 * for 1e-9 of it or 1e-12 of the largest damage. */
struct alloc_answer {
    size_t bytes;
    double value, bound;
    int is_exact;
};

enum { ALLOC_TOO_SMALL = -1 }; /* even the smallest choices take more than the budget */

/* The least and the most bytes that the parts can take. */
size_t alloc_least(const struct alloc_problem *p);
size_t alloc_most(const struct alloc_problem *p);

/* Into pick[n_part] the choices with the least sum over languages of weight[lang] * damage; of equals the
 * smaller. Exact: a dynamic programme over sums of bytes that keeps what could still become the best, by the
 * bound of the linear relaxation (Sinha & Zoltners 1979; Pisinger 1995). Only where that would need more than
 * 2^22 states the answer is that of the relaxation's rounding, and is_exact is 0. Weights are not negative. 0
 * or ALLOC_TOO_SMALL. */
int alloc_mean(const struct alloc_problem *p, const double *weight, size_t *pick, struct alloc_answer *a);

/* The same for the largest weight[lang] * damage, the weights above 0.
 * ALLOC_EXACT: an integer programme, by GLPK's branch and bound, which gives up after n_node nodes (0:
 * never). ALLOC_MWU: multiplicative weights on languages (Arora, Hazan & Kale 2012) with alloc_mean inside;
 * each round's least weighted mean is a bound, each round's choices are a candidate, mended by exchanges.
 * ALLOC_AUTO: both, the first with 10,000 nodes; the better answer, the better bound. */
enum alloc_solver { ALLOC_AUTO, ALLOC_EXACT, ALLOC_MWU };
int alloc_worst(const struct alloc_problem *p, const double *weight, enum alloc_solver solver, size_t n_node,
                size_t *pick, struct alloc_answer *a);

/* Damage of a choice for each part, summed, to a language; and the bytes. */
double alloc_damage(const struct alloc_problem *p, const size_t *pick, size_t lang);
size_t alloc_bytes(const struct alloc_problem *p, const size_t *pick);

#endif
