/* multiple.h - p values adjusted for how many there are.  Layer: math.
 * Adjusted values are those of R's p.adjust: comparing them with a level controls, over the whole family, the
 * chance of any false finding (Bonferroni, Holm 1979) or the share of false findings among the findings
 * (Benjamini & Hochberg 1995, under independence or positive dependence; Benjamini & Yekutieli 2001, always).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_MULTIPLE_H
#define MATH_MULTIPLE_H
#include <stddef.h>

enum multiple_method { MULTIPLE_BONFERRONI, MULTIPLE_HOLM, MULTIPLE_BH, MULTIPLE_BY };

size_t multiple_work_bytes(size_t n);

/* p[n] into adjusted[n]. A NaN is no test: it stays NaN and does not count. `work` is the caller's,
 * multiple_work_bytes(n) bytes, aligned for doubles. n < 2^32. */
void multiple_adjust(enum multiple_method method, const double *p, size_t n, double *adjusted, void *work);

#endif
