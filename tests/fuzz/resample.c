/* Small samples of any shape, with any numbers in them: estimates, bootstrap, jackknife and permutation tests
 * neither crash nor contradict each other. SPDX-License-Identifier: GPL-3.0-or-later */
#include "math/resample.h"
#include "base/msg.h"
#include "math/interval.h"
#include "math/order.h"
#include "math/permute.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { MOST_ROWS = 7, N_DRAW = 70 };

static void require(int ok)
{
    if (!ok)
        abort();
}

/* Small whole numbers, or any bits but a NaN, as `kind` says. */
static double number(const unsigned char *bytes, unsigned char kind)
{
    double v;
    memcpy(&v, bytes, sizeof v);
    return kind & 1 || isnan(v) ? bytes[0] % 8 - 2.0 : v;
}

static void try_bootstrap(const struct resample *r, const struct sample *s, double estimate)
{
    double draws[N_DRAW], again[N_DRAW], work[3 * N_DRAW], left[MOST_ROWS];
    resample_bootstrap(r, 1, 2, 1, draws, N_DRAW);
    resample_bootstrap(r, 1, 2, 2, again, N_DRAW);
    require(!memcmp(draws, again, sizeof draws));
    struct interval_draws d = { .sorted = draws, .estimate = estimate, .a = NAN };
    for (int k = 0; k < N_DRAW; k++)
        if (!isnan(draws[k]))
            draws[d.n++] = draws[k];
    require(order_values_work(N_DRAW) <= sizeof work);
    order_values(draws, d.n, work);
    resample_leave_out(r, 1, left);
    resample_acceleration(s, left, &d.a);
    if (!d.n || isnan(estimate))
        return;
    d.z0 = interval_z0(draws, d.n, estimate);
    for (int kind = INTERVAL_PERCENTILE; kind <= INTERVAL_BCA; kind++) {
        double end[2];
        if (interval_ends(&d, (enum interval_kind)kind, 0.9, end) >= 0)
            require(!(end[0] > end[1]));
    }
}

static void try_permute(const struct statistic *t, const struct sample *s)
{
    double draws[N_DRAW];
    struct permute *p = permute_new(t, s);
    if (!p)
        return;
    for (int side = PERMUTE_TWO_SIDED; side <= PERMUTE_GREATER; side++) {
        struct permute_result e, r;
        if (permute_exact(p, PERMUTE_AUTO, (enum permute_side)side, 1, &e) == 0)
            require(e.count >= 1 && e.count <= e.total); /* the arrangement observed is one of them */
        permute_draw(p, 1, 2, 1, draws, N_DRAW);
        permute_random(p, (enum permute_side)side, draws, N_DRAW, &r);
        require(r.p > 0 && r.p <= 1);
    }
    permute_free(p);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    enum { ROW = 18 };
    if (size < 2 + ROW)
        return 0;
    size_t n_statistic = 0;
    while (statistic_table[n_statistic].name)
        n_statistic++;
    const struct statistic *t = &statistic_table[data[0] % n_statistic];
    unsigned char kind = data[1];
    double x[MOST_ROWS], y[MOST_ROWS];
    uint32_t group[MOST_ROWS], stratum[MOST_ROWS], cluster[MOST_ROWS];
    struct sample_rows rows = { .n = 0, .x = x };
    for (data += 2, size -= 2; size >= ROW && rows.n < MOST_ROWS; data += ROW, size -= ROW, rows.n++) {
        x[rows.n] = number(data, kind);
        y[rows.n] = number(data + 8, kind);
        group[rows.n] = data[16] & 1;
        stratum[rows.n] = data[16] >> 1 & 3;
        cluster[rows.n] = data[17] % 5;
    }
    rows.y = t->n_column == 2 ? y : NULL;
    rows.group = t->n_group == 2 ? group : NULL;
    rows.stratum = kind & 2 ? stratum : NULL;
    rows.cluster = kind & 4 ? cluster : NULL;
    struct sample s;
    msg_set_prog("fuzz");
    if (sample_init(&s, &rows) < 0)
        return 0;
    struct resample *r = resample_new(t, &s);
    double estimate = resample_estimate(r);
    try_bootstrap(r, &s, estimate);
    if (t->null != STATISTIC_NO_NULL && !isnan(estimate))
        try_permute(t, &s);
    resample_free(r);
    sample_clear(&s);
    return 0;
}
