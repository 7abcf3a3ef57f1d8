/* rewrite.h - a stream of weights read and written again, quantised; or packed into a directory.  Layer:
 * weights. Holds one tensor. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_REWRITE_H
#define WEIGHTS_REWRITE_H
#include "io/tstream.h"
#include "weights/calibrate.h"
#include "weights/choice.h"
#include "weights/fold.h"
#include "weights/ggmltypes.h"
#include "weights/report.h"
#include "weights/solver.h"

struct rewrite_options {
    struct choice_rules *rules;
    struct solver *solver;           /* NULL: to nearest, without looking at activations */
    struct calibration *calibration; /* instead of a solver: what has been solved before */
    const struct fold *fold;         /* scales that go into the weights first; NULL: none */
    struct report *report;           /* NULL: none */
    struct ggmltypes *ggmltypes;     /* for llama.cpp; NULL: none */
    const char *in_path;             /* as it was given; "-": config.json is beside no file */
    const char *out_path;
    const char *pack_path; /* a directory for packed weights, instead of out_path; NULL: none */
    struct ts_options stream;
};

/* What of `in` is to be rewritten is looked at here already: a model that cannot be packed ends the program,
 * as all else that goes wrong. Everything is borrowed. */
struct rewrite;
struct rewrite *rewrite_open(const struct rewrite_options *o, struct ts_reader *in);
/* The current frame of the input. */
void rewrite_frame(struct rewrite *r);
/* Ends the program if nothing was quantised; else files get their names. */
void rewrite_close(struct rewrite *r);

#endif
