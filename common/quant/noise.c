/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quant/noise.h"
#include "base/rng.h"
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

/* A key for a channel: of its seed and weights (FNV-1a over 32-bit words). */
static uint64_t key_of(uint64_t seed, const float *w, size_t n)
{
    uint64_t key = 0xcbf29ce484222325u ^ seed * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &w[i], sizeof bits);
        key = (key ^ bits) * 0x100000001b3u;
    }
    return key;
}

/* By inversion, so that one number gives one draw. */
static double normal(struct rng *r)
{
    return gsl_cdf_ugaussian_Pinv(rng_inside(r));
}

void quant_noise(uint64_t seed, const float *w, float *q, size_t n)
{
    struct rng r, again;
    double error = 0, size = 0;
    rng_init_key(&r, key_of(seed, w, n));
    again = r;
    for (size_t i = 0; i < n; i++) {
        double e = (double)q[i] - (double)w[i], z = normal(&r);
        error += e * e;
        size += z * z;
    }
    double scale = size > 0 ? sqrt(error / size) : 0;
    for (size_t i = 0; i < n; i++)
        q[i] = (float)((double)w[i] + scale * normal(&again));
}
