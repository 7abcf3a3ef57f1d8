/* kurt - how heavy the tails are of every tensor in a stream
 * in: tensor streams, safetensors (FILEs or stdin); out: CSV, a row for each tensor or group (stdout). Holds
 * one tensor.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/glob.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "io/tstream.h"
#include "math/moments.h"
#include "math/profile.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *out_path = "-", *estimator = "biased", *around = "mean";
static char **by, **only, **skip;
static double outlier_sd = 3;
static int64_t axis, n_thread = 1;
static const struct cli_opt opts[] = {
    { 0, "by", CLI_LIST, &by, "LIST", "what one row is of, see below [tensor]", 0, 0,
      "tensor frame lang name channel all" },
    { 0, "only", CLI_LIST, &only, "GLOB,...", "take only tensors whose name matches a pattern, as *.mlp.*", 0,
      0, 0 },
    { 0, "skip", CLI_LIST, &skip, "GLOB,...", "leave out tensors whose name matches a pattern", 0, 0, 0 },
    { 0, "axis", CLI_INT, &axis, "N",
      "the dimension that counts channels: 0 the first (output channels of weights), -1 the last (features "
      "of "
      "activations) [0]",
      -8, 7, 0 },
    { 0, "estimator", CLI_CHOICE, &estimator, "WHICH", "of sd, skewness and kurtosis, see below [biased]", 0,
      0, "biased unbiased" },
    { 0, "outlier-sd", CLI_NUM, &outlier_sd, "K", "outliers are further than K sd, 0 to 1e6, off [3]", 0, 1e6,
      0 },
    { 0, "around", CLI_CHOICE, &around, "WHAT", "what outliers are off [mean]", 0, 0, "mean zero" },
    CLI_OUTPUT(&out_path, "CSV"),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END
};
static const struct cli_prog prog = {
    .name = "kurt",
    .synopsis = "[OPTION]... [FILE]...",
    .summary = "Mean, spread, skewness, excess kurtosis and outliers of the tensors in a stream.",
    .in = "tensor streams or safetensors; F64 F32 F16 BF16, integers and BOOL, other dtypes are left out",
    .out = "CSV of frame, lang, name, channel, dtype, shape, n, n_nonfinite, mean, sd, skewness, kurtosis, "
           "kurtosis_se, outlier_share, max_abs; what a row spans several of is empty",
    .notes =
        "A row is of each combination that occurs of what --by lists: frame, lang (as the frame says), name, "
        "channel; all else is merged. So name alone merges the frames of an activation stream, and "
        "lang,name keeps its languages apart. tensor is short for frame,name, channel alone for "
        "frame,name,channel; all is a single row. Frames are counted through all FILEs.\n"
        "Everything is of the n finite values; n_nonfinite others are left out, with a warning. kurtosis "
        "is excess kurtosis: 0 for a normal distribution, 3 for Laplace's. biased: of the values as such, "
        "g2 = m4/m2^2 - 3, sd with n. unbiased: G2 = (n-1)/((n-2)(n-3)) ((n+1) g2 + 6), likewise G1, sd "
        "with n - 1 (Joanes & Gill 1998). kurtosis_se is its standard error if the values were independent "
        "and normal. Undefined figures (values all equal, n too small, squares too large or small for a "
        "double) are empty.\n"
        "outlier_share is the share of values beyond K of the sd printed. Rows that span several tensors "
        "need a second look at all FILEs: where one is a pipe it is empty.\n"
        "Sums are in double and merged exactly: any amount of data takes the memory of its largest tensor.",
    .example =
        "  kurt --only '*.mlp.*' model.safetensors | mlr --icsv --opprint sort -nr kurtosis then head\n"
        "  tensorcat x.npy | kurt --by all --estimator unbiased",
    .see_also = "tensorcat (lists tensors), corr",
};

/* ---- rows of the output */

/* A row or, by channel, n_channel of them. */
struct group {
    size_t frame;
    char *lang, *name, *dtype, *shape; /* NULL: several, or none */
    size_t n_channel;
    struct moments *m;   /* [n_channel] */
    uint64_t *n_outlier; /* [n_channel] */
    double *low, *high;  /* [n_channel] ends beyond which outliers are, for the second look */
};
static struct group *groups;
static size_t n_group, group_room, next_group, n_tensor;
static int by_frame, by_lang, by_name, by_channel, unbiased;
static struct csvout *out;

/* What is said once at the end: how many rows, and the first. */
static struct trouble {
    size_t n;
    char *first;
} nonfinite, undefined;

static void note(struct trouble *t, const char *name)
{
    if (!t->n++)
        t->first = xstrdup(name ? name : "a row of several tensors");
}

static int same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* Keeps *mark if it is still that of all. */
static void forget_unless(char **mark, const char *here)
{
    if (same(*mark, here))
        return;
    free(*mark);
    *mark = NULL;
}

