/* parts.h - the tensors of a checkpoint a part at a time: what stands before the layers, each layer, what
 * stands behind them.  Layer: lm. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_PARTS_H
#define LM_PARTS_H
#include "lm/checkpoint.h"

struct lm_part_tensor {
    struct tensor t; /* data as the checkpoint has them */
    struct lm_place place;
};

struct lm_tensors {
    int layer; /* -1: before the layers; n_layer: behind them */
    size_t n;
    struct lm_part_tensor *at; /* in the order in which they came */
};

struct lm_parts;

/* Reads the checkpoint, which stays the caller's, from where it is. */
struct lm_parts *lm_parts_new(struct lm_checkpoint *c);
void lm_parts_free(struct lm_parts *p);

/* The next part of which all tensors are there, those of a stream in any order having waited for each other:
 * 1 and *t, borrowed until the next call; 0 when all were given; -1: see lm_checkpoint_error. */
int lm_parts_next(struct lm_parts *p, const struct lm_tensors **t);

#endif
