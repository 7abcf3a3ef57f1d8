/* modelfile.h - a model that a user named: there, or the end of the program.  Layer: weights.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_MODELFILE_H
#define WEIGHTS_MODELFILE_H
#include "lm/checkpoint.h"

/* The model at path ("-": standard input), which the caller closes. Ends the program if there is none. */
struct lm_checkpoint *modelfile_open(const char *path, int n_thread);

/* Warns of what there is to know about it (lm_checkpoint_note). */
void modelfile_warn(struct lm_checkpoint *c);

#endif
