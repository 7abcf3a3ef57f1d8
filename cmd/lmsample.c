/* lmsample - how a model goes on where a text leaves off, and where a rounded one goes another way
 * in: a model, prompts by language (the beginnings of a FILE's lines, or --prompt); out: CSV, a row for each
 * prompt and model (stdout). SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fnv.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "lm/forward.h"
#include "lm/windows.h"
#include "lm/writer.h"
#include "text/batch.h"
#include "text/corpus.h"
#include "text/excerpt.h"
#include "weights/modelfile.h"
#include "weights/trial.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *model_path, *tokenizer_path, *out_path = "-", *lang_of_stdin;
static const char *start_token = "auto", *precision_name = "auto";
static char **quants, **quant_only, **quant_skip, **prompts;
static int64_t context, prompt_tokens = 16, n_line = 1, n_token = 64, top_k, memory_mib = 2048, n_thread = 1;
static double temperature, top_p = 1;
static uint64_t seed = 1;
static int as_ids, ignore_eos;

static const struct cli_opt opts[] = {
    CLI_MODEL(&model_path),
    { 't', "tokenizer", CLI_IN, &tokenizer_path, "FILE",
      "a tokenizer.json, or a directory with one [that of MODEL, if it is a directory]", 0, 0, 0 },
    { 0, "prompt", CLI_STRS, &prompts, "TEXT",
      "continue this, all of it, instead of files; may be given again", 0, 0, 0 },
    { 0, "lines", CLI_INT, &n_line, "N", "the first so many lines of each file [1]", 1, 1 << 30, 0 },
    { 0, "prompt-tokens", CLI_INT, &prompt_tokens, "N",
      "of a line so many tokens are the prompt, or fewer, so that it ends with a whole character [16]", 1,
      1 << 24, 0 },
    { 0, "tokens", CLI_INT, &n_token, "N",
      "tokens to add; the model's token for the end of a text ends it sooner [64]", 1, 1 << 24, 0 },
    { 0, "ignore-eos", CLI_FLAG, &ignore_eos, 0, "take that token for any other and go on", 0, 0, 0 },
    { 0, "temperature", CLI_NUM, &temperature, "T",
      "logits are divided by T and tokens drawn, above 0 to 1000; 0: always the likeliest [0]", 0, 1000, 0 },
    { 0, "top-k", CLI_INT, &top_k, "K", "draw from the K likeliest only [all]", 1, 1 << 30, 0 },
    { 0, "top-p", CLI_NUM, &top_p, "P",
      "draw from as few of the likeliest (of those, with --top-k) as have a share of P, 0 to 1 [1]", 0, 1,
      0 },
    CLI_SEED(&seed),
    { 0, "quant", CLI_SPECS, &quants, "SPEC",
      "let the model, its matrices quantised on the way, write beside it as it is: KEY=VALUE,... as ppl "
      "has them, bits=4,per=group:128 or recipe=FILE; may be given again",
      0, 0, 0 },
    { 0, "only", CLI_LIST, &quant_only, "ITEM,...",
      "--quant: these tensors, as wquant takes them: *.mlp.*, layer:20-23, role:attn_* [matrices in the "
      "layers]",
      0, 0, 0 },
    { 0, "skip", CLI_LIST, &quant_skip, "ITEM,...", "--quant: not these", 0, 0, 0 },
    { 0, "ids", CLI_FLAG, &as_ids, 0, "write prompt and text as token ids with blanks between", 0, 0, 0 },
    CLI_CONTEXT(&context, 2),
    CLI_START(&start_token),
    { 0, "lang", CLI_STR, &lang_of_stdin, "LANG",
      "language of standard input [stdin], or of --prompt [prompt]", 0, 0, 0 },
    CLI_PRECISION(&precision_name),
    { 0, "memory", CLI_INT, &memory_mib, "MIB",
      "for what is remembered of the prompts that are continued together; more prompts come after them "
      "[2048]",
      1, 1 << 24, 0 },
    CLI_OUTPUT(&out_path, "CSV"),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END
};

static const struct cli_prog prog = {
    .name = "lmsample",
    .synopsis = "-m MODEL [OPTION]... [FILE]...\n-m MODEL --prompt TEXT [OPTION]...",
    .summary = "Let a language model, and what rounding makes of it, continue texts by language.",
    .in = "text in UTF-8, one paragraph a line, a file named by its language (eng.txt is eng), or token "
          "streams of tok's; the beginning of each line is a prompt",
    .out =
        "CSV of (quant,) lang, line, tokens, end, nll, (agrees,) prompt, text; quant and agrees with --quant",
    .notes =
        "tokens is how many were added, end why no more: `eos`, the model's token for the end of a text, "
        "which counts but is not shown, or `length`. nll is their mean in nats a token by the model's own "
        "probabilities, whatever --temperature, --top-k and --top-p make of them. text is what prompt goes "
        "on with; half characters at its end are U+FFFD. Lines without a token are left out.\n"
        "With --quant a prompt has a row for the model as it is (`none`) and one for each SPEC, whose agrees "
        "is how many of its tokens are those of `none` before the first that is not. All are given the same "
        "random numbers and choose alike as long as their probabilities are.\n"
        "Random numbers go by seed, language, line and step. So what is written depends on nothing else that "
        "is asked for, on no order of files, on threads or on --memory. The model stays in memory, once for "
        "each SPEC and once as it is.",
    .example = "  lmsample -m bloom-560m --prompt 'The meaning of life is' --temperature 0.8 --top-p 0.95\n"
               "  lmsample -m bloom-560m --quant bits=4 --quant bits=3 text/*.txt |\n"
               "      mlr --icsv --oxtab filter '$agrees < $tokens'",
    .see_also = "ppl, wquant, tok, lmtrain",
};

/* ---- prompts */

