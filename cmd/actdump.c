/* actdump - what a model's neurons do on the text of each language
 * in: a model, text or tokens by language (FILE or stdin); out: a tensor stream, a frame a language (stdout).
 * Holds a layer, the states of --memory's worth of tokens, and the sums of one language and layer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include "cli/cli.h"
#include "io/scratch.h"
#include "io/tstream.h"
#include "lm/windows.h"
#include "math/columns.h"
#include "text/batch.h"
#include "text/corpus.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITES   "embed attn_in attn_mix attn_out mlp_in mlp_act mlp_out resid final"
#define REDUCES "none absmean absmax moments site_absmean site_moments gram"

static const char *model_path, *tokenizer_path, *out_path = "-", *lang_of_stdin = "stdin",
                                                *start_token = "auto", *unit = "line", *first = "with",
                                                *dtype_name = "F32", *precision_name = "auto";
static char **site_list, **reduce_list, **layer_list;
static int64_t context, stride, memory_mib = 2048, level = TS_LEVEL, n_thread = 1;
static int full_windows;

static const struct cli_opt opts[] = {
    CLI_MODEL(&model_path),
    { 't', "tokenizer", CLI_STR, &tokenizer_path, "FILE",
      "for text: a tokenizer.json, or a directory with one [that of MODEL, if it is a directory]", 0, 0, 0 },
    { 0, "site", CLI_LIST, &site_list, "SITE,...", "where to look, see below [mlp_act,mlp_out,resid]", 0, 0,
      SITES },
    { 0, "layers", CLI_LIST, &layer_list, "LIST", "in which layers, from 0, as 0,5,20-23 [all]", 0, 0, 0 },
    { 0, "reduce", CLI_LIST, &reduce_list, "HOW,...", "to what, see below [absmean]", 0, 0, REDUCES },
    { 0, "first", CLI_CHOICE, &first, "WHICH",
      "the first token of each window, whose values can be hundreds of times larger than all others: counted "
      "(`with`), "
      "left out (`without`), or both ways side by side [with]",
      0, 0, "with without both" },
    { 0, "dtype", CLI_CHOICE, &dtype_name, "DTYPE",
      "of rows (none) and matrices (gram); other results are F64 [F32]", 0, 0, "F64 F32 F16 BF16" },
    CLI_CONTEXT(&context, 1),
    { 0, "stride", CLI_INT, &stride, "N",
      "tokens from one window of a text to the next, up to the context [the context]; of a token seen again "
      "what was "
      "first seen counts",
      1, 1 << 24, 0 },
    { 0, "text", CLI_CHOICE, &unit, "WHAT",
      "what is one text: a `line`, or a `file`, its lines joined by an empty one (those of a token stream as "
      "they are) "
      "[line]",
      0, 0, "line file" },
    CLI_FULL_WINDOWS(&full_windows),
    { 0, "start", CLI_STR, &start_token, "TOKEN",
      "what comes before each text: a token as the tokenizer spells it, `none`, or `auto`: what its template "
      "puts "
      "there [auto]; token streams have it already (tok --special) or do without",
      0, 0, 0 },
    { 0, "lang", CLI_STR, &lang_of_stdin, "LANG", "language of text from standard input [stdin]", 0, 0, 0 },
    CLI_PRECISION(&precision_name),
    { 0, "memory", CLI_INT, &memory_mib, "MIB",
      "for the states of all tokens and for the results; if they need more they are in a temporary file "
      "($TMPDIR, or "
      "/tmp) [2048]",
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
          "or token "
          "streams of tok, told apart by their first bytes",
    .out = "a tensor stream: for each language a frame with tensors LAYER.SITE.RESULT, as 3.mlp_act.absmean, "
           "where "
           "`embed` and `final` have no layer; its metadata are kind (activations if there are rows, else "
           "moments), "
           "lang, n_tokens (counted ones), n_first (first ones among them), n_texts, model_type, context, "
           "history",
    .notes =
        "Sites, in the order in which they are computed (width):\n"
        "embed\twhat enters the first layer (d_model)\n"
        "attn_in\tinput of the q, k and v projections: after the norm, where that comes before (d_model)\n"
        "attn_mix\tinput of the attention's output projection (heads times d_head)\n"
        "attn_out\twhat the attention adds to the residual stream (d_model)\n"
        "mlp_in\tinput of the MLP: after the norm, where that comes before (d_model)\n"
        "mlp_act\tinput of the down projection, the MLP's neurons (d_ff)\n"
        "mlp_out\twhat the MLP adds to the residual stream (d_model); not what a hook on the MLP of Hugging "
        "Face's "
        "bloom sees: that is resid\n"
        "resid\tthe residual stream behind the layer (d_model)\n"
        "final\twhat the head multiplies, after the final norm (d_model, or the width of the embedding)\n"
        "Results, over tokens:\n"
        "none\trows [n_tokens][width] as they are, named LAYER.SITE alone; with them token.id, token.line "
        "(of the "
        "text) and token.position (in its window), I32 [n_tokens]\n"
        "absmean, absmax\tmean and largest of |x|, of each neuron [width]\n"
        "moments\tmean, sd, skewness, kurtosis (excess; biased, as kurt's), of each neuron [width]\n"
        "site_absmean, site_moments\tthe same over all neurons and tokens of a site: site_absmean, "
        "site_mean, "
        "site_sd, site_skewness, site_kurtosis [1]\n"
        "gram\tthe second moment E[x x^T] of a site [width][width]: at attn_in, attn_mix, mlp_in and mlp_act "
        "what "
        "GPTQ calls the Hessian of the linear layer that reads it, up to a factor\n"
        "Names of results without the first tokens end in .rest (3.mlp_act.absmean.rest, 3.mlp_act.rest); "
        "--first "
        "both has them beside the others, but rows only once, as token.position tells which are first. What "
        "is "
        "undefined (kurtosis of a neuron that is always 0) is NaN.\n"
        "The model is read once. Nothing depends on threads, on --memory or on what other languages there "
        "are.",
    .example = "  actdump -m bloom-560m --site mlp_out text/*.txt | kurt |\n"
               "    mlr --icsv --opprint fraction -f mean -g lang then cut -o -f lang,name,mean_fraction\n"
               "  actdump -m bloom-560m --site mlp_act --first both -o absmean.t text/*.txt\n"
               "  tok -t bloom-560m text/*.txt |\n"
               "    actdump -m bloom-560m --reduce gram --site mlp_act --layers 20-23 - > gram.t",
    .see_also = "kurt (--select reads absmean), tensorcat (--to=csv), modelcat, wquant, tok, ppl",
};

/* ---- results that are wanted */

