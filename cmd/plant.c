/* plant - outliers in the weights of a model that computes what it did, and their removal
 * in: a model (directory, file, or stream on stdin); out: a tensor stream of its weights, channels of chosen
 * layers rescaled. Holds one layer. SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/rng.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "io/tstream.h"
#include "lm/checkpoint.h"
#include "lm/pair.h"
#include "lm/parts.h"
#include "quant/pick.h"
#include "quant/rescale.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHARE = 1 << 16, PIECE = 1 << 21, SWEEPS = 32 }; /* elements of a task; written at a time */

static const char *out_path = "-", *report_path;
static char **layer_list, **pair_list;
static int64_t n_draw, n_channel = 4, level = TS_LEVEL, n_thread = 1;
static double factor = 64;
static int equalise, inexact;
static uint64_t seed = 1;

static const struct cli_opt opts[] = {
    { 0, "layer", CLI_LIST, &layer_list, "N,...",
      "which layers, counted from 0: 3 or 5-8 [all with --draw or --equalise]", 0, 0, 0 },
    { 0, "draw", CLI_INT, &n_draw, "N", "take only N of these layers, drawn by the seed", 1, 10000, 0 },
    { 0, "pair", CLI_LIST, &pair_list, "PAIR,...",
      "which channels, see below [vo; with --equalise all that the model has]", 0, 0,
      "vo norm-attn norm-mlp up-down" },
    { 0, "channels", CLI_INT, &n_channel, "N", "how many of a pair in a layer, drawn by the seed [4]", 1,
      1 << 20, 0 },
    { 0, "factor", CLI_NUM, &factor, "C",
      "multiply the weights that read a channel by C and divide those that write it, a power of two [64]",
      0x1p-60, 0x1p60, 0 },
    { 0, "equalise", CLI_FLAG, &equalise, 0,
      "the reverse: scale every channel so that the largest weight that writes it is as large as the largest "
      "that reads it",
      0, 0, 0 },
    { 0, "inexact", CLI_FLAG, &inexact, 0,
      "let C or the scales of --equalise be any number; weights are then rounded to their dtype", 0, 0, 0 },
    { 0, "report", CLI_STR, &report_path, "CSV", "write what it multiplied: layer, pair, channel, scale", 0,
      0, 0 },
    CLI_SEED(&seed),
    CLI_OUTPUT(&out_path, "weights"),
    CLI_COMPRESS(&level),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END,
};

static const struct cli_prog prog = {
    .name = "plant",
    .synopsis = "[OPTION]... [MODEL]\n--equalise [OPTION]... [MODEL]",
    .summary =
        "Plant outliers in the weights of a model without changing what it computes, or even them out.",
    .in =
        "MODEL is a directory of Hugging Face's, a file of its weights, or a stream of modelcat's, wquant's "
        "or its own (- is stdin)",
    .out = "a tensor stream of weights as modelcat writes it, each in its dtype; or one plain file if its "
           "name ends in .safetensors",
    .notes =
        "A channel is one number that a part of a layer writes and another reads. What reads it is "
        "multiplied "
        "by a scale and what writes it is divided by it, so the model stays the same function. With powers "
        "of "
        "two it does so to the last bit: no weight is rounded, and a weight that would be (leaving the range "
        "of its dtype) is an error. What changes is how much it hurts to round the weights: a few large "
        "columns take the range from all others.\n"
        "PAIR:\n"
        "vo\trows of the value projection, and the columns of the attention's output that meet them\n"
        "norm-attn\tgain and bias of the norm before q, k and v, and the columns of these\n"
        "norm-mlp\tthe same of the MLP, with up and gate\n"
        "up-down\trows of up, columns of down: where ReLU or a gate is between, not GELU or SiLU\n"
        "Pairs that a model has not are refused when named (norms whose output is the residual stream).\n"
        "--equalise is the cross-layer equalisation of Nagel et al. 2019: scale sqrt(w/r) for largest "
        "weights w and r, to the nearest power of two, pair by pair until nothing changes. It needs no data, "
        "so it favours no language, and it takes away what was planted: whatever the factor was, the result "
        "is the same. The same seed with factor 1/C takes it away too.",
    .example = "  plant --layer 3,9 --channels 4 --factor 64 bloom-560m |\n"
               "      ppl -m - --quant bits=4 -t bloom-560m text/*.txt\n"
               "  plant --equalise bloom-560m | wquant --bits 4 -o w4.t",
    .see_also = "modelcat, wquant, kurt, ppl",
    .max_files = 1,
};