static struct tokenizer *tokenizer;
static struct tokenizer_work *work;
static struct corpus corpus;
static struct lm_prompt *prompt; /* [n_prompt] */
static const struct corpus_text **text_of;
static size_t n_prompt;

static void read_texts(char **files)
{
    struct corpus_options o = {
        .tokenizer = tokenizer, .n_thread = (int)n_thread, .may_be_tokens = 1, .n_line = (size_t)n_line
    };
    uint32_t *start = NULL;
    if (!prompts) {
        corpus_read_files(&corpus, files, lang_of_stdin ? lang_of_stdin : "stdin", start_token, &o);
        return;
    }
    if (corpus_find_start(tokenizer, start_token, &start, &o.n_start) < 0)
        die("--start: the tokenizer has no token '%s'", start_token);
    o.start = start;
    corpus_read_list(&corpus, prompts, lang_of_stdin ? lang_of_stdin : "prompt", &o);
    free(start);
}

/* Of the language, and the line: what a prompt's random numbers go by. */
static uint64_t stream_of(const struct corpus_text *t)
{
    const char *lang = corpus.lang[t->lang];
    return fnv_add(FNV_START, lang, strlen(lang)) ^ t->line * 0x9e3779b97f4a7c15u;
}

static void cut_prompts(const struct lm_config *c)
{
    size_t most = modelfile_context(c, model_path, context), n_empty = 0;
    prompt = xnew(corpus.n_text, sizeof *prompt);
    text_of = xnew(corpus.n_text, sizeof(*text_of));
    for (size_t i = 0; i < corpus.n_text; i++) {
        const struct corpus_text *t = &corpus.text[i];
        const uint32_t *id = corpus.id + t->first;
        size_t n = t->n - t->n_start;
        if (!prompts && n > (size_t)prompt_tokens)
            n = excerpt_whole(tokenizer, work, id + t->n_start, (size_t)prompt_tokens);
        if (!n) {
            n_empty++;
            continue;
        }
        if (t->n_start + n + (size_t)n_token - 1 > most) /* the last token is not read */
            die("%s: line %zu: a prompt of %zu tokens and %lld more are beyond the context of %zu",
                corpus.lang[t->lang], t->line, t->n_start + n, (long long)n_token, most);
        text_of[n_prompt] = t;
        prompt[n_prompt++] = (struct lm_prompt){ id, t->n_start + n, stream_of(t) };
    }
    if (n_empty)
        warn("prompts without a token: %zu", n_empty);
    if (!n_prompt)
        die("there is no prompt");
}

/* ---- rows */

static struct csvout *out;
static size_t n_quant;

static void put_ids(const uint32_t *id, size_t n)
{
    struct strbuf s = { 0 };
    char word[16];
    for (size_t i = 0; i < n; i++) {
        snprintf(word, sizeof word, i ? " %u" : "%u", id[i]);
        strbuf_str(&s, word);
    }
    csvout_strn(out, s.s ? s.s : "", s.n);
    strbuf_clear(&s);
}

static void put_texts(const uint32_t *id, size_t n, const struct lm_written *t)
{
    size_t n_shown = t->n - (size_t)t->ended;
    uint32_t *all = xnew(n + n_shown, sizeof *all);
    struct strbuf before = { 0 }, behind = { 0 };
    memcpy(all, id, n * sizeof *id);
    memcpy(all + n, t->id, n_shown * sizeof *id);
    if (excerpt_split(tokenizer, work, all, n, n + n_shown, &before, &behind) < 0)
        die("the tokenizer cannot decode what was written");
    csvout_safe(out, strbuf_text(&before));
    csvout_safe(out, strbuf_text(&behind));
    strbuf_clear(&behind);
    strbuf_clear(&before);
    free(all);
}