static struct group *new_group(size_t frame, const char *lang, const struct tensor *t, size_t n_channel)
{
    char shape[TENSOR_SHAPE_MAX];
    xgrow(&groups, &group_room, n_group + 1, sizeof *groups);
    struct group *g = &groups[n_group++];
    *g = (struct group){ .frame = frame,
                         .lang = lang ? xstrdup(lang) : NULL,
                         .name = xstrdup(t->name),
                         .dtype = xstrdup(t->dtype_name),
                         .shape = xstrdup(tensor_shape_text(t, shape)),
                         .n_channel = n_channel,
                         .m = xcalloc(n_channel, sizeof *g->m),
                         .n_outlier = xcalloc(n_channel, sizeof *g->n_outlier),
                         .low = xcalloc(n_channel, sizeof *g->low),
                         .high = xcalloc(n_channel, sizeof *g->high) };
    return g;
}

/* The group that tensor t is in; NULL if that is to be begun. Streams repeat their tensors in order, so the
 * search begins behind the one found last. */
static struct group *find_group(size_t frame, const char *lang, const struct tensor *t)
{
    for (size_t i = 0; i < n_group; i++) {
        struct group *g = &groups[(next_group + i) % n_group];
        if ((!by_frame || g->frame == frame) && (!by_lang || same(g->lang, lang)) &&
            (!by_name || same(g->name, t->name))) {
            next_group = (size_t)(g - groups) + 1;
            return g;
        }
    }
    return NULL;
}

static struct group *group_of(size_t frame, const char *lang, const struct tensor *t, size_t n_channel)
{
    struct group *g = find_group(frame, lang, t);
    if (!g)
        return new_group(frame, lang, t, n_channel);
    if (g->n_channel != n_channel)
        die("'%s': has %zu channels, a tensor of the same row has %zu", t->name, n_channel, g->n_channel);
    char shape[TENSOR_SHAPE_MAX];
    forget_unless(&g->lang, lang);
    forget_unless(&g->name, t->name);
    forget_unless(&g->dtype, t->dtype_name);
    forget_unless(&g->shape, tensor_shape_text(t, shape));
    return g;
}

static void put_text(const char *text)
{
    csvout_str(out, text ? text : "");
}

static void put_group(const struct group *g, int have_outliers)
{
    for (size_t c = 0; c < g->n_channel; c++) {
        const struct moments *m = &g->m[c];
        struct moments_summary s;
        moments_summarise(m, unbiased, &s);
        if (by_frame)
            csvout_int(out, (int64_t)g->frame);
        else
            put_text(NULL);
        put_text(g->lang);
        put_text(g->name);
        if (by_channel)
            csvout_int(out, (int64_t)c);
        else
            put_text(NULL);
        put_text(g->dtype);
        put_text(g->shape);
        csvout_int(out, (int64_t)m->n);
        csvout_int(out, (int64_t)m->n_nonfinite);
        const double values[] = { s.mean, s.sd, s.skewness, s.kurtosis, s.kurtosis_se };
        for (size_t i = 0; i < sizeof values / sizeof *values; i++)
            csvout_num(out, values[i]);
        csvout_num(out, have_outliers && !isnan(s.sd) ? (double)g->n_outlier[c] / (double)m->n : NAN);
        csvout_num(out, m->n ? m->max_abs : NAN);
        csvout_end_row(out);
        if (m->n_nonfinite)
            note(&nonfinite, g->name);
        if (isnan(s.kurtosis))
            note(&undefined, g->name);
    }
}

static void clear_groups(void)
{
    for (struct group *g = groups; g < groups + n_group; g++) {
        free(g->lang);
        free(g->name);
        free(g->dtype);
        free(g->shape);
        free(g->m);
        free(g->n_outlier);
        free(g->low);
        free(g->high);
    }
    n_group = next_group = 0;
}

/* ---- tensors */

/* Where an array's numbers come from. */
struct source {
    const struct ts_reader *in;
    const struct tensor *t;
};

static void load_f32(const void *source, size_t from, size_t n, float *to)
{
    tensor_to_f32(((const struct source *)source)->t, from, n, to);
}

static void load_f64(const void *source, size_t from, size_t n, double *to)
{
    tensor_to_f64(((const struct source *)source)->t, from, n, to);
}

static void release(const void *source, size_t from, size_t n)
{
    const struct source *s = source;
    size_t width = tensor_dtype_bytes(s->t->dtype);
    ts_release(s->in, (const char *)s->t->data + from * width, n * width);
}

static void describe(struct profile_array *a, const struct source *source)
{
    const struct tensor *t = source->t;
    *a = (struct profile_array){ 1, 1, t->n, source, load_f32, NULL, t->data, POWERS_F32, release };
    if (t->dtype == TENSOR_BF16)
        a->type = POWERS_BF16;
    else if (t->dtype == TENSOR_F16)
        a->type = POWERS_F16;
    else if (t->dtype != TENSOR_F32)
        a->plain = NULL;
    if (t->dtype == TENSOR_F64 || t->dtype == TENSOR_I64 || t->dtype == TENSOR_I32)
        a->load_f64 = load_f64;
    if (!by_channel || t->n_dim < 2)
        return;
    int64_t which = axis < 0 ? axis + t->n_dim : axis;
    if (which < 0 || which >= t->n_dim)
        die("'%s': has no dimension %" PRId64 " (--axis)", t->name, axis);
    a->n_channel = t->shape[which];
    a->inner = 1;
    for (int i = 0; i < t->n_dim; i++) {
        a->outer *= i < which ? t->shape[i] : 1;
        a->inner *= i > which ? t->shape[i] : 1;
    }
}

