/* actdump - what a model's neurons do on the text of each language
 * in: a model, text or tokens by language (FILE or stdin); out: a tensor stream, a frame a language (stdout).
 * Holds a layer, the states of --memory's worth of tokens, and the sums of one language and layer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "cli/cli.h"
#include "io/scratch.h"
#include "io/tstream.h"
#include "lm/harvest.h"
#include "lm/windows.h"
#include "math/kernels.h"
#include "quant/pick.h"
#include "text/corpus.h"
#include "weights/modelfile.h"
#include "weights/overlap.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITES "embed attn_in attn_mix attn_out mlp_in mlp_act mlp_out resid final"

static const char *model_path, *tokenizer_path, *out_path = "-", *lang_of_stdin = "stdin",
                                                *start_token = "auto", *unit = "line", *first = "with",
                                                *dtype_name = "F32", *precision_name = "auto";
static char **site_list, **reduce_list, **layer_list;
static int64_t context, stride, memory_mib = 2048, level = TS_LEVEL, n_thread = 1;
static int full_windows;

static const struct cli_opt opts[] = {
    CLI_MODEL(&model_path),
    { 't', "tokenizer", CLI_IN, &tokenizer_path, "FILE",
      "for text: a tokenizer.json, or a directory with one [that of MODEL, if it is a directory]", 0, 0, 0 },
    { 0, "site", CLI_LIST, &site_list, "SITE,...", "where to look, see below [mlp_act,mlp_out,resid]", 0, 0,
      SITES },
    { 0, "layers", CLI_LIST, &layer_list, "LIST", "in which layers, from 0, as 0,5,20-23 [all]", 0, 0, 0 },
    { 0, "reduce", CLI_LIST, &reduce_list, "HOW,...", "to what, see below [absmean]", 0, 0, LM_WISHES },
    { 0, "first", CLI_CHOICE, &first, "WHICH",
      "the first token of each window, whose values can be hundreds of times larger than all others: counted "
      "(`with`), left out (`without`), or both ways side by side [with]",
      0, 0, "with without both" },
    { 0, "dtype", CLI_CHOICE, &dtype_name, "DTYPE",
      "of rows (none) and matrices (gram); other results are F64 [F32]", 0, 0, "F64 F32 F16 BF16" },
    CLI_CONTEXT(&context, 1),
    { 0, "stride", CLI_INT, &stride, "N",
      "tokens from one window of a text to the next, up to the context [the context]; of a token seen again "
      "what was first seen counts",
      1, 1 << 24, 0 },
    { 0, "text", CLI_CHOICE, &unit, "WHAT",
      "what is one text: a `line`, or a `file`, its lines joined by an empty one (those of a token stream as "
      "they are) [line]",
      0, 0, "line file" },
    CLI_FULL_WINDOWS(&full_windows),
    { 0, "start", CLI_STR, &start_token, "TOKEN",
      "what comes before each text: a token as the tokenizer spells it, `none`, or `auto`: what its template "
      "puts there [auto]; token streams have it already (tok --special) or do without",
      0, 0, 0 },
    { 0, "lang", CLI_STR, &lang_of_stdin, "LANG", "language of text from standard input [stdin]", 0, 0, 0 },
    CLI_PRECISION(&precision_name),
    { 0, "memory", CLI_INT, &memory_mib, "MIB",
      "for the states of all tokens and for the results; if they need more they are in a temporary file "
      "($TMPDIR, or /tmp) [2048]",
      1, 1 << 24, 0 },
    CLI_OUTPUT(&out_path, "stream"),
    CLI_COMPRESS(&level),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END
};

static const struct cli_prog prog = {
    .name = "actdump",
    .synopsis = "-m MODEL [OPTION]... [FILE]...",
    .summary = "Activations of a language model on the text of each language, as they are or reduced.",
    .in = "text in UTF-8, one paragraph a line, a file for each language and named by it (eng.txt is eng); "
          "or token streams of tok, told apart by their first bytes",
    .out = "a tensor stream: for each language a frame with tensors LAYER.SITE.RESULT, as 3.mlp_act.absmean, "
           "where `embed` and `final` have no layer; its metadata are kind (activations if there are rows, "
           "else moments), lang, n_tokens (all that are counted), n_first (of them the first of a window), "
           "n_texts, model_type, context, history; and of gram, made from text, lines: 64 bits of each line, "
           "by which wquant --test knows it again",
    .notes =
        "Sites, in the order in which they are computed (width):\n"
        "embed\twhat enters the first layer (d_model)\n"
        "attn_in\tinput of the q, k and v projections: after the norm, where that comes before (d_model)\n"
        "attn_mix\tinput of the attention's output projection (heads times d_head)\n"
        "attn_out\twhat the attention adds to the residual stream (d_model)\n"
        "mlp_in\tinput of the MLP: after the norm, where that comes before (d_model)\n"
        "mlp_act\tinput of the down projection, the MLP's neurons (d_ff)\n"
        "mlp_out\twhat the MLP adds to the residual stream (d_model); not what a hook on the MLP of Hugging "
        "Face's bloom sees: that is resid\n"
        "resid\tthe residual stream behind the layer (d_model)\n"
        "final\twhat the head multiplies, after the final norm (d_model, or the width of the embedding)\n"
        "Results, over tokens:\n"
        "none\trows [n_tokens][width] as they are, named LAYER.SITE alone; with them token.id, token.line "
        "(of the text) and token.position (in its window), I32 [n_tokens]\n"
        "absmean, absmax\tmean and largest of |x|, of each neuron [width]\n"
        "moments\tmean, sd, skewness, kurtosis (excess; biased, as kurt's), of each neuron [width]\n"
        "site_absmean, site_moments\tthe same over all neurons and tokens of a site: site_absmean, "
        "site_mean, site_sd, site_skewness, site_kurtosis [1]\n"
        "gram\tthe second moment E[x x^T] of a site [width][width]: at attn_in, attn_mix, mlp_in and mlp_act "
        "what GPTQ calls the Hessian of the linear layer that reads it, up to a factor\n"
        "Names of results without the first tokens end in .rest (3.mlp_act.absmean.rest, 3.mlp_act.rest); "
        "--first both has them beside the others, but rows only once, as token.position tells which are "
        "first. What is undefined (kurtosis of a neuron that is always 0) is NaN.\n"
        "The model is read once. Nothing depends on threads, on --memory or on what other languages there "
        "are.",
    .example = "  actdump -m bloom-560m --site mlp_out text/*.txt | kurt |\n"
               "    mlr --icsv --opprint fraction -f mean -g lang then cut -o -f lang,name,mean_fraction\n"
               "  actdump -m bloom-560m --site mlp_act --first both -o absmean.t text/*.txt\n"
               "  tok -t bloom-560m text/*.txt |\n"
               "    actdump -m bloom-560m --reduce gram --site mlp_act --layers 20-23 - > gram.t",
    .see_also = "kurt (--select reads absmean), tensorcat (--to=csv), modelcat, wquant, tok, ppl",
};

/* ---- what is wanted */