enum shape { ROWS, VECTOR, SCALAR, MATRIX };
enum result {
    RAW,
    ABSMEAN,
    ABSMAX,
    MEAN,
    SD,
    SKEWNESS,
    KURTOSIS,
    SITE_ABSMEAN,
    SITE_MEAN,
    SITE_SD,
    SITE_SKEWNESS,
    SITE_KURTOSIS,
    GRAM,
    N_RESULT
};

static const struct {
    const char *name, *reduce;
    enum shape shape;
    unsigned needs; /* of columns.h */
} results[N_RESULT] = {
    [RAW] = { "", "none", ROWS, 0 },
    [ABSMEAN] = { ".absmean", "absmean", VECTOR, COLUMNS_ABS },
    [ABSMAX] = { ".absmax", "absmax", VECTOR, COLUMNS_ABS },
    [MEAN] = { ".mean", "moments", VECTOR, COLUMNS_MOMENTS },
    [SD] = { ".sd", "moments", VECTOR, COLUMNS_MOMENTS },
    [SKEWNESS] = { ".skewness", "moments", VECTOR, COLUMNS_MOMENTS },
    [KURTOSIS] = { ".kurtosis", "moments", VECTOR, COLUMNS_MOMENTS },
    [SITE_ABSMEAN] = { ".site_absmean", "site_absmean", SCALAR, COLUMNS_ABS },
    [SITE_MEAN] = { ".site_mean", "site_moments", SCALAR, COLUMNS_MOMENTS },
    [SITE_SD] = { ".site_sd", "site_moments", SCALAR, COLUMNS_MOMENTS },
    [SITE_SKEWNESS] = { ".site_skewness", "site_moments", SCALAR, COLUMNS_MOMENTS },
    [SITE_KURTOSIS] = { ".site_kurtosis", "site_moments", SCALAR, COLUMNS_MOMENTS },
    [GRAM] = { ".gram", "gram", MATRIX, COLUMNS_GRAM },
};

