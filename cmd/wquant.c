/* wquant - rounds the weights of a model to a few bits
 * in: a tensor stream of weights or safetensors (FILE or stdin); out: the same with weights rounded, in their
 * dtype; or a directory of packed weights. Holds one tensor. SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/msg.h"
#include "cli/cli.h"
#include "weights/modelfile.h"
#include "weights/overlap.h"
#include "weights/recipefile.h"
#include "weights/rewrite.h"
#include <string.h>

static const char *out_path = "-", *bits = "4", *grid = "ct", *per = "channel", *clip = "minmax",
                  *scale = "auto", *bias = "none", *rotate = "none", *recipe_path, *report_path,
                  *report_by = "tensor", *pack_path, *method = "rtn", *moments_path, *tokenizer_path,
                  *precision_name = "auto", *llama_path, *unit = "line", *start_token = "auto";
static char **only, **skip, **mix_list, **calibrate_list, **test_list;
static int beyond, embed_too, head_too, act_order, static_groups;
static double damping = GPTQ_DAMPING;
static int64_t memory_mib = 2048, n_solve = 8, context, level = TS_LEVEL, n_thread = 1;

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
    { 0, "rotate", CLI_STR, &rotate, "N",
      "turn each N weights along the input by a Hadamard matrix before they are rounded, and back after, so "
      "that they share an outlier; N is a power of two [none]",
      0, 0, 0 },
    { 0, "method", CLI_CHOICE, &method, "METHOD",
      "rtn, to the nearest level; gptq, column after column, each making up for those before; awq, inputs "
      "scaled first, see below [rtn]",
      0, 0, "rtn gptq awq" },
    { 0, "moments", CLI_IN, &moments_path, "FILE",
      "second moments of what the matrices multiply, by language: actdump --reduce gram --site "
      "attn_in,attn_mix,mlp_in,mlp_act",
      0, 0, 0 },
    { 0, "calibrate", CLI_INS, &calibrate_list, "FILE,...",
      "gptq: instead of moments text, named by its language as eng.txt, or token streams of tok; run through "
      "the model once, each matrix seeing what the quantised ones before it give. FILE of the model is read "
      "twice",
      0, 0, 0 },
    { 0, "test", CLI_INS, &test_list, "FILE,...",
      "text that the result will be judged by: lines of it that are in the text to calibrate on are counted, "
      "and that is said",
      0, 0, 0 },
    { 't', "tokenizer", CLI_IN, &tokenizer_path, "FILE",
      "for text to calibrate on: a tokenizer.json, or a directory with one [beside the model]", 0, 0, 0 },
    { 0, "text", CLI_CHOICE, &unit, "WHAT",
      "what is one text to calibrate on: a `line`, or a `file`, its lines joined by an empty one [line]", 0,
      0, "line file" },
    CLI_START(&start_token),
    CLI_CONTEXT(&context, 2),
    CLI_PRECISION(&precision_name),
    { 0, "mix", CLI_LIST, &mix_list, "MIX",
      "what each language of the moments counts for: its tokens (`pooled`), all the same (`balanced`), or "
      "LANG=W,.., other languages then for nothing; or `minmax`, what makes the worst off best off [pooled]",
      0, 0, 0 },
    { 0, "solves", CLI_INT, &n_solve, "N",
      "with --mix minmax: solutions of a matrix to choose from, at most [8]", 1, 1000, 0 },
    { 0, "damping", CLI_NUM, &damping, "X",
      "gptq: share of the mean of a moment's diagonal that is added to all of it; ten times as much, and "
      "said, where that is not positive definite yet [0.01]",
      0, GPTQ_DAMPING_MAX, 0 },
    { 0, "act-order", CLI_FLAG, &act_order, 0,
      "gptq: columns of large activations first; groups are static then", 0, 0, 0 },
    { 0, "static-groups", CLI_FLAG, &static_groups, 0,
      "gptq: scales of groups from the weights as they are, not as they have become when the group comes", 0,
      0, 0 },
    { 0, "only", CLI_LIST, &only, "ITEM,...", "quantise only tensors that are listed, see below", 0, 0, 0 },
    { 0, "skip", CLI_LIST, &skip, "ITEM,...", "leave alone tensors that are listed", 0, 0, 0 },
    { 0, "embed", CLI_FLAG, &embed_too, 0, "quantise the embedding too (and a tied head with it)", 0, 0, 0 },
    { 0, "head", CLI_FLAG, &head_too, 0, "quantise a head of its own too", 0, 0, 0 },
    { 0, "recipe", CLI_IN, &recipe_path, "CSV", "quantise tensors as the rows of a table say, see below", 0,
      0, 0 },
    { 0, "report", CLI_OUT, &report_path, "CSV", "write what it did to each tensor", 0, 0, 0 },
    { 0, "report-by", CLI_CHOICE, &report_by, "WHAT",
      "rows of the report: lang takes --moments or --calibrate [tensor]", 0, 0, "tensor channel lang" },
    { 0, "pack", CLI_OUT_DIR, &pack_path, "DIR",
      "write DIR for transformers and vLLM instead: config.json, and 4 or 8 bits packed as "
      "compressed-tensors has it",
      0, 0, 0 },
    { 0, "llama-cpp", CLI_OUT, &llama_path, "FILE",
      "write too what llama.cpp is to make of each matrix, for llama-quantize --tensor-type-file FILE", 0, 0,
      0 },
    { 0, "memory", CLI_INT, &memory_mib, "MIB",
      "for moments, states and solutions, each; what needs more is in a temporary file ($TMPDIR, or /tmp) "
      "[2048]",
      1, 1 << 24, 0 },
    CLI_OUTPUT(&out_path, "weights"),
    CLI_COMPRESS(&level),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END,
};

static const struct cli_prog prog = {
    .name = "wquant",
    .synopsis = "[OPTION]... [FILE]\n--pack DIR [OPTION]... [FILE]",
    .summary = "Round the weights of a model to a few levels.",
    .in = "a tensor stream of weights, as modelcat writes it, or safetensors (with config.json beside FILE)",
    .out = "the same stream, what was quantised rounded in its own dtype: any program that reads the one "
           "reads the other",
    .notes =
        "Quantised are the matrices of attention and MLP, with output channels as the family has them "
        "(columns in gpt2). All else stays as it is, unless it is asked for by --embed, --head, or a role or "
        "name in full in --only or a recipe. In a stream that is no model of a known family, every tensor of "
        "floats with two dimensions or more is quantised.\n"
        "GRID, with H = 2^(bits-1) and a the end of the range: absmax, scale a/(H-1), levels -(H-1)..H-1; "
        "qmax, the same down to -H; qmin, a/H; ct, a/(H-1/2), as compressed-tensors; gptq, the same as the "
        "code of GPTQ's authors has it, where cells without negative weights get half their range; q4_0, the "
        "largest weight/-H, as llama.cpp; midrise, a/H, levels half a scale off 0, as ACIQ. With a zero "
        "point: ct-asym, gptq-asym. Halves go to even.\n"
        "RULE: minmax; pct:P, the percentile P of |w| (99.9); aciq-gauss and aciq-laplace, the optimum of "
        "Banner et al. 2019 for the grid's own step; mse, the least squared error of 641 ranges, each 1.1 % "
        "smaller than the one before; kurt, aciq-gauss * (1 + excess kurtosis / 10), or with kurt:K that of "
        "K, as the kurtosis of a layer's activations in a language; gennorm, the optimum for the generalised "
        "Gauss of that kurtosis; moments, as mse with squared errors weighted by the inputs' second moments "
        "in the mix (--moments or --calibrate).\n"
        "ITEM: a pattern for names as '*.mlp.*'; layer:5 or layer:20-23; role:ROLE, also a pattern: embed, "
        "project_in, position, embed_norm, attn_norm, attn_qkv, attn_q, attn_k, attn_v, attn_out, mlp_norm, "
        "mlp_gate, mlp_up, mlp_down, final_norm, project_out, head. In --only kinds restrict each other: "
        "layer:3,role:mlp_* is the MLP of layer 3.\n"
        "A recipe has columns that say for which tensors a row is (name, layer, role) and how they are "
        "quantised (bits, grid, per, group, clip, scale, bias, rotate, beyond; method noise and its seed, as "
        "ppl --quant has them; what is empty is as the options say); others are ignored. The first row that "
        "is for a tensor counts; bits 16 leaves it alone. What no row is for gets --bits, and that is said "
        "if "
        "--bits is not given. --only and --skip hold as well.\n"
        "For llama.cpp only the bits count: 2 to 6 are q2_K to q6_K, 7 and 8 q8_0 (its blocks have scales of "
        "their own), and what stays as it is keeps its dtype. Give Q8_0 as llama-quantize's type of the "
        "whole: with F16 or BF16 it does not look at FILE.\n"
        "The report has alpha, half the range, and scale as means over cells; mse, sqnr_db and clipped_share "
        "of what was written; predicted_mse_gauss and _laplace, clipping noise plus scale^2/12 (Banner et "
        "al.); with --moments output_error, E|(w - q)x|^2 / E|w x|^2 over the mix, or by lang, and what gptq "
        "took: damping, and dead_inputs, those that are always 0, whose weights become what the grid has for "
        "0.\n"
        "GPTQ (Frantar et al. 2022) leaves --grid, --per, --clip, --recipe and --pack their meaning; an "
        "embedding is rounded to nearest.\n"
        "AWQ (Lin et al. 2023) multiplies the inputs' columns by a power of mean|x|, one of 20, and divides "
        "what writes these inputs by it, where that is exact: a norm's gain, the values' rows, rows of up "
        "behind a gate or a ReLU; other sites are said, and rounded to nearest. The matrices of a site share "
        "the search for the least output error over the mix. Moments need mean|x| too (--reduce "
        "gram,absmean). With --clip moments it clips by these as well.",
    .example =
        "  modelcat bloom-560m | wquant --bits 4 --clip mse --report report.csv -o w4.t\n"
        "  modelcat llama | wquant --pack llama-w4g128 --per group:128 --clip mse\n"
        "  actdump -m bloom-560m --reduce gram --site attn_in,attn_mix,mlp_in,mlp_act -o h.t text/*.txt\n"
        "  modelcat bloom-560m | wquant --recipe recipe.csv --llama-cpp types.txt -o mixed.t\n"
        "  modelcat bloom-560m | wquant --method gptq --moments h.t --mix balanced -o w4.t\n"
        "  wquant --method gptq --calibrate text/eng.txt,text/tha.txt --mix minmax -o w4.t model.safetensors",
    .see_also = "modelcat, actdump, ppl, kurt, tensorcat",
    .max_files = 1,
};

/* ---- what is wanted */

