/* order.h - sorting numbers together with where they came from.  Layer: math.
 * Stable radix sort on the bits of doubles, a digit at a time; insertion sort when there are few.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_ORDER_H
#define MATH_ORDER_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct order_item {
    uint64_t key;   /* order_key() of the number */
    uint32_t index; /* the caller's: usually its place before sorting */
    uint32_t tag;   /* the caller's */
};

/* A whole number that is greater when x is greater and equal when x is equal: 0 and -0 are one number.
 * x must not be NaN. */
static inline uint64_t order_key(double x)
{
    uint64_t bits;
    x += 0.0; /* makes 0 of -0 */
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Sorts item[0..n-1] by key, ascending and stable. `spare` has room for n items as well; returns the one of
 * the two that holds the result. */
struct order_item *order_sort(struct order_item *item, struct order_item *spare, size_t n);

/* Sorts x[0..n-1], no NaN among them, in place, ascending. `work` is order_values_work(n) bytes, aligned for
 * doubles, overwritten. */
size_t order_values_work(size_t n);
void order_values(double *x, size_t n, void *work);

#endif
