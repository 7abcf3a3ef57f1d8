/* spec.h - how weights are to be quantised, as text and as a struct.  Layer: quant.
 * The text is KEY=VALUE separated by commas, "bits=4,grid=ct,per=group:128,clip=mse"; what it does not name
 * stays as it was. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_SPEC_H
#define QUANT_SPEC_H
#include "quant/grid.h"
#include <stddef.h>
#include <stdint.h>

enum quant_per { QUANT_PER_TENSOR, QUANT_PER_CHANNEL, QUANT_PER_GROUP };

/* How the range [-a, a] of a cell is chosen (asymmetric grids: [lo, hi]); sd is about the mean. */
enum quant_clip {
    QUANT_MINMAX,       /* the largest |w| */
    QUANT_PCT,          /* the percentile of |w| (asymmetric: half the rest below, half above), as numpy's
                           default has it */
    QUANT_ACIQ_GAUSS,   /* sd * clip_optimum(2, steps of the grid) */
    QUANT_ACIQ_LAPLACE, /* mean|w - mean| * the same of Laplace */
    QUANT_MSE,          /* the one of search.h's candidates that has the least sum of squared errors */
    QUANT_KURT,         /* aciq-gauss * (1 + kurtosis / 10), kurtosis in excess */
    QUANT_GENNORM,      /* sd * the optimum of the generalised Gauss of that kurtosis */
    QUANT_MOMENTS /* as mse, but squared errors weighted by the second moments of the inputs that the weights
                     multiply (quant_plan_weigh) */
};

/* Bias correction (Banner et al. 2019, section 5): a channel's quantised weights q become q + mu, or xi (q +
 * mu), with mu = E w - E q and xi = ||w - E w|| / ||q - E q||. */
enum quant_bias { QUANT_BIAS_NONE, QUANT_BIAS_MEAN, QUANT_BIAS_BOTH };

/* What a matrix becomes: its weights rounded, or, as a control, with Gauss noise of the same size (noise.h).
 */
enum quant_method { QUANT_ROUND, QUANT_NOISE };

struct quant_spec {
    int bits; /* 2 to 8; 16: leave as it is */
    enum quant_grid grid;
    enum quant_per per;
    size_t group; /* weights along a row, of QUANT_PER_GROUP; the last group of a row may be shorter */
    enum quant_clip clip;
    double percent;  /* of QUANT_PCT */
    double kurtosis; /* of QUANT_KURT; NaN: the cell's own */
    int has_moments; /* QUANT_MOMENTS may be asked for: the caller has them */
    int beyond;      /* whether a rule may go beyond the largest |w|; else it ends there */
    enum quant_scale scale;
    enum quant_bias bias;
    size_t rotate; /* rows are turned by Hadamard matrices of this order (rotate.h), rounded, and turned back;
                      0: not */
    enum quant_method method;
    uint64_t seed; /* of QUANT_NOISE */
};

/* bits=4,grid=ct,per=channel,clip=minmax,scale=auto */
void quant_spec_init(struct quant_spec *s);

/* Sets one key: bits, grid, per (tensor, channel, group:N), clip (a rule; pct:P; kurt:K), scale (f32 f16
 * bf16, same as the weights, auto: same with the grids of compressed-tensors, else f32), bias (none mean
 * both), beyond (no yes), rotate (a power of two, or none), method (rtn noise), seed (of noise). Return 0; or
 * -1 with a reason in why, s unchanged by the key at fault. */
enum { QUANT_WHY_MAX = 260 };
int quant_spec_set(struct quant_spec *s, const char *key, const char *value, char why[QUANT_WHY_MAX]);
/* The same for each KEY=VALUE of a text. */
int quant_spec_parse(struct quant_spec *s, const char *text, char why[QUANT_WHY_MAX]);

/* The dtype of weights called "F16", "BF16" or anything else (F32), as one that scales can have. */
enum quant_scale quant_scale_own(const char *dtype);
/* Settles what SAME and AUTO mean for weights whose own dtype is `own` (F32 for wider ones). */
void quant_spec_resolve(struct quant_spec *s, enum quant_scale own);

/* Values as the text has them: "group:128", "pct:99.9"; the whole in the form that quant_spec_parse takes. */
enum { QUANT_TEXT_MAX = 192 };
char *quant_spec_per_text(const struct quant_spec *s, char text[QUANT_TEXT_MAX]);
char *quant_spec_clip_text(const struct quant_spec *s, char text[QUANT_TEXT_MAX]);
char *quant_spec_text(const struct quant_spec *s, char text[QUANT_TEXT_MAX]);

#endif