static struct lm_wish wish;
static int has_gram;
static char *in_layer; /* [n_layer] */
static enum gemm_precision precision;

static void read_wish(void)
{
    static char *usual_sites[] = { "mlp_act", "mlp_out", "resid", NULL }, *usual[] = { "absmean", NULL };
    int all = strcmp(first, "without") != 0, rest = strcmp(first, "with") != 0;
    for (char **site = site_list ? site_list : usual_sites; *site; site++)
        wish.sites |= 1u << lm_site_find(*site);
    for (char **word = reduce_list ? reduce_list : usual; *word; word++)
        lm_wish_add(&wish, *word, all, rest);
    has_gram = wish.result[LM_GRAM][LM_ALL] || wish.result[LM_GRAM][LM_REST];
    wish.dtype = tensor_dtype_find(dtype_name);
    if (has_gram && (wish.dtype == TENSOR_F16 || wish.dtype == TENSOR_BF16))
        die_usage("--dtype: gram is F32 or F64");
    cli_refuse_if(!has_gram && !lm_wish_has_rows(&wish), &dtype_name, "without --reduce none or gram");
}

static void read_layers(int n_layer)
{
    in_layer = xcalloc((size_t)n_layer, 1);
    memset(in_layer, !layer_list, (size_t)n_layer);
    for (char **item = layer_list; item && *item; item++) {
        int low, high;
        if (pick_layers(*item, &low, &high) < 0)
            die_usage("--layers: '%s' is not N or N-M", *item);
        if (high >= n_layer)
            die("--layers: the model has layers 0 to %d", n_layer - 1);
        memset(in_layer + low, 1, (size_t)(high - low + 1));
    }
    wish.in_layer = in_layer;
}

