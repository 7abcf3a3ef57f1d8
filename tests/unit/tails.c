/* tails - p of Student's t where it has a closed form, and where GSL's goes wrong; prints what fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/tails.h"
#include <math.h>
#include <stdio.h>

static int n_failed;

static void check(double got, double wanted, double tolerance, double t, double df)
{
    if (fabs(got - wanted) <= tolerance * wanted)
        return;
    printf("failed: t = %g, df = %g: got %.17g, wanted %.17g\n", t, df, got, wanted);
    n_failed++;
}

int main(void)
{
    /* R 4.2.2: 2 * pt(t, df, lower.tail = FALSE) */
    static const struct {
        double t, df, p;
    } known[] = {
        { 0.01, 3, 0.99264911141285195 },     { 1, 3, 0.39100221895577053 },
        { 5, 3, 0.015392438073302296 },       { 20, 3, 0.00027320325024731166 },
        { 60, 3, 1.0199593673319746e-05 },    { 0.01, 12, 0.99218561498850355 },
        { 1, 12, 0.33704905795358431 },       { 5, 12, 0.00030931121128388811 },
        { 20, 12, 1.3947885992511475e-10 },   { 60, 12, 3.0376121339140622e-16 },
        { 0.01, 30, 0.99208749257317774 },    { 1, 30, 0.32530861542602985 },
        { 5, 30, 2.3296685467007786e-05 },    { 20, 30, 6.7490836657712847e-19 },
        { 60, 30, 8.3113096135322409e-33 },   { 0.01, 31, 0.99208536626912835 },
        { 1, 31, 0.32505273272353352 },       { 5, 31, 2.1477834670175642e-05 },
        { 20, 31, 2.8161788997864618e-19 },   { 60, 31, 1.2308509339091524e-33 },
        { 0.01, 40, 0.99207099695994483 },    { 1, 40, 0.32332181174829089 },
        { 5, 40, 1.1840065669659487e-05 },    { 20, 40, 1.949891163329177e-22 },
        { 60, 40, 8.3109904237214471e-41 },   { 0.01, 98, 0.99204161629112553 },
        { 1, 98, 0.31977328750858847 },       { 5, 98, 2.5135779832380444e-06 },
        { 20, 98, 2.2781693677341171e-36 },   { 60, 98, 4.4733458908135508e-79 },
        { 0.01, 998, 0.99202328592880251 },   { 1, 998, 0.31755290275318471 },
        { 5, 998, 6.7694697880536822e-07 },   { 20, 998, 4.275375412417062e-75 },
        { 0.01, 99998, 0.99202130731922211 }, { 1, 99998, 0.31731292761250512 },
        { 5, 99998, 5.7427018721816711e-07 }, { 20, 99998, 8.2235596781096513e-89 },
    };
    double t = 1e-6;
    for (int i = 0; i < 27; i++, t *= 3) {
        check(tails_t(t, 1), 2 * atan(1 / t) / M_PI, 1e-14, t, 1);
        check(tails_t(t, 2), 2 / (t * t + 2) / (1 + t / sqrt(t * t + 2)), 1e-14, t, 2);
        check(tails_t(-t, 1), tails_t(t, 1), 0, t, 1);
    }
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        check(tails_t(known[i].t, known[i].df), known[i].p, 1e-12, known[i].t, known[i].df);
    check(tails_t(INFINITY, 5), 0, 0, INFINITY, 5);
    check(tails_t(0, 5), 1, 0, 0, 5);
    check(tails_normal(1.959963984540054), 0.05, 1e-15, 1.96, INFINITY);
    check(tails_normal(-37), 1.1451142445049154e-299, 1e-13, -37, INFINITY);
    check(tails_normal_within(0.95), 1.959963984540054, 1e-15, 0.95, INFINITY);
    return n_failed > 0;
}