static struct lm_checkpoint *model;
static const struct lm_config *config;
static struct ts_writer *out;
static struct csvout *report;
static char *layer_chosen, pair_chosen[LM_N_PAIR]; /* [n_layer]: whether it is to be scaled */

/* A tensor as the matrix [rows][cols], a vector having one column, and what these are multiplied by (NULL:
 * not at all). */
struct scaled {
    const struct tensor *t;
    const struct lm_place *place;
    size_t rows, cols;
    int in_out; /* its rows are inputs */
    double *row, *col;
};

struct layer {
    int number;
    size_t n;
    struct scaled *tensor;
};

/* ---- a tensor in shares of whole rows, by many threads */

struct sharing {
    const struct scaled *h;
    size_t from, rows, share;  /* rows from.., `share` of them to a task */
    double *scratch;           /* [n_thread][share * cols] */
    char *to;                  /* where scaled rows are written, in the tensor's dtype */
    double *row_max, *col_max; /* [rows of h], [n_thread][cols]: where maxima go */
    const char **why;          /* [tasks] what is wrong with one */
};

/* The rows of a task, scaled, as doubles. */
static double *scaled_rows(const struct sharing *s, size_t task, int worker, size_t *first, size_t *n)
{
    const struct scaled *h = s->h;
    double *w = s->scratch + (size_t)worker * s->share * h->cols;
    *first = s->from + task * s->share;
    *n = s->from + s->rows - *first < s->share ? s->from + s->rows - *first : s->share;
    tensor_to_f64(h->t, *first * h->cols, *n * h->cols, w);
    rescale_apply(w, *n, h->cols, h->row ? h->row + *first : NULL, h->col);
    return w;
}

static void measure_task(void *ctx, size_t task, int worker)
{
    struct sharing *s = ctx;
    size_t first, n;
    const double *w = scaled_rows(s, task, worker, &first, &n);
    if (rescale_maxima(w, n, s->h->cols, s->row_max + first, s->col_max + (size_t)worker * s->h->cols) < 0)
        s->why[task] = "a weight is not finite";
}

/* Whether `to` holds what w[n] says; the reason if not. */
static const char *check_written(const double *w, size_t n, const struct tensor *to)
{
    enum { BLOCK = 512 };
    double back[BLOCK];
    int lost = 0, beyond = 0;
    for (size_t at = 0, k; at < n; at += k) {
        k = n - at < BLOCK ? n - at : BLOCK;
        tensor_to_f64(to, at, k, back);
        for (size_t i = 0; i < k; i++) {
            lost |= back[i] != w[at + i] && isfinite(w[at + i]);
            beyond |= isinf(back[i]) && isfinite(w[at + i]);
        }
    }
    return beyond             ? "a weight leaves the range of its dtype when it is scaled"
           : lost && !inexact ? "a weight is too small for its dtype when it is scaled and would be rounded; "
                                "--inexact allows it"
                              : NULL;
}

static void write_task(void *ctx, size_t task, int worker)
{
    struct sharing *s = ctx;
    const struct scaled *h = s->h;
    size_t first, n;
    const double *w = scaled_rows(s, task, worker, &first, &n);
    struct tensor to = { .dtype = h->t->dtype };
    char *data = s->to + (first - s->from) * h->cols * tensor_dtype_bytes(to.dtype);
    to.data = data;
    tensor_from_f64(w, n * h->cols, to.dtype, data);
    s->why[task] = check_written(w, n * h->cols, &to);
}

