/* sens - what each part of a model costs each language when it alone is quantised
 * in: a model, text by language (FILE, named by language, or stdin); out: CSV, a row for each way to
 * quantise, part and language or line (stdout). SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "lm/branch.h"
#include "lm/ledger.h"
#include "lm/outerror.h"
#include "lm/score.h"
#include "lm/windows.h"
#include "quant/matrix.h"
#include "quant/pack.h"
#include "quant/pick.h"
#include "text/batch.h"
#include "text/corpus.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *model_path, *tokenizer_path, *kind = "layer", *by = "lang", *lang_of_stdin = "stdin",
                                                *start_token = "auto", *unit = "line",
                                                *precision_name = "auto", *out_path = "-", *journal_path;
static char **quants, **only, **skip;
static int64_t context, stride, memory_mib = 2048, n_thread = 1;
static int full_windows, predict_only, no_predict;

static const struct cli_opt opts[] = {
    CLI_MODEL(&model_path),
    { 't', "tokenizer", CLI_STR, &tokenizer_path, "FILE",
      "a tokenizer.json, or a directory with one [that of MODEL, if it is a directory]", 0, 0, 0 },
    { 0, "quant", CLI_STRS, &quants, "SPEC",
      "how the parts are quantised: KEY=VALUE,... as wquant has them, bits=4,per=group:128; may be given "
      "again",
      0, 0, 0 },
    { 0, "part", CLI_CHOICE, &kind, "WHAT",
      "what is quantised at a time: a `layer`; a `role`, as mlp_down, in all layers; a `matrix`, a role of a "
      "layer; or only `all` together [layer]",
      0, 0, "layer role matrix all" },
    { 0, "only", CLI_LIST, &only, "ITEM,...",
      "these tensors and no others, as wquant takes them: layer:0-3, role:attn_*, *.mlp.* [matrices in the "
      "layers]",
      0, 0, 0 },
    { 0, "skip", CLI_LIST, &skip, "ITEM,...", "not these", 0, 0, 0 },
    { 0, "by", CLI_CHOICE, &by, "WHAT", "rows for each `lang` or `line` [lang]", 0, 0, "lang line" },
    { 0, "predict-only", CLI_FLAG, &predict_only, 0,
      "only what the model as it is tells: run nothing quantised", 0, 0, 0 },
    { 0, "no-predict", CLI_FLAG, &no_predict, 0, "only what is measured", 0, 0, 0 },
    { 0, "resume", CLI_STR, &journal_path, "FILE",
      "note there what is done, part by part, and do not do again what is noted: a run that was killed goes "
      "on",
      0, 0, 0 },
    CLI_CONTEXT(&context, 2),
    { 0, "stride", CLI_INT, &stride, "N",
      "tokens from one window of a text to the next, up to the context [the context]", 1, 1 << 24, 0 },
    { 0, "text", CLI_CHOICE, &unit, "WHAT",
      "what is one text: a `line`, or a `file`, its lines joined by an empty one [line]", 0, 0, "line file" },
    CLI_FULL_WINDOWS(&full_windows),
    { 0, "start", CLI_STR, &start_token, "TOKEN",
      "what comes before each text: a token as the tokenizer spells it, `none`, or `auto`: what its template "
      "puts there [auto]",
      0, 0, 0 },
    { 0, "lang", CLI_STR, &lang_of_stdin, "LANG", "language of standard input [stdin]", 0, 0, 0 },
    CLI_PRECISION(&precision_name),
    { 0, "memory", CLI_INT, &memory_mib, "MIB",
      "for the states of the tokens that go through the model together, beside its weights: with more of it "
      "less is done twice [2048]",
      1, 1 << 24, 0 },
    CLI_OUTPUT(&out_path, "CSV"),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END
};

static const struct cli_prog prog = {
    .name = "sens",
    .synopsis = "-m MODEL --quant SPEC [--quant SPEC]... [OPTION]... [FILE]...",
    .summary = "What each part of a model costs each language when it alone is quantised.",
    .in = "text in UTF-8, one paragraph a line; a file is named by its language (eng.txt is eng)",
    .out =
        "CSV of quant, bits, part, layer, role, weights, packed_bytes, lang, (line,) tokens, bytes, ref_nll, "
        "nll, delta_nll, delta_bits_per_byte, kl, top1_agreement, rms_delta_p, output_error, "
        "relative_output_error, imatrix_error, weight_error, predicted_mse_gauss, predicted_mse_laplace, "
        "additivity, additivity_kl",
    .notes =
        "A part's row has what ppl --quant SPEC finds with --only for that part, digit for digit; what comes "
        "before the part is run once for all. Rows whose part is `all` have the damage of all parts "
        "quantised "
        "together; additivity is that divided by the sum of the parts' (delta_nll; kl), and is warned about "
        "outside 0.8 to 1.25. No delta is given where the quantised model is worse than guessing, as in "
        "ppl.\n"
        "weights counts those that are quantised; packed_bytes is their size packed, with scales and zero "
        "points, codes of a row in words of 32 bits.\n"
        "Predictions, from the model as it is, means over the tokens' inputs x of its matrices W, which "
        "become "
        "W + D: output_error, the sum over the part's matrices of |D x|^2 = tr(D C D^T); "
        "relative_output_error, "
        "the same divided by the sum of |W x|^2; imatrix_error, the sum of x_j^2 |D_j|^2 over columns. "
        "weight_error is the sum of |D|^2; predicted_mse_ as in wquant's report, of a weight. The first "
        "three "
        "are given for matrices in the layers.\n"
        "--resume: the finished table is the same as without. --memory holds at least three states of all "
        "text if it can; otherwise text goes in batches of whole languages, and what a killed run loses is "
        "the part and the batch at hand. The model's weights are in memory, and once more for each SPEC.\n"
        "Nothing depends on threads, on --memory or on which parts, SPECs and languages are run together.",
    .example =
        "  sens -m bloom-560m --quant bits=3 --quant bits=4 --resume sens.part -o sens.csv text/*.txt\n"
        "  sens -m bloom-560m --quant bits=4 --only layer:0-3 text/*.txt > job1.csv\n"
        "  bitalloc --bits 3.5 --objective worst sens.csv > recipe.csv",
    .see_also = "ppl, bitalloc, wquant, kurt, corr",
};

static double per(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

/* ---- ways to quantise, matrices and what becomes of them */