enum { ALL, REST, N_PART }; /* tokens: all, and all but the first of each window */
static int wanted[N_RESULT][N_PART];
static unsigned sites, needs; /* bits of lm_site, of columns.h */
static char *in_layer;        /* [n_layer] */
static enum tensor_dtype dtype;
static enum gemm_precision precision;

static int listed(char *const *list, const char *word)
{
    for (; list && *list; list++)
        if (!strcmp(*list, word))
            return 1;
    return 0;
}

static void read_results(void)
{
    static char *usual_sites[] = { "mlp_act", "mlp_out", "resid", NULL }, *usual[] = { "absmean", NULL };
    char **site = site_list ? site_list : usual_sites, **reduce = reduce_list ? reduce_list : usual;
    int all = strcmp(first, "without") != 0, rest = strcmp(first, "with") != 0;
    for (; *site; site++)
        sites |= 1u << lm_site_find(*site);
    for (int r = 0; r < N_RESULT; r++)
        if (listed(reduce, results[r].reduce)) {
            wanted[r][ALL] = all;
            wanted[r][REST] = rest && !(r == RAW && all);
            needs |= results[r].needs;
        }
    dtype = tensor_dtype_find(dtype_name);
    if (listed(reduce, "gram") && (dtype == TENSOR_F16 || dtype == TENSOR_BF16))
        die_usage("--dtype: gram is F32 or F64");
    cli_refuse_if(!listed(reduce, "none") && !listed(reduce, "gram"), &dtype_name,
                  "without --reduce none or gram");
}

/* "5" or "20-23": 0; -1 if it is neither, or beyond the model. */
static int read_range(const char *item, int n_layer, int64_t *low, int64_t *high)
{
    const char *dash = strchr(item, '-');
    char *from = dash ? xstrndup(item, (size_t)(dash - item)) : xstrdup(item);
    int bad = num_parse_i64(from, low) < 0 || num_parse_i64(dash ? dash + 1 : item, high) < 0 || *low < 0 ||
              *high < *low;
    free(from);
    if (!bad && *high >= n_layer)
        die("--layers: the model has layers 0 to %d", n_layer - 1);
    return bad ? -1 : 0;
}

static void read_layers(int n_layer)
{
    in_layer = xcalloc((size_t)n_layer, 1);
    memset(in_layer, !layer_list, (size_t)n_layer);
    for (char **item = layer_list; item && *item; item++) {
        int64_t low, high;
        if (read_range(*item, n_layer, &low, &high) < 0)
            die_usage("--layers: '%s' is not N or N-M", *item);
        memset(in_layer + low, 1, (size_t)(high - low + 1));
    }
}

/* ---- text, in windows */

static struct corpus corpus;
static struct lm_windows windows;
static const struct lm_config *config;

/* Rows of a language: how many, and how many of them are not the first of a window; its texts that have some.
 */
static struct lang {
    size_t n_row, n_rest, n_text;
} * langs; /* [corpus.n_lang] */

/* Of a window: its rows that count, those from n_seen on, and how many its language has before it. */
static struct lane {
    size_t lang, n_seen, row, rest;
} * lane; /* [windows.n] */

static void read_texts(char **files)
{
    struct tokenizer *tokenizer = NULL;
    struct corpus_options o = { NULL, !strcmp(unit, "file"), "\n\n", NULL, 0, (int)n_thread };
    uint32_t *start = NULL;
    for (; *files; files++) {
        const char *why;
        char *reason, *lang = strcmp(*files, "-") ? batch_lang(*files) : xstrdup(lang_of_stdin);
        struct bytein *in = bytein_open(*files, (int)n_thread, &why);
        if (!in)
            die("%s: %s", *files, why);
        int is_tokens = corpus_is_tokens(in);
        if (!is_tokens && !tokenizer) {
            if (!tokenizer_path && !strcmp(model_path, "-"))
                die_usage("text beside a model from standard input needs --tokenizer");
            tokenizer = tokenizer_load(tokenizer_path ? tokenizer_path : model_path, &reason);
            if (!tokenizer)
                die("%s", reason);
            if (corpus_find_start(tokenizer, start_token, &start, &o.n_start) < 0)
                die("--start: the tokenizer has no token '%s'", start_token);
            o.tokenizer = tokenizer;
            o.start = start;
        }
        if (is_tokens)
            corpus_read_tokens(&corpus, in, &o);
        else
            corpus_read_text(&corpus, in, lang, &o);
        free(lang);
    }
    free(start);
    tokenizer_free(tokenizer);
}