static struct choice_rules rules;

static void set_usual(void)
{
    const char *const keys[] = { "bits", "grid", "per", "clip", "scale", "bias", "rotate", "beyond" };
    const char *const values[] = { bits, grid, per, clip, scale, bias, rotate, beyond ? "yes" : "no" };
    char why[QUANT_WHY_MAX];
    quant_spec_init(&rules.usual);
    rules.usual.has_moments = moments_path || calibrate_list;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (quant_spec_set(&rules.usual, keys[i], values[i], why) < 0)
            die_usage("--%s", why);
    choice_check_items("only", only);
    choice_check_items("skip", skip);
    rules.only = only;
    rules.skip = skip;
    rules.embed = embed_too;
    rules.head = head_too;
    rules.pack = pack_path != NULL;
    if (pack_path && strcmp(out_path, "-") != 0)
        die_usage("--pack and --output exclude each other");
}

/* ---- what the matrices multiply */

static struct lm_mix mix;
static struct lm_grams *grams;
static struct solver *solver;
static struct calibration *calibration;
static struct fold *scales; /* of awq */

static void set_mix(void)
{
    static char *usual_mix[] = { "pooled", NULL };
    char why[LM_GRAMS_WHY_MAX];
    if (lm_mix_parse(&mix, mix_list ? mix_list : usual_mix, why) < 0)
        die_usage("--mix: %s", why);
}

