/* wquant - rounds the weights of a model to a few bits
 * in: a tensor stream of weights or safetensors (FILE or stdin); out: the same with weights rounded, in their
 * dtype; or a directory of packed weights. Holds one tensor. SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "cli/cli.h"
#include "io/bytein.h"
#include "io/csvin.h"
#include "io/csvout.h"
#include "io/outdir.h"
#include "io/outfile.h"
#include "io/tstream.h"
#include "lm/quantconfig.h"
#include "quant/matrix.h"
#include "quant/pack.h"
#include "quant/recipe.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *out_path = "-", *bits = "4", *grid = "ct", *per = "channel", *clip = "minmax",
                  *scale = "auto", *bias = "none", *recipe_path, *report_path, *report_by = "tensor",
                  *pack_path;
static char **only, **skip;
static int beyond, embed_too, head_too;
static int64_t level = TS_LEVEL, n_thread = 1;

static const struct cli_opt opts[] = {
    { 0, "bits", CLI_STR, &bits, "N", "bits of a weight, 2 to 8; 16 leaves weights as they are [4]", 0, 0,
      0 },
    { 0, "grid", CLI_STR, &grid, "GRID", "whose levels, see below [ct]", 0, 0, 0 },
    { 0, "per", CLI_STR, &per, "CELL",
      "what shares a scale: tensor, channel, or group:N of N weights along the input [channel]", 0, 0, 0 },
    { 0, "clip", CLI_STR, &clip, "RULE", "where the range of a cell ends, see below [minmax]", 0, 0, 0 },
    { 0, "beyond", CLI_FLAG, &beyond, 0, "let a rule go beyond the largest weight; else it ends there", 0, 0,
      0 },
    { 0, "scale", CLI_STR, &scale, "DTYPE",
      "round scales to f32, f16, bf16 or the weights' own (same); auto: same with ct and ct-asym, else f32 "
      "[auto]",
      0, 0, 0 },
    { 0, "bias", CLI_CHOICE, &bias, "WHAT",
      "correct each output channel: its mean, or mean and spread (ACIQ) [none]", 0, 0, "none mean both" },
    { 0, "only", CLI_LIST, &only, "ITEM,...", "quantise only tensors that are listed, see below", 0, 0, 0 },
    { 0, "skip", CLI_LIST, &skip, "ITEM,...", "leave alone tensors that are listed", 0, 0, 0 },
    { 0, "embed", CLI_FLAG, &embed_too, 0, "quantise the embedding too (and a tied head with it)", 0, 0, 0 },
    { 0, "head", CLI_FLAG, &head_too, 0, "quantise a head of its own too", 0, 0, 0 },
    { 0, "recipe", CLI_STR, &recipe_path, "CSV", "quantise tensors as the rows of a table say, see below", 0,
      0, 0 },
    { 0, "report", CLI_STR, &report_path, "CSV", "write what it did to each tensor", 0, 0, 0 },
    { 0, "report-by", CLI_CHOICE, &report_by, "WHAT", "rows of the report [tensor]", 0, 0, "tensor channel" },
    { 0, "pack", CLI_STR, &pack_path, "DIR",
      "write DIR for transformers and vLLM instead: config.json, and 4 or 8 bits packed as "
      "compressed-tensors has it",
      0, 0, 0 },
    CLI_OUTPUT(&out_path, "weights"),
    CLI_COMPRESS(&level),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END,
};

static const struct cli_prog prog = {
    .name = "wquant",
    .synopsis = "[OPTION]... [FILE]\n--pack DIR [OPTION]... [FILE]",
    .summary = "Round the weights of a model to the nearest of a few levels.",
    .in = "a tensor stream of weights, as modelcat writes it, or safetensors (with config.json beside FILE)",
    .out = "the same stream, what was quantised rounded in its own dtype: any program that reads the one "
           "reads the other",
    .notes =
        "Quantised are the matrices of attention and MLP, with output channels as the family has them "
        "(columns in gpt2). "
        "All else stays as it is, unless it is asked for by --embed, --head, or a role or name in full in "
        "--only or a "
        "recipe. In a stream that is no model of a known family, every tensor of floats with two dimensions "
        "or more is "
        "quantised.\n"
        "GRID, with H = 2^(bits-1) and a the end of the range: absmax, scale a/(H-1), levels -(H-1)..H-1; "
        "qmax, the same down to -H; qmin, a/H; ct, a/(H-1/2), as compressed-tensors; gptq, the same as the "
        "code of GPTQ's authors has it, where cells without negative weights get half their range; q4_0, the "
        "largest weight/-H, as llama.cpp; midrise, a/H, levels half a scale off 0, as ACIQ. With a zero "
        "point: ct-asym, gptq-asym. Halves go to even.\n"
        "RULE: minmax; pct:P, the percentile P of |w| (99.9); aciq-gauss and aciq-laplace, the optimum of "
        "Banner et "
        "al. 2019 for the grid's own step; mse, the least squared error of 641 ranges, each 1.1 % smaller "
        "than the "
        "one before; kurt, aciq-gauss * (1 + excess kurtosis / 10); gennorm, the optimum for the generalised "
        "Gauss "
        "of that kurtosis.\n"
        "ITEM: a pattern for names as '*.mlp.*'; layer:5 or layer:20-23; role:ROLE, also a pattern: embed, "
        "project_in, position, embed_norm, attn_norm, attn_qkv, attn_q, attn_k, attn_v, attn_out, mlp_norm, "
        "mlp_gate, "
        "mlp_up, mlp_down, final_norm, project_out, head. In --only kinds restrict each other: "
        "layer:3,role:mlp_* is "
        "the MLP of layer 3.\n"
        "A recipe has columns that say for which tensors a row is (name, layer, role) and how they are "
        "quantised "
        "(bits, grid, per, group, clip, scale, bias, beyond; what is empty is as the options say); others "
        "are "
        "ignored. The first row that is for a tensor counts; bits 16 leaves it alone. --only and --skip hold "
        "as well.\n"
        "The report has alpha, half the range, and scale as means over cells; mse, sqnr_db and clipped_share "
        "of what "
        "was written; predicted_mse_gauss and _laplace, clipping noise plus scale^2/12 (Banner et al.).",
    .example = "  modelcat bloom-560m | wquant --bits 4 --clip mse --report report.csv -o w4.t\n"
               "  modelcat llama | wquant --pack llama-w4g128 --per group:128 --clip mse",
    .see_also = "modelcat, ppl, kurt, tensorcat",
    .max_files = 1,
};

/* ---- the model, as far as the stream or a config.json beside the file tells it */

