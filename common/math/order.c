/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/order.h"

enum {
    FEW = 48,       /* up to here insertion is faster */
    MANY = 1 << 15, /* from here wider digits pay for their larger tables */
    NARROW = 8,     /* bits of a digit */
    WIDE = 11,
    MAX_BUCKET = 1 << WIDE,
    MAX_DIGIT = 64 / NARROW
};

static void sort_few(struct order_item *item, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct order_item it = item[i];
        size_t k = i;
        for (; k && item[k - 1].key > it.key; k--)
            item[k] = item[k - 1];
        item[k] = it;
    }
}

struct order_item *order_sort(struct order_item *item, struct order_item *spare, size_t n)
{
    if (n <= FEW) {
        sort_few(item, n);
        return item;
    }
    uint32_t count[MAX_DIGIT][MAX_BUCKET];
    int bits = n < MANY ? NARROW : WIDE, n_digit = (64 + bits - 1) / bits;
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    for (int d = 0; d < n_digit; d++)
        memset(count[d], 0, sizeof **count << bits);
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < n_digit; d++)
            count[d][item[i].key >> (d * bits) & mask]++;
    for (int d = 0; d < n_digit; d++) {
        int shift = d * bits;
        if (count[d][item[0].key >> shift & mask] == n)
            continue; /* a digit that all share orders nothing */
        uint32_t start = 0;
        for (size_t b = 0; b <= mask; b++) {
            uint32_t here = count[d][b];
            count[d][b] = start;
            start += here;
        }
        for (size_t i = 0; i < n; i++)
            spare[count[d][item[i].key >> shift & mask]++] = item[i];
        struct order_item *sorted = spare;
        spare = item;
        item = sorted;
    }
    return item;
}

/* ---- bare values */

/* Sorts by insertion; returns -1, with the work half done, when that takes more than `budget` moves. */
static int insert_values(double *x, size_t n, size_t budget)
{
    size_t moves = 0;
    for (size_t i = 1; i < n; i++) {
        double v = x[i];
        size_t k = i;
        for (; k && x[k - 1] > v; k--)
            x[k] = x[k - 1];
        x[k] = v;
        moves += i - k;
        if (moves > budget)
            return -1;
    }
    return 0;
}

static void sort_digits(double *x, double *spare, size_t n)
{
    size_t count[MAX_DIGIT][MAX_BUCKET];
    int bits = n < MANY ? NARROW : WIDE, n_digit = (64 + bits - 1) / bits;
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    for (int d = 0; d < n_digit; d++)
        memset(count[d], 0, sizeof **count << bits);
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < n_digit; d++)
            count[d][order_key(x[i]) >> (d * bits) & mask]++;
    double *from = x, *to = spare;
    for (int d = 0; d < n_digit; d++) {
        int shift = d * bits;
        if (count[d][order_key(from[0]) >> shift & mask] == n)
            continue;
        size_t start = 0;
        for (size_t b = 0; b <= mask; b++) {
            size_t here = count[d][b];
            count[d][b] = start;
            start += here;
        }
        for (size_t i = 0; i < n; i++)
            to[count[d][order_key(from[i]) >> shift & mask]++] = from[i];
        double *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != x)
        memcpy(x, from, n * sizeof *x);
}

size_t order_values_work(size_t n)
{
    return n * sizeof(double) + (n + 1) * sizeof(size_t);
}

/* Values that are spread evenly enough need one step: into as many buckets of equal width as there are
 * values, and insertion for what is left. */
static int sort_buckets(double *x, double *spare, size_t *start, size_t n)
{
    double least = x[0], most = x[0];
    for (size_t i = 1; i < n; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    double per_width = (double)(n - 1) / (most - least);
    if (!(per_width > 0 && per_width < 0x1p1000))
        return most == least ? 0 : -1;
    memset(start, 0, (n + 1) * sizeof *start);
    for (size_t i = 0; i < n; i++)
        start[(size_t)((x[i] - least) * per_width) + 1]++;
    for (size_t b = 1; b <= n; b++)
        start[b] += start[b - 1];
    for (size_t i = 0; i < n; i++)
        spare[start[(size_t)((x[i] - least) * per_width)]++] = x[i];
    memcpy(x, spare, n * sizeof *x);
    return insert_values(x, n, 8 * n);
}

void order_values(double *x, size_t n, void *work)
{
    if (n <= FEW) {
        insert_values(x, n, n * n);
        return;
    }
    double *spare = work;
    if (sort_buckets(x, spare, (size_t *)(spare + n), n) < 0)
        sort_digits(x, spare, n);
}