static struct quant_spec *spec; /* [n_spec] */
static size_t n_spec;
static const struct lm_config *config;

/* A matrix: in the layers, or outside them (layer -1). */
struct matrix {
    int layer, role;
    size_t rows, cols; /* outputs, inputs */
    int chosen;
};
static struct matrix *matrices; /* [(n_layer + 1) * LM_N_ROLE] */

/* What a spec makes of a matrix. */
struct made {
    struct quant_stats stats;
    double squares;  /* |D|^2 */
    double *columns; /* [cols] |D_j|^2 */
    size_t bytes;    /* packed */
};
static struct made *made; /* [n_spec][slots] */

static size_t n_slot(void)
{
    return ((size_t)config->n_layer + 1) * LM_N_ROLE;
}

static size_t slot_of(int layer, int role)
{
    return (size_t)(layer + 1) * LM_N_ROLE + (size_t)role;
}

static int changes_nothing(size_t s)
{
    return spec[s].bits == 16;
}

static void read_quants(void)
{
    char why[QUANT_WHY_MAX];
    if (!quants)
        die_usage("no way to quantise is given (--quant)");
    for (; quants[n_spec]; n_spec++) {
        spec = xrealloc(spec, n_spec + 1, sizeof *spec);
        quant_spec_init(&spec[n_spec]);
        if (quant_spec_parse(&spec[n_spec], quants[n_spec], why) < 0)
            die_usage("--quant: %s", why);
        for (size_t k = 0; k < n_spec; k++)
            if (!strcmp(quants[k], quants[n_spec]))
                die_usage("--quant: '%s' is given twice", quants[k]);
    }
    const char *bad = pick_wrong(only) ? pick_wrong(only) : pick_wrong(skip);
    if (bad)
        die_usage("'%s' is neither a pattern for names nor layer:N, layer:N-M or role:ROLE", bad);
}

/* The name of the tensor at p, as the checkpoint has it or as published; the caller frees it. */
static char *name_at(const struct lm_checkpoint *c, const struct lm_place *p)
{
    struct tensor t;
    if (lm_checkpoint_is_ordered(c) && lm_checkpoint_describe(c, p, &t))
        return xstrdup(t.name);
    return lm_place_text(config->family, p);
}

static void choose_matrices(const struct lm_checkpoint *c)
{
    struct lm_place p = { LM_EMBED, -1, 0 };
    size_t n = 0;
    matrices = xcalloc(n_slot(), sizeof *matrices);
    made = xcalloc(n_spec * n_slot(), sizeof *made);
    do {
        struct matrix *m = &matrices[slot_of(p.layer, p.role)];
        size_t shape[2];
        if (p.is_bias || !lm_config_needs(config, &p) || lm_config_shape(config, &p, shape) != 2)
            continue;
        char *name = name_at(c, &p);
        struct pick_subject subject = { name, p.layer, lm_role_name(p.role) };
        int turned = p.layer >= 0 && config->family->weights_in_out;
        *m = (struct matrix){ p.layer, p.role, shape[turned], shape[!turned], 0 };
        m->chosen = !pick_any(skip, &subject) && (!only || pick_only(only, &subject)) &&
                    (p.layer >= 0 || (only && pick_exactly(only, &subject)));
        n += (size_t)m->chosen;
        free(name);
    } while (lm_config_next_place(config, &p));
    if (!n)
        die("%s: no tensor was chosen", lm_checkpoint_path(c));
}

/* ---- variants of the model: one for each spec, and one for each spec and matrix outside the layers */

struct twin {
    size_t spec;
    int role; /* of the only matrix that it changes; -1: all that are chosen */
};
static struct twin *twins; /* [n_twin]: variant i + 1 of the model */
static size_t n_twin;

static int wants_quant(void *ctx, const struct lm_place *p, const char *name)
{
    const struct twin *t = ctx;
    (void)name;
    return matrices[slot_of(p->layer, p->role)].chosen && (t->role < 0 || t->role == (int)p->role);
}

/* Notes what became of w[rows][cols]: q, as it will be once it is stored in dtype. */
static void note_made(struct made *m, const float *w, const float *q, size_t rows, size_t cols,
                      enum tensor_dtype dtype)
{
    char *stored = xaligned(cols, sizeof(double));
    float *row = xaligned(cols, sizeof *row);
    m->columns = xcalloc(cols, sizeof *m->columns);
    for (size_t r = 0; r < rows; r++) {
        struct tensor t = { .dtype = dtype, .data = stored, .n = cols };
        tensor_from_f32(q + r * cols, cols, dtype, stored);
        tensor_to_f32(&t, 0, cols, row);
        for (size_t c = 0; c < cols; c++) {
            double d = (double)row[c] - (double)w[r * cols + c];
            m->columns[c] += d * d;
        }
    }
    for (size_t c = 0; c < cols; c++)
        m->squares += m->columns[c];
    free(row);
    free(stored);
}