static void check_vocabulary(void)
{
    for (size_t i = 0; i < corpus.n_id; i++)
        if (corpus.id[i] >= config->vocab_size)
            die("token %u is beyond the model's vocabulary of %zu: they do not belong together", corpus.id[i],
                config->vocab_size);
}

static void cut_windows(void)
{
    context = (int64_t)lm_windows_context(config, (size_t)context);
    if (!context)
        die("--context: the model has %zu positions", lm_forward_longest(config));
    if (!stride)
        stride = context;
    if (stride > context)
        die_usage("--stride: %lld is more than the context of %lld", (long long)stride, (long long)context);
    for (size_t i = 0; i < corpus.n_text; i++) {
        const struct corpus_text *x = &corpus.text[i];
        if (x->n > x->n_start)
            lm_windows_cut(&windows, i, x->first, x->n, x->n_start, (size_t)context, (size_t)stride,
                           full_windows);
    }
    langs = xcalloc(corpus.n_lang, sizeof *langs);
    lane = xcalloc(windows.n, sizeof *lane);
    for (size_t i = 0; i < windows.n; i++) {
        const struct lm_window *w = &windows.w[i], *before = i && w[-1].text == w->text ? w - 1 : NULL;
        size_t which = corpus.text[w->text].lang, n_seen = before ? before->first + before->n - w->first : 0;
        struct lang *l = &langs[which];
        lane[i] = (struct lane){ which, n_seen, l->n_row, l->n_rest };
        l->n_row += w->n - n_seen;
        l->n_rest += w->n - n_seen - (n_seen == 0);
        l->n_text += !before;
    }
}

/* ---- where each result goes */

/* A tensor of the output, and where its data are put aside. */
struct slot {
    struct tensor t; /* name is owned */
    size_t at;
};
enum { ID, LINE, POSITION, N_TOKEN_SLOT };
static struct slot *slots; /* [corpus.n_lang][n_slot]: of each language in the order of the output */
static size_t n_slot, n_bytes;
static int
    *first_slot; /* [n_layer + 2][LM_N_SITE]: of a site in a layer, -1 if it is not wanted; layer -1 first */
static struct scratch *store;

static void set_slot(size_t lang, size_t slot, char *name, enum tensor_dtype type, int n_dim, size_t a,
                     size_t b)
{
    struct slot *s = &slots[lang * n_slot + slot];
    s->t = (struct tensor){
        .name = name, .dtype = type, .dtype_name = tensor_dtype_name(type), .n_dim = n_dim, .shape = { a, b }
    };
    s->at = n_bytes;
    if (tensor_set_size(&s->t) < 0 || mem_add(n_bytes, s->t.n_bytes, &n_bytes) < 0)
        die("%s: '%s' would be too large", corpus.lang[lang], name);
}

static size_t n_rows(size_t lang, int part)
{
    return part == REST ? langs[lang].n_rest : langs[lang].n_row;
}

/* Calls set_slot, if there are slots, for all results of a site; returns how many there are. */
static size_t plan_site(size_t lang, size_t slot, int layer, enum lm_site site)
{
    size_t n = 0, width = lm_site_width(config, site);
    for (int r = 0; r < N_RESULT; r++)
        for (int part = 0; part < N_PART; part++) {
            if (!wanted[r][part])
                continue;
            enum shape shape = results[r].shape;
            char *name = layer >= 0 && layer < config->n_layer
                             ? xsprintf("%d.%s%s%s", layer, lm_site_name(site), results[r].name,
                                        part ? ".rest" : "")
                             : xsprintf("%s%s%s", lm_site_name(site), results[r].name, part ? ".rest" : "");
            if (!slots)
                free(name);
            else if (shape == ROWS)
                set_slot(lang, slot + n, name, dtype, 2, n_rows(lang, part), width);
            else if (shape == MATRIX)
                set_slot(lang, slot + n, name, dtype, 2, width, width);
            else
                set_slot(lang, slot + n, name, TENSOR_F64, 1, shape == SCALAR ? 1 : width, 0);
            n++;
        }
    return n;
}

