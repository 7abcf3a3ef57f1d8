/* tails.h - probabilities in the tails of the normal and Student's t distributions.  Layer: math.
 * Accurate relative to the value however small it is, down to the smallest double: GSL's t tail is off in the
 * eighth digit from df = 31 on where it is below 1e-11.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_TAILS_H
#define MATH_TAILS_H

/* P(|Z| >= |z|), Z standard normal. */
double tails_normal(double z);

/* P(|T| >= |t|), T of Student's t with df > 0 degrees of freedom: I_x(df/2, 1/2), x = df / (df + t^2). */
double tails_t(double t, double df);

/* The z > 0 that a standard normal stays within, |Z| <= z, with probability `level`, 0 < level < 1. */
double tails_normal_within(double level);

/* Which values speak against "no effect": both ends, small ones, or large ones. */
enum tails_alternative { TAILS_BOTH, TAILS_LESS, TAILS_GREATER };

/* The p value of a statistic that is symmetric around 0 without effect, from its two-sided p and its sign. */
double tails_p(double two_sided, double statistic, enum tails_alternative alternative);

#endif
