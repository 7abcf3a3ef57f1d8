/* fold.h - the scales of AWQ, and the weights that they are folded into.  Layer: weights.
 *
 * Where the inputs of a layer's matrices are written by weights and nothing between looks at their size
 * (lm/pair.h), the matrices are multiplied by the scales and what writes their inputs is divided by them: the
 * model is the same function until it is rounded. Sites: attn_in (the norm's gain and bias), attn_mix (rows
 * of the values), mlp_in (the norm), mlp_act (rows of up, behind a gate or a ReLU). The matrices of a site
 * that are quantised share one search (quant/awq.h). SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_FOLD_H
#define WEIGHTS_FOLD_H
#include "lm/grams.h"
#include "weights/choice.h"

struct fold_options {
    const char *model_path; /* a file; it is read once here, and again to be written */
    struct choice_rules *rules;
    const struct lm_grams *grams; /* with mean|x| */
    int n_thread;
};

/* Searches the scales of all layers. Ends the program when the model cannot be read or moments are missing;
 * sites where the model has no exact place for scales are said, and rounded without. */
struct fold *fold_search(const struct fold_options *o);
void fold_free(struct fold *f);

/* What the tensor at p, as it is stored [rows][cols] (a vector has one column), is to be multiplied by:
 * row[rows] and col[cols], the caller's. 1; 0 if all are ones. in_out: its rows are inputs. */
int fold_factors(const struct fold *f, const struct lm_place *p, size_t rows, size_t cols, int in_out,
                 double *row, double *col);

#endif