static int apply_quant(void *ctx, const struct lm_place *p, const char *name, enum tensor_dtype dtype,
                       float *w, size_t rows, size_t cols, char why[LM_WHY_MAX])
{
    const struct twin *twin = ctx;
    struct quant_spec own = spec[twin->spec];
    struct made *m = &made[twin->spec * n_slot() + slot_of(p->layer, p->role)];
    int first_time = twin->role < 0 && !m->bytes;
    float *before = first_time ? xaligned(rows * cols, sizeof *before) : NULL;
    size_t bad_row = 0;
    (void)name;
    quant_spec_resolve(&own, quant_scale_own(tensor_dtype_name(dtype)));
    if (before)
        memcpy(before, w, rows * cols * sizeof *w);
    int status = quant_matrix(&own, w, rows, cols, (int)n_thread, before ? &m->stats : NULL, NULL, &bad_row);
    if (status < 0)
        snprintf(why, LM_WHY_MAX, "row %zu: %s", bad_row, quant_why(status));
    if (before && status == 0) {
        m->bytes = pack_bytes(&own, rows, cols, tensor_dtype_bytes(dtype));
        note_made(m, before, w, rows, cols, dtype);
    }
    free(before);
    return status;
}

static void plan_twins(void)
{
    twins = xnew(n_spec * LM_N_ROLE, sizeof *twins);
    for (size_t s = 0; s < n_spec; s++)
        twins[n_twin++] = (struct twin){ s, -1 };
    for (size_t s = 0; s < n_spec; s++)
        for (int role = 0; role < LM_N_ROLE; role++)
            if (matrices[slot_of(-1, role)].chosen)
                twins[n_twin++] = (struct twin){ s, role };
}

static size_t variant_of(size_t s, int role)
{
    for (size_t i = 0; i < n_twin; i++)
        if (twins[i].spec == s && twins[i].role == role)
            return i + 1;
    return 0;
}

static struct lm_model *open_model(struct lm_checkpoint *c, enum gemm_precision precision)
{
    struct lm_change *change = xnew(n_twin, sizeof *change);
    for (size_t i = 0; i < n_twin; i++)
        change[i] = (struct lm_change){ wants_quant, apply_quant, &twins[i] };
    struct lm_model *m = lm_model_new(c, precision, (int)n_thread, change, n_twin, 1);
    free(change);
    return m;
}

/* ---- parts, each quantised alone in each way: cases */

struct part {
    char *name;
    int layer, role; /* -1: any; a role outside the layers has no layer */
};
static struct part *parts; /* [n_part + 1], the last one being all of them */
static size_t n_part;

static size_t n_case(void)
{
    return (n_part + 1) * n_spec;
}

static int part_has(const struct part *p, const struct matrix *m)
{
    return m->chosen && (p->layer < 0 || p->layer == m->layer) && (p->role < 0 || p->role == m->role);
}

static void add_part(const struct matrix *m)
{
    int layer = !strcmp(kind, "role") ? -1 : m->layer;
    int role = !strcmp(kind, "layer") && m->layer >= 0 ? -1 : m->role;
    for (size_t i = 0; i < n_part; i++)
        if (parts[i].layer == layer && parts[i].role == role)
            return;
    char *name = layer < 0  ? xstrdup(lm_role_name((enum lm_role)role))
                 : role < 0 ? xsprintf("%d", layer)
                            : xsprintf("%d.%s", layer, lm_role_name((enum lm_role)role));
    parts[n_part++] = (struct part){ name, layer, role };
}

static void plan_parts(void)
{
    parts = xnew(n_slot() + 1, sizeof *parts);
    for (size_t i = LM_N_ROLE; i < n_slot() + LM_N_ROLE; i++) { /* what is outside the layers last */
        const struct matrix *m = &matrices[i % n_slot()];
        if (m->chosen && strcmp(kind, "all") != 0)
            add_part(m);
    }
    parts[n_part] = (struct part){ xstrdup("all"), -1, -1 };
}

static struct lm_case case_of(size_t p, size_t s)
{
    const struct part *part = &parts[p];
    int outside = part->role >= 0 && !lm_role_in_layer((enum lm_role)part->role);
    struct lm_case c = { 0, 0, part->layer, part->role, config->n_layer };
    if (!outside)
        c.variant = variant_of(s, -1);
    if (outside || p == n_part)
        c.outside = variant_of(s, outside ? part->role : -1);
    for (size_t i = 0; i < n_slot(); i++) {
        const struct matrix *m = &matrices[i];
        int from = m->layer >= 0 ? m->layer : m->role < LM_ATTN_NORM ? -1 : config->n_layer;
        if (part_has(part, m) && from < c.from)
            c.from = from;
    }
    return c;
}

/* ---- text: a group is what a row is about, a language or a line */

struct group {
    size_t lang, line, tokens, bytes, last_window;
    double ref_nll; /* of the model as it is, summed over tokens */
};

static struct corpus corpus;
static struct tokenizer *tokenizer;
static struct lm_windows windows;
static struct group *groups;
static size_t n_group;

static size_t group_of(size_t text)
{
    return strcmp(by, "line") != 0 ? corpus.text[text].lang : text;
}