static char *config;                   /* text; NULL: not known */
static const struct lm_family *family; /* NULL: not known */

static char *read_text(const char *path)
{
    const char *why;
    size_t n;
    struct bytein *in = bytein_open(path, 1, &why);
    const void *all = in ? bytein_all(in, &n) : NULL;
    char *text = all ? xstrndup(all, n) : NULL;
    if (in)
        bytein_close(in);
    return text;
}

static void learn_model(const struct ts_reader *in, const char *path)
{
    const char *type = ts_meta(in, "model_type"), *text = ts_meta(in, "config");
    json_t *root = NULL;
    if (text) {
        free(config);
        config = xstrdup(text);
    } else if (!config && strcmp(path, "-") != 0) {
        const char *slash = strrchr(path, '/');
        char *beside = xsprintf("%.*sconfig.json", slash ? (int)(slash + 1 - path) : 0, path);
        config = read_text(beside);
        free(beside);
    }
    if (!type && config) {
        root = json_loads(config, 0, NULL);
        type = json_string_value(json_object_get(root, "model_type"));
    }
    if (type)
        family = lm_family_find(type);
    json_decref(root);
}

/* ---- what is to be done with a tensor */

static struct quant_spec usual;
static struct quant_recipe *recipe;
static size_t n_done;
static char *only_used, *skip_used; /* [items]: whether there was such a tensor */
static int had_embed, had_head;

