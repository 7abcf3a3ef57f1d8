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
#include "io/tensorpick.h"
#include "io/tstream.h"
#include "lm/family.h"
#include "lm/neurons.h"
#include "math/crest.h"
#include "math/moments.h"
#include "math/profile.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *out_path = "-", *estimator = "biased", *around = "mean";
static const char *select_path, *site = "mlp_act", *measure = "absmean";
static char **by, **only, **skip;
static double outlier_sd = 3;
static int64_t axis, n_thread = 1, n_top = 64, crest_group;
static const struct cli_opt opts[] = {
    { 0, "by", CLI_LIST, &by, "LIST", "what one row is of, see below [tensor]", 0, 0,
      "tensor file frame lang layer role name channel all" },
    { 0, "only", CLI_LIST, &only, "GLOB,...", "take only tensors whose name matches a pattern, as *.mlp.*", 0,
      0, 0 },
    { 0, "skip", CLI_LIST, &skip, "GLOB,...", "leave out tensors whose name matches a pattern", 0, 0, 0 },
    { 0, "axis", CLI_INT, &axis, "N",
      "the dimension that counts channels: 0 the first (output channels of weights), -1 the last (features "
      "of activations) [0]",
      -8, 7, 0 },
    { 0, "estimator", CLI_CHOICE, &estimator, "WHICH", "of sd, skewness and kurtosis, see below [biased]", 0,
      0, "biased unbiased" },
    { 0, "outlier-sd", CLI_NUM, &outlier_sd, "K", "outliers are further than K sd, 0 to 1e6, off [3]", 0, 1e6,
      0 },
    { 0, "around", CLI_CHOICE, &around, "WHAT", "what outliers are off [mean]", 0, 0, "mean zero" },
    { 0, "crest", CLI_INT, &crest_group, "SIZE",
      "also the crest factor of groups of SIZE weights along the input dimension, see below; 128 is usual "
      "[none]",
      1, 1 << 30, 0 },
    { 0, "select", CLI_IN, &select_path, "ACTIVATIONS",
      "of a model's weights only those of the neurons that each language activates most, see below", 0, 0,
      0 },
    { 0, "top", CLI_INT, &n_top, "K", "with --select: how many neurons of each layer [64]", 1, 1 << 30, 0 },
    { 0, "site", CLI_CHOICE, &site, "SITE", "with --select: where neurons are looked for [mlp_act]", 0, 0,
      LM_NEURONS_SITES },
    { 0, "measure", CLI_STR, &measure, "NAME", "with --select: what of activations is largest [absmean]", 0,
      0, 0 },
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
    .out =
        "CSV of frame, lang, name, layer, role, channel, dtype, shape, n, n_nonfinite, mean, sd, skewness, "
        "kurtosis, kurtosis_se, outlier_share, max_abs; file before them if --by lists it, crest_mean and "
        "crest_max behind them with --crest; what a row spans several of, or has none of, is empty",
    .notes =
        "A row is of each combination that occurs of what --by lists: file, frame, lang (as the frame says), "
        "layer, role, name, channel; all else is merged. So name alone merges the frames of an activation "
        "stream, and lang,name keeps its languages apart. tensor is short for frame,name, channel alone for "
        "frame,name,channel; all is a single row. Frames are counted through all FILEs.\n"
        "layer (from 0) and role say what a tensor is for in models (bloom, xglm, gpt2, opt, gpt_neox, "
        "llama, mistral, qwen2): role is embed, position, attn_qkv, attn_q, attn_k, attn_v, attn_out, "
        "mlp_gate, mlp_up, mlp_down, head, attn_norm, ...; attn_qkv_bias is the bias beside attn_qkv. Of "
        "activations, as 3.mlp_act.absmean, role is what follows the layer. With layer or role in --by, "
        "tensors that have none (masks, or of no model that is known) are left out; with layer but not role "
        "or name a layer's row is of its matrices only, without norms, biases and what stands outside the "
        "layers.\n"
        "Everything is of the n finite values; n_nonfinite others are left out, with a warning. kurtosis is "
        "excess kurtosis: 0 for a normal distribution, 3 for Laplace's. biased: of the values as such, g2 = "
        "m4/m2^2 - 3, sd with n. unbiased: G2 = (n-1)/((n-2)(n-3)) ((n+1) g2 + 6), likewise G1, sd with n - "
        "1 (Joanes & Gill 1998). kurtosis_se is its standard error if the values were independent and "
        "normal. Undefined figures (values all equal, n too small, squares too large or small for a double) "
        "are empty.\n"
        "outlier_share is the share of values beyond K of the sd printed. Rows that span several tensors "
        "need a second look at all FILEs: where one is a pipe it is empty.\n"
        "crest_mean and crest_max are the mean and the largest, over groups, of max|w| / sqrt(mean w^2): "
        "what the step of rounding a group to its maximum follows. Groups run along the last dimension, the "
        "first one in layers that are stored [in][out] (gpt2); those of zeros only have none.\n"
        "--select reads ACTIVATIONS, a tensor stream as actdump's reductions are: frames of a language "
        "(lang), with tensors LAYER.SITE.MEASURE of one value a neuron. For each language and layer it takes "
        "the K neurons of largest value, of equals the first, and the weights that belong to them: what "
        "writes a neuron has its row, what reads it its column. mlp_act: rows of mlp_gate and mlp_up, "
        "columns of mlp_down. mlp_out: rows of mlp_down. attn_out: rows of attn_out. resid: rows of attn_out "
        "and mlp_down of that layer (earlier layers write to it as well). attn_in, mlp_in, attn_mix: columns "
        "of the matrices that read them. --by must list lang then, and is lang,layer,role unless given; "
        "layers that ACTIVATIONS has not are left out. The weights are the same for every language: rows "
        "differ only as far as the neurons do, so compare them with the rows of all neurons (kurt --by "
        "layer,role), and expect languages to share most of them.\n"
        "Sums are in double and merged exactly: any amount of data takes the memory of its largest tensor.",
    .example =
        "  kurt --only '*.mlp.*' model.safetensors | mlr --icsv --opprint sort -nr kurtosis then head\n"
        "  modelcat bloom-560m | kurt --by layer,role --crest 128\n"
        "  kurt --select absmean.t --top 100 bloom-560m/model.safetensors\n"
        "  tensorcat x.npy | kurt --by all --estimator unbiased",
    .see_also = "tensorcat (lists tensors), modelcat, corr",
};

