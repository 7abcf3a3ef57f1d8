/* calibrate.h - GPTQ matrix by matrix, each seeing what the quantised ones before it give.  Layer: weights.
 *
 * In the order of the authors' --true-sequential (llama.py): what a matrix multiplies is what the quantised
 * matrices before it give, those of its own layer too. The text's states go as far as the next matrices; the
 * second moments of these rows are taken, by language; the matrices are solved; and the rows go on through
 * what they became. So the text passes the model once. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_CALIBRATE_H
#define WEIGHTS_CALIBRATE_H
#include "math/gemm.h"
#include "weights/choice.h"
#include "weights/solver.h"

struct calibrate_options {
    const char *model_path; /* a file: opened twice, side by side, and by the caller once more */
    char **texts;           /* files, NULL-ended: text by language, or token streams */
    char **tests;           /* text that must be another: lines that are in both are counted; NULL: none */
    const char *tokenizer_path; /* of text; NULL: the one in the model's directory */
    const char *start_token;    /* before each text, as corpus_find_start takes it */
    int whole_files;            /* a file of text is one text; else each line is */
    size_t context;             /* tokens of a window; 0: as lm_windows_context has it */
    enum gemm_precision precision;
    struct choice_rules *rules;
    struct solver_options solver;
    const struct lm_mix *mix;
    int apart;           /* solver.n_solve > 0, or errors by language are wanted */
    int measure;         /* errors are wanted */
    size_t memory_bytes; /* for states, moments and solutions each; what needs more is in temporary files */
};

/* Solves all matrices of the layers that the rules choose. Ends the program when the model or a text cannot
 * be read, or a matrix cannot be solved. */
struct calibration;
struct calibration *calibration_run(const struct calibrate_options *o);
void calibration_free(struct calibration *c);
/* The languages, NULL-ended: of solver_found.by_lang. */
char *const *calibration_langs(const struct calibration *c);

/* What was found for the tensor of that name: 1, the arrays being borrowed until the next call; 0: it was not
 * solved. */
int calibration_find(struct calibration *c, const char *name, struct solver_found *found);

#endif
