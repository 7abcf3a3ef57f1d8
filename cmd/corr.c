/* corr - how columns of a CSV go together: coefficients, p values, intervals, comparisons
 * in: CSV (FILE or stdin); out: CSV, a row for each pair of columns (stdout). Holds the table.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "io/csvrows.h"
#include "math/correlation.h"
#include "math/cortest.h"
#include "math/multiple.h"
#include "math/residuals.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char **x_names, **y_names, **given_names, **by, **methods, **adjustments;
static const char *out_path = "-", *alternative = "two-sided", *exact = "auto";
static double level = 0.95;
static int64_t n_thread = 1;
static int compare, matrix;
static const struct cli_opt opts[] = {
    { 'x', "x", CLI_LIST, &x_names, "COLS", "columns to correlate with those of --y, comma-separated", 0, 0,
      0 },
    { 'y', "y", CLI_LIST, &y_names, "COLS",
      "with only one of --x and --y the other is every other column of numbers; with neither, all pairs", 0,
      0, 0 },
    { 0, "method", CLI_LIST, &methods, "LIST", "a row for each of these [pearson]", 0, 0,
      "pearson spearman kendall" },
    { 'g', "given", CLI_LIST, &given_names, "COLS",
      "partial correlation: these columns are held fixed, by least squares (spearman: on ranks; not kendall)",
      0, 0, 0 },
    { 0, "by", CLI_LIST, &by, "COLS", "the whole analysis for each value of COLS apart", 0, 0, 0 },
    { 'a', "alternative", CLI_CHOICE, &alternative, "WHICH",
      "what p speaks for; a one-sided one has a one-sided interval [two-sided]", 0, 0,
      "two-sided less greater" },
    { 0, "exact", CLI_CHOICE, &exact, "WHEN", "when p is exact, see below [auto]", 0, 0,
      "auto always never" },
    { 0, "adjust", CLI_LIST, &adjustments, "LIST",
      "columns p_NAME with p adjusted for all rows of the output; bh is Benjamini-Hochberg's, by "
      "Benjamini-Yekutieli's",
      0, 0, "holm bh by bonferroni" },
    { 0, "level", CLI_NUM, &level, "NUM", "level of the intervals, 0.01 to 0.9999 [0.95]", 0.01, 0.9999, 0 },
    { 0, "compare", CLI_FLAG, &compare, 0,
      "instead: do two columns x1, x2 of --x differ in their correlation with y? (Meng, Rosenthal & Rubin "
      "1992)",
      0, 0, 0 },
    { 0, "matrix", CLI_FLAG, &matrix, 0, "instead: a square matrix of the coefficients", 0, 0, 0 },
    CLI_OUTPUT(&out_path, "CSV"),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END
};
static const struct cli_prog prog = {
    .name = "corr",
    .synopsis = "[OPTION]... [FILE]",
    .summary = "Correlates columns of a CSV table: Pearson, Spearman, Kendall, partial; with p and interval.",
    .in = "CSV with a header, plain or gzip-compressed; empty, NA and NaN are missing",
    .out =
        "CSV of [BY,] x, y, given, method, n, n_missing, estimate, statistic, df, p, p_method, low, high; "
        "with --compare [BY,] x1, x2, y, n, n_missing, r1, r2, r12, z, p, low, high; with --matrix name and "
        "a column for each",
    .notes =
        "Rows that miss a value are left out pair by pair (n_missing). What is undefined is empty: the "
        "estimate when a column is constant or n < 2, p and interval when n is too small.\n"
        "p_method says what p and the statistic are. t: Student's t with df = n - 2 - covariates. normal "
        "(kendall): z with the variance corrected for ties, no continuity correction. exact: all orders of "
        "the ranks; the statistic is the sum of squared rank differences (spearman) or the number of "
        "concordant pairs (kendall). Exact needs data without ties; auto takes it for spearman up to n = 9 "
        "and kendall below n = 50, always for kendall up to n = 170 too. Exact p in other cases: bootstrap "
        "--permute.\n"
        "kendall is tau-b. Intervals: Fisher's z with standard error 1/sqrt(n - 3 - covariates); spearman "
        "sqrt((1 + rho^2/2)/(n - 3 - covariates)) (Bonett & Wright 2000); kendall sqrt(0.437/(n - 4)); "
        "--compare: of atanh r1 - atanh r2.",
    .example = "  mlr --icsv --ocsv join -j lang -f use.csv damage.csv |\n"
               "    corr --x outlier_frac --y degradation --given latin --method pearson,spearman",
    .see_also = "bootstrap (intervals and tests by resampling), kurt, mlr",
    .max_files = 1,
};

static const char *const method_names[] = { "pearson", "spearman", "kendall" }; /* enum cortest_coefficient */