struct decision {
    int quantise;
    struct quant_spec spec;
    struct pick_subject subject;
    int linear;        /* a module that loaders know as Linear */
    size_t rows, cols; /* output channels, inputs */
    int in_out;        /* stored [cols][rows] */
};

/* What t is: fills subject, linear and in_out. Returns whether it is quantised without being asked for. */
static int look_up(const struct tensor *t, struct decision *d)
{
    const struct lm_family *f = family ? family : lm_family_guess(t->name);
    struct lm_place p = { .layer = -1 };
    int got = f ? lm_place_find(f, t->name, &p) : -1;
    d->subject = (struct pick_subject){ t->name, -1, NULL };
    if (got <= 0)
        return !f && t->n_dim >= 2;
    d->subject.layer = p.layer;
    d->subject.role = p.is_bias ? NULL : lm_role_name(p.role);
    had_embed |= p.role == LM_EMBED;
    had_head |= p.role == LM_HEAD;
    d->linear = lm_role_is_linear(p.role) && !p.is_bias && t->n_dim == 2;
    d->in_out = f->weights_in_out && d->linear && p.layer >= 0;
    if (p.is_bias)
        return 0;
    return p.role == LM_EMBED ? embed_too : p.role == LM_HEAD ? head_too : d->linear && p.layer >= 0;
}

/* Ends the program if a matrix cannot be packed. */
static void check_pack(const struct tensor *t, struct decision *d)
{
    static const char suffix[] = ".weight";
    size_t n = strlen(t->name);
    const char *why = pack_refuses(&d->spec, d->cols);
    if (d->in_out)
        why = "it is stored [in][out] (Conv1D), for which compressed-tensors has no layer";
    else if (!d->linear || n < sizeof suffix || strcmp(t->name + n - (sizeof suffix - 1), suffix) != 0)
        why = "it is not the weight of a linear layer";
    else if (t->dtype == TENSOR_F64)
        why = "it is F64";
    if (why)
        die("'%s': cannot be packed: %s", t->name, why);
    d->spec.scale = QUANT_SCALE_SAME;
}

static void decide(const struct tensor *t, struct decision *d)
{
    int is_float = t->dtype == TENSOR_F64 || t->dtype == TENSOR_F32 || t->dtype == TENSOR_F16 ||
                   t->dtype == TENSOR_BF16;
    int asked = 0;
    *d = (struct decision){ .spec = usual };
    int wanted = look_up(t, d);
    pick_note(only, &d->subject, &only_used);
    pick_note(skip, &d->subject, &skip_used);
    if (!is_float || !t->n || !t->n_dim)
        return;
    if (recipe)
        quant_recipe_apply(recipe, &d->subject, &d->spec, &asked);
    wanted |= asked || pick_exactly(only, &d->subject);
    if (!wanted || !pick_only(only, &d->subject) || pick_any(skip, &d->subject))
        return;
    n_done++;
    d->quantise = d->spec.bits < 16;
    d->cols = t->shape[d->in_out ? 0 : t->n_dim - 1];
    d->rows = t->n / d->cols;
    if (pack_path && d->quantise)
        check_pack(t, d);
    quant_spec_resolve(&d->spec, quant_scale_own(t->dtype_name));
}

/* ---- tensors */

enum { BATCH = 1 << 21 }; /* weights written at a time */

static struct ts_writer *out;
static struct csvout *report;

/* One batch is written while the next is made. */
static struct batch {
    char *data;
    size_t room, n_bytes; /* n_bytes 0: nothing waits */
} batches[2];
static int filling;

static void put_waiting(void)
{
    struct batch *b = &batches[!filling];
    ts_out_data(out, b->data, b->n_bytes);
    b->n_bytes = 0;
}

static char *begin_batch(size_t n_bytes)
{
    struct batch *b = &batches[filling];
    if (n_bytes > b->room) {
        free(b->data);
        b->data = xaligned(n_bytes, 1);
        b->room = n_bytes;
    }
    return b->data;
}

/* The batch that was filled waits; the one before has been written. */
static void end_batch(size_t n_bytes)
{
    batches[filling].n_bytes = n_bytes;
    filling = !filling;
}

