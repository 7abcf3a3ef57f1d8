/* bootstrap - intervals, permutation tests and leave-one-out for statistics of columns of a CSV
 * in: CSV (FILE or stdin); out: CSV, a row for each result (stdout). Holds the table and one set of draws.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "io/csvrows.h"
#include "io/outfile.h"
#include "math/interval.h"
#include "math/order.h"
#include "math/permute.h"
#include "math/resample.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **stat_names, **x_names, **y_names, **group_names, **intervals, **by;
static const char *out_path = "-", *samples_path, *strata, *cluster, *group, *id, *leave_group;
static const char *alternative = "two-sided", *exact = "auto";
static int64_t n_resample = 10000, n_thread = 1;
static uint64_t seed = 1;
static double level = 0.95;
static int paired, permuting, leave_one, separate;
static const struct cli_opt opts[] = {
    { 0, "stat", CLI_LIST, &stat_names, "LIST", "statistics, see below; results for each", 0, 0, 0 },
    { 'x', "x", CLI_LIST, &x_names, "COLS", "columns that are x; results for each", 0, 0, 0 },
    { 'y', "y", CLI_LIST, &y_names, "COLS", "columns that are y; results for each", 0, 0, 0 },
    { 0, "by", CLI_LIST, &by, "COLS", "the whole analysis for each value of COLS apart", 0, 0, 0 },
    { 0, "group", CLI_STR, &group, "COL", "two groups are the two values of COL, in order of appearance", 0,
      0, 0 },
    { 0, "groups", CLI_LIST, &group_names, "A,B", "they are these values of --group, A first", 0, 0, 0 },
    { 0, "paired", CLI_FLAG, &paired, 0, "they are the columns x and y, row by row", 0, 0, 0 },
    { 0, "strata", CLI_STR, &strata, "COL", "draw, or rearrange, within each value of COL", 0, 0, 0 },
    { 0, "cluster", CLI_STR, &cluster, "COL", "draw rows that share a value of COL together", 0, 0, 0 },
    { 'B', "resamples", CLI_INT, &n_resample, "N", "resamples, 1 to 100000000 [10000]", 1, 1e8, 0 },
    { 0, "interval", CLI_LIST, &intervals, "LIST", "a row for each of these [percentile,bca]", 0, 0,
      "percentile basic bca" },
    { 0, "level", CLI_NUM, &level, "NUM", "level of the intervals, 0.01 to 0.9999 [0.95]", 0.01, 0.9999, 0 },
    { 0, "permute", CLI_FLAG, &permuting, 0, "instead: permutation tests", 0, 0, 0 },
    { 'a', "alternative", CLI_CHOICE, &alternative, "WHICH", "what p speaks for [two-sided]", 0, 0,
      "two-sided less greater" },
    { 0, "exact", CLI_CHOICE, &exact, "WHEN",
      "when p is of all rearrangements: auto, where that takes about a second; always, or end with an error; "
      "never [auto]",
      0, 0, "auto always never" },
    { 0, "leave-one-out", CLI_FLAG, &leave_one, 0, "instead: the statistic without each row", 0, 0, 0 },
    { 0, "leave-group-out", CLI_STR, &leave_group, "COL", "instead: without the rows of each value of COL", 0,
      0, 0 },
    { 0, "id", CLI_STR, &id, "COL", "names of the rows left out [their number, from 1]", 0, 0, 0 },
    { 0, "samples", CLI_OUT, &samples_path, "FILE",
      "also write every draw: CSV [BY,]stat,x,y,replicate,value", 0, 0, 0 },
    { 0, "separate-draws", CLI_FLAG, &separate, 0, "draw anew for each value of --by, see below", 0, 0, 0 },
    CLI_SEED(&seed),
    CLI_OUTPUT(&out_path, "CSV"),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END
};
/* What follows the statistics in --help. */
static const char notes[] =
    "Intervals come from the draws by quantiles of type 7 (as in R and numpy). percentile; basic: "
    "mirrored at the estimate; bca: corrected for bias, z0, and skewness, acceleration, for which "
    "each row (cluster) is left out in turn (Efron 1987). se, bias and median are those of the draws. "
    "Draws without a statistic (one row over and over has no r) are left out and counted as "
    "degenerate. Two groups keep their sizes, being drawn apart like strata; of clusters as many are "
    "drawn as there are, whatever rows they have.\n"
    "Values of --by that have equally many rows get the same draws, row for row, as do all statistics "
    "(slope and intercept of a replicate belong together). In aligned text, where row i says the same "
    "in every language, draws (--samples) can then be compared between languages; where rows have "
    "nothing to do with each other, use --separate-draws.\n"
    "--permute shuffles y against x (correlations, slope), or who is in which group; mean, median and "
    "sum flip the sign of x, --paired that of x - y; ratio-of-sums exchanges x and y. The p of a "
    "ratio is that of the difference. p is exact where all rearrangements can be counted: for 14 rows "
    "of pearson, spearman and slope, 10 of kendall, 48 of diff-mean and mann-whitney, 44 signs; else "
    "(count + 1) / (total + 1) of --resamples random ones. two-sided: as far from the null mean "
    "(medians without --strata: from 0), as |r| >= |r observed|; ties count, within 1e-11. Whole "
    "clusters flip sign together; nothing else "
    "is permuted by cluster.\n"
    "Rows that miss a value are left out (n_missing). What is undefined is empty.\n"
    "Columns: [BY,] stat, x, y, then n, n_missing, estimate, interval, low, high, level, se, bias, "
    "median, z0, acceleration, resamples, degenerate, seed; with --permute n, n_missing, estimate, "
    "alternative, p, p_method (exact, random), count, total, null_mean, null_sd, seed; with "
    "--leave-... left_out, n, estimate, all (the estimate on all rows), change (estimate - all).";
