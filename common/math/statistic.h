/* statistic.h - the statistics that can be resampled, in one table.  Layer: math.
 * To add one: write its function in statistic.c and add its line to the table there.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef MATH_STATISTIC_H
#define MATH_STATISTIC_H
#include <stddef.h>

/* Sums over rows of one or two columns, taken about the point (cx, cy). */
struct statistic_sums {
    double n, cx, cy;
    double x, y, xx, yy, xy; /* of x - cx, y - cy and their products */
};

/* What a statistic is a function of. Each function gives NaN where the statistic is undefined. */
enum statistic_form {
    STATISTIC_SUMS,   /* the sums; with groups those of the first group, then those of the second */
    STATISTIC_RANKS,  /* the same of the ranks that x and y have among the rows at hand (ties: the mean rank)
                       */
    STATISTIC_SORTED, /* the values of x, ascending; with groups each group by itself, the first in front */
    STATISTIC_PAIRS   /* the rows as they are */
};

/* What a permutation test does with the rows, if the null hypothesis is true at no change of distribution. */
enum statistic_null {
    STATISTIC_NO_NULL,
    STATISTIC_PAIRING, /* shuffles y against x */
    STATISTIC_LABELS,  /* shuffles which rows are in the first group */
    STATISTIC_SIGNS    /* flips the sign of x, or exchanges x and y, row by row */
};

/* Under the null hypothesis many statistics are t(T) = (m[0] + m[1] T) / (m[2] + m[3] T), T the sum of x y
 * (PAIRING, x and y less their means), of x over the first group (LABELS, x less its mean), or of +-x or
 * +-(x - y) (SIGNS). For that, of the data as given: */
struct statistic_null_facts {
    double n, n_first;
    double mean, total; /* of x (mann-whitney: its rank); SIGNS: total of x + y */
    double xx, yy;      /* sums of squares about the means, x and y divided by powers of two as in T */
    double unit;        /* what T is to be multiplied with; PAIRING: the power of y over that of x */
};

struct statistic {
    const char *name, *what;
    int n_column; /* 1: x; 2: x and y */
    int n_group;  /* 2: the rows fall into two groups */
    char divisor; /* 'x' or 'y': what sums are divided by; they should not have both signs. 0: nothing */
    int power[2]; /* SUMS: c x in place of x makes it c^power[0] times as large, c y c^power[1] times */
    enum statistic_form form;
    const char *paired; /* of two groups that are columns, row by row: the name of the statistic that it is
                           then, of x - y if that has one column; NULL when it has no such form */
    double (*of_sums)(const struct statistic_sums *s);
    double (*of_sorted)(const double *x, size_t n_first, size_t n);
    double (*of_pairs)(const double *x, const double *y, size_t n,
                       void *work); /* work as correlation.h wants */
    enum statistic_null null;
    int null_of_ranks;                                                   /* T is of ranks */
    void (*null_map)(const struct statistic_null_facts *f, double m[4]); /* NULL: t is no function of T */
};

extern const struct statistic statistic_table[]; /* ends with one whose name is NULL */
const struct statistic *statistic_find(const char *name);

#endif
