/* sample.h - rows of data, and what hangs together in them: groups, strata, clusters.  Layer: math.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_SAMPLE_H
#define MATH_SAMPLE_H
#include <stddef.h>
#include <stdint.h>

/* n rows, those of the first group in front, else as given. They are drawn in units: single rows, or whole
 * clusters; and within strata: so many units of a stratum as it has. Groups are strata too, unless a cluster
 * has rows of both. Everything is the sample's own. */
struct sample {
    size_t n, n_first; /* n_first: rows of the first group; n without groups */
    double *x, *y;     /* y is NULL when there is none */
    uint32_t *source;  /* [n] where the row stood in the arrays given */
    uint32_t *block;   /* [n] its stratum 0..n_block-1, groups not counted */
    uint32_t *cluster; /* [n] its unit */
    size_t n_block, n_unit, n_stratum;
    uint32_t *member;  /* [n] rows, unit by unit */
    uint32_t *unit;    /* [n_unit + 1] first member of each unit, stratum by stratum */
    uint32_t *stratum; /* [n_stratum + 1] first unit of each stratum */
};

/* What a sample is made from, by row; arrays are [n], whole numbers name groups, strata and clusters. */
struct sample_rows {
    size_t n; /* below 2^31 */
    const double *x, *y;
    const uint32_t *group;   /* 0: first, 1: second; NULL: no groups */
    const uint32_t *stratum; /* NULL: one */
    const uint32_t *cluster; /* NULL: each row by itself */
};

/* Returns 0; or -1 when a cluster has rows in two strata: then nothing is made. */
int sample_init(struct sample *s, const struct sample_rows *rows);
void sample_clear(struct sample *s);

#endif