/* What means nothing without something else is refused. */
static void check_method(void)
{
    int gptq = !strcmp(method, "gptq"), awq = !strcmp(method, "awq"), known = moments_path || calibrate_list;
    if (gptq && !known)
        die_usage("--method gptq needs --moments or --calibrate");
    if (awq && !moments_path)
        die_usage("--method awq needs --moments");
    if (moments_path && calibrate_list)
        die_usage("--moments and --calibrate exclude each other");
    if (gptq && strcmp(bias, "none") != 0)
        die_usage("--bias would undo what --method gptq does");
    if (mix.kind == LM_MIX_MINMAX && !gptq)
        die_usage("--mix minmax needs --method gptq");
    if (!strcmp(report_by, "lang") && !known)
        die_usage("--report-by lang needs --moments or --calibrate");
    cli_refuse_if(gptq, &rotate, "with --method gptq");
    cli_refuse_if(awq, &rotate, "with --method awq");
    cli_refuse_if(!gptq, &damping, "without --method gptq");
    cli_refuse_if(!gptq, &act_order, "without --method gptq");
    cli_refuse_if(!gptq, &static_groups, "without --method gptq");
    cli_refuse_if(!gptq, &calibrate_list, "without --method gptq");
    cli_refuse_if(!gptq && !awq && !report_path && rules.usual.clip != QUANT_MOMENTS && !recipe_path,
                  &moments_path, "without --method gptq or awq, --clip moments, --recipe or --report");
    cli_refuse_if(!known, &mix_list, "without --moments or --calibrate");
    cli_refuse_if(!known, &memory_mib, "without --moments or --calibrate");
    cli_refuse_if(mix.kind != LM_MIX_MINMAX, &n_solve, "without --mix minmax");
    cli_refuse_if(!calibrate_list, &tokenizer_path, "without --calibrate");
    cli_refuse_if(!calibrate_list, &unit, "without --calibrate");
    cli_refuse_if(!calibrate_list, &start_token, "without --calibrate");
    cli_refuse_if(!calibrate_list, &context, "without --calibrate");
    cli_refuse_if(!calibrate_list, &precision_name, "without --calibrate");
    cli_refuse_if(!known, &test_list, "without --moments or --calibrate");
    cli_refuse_if(!report_path, &report_by, "without --report");
}