static struct cli_prog prog = {
    .name = "bootstrap",
    .synopsis = "--stat=LIST --x=COLS [OPTION]... [FILE]",
    .summary = "Intervals by resampling, permutation tests and leave-one-out for columns of a CSV.",
    .in = "CSV with a header, plain or gzip-compressed; empty, NA and NaN are missing",
    .out = "CSV, a row for each result; columns below",
    .example =
        "  bootstrap --stat=ratio-of-sums --x=tokens --y=eng_tokens --by=lang paragraphs.csv\n"
        "  bootstrap --permute --stat=pearson --x=outlier_frac --y=degradation --strata=latin langs.csv",
    .see_also = "corr (closed forms), kurt, mlr",
    .max_files = 1,
};

/* ---- one result */

struct job {
    const struct statistic *named, *statistic; /* the second is what the first is with --paired */
    const char *x, *y;                         /* y is NULL when it is not used */
    size_t by;
    struct csvrows_selection rows;
    struct sample sample;
    double estimate;
    uint64_t stream;
};
static struct csvrows table;
static size_t n_result, n_wanted, n_row_used;

/* What is said once at the end, however many results it befell. */
enum trouble {
    UNDEFINED,
    INFINITE,
    BEYOND,
    NO_GROUP,
    DEGENERATE,
    LONE,
    EXTREME,
    NO_BCA,
    TOO_LONG,
    BOTH_SIGNS,
    N_TROUBLE
};
static const char *const trouble_text[N_TROUBLE] = {
    "the statistic is undefined: too few rows, all alike or negative",
    "a value is infinite: what depends on it is undefined",
    "the statistic is undefined or beyond the range of doubles: values above 1e150 or all below 1e-150",
    "the statistic is undefined: one of the two groups has no row",
    "some resamples have no statistic: see degenerate",
    "one row (or cluster) alone in its stratum, group or table is always drawn: the interval is too narrow",
    "too few resamples for this level: an end of the interval is an extreme draw",
    "no bca interval: all draws lie on one side of the estimate, or leaving out rows changes nothing",
    "no bca interval: to leave out every row in turn would take too long; see percentile",
    "what is divided by has both signs: a ratio means little then",
};
static struct {
    size_t n;
    char *where;
} troubles[N_TROUBLE];

static void note(enum trouble t, const struct job *j)
{
    char *const *value = csvrows_by(&table, j->by);
    if (troubles[t].n++)
        return;
    char *where = xsprintf("%s of %s%s%s", j->named->name, j->x, j->y ? ", " : "", j->y ? j->y : "");
    for (size_t i = 0; value && by[i]; i++) {
        char *more = xsprintf("%s, %s", where, value[i]);
        free(where);
        where = more;
    }
    troubles[t].where = where;
}

