/* sens - what each part of a model costs each language when it alone is quantised
 * in: a model, text by language (FILE, named by language, or stdin); out: CSV, a row for each way to
 * quantise, part and language or line (stdout). SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fnv.h"
#include "base/mem.h"
#include "base/msg.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "lm/pieces.h"
#include "lm/sweep.h"
#include "text/corpus.h"
#include "weights/made.h"
#include "weights/modelfile.h"
#include "weights/trial.h"
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

/* ---- ways to quantise, and what becomes of the matrices */

static struct trials trials; /* [n_spec] */
static size_t n_spec;
static const struct lm_config *config;
static struct lm_pieces *parts;

static struct made *made; /* [n_spec][parts->n_matrix] */

static struct made *made_at(size_t s, int layer, int role)
{
    return &made[s * parts->n_matrix + lm_pieces_slot(layer, role)];
}

static int changes_nothing(size_t s)
{
    return trials.each[s].usual.bits == 16;
}

static void read_quants(void)
{
    if (!quants)
        die_usage("no way to quantise is given (--quant)");
    trials = (struct trials){ .only = only, .skip = skip, .n_thread = (int)n_thread };
    trial_read(&trials, quants, 0);
    n_spec = trials.n;
}

static int is_chosen(void *ctx, const struct lm_place *p, const char *name)
{
    (void)ctx;
    return trial_wants(&trials, p, name);
}

static void plan_parts(const struct lm_checkpoint *c)
{
    enum lm_pieces_kind of = !strcmp(kind, "layer")    ? LM_BY_LAYER
                             : !strcmp(kind, "role")   ? LM_BY_ROLE
                             : !strcmp(kind, "matrix") ? LM_BY_MATRIX
                                                       : LM_BY_NOTHING;
    parts = lm_pieces_new(c, of, is_chosen, NULL);
    trial_check(&trials, lm_checkpoint_path(c));
    made = xcalloc(n_spec * parts->n_matrix, sizeof *made);
}

/* Each part in each way, the last part being all of them. */
static size_t n_case(void)
{
    return (parts->n + 1) * n_spec;
}

static size_t way_of(void *ctx, const struct lm_place *p, const char *name)
{
    const struct lm_twin *t = ctx;
    (void)name;
    int changed = parts->matrix[lm_pieces_slot(p->layer, (int)p->role)].chosen &&
                  (t->role < 0 || t->role == (int)p->role);
    return changed ? t->way + 1 : 0;
}

static int apply_quant(void *ctx, const struct lm_place *p, const char *name, enum tensor_dtype dtype,
                       float *w, size_t rows, size_t cols, char why[LM_WHY_MAX])
{
    const struct lm_twin *twin = ctx;
    struct made *m = made_at(twin->way, p->layer, (int)p->role);
    float *before = m->bytes ? NULL : xaligned(rows * cols, sizeof *before); /* the first time */
    if (before)
        memcpy(before, w, rows * cols * sizeof *w);
    int status = trial_apply(&trials.each[twin->way], p, name, dtype, w, rows, cols,
                             before ? &m->stats : NULL, why);
    if (before && status == 0)
        made_note(m, &trials.each[twin->way].usual, before, w, rows, cols, dtype);
    free(before);
    return status;
}

static struct lm_twin *twins;

static struct lm_model *new_model(struct lm_checkpoint *c, enum gemm_precision precision)
{
    size_t n;
    twins = lm_pieces_twins(parts, n_spec, &n);
    struct lm_change *change = xnew(n, sizeof *change);
    for (size_t i = 0; i < n; i++)
        change[i] = (struct lm_change){ way_of, apply_quant, &twins[i] };
    struct lm_model *m = lm_model_new(c, precision, (int)n_thread, change, n, 1);
    free(change);
    return m;
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
    size_t n = lm_windows_context(config, (size_t)context);
    if (!n)
        die("--context: %s has %zu positions", path, lm_forward_longest(config));
    if (stride > (int64_t)n)
        die_usage("--stride: %lld is more than the context of %zu", (long long)stride, n);
    n_group = !strcmp(by, "line") ? corpus.n_text : corpus.n_lang;
    groups = xcalloc(n_group, sizeof *groups);
    for (size_t g = 0; g < n_group; g++)
        groups[g].lang = g; /* of lines the texts say it: a language may have none */
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
    }
    if (corpus.n_empty)
        warn("texts without a token: %zu", corpus.n_empty);
}

/* ---- what is found */

static struct lm_ledger *ledger;   /* damage by case (part * n_spec + spec) and group */
static struct lm_ledger *as_it_is; /* of the model that is not changed: one case */
static struct lm_outerror *errors; /* NULL: not wanted */
static struct lm_model *model;
static char **case_name, **group_name;

