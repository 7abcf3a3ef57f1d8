/* ppl - how well a model predicts each language's text, and what a change to it costs
 * in: a model, text by language (FILE, named by language, or stdin); out: CSV, a row for each language, line
 * or token (stdout). SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "lm/damage.h"
#include "lm/run.h"
#include "lm/windows.h"
#include "text/corpus.h"
#include "weights/modelfile.h"
#include "weights/trial.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *model_path, *tokenizer_path, *against, *out_path = "-", *by = "lang",
                                                          *lang_of_stdin = "stdin";
static const char *start_token = "auto", *unit = "line", *precision_name = "auto";
static char **quants, **quant_only, **quant_skip;
static int64_t context, stride, memory_mib = 2048, n_thread = 1;
static int full_windows;

static const struct cli_opt opts[] = {
    CLI_MODEL(&model_path),
    { 't', "tokenizer", CLI_IN, &tokenizer_path, "FILE",
      "a tokenizer.json, or a directory with one [that of MODEL, if it is a directory]", 0, 0, 0 },
    { 0, "quant", CLI_SPECS, &quants, "SPEC",
      "quantise the model's matrices on the way and compare it with itself: KEY=VALUE,... as wquant has "
      "them, bits=4,per=group:128, and recipe=FILE, see below; may be given again, and all run side by side",
      0, 0, 0 },
    { 0, "against", CLI_IN, &against, "MODEL", "compare the model with this one, which has not been changed",
      0, 0, 0 },
    { 0, "only", CLI_LIST, &quant_only, "ITEM,...",
      "--quant: these tensors, as wquant takes them: *.mlp.*, layer:20-23, role:attn_* [matrices in the "
      "layers]",
      0, 0, 0 },
    { 0, "skip", CLI_LIST, &quant_skip, "ITEM,...", "--quant: not these", 0, 0, 0 },
    { 0, "by", CLI_CHOICE, &by, "WHAT", "a row for each `lang`, `line` or `token` [lang]", 0, 0,
      "lang line token" },
    CLI_CONTEXT(&context, 2),
    CLI_SCORED_TEXT(&stride, &unit, &full_windows, &start_token, &lang_of_stdin),
    CLI_PRECISION(&precision_name),
    { 0, "memory", CLI_INT, &memory_mib, "MIB",
      "for the states of the tokens that go through the model together; more text takes further passes "
      "[2048]",
      1, 1 << 24, 0 },
    CLI_OUTPUT(&out_path, "CSV"),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END
};

static const struct cli_prog prog = {
    .name = "ppl",
    .synopsis = "-m MODEL [OPTION]... [FILE]...",
    .summary = "Perplexity of a language model by language, line or token, and what quantising it costs.",
    .in = "text in UTF-8, one paragraph a line; a file is named by its language (eng.txt is eng)",
    .out =
        "CSV of (quant,) lang, (line, (position, id, token,)) tokens, unscored, unknown, bytes, chars, nll, "
        "perplexity, bits_per_byte, bits_per_char; with --quant or --against also ref_nll, ref_perplexity, "
        "ref_bits_per_byte, delta_nll, delta_bits_per_byte, degradation, kl, top1_agreement, rms_delta_p",
    .notes =
        "tokens are those predicted, each from what is before it in its window; bytes and chars are theirs. "
        "unscored ones have nothing before them (the first of a text that nothing is put in front of, the "
        "first of a further window); unknown counts unknown tokens. nll is nats a token, perplexity "
        "exp(nll), bits_per_byte is over the bytes of UTF-8, bits_per_char over code points.\n"
        "The model under test is the quantised one, or MODEL beside --against; ref_ is of the other. delta_ "
        "is the difference, degradation is (perplexity - ref_perplexity) / ref_perplexity, kl the mean KL "
        "divergence of the model from the reference in nats a token, top1_agreement the share of tokens "
        "where both find the same one likeliest, rms_delta_p the root mean square of the change of the right "
        "token's probability. Where a language's nll is above the logarithm of the vocabulary's size, that "
        "of guessing, no delta or degradation is given by lang or line: beyond that they rank nothing.\n"
        "method=noise,seed=N in a SPEC: no rounding, but Gauss noise that in every output channel is as "
        "large as the error of rounding; the control that tells rounding from any perturbation.\n"
        "recipe=FILE in a SPEC: a table as wquant --recipe takes it; its first row that is for a matrix says "
        "how that is quantised, over what the SPEC says of all. A row that is for no matrix is an error.\n"
        "With several --quant the first column, quant, is the SPEC as it was given; reading the text and the "
        "reference then cost once, as do a matrix and the layers up to it where SPECs say the same of them, "
        "and the rows of each are what it has alone.\n"
        "Nothing depends on threads, on --memory or on what else is scored.",
    .example =
        "  ppl -m bloom-560m text/*.txt\n"
        "  modelcat bloom-560m | wquant --bits 4 --clip mse |\n"
        "      ppl -m - --against bloom-560m -t bloom-560m text/*.txt\n"
        "  ppl -m bloom-560m --quant bits=4 --quant recipe=mean.csv --quant recipe=worst.csv text/*.txt\n"
        "  ppl -m bloom-560m --quant bits=4 --by line text/*.txt |\n"
        "      bootstrap --stat mean -x delta_nll --by lang",
    .see_also = "modelcat, wquant, bitalloc, bootstrap",
};

/* ---- what is added up */