static void run_calibration(const char *path, const struct solver_options *o, int apart)
{
    if (!strcmp(path, "-"))
        die_usage("--calibrate reads the model twice: name its file");
    const struct calibrate_options c = { .model_path = path,
                                         .texts = calibrate_list,
                                         .tests = test_list,
                                         .tokenizer_path = tokenizer_path,
                                         .start_token = start_token,
                                         .whole_files = !strcmp(unit, "file"),
                                         .context = (size_t)context,
                                         .precision = modelfile_precision(precision_name),
                                         .rules = &rules,
                                         .solver = *o,
                                         .mix = &mix,
                                         .apart = apart,
                                         .measure = report_path != NULL,
                                         .memory_bytes = (size_t)memory_mib << 20 };
    calibration = calibration_run(&c);
}

/* As far as the moments say which lines they were made from. */
static void warn_of_overlap(void)
{
    struct overlap lines = { 0 };
    for (size_t lang = 0; lang < lm_grams_n_lang(grams); lang++) {
        const char *text = lm_grams_lines(grams, lang), *name = lm_grams_langs(grams)[lang];
        if (!(lm_grams_weight(grams, lang) > 0))
            continue;
        if (!text || !*text)
            warn("%s: %s: does not say which lines it was made from, for --test", moments_path, name);
        else if (overlap_add_text(&lines, text) < 0)
            die("%s: %s: 'lines' are none", moments_path, name);
    }
    overlap_warn(&lines, test_list);
    overlap_clear(&lines);
}