/* Which matrices a part has: with another --only a part of the same name is another. */
static uint64_t matrices_of(size_t part)
{
    uint64_t h = FNV_START;
    for (size_t i = 0; i < parts->n_matrix; i++) {
        const struct lm_matrix *m = &parts->matrix[i];
        if (!lm_pieces_has(parts, part, m))
            continue;
        h = fnv_add(h, &m->layer, sizeof m->layer);
        h = fnv_add(h, &m->role, sizeof m->role);
    }
    return h;
}

static void open_ledgers(void)
{
    static char *model_name = "";
    case_name = xnew(n_case(), sizeof *case_name);
    group_name = xnew(n_group, sizeof *group_name);
    for (size_t k = 0; k < n_case(); k++)
        case_name[k] = xsprintf("%s %s %016" PRIx64, quants[k % n_spec], parts->piece[k / n_spec].name,
                                matrices_of(k / n_spec));
    for (size_t g = 0; g < n_group; g++) {
        const char *lang = corpus.lang[groups[g].lang];
        group_name[g] = !strcmp(by, "line") ? xsprintf("%s %zu", lang, groups[g].line) : xstrdup(lang);
    }
    ledger = lm_ledger_new(case_name, n_case(), group_name, n_group);
    as_it_is = lm_ledger_new(&model_name, 1, group_name, n_group);
    if (journal_path)
        lm_ledger_open(ledger, journal_path);
}

static const double *columns_of(void *ctx, int layer, enum lm_role role, size_t variant)
{
    (void)ctx;
    return changes_nothing(variant - 1) ? NULL : made_at(variant - 1, layer, (int)role)->columns;
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
        idle[k] = (char)(predict_only || changes_nothing(k % n_spec) || is_copy(k));
    }
    for (size_t i = 0; i < corpus.n_text; i++) {
        of_text[0][i] = group_of(i);
        of_text[1][i] = corpus.text[i].lang;
    }
    if (!no_predict)
        errors = lm_outerror_new(model, n_spec, n_group, columns_of, NULL, (int)n_thread);
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
    if (lm_sweep_run(&sweep, why) < 0)
        die("%s: %s", model_path, why);
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
    if (changes_nothing(k % n_spec))
        return lm_ledger_total(as_it_is, 0, g);
    return lm_ledger_total(ledger, is_copy(k) ? k % n_spec : k, g);
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
    for (size_t i = 0; i < parts->n_matrix; i++) {
        const struct lm_matrix *m = &parts->matrix[i];
        const struct made *made_of = made_at(s, m->layer, m->role);
        if (!lm_pieces_has(parts, p, m))
            continue;
        f.n += m->rows * m->cols;
        f.bytes += made_of->bytes;
        f.squares += made_of->squares;
        f.as_gauss += made_of->stats.as_gauss;
        f.as_laplace += made_of->stats.as_laplace;
        f.in_layers |= m->layer >= 0;
        if (m->layer < 0 || !errors)
            continue;
        struct lm_outerror_sums sums = lm_outerror_sum(errors, m->layer, (enum lm_role)m->role, s + 1, g);
        f.output += sums.output;
        f.error += sums.error;
        f.diagonal += sums.diagonal;
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
    return lm_damage_beyond_guessing(&of_lang[k * corpus.n_lang + lang], config->vocab_size);
}

/* Whether nll tells what all parts, and each of them, cost a language. */
static int can_add_up(size_t s, size_t lang)
{
    for (size_t p = 0; p <= parts->n; p++)
        if (is_beyond_guessing(p * n_spec + s, lang))
            return 0;
    return 1;
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
        for (size_t p = 0; p < parts->n; p++)
            lm_damage_add(&sum, &of_lang[(p * n_spec + s) * corpus.n_lang + lang]);
        size_t joint = parts->n * n_spec + s;
        double ratio = additivity_of(&of_lang[joint * corpus.n_lang + lang], &sum, &kl);
        if (!can_add_up(s, lang) || !(ratio < 0.8 || ratio > 1.25))
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
        int beyond = lm_damage_beyond_guessing(&all, config->vocab_size);
        if (beyond)
            warn("%s: %.4g nats a token is worse than guessing (%.4g): its damage ranks nothing",
                 corpus.lang[lang], all.nll / (double)all.n, uniform);
        for (size_t k = 0; k < n_case() && !beyond && !predict_only; k++)
            n_beyond += (size_t)is_beyond_guessing(k, lang);
    }
    if (n_beyond)
        warn("cases of a language that are worse than guessing (%.4g nats a token), for which no delta is "
             "given: %zu of %zu",
             uniform, n_beyond, n_case() * corpus.n_lang);
    for (size_t s = 0; s < n_spec && parts->n > 1 && !predict_only; s++)
        if (!changes_nothing(s))
            warn_of_additivity(s);
}