/* ---- text, in windows */

static struct corpus corpus;
static struct overlap *lines_of; /* [n_noted] lines of a language's text; behind these, and of tokens, none */
static size_t n_noted, room_noted;
static struct lm_windows windows;
static const struct lm_config *config;

static struct lm_count *count; /* [corpus.n_lang] */
static size_t *n_text;         /* [corpus.n_lang] that have tokens to run */
static struct lm_lane *lane;   /* [windows.n] */

static const struct tokenizer *open_tokenizer(void *ctx)
{
    struct tokenizer **tokenizer = ctx;
    if (!tokenizer_path && !strcmp(model_path, "-"))
        die_usage("text beside a model from standard input needs --tokenizer");
    return *tokenizer = modelfile_tokenizer(tokenizer_path ? tokenizer_path : model_path);
}

static void note_line(void *ctx, size_t lang, const char *s, size_t n)
{
    (void)ctx;
    while (n_noted <= lang) {
        xgrow(&lines_of, &room_noted, n_noted + 1, sizeof *lines_of);
        lines_of[n_noted++] = (struct overlap){ 0 };
    }
    overlap_add(&lines_of[lang], s, n);
}

static void read_texts(char **files)
{
    struct tokenizer *tokenizer = NULL;
    struct corpus_options o = { .open_tokenizer = open_tokenizer,
                                .whole_files = !strcmp(unit, "file"),
                                .join = "\n\n",
                                .n_thread = (int)n_thread,
                                .may_be_tokens = 1,
                                .line = has_gram ? note_line : NULL,
                                .ctx = &tokenizer };
    corpus_read_files(&corpus, files, lang_of_stdin, start_token, &o);
    tokenizer_free(tokenizer);
}

static void check_vocabulary(void)
{
    corpus_need_vocabulary(&corpus, config->vocab_size);
}

static void cut_windows(void)
{
    context = (int64_t)modelfile_context(config, "the model", context);
    stride = (int64_t)modelfile_stride(stride, (size_t)context);
    for (size_t i = 0; i < corpus.n_text; i++) {
        const struct corpus_text *x = &corpus.text[i];
        if (x->n > x->n_start)
            lm_windows_cut(&windows, i, x->first, x->n, x->n_start, (size_t)context, (size_t)stride,
                           full_windows);
    }
    count = xcalloc(corpus.n_lang, sizeof *count);
    n_text = xcalloc(corpus.n_lang, sizeof *n_text);
    lane = xcalloc(windows.n, sizeof *lane);
    for (size_t i = 0; i < windows.n; i++) {
        const struct lm_window *w = &windows.w[i], *before = i && w[-1].text == w->text ? w - 1 : NULL;
        size_t lang = corpus.text[w->text].lang, n_seen = before ? before->first + before->n - w->first : 0;
        lane[i] = (struct lm_lane){ lang, n_seen, count[lang] };
        count[lang].n_all += w->n - n_seen;
        count[lang].n_rest += w->n - n_seen - (n_seen == 0);
        n_text[lang] += !before;
    }
}