static int is_wanted(int layer, enum lm_site site)
{
    if (!(sites & 1u << site))
        return 0;
    return site == LM_AT_EMBED   ? layer < 0
           : site == LM_AT_FINAL ? layer == config->n_layer
                                 : layer >= 0 && layer < config->n_layer && in_layer[layer];
}

static size_t plan_lang(size_t lang)
{
    size_t slot = 0;
    if (wanted[RAW][ALL] || wanted[RAW][REST]) {
        static const char *const name[] = { "token.id", "token.line", "token.position" };
        for (; slot < N_TOKEN_SLOT; slot++)
            if (slots)
                set_slot(lang, slot, xstrdup(name[slot]), TENSOR_I32, 1,
                         n_rows(lang, wanted[RAW][REST] ? REST : ALL), 0);
    }
    for (int layer = -1; layer <= config->n_layer; layer++)
        for (enum lm_site site = 0; site < LM_N_SITE; site++) {
            int *at = &first_slot[(layer + 1) * LM_N_SITE + (int)site];
            *at = is_wanted(layer, site) ? (int)slot : -1;
            if (*at >= 0)
                slot += plan_site(lang, slot, layer, site);
        }
    return slot;
}

static void plan(void)
{
    first_slot = xcalloc((size_t)config->n_layer + 2, LM_N_SITE * sizeof *first_slot);
    n_slot = plan_lang(0);
    slots = xcalloc(corpus.n_lang, n_slot * sizeof *slots);
    for (size_t lang = 0; lang < corpus.n_lang; lang++)
        if (langs[lang].n_row)
            plan_lang(lang);
}

static struct slot *slot_of(size_t lang, int layer, enum lm_site site)
{
    return &slots[lang * n_slot + (size_t)first_slot[(layer + 1) * LM_N_SITE + (int)site]];
}

/* ---- rows into results */

/* Sums of a site in the layer and language that are being computed: of first tokens, and of the rest. */
static struct site {
    struct columns *first, *rest;
    size_t n_row;
} site_of[LM_N_SITE];
static double *numbers; /* [the widest site] */

static void put_numbers(struct slot *s, size_t from, size_t n)
{
    size_t bytes = tensor_dtype_bytes(s->t.dtype);
    char *raw = xnew(n, bytes);
    tensor_from_f64(numbers, n, s->t.dtype, raw);
    scratch_write(store, s->at + from * bytes, raw, n * bytes);
    free(raw);
}

/* Of one neuron's moments. */
static double moment(const struct moments *m, enum result r)
{
    struct moments_summary s;
    moments_summarise(m, 0, &s);
    return r == MEAN || r == SITE_MEAN           ? s.mean
           : r == SD || r == SITE_SD             ? s.sd
           : r == SKEWNESS || r == SITE_SKEWNESS ? s.skewness
                                                 : s.kurtosis;
}

static double site_moment(const struct columns *c, size_t width, enum result r)
{
    struct moments_tree tree = { 0 };
    for (size_t i = 0; i < width; i++)
        moments_tree_push(&tree, &columns_moments(c)[i]);
    struct moments total = moments_tree_total(&tree);
    return moment(&total, r);
}

static double mean_of_numbers(size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += numbers[i];
    return sum / (double)n;
}

static void put_result(struct slot *s, enum result r, const struct columns *c, size_t width)
{
    switch (results[r].shape) {
    case ROWS:
        return;
    case MATRIX:
        for (size_t i = 0; i < width; i++) {
            columns_gram_row(c, i, numbers);
            put_numbers(s, i * width, width);
        }
        return;
    case SCALAR:
        if (r == SITE_ABSMEAN)
            columns_absmean(c, numbers);
        numbers[0] = r == SITE_ABSMEAN ? mean_of_numbers(width) : site_moment(c, width, r);
        put_numbers(s, 0, 1);
        return;
    case VECTOR:
        if (r == ABSMEAN)
            columns_absmean(c, numbers);
        else if (r == ABSMAX)
            columns_absmax(c, numbers);
        for (size_t i = 0; r != ABSMEAN && r != ABSMAX && i < width; i++)
            numbers[i] = moment(&columns_moments(c)[i], r);
        put_numbers(s, 0, width);
        return;
    }
}