static void report(void)
{
    if (table.n_missed)
        warn("%s: %zu of %zu rows miss a value and are left out", table.table.path, table.n_missed,
             table.table.n_row);
    for (int t = 0; t < N_TROUBLE; t++)
        if (troubles[t].n > 1)
            warn("%s, and %zu more of %zu results: %s", troubles[t].where, troubles[t].n - 1, n_result,
                 trouble_text[t]);
        else if (troubles[t].n)
            warn("%s: %s", troubles[t].where, trouble_text[t]);
}

/* Why the statistic is undefined, or its acceleration. */
static enum trouble reason(const struct job *j, enum trouble usual)
{
    const struct sample *s = &j->sample;
    const double *column[] = { s->x, s->y };
    int beyond = 0;
    if (j->statistic->n_group == 2 && s->n && (!s->n_first || s->n_first == s->n))
        return NO_GROUP;
    for (int c = 0; c < 2; c++) {
        double most = 0;
        for (size_t i = 0; column[c] && i < s->n; i++)
            most = fmax(most, fabs(column[c][i]));
        if (isinf(most))
            return INFINITE;
        beyond |= most > 1e150 || (most > 0 && most < 1e-150);
    }
    return beyond && usual == UNDEFINED ? BEYOND : usual;
}

/* Warns when the column that is divided by has both signs. */
static void check_divisor(const struct job *j)
{
    const double *v = j->statistic->divisor == 'x' ? j->rows.x : j->rows.y;
    int negative = 0, positive = 0;
    for (size_t i = 0; j->statistic->divisor && i < j->rows.n; i++) {
        negative |= v[i] < 0;
        positive |= v[i] > 0;
    }
    if (negative && positive)
        note(BOTH_SIGNS, j);
}

static void gather(struct job *j)
{
    struct csvrows_selection *s = &j->rows;
    csvrows_select(&table, j->by, j->x, j->y, j->statistic->n_group == 2, s);
    n_row_used += s->n;
    check_divisor(j);
    for (size_t i = 0; paired && j->statistic->n_column == 1 && i < s->n; i++)
        s->x[i] -= s->y[i];
    struct sample_rows rows = { .n = s->n, .x = s->x };
    rows.y = j->statistic->n_column == 2 ? s->y : NULL;
    rows.group = j->statistic->n_group == 2 ? s->group : NULL;
    rows.stratum = strata ? s->stratum : NULL;
    rows.cluster = cluster || leave_group ? s->cluster : NULL;
    if (sample_init(&j->sample, &rows) < 0)
        die("%s: a value of --cluster=%s has rows in two values of --strata=%s", table.table.path, cluster,
            strata);
}

/* ---- output */

static const char columns[] = "stat,x,y,n,n_missing,estimate,interval,low,high,level,se,bias,median,z0,"
                              "acceleration,resamples,degenerate,seed";
static const char permute_columns[] = "stat,x,y,n,n_missing,estimate,alternative,p,p_method,count,total,"
                                      "null_mean,null_sd,seed";
static const char leave_columns[] = "stat,x,y,left_out,n,estimate,all,change";
static struct csvout *out, *samples;

static void put_head(struct csvout *c, const struct job *j)
{
    csvout_by(c, csvrows_by(&table, j->by));
    csvout_str(c, j->named->name);
    csvout_str(c, j->x);
    csvout_str(c, j->y ? j->y : "");
}

static void put_counts(const struct job *j)
{
    csvout_int(out, (int64_t)j->sample.n);
    csvout_int(out, (int64_t)j->rows.n_missing);
    csvout_num(out, j->estimate);
}

static void put_seed(void)
{
    char text[NUM_TEXT_MAX];
    snprintf(text, sizeof text, "%" PRIu64, seed);
    csvout_str(out, text);
    csvout_end_row(out);
}

static void put_sample(const struct job *j, size_t replicate, double value)
{
    put_head(samples, j);
    csvout_int(samples, (int64_t)replicate + 1);
    csvout_num(samples, value);
    csvout_end_row(samples);
}

/* ---- bootstrap */

