/* sens - what each part of a model costs each language when it alone is quantised
 * in: a model, text by language (FILE, named by language, or stdin); out: CSV, a row for each way to
 * quantise, part and language or line (stdout). SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "lm/damagetable.h"
#include "lm/sweep.h"
#include "text/corpus.h"
#include "weights/modelfile.h"
#include "weights/variants.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *model_path, *tokenizer_path, *kind = "layer", *by = "lang", *lang_of_stdin = "stdin",
                                                *start_token = "auto", *unit = "line",
                                                *precision_name = "auto", *out_path = "-", *journal_path;
static char **quants, **only, **skip;
static int64_t context, stride, memory_mib = 2048, n_thread = 1;
static int full_windows, predict_only, no_predict;

static const struct cli_opt opts[] = {
    CLI_MODEL(&model_path),
    { 't', "tokenizer", CLI_IN, &tokenizer_path, "FILE",
      "a tokenizer.json, or a directory with one [that of MODEL, if it is a directory]", 0, 0, 0 },
    { 0, "quant", CLI_SPECS, &quants, "SPEC",
      "how the parts are quantised: KEY=VALUE,... as wquant has them, bits=4,per=group:128; may be given "
      "again",
      0, 0, 0 },
    { 0, "part", CLI_CHOICE, &kind, "WHAT",
      "what is quantised at a time: a `layer`; a `role`, as mlp_down, in all layers; a `matrix`, a role of a "
      "layer; or only `all` together [layer]",
      0, 0, LM_PIECES_KINDS },
    { 0, "only", CLI_LIST, &only, "ITEM,...",
      "these tensors and no others, as wquant takes them: layer:0-3, role:attn_*, *.mlp.* [matrices in the "
      "layers]",
      0, 0, 0 },
    { 0, "skip", CLI_LIST, &skip, "ITEM,...", "not these", 0, 0, 0 },
    { 0, "by", CLI_CHOICE, &by, "WHAT", "rows for each `lang` or `line` [lang]", 0, 0, "lang line" },
    { 0, "predict-only", CLI_FLAG, &predict_only, 0,
      "only what the model as it is tells: run nothing quantised", 0, 0, 0 },
    { 0, "no-predict", CLI_FLAG, &no_predict, 0, "only what is measured", 0, 0, 0 },
    { 0, "resume", CLI_OUT, &journal_path, "FILE",
      "note there what is done, part by part, and do not do again what is noted: a run that was killed goes "
      "on",
      0, 0, 0 },
    CLI_CONTEXT(&context, 2),
    CLI_SCORED_TEXT(&stride, &unit, &full_windows, &start_token, &lang_of_stdin),
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
        "quantised together; additivity is that divided by the sum of the parts' (delta_nll; kl), and is "
        "warned about outside 0.8 to 1.25. No delta is given where the quantised model is worse than "
        "guessing, as in ppl.\n"
        "weights counts those that are quantised; packed_bytes is their size packed, with scales and zero "
        "points, codes of a row in words of 32 bits.\n"
        "Predictions, from the model as it is, means over the tokens' inputs x of its matrices W, which "
        "become W + D: output_error, the sum over the part's matrices of |D x|^2 = tr(D C D^T); "
        "relative_output_error, the same divided by the sum of |W x|^2; imatrix_error, the sum of x_j^2 "
        "|D_j|^2 over columns. weight_error is the sum of |D|^2; predicted_mse_ as in wquant's report, of a "
        "weight. The first three are given for matrices in the layers.\n"
        "--resume: the finished table is the same as without; what was noted of another model (any weight, "
        "or its config), text or precision is refused. --memory holds at least three states of all text if "
        "it can; otherwise text goes in batches of whole languages. Parts are scored, and noted, up "
        "to 16 at a time or as many as a minute holds, whichever is less: so much a killed run loses. The "
        "model's weights are in memory, and once more for each SPEC.\n"
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

/* ---- ways to quantise */

static struct trials trials; /* [n_spec] */
static size_t n_spec;
static struct variants variants;
static const struct lm_config *config;
static const struct lm_pieces *parts;