static void read_texts(char **files)
{
    uint32_t *start;
    size_t n_start;
    if (corpus_find_start(tokenizer, start_token, &start, &n_start) < 0)
        die("--start: the tokenizer has no token '%s'", start_token);
    struct corpus_options o = { tokenizer, !strcmp(unit, "file"), "\n\n", start, n_start, (int)n_thread };
    for (; *files; files++) {
        char *lang = strcmp(*files, "-") ? batch_lang(*files) : xstrdup(lang_of_stdin);
        corpus_read(&corpus, *files, lang, &o);
        free(lang);
    }
    free(start);
    for (size_t i = 0; i < corpus.n_id; i++)
        if (corpus.id[i] >= config->vocab_size)
            die("the tokenizer's token %u is beyond the model's vocabulary of %zu: they do not belong "
                "together",
                corpus.id[i], config->vocab_size);
}

static void cut_windows(const char *path)
{
    size_t n = lm_windows_context(config, (size_t)context);
    if (!n)
        die("--context: %s has %zu positions", path, lm_forward_longest(config));
    if (stride > (int64_t)n)
        die_usage("--stride: %lld is more than the context of %zu", (long long)stride, n);
    n_group = !strcmp(by, "line") ? corpus.n_text : corpus.n_lang;
    groups = xcalloc(n_group, sizeof *groups);
    for (size_t i = 0; i < corpus.n_text; i++) {
        const struct corpus_text *x = &corpus.text[i];
        struct group *g = &groups[group_of(i)];
        size_t w = windows.n;
        lm_windows_cut(&windows, i, x->first, x->n, x->n_start, n, stride ? (size_t)stride : n, full_windows);
        g->lang = x->lang;
        g->line = x->line;
        for (; w < windows.n; w++)
            for (size_t k = windows.w[w].score; k < windows.w[w].n; k++, g->tokens++)
                g->bytes += corpus.bytes[windows.w[w].first + k];
        while (windows.n && windows.w[windows.n - 1].score >= windows.w[windows.n - 1].n)
            windows.n--; /* nothing to predict */
        g->last_window = windows.n;
    }
    if (corpus.n_empty)
        warn("texts without a token: %zu", corpus.n_empty);
}

/* ---- what is found */

/* Damage by case (part * n_spec + spec) and group; what is predicted, as sums over tokens by matrix, so that
 * they do not depend on batches. */
static struct lm_ledger *ledger;
static struct lm_ledger *as_it_is;       /* of the model that is not changed: one case */
static double *output_sum;               /* [slots][n_group] */
static double *error_sum, *diagonal_sum; /* [n_spec][slots][n_group] */

static void open_ledger(void)
{
    static char *model_name = "";
    char **case_name = xnew(n_case(), sizeof *case_name), **group_name = xnew(n_group, sizeof *group_name);
    for (size_t k = 0; k < n_case(); k++)
        case_name[k] = xsprintf("%s %s", quants[k % n_spec], parts[k / n_spec].name);
    for (size_t g = 0; g < n_group; g++) {
        const char *lang = corpus.lang[groups[g].lang];
        group_name[g] = !strcmp(by, "line") ? xsprintf("%s %zu", lang, groups[g].line) : xstrdup(lang);
    }
    ledger = lm_ledger_new(case_name, n_case(), group_name, n_group);
    as_it_is = lm_ledger_new(&model_name, 1, group_name, n_group);
    if (journal_path)
        lm_ledger_open(ledger, journal_path);
    output_sum = xcalloc(n_slot() * n_group, sizeof *output_sum);
    error_sum = xcalloc(n_spec * n_slot() * n_group, sizeof *error_sum);
    diagonal_sum = xcalloc(n_spec * n_slot() * n_group, sizeof *diagonal_sum);
}

/* ---- a batch of windows: tokens that are predicted, and the rows of the states that predict them */

struct batch_rows {
    struct lm_batch text;
    size_t from, end; /* windows */
    size_t n;
    size_t *row, *group, *in_text; /* [n] */
    uint32_t *target;              /* [n] */
    size_t *group_of_row;          /* [tokens] group + 1; 0 where nothing is predicted */
};

static void fill_batch(struct batch_rows *b, size_t from, size_t end)
{
    lm_batch_fill(&b->text, &windows, from, end, corpus.id);
    size_t n_token = b->text.start[end - from];
    *b = (struct batch_rows){ .text = b->text, .from = from, .end = end };
    b->row = xnew(n_token, sizeof *b->row);
    b->group = xnew(n_token, sizeof *b->group);
    b->in_text = xnew(n_token, sizeof *b->in_text);
    b->target = xnew(n_token, sizeof *b->target);
    b->group_of_row = xcalloc(n_token, sizeof *b->group_of_row);
    for (size_t w = from; w < end; w++)
        for (size_t i = windows.w[w].score; i < windows.w[w].n; i++, b->n++) {
            b->row[b->n] = b->text.start[w - from] + i - 1;
            b->in_text[b->n] = windows.w[w].text;
            b->group[b->n] = group_of(windows.w[w].text);
            b->target[b->n] = corpus.id[windows.w[w].first + i];
            b->group_of_row[b->row[b->n]] = b->group[b->n] + 1;
        }
}

static void clear_batch(struct batch_rows *b)
{
    free(b->row);
    free(b->group);
    free(b->in_text);
    free(b->target);
    free(b->group_of_row);
}

static struct batch_rows batch;
static struct lm_model *model;

static _Noreturn void die_of_model(void)
{
    die("%s: %s", model_path, lm_model_error(model));
}

/* Keeps the rows that predict something of x[.][d_embed]. */
static void compact(float *x)
{
    size_t d = config->d_embed;
    for (size_t i = 0; i < batch.n; i++)
        memmove(x + i * d, x + batch.row[i] * d, d * sizeof *x);
}

/* ---- predictions, from the model as it is */