/* ---- the columns */

static struct csvrows rows;

struct columns {
    size_t *index, n;
};
static struct columns given;

static int holds(const struct columns *c, size_t column)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->index[i] == column)
            return 1;
    return 0;
}

static void add_column(struct columns *c, size_t column)
{
    c->index = xrealloc(c->index, c->n + 1, sizeof *c->index);
    c->index[c->n++] = column;
}

static struct columns named_columns(const char *option, char **names)
{
    struct columns c = { 0 };
    for (; names && *names; names++) {
        size_t column = csvtable_need(&rows.table, *names);
        if (holds(&c, column))
            die_usage("--%s: '%s' stands twice", option, *names);
        if (holds(&given, column))
            die_usage("--%s: '%s' is held fixed by --given", option, *names);
        csvrows_numbers(&rows, column);
        add_column(&c, column);
    }
    return c;
}

static int is_by(const char *name)
{
    for (char **b = by; b && *b; b++)
        if (!strcmp(*b, name))
            return 1;
    return 0;
}

/* Every column of numbers that has no other part to play. */
static struct columns other_columns(const struct columns *taken)
{
    struct columns c = { 0 };
    for (size_t i = 0; i < rows.table.n_col; i++)
        if (!holds(taken, i) && !holds(&given, i) && !is_by(rows.table.name[i]) &&
            csvrows_if_numeric(&rows, i))
            add_column(&c, i);
    return c;
}

/* ---- the estimates */

struct job {   /* a row of the output, or a cell of the matrix */
    size_t by; /* number of the value of --by */
    enum cortest_coefficient method;
    size_t column[3];    /* x, y; with --compare x1, x2, y */
    size_t n, n_missing; /* rows that have all values, or not */
    struct cortest test; /* without --compare */
    double r1, r2, r12;  /* with it */
    struct cortest_difference difference;
};
static struct job *jobs;
static size_t n_job, job_room;
static struct cortest_how how;

/* Each worker's own space for the columns of one job. */
static struct scratch {
    size_t *column; /* [3 + given] */
    double *value;  /* [3 + given][n_row] */
    void *work;
} * scratch;

static void add_job(size_t k, enum cortest_coefficient method, size_t a, size_t b, size_t c)
{
    xgrow(&jobs, &job_room, n_job + 1, sizeof *jobs);
    jobs[n_job++] = (struct job){ .by = k, .method = method, .column = { a, b, c } };
}

static double coefficient(enum cortest_coefficient method, const double *x, const double *y, size_t n,
                          void *work)
{
    double r = NAN;
    if (method == CORTEST_SPEARMAN)
        correlation_spearman(x, y, n, &r, work);
    else
        correlation_pearson(x, y, n, &r);
    return r;
}