static void plan_parts(const struct lm_checkpoint *c)
{
    variants_init(&variants, &trials, c, lm_pieces_kind(kind));
    config = lm_checkpoint_config(c);
    parts = variants.parts;
}

/* Each part in each way, the last part being all of them. */
static size_t n_case(void)
{
    return (parts->n + 1) * n_spec;
}

/* ---- text: a group is what a row is about, a language or a line */

struct group {
    size_t lang, line, tokens, bytes; /* of those that are predicted */
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
    struct corpus_options o = { .tokenizer = tokenizer,
                                .whole_files = !strcmp(unit, "file"),
                                .join = "\n\n",
                                .n_thread = (int)n_thread };
    corpus_read_files(&corpus, files, lang_of_stdin, start_token, &o);
    corpus_need_vocabulary(&corpus, config->vocab_size);
}

static void cut_windows(const char *path)
{
    size_t n = modelfile_context(config, path, context), step = modelfile_stride(stride, n);
    n_group = !strcmp(by, "line") ? corpus.n_text : corpus.n_lang;
    groups = xcalloc(n_group, sizeof *groups);
    for (size_t g = 0; g < n_group; g++)
        groups[g].lang = g; /* of lines the texts say it: a language may have none */
    for (size_t i = 0; i < corpus.n_text; i++) {
        const struct corpus_text *x = &corpus.text[i];
        struct group *g = &groups[group_of(i)];
        size_t w = windows.n;
        g->tokens += lm_windows_cut_scored(&windows, i, x->first, x->n, x->n_start, n, step, full_windows);
        g->lang = x->lang;
        g->line = x->line;
        for (; w < windows.n; w++)
            for (size_t k = windows.w[w].score; k < windows.w[w].n; k++)
                g->bytes += corpus.bytes[windows.w[w].first + k];
    }
    if (corpus.n_empty)
        warn("texts without a token: %zu", corpus.n_empty);
}

/* ---- what is found */

static struct lm_ledger *ledger;   /* damage by case (part * n_spec + spec) and group */
static struct lm_ledger *as_it_is; /* of the model that is not changed: one case */
static struct lm_outerror *errors; /* NULL: not wanted */
static struct lm_model *model;
static struct lm_damagetable table;

static void open_ledgers(void)
{
    char why[LM_WHY_MAX];
    ledger = lm_ledger_new(n_case(), n_group);
    as_it_is = lm_ledger_new(1, n_group);
    if (!journal_path)
        return;
    char **case_name = xnew(n_case(), sizeof(*case_name)), **group_name = xnew(n_group, sizeof(*group_name));
    for (size_t k = 0; k < n_case(); k++)
        case_name[k] = xsprintf("%s %s %016" PRIx64, quants[k % n_spec], parts->piece[k / n_spec].name,
                                lm_pieces_fingerprint(parts, k / n_spec));
    for (size_t g = 0; g < n_group; g++) {
        const char *lang = corpus.lang[groups[g].lang];
        group_name[g] = !strcmp(by, "line") ? xsprintf("%s %zu", lang, groups[g].line) : xstrdup(lang);
    }
    if (lm_ledger_open(ledger, journal_path, case_name, group_name, why) < 0)
        die("%s: %s", journal_path, why);
}

static void show_progress(void *ctx, size_t k, size_t text)
{
    const char *lang = corpus.lang[corpus.text[text].lang];
    (void)ctx;
    if (k == n_case())
        msg_progress("up to %s: the model as it is", lang);
    else
        msg_progress("up to %s: %s, part %s", lang, quants[k % n_spec], parts->piece[k / n_spec].name);
}

/* A single part is all of them. */
static int is_copy(size_t k)
{
    return k / n_spec == parts->n && parts->n == 1;
}