static struct quant_plan *plan_of(const struct quant_spec *spec)
{
    static struct known {
        char text[QUANT_TEXT_MAX];
        struct quant_plan *plan;
    } * known;
    static size_t n_known, room;
    char text[QUANT_TEXT_MAX];
    quant_spec_text(spec, text);
    for (size_t i = 0; i < n_known; i++)
        if (!strcmp(known[i].text, text))
            return known[i].plan;
    xgrow(&known, &room, n_known + 1, sizeof *known);
    memcpy(known[n_known].text, text, sizeof text);
    return known[n_known++].plan = quant_plan_new(spec);
}

static void load(const void *tensor, size_t from, size_t n, float *to)
{
    tensor_to_f32(tensor, from, n, to);
}

static void store(const void *tensor, const float *in, size_t n, void *to)
{
    const struct tensor *t = tensor;
    tensor_from_f32(in, n, t->dtype, to);
}

static void unstore(const void *tensor, const void *in, size_t n, float *to)
{
    struct tensor t = *(const struct tensor *)tensor;
    t.data = in;
    tensor_to_f32(&t, 0, n, to);
}

static struct quant_sheet sheet_of(const struct tensor *t, const struct decision *d)
{
    int is_f32 = t->dtype == TENSOR_F32 && (uintptr_t)t->data % sizeof(float) == 0;
    return (struct quant_sheet){ .rows = d->rows,
                                 .cols = d->cols,
                                 .in_out = d->in_out,
                                 .f32 = is_f32 ? t->data : NULL,
                                 .source = t,
                                 .load = load,
                                 .store = store,
                                 .unstore = unstore,
                                 .width = tensor_dtype_bytes(t->dtype),
                                 .limit = t->dtype == TENSOR_F16    ? 65520
                                          : t->dtype == TENSOR_BF16 ? 0x1.ffp127F
                                                                    : INFINITY };
}

/* Channels first.., n of them, as one row of the report. */
static void put_report(const struct tensor *t, const struct decision *d, const struct quant_stats *stats,
                       size_t first, size_t n, int is_channel)
{
    const struct quant_spec *s = &d->spec;
    char text[QUANT_TEXT_MAX], shape[TENSOR_SHAPE_MAX];
    struct quant_stats sum = { .n = 0 };
    for (size_t r = first; r < first + n; r++)
        quant_stats_add(&sum, &stats[r]);
    double count = (double)sum.n, cells = (double)sum.n_cell;
    csvout_safe(report, t->name);
    if (d->subject.layer >= 0)
        csvout_int(report, d->subject.layer);
    else
        csvout_str(report, "");
    csvout_str(report, d->subject.role ? d->subject.role : "");
    csvout_safe(report, t->dtype_name);
    csvout_str(report, tensor_shape_text(t, shape));
    if (is_channel)
        csvout_int(report, (int64_t)first);
    else
        csvout_str(report, "");
    csvout_int(report, (int64_t)sum.n);
    csvout_int(report, s->bits);
    csvout_str(report, quant_grid_name(s->grid));
    csvout_str(report, quant_spec_per_text(s, text));
    csvout_str(report, quant_spec_clip_text(s, text));
    csvout_num(report, sum.alpha / cells);
    csvout_num(report, sum.scale / cells);
    csvout_num(report, sum.errors / count);
    csvout_num(report, sum.squares > 0 ? 10 * log10(sum.squares / sum.errors) : NAN);
    csvout_num(report, (double)sum.n_clipped / count);
    csvout_num(report, sum.as_gauss / count);
    csvout_num(report, sum.as_laplace / count);
    csvout_end_row(report);
}

static void put_zeros(const struct decision *d, const int *zero, size_t n_cell)
{
    size_t n = pack_words(d->rows, d->spec.bits) * n_cell;
    int32_t *word = xnew(n, sizeof *word);
    pack_zeros(zero, d->rows, n_cell, d->spec.bits, word);
    ts_out_data(out, word, n * sizeof *word);
    free(word);
}