static void do_job(void *ctx, size_t task, int worker)
{
    (void)ctx;
    struct job *j = &jobs[task];
    struct scratch *s = &scratch[worker];
    size_t n_column = compare ? 3 : 2;
    memcpy(s->column, j->column, n_column * sizeof *s->column);
    for (size_t i = 0; i < given.n; i++)
        s->column[n_column + i] = given.index[i];
    j->n = csvrows_gather(&rows, j->by, s->column, n_column + given.n, s->value);
    j->n_missing = csvrows_rows(&rows, j->by, NULL) - j->n;
    if (!compare) {
        cortest_columns(j->method, s->value, j->n, given.n, &how, s->work, &j->test);
        return;
    }
    const double *x1 = s->value, *x2 = x1 + j->n, *y = x2 + j->n;
    j->r1 = coefficient(j->method, x1, y, j->n, s->work);
    j->r2 = coefficient(j->method, x2, y, j->n, s->work);
    j->r12 = coefficient(j->method, x1, x2, j->n, s->work);
    cortest_compare(j->r1, j->r2, j->r12, j->n, &how, &j->difference);
}

static void do_jobs(void)
{
    size_t n_worker = (size_t)n_thread < n_job ? (size_t)n_thread : n_job, n_row = rows.table.n_row;
    scratch = xnew(n_worker, sizeof *scratch);
    for (size_t i = 0; i < n_worker; i++)
        scratch[i] = (struct scratch){ xnew(3 + given.n, sizeof(size_t)),
                                       xaligned(n_row * (3 + given.n), sizeof(double)),
                                       xaligned(1, correlation_work_bytes(n_row)) };
    threads_for((int)n_thread, n_job, do_job, NULL);
    for (size_t i = 0; i < n_worker; i++) {
        free(scratch[i].column);
        free(scratch[i].value);
        free(scratch[i].work);
    }
    free(scratch);
}

/* One line for each kind of trouble, however many rows have it. */
static void warn_of_troubles(void)
{
    size_t n_missing = 0, n_undefined = 0, n_dependent = 0, n_inexact = 0, any = 0;
    const struct job *undefined = NULL;
    for (const struct job *j = jobs; j < jobs + n_job; j++) {
        double estimate = compare ? j->difference.z : j->test.estimate;
        any |= j->n;
        n_missing += j->n_missing > 0;
        n_dependent += !compare && j->n && j->test.n_given < given.n && j->method != CORTEST_KENDALL;
        n_inexact += !compare && j->method != CORTEST_PEARSON && !isnan(j->test.p) &&
                     strcmp(j->test.method, "exact") != 0;
        if (isnan(estimate) && !n_undefined++)
            undefined = j;
    }
    if (!any)
        die("%s: no row has a value in every column that is used", rows.table.path);
    if (n_missing)
        warn("%s: %zu of %zu results leave out rows with missing values: see n_missing", rows.table.path,
             n_missing, n_job);
    if (n_undefined)
        warn("%s: %zu of %zu results are undefined (a constant column, too few rows, infinite values), the "
             "first that of '%s' "
             "and '%s'",
             rows.table.path, n_undefined, n_job, rows.table.name[undefined->column[0]],
             rows.table.name[undefined->column[1]]);
    if (n_dependent)
        warn("%s: --given: in %zu of %zu results a column is constant or a combination of others and does "
             "not count",
             rows.table.path, n_dependent, n_job);
    if (n_inexact && how.exact == CORTEST_EXACT_ALWAYS)
        warn("%s: %zu of %zu p values cannot be exact (ties, covariates, too many rows): see p_method",
             rows.table.path, n_inexact, n_job);
}

/* ---- output */

static char *header(const char *columns)
{
    char *all = xstrdup(columns);
    for (char **a = adjustments; a && *a; a++) {
        char *more = xsprintf("%s,p_%s", all, *a);
        free(all);
        all = more;
    }
    return all;
}

/* The adjusted p values, [adjustment][n_job]. */
static double *adjust(void)
{
    static const char *const names[] = { "bonferroni", "holm", "bh", "by" }; /* enum multiple_method */
    size_t n = 0;
    while (adjustments && adjustments[n])
        n++;
    double *p = xnew(n_job, sizeof *p), *adjusted = xnew(n * n_job, sizeof *adjusted);
    void *work = xmalloc(multiple_work_bytes(n_job));
    for (size_t i = 0; i < n_job; i++)
        p[i] = compare ? jobs[i].difference.p : jobs[i].test.p;
    for (size_t a = 0; a < n; a++)
        for (int m = 0; m < 4; m++)
            if (!strcmp(adjustments[a], names[m]))
                multiple_adjust((enum multiple_method)m, p, n_job, adjusted + a * n_job, work);
    free(p);
    free(work);
    return adjusted;
}