static void run_all(void)
{
    struct lm_case *cases = xnew(n_case(), sizeof *cases);
    char *idle = xcalloc(n_case(), 1), why[LM_WHY_MAX];
    size_t *of_text[2] = { xnew(corpus.n_text, sizeof(size_t)), xnew(corpus.n_text, sizeof(size_t)) };
    for (size_t k = 0; k < n_case(); k++) {
        cases[k] = lm_pieces_case(parts, k / n_spec, k % n_spec, n_spec);
        idle[k] = (char)(predict_only || variants_is_idle(&variants, k % n_spec) || is_copy(k));
    }
    for (size_t i = 0; i < corpus.n_text; i++) {
        of_text[0][i] = group_of(i);
        of_text[1][i] = corpus.text[i].lang;
    }
    if (!no_predict)
        errors = lm_outerror_new(model, n_spec, n_group, variants_columns, &variants, (int)n_thread);
    struct lm_sweep sweep = { .model = model,
                              .windows = &windows,
                              .id = corpus.id,
                              .group_of = of_text[0],
                              .batch_of = of_text[1],
                              .cases = cases,
                              .idle = idle,
                              .n_case = n_case(),
                              .ledger = ledger,
                              .reference = as_it_is,
                              .errors = errors,
                              .memory = (size_t)memory_mib << 20,
                              .n_thread = (int)n_thread,
                              .progress = show_progress };
    int status = lm_sweep_run(&sweep, why);
    if (status < 0)
        die("%s: %s", status == LM_SWEEP_OTHER_LEDGER ? journal_path : model_path, why);
    msg_progress_end();
    free(of_text[0]);
    free(of_text[1]);
    free(idle);
    free(cases);
}

/* ---- what a row is made of */

/* The sums of a case for a group. */
static struct lm_damage damage_at(size_t k, size_t g)
{
    if (variants_is_idle(&variants, k % n_spec))
        return lm_ledger_total(as_it_is, 0, g);
    return lm_ledger_total(ledger, is_copy(k) ? k % n_spec : k, g);
}

/* What is known of each row before any is written. */
static void fill_table(void)
{
    lm_damagetable_init(&table, parts->n, n_spec, n_group, corpus.n_lang, config->vocab_size);
    for (size_t k = 0; k < n_case(); k++)
        for (size_t g = 0; g < n_group; g++) {
            struct lm_damage d = damage_at(k, g);
            lm_damagetable_set(&table, k / n_spec, k % n_spec, g, groups[g].lang, &d);
        }
}

/* ---- warnings */

/* How far the parts' damage is from adding up in each language, said once for each spec. */
static void warn_of_additivity(size_t s)
{
    double least, most;
    size_t n_off = lm_damagetable_not_additive(&table, s, 0.8, 1.25, &least, &most);
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
        int beyond = lm_damage_beyond_guessing(&all, config->vocab_size);
        if (beyond)
            warn("%s: %.4g nats a token is worse than guessing (%.4g): its damage ranks nothing",
                 corpus.lang[lang], all.nll / (double)all.n, uniform);
        for (size_t k = 0; k < n_case() && !beyond && !predict_only; k++)
            n_beyond += (size_t)lm_damagetable_beyond(&table, k / n_spec, k % n_spec, lang);
    }
    if (n_beyond)
        warn("cases of a language that are worse than guessing (%.4g nats a token), for which no delta is "
             "given: %zu of %zu",
             uniform, n_beyond, n_case() * corpus.n_lang);
    for (size_t s = 0; s < n_spec && parts->n > 1 && !predict_only; s++)
        if (!variants_is_idle(&variants, s))
            warn_of_additivity(s);
}

/* ---- rows */

static struct csvout *out;

static void put_measured(size_t p, size_t s, size_t g)
{
    struct lm_damage ref = lm_ledger_total(as_it_is, 0, g);
    int is_ranked = !lm_damagetable_beyond(&table, p, s, groups[g].lang);
    struct lm_figures f = lm_damage_figures(lm_damagetable_at(&table, p, s, g), groups[g].bytes, is_ranked);
    csvout_num(out, lm_damage_figures(&ref, groups[g].bytes, 0).nll);
    csvout_num(out, f.nll);
    csvout_num(out, f.delta_nll);
    csvout_num(out, f.delta_bits_per_byte);
    csvout_num(out, f.kl);
    csvout_num(out, f.top1_agreement);
    csvout_num(out, f.rms_delta_p);
}