/* ---- rows of the output */

/* What tells rows apart, in the order of the columns; the last two never do. */
enum mark { IN_FILE, FRAME, LANG, NAME, LAYER, ROLE, DTYPE, SHAPE, N_MARK };
static const char *const mark_name[] = { "file", "frame", "lang", "name", "layer", "role" };
enum { N_KEY = DTYPE };

/* A row or, by channel, n_channel of them. */
struct group {
    char *is[N_MARK]; /* NULL: several, or none */
    size_t n_tensor, n_channel;
    struct moments *m;   /* [n_channel] */
    uint64_t *n_outlier; /* [n_channel] */
    double *low, *high;  /* [n_channel] ends beyond which outliers are, for the second look */
    struct crest crest;
};
static struct group *groups;
static size_t n_group, group_room, next_group, n_taken;
static int by_mark[N_KEY], by_channel, unbiased;
static struct csvout *out;

/* What is said once at the end: how many, and the first. */
static struct trouble {
    size_t n;
    char *first;
} nonfinite, undefined, homeless;

static void note(struct trouble *t, const char *name)
{
    if (!t->n++)
        t->first = xstrdup(name ? name : "a row of several tensors");
}

static int same(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static struct group *new_group(const char *const is[N_MARK], size_t n_channel)
{
    xgrow(&groups, &group_room, n_group + 1, sizeof *groups);
    struct group *g = &groups[n_group++];
    *g = (struct group){ .n_channel = n_channel,
                         .m = xcalloc(n_channel, sizeof *g->m),
                         .n_outlier = xcalloc(n_channel, sizeof *g->n_outlier),
                         .low = xcalloc(n_channel, sizeof *g->low),
                         .high = xcalloc(n_channel, sizeof *g->high) };
    for (int k = 0; k < N_MARK; k++)
        g->is[k] = is[k] ? xstrdup(is[k]) : NULL;
    return g;
}

static int belongs(const struct group *g, const char *const is[N_MARK])
{
    for (int k = 0; k < N_KEY; k++)
        if (by_mark[k] && !same(g->is[k], is[k]))
            return 0;
    return 1;
}

/* The group of a tensor with these marks; NULL if that is to be begun. Streams repeat their tensors in order,
 * so the search begins behind the one found last. */
static struct group *find_group(const char *const is[N_MARK])
{
    for (size_t i = 0; i < n_group; i++) {
        struct group *g = &groups[(next_group + i) % n_group];
        if (belongs(g, is)) {
            next_group = (size_t)(g - groups) + 1;
            return g;
        }
    }
    return NULL;
}

/* Keeps of the group's marks what is the same here. */
static void forget_other_marks(struct group *g, const char *const is[N_MARK])
{
    for (int k = 0; k < N_MARK; k++)
        if (!same(g->is[k], is[k])) {
            free(g->is[k]);
            g->is[k] = NULL;
        }
}

static void put_header(void)
{
    char *columns = xsprintf(
        "%sframe,lang,name,layer,role,channel,dtype,shape,n,n_nonfinite,mean,sd,skewness,"
        "kurtosis,kurtosis_se,outlier_share,max_abs%s",
        by_mark[IN_FILE] ? "file," : "", crest_group ? ",crest_mean,crest_max" : "");
    out = csvout_open(out_path, columns);
    free(columns);
}

static void put_mark(const struct group *g, enum mark k)
{
    csvout_str(out, g->is[k] ? g->is[k] : "");
}

static void put_row(const struct group *g, size_t channel, int have_outliers)
{
    const struct moments *m = &g->m[channel];
    struct moments_summary s;
    moments_summarise(m, unbiased, &s);
    for (enum mark k = by_mark[IN_FILE] ? IN_FILE : FRAME; k <= ROLE; k++)
        put_mark(g, k);
    if (by_channel)
        csvout_int(out, (int64_t)channel);
    else
        csvout_str(out, "");
    put_mark(g, DTYPE);
    put_mark(g, SHAPE);
    csvout_int(out, (int64_t)m->n);
    csvout_int(out, (int64_t)m->n_nonfinite);
    const double values[] = { s.mean, s.sd, s.skewness, s.kurtosis, s.kurtosis_se };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        csvout_num(out, values[i]);
    csvout_num(out, have_outliers && !isnan(s.sd) ? (double)g->n_outlier[channel] / (double)m->n : NAN);
    csvout_num(out, m->n ? m->max_abs : NAN);
    if (crest_group) {
        csvout_num(out, g->crest.n ? g->crest.sum / (double)g->crest.n : NAN);
        csvout_num(out, g->crest.n ? g->crest.max : NAN);
    }
    csvout_end_row(out);
    if (m->n_nonfinite)
        note(&nonfinite, g->is[NAME]);
    if (isnan(s.kurtosis))
        note(&undefined, g->is[NAME]);
}

static void put_group(const struct group *g, int have_outliers)
{
    for (size_t c = 0; c < g->n_channel; c++)
        put_row(g, c, have_outliers);
}

static void clear_groups(void)
{
    for (struct group *g = groups; g < groups + n_group; g++) {
        for (int k = 0; k < N_MARK; k++)
            free(g->is[k]);
        free(g->m);
        free(g->n_outlier);
        free(g->low);
        free(g->high);
    }
    n_group = next_group = 0;
}

/* ---- numbers of a tensor */

/* Where an array's numbers come from. */
struct source {
    int in_first; /* a matrix [in][out] */
    struct tensor_pick pick;
};

static void load_f32(const void *source, size_t from, size_t n, float *to)
{
    tensor_pick_f32(&((const struct source *)source)->pick, from, n, to);
}

static void load_f64(const void *source, size_t from, size_t n, double *to)
{
    tensor_pick_f64(&((const struct source *)source)->pick, from, n, to);
}

static void describe(struct profile_array *a, const struct source *source)
{
    const struct tensor *t = source->pick.t;
    *a = (struct profile_array){ 1, 1, t->n, source, load_f32, NULL, t->data, POWERS_F32 };
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

static void add_crest(struct crest *c, const struct source *s)
{
    const struct tensor *t = s->pick.t;
    size_t last = t->n_dim ? t->shape[t->n_dim - 1] : 1;
    struct crest_array a = { last ? t->n / last : 0, last, 1, (size_t)crest_group, s, load_f64 };
    if (s->in_first && t->n_dim == 2)
        a = (struct crest_array){ 1, t->shape[0], t->shape[1], (size_t)crest_group, s, load_f64 };
    crest_take(&a, (int)n_thread, c);
}

/* ---- what a tensor is for */

/* Layer, role and more, as far as its name tells; texts as columns have them, empty if there is none. */
struct station {
    int found; /* 1 a weight of a model, at `place`; 0 a buffer; -1 neither */
    struct lm_place place;
    int in_first;
    char layer[16], role[48];
};

static void find_station(const struct ts_reader *in, const char *name, struct station *s)
{
    const char *model_type = ts_meta(in, "model_type"), *at, *rest;
    const struct lm_family *family = model_type ? lm_family_find(model_type) : NULL;
    size_t len;
    int layer;
    *s = (struct station){ .found = -1 };
    if (!family)
        family = lm_family_guess(name);
    if (family)
        s->found = lm_place_find(family, name, &s->place);
    if (s->found > 0) {
        s->in_first = family->weights_in_out && s->place.layer >= 0;
        layer = s->place.layer;
        snprintf(s->role, sizeof s->role, "%s%s", lm_role_name(s->place.role),
                 s->place.is_bias ? "_bias" : "");
    } else if (s->found < 0 && lm_neurons_name(name, &layer, &at, &len, &rest)) {
        snprintf(s->role, sizeof s->role, "%s", at);
    } else {
        return;
    }
    if (layer >= 0)
        snprintf(s->layer, sizeof s->layer, "%d", layer);
}

/* Whether rows by layer or role have a place for it. */
static int has_row(const struct station *s)
{
    if (!by_mark[LAYER] && !by_mark[ROLE])
        return 1;
    if (!*s->role)
        return 0;
    return by_mark[ROLE] || by_mark[NAME] || s->found < 0 ||
           (*s->layer && !s->place.is_bias && lm_role_is_linear(s->place.role));
}

/* ---- tensors */

typedef void take_fn(const struct profile_array *, const struct source *, const char *const is[N_MARK]);
static take_fn add_tensor;
static struct lm_neurons *neurons;
static int last_layer_met = -1;

/* Calls take for the weights of the neurons of each language. */
static void take_selected(const struct source *whole, const struct station *station, const char *is[N_MARK],
                          take_fn *take)
{
    const struct tensor *t = whole->pick.t;
    if (station->found < 1 || station->place.is_bias)
        return;
    enum lm_neurons_side side = lm_neurons_side(site, station->place.role);
    if (side == LM_NEURONS_NONE)
        return;
    last_layer_met = station->place.layer > last_layer_met ? station->place.layer : last_layer_met;
    if (t->n_dim != 2)
        die("'%s': is no matrix", t->name);
    int dim = (side == LM_NEURONS_COLUMNS) != whole->in_first;
    for (size_t lang = 0; lang < lm_neurons_n_lang(neurons); lang++) {
        size_t width;
        const size_t *top = lm_neurons_top(neurons, lang, station->place.layer, &width);
        if (!top)
            continue;
        if (width != t->shape[dim])
            die("'%s': has %zu neurons, %s.%s in '%s' %zu", t->name, t->shape[dim], station->layer, site,
                select_path, width);
        struct source s = *whole;
        struct profile_array a;
        tensor_pick_lines(&s.pick, t, dim, top, (size_t)n_top);
        describe(&a, &s);
        a.plain = NULL;
        a.inner = s.pick.n;
        is[LANG] = lm_neurons_lang(neurons, lang);
        take(&a, &s, is);
    }
}

static void take_tensor(const struct ts_reader *in, const char *path, const char *frame,
                        const struct tensor *t, take_fn *take)
{
    char shape[TENSOR_SHAPE_MAX];
    struct station station;
    struct profile_array a;
    find_station(in, t->name, &station);
    if (!has_row(&station)) {
        if (station.found < 0 && take == add_tensor)
            note(&homeless, t->name);
        return;
    }
    const struct source source = { station.in_first, { .t = t, .n = t->n } };
    const char *is[N_MARK] = { path,
                               frame,
                               ts_meta(in, "lang"),
                               t->name,
                               *station.layer ? station.layer : NULL,
                               *station.role ? station.role : NULL,
                               t->dtype_name,
                               tensor_shape_text(t, shape) };
    if (neurons) {
        take_selected(&source, &station, is, take);
        return;
    }
    describe(&a, &source);
    take(&a, &source, is);
}

/* Calls take for each tensor chosen of each FILE, in order. */
static void walk(char **files, take_fn *take)
{
    size_t n_frame = 0;
    for (; *files; files++) {
        struct ts_reader *in = ts_open_in(*files, (int)n_thread);
        int got;
        for (; (got = ts_next_frame(in)) > 0; n_frame++) {
            char frame[24];
            struct tensor t;
            snprintf(frame, sizeof frame, "%zu", n_frame);
            while ((got = ts_next_in_frame(in, &t)) > 0) {
                if (t.dtype == TENSOR_OTHER || !glob_selects(only, skip, t.name))
                    continue;
                msg_progress("%s: frame %zu: %s", ts_path(in), n_frame, t.name);
                take_tensor(in, *files, frame, &t, take);
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

/* The first tensor of a group has its outliers counted at once: many groups get no other. */
static void add_tensor(const struct profile_array *a, const struct source *source,
                       const char *const is[N_MARK])
{
    struct group *g = lone ? NULL : find_group(is);
    n_taken++;
    if (!g) {
        g = new_group(is, a->n_channel);
        profile_take(a, &rule, (int)n_thread, g->m, g->n_outlier);
    } else {
        if (g->n_channel != a->n_channel)
            die("'%s': has %zu channels, a tensor of the same row has %zu", is[NAME], a->n_channel,
                g->n_channel);
        forget_other_marks(g, is);
        struct moments *piece = xcalloc(a->n_channel, sizeof *piece);
        profile_take(a, &rule, (int)n_thread, piece, NULL);
        for (size_t c = 0; c < a->n_channel; c++)
            moments_merge(&g->m[c], &piece[c]);
        free(piece);
    }
    g->n_tensor++;
    if (crest_group)
        add_crest(&g->crest, source);
    if (lone) {
        put_group(g, 1);
        clear_groups();
    }
}

static void count_tensor(const struct profile_array *a, const struct source *source,
                         const char *const is[N_MARK])
{
    struct group *g = find_group(is);
    (void)source;
    if (!g || g->n_channel != a->n_channel)
        die("'%s': the input has changed between two looks at it", is[NAME]);
    if (g->n_tensor > 1)
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
    int all = listed("all"), any = 0;
    by_channel = listed("channel");
    for (int k = 0; k < N_KEY; k++)
        any |= by_mark[k] = listed(mark_name[k]);
    if (all && (any || listed("tensor")))
        die_usage("--by: all goes with nothing but channel");
    if (select_path && by && !by_mark[LANG])
        die_usage("--by: with --select rows are of a language: list lang");
    if (select_path && (by_channel || crest_group))
        die_usage("--select: goes with neither --by channel nor --crest");
    if (by_channel && crest_group)
        die_usage("--crest: does not go with --by channel");
    if (select_path && !by)
        by_mark[LANG] = by_mark[LAYER] = by_mark[ROLE] = 1;
    else if (listed("tensor") || !(all || any))
        by_mark[FRAME] = by_mark[NAME] = 1;
    lone = by_mark[FRAME] && by_mark[NAME];
}

static void read_neurons(char **files)
{
    char why[LM_NEURONS_WHY_MAX];
    int reads_stdin = 0;
    for (char **f = files; *f; f++)
        reads_stdin |= !strcmp(*f, "-");
    if (!strcmp(select_path, "-") && reads_stdin)
        die_usage("--select: standard input cannot be both ACTIVATIONS and weights");
    neurons = lm_neurons_read(select_path, site, measure, (size_t)n_top, (int)n_thread, why);
    if (!neurons)
        die("%s: %s", select_path, why);
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
    int again = can_read_again(files), needed = 0;
    for (struct group *g = groups; g < groups + n_group; g++)
        for (size_t c = 0; g->n_tensor > 1 && c < g->n_channel; c++) {
            needed = 1;
            g->n_outlier[c] = 0;
            profile_ends(&rule, &g->m[c], &g->low[c], &g->high[c]);
        }
    if (again && needed)
        walk(files, count_tensor);
    for (struct group *g = groups; g < groups + n_group; g++)
        put_group(g, again || g->n_tensor == 1);
    clear_groups();
}

static void say(const struct trouble *t, const char *what, const char *more)
{
    if (t->n)
        warn("%s: %zu, the first '%s'%s", what, t->n, t->first, more);
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv);
    read_by();
    unbiased = !strcmp(estimator, "unbiased");
    rule = (struct profile_rule){ outlier_sd, !strcmp(around, "zero"), unbiased };
    if (select_path)
        read_neurons(files);
    put_header();
    walk(files, add_tensor);
    if (!n_taken && neurons)
        die("no weights belong to neurons of %s in the layers of '%s'", site, select_path);
    if (!n_taken)
        die("no tensor of numbers was chosen");
    if (neurons && lm_neurons_last_layer(neurons) > last_layer_met)
        warn("%s: has a layer %d, the model none beyond %d", select_path, lm_neurons_last_layer(neurons),
             last_layer_met);
    if (!lone)
        finish_groups(files);
    csvout_close(out);
    say(&homeless, "tensors of no known model, which are left out", "");
    say(&nonfinite, "rows with values that are not finite, which are left out", "; see n_nonfinite");
    say(&undefined, "rows without kurtosis (too few values, all equal, or squares beyond a double)", "");
    free(nonfinite.first);
    free(undefined.first);
    free(homeless.first);
    free(groups);
    lm_neurons_free(neurons);
    return 0;
}
