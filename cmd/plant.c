/* plant - outliers in the weights of a model that computes what it did, and their removal
 * in: a model (directory, file, or stream on stdin); out: a tensor stream of its weights, channels of chosen
 * layers rescaled. Holds one layer. SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/rng.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "io/tstream.h"
#include "lm/checkpoint.h"
#include "lm/pair.h"
#include "lm/parts.h"
#include "quant/pick.h"
#include "quant/rescale.h"
#include "weights/modelfile.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 21, SWEEPS = 32 }; /* weights written at a time; passes over the pairs of a layer */

static const char *out_path = "-", *report_path;
static char **layer_list, **pair_list;
static int64_t n_draw, n_channel = 4, level = TS_LEVEL, n_thread = 1;
static double factor = 64;
static int equalise, inexact, real;
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
    { 0, "inexact", CLI_FLAG, &inexact, 0, "let weights be rounded to their dtype; C may then be any number",
      0, 0, 0 },
    { 0, "real", CLI_FLAG, &real, 0,
      "--equalise: scales as they come, not the nearest powers of two; implies --inexact", 0, 0, 0 },
    { 0, "report", CLI_OUT, &report_path, "CSV", "write what it multiplied: layer, pair, channel, scale", 0,
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
        "multiplied by a scale and what writes it is divided by it, so the model stays the same function. "
        "With powers of two it does so to the last bit: no weight is rounded, and a weight that would be "
        "(leaving the range of its dtype) is an error. What changes is how much it hurts to round the "
        "weights: a few large columns take the range from all others.\n"
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
static char *layer_chosen; /* [n_layer] whether it is to be scaled */
static char pair_chosen[LM_N_PAIR];

/* A tensor as a matrix; a vector has one column. */
struct scaled {
    const struct tensor *t;
    const struct lm_place *place;
    int in_out; /* its rows are inputs */
    struct rescale_sheet sheet;
};

struct layer {
    int number;
    size_t n;
    struct scaled *tensor;
};

static void load(const void *tensor, size_t from, size_t n, double *to)
{
    tensor_to_f64(tensor, from, n, to);
}

static void store(const void *tensor, const double *in, size_t n, void *to)
{
    tensor_from_f64(in, n, ((const struct tensor *)tensor)->dtype, to);
}

static void unstore(const void *tensor, const void *in, size_t n, double *to)
{
    struct tensor t = *(const struct tensor *)tensor;
    t.data = in;
    tensor_to_f64(&t, 0, n, to);
}

static void set_up(struct scaled *h, const struct lm_part_tensor *from)
{
    const struct tensor *t = &from->t;
    int is_matrix = t->n_dim > 1;
    h->t = t;
    h->place = &from->place;
    h->in_out = is_matrix && config->family->weights_in_out;
    h->sheet = (struct rescale_sheet){ .rows = t->shape[0],
                                       .cols = is_matrix ? t->shape[1] : 1,
                                       .source = t,
                                       .load = load,
                                       .store = store,
                                       .unstore = unstore,
                                       .width = tensor_dtype_bytes(t->dtype) };
}

static _Noreturn void die_of(const struct scaled *h, int status)
{
    die("%s: '%s': %s%s", lm_checkpoint_path(model), h->t->name, rescale_why(status),
        status == RESCALE_ROUNDED ? "; --inexact allows it" : "");
}

/* ---- scales */

/* Whether the outputs, or the inputs, of a tensor are its columns. */
static int are_columns(const struct scaled *h, enum lm_pair_end end)
{
    return (end == LM_PAIR_READS) != h->in_out;
}

static double *ones(size_t n)
{
    double *x = xnew(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = 1;
    return x;
}

/* Multiplies the channels of a pair by scale[] where they are read, divides them where they are written. */
static void scale_pair(struct layer *l, enum lm_pair pair, const double *scale)
{
    for (size_t i = 0; i < l->n; i++) {
        struct scaled *h = &l->tensor[i];
        enum lm_pair_end end = lm_pair_end(config, pair, h->place);
        if (end == LM_PAIR_NEITHER)
            continue;
        double **s = are_columns(h, end) ? &h->sheet.col : &h->sheet.row;
        size_t n = are_columns(h, end) ? h->sheet.cols : h->sheet.rows;
        *s = *s ? *s : ones(n);
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
        double *row_max = xnew(h->sheet.rows, sizeof *row_max),
               *col_max = xnew(h->sheet.cols, sizeof *col_max);
        int status = rescale_largest(&h->sheet, (int)n_thread, row_max, col_max);
        if (status < 0)
            die_of(h, status);
        const double *most = are_columns(h, end) ? col_max : row_max;
        double *largest = end == LM_PAIR_READS ? reads : writes;
        for (size_t k = 0; k < (are_columns(h, end) ? h->sheet.cols : h->sheet.rows); k++) {
            long channel = lm_pair_channel(config, pair, h->place, k);
            if (channel >= 0 && most[k] > largest[channel])
                largest[channel] = most[k];
        }
        free(row_max);
        free(col_max);
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
    double *scale = ones(n);
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
        writes[k] = rescale_even_out(writes[k], reads[k], !real);
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
    for (int p = 0; p < LM_N_PAIR; p++)
        total[p] = ones(lm_pair_channels(config, p));
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
    const struct rescale_sheet *s = &h->sheet;
    size_t most = s->cols < PIECE ? PIECE / s->cols : 1, n;
    if (!s->row && !s->col) {
        ts_out_data(out, h->t->data, h->t->n_bytes);
        return;
    }
    for (size_t at = 0; at < s->rows; at += n) {
        n = s->rows - at < most ? s->rows - at : most;
        piece = xrealloc(piece, n * s->cols, s->width);
        int status = rescale_rows(s, at, n, !inexact, (int)n_thread, piece);
        if (status < 0)
            die_of(h, status);
        ts_out_data(out, piece, n * s->cols * s->width);
    }
}

static void put_part(const struct lm_tensors *part)
{
    struct layer l = { part->layer, part->n, xcalloc(part->n, sizeof *l.tensor) };
    struct tensor *described = xnew(part->n, sizeof *described);
    for (size_t i = 0; i < part->n; i++) {
        described[i] = part->at[i].t;
        set_up(&l.tensor[i], &part->at[i]);
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
        free(l.tensor[i].sheet.row);
        free(l.tensor[i].sheet.col);
    }
    free(described);
    free(l.tensor);
}

/* ---- what is wanted */

/* The layers of --layer, or all. */
static size_t list_layers(void)
{
    size_t n = (size_t)config->n_layer, n_listed = 0;
    int first, last;
    layer_chosen = xcalloc(n, 1);
    for (char **item = layer_list; item && *item; item++) {
        if (pick_layers(*item, &first, &last) < 0)
            die_usage("--layer: '%s' is neither N nor N-M", *item);
        if (last >= config->n_layer)
            die("%s: there is no layer %d: it has %d, 0 to %d", lm_checkpoint_path(model), last,
                config->n_layer, config->n_layer - 1);
        memset(layer_chosen + first, 1, (size_t)(last - first) + 1);
    }
    for (size_t i = 0; i < n; i++)
        n_listed += layer_chosen[i] |= !layer_list;
    return n_listed;
}

static void choose_layers(void)
{
    size_t n_listed = list_layers(), k = 0;
    if (!n_draw)
        return;
    if ((size_t)n_draw > n_listed)
        die("%s: --draw: there are only %zu layers to draw from", lm_checkpoint_path(model), n_listed);
    char *drawn = xcalloc(n_listed, 1);
    draw(n_listed, (size_t)n_draw, 0, drawn);
    for (int i = 0; i < config->n_layer; i++)
        if (layer_chosen[i])
            layer_chosen[i] = drawn[k++];
    free(drawn);
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
    cli_refuse_if(!equalise, &real, "without --equalise");
    inexact |= real;
    cli_refuse_if(equalise, &factor, "with --equalise");
    cli_refuse_if(equalise, &n_channel, "with --equalise");
    cli_refuse_if(equalise && !n_draw, &seed, "with --equalise without --draw");
}

int main(int argc, char **argv)
{
    const char *path = *cli_parse(&prog, opts, argc, argv);
    const struct lm_tensors *part;
    int got;
    check_options();
    model = modelfile_open(path, (int)n_thread);
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
    modelfile_warn(model);
    if (report)
        csvout_close(report);
    ts_close_out(out);
    lm_parts_free(parts);
    lm_checkpoint_close(model);
    free(layer_chosen);
    msg_progress_end();
    return 0;
}