static const double *columns_of(void *ctx, int layer, enum lm_role role, size_t variant)
{
    (void)ctx;
    return changes_nothing(variant - 1) ? NULL
                                        : made[(variant - 1) * n_slot() + slot_of(layer, role)].columns;
}

static void see_errors(void *ctx, const struct lm_outerror_rows *r)
{
    size_t slot = slot_of(r->layer, r->role), s = r->variant - 1, first = 0;
    double *output = output_sum + slot * n_group, *error = error_sum + (s * n_slot() + slot) * n_group;
    double *diagonal = diagonal_sum + (s * n_slot() + slot) * n_group;
    (void)ctx;
    while (changes_nothing(first))
        first++;
    for (size_t i = 0; i < r->n; i++) {
        size_t g = batch.group_of_row[r->from + i];
        if (!g--)
            continue;
        error[g] += r->error[i];
        diagonal[g] += r->diagonal[i];
        output[g] += s == first ? r->output[i] : 0; /* the same for all */
    }
}

/* ---- runs */

/* States of a batch: of the reference and of the cases that wait to be scored, [n_token][width] each. */
static struct lm_branch *branch;
static float *ref_x, **waiting_x;
static size_t *waiting; /* cases, in the order in which they came */
static size_t n_waiting, waiting_room;
static time_t waiting_since;

/* The batch's scores of the model as it is, alone. */
static void score_reference(void)
{
    size_t bad;
    struct lm_score *score = xnew(batch.n, sizeof *score);
    const struct lm_side side = { model, 0, ref_x, score };
    if (lm_score_rows(&side, 1, batch.target, batch.n, NULL, (int)n_thread, NULL, &bad) < 0)
        die_of_model();
    for (size_t i = 0; i < batch.n; i++) {
        struct lm_damage d = { .n = 1, .n_agree = 1, .nll = lm_score_nll(&score[i]) };
        d.ref_nll = d.nll;
        if (!isfinite(d.nll))
            die("%s: the model's logits are not finite", corpus.lang[groups[batch.group[i]].lang]);
        lm_ledger_add(as_it_is, 0, batch.group[i], batch.in_text[i], &d);
    }
    free(score);
}

/* A token under a case and under the model as it is. */
static struct lm_damage damage_of(const struct lm_score *s, const struct lm_score *ref,
                                  const struct lm_contrast *c)
{
    struct lm_damage d = { .n = 1, .nll = lm_score_nll(s), .ref_nll = lm_score_nll(ref) };
    double change = exp(-d.nll) - exp(-d.ref_nll);
    d.n_agree = s->top == ref->top;
    d.kl = lm_contrast_kl(c, ref, s);
    d.squares = change * change;
    if (!isfinite(d.nll))
        die("the quantised model's logits are not finite");
    if (d.kl < -1e-9 || fabs(c->weight / ref->sum - 1) > 1e-6)
        die("KL divergence came out as %g, of probabilities that sum to %.9g: the logits are too large", d.kl,
            c->weight / ref->sum);
    d.kl = d.kl < 0 ? 0 : d.kl;
    return d;
}

/* The batch has all that is left of the group. */
static int is_complete(size_t g)
{
    return groups[g].tokens && groups[g].last_window > batch.from && groups[g].last_window <= batch.end;
}

/* Adds a case's tokens, and notes the groups that are complete. */
static void take_scores(size_t k, const struct lm_score *s, const struct lm_score *ref,
                        const struct lm_contrast *c)
{
    for (size_t i = 0; i < batch.n; i++)
        if (!lm_ledger_is_done(ledger, k, batch.group[i])) {
            struct lm_damage d = damage_of(&s[i], &ref[i], &c[i]);
            lm_ledger_add(ledger, k, batch.group[i], batch.in_text[i], &d);
        }
    for (size_t g = 0; g < n_group; g++)
        if (is_complete(g) && !lm_ledger_is_done(ledger, k, g))
            lm_ledger_note(ledger, k, g);
    lm_ledger_flush(ledger);
}

/* Scores the cases that wait, all beside the reference, whose logits are then made once. */
static void score_waiting(const struct lm_case *cases)
{
    size_t n_side = n_waiting + 1, bad;
    struct lm_side *side = xnew(n_side, sizeof *side);
    struct lm_contrast **contrast = xcalloc(n_side, sizeof(*contrast));
    for (size_t i = 0; i < n_side; i++) {
        size_t head = i ? cases[waiting[i - 1]].outside : 0;
        side[i] = (struct lm_side){ model, head, i ? waiting_x[i - 1] : ref_x,
                                    xnew(batch.n, sizeof(struct lm_score)) };
        if (i)
            contrast[i] = xnew(batch.n, sizeof **contrast);
    }
    if (n_waiting &&
        lm_score_rows(side, n_side, batch.target, batch.n, contrast, (int)n_thread, NULL, &bad) < 0)
        die_of_model();
    for (size_t i = 1; i < n_side; i++)
        take_scores(waiting[i - 1], side[i].score, side[0].score, contrast[i]);
    for (size_t i = 0; i < n_side; i++) {
        free(side[i].score);
        free(contrast[i]);
    }
    free(contrast);
    free(side);
    n_waiting = 0;
}

/* Whether a case has to be run for the batch at hand. */
static int is_to_do(size_t k)
{
    if (predict_only || changes_nothing(k % n_spec) || (k / n_spec == n_part && n_part == 1))
        return 0;
    for (size_t i = 0; i < batch.n; i++)
        if (!lm_ledger_is_done(ledger, k, batch.group[i]))
            return 1;
    return 0;
}