struct tally {
    struct lm_damage damage; /* of the model under test, against itself if there is no reference */
    uint64_t unscored, unknown, bytes, chars;
};

static void tally_add(struct tally *to, const struct tally *t)
{
    lm_damage_add(&to->damage, &t->damage);
    to->unscored += t->unscored;
    to->unknown += t->unknown;
    to->bytes += t->bytes;
    to->chars += t->chars;
}

static struct corpus corpus;
static struct tokenizer *tokenizer;
static struct lm_windows windows;
static struct tally *of_text; /* [n_test][corpus.n_text] */
static struct csvout *out;
static struct lm_run *run; /* [n_run]: models under test, n_test of them; then, if any, the reference */
static size_t n_test = 1, n_run = 1, vocab_size;
static enum gemm_precision precision;

/* The columns of figures that every row ends with. ranked: deltas are given. */
static void put_tally(const struct tally *t, int ranked)
{
    struct lm_figures f = lm_damage_figures(&t->damage, t->bytes, ranked);
    csvout_int(out, (int64_t)t->damage.n);
    csvout_int(out, (int64_t)t->unscored);
    csvout_int(out, (int64_t)t->unknown);
    csvout_int(out, (int64_t)t->bytes);
    csvout_int(out, (int64_t)t->chars);
    csvout_num(out, f.nll);
    csvout_num(out, f.perplexity);
    csvout_num(out, f.bits_per_byte);
    csvout_num(out, t->chars ? t->damage.nll / M_LN2 / (double)t->chars : NAN);
    if (n_run == n_test) {
        csvout_end_row(out);
        return;
    }
    csvout_num(out, f.ref_nll);
    csvout_num(out, f.ref_perplexity);
    csvout_num(out, f.ref_bits_per_byte);
    csvout_num(out, f.delta_nll);
    csvout_num(out, f.delta_bits_per_byte);
    csvout_num(out, f.degradation);
    csvout_num(out, f.kl);
    csvout_num(out, f.top1_agreement);
    csvout_num(out, f.rms_delta_p);
    csvout_end_row(out);
}

#define FIGURES "tokens,unscored,unknown,bytes,chars,nll,perplexity,bits_per_byte,bits_per_char"
#define COMPARED                                                                                             \
    ",ref_nll,ref_perplexity,ref_bits_per_byte,delta_nll,delta_bits_per_byte,degradation,kl,top1_agreement," \
    "rms_delta_p"

static void open_out(void)
{
    const char *place = !strcmp(by, "lang") ? "" : !strcmp(by, "line") ? "line," : "line,position,id,token,";
    char *header = xsprintf("%slang,%s%s%s", n_test > 1 ? "quant," : "", place, FIGURES,
                            n_run > n_test ? COMPARED : "");
    out = csvout_open(out_path, header);
    free(header);
}

static void begin_row(size_t test, size_t lang)
{
    if (n_test > 1)
        csvout_str(out, quants[test]);
    csvout_str(out, corpus.lang[lang]);
}

/* ---- scores into tallies */