static void put_pair(struct csvout *out, const struct job *j, const char *given_label)
{
    const struct cortest *t = &j->test;
    csvout_str(out, rows.table.name[j->column[0]]);
    csvout_str(out, rows.table.name[j->column[1]]);
    csvout_str(out, given_label);
    csvout_str(out, method_names[j->method]);
    csvout_int(out, (int64_t)j->n);
    csvout_int(out, (int64_t)j->n_missing);
    csvout_num(out, t->estimate);
    csvout_num(out, t->statistic);
    csvout_num(out, t->df);
    csvout_num(out, t->p);
    csvout_str(out, t->method);
    csvout_num(out, t->low);
    csvout_num(out, t->high);
}

static void put_comparison(struct csvout *out, const struct job *j)
{
    const struct cortest_difference *d = &j->difference;
    for (int c = 0; c < 3; c++)
        csvout_str(out, rows.table.name[j->column[c]]);
    csvout_int(out, (int64_t)j->n);
    csvout_int(out, (int64_t)j->n_missing);
    const double values[] = { j->r1, j->r2, j->r12, d->z, d->p, d->low, d->high };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        csvout_num(out, values[i]);
}

static void put_rows(void)
{
    char *names = header(compare ? "x1,x2,y,n,n_missing,r1,r2,r12,z,p,low,high"
                                 : "x,y,given,method,n,n_missing,estimate,statistic,df,p,p_method,low,high");
    char *label = xstrdup("");
    for (size_t i = 0; i < given.n; i++) {
        char *more = xsprintf("%s%s%s", label, i ? "+" : "", given_names[i]);
        free(label);
        label = more;
    }
    struct csvout *out = csvout_open_by(out_path, by, names);
    double *adjusted = adjust();
    for (size_t i = 0; i < n_job; i++) {
        csvout_by(out, csvrows_by(&rows, jobs[i].by));
        if (compare)
            put_comparison(out, &jobs[i]);
        else
            put_pair(out, &jobs[i], label);
        for (size_t a = 0; adjustments && adjustments[a]; a++)
            csvout_num(out, adjusted[a * n_job + i]);
        csvout_end_row(out);
    }
    csvout_close(out);
    free(adjusted);
    free(label);
    free(names);
}

/* Job i is the i-th pair, row by row, of the lower triangle with its diagonal. */
static void put_matrix(const struct columns *c)
{
    struct csvout *out = csvout_open(out_path, NULL);
    csvout_str(out, "name");
    for (size_t i = 0; i < c->n; i++)
        csvout_str(out, rows.table.name[c->index[i]]);
    csvout_end_row(out);
    for (size_t i = 0; i < c->n; i++) {
        csvout_str(out, rows.table.name[c->index[i]]);
        for (size_t k = 0; k < c->n; k++) {
            size_t high = i > k ? i : k, low = i > k ? k : i;
            csvout_num(out, jobs[high * (high + 1) / 2 + low].test.estimate);
        }
        csvout_end_row(out);
    }
    csvout_close(out);
}

/* ---- what to compute */

static enum cortest_coefficient method[16];
static size_t n_method;