static void run_case(const struct lm_case *cases, size_t k)
{
    enum { PATIENCE_S = 60 };
    if (!n_waiting)
        waiting_since = time(NULL);
    if (lm_branch_run(branch, &cases[k], waiting_x[n_waiting]) < 0)
        die_of_model();
    compact(waiting_x[n_waiting]);
    waiting[n_waiting++] = k;
    if (n_waiting == waiting_room || time(NULL) - waiting_since >= PATIENCE_S)
        score_waiting(cases);
}

/* All cases over the windows [from, end): in the order in which they depart from the model as it is. */
static void run_batch(const struct lm_case *cases, size_t from, size_t end, const struct lm_tap *tap)
{
    fill_batch(&batch, from, end);
    msg_progress("the model as it is");
    if (lm_branch_reference(branch, &batch.text.text, ref_x, tap) < 0)
        die_of_model();
    compact(ref_x);
    score_reference();
    for (size_t g = 0; g < n_group; g++)
        if (is_complete(g)) {
            struct lm_damage d = lm_ledger_total(as_it_is, 0, g);
            lm_ledger_check(ledger, g, d.n, d.nll);
        }
    for (int layer = -1; layer <= config->n_layer; layer++)
        for (size_t k = 0; k < n_case(); k++)
            if (cases[k].from == layer && is_to_do(k)) {
                msg_progress("tokens of %zu of %zu texts: %s: %s",
                             corpus.text ? windows.w[end - 1].text + 1 : 0, corpus.n_text, quants[k % n_spec],
                             parts[k / n_spec].name);
                run_case(cases, k);
            }
    score_waiting(cases);
    clear_batch(&batch);
}

/* The end of a batch that begins with window `from`: whole languages, if one of them fits into n_token. */
static size_t batch_end(size_t from, size_t n_token)
{
    size_t end = lm_batch_end(&windows, from, n_token), cut = end;
    if (end == windows.n)
        return end;
    while (cut > from && corpus.text[windows.w[cut - 1].text].lang == corpus.text[windows.w[end].text].lang)
        cut--;
    return cut > from ? cut : end;
}

/* How --memory is shared out between states: of the reference and one that walks, of cases that wait to be
 * scored together, and of the layers' inputs. */
static void open_states(size_t n_token, const struct lm_case *cases)
{
    enum { TOGETHER = 8 };
    size_t width = config->d_embed > config->d_model ? config->d_embed : config->d_model;
    size_t n_state = ((size_t)memory_mib << 20) / (n_token * width * sizeof(float)), n_kept = 0;
    char *wanted = xcalloc((size_t)config->n_layer + 1, 1);
    for (size_t k = 0; k < n_case(); k++)
        if (cases[k].from >= 0)
            wanted[cases[k].from] = 1;
    n_state = n_state > 3 ? n_state - 3 : 0; /* to spare */
    waiting_room = 1 + (n_state / 2 < TOGETHER - 1 ? n_state / 2 : TOGETHER - 1);
    for (int l = 0; l <= config->n_layer && !predict_only; l++)
        n_kept += wanted[l] != 0;
    n_kept = n_kept < n_state + 1 - waiting_room ? n_kept : n_state + 1 - waiting_room;
    branch = lm_branch_new(model, lm_windows_longest(&windows), n_token, wanted, n_kept, (int)n_thread);
    ref_x = xaligned(n_token, width * sizeof *ref_x);
    waiting = xnew(waiting_room, sizeof *waiting);
    waiting_x = xnew(waiting_room, sizeof(*waiting_x));
    for (size_t i = 0; i < waiting_room; i++)
        waiting_x[i] = xaligned(n_token, width * sizeof **waiting_x);
    free(wanted);
}

static void close_states(void)
{
    for (size_t i = 0; i < waiting_room; i++)
        free(waiting_x[i]);
    free(waiting_x);
    free(waiting);
    free(ref_x);
    lm_branch_free(branch);
}

static void run_all(void)
{
    size_t room = ((size_t)memory_mib << 20) / (3 * config->d_model * sizeof(float)), most = 0;
    struct lm_case *cases = xnew(n_case(), sizeof *cases);
    const struct lm_outerror_calls calls = { columns_of, see_errors, NULL };
    for (size_t k = 0; k < n_case(); k++)
        cases[k] = case_of(k / n_spec, k % n_spec);
    for (size_t from = 0, end; from < windows.n; from = end) {
        size_t n = 0;
        end = batch_end(from, room);
        for (size_t w = from; w < end; w++)
            n += windows.w[w].n;
        most = n > most ? n : most;
    }
    open_states(most ? most : 1, cases);
    struct lm_outerror *errors = lm_outerror_new(model, n_spec, &calls, (int)n_thread);
    struct lm_tap tap = lm_outerror_tap(errors);
    for (size_t from = 0, end; from < windows.n; from = end) {
        end = batch_end(from, room);
        run_batch(cases, from, end, no_predict ? NULL : &tap);
    }
    msg_progress_end();
    lm_outerror_free(errors);
    close_states();
    lm_batch_clear(&batch.text);
    free(cases);
}

/* ---- rows */

/* The sums of a case for a group. */
static struct lm_damage damage_at(size_t k, size_t g)
{
    if (changes_nothing(k % n_spec))
        return lm_ledger_total(as_it_is, 0, g);
    return lm_ledger_total(ledger, k / n_spec == n_part && n_part == 1 ? k % n_spec : k, g);
}

/* What is known of a part beside its damage. */
struct facts {
    uint64_t n, bytes;
    double output, error, diagonal; /* sums over tokens of a group */
    double squares, as_gauss, as_laplace;
    int in_layers;
};