/* Token `index` of the corpus, of text x, under the models; ref and c are NULL without a reference. */
static struct tally tally_of(size_t index, const struct corpus_text *x, const struct lm_score *s,
                             const struct lm_score *ref, const struct lm_contrast *c)
{
    struct tally t = { .bytes = corpus.bytes[index], .chars = corpus.chars[index] };
    int status = lm_damage_of(s, ref ? ref : s, c, &t.damage);
    t.unknown = (tokenizer_token_flags(tokenizer, corpus.id[index]) & TOKEN_UNKNOWN) != 0;
    if (status == LM_DAMAGE_NOT_FINITE)
        die("%s: line %zu: the model's logits are not finite", corpus.lang[x->lang], x->line);
    if (c && status < 0)
        die("KL divergence came out as %g: the logits are too large", lm_contrast_kl(c, ref, s));
    return t;
}

static void put_token(size_t test, const struct corpus_text *x, size_t index, const struct tally *t)
{
    size_t n;
    const char *token = tokenizer_token(tokenizer, corpus.id[index], &n);
    begin_row(test, x->lang);
    csvout_int(out, (int64_t)x->line);
    csvout_int(out, (int64_t)(index - x->first - x->n_start + 1));
    csvout_int(out, corpus.id[index]);
    csvout_strn(out, token ? token : "", token ? n : 0);
    put_tally(t, 1);
}

/* What a batch has to say, token by token. Row i of each side's scores is of target i. */
static void take_scores(const struct lm_targets *targets, struct lm_score *const *score,
                        struct lm_contrast *const *contrast)
{
    for (size_t i = 0; i < targets->n; i++) {
        const struct corpus_text *x = &corpus.text[targets->text[i]];
        size_t index = targets->index[i];
        for (size_t k = 0; k < n_test; k++) {
            const struct lm_score *ref = n_run > n_test ? &score[n_test][i] : NULL;
            struct tally t = tally_of(index, x, &score[k][i], ref, ref ? &contrast[k][i] : NULL);
            tally_add(&of_text[k * corpus.n_text + targets->text[i]], &t);
            if (!strcmp(by, "token"))
                put_token(k, x, index, &t);
        }
    }
}

/* ---- a batch through the models */

static size_t pass, n_pass; /* through the models */

static void layer_done(int layer, int n_layer)
{
    msg_progress("pass %zu of %zu: layer %d of %d", pass, n_pass, layer + 1, n_layer);
}

static _Noreturn void die_of_model(const struct lm_run *r)
{
    die("%s: %s", r == &run[0] || !against ? model_path : against, lm_model_error(r->model));
}

static void score_batch(size_t from, size_t end, struct lm_batch *batch, struct lm_targets *targets)
{
    lm_batch_fill(batch, &windows, from, end, corpus.id);
    lm_targets_fill(targets, &windows, from, end, batch, corpus.id);
    size_t n = targets->n, bad;
    if (lm_run_batch(run, n_run, &batch->text, layer_done, &bad) < 0)
        die_of_model(&run[bad]);
    struct lm_score **score = xcalloc(n_run, sizeof *score);
    struct lm_contrast **contrast = xcalloc(n_run, sizeof *contrast);
    struct lm_side *side = xnew(n_run, sizeof *side);
    struct lm_contrast **of_side = xcalloc(n_run, sizeof *of_side);
    for (size_t k = 0; k < n_run; k++) {
        size_t at = n_run - 1 - k; /* the reference first */
        lm_targets_compact(targets, run[k].x, lm_model_config(run[k].model)->d_embed);
        score[k] = xnew(n, sizeof **score);
        if (at)
            contrast[k] = of_side[at] = xnew(n, sizeof **contrast);
        side[at] = (struct lm_side){ run[k].model, run[k].variant, run[k].x, score[k] };
    }
    if (lm_score_rows(side, n_run, targets->token, n, n_run > 1 ? of_side : NULL, (int)n_thread, NULL, &bad) <
        0)
        die_of_model(&run[n_run - 1 - bad]);
    take_scores(targets, score, contrast);
    for (size_t k = 0; k < n_run; k++) {
        free(score[k]);
        free(contrast[k]);
    }
    free(of_side);
    free(side);
    free(contrast);
    free(score);
}

/* ---- models */

static struct trials trials; /* of --quant */

static void read_quants(void)
{
    cli_refuse_if(!quants, &quant_only, "without --quant");
    cli_refuse_if(!quants, &quant_skip, "without --quant");
    if (!quants)
        return;
    if (against)
        die_usage("--quant compares the model with itself: not beside --against");
    trials = (struct trials){ .only = quant_only, .skip = quant_skip, .n_thread = (int)n_thread };
    trial_read(&trials, quants, 1);
    n_test = trials.n;
}