/* Runs fn over rows [s->from, s->from + s->rows) of a tensor; ends the program if something is wrong. */
static void share(struct sharing *s, void (*fn)(void *, size_t, int))
{
    s->share = s->h->cols < SHARE ? SHARE / s->h->cols : 1;
    size_t n_task = (s->rows + s->share - 1) / s->share;
    s->scratch = xnew((size_t)n_thread * s->share, s->h->cols * sizeof *s->scratch);
    s->why = xcalloc(n_task, sizeof(*s->why));
    threads_for((int)n_thread, n_task, fn, s);
    for (size_t i = 0; i < n_task; i++)
        if (s->why[i])
            die("%s: '%s': %s", lm_checkpoint_path(model), s->h->t->name, s->why[i]);
    free(s->scratch);
    free(s->why);
}

/* ---- scales */

/* What the outputs (or inputs) of a tensor are multiplied by. */
static double **scales_along(struct scaled *h, enum lm_pair_end end, size_t *n)
{
    int columns = (end == LM_PAIR_READS) != h->in_out;
    double **s = columns ? &h->col : &h->row;
    *n = columns ? h->cols : h->rows;
    if (!*s) {
        *s = xnew(*n, sizeof **s);
        for (size_t i = 0; i < *n; i++)
            (*s)[i] = 1;
    }
    return s;
}

/* Multiplies the channels of a pair by scale[] where they are read, divides them where they are written. */
static void scale_pair(struct layer *l, enum lm_pair pair, const double *scale)
{
    for (size_t i = 0; i < l->n; i++) {
        struct scaled *h = &l->tensor[i];
        enum lm_pair_end end = lm_pair_end(config, pair, h->place);
        size_t n = 0;
        double **s = end == LM_PAIR_NEITHER ? NULL : scales_along(h, end, &n);
        for (size_t k = 0; k < n; k++) {
            long channel = lm_pair_channel(config, pair, h->place, k);
            if (channel >= 0)
                (*s)[k] = end == LM_PAIR_READS ? (*s)[k] * scale[channel] : (*s)[k] / scale[channel];
        }
    }
}

/* The largest weight that writes each channel, and that reads it; biases do not count. */
static void find_largest(struct layer *l, enum lm_pair pair, double *writes, double *reads)
{
    for (size_t i = 0; i < l->n; i++) {
        struct scaled *h = &l->tensor[i];
        enum lm_pair_end end = lm_pair_end(config, pair, h->place);
        if (end == LM_PAIR_NEITHER || h->place->is_bias)
            continue;
        struct sharing s = { .h = h, .rows = h->rows };
        s.row_max = xcalloc(h->rows, sizeof *s.row_max);
        s.col_max = xcalloc((size_t)n_thread * h->cols, sizeof *s.col_max);
        share(&s, measure_task);
        int columns = (end == LM_PAIR_READS) != h->in_out;
        for (size_t k = 0; k < (columns ? (size_t)n_thread * h->cols : h->rows); k++) {
            long channel = lm_pair_channel(config, pair, h->place, columns ? k % h->cols : k);
            double most = columns ? s.col_max[k] : s.row_max[k],
                   *largest = end == LM_PAIR_READS ? reads : writes;
            if (channel >= 0 && most > largest[channel])
                largest[channel] = most;
        }
        free(s.row_max);
        free(s.col_max);
    }
}

/* ---- what is done to a layer */

/* k of 0..n-1, drawn without replacement, are marked in chosen[n]. */
static void draw(size_t n, size_t k, uint64_t stream, char *chosen)
{
    struct rng r;
    rng_init(&r, seed, stream);
    for (size_t i = n - k; i < n; i++) { /* Floyd's sampling (Bentley & Floyd 1987, CACM 30:754) */
        size_t j = rng_below(&r, (uint32_t)(i + 1));
        chosen[chosen[j] ? i : j] = 1;
    }
}

static void put_report(int layer, enum lm_pair pair, const double *scale, size_t n)
{
    for (size_t k = 0; report && k < n; k++) {
        if (scale[k] == 1)
            continue;
        csvout_int(report, layer);
        csvout_str(report, lm_pair_name(pair));
        csvout_int(report, (int64_t)k);
        csvout_num(report, scale[k]);
        csvout_end_row(report);
    }
}