static struct facts facts_of(size_t p, size_t s, size_t g)
{
    struct facts f = { 0 };
    for (size_t slot = 0; slot < n_slot(); slot++) {
        const struct matrix *m = &matrices[slot];
        const struct made *made_of = &made[s * n_slot() + slot];
        if (!part_has(&parts[p], m))
            continue;
        f.n += m->rows * m->cols;
        f.bytes += made_of->bytes;
        f.squares += made_of->squares;
        f.as_gauss += made_of->stats.as_gauss;
        f.as_laplace += made_of->stats.as_laplace;
        f.in_layers |= m->layer >= 0;
        f.output += output_sum[slot * n_group + g];
        f.error += error_sum[(s * n_slot() + slot) * n_group + g];
        f.diagonal += diagonal_sum[(s * n_slot() + slot) * n_group + g];
    }
    return f;
}

/* ---- by language, whatever rows are by */

static struct lm_damage *of_lang; /* [n_case][n_lang] */

static void add_up_langs(void)
{
    of_lang = xcalloc(n_case() * corpus.n_lang, sizeof *of_lang);
    for (size_t k = 0; k < n_case(); k++)
        for (size_t g = 0; g < n_group; g++) {
            struct lm_damage d = damage_at(k, g);
            lm_damage_add(&of_lang[k * corpus.n_lang + groups[g].lang], &d);
        }
}

static int is_beyond_guessing(size_t k, size_t lang)
{
    const struct lm_damage *d = &of_lang[k * corpus.n_lang + lang];
    return d->n && d->nll / (double)d->n > log((double)config->vocab_size) * (1 + 1e-12);
}

/* Damage of all parts together over the sum of theirs: the ratio of nll; *kl is that of KL divergence. */
static double additivity_of(const struct lm_damage *joint, const struct lm_damage *sum, double *kl)
{
    *kl = sum->kl != 0 ? joint->kl / sum->kl : NAN;
    return sum->nll != sum->ref_nll ? (joint->nll - joint->ref_nll) / (sum->nll - sum->ref_nll) : NAN;
}

/* How far the parts' damage is from adding up in each language, said once for each spec. */
static void warn_of_additivity(size_t s)
{
    size_t n_off = 0;
    double least = INFINITY, most = -INFINITY;
    for (size_t lang = 0; lang < corpus.n_lang; lang++) {
        struct lm_damage sum = { 0 };
        double kl;
        for (size_t p = 0; p < n_part; p++)
            lm_damage_add(&sum, &of_lang[(p * n_spec + s) * corpus.n_lang + lang]);
        size_t joint = n_part * n_spec + s;
        double ratio = additivity_of(&of_lang[joint * corpus.n_lang + lang], &sum, &kl);
        if (is_beyond_guessing(joint, lang) || !(ratio < 0.8 || ratio > 1.25))
            continue;
        n_off++;
        least = ratio < least ? ratio : least;
        most = ratio > most ? ratio : most;
    }
    if (n_off)
        warn("%s: the parts' damage does not add up in %zu of %zu languages: all together cost %.3g to %.3g "
             "times their sum",
             quants[s], n_off, corpus.n_lang, least, most);
}

static void warn_of_rows(void)
{
    double uniform = log((double)config->vocab_size);
    size_t n_beyond = 0;
    for (size_t lang = 0; lang < corpus.n_lang; lang++) {
        struct lm_damage all = { 0 };
        for (size_t g = 0; g < n_group; g++)
            if (groups[g].lang == lang) {
                struct lm_damage d = lm_ledger_total(as_it_is, 0, g);
                lm_damage_add(&all, &d);
            }
        double nll = per(all.nll, (double)all.n);
        if (nll > uniform * (1 + 1e-12))
            warn("%s: %.4g nats a token is worse than guessing (%.4g): its damage ranks nothing",
                 corpus.lang[lang], nll, uniform);
        for (size_t k = 0; k < n_case() && nll <= uniform && !predict_only; k++)
            n_beyond += (size_t)is_beyond_guessing(k, lang);
    }
    if (n_beyond)
        warn("cases of a language that are worse than guessing (%.4g nats a token), for which no delta is "
             "given: %zu of %zu",
             uniform, n_beyond, n_case() * corpus.n_lang);
    for (size_t s = 0; s < n_spec && n_part > 1 && !predict_only; s++)
        if (!changes_nothing(s))
            warn_of_additivity(s);
}

/* ---- rows */

/* The ratios of a group. */
static double additivity(size_t s, size_t g, double *kl)
{
    struct lm_damage joint = damage_at(n_part * n_spec + s, g), sum = { 0 };
    for (size_t p = 0; p < n_part; p++) {
        struct lm_damage d = damage_at(p * n_spec + s, g);
        lm_damage_add(&sum, &d);
    }
    return additivity_of(&joint, &sum, kl);
}

static struct csvout *out;

static void put_measured(size_t k, size_t g, int ranked)
{
    struct lm_damage d = damage_at(k, g), ref = lm_ledger_total(as_it_is, 0, g);
    double n = (double)ref.n, nll = per(d.nll, n), ref_nll = per(ref.nll, n), bytes = (double)groups[g].bytes;
    int is_known = !predict_only || changes_nothing(k % n_spec);
    csvout_num(out, ref_nll);
    csvout_num(out, is_known ? nll : NAN);
    csvout_num(out, is_known && ranked ? nll - ref_nll : NAN);
    csvout_num(out, is_known && ranked ? per(d.nll / M_LN2 - d.ref_nll / M_LN2, bytes) : NAN);
    csvout_num(out, is_known ? per(d.kl, n) : NAN);
    csvout_num(out, is_known ? per((double)d.n_agree, n) : NAN);
    csvout_num(out, is_known ? sqrt(per(d.squares, n)) : NAN);
}

