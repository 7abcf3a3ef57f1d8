/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/choose.h"
#include "base/rng.h"
#include "math/logits.h"
#include <math.h>

/* ---- the likeliest first: a heap of places */

static int is_before(const float *z, uint32_t a, uint32_t b)
{
    return z[a] > z[b] || (z[a] == z[b] && a < b);
}

static void sift(const float *z, uint32_t *heap, size_t n, size_t i)
{
    uint32_t down = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && is_before(z, heap[child + 1], heap[child]);
        if (!is_before(z, heap[child], down))
            break;
        heap[i] = heap[child];
    }
    heap[i] = down;
}

/* Takes the first of n places off the heap, to its end. */
static uint32_t pop(const float *z, uint32_t *heap, size_t n)
{
    uint32_t first = heap[0];
    heap[0] = heap[n - 1];
    heap[n - 1] = first;
    sift(z, heap, n - 1, 0);
    return first;
}

/* ---- which may be chosen */

/* In proportion to the probability. */
static double weight(const struct choose *how, float z, double max)
{
    return exp(((double)z - max) / how->temperature);
}

/* Leaves those that may be chosen at the end of place[0..n-1]; returns how many. */
static size_t allowed(const struct choose *how, const float *z, size_t n, double max, uint32_t *place)
{
    size_t most = how->top_k && how->top_k < n ? how->top_k : n, k = 0;
    double whole = 0, share = 0;
    for (size_t i = 0; i < n; i++)
        place[i] = (uint32_t)i;
    if (most == n && how->top_p >= 1)
        return n;
    for (size_t i = n / 2; i--;)
        sift(z, place, n, i);
    if (most == n)
        for (size_t i = 0; i < n; i++)
            whole += weight(how, z[i], max);
    else
        for (; k < most; k++)
            whole += weight(how, z[pop(z, place, n - k)], max);
    if (how->top_p >= 1)
        return most;
    for (size_t i = 0; i < most; i++) {
        uint32_t next = i < k ? place[n - 1 - i] : pop(z, place, n - i);
        share += weight(how, z[next], max);
        if (share >= how->top_p * whole)
            return i + 1;
    }
    return most;
}

/* -ln E, E exponential with mean 1: of a place under a key. */
static double gumbel(uint64_t key, uint32_t place)
{
    struct rng r;
    rng_init_key(&r, key ^ (uint64_t)place << 32);
    return -log(-log(rng_inside(&r)));
}

size_t choose_index(const struct choose *how, const float *z, size_t n, uint64_t key, uint32_t *work)
{
    size_t top, n_allowed;
    double max = logits_max(z, n, &top), best = -INFINITY;
    if (how->temperature <= 0)
        return top;
    n_allowed = allowed(how, z, n, max, work);
    size_t chosen = top;
    for (size_t i = n - n_allowed; i < n; i++) {
        double score = ((double)z[work[i]] - max) / how->temperature + gumbel(key, work[i]);
        if (score > best || (score == best && work[i] < chosen)) {
            best = score;
            chosen = work[i];
        }
    }
    return chosen;
}
