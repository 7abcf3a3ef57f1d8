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