/* ---- text */

static void read_texts(char **files)
{
    struct corpus_options o = { .tokenizer = tokenizer,
                                .whole_files = !strcmp(unit, "file"),
                                .join = "\n\n",
                                .n_thread = (int)n_thread };
    corpus_read_files(&corpus, files, lang_of_stdin, start_token, &o);
    of_text = xcalloc(n_test * corpus.n_text, sizeof *of_text);
}

/* Windows of all texts that have something to predict; of two models the shorter context counts unless one is
 * asked for. */
static void cut_windows(const struct lm_checkpoint *c, const struct lm_checkpoint *ref)
{
    size_t n = modelfile_context(lm_checkpoint_config(c), lm_checkpoint_path(c), context);
    size_t of_ref = ref ? modelfile_context(lm_checkpoint_config(ref), lm_checkpoint_path(ref), context) : n;
    n = of_ref < n ? of_ref : n;
    size_t step = modelfile_stride(stride, n);
    for (size_t i = 0; i < corpus.n_text; i++) {
        const struct corpus_text *x = &corpus.text[i];
        size_t scored = lm_windows_cut_scored(&windows, i, x->first, x->n, x->n_start, n, step, full_windows);
        for (size_t k = 0; k < n_test; k++)
            of_text[k * corpus.n_text + i].unscored = x->n - x->n_start - scored;
    }
}

static void check_vocabulary(const struct lm_checkpoint *c, const struct lm_checkpoint *ref)
{
    vocab_size = lm_checkpoint_config(c)->vocab_size;
    if (ref && lm_checkpoint_config(ref)->vocab_size != vocab_size)
        die("%s: has a vocabulary of %zu, and %s of %zu", against, lm_checkpoint_config(ref)->vocab_size,
            model_path, vocab_size);
    corpus_need_vocabulary(&corpus, vocab_size);
}

/* ---- rows */

/* Rows of a language under one test by line, or one of it all. Returns whether guessing is better. */
static int write_lang(size_t test, size_t lang, const struct corpus_text *text, size_t n_text)
{
    const struct tally *each = of_text + test * corpus.n_text + (text - corpus.text);
    struct tally all = { 0 };
    for (size_t i = 0; i < n_text; i++)
        tally_add(&all, &each[i]);
    int beyond = lm_damage_beyond_guessing(&all.damage, vocab_size);
    if (beyond && n_test == 1)
        warn("%s: %.4g nats a token is worse than guessing (%.4g)%s", corpus.lang[lang],
             all.damage.nll / (double)all.damage.n, log((double)vocab_size),
             n_run > n_test ? ": its degradation ranks nothing" : "");
    for (size_t i = 0; i < n_text && !strcmp(by, "line"); i++) {
        begin_row(test, lang);
        csvout_int(out, (int64_t)text[i].line);
        put_tally(&each[i], !beyond);
    }
    if (!strcmp(by, "lang")) {
        begin_row(test, lang);
        put_tally(&all, !beyond);
    }
    return beyond;
}

/* Of several tests one line each says which languages they rank no more. */
static void warn_beyond(size_t test, const size_t *lang, size_t n)
{
    char *list = xstrdup("");
    for (size_t i = 0; i < n; i++) {
        char *longer = xsprintf("%s %s", list, corpus.lang[lang[i]]);
        free(list);
        list = longer;
    }
    warn("%s: worse than guessing, so that degradation ranks nothing:%s", quants[test], list);
    free(list);
}

static void write_rows(void)
{
    size_t *beyond = xnew(corpus.n_lang, sizeof *beyond);
    for (size_t k = 0, n; k < n_test; k++) {
        n = 0;
        for (size_t lang = 0, i = 0, end; lang < corpus.n_lang; lang++, i = end) {
            for (end = i; end < corpus.n_text && corpus.text[end].lang == lang;)
                end++;
            if (write_lang(k, lang, corpus.text + i, end - i))
                beyond[n++] = lang;
        }
        if (n && n_test > 1)
            warn_beyond(k, beyond, n);
    }
    free(beyond);
    if (corpus.n_empty)
        warn("texts without a token: %zu", corpus.n_empty);
}

/* ---- all of it */

