/* check.h - what a unit test says of what is wrong: file, line, condition and more, 20 of them at most.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef UNIT_CHECK_H
#define UNIT_CHECK_H
#include <stdio.h>

static int n_bad;

#define CHECK(condition, ...)                                                                                \
    do {                                                                                                     \
        if (!(condition) && n_bad++ < 20) {                                                                  \
            printf("%s:%d: %s: ", __FILE__, __LINE__, #condition);                                           \
            printf(__VA_ARGS__);                                                                             \
            printf("\n");                                                                                    \
        }                                                                                                    \
    } while (0)

/* What main returns. */
static inline int checks_end(void)
{
    if (n_bad)
        printf("%d checks failed\n", n_bad);
    return n_bad > 0;
}

#endif