static void quantise(const struct tensor *t, const struct decision *d)
{
    const struct quant_plan *plan = plan_of(&d->spec);
    const struct quant_sheet sheet = sheet_of(t, d);
    struct quant_result r = { .stats = report ? xcalloc(d->rows, sizeof *r.stats) : NULL,
                              .meanwhile = put_waiting };
    struct quant_fit whole;
    size_t cell_cols, n_cell = quant_row_cells(&d->spec, d->cols, &cell_cols), end, bad_row = 0;
    size_t n_scale = d->rows * n_cell, n_word = d->rows * pack_words(d->cols, d->spec.bits);
    size_t batch = pack_path || d->in_out ? d->rows : d->cols < BATCH ? BATCH / d->cols : 1;
    int status = 0, is_whole = d->spec.per == QUANT_PER_TENSOR;
    batch = batch < d->rows ? batch : d->rows;
    if (pack_path) {
        r.word = xnew(n_word, sizeof *r.word);
        r.scale = xnew(n_scale, sheet.width);
        r.zero = xnew(n_scale, sizeof *r.zero);
    }
    if (is_whole)
        status = quant_sheet_whole(plan, &sheet, &whole);
    for (size_t first = 0; first < d->rows && !status; first = end) {
        end = d->rows - first < batch ? d->rows : first + batch;
        size_t n_bytes = (end - first) * d->cols * sheet.width;
        if (!pack_path)
            r.weights = begin_batch(n_bytes);
        status = quant_sheet_rows(plan, &sheet, is_whole ? &whole : NULL, first, end, (int)n_thread, &r,
                                  &bad_row);
        if (!pack_path)
            end_batch(n_bytes);
    }
    if (status < 0)
        die("'%s': output channel %zu: %s", t->name, bad_row, quant_why(status));
    if (pack_path) {
        const int64_t shape[2] = { (int64_t)d->rows, (int64_t)d->cols };
        ts_out_data(out, r.word, n_word * sizeof *r.word);
        ts_out_data(out, r.scale, n_scale * sheet.width);
        if (quant_grid_is_asym(d->spec.grid))
            put_zeros(d, r.zero, n_cell);
        ts_out_data(out, shape, sizeof shape);
    }
    if (report && !strcmp(report_by, "tensor"))
        put_report(t, d, r.stats, 0, d->rows, 0);
    for (size_t k = 0; report && !strcmp(report_by, "channel") && k < d->rows; k++)
        put_report(t, d, r.stats, k, 1, 1);
    free(r.word);
    free(r.scale);
    free(r.zero);
    free(r.stats);
}

/* ---- frames */

/* What goes out for a frame: descriptions, their names owned. */
static struct tensor *outgoing;
static size_t n_outgoing, outgoing_room;

static struct tensor *add_outgoing(const char *stem, size_t n_stem, const char *suffix, const char *dtype)
{
    xgrow(&outgoing, &outgoing_room, n_outgoing + 1, sizeof *outgoing);
    struct tensor *t = &outgoing[n_outgoing++];
    *t = (struct tensor){ .name = xsprintf("%.*s%s", (int)n_stem, stem, suffix),
                          .dtype_name = dtype,
                          .n_dim = 2 };
    t->dtype = tensor_dtype_find(dtype);
    return t;
}

static void add_matrix(const char *stem, size_t n_stem, const char *suffix, const char *dtype, size_t rows,
                       size_t cols)
{
    struct tensor *t = add_outgoing(stem, n_stem, suffix, dtype);
    t->shape[0] = rows;
    t->shape[1] = cols;
    tensor_set_size(t);
}

static struct lm_quantised *modules; /* of --pack; names owned */
static size_t n_module, module_room;
static const char *packed_dtype; /* of the scales, as config.json calls it */

static void note_module(const struct tensor *t, const struct decision *d, size_t n_stem)
{
    xgrow(&modules, &module_room, n_module + 1, sizeof *modules);
    modules[n_module++] = (struct lm_quantised){ .module = xstrndup(t->name, n_stem),
                                                 .bits = d->quantise ? d->spec.bits : 0,
                                                 .symmetric = !quant_grid_is_asym(d->spec.grid),
                                                 .group = d->spec.per == QUANT_PER_GROUP ? d->spec.group
                                                                                         : 0 };
}