static double *draws; /* [n_resample] */
static void *sort_work;

/* Keeps the draws that have a value, sorted; returns how many. */
static size_t sort_draws(void)
{
    size_t n = 0;
    for (int64_t k = 0; k < n_resample; k++)
        if (!isnan(draws[k]))
            draws[n++] = draws[k];
    order_values(draws, n, sort_work);
    return n;
}

/* To leave out each unit takes n steps for all together where the statistic is one of sums, else n for each:
 * that is not done for more than some minutes. */
static int takes_too_long(const struct job *j)
{
    return j->statistic->form != STATISTIC_SUMS && (double)j->sample.n_unit * (double)j->sample.n > 1e11;
}

static void put_interval(const struct job *j, const char *kind, const struct interval_draws *d)
{
    double end[2] = { NAN, NAN }, mean = NAN, sd = NAN;
    enum interval_kind which = *kind == 'p'     ? INTERVAL_PERCENTILE
                               : kind[1] == 'a' ? INTERVAL_BASIC
                                                : INTERVAL_BCA;
    int status = d->n ? interval_ends(d, which, level, end) : 0;
    if (status)
        note(status > 0 ? EXTREME : takes_too_long(j) ? TOO_LONG : reason(j, NO_BCA), j);
    if (d->n)
        interval_moments(d->sorted, d->n, &mean, &sd);
    put_head(out, j);
    put_counts(j);
    csvout_str(out, kind);
    csvout_num(out, end[0]);
    csvout_num(out, end[1]);
    csvout_num(out, level);
    csvout_num(out, sd);
    csvout_num(out, mean - j->estimate);
    csvout_num(out, d->n ? interval_quantile(d->sorted, d->n, 0.5) : NAN);
    csvout_num(out, which == INTERVAL_BCA && isfinite(d->z0) ? d->z0 : NAN);
    csvout_num(out, which == INTERVAL_BCA ? d->a : NAN);
    csvout_int(out, n_resample);
    csvout_int(out, isnan(j->estimate) ? 0 : n_resample - (int64_t)d->n);
    put_seed();
}

/* Acceleration and bias. */
static void find_bca(const struct job *j, const struct resample *r, struct interval_draws *d)
{
    if (takes_too_long(j))
        return;
    double *left = xnew(j->sample.n_unit, sizeof *left);
    resample_leave_out(r, (int)n_thread, left);
    resample_acceleration(&j->sample, left, &d->a);
    d->z0 = interval_z0(draws, d->n, j->estimate);
    free(left);
}

/* Warns when the draws cannot show how one row varies. */
static void check_strata(const struct job *j)
{
    const struct sample *s = &j->sample;
    for (size_t k = 0; k < s->n_stratum; k++)
        if (s->stratum[k + 1] - s->stratum[k] == 1) {
            note(LONE, j);
            return;
        }
}

static void bootstrap(struct job *j, const struct resample *r)
{
    struct interval_draws d = { .sorted = draws, .estimate = j->estimate, .z0 = NAN, .a = NAN };
    if (!isnan(j->estimate)) {
        check_strata(j);
        resample_bootstrap(r, seed, j->stream, (int)n_thread, draws, (size_t)n_resample);
        for (int64_t k = 0; samples && k < n_resample; k++)
            put_sample(j, (size_t)k, draws[k]);
        d.n = sort_draws();
        if (d.n < (size_t)n_resample)
            note(DEGENERATE, j);
    }
    for (char **kind = intervals; *kind; kind++) {
        if (!strcmp(*kind, "bca") && d.n)
            find_bca(j, r, &d);
        put_interval(j, *kind, &d);
    }
}

/* ---- permutation test */