static int is_own(size_t k)
{
    return k == 0 || run[k].model != run[0].model;
}

/* The models' sides, with room for n_token tokens at a time. Where the text takes several passes, a pipe,
 * which cannot be read again, is kept in memory. */
static void open_sides(struct lm_checkpoint *c, struct lm_checkpoint *ref, size_t n_token, int one_pass)
{
    int keep = !one_pass && !lm_checkpoint_can_rewind(c),
        keep_ref = ref && !one_pass && !lm_checkpoint_can_rewind(ref);
    run = xcalloc(n_run, sizeof *run);
    run[0].model = trial_model(&trials, c, precision, (int)n_thread, keep);
    for (size_t k = 0; k < n_run; k++) {
        run[k].model = run[0].model;
        run[k].variant = k < trials.n ? k + 1 : 0;
    }
    if (ref)
        run[n_run - 1].model = lm_model_new(ref, precision, (int)n_thread, NULL, 0, keep_ref);
    for (size_t k = 0; k < n_run; k++) {
        const struct lm_config *config = lm_model_config(run[k].model);
        run[k].forward = is_own(k) ? lm_forward_new(config, lm_windows_longest(&windows), (int)n_thread)
                                   : run[0].forward; /* scratch, and they take turns */
        run[k].x = xaligned(n_token, lm_config_width(config) * sizeof *run[k].x);
    }
}

static void close_sides(void)
{
    for (size_t k = n_run; k--;) {
        free(run[k].x);
        if (is_own(k)) {
            lm_forward_free(run[k].forward);
            lm_model_free(run[k].model);
        }
    }
    free(run);
}

/* The models from the start once more. */
static void again(void)
{
    for (size_t k = 0; k < n_run; k++)
        if (is_own(k) && lm_model_again(run[k].model) < 0)
            die_of_model(&run[k]);
}

/* Every window through the models, in batches that fit into --memory. */
static void score_windows(struct lm_checkpoint *c, struct lm_checkpoint *ref)
{
    size_t d = lm_checkpoint_config(c)->d_model, d_ref = ref ? lm_checkpoint_config(ref)->d_model : d;
    size_t room = ((size_t)memory_mib << 20) / ((n_test * d + (n_run - n_test) * d_ref) * sizeof(float));
    size_t most = lm_windows_longest(&windows), n_batch = 0;
    for (size_t from = 0, end; from < windows.n; from = end, n_batch++) {
        size_t n = 0;
        end = lm_batch_end(&windows, from, room);
        for (size_t w = from; w < end; w++)
            n += windows.w[w].n;
        most = n > most ? n : most;
    }
    struct lm_batch batch = { 0 };
    struct lm_targets targets = { 0 };
    open_sides(c, ref, most, n_batch < 2);
    for (size_t from = 0, end, i = 0; from < windows.n; from = end, i++) {
        end = lm_batch_end(&windows, from, room);
        if (from)
            again();
        pass = i + 1;
        n_pass = n_batch;
        score_batch(from, end, &batch, &targets);
    }
    msg_progress_end();
    lm_batch_clear(&batch);
    lm_targets_clear(&targets);
    trial_check(&trials, lm_checkpoint_path(c));
    modelfile_warn(c);
    if (ref)
        modelfile_warn(ref);
    close_sides();
}

static void check_arguments(char **files)
{
    modelfile_check_text(model_path, tokenizer_path, files);
    if (against && !strcmp(model_path, "-") && !strcmp(against, "-"))
        die_usage("--against: standard input is the model already");
    if (against)
        modelfile_check(against, files);
    read_quants();
    n_run = n_test + (quants || against);
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv);
    check_arguments(files);
    precision = modelfile_precision(precision_name);
    tokenizer = modelfile_tokenizer(tokenizer_path ? tokenizer_path : model_path);
    read_texts(files);
    struct lm_checkpoint *c = modelfile_open(model_path, (int)n_thread),
                         *ref = against ? modelfile_open(against, (int)n_thread) : NULL;
    check_vocabulary(c, ref);
    trial_try(&trials, c);
    cut_windows(c, ref);
    open_out();
    score_windows(c, ref);
    write_rows();
    csvout_close(out);
    lm_windows_clear(&windows);
    corpus_clear(&corpus);
    tokenizer_free(tokenizer);
    free(of_text);
    trial_clear(&trials);
    free(quants);
    return 0;
}