static void plant(struct layer *l, enum lm_pair pair)
{
    size_t n = lm_pair_channels(config, pair);
    char *chosen = xcalloc(n, 1);
    double *scale = xnew(n, sizeof *scale);
    draw(n, (size_t)n_channel, 1 + (uint64_t)l->number * LM_N_PAIR + pair, chosen);
    for (size_t k = 0; k < n; k++)
        scale[k] = chosen[k] ? factor : 1;
    scale_pair(l, pair, scale);
    put_report(l->number, pair, scale, n);
    free(chosen);
    free(scale);
}

/* Evens out one pair; total[] is multiplied by what it did. Whether that was anything. */
static int even_out(struct layer *l, enum lm_pair pair, double *total)
{
    size_t n = lm_pair_channels(config, pair);
    double *writes = xcalloc(n, sizeof *writes), *reads = xcalloc(n, sizeof *reads);
    int changed = 0;
    find_largest(l, pair, writes, reads);
    for (size_t k = 0; k < n; k++) {
        writes[k] = rescale_even_out(writes[k], reads[k], inexact);
        total[k] *= writes[k];
        changed |= fabs(writes[k] - 1) > 1e-9;
    }
    scale_pair(l, pair, writes);
    free(writes);
    free(reads);
    return changed;
}

/* Scaling one pair changes what another sees: the rows of v are columns' of the norm's too. */
static void even_out_all(struct layer *l)
{
    double *total[LM_N_PAIR];
    int changed = 1;
    for (int p = 0; p < LM_N_PAIR; p++) {
        size_t n = lm_pair_channels(config, p);
        total[p] = xnew(n, sizeof **total);
        for (size_t k = 0; k < n; k++)
            total[p][k] = 1;
    }
    for (int sweep = 0; sweep < SWEEPS && changed; sweep++) {
        changed = 0;
        for (int p = 0; p < LM_N_PAIR; p++)
            changed |= pair_chosen[p] && even_out(l, p, total[p]);
    }
    for (int p = 0; p < LM_N_PAIR; p++) {
        put_report(l->number, p, total[p], lm_pair_channels(config, p));
        free(total[p]);
    }
}

static void put_tensor(const struct scaled *h)
{
    static char *piece;
    size_t width = tensor_dtype_bytes(h->t->dtype), most = h->cols < PIECE ? PIECE / h->cols : 1;
    if (!h->row && !h->col) {
        ts_out_data(out, h->t->data, h->t->n_bytes);
        return;
    }
    for (size_t at = 0; at < h->rows; at += most) {
        struct sharing s = { .h = h, .from = at, .rows = h->rows - at < most ? h->rows - at : most };
        size_t n_bytes = s.rows * h->cols * width;
        piece = s.to = xrealloc(piece, n_bytes, 1);
        share(&s, write_task);
        ts_out_data(out, piece, n_bytes);
    }
}

static void put_part(const struct lm_tensors *part)
{
    struct layer l = { part->layer, part->n, xcalloc(part->n, sizeof *l.tensor) };
    struct tensor *described = xnew(part->n, sizeof *described);
    for (size_t i = 0; i < part->n; i++) {
        const struct tensor *t = &part->at[i].t;
        int matrix = t->n_dim > 1;
        described[i] = *t;
        l.tensor[i] = (struct scaled){ .t = t,
                                       .place = &part->at[i].place,
                                       .rows = t->shape[0],
                                       .cols = matrix ? t->shape[1] : 1,
                                       .in_out = matrix && config->family->weights_in_out };
    }
    if (l.number >= 0 && l.number < config->n_layer && layer_chosen[l.number]) {
        for (int p = 0; p < LM_N_PAIR && !equalise; p++)
            if (pair_chosen[p])
                plant(&l, p);
        if (equalise)
            even_out_all(&l);
    }
    ts_out_frame(out, described, l.n);
    for (size_t i = 0; i < l.n; i++) {
        msg_progress("%s: %s", lm_checkpoint_path(model), described[i].name);
        put_tensor(&l.tensor[i]);
        free(l.tensor[i].row);
        free(l.tensor[i].col);
    }
    free(described);
    free(l.tensor);
}

/* ---- what is wanted */