static void permute(struct job *j)
{
    enum permute_side side = *alternative == 't'   ? PERMUTE_TWO_SIDED
                             : *alternative == 'l' ? PERMUTE_LESS
                                                   : PERMUTE_GREATER;
    enum permute_effort effort = *exact == 'n'     ? PERMUTE_NEVER
                                 : exact[1] == 'u' ? PERMUTE_AUTO
                                                   : PERMUTE_ALWAYS;
    struct permute_result r = { .p = NAN, .null_mean = NAN, .null_sd = NAN };
    struct permute *p = isnan(j->estimate) ? NULL : permute_new(j->statistic, &j->sample);
    if (!p && !isnan(j->estimate))
        note(reason(j, UNDEFINED), j);
    if (p) {
        int is_exact = permute_exact(p, effort, side, (int)n_thread, &r) == 0;
        if (!is_exact && effort == PERMUTE_ALWAYS)
            die("%s of %s: an exact p of %zu rows is out of reach", j->named->name, j->x, j->sample.n);
        if (!is_exact || samples)
            permute_draw(p, seed, j->stream, (int)n_thread, draws, (size_t)n_resample);
        if (!is_exact)
            permute_random(p, side, draws, (size_t)n_resample, &r);
        for (int64_t k = 0; samples && k < n_resample; k++)
            put_sample(j, (size_t)k, permute_statistic(p, draws[k]));
        permute_free(p);
    }
    put_head(out, j);
    put_counts(j);
    csvout_str(out, alternative);
    csvout_num(out, r.p);
    if (isnan(r.p)) {
        for (int i = 0; i < 3; i++)
            csvout_str(out, "");
    } else {
        csvout_str(out, r.exact ? "exact" : "random");
        csvout_int(out, (int64_t)r.count);
        csvout_int(out, (int64_t)r.total);
    }
    csvout_num(out, r.null_mean);
    csvout_num(out, r.null_sd);
    put_seed();
}

/* ---- leave out */

static void leave_out(struct job *j, const struct resample *r)
{
    const struct sample *s = &j->sample;
    double *left = xnew(s->n_unit, sizeof *left);
    unsigned char *done = xcalloc(s->n_unit, 1);
    const char *name = leave_group ? leave_group : id;
    int column = name ? csvtable_find(&table.table, name) : -1;
    resample_leave_out(r, (int)n_thread, left);
    for (size_t i = 0; i < s->n; i++) {
        size_t unit = s->cluster[i], row = j->rows.row[s->source[i]];
        if (done[unit]++)
            continue;
        put_head(out, j);
        if (column >= 0)
            csvout_str(out, table.table.cell[row * table.table.n_col + (size_t)column]);
        else
            csvout_int(out, (int64_t)row + 1);
        csvout_int(out, (int64_t)(s->n - (s->unit[unit + 1] - s->unit[unit])));
        csvout_num(out, left[unit]);
        csvout_num(out, j->estimate);
        csvout_num(out, left[unit] - j->estimate);
        csvout_end_row(out);
    }
    free(done);
    free(left);
}

static void do_job(struct job *j)
{
    msg_progress("result %zu of %zu", ++n_result, n_wanted);
    gather(j);
    struct resample *r = resample_new(j->statistic, &j->sample);
    j->estimate = resample_estimate(r);
    if (isnan(j->estimate))
        note(reason(j, UNDEFINED), j);
    if (permuting)
        permute(j);
    else if (leave_one || leave_group)
        leave_out(j, r);
    else
        bootstrap(j, r);
    resample_free(r);
    sample_clear(&j->sample);
    csvrows_selection_clear(&j->rows);
}

static struct job job_of(const char *name)
{
    struct job j = { .named = statistic_find(name) };
    if (!j.named)
        die_usage("--stat: '%s' is no statistic that is known; see --help", name);
    j.statistic = paired && j.named->paired ? statistic_find(j.named->paired) : j.named;
    return j;
}

static int uses_y(const struct job *j)
{
    return j->named->n_column == 2 || j->statistic != j->named;
}

static int any_uses_y, any_grouped, any_paired;

static size_t n_names(char **names)
{
    size_t n = 0;
    while (names && names[n])
        n++;
    return n;
}

static void check_statistic(const char *name)
{
    struct job j = job_of(name);
    n_wanted += n_names(x_names) * (uses_y(&j) ? n_names(y_names) : 1);
    any_uses_y |= uses_y(&j);
    any_grouped |= j.statistic->n_group == 2;
    any_paired |= j.statistic != j.named;
    if (j.statistic->n_group == 2 && !group)
        die_usage(j.named->paired ? "--stat: %s needs --group, or --paired and --y"
                                  : "--stat: %s needs --group",
                  name);
    if (uses_y(&j) && !y_names)
        die_usage("--stat: %s needs --y", name);
    if (permuting && j.statistic->null == STATISTIC_NO_NULL)
        die_usage("--permute: there is nothing to rearrange for %s", name);
    if (permuting && cluster && j.statistic->null != STATISTIC_SIGNS)
        die_usage("--permute: clusters are rearranged only where signs flip, not for %s", name);
}