static void warn_of_text(void)
{
    if (corpus.n_empty)
        warn("texts without a token: %zu", corpus.n_empty);
    for (size_t i = 0; i < corpus.n_lang; i++)
        if (!count[i].n_all)
            warn("%s: no token to run; it is left out", corpus.lang[i]);
    if (!windows.n)
        die("there is no token to run");
}

/* ---- the model */

enum { SLICE = 2048 }; /* tokens, or one window, that are in memory and go through a layer together */

static struct lm_model *model;
static struct lm_forward *forward;
static struct lm_harvest *harvest;
static char *states; /* rows of d_model floats of all tokens */

static const char *model_name(void)
{
    return strcmp(model_path, "-") ? model_path : "standard input";
}

/* Ends the program if the states of windows from `from` on have become infinite. */
static void check_finite(const float *x, size_t n, int layer, size_t from)
{
    if (!kernel_all_finite(x, n))
        die("%s: line %zu or behind it: activations of layer %d are not finite", corpus.lang[lane[from].lang],
            corpus.text[windows.w[from].text].line, layer);
}

static int step(int layer, const struct lm_text *t, float *x)
{
    struct lm_tap tap = lm_harvest_tap(harvest);
    if (layer < 0)
        return lm_forward_embed(forward, model, 0, t, x, &tap);
    if (layer < config->n_layer)
        return lm_forward_layer(forward, model, 0, layer, t, x, &tap);
    return lm_forward_final(forward, model, 0, t, x, x, &tap);
}

/* Takes every window's states through a layer (-1: the embedding, n_layer: what is behind the layers). */
static void run_layer(int layer, float *x, struct lm_batch *batch)
{
    size_t at = 0;
    for (size_t from = 0, end; from < windows.n; from = end) {
        end = lm_batch_end(&windows, from, SLICE);
        lm_batch_fill(batch, &windows, from, end, corpus.id);
        lm_harvest_batch(harvest, from, end, batch);
        size_t n = batch->start[end - from] * config->d_model;
        if (layer >= 0)
            memcpy(x, states + at, n * sizeof *x);
        if (step(layer, &batch->text, x) < 0)
            die("%s: %s", model_name(), lm_model_error(model));
        if (layer < config->n_layer) {
            check_finite(x, n, layer, from);
            memcpy(states + at, x, n * sizeof *x);
        }
        at += n * sizeof *x;
    }
}

/* The last layer that anything is wanted of. */
static int last_layer(void)
{
    for (int layer = config->n_layer; layer >= 0; layer--)
        for (int site = 0; site < LM_N_SITE; site++)
            if (lm_wish_has(&wish, config, layer, (enum lm_site)site))
                return layer;
    return -1;
}

/* All windows through the layers, as far as anything is wanted; of a stream the rest is read. */
static void run_model(struct lm_checkpoint *c)
{
    int stop = lm_checkpoint_is_ordered(c), last = last_layer();
    size_t longest = lm_windows_longest(&windows), room = longest > SLICE ? longest : SLICE;
    float *x = xaligned(room, lm_config_width(config) * sizeof *x);
    struct lm_batch batch = { 0 };
    model = lm_model_new(c, precision, (int)n_thread, NULL, 0, 0);
    config = lm_model_config(model);
    forward = lm_forward_new(config, longest, (int)n_thread);
    for (int layer = -1; layer <= config->n_layer && (layer <= last || !stop); layer++) {
        msg_progress("layer %d of %d", layer + 1, config->n_layer);
        if (layer <= last)
            run_layer(layer, x, &batch);
        else if (!lm_model_part(model, 0, layer))
            die("%s: %s", model_name(), lm_model_error(model));
        if (layer < config->n_layer)
            lm_model_drop(model, layer);
    }
    msg_progress_end();
    lm_forward_free(forward);
    lm_batch_clear(&batch);
    free(x);
}

