/* solver.h - how a matrix is rounded when it is known what it multiplies.  Layer: weights.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_SOLVER_H
#define WEIGHTS_SOLVER_H
#include "lm/grams.h"
#include "quant/gptq.h"

enum solver_method { SOLVER_RTN, SOLVER_GPTQ };

struct solver_options {
    enum solver_method method;
    struct gptq_options gptq;
    int n_solve; /* above 0: look for the mixture whose worst off language is best off, matrix by matrix, in
                    at most so many solutions; the grams are apart */
    int n_thread;
};

/* What was found for a matrix. Arrays are the solver's, until it solves the next. */
struct solver_found {
    const float *q;              /* [rows][cols] */
    const struct quant_fit *fit; /* [rows][cells of a row] */
    double damping;              /* what GPTQ's took, NaN if there was none */
    int damping_raised;          /* beyond what was asked for */
    size_t n_dead;
    int n_solve;         /* how many there were to choose from; 0: to nearest */
    double output_error; /* E |(w - q) x|^2 / E |w x|^2 over the mixture; NaN if it was not asked for or there
                            is no moment */
    const double *by_lang; /* [languages of the grams] the same of each, if these are apart; else NULL */
};

/* Looking for the best mixture of a matrix: the first is that of the grams. The language with weight v and
 * relative error r of the matrix's output gets weight v exp(e r / max r), e = 4 at first; where the largest r
 * did not fall, from the best mixture so far e is halved. What has the least max r is kept, so it is never
 * above that of the grams' own mixture; the search ends after n_solve solutions, or when e is below 1/4. The
 * grams are borrowed. */
struct solver;
struct solver *solver_new(const struct lm_grams *g, const struct solver_options *o);
void solver_free(struct solver *s);

/* Whether there are moments for what multiplies this matrix. */
int solver_knows(const struct solver *s, const struct lm_place *p, size_t cols);

/* A damping that had to rise is said. */
void solver_warn(const char *name, const struct solver_found *found);
/* Ends the program: why a matrix cannot be rounded (gptq_why), and at which row if it is of one. */
_Noreturn void solver_die(const char *name, size_t row, int status);

/* E x_j^2 of these inputs over the mixture, [cols], into out; 0, or -1 if they are not known. */
int solver_importance(const struct solver *s, const struct lm_place *p, size_t cols, double *out);

/* Rounds w[rows][cols], the matrix at p. scale, NULL or [cols], is what its columns have been multiplied by,
 * its inputs being divided by it: for measuring; GPTQ takes none. A matrix that reads no site of a layer (an
 * embedding) is rounded to nearest. 0; or a reason (gptq_why), *bad_row then being the first row at fault. */
enum solver_wish { SOLVER_ONLY, SOLVER_MEASURE /* the output errors too */ };
int solver_solve(struct solver *s, const struct lm_place *p, const struct quant_plan *plan, const float *w,
                 size_t rows, size_t cols, enum solver_wish wish, const double *scale,
                 struct solver_found *found, size_t *bad_row);

#endif