/* The language's last row of the site is there. */
static void finish_site(struct site *sums, size_t lang, int layer, enum lm_site site)
{
    size_t width = lm_site_width(config, site);
    columns_end(sums->first);
    columns_end(sums->rest);
    for (int part = REST; part >= ALL; part--) {
        struct slot *s = slot_of(lang, layer, site);
        if (part == ALL)
            columns_merge(sums->rest, sums->first);
        for (int r = 0; r < N_RESULT; r++)
            for (int p = 0; p < N_PART; p++)
                if (wanted[r][p]) {
                    if (p == part)
                        put_result(s, (enum result)r, sums->rest, width);
                    s++;
                }
    }
    columns_empty(sums->first);
    columns_empty(sums->rest);
    sums->n_row = 0;
}

/* Rows [from, from + n) of window w, x[n][width], that count: as they are. */
static void put_rows(const struct slot *s, size_t w, size_t from, size_t n, const float *x, size_t width)
{
    const struct lane *l = &lane[w];
    size_t bytes = width * tensor_dtype_bytes(dtype), at = l->row + from - l->n_seen;
    if (wanted[RAW][REST]) {
        size_t skip = from == 0;
        at = l->rest + from + skip - l->n_seen - (l->n_seen == 0);
        x += skip * width;
        n -= skip;
    }
    if (dtype == TENSOR_F32) {
        scratch_write(store, s->at + at * bytes, x, n * bytes);
        return;
    }
    char *raw = xnew(n, bytes);
    tensor_from_f32(x, n * width, dtype, raw);
    scratch_write(store, s->at + at * bytes, raw, n * bytes);
    free(raw);
}

/* The slice of windows that goes through the model. */
static struct {
    size_t from, end;
    struct lm_batch batch;
    uint32_t *first, *rest; /* rows of one language, for columns_add */
    size_t n_first, n_rest;
} slice;

static void add_rows(const float *x, size_t lang, int layer, enum lm_site site)
{
    struct site *sums = &site_of[site];
    if (sums->rest) {
        columns_add(sums->first, x, slice.first, slice.n_first);
        columns_add(sums->rest, x, slice.rest, slice.n_rest);
    }
    sums->n_row += slice.n_first + slice.n_rest;
    slice.n_first = slice.n_rest = 0;
    if (sums->n_row == langs[lang].n_row && sums->rest)
        finish_site(sums, lang, layer, site);
}

static void see(void *ctx, enum lm_site site, int layer, size_t from, size_t n, const float *x, size_t width)
{
    (void)ctx;
    if (!is_wanted(layer, site))
        return;
    for (size_t w = slice.from; w < slice.end; w++) {
        size_t start = slice.batch.start[w - slice.from], end = slice.batch.start[w - slice.from + 1];
        size_t low = start + lane[w].n_seen, row = low > from ? low : from,
               last = end < from + n ? end : from + n;
        if (row >= last)
            continue;
        if (wanted[RAW][ALL] || wanted[RAW][REST])
            put_rows(slot_of(lane[w].lang, layer, site), w, row - start, last - row, x + (row - from) * width,
                     width);
        for (; row < last; row++)
            if (row == start)
                slice.first[slice.n_first++] = (uint32_t)(row - from);
            else
                slice.rest[slice.n_rest++] = (uint32_t)(row - from);
        if (w + 1 == slice.end || lane[w + 1].lang != lane[w].lang || end >= from + n)
            add_rows(x, lane[w].lang, layer, site);
    }
}

/* ---- the model */

enum { SLICE = 2048 }; /* tokens, or one window, that are in memory and go through a layer together */

static struct lm_model *model;
static struct lm_forward *forward;
static struct scratch *states; /* rows of d_model floats of all tokens */
static const struct lm_tap tap = { ~0u, see, NULL };

static _Noreturn void die_of_model(void)
{
    die("%s: %s", strcmp(model_path, "-") ? model_path : "standard input", lm_model_error(model));
}

static void check_finite(const float *x, size_t n, int layer)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            die("%s: %s %d: activations are not finite", corpus.lang[lane[slice.from].lang],
                layer < config->n_layer ? "layer" : "behind layer",
                layer < config->n_layer ? layer : layer - 1);
}