/* Of the model as it is, means over the tokens: 0 of them if there are no predictions. */
static void put_predicted(size_t p, size_t s, size_t g, size_t n_token)
{
    struct lm_outerror_sums e = { 0 };
    if (n_token)
        e = variants_outerror(&variants, p, s, errors, g);
    csvout_num(out, per(e.error, (double)n_token));
    csvout_num(out, per(e.error, e.output));
    csvout_num(out, per(e.diagonal, (double)n_token));
}

static void put_row(size_t p, size_t s, size_t g)
{
    struct variants_sum f = variants_sum(&variants, p, s);
    struct lm_additivity ratio = { NAN, NAN };
    int is_idle = variants_is_idle(&variants, s);
    if (p == parts->n && parts->n && !predict_only && !is_idle)
        ratio = lm_damagetable_additivity(&table, s, g);
    csvout_str(out, quants[s]);
    csvout_int(out, trials.each[s].usual.bits);
    csvout_str(out, parts->piece[p].name);
    if (parts->piece[p].layer >= 0)
        csvout_int(out, parts->piece[p].layer);
    else
        csvout_str(out, "");
    csvout_str(out, parts->piece[p].role >= 0 ? lm_role_name((enum lm_role)parts->piece[p].role) : "");
    csvout_int(out, (int64_t)f.n);
    csvout_int(out, (int64_t)f.bytes);
    csvout_str(out, corpus.lang[groups[g].lang]);
    if (!strcmp(by, "line"))
        csvout_int(out, (int64_t)groups[g].line);
    csvout_int(out, (int64_t)groups[g].tokens);
    csvout_int(out, (int64_t)groups[g].bytes);
    put_measured(p, s, g);
    put_predicted(p, s, g, no_predict || !f.in_layers ? 0 : groups[g].tokens);
    csvout_num(out, f.squares);
    csvout_num(out, is_idle ? 0 : f.as_gauss / (double)f.n);
    csvout_num(out, is_idle ? 0 : f.as_laplace / (double)f.n);
    csvout_num(out, ratio.nll);
    csvout_num(out, ratio.kl);
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
        for (size_t p = 0; p <= parts->n; p++)
            for (size_t g = 0; g < n_group; g++)
                put_row(p, s, g);
    csvout_close(out);
}

/* ---- all of it */

static void check_arguments(char **files)
{
    modelfile_check_text(model_path, tokenizer_path, files);
    if (predict_only && no_predict)
        die_usage("--predict-only and --no-predict exclude each other");
    cli_refuse_if(predict_only, &journal_path, "with --predict-only");
    if (!quants)
        die_usage("no way to quantise is given (--quant)");
    trials = (struct trials){ .only = only, .skip = skip, .n_thread = (int)n_thread };
    trial_read(&trials, quants, 0);
    n_spec = trials.n;
}

static void clear(void)
{
    lm_ledger_free(ledger);
    lm_ledger_free(as_it_is);
    free(groups);
    lm_damagetable_clear(&table);
    lm_outerror_free(errors);
    variants_clear(&variants);
    trial_clear(&trials);
    free(quants);
    lm_windows_clear(&windows);
    corpus_clear(&corpus);
    tokenizer_free(tokenizer);
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv);
    check_arguments(files);
    enum gemm_precision precision = modelfile_precision(precision_name);
    tokenizer = modelfile_tokenizer(tokenizer_path ? tokenizer_path : model_path);
    struct lm_checkpoint *c = modelfile_open(model_path, (int)n_thread);
    plan_parts(c);
    read_texts(files);
    cut_windows(lm_checkpoint_path(c));
    if (!windows.n)
        die("the texts have nothing that could be predicted");
    open_ledgers();
    model = variants_model(&variants, c, precision, (int)n_thread);
    if (journal_path)
        lm_model_want_fingerprint(model);
    run_all();
    modelfile_warn(c);
    fill_table();
    warn_of_rows();
    write_rows();
    lm_model_free(model);
    clear();
    return 0;
}