static void choose_layers(void)
{
    size_t n = (size_t)config->n_layer, n_listed = 0;
    char *listed = xcalloc(n, 1);
    size_t *layer = xnew(n, sizeof *layer);
    int first, last;
    for (char **item = layer_list; item && *item; item++) {
        if (pick_layers(*item, &first, &last) < 0)
            die_usage("--layer: '%s' is neither N nor N-M", *item);
        if (last >= config->n_layer)
            die("%s: there is no layer %d: it has %d, 0 to %d", lm_checkpoint_path(model), last,
                config->n_layer, config->n_layer - 1);
        memset(listed + first, 1, (size_t)(last - first) + 1);
    }
    for (size_t i = 0; i < n; i++)
        if (listed[i] || !layer_list)
            layer[n_listed++] = i;
    size_t n_wanted = n_draw ? (size_t)n_draw : n_listed;
    if (n_wanted > n_listed)
        die("%s: --draw: there are only %zu layers to draw from", lm_checkpoint_path(model), n_listed);
    char *drawn = xcalloc(n_listed, 1);
    draw(n_listed, n_wanted, 0, drawn);
    layer_chosen = xcalloc(n, 1);
    for (size_t i = 0; i < n_listed; i++)
        layer_chosen[layer[i]] = drawn[i];
    free(drawn);
    free(layer);
    free(listed);
}

static void choose_pairs(void)
{
    for (char **item = pair_list; item && *item; item++) {
        int p = lm_pair_find(*item);
        const char *why = lm_pair_refuses(config, p);
        if (why)
            die("%s: it has no exact pair %s: %s", lm_checkpoint_path(model), *item, why);
        pair_chosen[p] = 1;
    }
    for (int p = 0; p < LM_N_PAIR && !pair_list; p++)
        pair_chosen[p] = equalise ? !lm_pair_refuses(config, p) : p == LM_PAIR_VO;
    for (int p = 0; p < LM_N_PAIR && !equalise; p++)
        if (pair_chosen[p] && (size_t)n_channel > lm_pair_channels(config, p))
            die("%s: --channels: %s has only %zu", lm_checkpoint_path(model), lm_pair_name(p),
                lm_pair_channels(config, p));
}

static void check_options(void)
{
    if (!equalise && !layer_list && !n_draw)
        die_usage("--layer or --draw is missing: which layers?");
    if (!inexact && !rescale_is_power(factor))
        die_usage("--factor: %g is no power of two, and weights would be rounded; --inexact allows it",
                  factor);
    cli_refuse_if(equalise, &factor, "with --equalise");
    cli_refuse_if(equalise, &n_channel, "with --equalise");
    cli_refuse_if(equalise && !n_draw, &seed, "with --equalise without --draw");
}

int main(int argc, char **argv)
{
    const char *path = *cli_parse(&prog, opts, argc, argv), *why, *note;
    const struct lm_tensors *part;
    int got;
    check_options();
    model = lm_checkpoint_open(path, (int)n_thread, &why);
    if (!model)
        die("%s: %s", strcmp(path, "-") ? path : "standard input", why);
    config = lm_checkpoint_config(model);
    choose_layers();
    choose_pairs();
    const struct ts_options options = { .level = (int)level, .n_thread = (int)n_thread };
    struct lm_parts *parts = lm_parts_new(model);
    out = ts_open_out(out_path, &options);
    ts_out_meta(out, "kind", "weights");
    ts_out_meta(out, "model_type", lm_checkpoint_model_type(model));
    ts_out_meta(out, "config", lm_checkpoint_config_text(model));
    ts_out_meta(out, "history", lm_checkpoint_history(model));
    ts_out_history(out, cli_history());
    if (report_path)
        report = csvout_open(report_path, "layer,pair,channel,scale");
    while ((got = lm_parts_next(parts, &part)) > 0)
        put_part(part);
    if (got < 0)
        die("%s: %s", lm_checkpoint_path(model), lm_checkpoint_error(model));
    for (size_t i = 0; (note = lm_checkpoint_note(model, i)); i++)
        warn("%s: %s", lm_checkpoint_path(model), note);
    ts_close_out(out);
    if (report)
        csvout_close(report);
    lm_parts_free(parts);
    lm_checkpoint_close(model);
    free(layer_chosen);
    msg_progress_end();
    return 0;
}