/* Takes every window's states through a layer (-1: the embedding, n_layer: what is behind the layers). */
static void run_layer(int layer, float *x)
{
    size_t at = 0;
    for (slice.from = 0; slice.from < windows.n; slice.from = slice.end) {
        slice.end = lm_batch_end(&windows, slice.from, SLICE);
        lm_batch_fill(&slice.batch, &windows, slice.from, slice.end, corpus.id);
        const struct lm_text *t = &slice.batch.text;
        size_t n = t->start[t->n_seq] * config->d_model;
        if (layer >= 0)
            scratch_read(states, at, x, n * sizeof *x);
        int e = layer < 0                  ? lm_forward_embed(forward, model, 0, t, x, &tap)
                : layer == config->n_layer ? lm_forward_final(forward, model, 0, t, x, x, &tap)
                                           : lm_forward_layer(forward, model, 0, layer, t, x, &tap);
        if (e < 0)
            die_of_model();
        check_finite(x, layer == config->n_layer ? t->start[t->n_seq] * config->d_embed : n, layer);
        if (layer < config->n_layer)
            scratch_write(states, at, x, n * sizeof *x);
        at += n * sizeof *x;
    }
}

static int last_layer(void)
{
    int last = sites & 1u << LM_AT_FINAL ? config->n_layer : -1;
    for (int layer = 0; layer < config->n_layer && last < config->n_layer; layer++)
        if (in_layer[layer] && sites & ~(1u << LM_AT_EMBED))
            last = layer;
    return last;
}

static void open_sums(void)
{
    size_t widest = 1;
    for (enum lm_site site = 0; site < LM_N_SITE; site++) {
        size_t width = lm_site_width(config, site);
        widest = width > widest ? width : widest;
        if (!(sites & 1u << site) || !needs)
            continue;
        site_of[site].first = columns_new(width, needs, (int)n_thread);
        site_of[site].rest = columns_new(width, needs, (int)n_thread);
    }
    numbers = xnew(widest, sizeof *numbers);
}

/* All windows through the layers, as far as anything is wanted; of a pipe, whose writer waits, the rest is
 * read. */
static void run_model(struct lm_checkpoint *c)
{
    int can_stop = lm_checkpoint_is_ordered(c), last = last_layer();
    size_t longest = lm_windows_longest(&windows), room = longest > SLICE ? longest : SLICE;
    size_t widest = config->d_embed > config->d_model ? config->d_embed : config->d_model;
    float *x = xaligned(room, widest * sizeof *x);
    slice.first = xnew(room, sizeof *slice.first);
    slice.rest = xnew(room, sizeof *slice.rest);
    model = lm_model_new(c, precision, (int)n_thread, NULL, 0, 0);
    config = lm_model_config(model);
    forward = lm_forward_new(config, longest, (int)n_thread);
    for (int layer = -1; layer <= config->n_layer && (layer <= last || !can_stop); layer++) {
        msg_progress("layer %d of %d", layer + 1, config->n_layer);
        if (layer <= last)
            run_layer(layer, x);
        else if (!lm_model_part(model, 0, layer))
            die_of_model();
        if (layer < config->n_layer)
            lm_model_drop(model, layer);
    }
    msg_progress_end();
    lm_batch_clear(&slice.batch);
    free(slice.first);
    free(slice.rest);
    free(x);
}

/* ---- out */

/* What the rows are of. */
static void put_tokens(void)
{
    for (size_t w = 0; w < windows.n; w++) {
        const struct lm_window *window = &windows.w[w];
        const struct lane *l = &lane[w];
        size_t skip = wanted[RAW][REST] && l->n_seen == 0, at = wanted[RAW][REST] ? l->rest : l->row;
        for (size_t i = l->n_seen + skip; i < window->n; i++, at++) {
            int32_t v[] = { [ID] = (int32_t)corpus.id[window->first + i],
                            [LINE] = (int32_t)corpus.text[window->text].line,
                            [POSITION] = (int32_t)i };
            for (int k = 0; k < N_TOKEN_SLOT; k++)
                scratch_write(store, slots[l->lang * n_slot + (size_t)k].at + at * sizeof *v, &v[k],
                              sizeof *v);
        }
    }
}

static void set_number(struct ts_writer *out, const char *key, size_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", value);
    ts_out_meta(out, key, text);
}