static void announce(const struct tensor *t, const struct decision *d)
{
    size_t n = strlen(t->name), n_stem = n > 7 ? n - 7 : n, cell_cols; /* without ".weight" */
    if (pack_path && d->linear)
        note_module(t, d, n_stem);
    if (pack_path && d->quantise)
        packed_dtype = t->dtype == TENSOR_F16 ? "float16" : t->dtype == TENSOR_BF16 ? "bfloat16" : "float32";
    if (!pack_path || !d->quantise) {
        struct tensor *same = add_outgoing(t->name, n, "", t->dtype_name);
        const char *name = same->name;
        *same = *t;
        same->name = name;
        return;
    }
    size_t n_cell = quant_row_cells(&d->spec, d->cols, &cell_cols);
    add_matrix(t->name, n_stem, ".weight_packed", "I32", d->rows, pack_words(d->cols, d->spec.bits));
    add_matrix(t->name, n_stem, ".weight_scale", t->dtype_name, d->rows, n_cell);
    if (quant_grid_is_asym(d->spec.grid))
        add_matrix(t->name, n_stem, ".weight_zero_point", "I32", pack_words(d->rows, d->spec.bits), n_cell);
    struct tensor *shape = add_outgoing(t->name, n_stem, ".weight_shape", "I64");
    shape->n_dim = 1;
    shape->shape[0] = 2;
    tensor_set_size(shape);
}

/* The current frame's metadata; a plain file's without what only streams need. */
static void set_metadata(const struct ts_reader *in)
{
    ts_out_copy_meta(out, in);
    if (pack_path) {
        ts_out_meta(out, "format", "pt"); /* transformers asks for it */
        ts_out_meta(out, "config", NULL);
    } else if (family && config) {
        ts_out_meta(out, "kind", "weights");
        ts_out_meta(out, "model_type", family->model_type);
        ts_out_meta(out, "config", config);
    }
}

static void take_frame(struct ts_reader *in)
{
    size_t n = ts_frame_tensors(in);
    struct decision *d = xnew(n, sizeof *d);
    struct tensor t;
    int got;
    for (size_t i = 0; i < n; i++) {
        decide(ts_frame_tensor(in, i), &d[i]);
        announce(ts_frame_tensor(in, i), &d[i]);
    }
    put_waiting();
    set_metadata(in);
    ts_out_frame(out, outgoing, n_outgoing);
    for (size_t i = 0; (got = ts_next_in_frame(in, &t)) > 0; i++) {
        msg_progress("%s: %s", ts_path(in), t.name);
        if (d[i].quantise) {
            quantise(&t, &d[i]);
        } else {
            put_waiting();
            ts_out_data(out, t.data, t.n_bytes);
        }
    }
    if (got < 0)
        ts_die(in);
    for (size_t i = 0; i < n_outgoing; i++)
        free((char *)outgoing[i].name);
    n_outgoing = 0;
    free(d);
}

/* ---- what is wanted */

static void check_items(const char *option, char **list)
{
    if (pick_wrong(list))
        die_usage("--%s: '%s' is not a pattern, layer:N, layer:N-M or role:ROLE", option, pick_wrong(list));
    for (; list && *list; list++)
        if (!strncmp(*list, "role:", 5) && !strpbrk(*list, "*?[") && lm_role_find(*list + 5) < 0)
            die_usage("--%s: there is no role '%s'", option, *list + 5);
}

/* What was asked for and did not come is said. */
static void warn_unused(const char *option, char **list, const char *used)
{
    for (size_t i = 0; list && list[i]; i++)
        if (!used[i])
            warn("--%s: no tensor is '%s'", option, list[i]);
}