static void put_row(size_t k, size_t g)
{
    size_t s = k % n_spec, p = k / n_spec;
    struct facts f = facts_of(p, s, g);
    double n = no_predict || !f.in_layers ? 0 : (double)groups[g].tokens, weights = (double)f.n, kl = NAN;
    int ranked = !is_beyond_guessing(k, groups[g].lang), is_joint = p == n_part && n_part && !predict_only;
    double ratio = is_joint && !changes_nothing(s) ? additivity(s, g, &kl) : NAN;
    csvout_str(out, quants[s]);
    csvout_int(out, spec[s].bits);
    csvout_str(out, parts[p].name);
    if (parts[p].layer >= 0)
        csvout_int(out, parts[p].layer);
    else
        csvout_str(out, "");
    csvout_str(out, parts[p].role >= 0 ? lm_role_name((enum lm_role)parts[p].role) : "");
    csvout_int(out, (int64_t)f.n);
    csvout_int(out, (int64_t)f.bytes);
    csvout_str(out, corpus.lang[groups[g].lang]);
    if (!strcmp(by, "line"))
        csvout_int(out, (int64_t)groups[g].line);
    csvout_int(out, (int64_t)groups[g].tokens);
    csvout_int(out, (int64_t)groups[g].bytes);
    put_measured(k, g, ranked);
    csvout_num(out, per(f.error, n));
    csvout_num(out, n > 0 ? per(f.error, f.output) : NAN);
    csvout_num(out, per(f.diagonal, n));
    csvout_num(out, f.squares);
    csvout_num(out, changes_nothing(s) ? 0 : f.as_gauss / weights);
    csvout_num(out, changes_nothing(s) ? 0 : f.as_laplace / weights);
    csvout_num(out, ranked ? ratio : NAN);
    csvout_num(out, kl);
    csvout_end_row(out);
}

static void write_rows(void)
{
    char *header = xsprintf(
        "quant,bits,part,layer,role,weights,packed_bytes,lang,%stokens,bytes,ref_nll,nll,delta_nll,"
        "delta_bits_per_byte,kl,top1_agreement,rms_delta_p,output_error,relative_output_error,"
        "imatrix_error,weight_error,predicted_mse_gauss,predicted_mse_laplace,additivity,"
        "additivity_kl",
        strcmp(by, "line") != 0 ? "" : "line,");
    out = csvout_open(out_path, header);
    free(header);
    for (size_t s = 0; s < n_spec; s++)
        for (size_t p = 0; p <= n_part; p++)
            for (size_t g = 0; g < n_group; g++)
                put_row(p * n_spec + s, g);
    csvout_close(out);
}

/* ---- all of it */

static void check_arguments(void)
{
    if (!model_path)
        die_usage("no model is given (-m)");
    if (!tokenizer_path && !strcmp(model_path, "-"))
        die_usage("a model from standard input needs --tokenizer");
    if (predict_only && no_predict)
        die_usage("--predict-only and --no-predict exclude each other");
    cli_refuse_if(predict_only, &journal_path, "with --predict-only");
    read_quants();
}

static struct lm_checkpoint *open_checkpoint(void)
{
    const char *why;
    struct lm_checkpoint *c = lm_checkpoint_open(model_path, (int)n_thread, &why);
    if (!c)
        die("%s: %s", strcmp(model_path, "-") != 0 ? model_path : "standard input", why);
    return c;
}

static void warn_of_checkpoint(struct lm_checkpoint *c)
{
    const char *note;
    for (size_t i = 0; (note = lm_checkpoint_note(c, i)); i++)
        warn("%s: %s", lm_checkpoint_path(c), note);
}

static void clear(void)
{
    lm_ledger_free(ledger);
    lm_ledger_free(as_it_is);
    for (size_t i = 0; i < n_spec * n_slot(); i++)
        free(made[i].columns);
    for (size_t p = 0; p <= n_part; p++)
        free(parts[p].name);
    free(made);
    free(matrices);
    free(parts);
    free(twins);
    free(groups);
    free(of_lang);
    free(output_sum);
    free(error_sum);
    free(diagonal_sum);
    free(spec);
    free(quants);
    lm_windows_clear(&windows);
    corpus_clear(&corpus);
    tokenizer_free(tokenizer);
}

int main(int argc, char **argv)
{
    const char *failed;
    char *why, **files = cli_parse(&prog, opts, argc, argv);
    check_arguments();
    if (gemm_load(&failed) < 0)
        die("%s", failed);
    int found = gemm_precision_find(precision_name);
    tokenizer = tokenizer_load(tokenizer_path ? tokenizer_path : model_path, &why);
    if (!tokenizer)
        die("%s", why);
    struct lm_checkpoint *c = open_checkpoint();
    config = lm_checkpoint_config(c);
    choose_matrices(c);
    plan_twins();
    plan_parts();
    read_texts(files);
    cut_windows(lm_checkpoint_path(c));
    if (!windows.n)
        die("the texts have nothing that could be predicted");
    open_ledger();
    model = open_model(c,
                       found < 0 ? gemm_default_precision() : (enum gemm_precision)found); /* auto is none */
    run_all();
    warn_of_checkpoint(c);
    add_up_langs();
    warn_of_rows();
    write_rows();
    clear();
    lm_model_free(model);
    return 0;
}