/* Reads the moments, or makes them. */
static void learn_inputs(const char *path)
{
    const struct solver_options o = { .method = !strcmp(method, "gptq") ? SOLVER_GPTQ : SOLVER_RTN,
                                      .gptq = { damping, act_order, static_groups },
                                      .n_solve = mix.kind == LM_MIX_MINMAX ? (int)n_solve : 0,
                                      .n_thread = (int)n_thread };
    int apart = o.n_solve || !strcmp(report_by, "lang");
    char why[LM_GRAMS_WHY_MAX];
    if (calibrate_list)
        run_calibration(path, &o, apart);
    if (!moments_path)
        return;
    grams = lm_grams_read(moments_path, &mix, apart, (size_t)memory_mib << 20, (int)n_thread, why);
    if (!grams)
        die("%s: %s", moments_path, why);
    if (test_list)
        warn_of_overlap();
    solver = solver_new(grams, &o);
    if (strcmp(method, "awq") != 0)
        return;
    const struct fold_options f = { path, &rules, grams, (int)n_thread };
    if (!strcmp(path, "-"))
        die_usage("--method awq reads the model twice: name its file");
    scales = fold_search(&f);
}

static struct report *open_report(void)
{
    const enum report_by by = !strcmp(report_by, "channel") ? REPORT_CHANNEL
                              : !strcmp(report_by, "lang")  ? REPORT_LANG
                                                            : REPORT_TENSOR;
    char *const *langs = calibration ? calibration_langs(calibration) : grams ? lm_grams_langs(grams) : NULL;
    return report_path ? report_open(report_path, by, langs) : NULL;
}

int main(int argc, char **argv)
{
    const char *path = *cli_parse(&prog, opts, argc, argv);
    int got;
    set_usual();
    set_mix();
    check_method();
    if (recipe_path)
        rules.recipe = recipefile_read(recipe_path, rules.usual.has_moments);
    learn_inputs(path);
    struct ts_reader *in = ts_open_in(path, (int)n_thread);
    struct report *report = open_report();
    struct ggmltypes *ggmltypes = llama_path ? ggmltypes_open(llama_path) : NULL;
    const struct rewrite_options o = { .rules = &rules,
                                       .solver = solver,
                                       .calibration = calibration,
                                       .fold = scales,
                                       .report = report,
                                       .ggmltypes = ggmltypes,
                                       .in_path = path,
                                       .out_path = out_path,
                                       .pack_path = pack_path,
                                       .stream = { .level = (int)level, .n_thread = (int)n_thread } };
    struct rewrite *rewrite = rewrite_open(&o, in);
    while ((got = ts_next_frame(in)) > 0)
        rewrite_frame(rewrite);
    if (got < 0)
        ts_die(in);
    if (rules.recipe && rules.n_done)
        recipefile_check_used(rules.recipe, recipe_path);
    if (!cli_given(&bits))
        recipefile_warn_unnamed(recipe_path, rules.n_unnamed, rules.unnamed, rules.usual.bits);
    rewrite_close(rewrite);
    report_close(report);
    ggmltypes_close(ggmltypes);
    ts_close(in);
    solver_free(solver);
    lm_grams_free(grams);
    calibration_free(calibration);
    fold_free(scales);
    lm_mix_clear(&mix);
    choice_rules_clear(&rules);
    msg_progress_end();
    return 0;
}
