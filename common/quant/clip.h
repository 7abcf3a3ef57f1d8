/* clip.h - where to clip a source that is to be quantised, by the noise model of ACIQ.  Layer: quant.
 * Banner, Nahshan & Soudry, NeurIPS 2019, arXiv 1810.05723: clipping to [-a, a] and rounding with a step D
 * costs E(a) = C(a) + D^2/12, C the mean squared clipping error; with k steps between -a and a, D = 2a/k
 * (their k is 2^bits). The source is a generalised Gauss of mean 0 and variance 1 with density
 * t / (2 b G(1/t)) exp(-(|x|/b)^t), b^2 = G(1/t)/G(3/t): shape t = 2 is Gauss's, 1 Laplace's.
 * All in units of its standard deviation. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef QUANT_CLIP_H
#define QUANT_CLIP_H

/* C(a) = 2 integral from a of (x - a)^2 p(x) dx, and the a that makes E least; shape in
 * CLIP_SHAPE_MIN..CLIP_SHAPE_MAX, k >= 1. The optimum is rounded to 9 decimals, so that every libm gives the
 * same. */
double clip_error(double shape, double a);
double clip_optimum(double shape, double k);

/* clip_optimum(t, k) for many kurtoses, t being the shape whose excess kurtosis G(5/t) G(1/t) / G(3/t)^2 - 3
 * that is, the nearest where it is out of range (below -1.18, above 1957): straight lines between CLIP_NODES
 * shapes, good to a relative 1e-5. */
#define CLIP_SHAPE_MIN 0.2
#define CLIP_SHAPE_MAX 20.0
enum { CLIP_NODES = 1024 };
struct clip_table {
    double kurtosis[CLIP_NODES], optimum[CLIP_NODES]; /* kurtosis falls */
};
void clip_table_fill(struct clip_table *table, double k);
double clip_table_at(const struct clip_table *table, double kurtosis);

#endif
