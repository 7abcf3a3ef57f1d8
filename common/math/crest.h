/* crest.h - how far the largest of a group stands out, which sets the step of rounding to its maximum. Layer:
 * math. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_CREST_H
#define MATH_CREST_H
#include <stddef.h>
#include <stdint.h>

/* An array [outer][len][inner], row-major. Its groups are runs of `group` numbers along len, the last of each
 * run the shorter. `load` puts numbers [from, from + n) into out; it is called from several threads. */
struct crest_array {
    size_t outer, len, inner, group;
    const void *source;
    void (*load)(const void *source, size_t from, size_t n, double *out);
};

/* Over groups: the sum and the largest of max |x| / sqrt(mean x^2). Groups of zeros have none, nor have those
 * with numbers that are not finite. Begin with {0}. */
struct crest {
    uint64_t n;
    double sum, max;
};

/* Adds the groups of an array; the same for any n_thread. */
void crest_take(const struct crest_array *a, int n_thread, struct crest *c);

#endif