/* Every x, with every y for a statistic that has two columns. */
static void do_columns(struct job *j)
{
    for (char **x = x_names; *x; x++) {
        j->x = *x;
        j->y = NULL;
        if (!uses_y(j))
            do_job(j);
        else
            for (char **y = y_names; *y; y++) {
                j->y = *y;
                do_job(j);
            }
    }
}

/* Options that would be passed over without a word. */
static void check_idle(void)
{
    int leaving = leave_one || leave_group;
    const char *instead = permuting ? "with --permute" : "with leaving out";
    cli_refuse_if(!any_uses_y, &y_names, "for statistics of x alone");
    cli_refuse_if(!any_grouped, &group, "where no statistic takes groups");
    cli_refuse_if(!any_paired, &paired, "where no statistic takes groups");
    cli_refuse_if(permuting || leaving, &intervals, instead);
    cli_refuse_if(permuting || leaving, &level, instead);
    cli_refuse_if(!permuting, &alternative, "without --permute");
    cli_refuse_if(!permuting, &exact, "without --permute");
    cli_refuse_if(!leave_one, &id, "without --leave-one-out");
    cli_refuse_if(!by, &separate, "without --by");
    cli_refuse_if(leaving, &separate, instead);
}

static void check_options(void)
{
    if (!stat_names)
        die_usage("--stat is missing");
    if (!x_names)
        die_usage("--x is missing");
    if (permuting + leave_one + !!leave_group > 1)
        die_usage("only one of --permute, --leave-one-out, --leave-group-out");
    if ((leave_one || leave_group) && (cluster || strata || samples_path))
        die_usage("--%s does not go with leaving out", cluster ? "cluster" : strata ? "strata" : "samples");
    if (group_names &&
        (!group || !group_names[1] || group_names[2] || !strcmp(group_names[0], group_names[1])))
        die_usage("--groups: wants two values of --group");
    for (char **s = stat_names; *s; s++)
        check_statistic(*s);
    check_idle();
}

static char *describe_statistics(void)
{
    char *text = xstrdup("Statistics:\n");
    for (const struct statistic *s = statistic_table; s->name; s++) {
        char *more = xsprintf("%s%s\t%s%s\n", text, s->name, s->what,
                              s->paired ? " (groups or --paired)" : "");
        free(text);
        text = more;
    }
    char *whole = xsprintf("%s%s", text, notes);
    free(text);
    return whole;
}

int main(int argc, char **argv)
{
    static char *usual[] = { "percentile", "bca", NULL };
    prog.notes = describe_statistics();
    char **files = cli_parse(&prog, opts, argc, argv);
    check_options();
    intervals = intervals ? intervals : usual;
    const struct csvrows_columns roles = { by, group, strata, leave_group ? leave_group : cluster,
                                           group_names };
    csvrows_read(&table, files[0], &roles);
    if (id)
        csvtable_need(&table.table, id);
    n_wanted *= table.n_by;
    draws = xnew((size_t)n_resample, sizeof *draws);
    sort_work = xaligned(1, order_values_work((size_t)n_resample));
    out = csvout_open_by(out_path, by,
                         permuting                  ? permute_columns
                         : leave_one || leave_group ? leave_columns
                                                    : columns);
    samples = samples_path ? csvout_open_by(samples_path, by, "stat,x,y,replicate,value") : NULL;
    for (size_t k = 0; k < table.n_by; k++)
        for (char **name = stat_names; *name; name++) {
            struct job j = job_of(*name);
            j.by = k;
            j.stream = separate ? (uint64_t)k << 32 : 0;
            do_columns(&j);
        }
    msg_progress_end();
    if (!n_row_used)
        die("%s: no row has all the values that are needed", table.table.path);
    report();
    csvout_close(out);
    if (samples)
        csvout_close(samples);
    csvrows_clear(&table);
    return 0;
}