/* ---- rows */

/* The ratios of a group. */
static double additivity(size_t s, size_t g, double *kl)
{
    struct lm_damage joint = damage_at(parts->n * n_spec + s, g), sum = { 0 };
    for (size_t p = 0; p < parts->n; p++) {
        struct lm_damage d = damage_at(p * n_spec + s, g);
        lm_damage_add(&sum, &d);
    }
    double ratio = additivity_of(&joint, &sum, kl);
    return can_add_up(s, groups[g].lang) ? ratio : NAN;
}

static struct csvout *out;

static void put_measured(size_t k, size_t g, int ranked)
{
    struct lm_damage d = damage_at(k, g), ref = lm_ledger_total(as_it_is, 0, g);
    struct lm_figures f = lm_damage_figures(&d, groups[g].bytes, ranked); /* of a case that is not run NaN */
    csvout_num(out, lm_damage_figures(&ref, groups[g].bytes, 0).nll);
    csvout_num(out, f.nll);
    csvout_num(out, f.delta_nll);
    csvout_num(out, f.delta_bits_per_byte);
    csvout_num(out, f.kl);
    csvout_num(out, f.top1_agreement);
    csvout_num(out, f.rms_delta_p);
}

static void put_row(size_t k, size_t g)
{
    size_t s = k % n_spec, p = k / n_spec;
    struct facts f = facts_of(p, s, g);
    double n = no_predict || !f.in_layers ? 0 : (double)groups[g].tokens, weights = (double)f.n, kl = NAN;
    int ranked = !is_beyond_guessing(k, groups[g].lang),
        is_joint = p == parts->n && parts->n && !predict_only;
    double ratio = is_joint && !changes_nothing(s) ? additivity(s, g, &kl) : NAN;
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
    put_measured(k, g, ranked);
    csvout_num(out, per(f.error, n));
    csvout_num(out, n > 0 ? per(f.error, f.output) : NAN);
    csvout_num(out, per(f.diagonal, n));
    csvout_num(out, f.squares);
    csvout_num(out, changes_nothing(s) ? 0 : f.as_gauss / weights);
    csvout_num(out, changes_nothing(s) ? 0 : f.as_laplace / weights);
    csvout_num(out, ratio);
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
        for (size_t p = 0; p <= parts->n; p++)
            for (size_t g = 0; g < n_group; g++)
                put_row(p * n_spec + s, g);
    csvout_close(out);
}

/* ---- all of it */

static void check_arguments(char **files)
{
    modelfile_check(model_path, files);
    if (!tokenizer_path && !strcmp(model_path, "-"))
        die_usage("a model from standard input needs --tokenizer");
    if (predict_only && no_predict)
        die_usage("--predict-only and --no-predict exclude each other");
    cli_refuse_if(predict_only, &journal_path, "with --predict-only");
    read_quants();
}

static void clear(void)
{
    lm_ledger_free(ledger);
    lm_ledger_free(as_it_is);
    for (size_t i = 0; i < n_spec * parts->n_matrix; i++)
        made_clear(&made[i]);
    free(made);
    free(twins);
    free(groups);
    free(of_lang);
    for (size_t k = 0; k < n_case(); k++)
        free(case_name[k]);
    for (size_t g = 0; g < n_group; g++)
        free(group_name[g]);
    free(case_name);
    free(group_name);
    lm_outerror_free(errors);
    lm_pieces_free(parts);
    trial_clear(&trials);
    free(quants);
    lm_windows_clear(&windows);
    corpus_clear(&corpus);
    tokenizer_free(tokenizer);
}

int main(int argc, char **argv)
{
    const char *failed;
    char **files = cli_parse(&prog, opts, argc, argv);
    check_arguments(files);
    if (gemm_load(&failed) < 0)
        die("%s", failed);
    tokenizer = modelfile_tokenizer(tokenizer_path ? tokenizer_path : model_path);
    struct lm_checkpoint *c = modelfile_open(model_path, (int)n_thread);
    config = lm_checkpoint_config(c);
    plan_parts(c);
    read_texts(files);
    cut_windows(lm_checkpoint_path(c));
    if (!windows.n)
        die("the texts have nothing that could be predicted");
    open_ledgers();
    model = new_model(c, gemm_precision_of(precision_name));
    if (journal_path)
        lm_model_want_fingerprint(model);
    run_all();
    modelfile_warn(c);
    add_up_langs();
    warn_of_rows();
    write_rows();
    clear();
    lm_model_free(model);
    return 0;
}
