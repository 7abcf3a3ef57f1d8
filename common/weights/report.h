/* report.h - a table of what quantising did to each tensor.  Layer: weights.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_REPORT_H
#define WEIGHTS_REPORT_H
#include "weights/choice.h"
#include "weights/solver.h"

/* Rows: tensors; their output channels; tensors by language. */
enum report_by { REPORT_TENSOR, REPORT_CHANNEL, REPORT_LANG };

struct report;
/* Writes to path, "-" is stdout; langs are those of solver_found.by_lang, NULL-ended and borrowed; NULL if
 * there are none. */
struct report *report_open(const char *path, enum report_by by, char *const *langs);
/* stats[rows] of the tensor's channels; found: NULL if nothing was solved. */
void report_put(struct report *r, const struct tensor *t, const struct choice *c,
                const struct quant_stats *stats, const struct solver_found *found);
void report_close(struct report *r);

#endif