/* ---- out */

static uint32_t line_of(size_t text)
{
    return (uint32_t)corpus.text[text].line;
}

static void set_number(struct ts_writer *out, const char *key, size_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", value);
    ts_out_meta(out, key, text);
}

static void put_frame(struct ts_writer *out, const struct lm_plan *plan, const char *store, size_t lang)
{
    size_t n;
    const struct lm_slot *s = lm_plan_lang(plan, lang, &n);
    struct tensor *t = xnew(n, sizeof *t);
    char *lines = lang < n_noted ? overlap_text(&lines_of[lang]) : xstrdup("");
    for (size_t i = 0; i < n; i++)
        t[i] = s[i].t;
    ts_out_meta(out, "lang", corpus.lang[lang]);
    if (has_gram)
        ts_out_meta(out, "lines", lines);
    set_number(out, "n_tokens", count[lang].n_all);
    set_number(out, "n_first", count[lang].n_all - count[lang].n_rest);
    set_number(out, "n_texts", n_text[lang]);
    ts_out_frame(out, t, n);
    for (size_t i = 0; i < n; i++)
        ts_out_data(out, store + s[i].at, t[i].n_bytes);
    free(lines);
    free(t);
}

static struct ts_writer *open_out(const struct lm_checkpoint *c)
{
    struct ts_options options = { (int)level, (int)n_thread };
    struct ts_writer *out = ts_open_out(out_path, &options);
    char *history = xsprintf("%s [%s]", cli_history(), gemm_describe(precision));
    ts_out_meta(out, "kind", lm_wish_has_rows(&wish) ? "activations" : "moments");
    ts_out_meta(out, "model_type", lm_checkpoint_model_type(c));
    const char *before = lm_checkpoint_history(c);
    ts_out_meta(out, "history", before ? before : ""); /* so that keys are in one order */
    set_number(out, "context", (size_t)context);
    ts_out_history(out, history);
    free(history);
    return out;
}

static void dump(struct lm_checkpoint *c)
{
    struct lm_plan *plan = lm_plan_new(config, &wish, count, corpus.n_lang);
    size_t n_state = 0, n_bytes;
    for (size_t i = 0; i < windows.n; i++)
        n_state += windows.w[i].n * config->d_model * sizeof(float);
    if (!plan || mem_add(lm_plan_bytes(plan), n_state, &n_bytes) < 0)
        die("the results would be too large");
    struct ts_writer *out = open_out(c);
    int in_file = n_bytes > (size_t)memory_mib << 20;
    struct scratch *store = scratch_new(lm_plan_bytes(plan), in_file);
    struct scratch *state_store = scratch_new(n_state, in_file);
    states = scratch_bytes(state_store);
    harvest = lm_harvest_new(plan, config, &wish, lane, count, scratch_bytes(store), (int)n_thread);
    run_model(c);
    scratch_free(state_store);
    lm_harvest_tokens(harvest, &windows, corpus.id, line_of);
    for (size_t lang = 0; lang < corpus.n_lang; lang++)
        if (count[lang].n_all)
            put_frame(out, plan, scratch_bytes(store), lang);
    ts_close_out(out);
    lm_harvest_free(harvest);
    scratch_free(store);
    lm_plan_free(plan);
    lm_model_free(model);
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv);
    modelfile_check(model_path, files);
    read_wish();
    precision = modelfile_precision(precision_name);
    read_texts(files);
    struct lm_checkpoint *c = modelfile_open(model_path, (int)n_thread);
    config = lm_checkpoint_config(c);
    read_layers(config->n_layer);
    check_vocabulary();
    cut_windows();
    warn_of_text();
    dump(c);
    lm_windows_clear(&windows);
    while (n_noted)
        overlap_clear(&lines_of[--n_noted]);
    free(lines_of);
    corpus_clear(&corpus);
    free(count);
    free(n_text);
    free(lane);
    free(in_layer);
    return 0;
}