/* Row of prompt i under side k of what was written, of side 0 by `first`. */
static void put_row(size_t i, size_t k, const struct lm_written *t, const struct lm_written *first)
{
    const struct corpus_text *x = text_of[i];
    size_t agrees = 0;
    while (agrees < t->n && agrees < first->n && t->id[agrees] == first->id[agrees])
        agrees++;
    if (quants)
        csvout_str(out, k ? quants[k - 1] : "none");
    csvout_str(out, corpus.lang[x->lang]);
    csvout_int(out, (int64_t)x->line);
    csvout_int(out, (int64_t)t->n);
    csvout_str(out, t->ended ? "eos" : "length");
    csvout_num(out, t->nll / (double)t->n);
    if (quants)
        csvout_int(out, (int64_t)agrees);
    if (as_ids) {
        put_ids(prompt[i].id, prompt[i].n);
        put_ids(t->id, t->n);
    } else {
        put_texts(prompt[i].id + x->n_start, prompt[i].n - x->n_start, t);
    }
    csvout_end_row(out);
}

/* ---- all of it */

static struct trials trials; /* of --quant */
static size_t first_prompt;  /* of those that are continued together */

static void step_done(size_t step, size_t n_step)
{
    msg_progress("prompts from %zu of %zu: token %zu of %zu", first_prompt + 1, n_prompt, step, n_step);
}

/* Prompts [from, end) and their rows. */
static void continue_some(const struct lm_writer *w, size_t from, size_t end)
{
    size_t n = end - from, bad;
    struct lm_written *t = xnew(w->n_variant * n, sizeof *t);
    first_prompt = from;
    int status = lm_writer_run(w, prompt + from, n, t, &bad);
    if (status == -1)
        die("%s: %s", model_path, lm_model_error(w->model));
    if (status < 0)
        die("%s: line %zu: the model's logits are not finite", corpus.lang[text_of[from + bad]->lang],
            text_of[from + bad]->line);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < w->n_variant; k++)
            put_row(from + i, k, &t[k * n + i], &t[i]);
    for (size_t i = 0; i < w->n_variant * n; i++)
        free(t[i].id);
    free(t);
}

static void check_arguments(char **files)
{
    modelfile_check_text(model_path, tokenizer_path, prompts ? NULL : files);
    cli_refuse_if(temperature == 0, &top_k, "without --temperature");
    cli_refuse_if(temperature == 0, &top_p, "without --temperature");
    cli_refuse_if(temperature == 0, &seed, "without --temperature");
    cli_refuse_if(!quants, &quant_only, "without --quant");
    cli_refuse_if(!quants, &quant_skip, "without --quant");
    cli_refuse_if(prompts != NULL, &n_line, "with --prompt");
    cli_refuse_if(prompts != NULL, &prompt_tokens, "with --prompt");
    if (prompts && strcmp(files[0], "-"))
        die_usage("--prompt is in the place of files: '%s'", files[0]);
    for (size_t i = 0; prompts && prompts[i]; i++)
        if (prompts[i][utf8_check(prompts[i], strlen(prompts[i]))])
            die_usage("--prompt: not UTF-8");
}

static void read_quants(void)
{
    trials = (struct trials){ .only = quant_only, .skip = quant_skip, .n_thread = (int)n_thread };
    trial_read(&trials, quants, 1);
    n_quant = trials.n;
}

/* All prompts, as many at a time as fit into --memory. */
static void continue_all(const struct lm_writer *w)
{
    size_t longest = 0;
    for (size_t i = 0; i < n_prompt; i++)
        longest = prompt[i].n > longest ? prompt[i].n : longest;
    size_t n_each = ((size_t)memory_mib << 20) / lm_writer_bytes(w, longest) + 1;
    for (size_t from = 0; from < n_prompt; from += n_each)
        continue_some(w, from, n_prompt - from < n_each ? n_prompt : from + n_each);
    msg_progress_end();
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv);
    check_arguments(files);
    if (quants)
        read_quants();
    enum gemm_precision precision = modelfile_precision(precision_name);
    tokenizer = modelfile_tokenizer(tokenizer_path ? tokenizer_path : model_path);
    work = tokenizer_work_new(tokenizer);
    read_texts(files);
    struct lm_checkpoint *c = modelfile_open(model_path, (int)n_thread);
    const struct lm_config *config = lm_checkpoint_config(c);
    corpus_need_vocabulary(&corpus, config->vocab_size);
    cut_prompts(config);
    trial_try(&trials, c);
    struct lm_writer w = { .model = trial_model(&trials, c, precision, (int)n_thread, 1),
                           .n_variant = 1 + n_quant,
                           .n_token = (size_t)n_token,
                           .stop = ignore_eos ? -1 : config->eos_token_id,
                           .how = { temperature, (size_t)top_k, top_p },
                           .seed = seed,
                           .n_thread = (int)n_thread,
                           .step_done = step_done };
    out = csvout_open(out_path, quants ? "quant,lang,line,tokens,end,nll,agrees,prompt,text"
                                       : "lang,line,tokens,end,nll,prompt,text");
    continue_all(&w);
    trial_check(&trials, lm_checkpoint_path(c));
    modelfile_warn(c);
    csvout_close(out);
    lm_model_free(w.model);
    trial_clear(&trials);
    free(text_of);
    free(prompt);
    corpus_clear(&corpus);
    tokenizer_work_free(work);
    tokenizer_free(tokenizer);
    return 0;
}