static void set_usual(void)
{
    const char *const keys[] = { "bits", "grid", "per", "clip", "scale", "bias", "beyond" };
    const char *const values[] = { bits, grid, per, clip, scale, bias, beyond ? "yes" : "no" };
    char why[QUANT_WHY_MAX];
    quant_spec_init(&usual);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (quant_spec_set(&usual, keys[i], values[i], why) < 0)
            die_usage("--%s", why);
    check_items("only", only);
    check_items("skip", skip);
    if (pack_path && strcmp(out_path, "-") != 0)
        die_usage("--pack and --output exclude each other");
}

static void read_recipe(void)
{
    struct csvin *in = csvin_open(recipe_path);
    char why[QUANT_WHY_MAX];
    int says[3] = { 0 };
    recipe = quant_recipe_new();
    for (size_t c = 0; c < csvin_columns(in); c++)
        says[quant_recipe_column(csvin_name(in, c))]++;
    if (!says[1] || !says[2])
        die("%s: a recipe needs a column that says for which tensors a row is (name, layer, role) and one "
            "that says how "
            "(bits, grid, per, group, clip, scale, bias, beyond)",
            recipe_path);
    while (csvin_next(in)) {
        quant_recipe_row(recipe, csvin_line(in));
        for (size_t c = 0; c < csvin_columns(in); c++)
            if (quant_recipe_set(recipe, csvin_name(in, c), csvin_text(in, c), why) < 0)
                die("%s: line %zu: %s", csvin_path(in), csvin_line(in), why);
    }
    csvin_close(in);
}

/* The config.json of --pack; with no modules yet it shows whether there can be one. */
static char *packed_config(void)
{
    char why[LM_WHY_MAX];
    char *text = lm_quantconfig(config, packed_dtype ? packed_dtype : "", modules, n_module, why);
    if (!text)
        die("%s: %s", pack_path, why);
    return text;
}

static void put_config(struct outdir *dir)
{
    char *text = packed_config();
    struct outfile *f = outfile_open(outdir_file(dir, "config.json"), 0);
    outfile_write(f, text, strlen(text));
    outfile_write(f, "\n", 1);
    outfile_close(f);
    free(text);
}

int main(int argc, char **argv)
{
    const char *path = *cli_parse(&prog, opts, argc, argv);
    const struct ts_options options = { .level = (int)level, .n_thread = (int)n_thread };
    struct outdir *dir = NULL;
    int got;
    set_usual();
    if (recipe_path)
        read_recipe();
    struct ts_reader *in = ts_open_in(path, (int)n_thread);
    learn_model(in, path);
    if (pack_path && !config)
        die("%s: to pack it takes the model's config.json, in the stream as modelcat has it or beside the "
            "file",
            ts_path(in));
    if (pack_path) {
        free(packed_config());
        dir = outdir_open(pack_path);
    }
    out = ts_open_out(dir ? outdir_file(dir, "model.safetensors") : out_path, &options);
    ts_out_history(out, cli_history());
    if (report_path)
        report = csvout_open(report_path,
                             "name,layer,role,dtype,shape,channel,n,bits,grid,per,clip,alpha,scale,mse,"
                             "sqnr_db,clipped_share,predicted_mse_gauss,predicted_mse_laplace");
    while ((got = ts_next_frame(in)) > 0) {
        learn_model(in, path);
        take_frame(in);
    }
    if (got < 0)
        ts_die(in);
    put_waiting();
    if (!n_done || (pack_path && !packed_dtype))
        die("%s: no tensor was chosen", ts_path(in));
    if (recipe && quant_recipe_unused(recipe))
        die("%s: line %zu: no tensor is what the row says, or earlier rows are for all of them", recipe_path,
            quant_recipe_unused(recipe));
    warn_unused("only", only, only_used);
    warn_unused("skip", skip, skip_used);
    if ((embed_too && !had_embed) || (head_too && !had_head))
        warn("--%s: there is none of its own in the stream", embed_too && !had_embed ? "embed" : "head");
    ts_close_out(out);
    if (dir) {
        put_config(dir);
        outdir_close(dir);
    }
    if (report)
        csvout_close(report);
    ts_close(in);
    quant_recipe_free(recipe);
    free(only_used);
    free(skip_used);
    free(batches[0].data);
    free(batches[1].data);
    msg_progress_end();
    return 0;
}