/* Calls take(t, array, frame, lang) for each tensor chosen of each FILE, in order. */
static void walk(char **files,
                 void (*take)(const struct profile_array *, const struct tensor *, size_t, const char *))
{
    size_t n_frame = 0;
    for (; *files; files++) {
        struct ts_reader *in = ts_open_in(*files, (int)n_thread);
        int got;
        for (; (got = ts_next_frame(in)) > 0; n_frame++) {
            struct tensor t;
            while ((got = ts_next_in_frame(in, &t)) > 0) {
                struct profile_array a;
                struct source source = { in, &t };
                if (t.dtype == TENSOR_OTHER || !glob_selects(only, skip, t.name))
                    continue;
                msg_progress("%s: frame %zu: %s", ts_path(in), n_frame, t.name);
                describe(&a, &source);
                take(&a, &t, n_frame, ts_meta(in, "lang"));
            }
            if (got < 0)
                ts_die(in);
        }
        if (got < 0)
            ts_die(in);
        ts_close(in);
    }
    msg_progress_end();
}

static struct profile_rule rule;
static int lone; /* a row is of one tensor, and written when that has been read */

static void take_tensor(const struct profile_array *a, const struct tensor *t, size_t frame, const char *lang)
{
    n_tensor++;
    if (lone) {
        struct group *g = new_group(frame, lang, t, a->n_channel);
        profile_take(a, &rule, (int)n_thread, g->m, g->n_outlier);
        put_group(g, 1);
        clear_groups();
        return;
    }
    struct group *g = group_of(frame, lang, t, a->n_channel);
    struct moments *piece = xcalloc(a->n_channel, sizeof *piece);
    profile_take(a, &rule, (int)n_thread, piece, NULL);
    for (size_t c = 0; c < a->n_channel; c++)
        moments_merge(&g->m[c], &piece[c]);
    free(piece);
}

static void count_tensor(const struct profile_array *a, const struct tensor *t, size_t frame,
                         const char *lang)
{
    struct group *g = find_group(frame, lang, t);
    if (!g || g->n_channel != a->n_channel)
        die("'%s': the input has changed between two looks at it", t->name);
    profile_count(a, g->low, g->high, (int)n_thread, g->n_outlier);
}

/* ---- what is wanted */

static int listed(const char *word)
{
    for (char **b = by; b && *b; b++)
        if (!strcmp(*b, word))
            return 1;
    return 0;
}

static void read_by(void)
{
    int all = listed("all");
    by_frame = listed("frame");
    by_lang = listed("lang");
    by_name = listed("name");
    by_channel = listed("channel");
    if (all && (by_frame || by_lang || by_name || listed("tensor")))
        die_usage("--by: all goes with nothing but channel");
    if (listed("tensor") || !(all || by_frame || by_lang || by_name))
        by_frame = by_name = 1;
    lone = by_frame && by_name;
}

static int can_read_again(char **files)
{
    struct stat st;
    for (; *files; files++)
        if (!strcmp(*files, "-") || stat(*files, &st) < 0 || !S_ISREG(st.st_mode))
            return 0;
    return 1;
}

static void finish_groups(char **files)
{
    int again = can_read_again(files);
    for (struct group *g = groups; again && g < groups + n_group; g++)
        for (size_t c = 0; c < g->n_channel; c++)
            profile_ends(&rule, &g->m[c], &g->low[c], &g->high[c]);
    if (again)
        walk(files, count_tensor);
    for (struct group *g = groups; g < groups + n_group; g++)
        put_group(g, again);
    clear_groups();
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv);
    read_by();
    unbiased = !strcmp(estimator, "unbiased");
    rule = (struct profile_rule){ outlier_sd, !strcmp(around, "zero"), unbiased };
    out = csvout_open(out_path, "frame,lang,name,channel,dtype,shape,n,n_nonfinite,mean,sd,skewness,kurtosis,"
                                "kurtosis_se,outlier_share,max_abs");
    walk(files, take_tensor);
    if (!n_tensor)
        die("no tensor of numbers was chosen");
    if (!lone)
        finish_groups(files);
    csvout_close(out);
    if (nonfinite.n)
        warn("rows with values that are not finite, which are left out: %zu, the first '%s'; see n_nonfinite",
             nonfinite.n, nonfinite.first);
    if (undefined.n)
        warn("rows without kurtosis (too few values, all equal, or squares beyond a double): %zu, the first "
             "'%s'",
             undefined.n, undefined.first);
    free(nonfinite.first);
    free(undefined.first);
    free(groups);
    return 0;
}