static void check_options(void)
{
    static char *pearson_only[] = { "pearson", NULL };
    methods = methods ? methods : pearson_only;
    for (; methods[n_method]; n_method++) {
        if (n_method == sizeof method / sizeof *method)
            die_usage("--method: too many");
        for (int m = 0; m < 3; m++)
            if (!strcmp(methods[n_method], method_names[m]))
                method[n_method] = (enum cortest_coefficient)m;
        if (method[n_method] == CORTEST_KENDALL && (given_names || compare))
            die_usage("--method: kendall does not go with --%s", compare ? "compare" : "given");
    }
    if (compare && matrix)
        die_usage("--compare and --matrix exclude each other");
    if ((compare || matrix) && n_method > 1)
        die_usage("--%s takes one --method", compare ? "compare" : "matrix");
    if (compare && (!y_names || given_names))
        die_usage("--compare %s", given_names ? "takes no --given" : "needs --y");
    if (matrix && (by || y_names || adjustments))
        die_usage("--matrix takes no --%s", by ? "by" : y_names ? "y" : "adjust");
    if (compare && x_names && !x_names[1])
        die_usage("--compare: --x needs two columns or more, whose correlations with y are compared");
    cli_refuse_if(matrix, &alternative, "with --matrix");
    cli_refuse_if(matrix, &level, "with --matrix");
    cli_refuse_if(matrix || compare, &exact, matrix ? "with --matrix" : "with --compare");
    int ranked = 0;
    for (size_t i = 0; i < n_method; i++)
        ranked |= method[i] != CORTEST_PEARSON;
    if (!strcmp(exact, "always") && !ranked)
        die_usage("--exact=always: pearson has no exact p here; bootstrap --permute gives one");
    how.level = level;
    how.alternative = !strcmp(alternative, "less")      ? TAILS_LESS
                      : !strcmp(alternative, "greater") ? TAILS_GREATER
                                                        : TAILS_BOTH;
    how.exact = !strcmp(exact, "always")  ? CORTEST_EXACT_ALWAYS
                : !strcmp(exact, "never") ? CORTEST_EXACT_NEVER
                                          : CORTEST_EXACT_AUTO;
}

static void add_jobs(size_t g, const struct columns *x, const struct columns *y)
{
    const size_t *a = x->index, *b = y->index;
    int same = x == y; /* then each pair once */
    for (size_t i = 0; i < x->n; i++)
        for (size_t k = same ? i + 1 : 0; k < y->n; k++)
            for (size_t m = 0; m < n_method && a[i] != b[k]; m++)
                add_job(g, method[m], a[i], b[k], 0);
}

static void add_comparisons(size_t g, const struct columns *x, const struct columns *y)
{
    const size_t *a = x->index, *b = y->index;
    for (size_t c = 0; c < y->n; c++)
        for (size_t i = 0; i < x->n; i++)
            for (size_t k = i + 1; k < x->n; k++)
                if (a[i] != b[c] && a[k] != b[c])
                    add_job(g, method[0], a[i], a[k], b[c]);
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv);
    check_options();
    csvrows_read(&rows, files[0], &(struct csvrows_columns){ .by = by });
    if (!rows.table.n_row)
        die("%s: no rows", rows.table.path);
    given = named_columns("given", given_names);
    struct columns x = named_columns("x", x_names), y = named_columns("y", y_names);
    struct columns others = x_names && y_names ? (struct columns){ 0 } : other_columns(x_names ? &x : &y);
    const struct columns *left = x_names ? &x : &others;
    const struct columns *right = y_names ? &y : matrix && x_names ? &x : &others;
    for (size_t g = 0; g < rows.n_by; g++)
        if (matrix)
            for (size_t i = 0; i < left->n; i++)
                for (size_t k = 0; k <= i; k++)
                    add_job(g, method[0], left->index[i], left->index[k], 0);
        else if (compare)
            add_comparisons(g, left, right);
        else
            add_jobs(g, left, right);
    if (!n_job)
        die("%s: %s", rows.table.path,
            compare ? "no two columns of numbers x1 and x2 to compare" : "no two columns of numbers");
    do_jobs();
    warn_of_troubles();
    if (matrix)
        put_matrix(left);
    else
        put_rows();
    free(x.index);
    free(y.index);
    free(others.index);
    csvrows_clear(&rows);
    return 0;
}