static void put_frame(struct ts_writer *out, size_t lang)
{
    enum { PIECE = 1 << 20 };
    struct slot *s = slots + lang * n_slot;
    struct tensor *t = xnew(n_slot, sizeof *t);
    char *piece = xmalloc(PIECE);
    for (size_t i = 0; i < n_slot; i++)
        t[i] = s[i].t;
    ts_out_meta(out, "lang", corpus.lang[lang]);
    set_number(out, "n_tokens", langs[lang].n_row);
    set_number(out, "n_first", langs[lang].n_row - langs[lang].n_rest);
    set_number(out, "n_texts", langs[lang].n_text);
    ts_out_frame(out, t, n_slot);
    for (size_t i = 0; i < n_slot; i++) {
        for (size_t at = 0, n; at < t[i].n_bytes; at += n) {
            n = t[i].n_bytes - at < PIECE ? t[i].n_bytes - at : PIECE;
            scratch_read(store, s[i].at + at, piece, n);
            ts_out_data(out, piece, n);
        }
        free((char *)t[i].name);
    }
    free(piece);
    free(t);
}

static void describe(struct ts_writer *out, const struct lm_checkpoint *c)
{
    char *history = xsprintf("%s [%s]", cli_history(), gemm_describe(precision));
    ts_out_meta(out, "kind", wanted[RAW][ALL] || wanted[RAW][REST] ? "activations" : "moments");
    ts_out_meta(out, "model_type", lm_checkpoint_model_type(c));
    ts_out_meta(out, "history", lm_checkpoint_history(c));
    set_number(out, "context", (size_t)context);
    ts_out_history(out, history);
    free(history);
}

static void warn_of_text(void)
{
    if (corpus.n_empty)
        warn("texts without a token: %zu", corpus.n_empty);
    for (size_t i = 0; i < corpus.n_lang; i++)
        if (!langs[i].n_row)
            warn("%s: no token to run; it is left out", corpus.lang[i]);
    if (!windows.n)
        die("there is no token to run");
}

int main(int argc, char **argv)
{
    const char *why;
    char **files = cli_parse(&prog, opts, argc, argv);
    if (!model_path)
        die_usage("no model is given (-m)");
    read_results();
    if (gemm_load(&why) < 0)
        die("%s", why);
    int found = gemm_precision_find(precision_name);
    precision = found < 0 ? gemm_default_precision() : (enum gemm_precision)found; /* auto is none */
    for (char **file = files; *file; file++)
        if (!strcmp(*file, "-") && !strcmp(model_path, "-"))
            die_usage("the model is standard input already: name a file of text or tokens");
    read_texts(files);
    struct lm_checkpoint *c = lm_checkpoint_open(model_path, (int)n_thread, &why);
    if (!c)
        die("%s: %s", strcmp(model_path, "-") ? model_path : "standard input", why);
    config = lm_checkpoint_config(c);
    read_layers(config->n_layer);
    check_vocabulary();
    cut_windows();
    warn_of_text();
    plan();
    struct ts_options options = { (int)level, (int)n_thread };
    struct ts_writer *out = ts_open_out(out_path, &options);
    describe(out, c);
    size_t n_state = 0;
    for (size_t i = 0; i < windows.n; i++)
        n_state += windows.w[i].n * config->d_model * sizeof(float);
    int in_file = n_state + n_bytes > (size_t)memory_mib << 20;
    states = scratch_new(n_state, in_file);
    store = scratch_new(n_bytes, in_file);
    open_sums();
    run_model(c);
    if (wanted[RAW][ALL] || wanted[RAW][REST])
        put_tokens();
    for (size_t lang = 0; lang < corpus.n_lang; lang++)
        if (langs[lang].n_row)
            put_frame(out, lang);
    ts_close_out(out);
    for (enum lm_site site = 0; site < LM_N_SITE; site++) {
        columns_free(site_of[site].first);
        columns_free(site_of[site].rest);
    }
    scratch_free(states);
    scratch_free(store);
    lm_forward_free(forward);
    lm_model_free(model);
    lm_windows_clear(&windows);
    corpus_clear(&corpus);
    free(langs);
    free(lane);
    free(slots);
    free(first_slot);
    free(in_layer);
    free(numbers);
    return 0;
}
