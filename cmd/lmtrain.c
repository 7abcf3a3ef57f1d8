/* lmtrain - trains a small decoder on text in many languages
 * in: text by language or token streams (FILE...), a tokenizer; out: the directory of a Hugging Face model, a
 * log in CSV, checkpoints. Holds the tokens of all text and four floats a parameter.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fnv.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include "cli/cli.h"
#include "io/bytein.h"
#include "io/outdir.h"
#include "io/outfile.h"
#include "lm/checkpoint.h"
#include "lm/heldout.h"
#include "lm/hfdir.h"
#include "lm/sampler.h"
#include "lm/trainer.h"
#include "lm/trainlog.h"
#include "math/adamw.h"
#include "quant/pick.h"
#include "text/trainset.h"
#include "weights/choice.h"
#include "weights/modelfile.h"
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *arch = "bloom", *config_path, *init_path, *tokenizer_path, *out_path, *log_path;
static const char *checkpoint_path, *separator = "auto", *dtype = "BF16", *precision_name = "auto";
static char **overrides, **valid, **may_differ, **kure_only;
static int64_t n_layer = 12, width = 160, n_head, n_inner, context = 128, batch = 64, n_step = 1000;
static int64_t warmup = 100, log_every = 50, valid_every = 500, valid_tokens, checkpoint_every = 500;
static int64_t n_thread = 1;
static double rate = 1e-3, rate_floor = 0.1, cooldown = 1, weight_decay = 0.1, beta1 = 0.9, beta2 = 0.95,
              eps = 1e-8, clip = 1, init_sd = 0.02, embed_sd, temperature = 1, dropout, attention_dropout,
              kure, kure_target = 1.8, max_minutes;
static uint64_t seed = 1;
static int resume;

static const struct cli_opt opts[] = {
    { 't', "tokenizer", CLI_IN, &tokenizer_path, "FILE",
      "a tokenizer.json, or a directory with one; it is copied to DIR [that of --init]", 0, 0, 0 },
    { 'o', "output", CLI_OUT_DIR, &out_path, "DIR",
      "write the model to DIR, which must not be there or be empty, when all steps are done", 0, 0, 0 },
    { 0, "dtype", CLI_CHOICE, &dtype, "DTYPE", "of the weights in DIR [BF16]", 0, 0, "F32 F16 BF16" },

    { 0, "arch", CLI_CHOICE, &arch, "FAMILY",
      "a new model: bloom (ALiBi, normed embedding), xglm (sinusoidal positions, scaled embedding), gpt2 or "
      "llama [bloom]",
      0, 0, "bloom xglm gpt2 llama" },
    { 0, "layers", CLI_INT, &n_layer, "N", "layers [12]", 1, 1000, 0 },
    { 0, "width", CLI_INT, &width, "N", "size of the residual stream [160]", 4, 1 << 16, 0 },
    { 0, "heads", CLI_INT, &n_head, "N", "attention heads, which divide the width [width / 32]", 1, 1 << 14,
      0 },
    { 0, "ff", CLI_INT, &n_inner, "N", "inner width of the MLP [4 times the width]", 1, 1 << 18, 0 },
    { 0, "override", CLI_LIST, &overrides, "KEY=VALUE,...",
      "what differs from the family, for experiments: position=alibi|sinusoidal|learned|rotary|none (with "
      "n_position=N, the rows of a learned table, or rope_theta=NUMBER), embed_norm=true|false, "
      "embed_scale=NUMBER, activation=NAME. The programs here read such a model, with a note; others would "
      "take it for one of its family",
      0, 0, 0 },
    { 0, "config", CLI_IN, &config_path, "FILE", "take all of that from a config.json", 0, 0, 0 },
    { 0, "init-sd", CLI_NUM, &init_sd, "SD",
      "standard deviation of the first weights; of those that write to the residual stream SD / sqrt(2 "
      "layers) [0.02]",
      1e-6, 10, 0 },
    { 0, "embed-sd", CLI_NUM, &embed_sd, "SD",
      "that of the embedding [as --init-sd]; XGLM's authors began with 1 / sqrt(width), without which its "
      "positions drown the tokens for long",
      1e-6, 10, 0 },
    { 0, "init", CLI_IN, &init_path, "MODEL", "begin with the weights, and the config, of this model", 0, 0,
      0 },

    { 0, "context", CLI_INT, &context, "N", "tokens of a sequence [128]", 2, 1 << 16, 0 },
    { 0, "batch", CLI_INT, &batch, "N", "sequences of a step [64]", 1, 1 << 16, 0 },
    { 0, "steps", CLI_INT, &n_step, "N", "steps [1000]", 1, 1e12, 0 },
    { 0, "temperature", CLI_NUM, &temperature, "T",
      "draw languages with probability bytes^(1/T): 1 the natural mix, inf all alike [1]", 0.01, INFINITY,
      0 },
    { 0, "separator", CLI_STR, &separator, "TOKEN",
      "put in front of each document, a line of text: a token as the tokenizer spells it, or `none` [the "
      "first of </s> <|endoftext|> <eos> <s> that it has]",
      0, 0, 0 },

    { 0, "learning-rate", CLI_NUM, &rate, "RATE", "the highest [0.001]", 0, 10, 0 },
    { 0, "warmup", CLI_INT, &warmup, "STEPS", "the rate rises linearly for so long [100]", 0, 1e12, 0 },
    { 0, "cooldown", CLI_NUM, &cooldown, "SHARE",
      "and falls as half a cosine over this share of the steps, the last ones [1]", 0, 1, 0 },
    { 0, "floor", CLI_NUM, &rate_floor, "SHARE", "to this share of the highest [0.1]", 0, 1, 0 },
    { 0, "weight-decay", CLI_NUM, &weight_decay, "RATE", "of matrices, times the learning rate [0.1]", 0, 10,
      0 },
    { 0, "beta1", CLI_NUM, &beta1, "B", "decay of the first moment [0.9]", 0, 0.999999, 0 },
    { 0, "beta2", CLI_NUM, &beta2, "B", "decay of the second moment [0.95]", 0, 0.999999, 0 },
    { 0, "eps", CLI_NUM, &eps, "EPS", "added to the root of the second moment [1e-08]", 1e-30, 1, 0 },
    { 0, "clip", CLI_NUM, &clip, "NORM", "longest gradient; inf: any [1]", 1e-12, INFINITY, 0 },
    { 0, "dropout", CLI_NUM, &dropout, "RATE", "of what layers add to the residual stream [0]", 0, 0.99, 0 },
    { 0, "attention-dropout", CLI_NUM, &attention_dropout, "RATE", "of the weights of attention [0]", 0, 0.99,
      0 },
    { 0, "kure", CLI_NUM, &kure, "LAMBDA",
      "add LAMBDA times the mean over matrices of (kurtosis - target)^2 to the loss [0]", 0, 1e6, 0 },
    { 0, "kure-target", CLI_NUM, &kure_target, "K", "not excess: 1.8 uniform, 3 normal [1.8]", 1, 100, 0 },
    { 0, "kure-only", CLI_LIST, &kure_only, "ITEM,...",
      "of these matrices, as wquant takes them: role:mlp_* [all matrices in the layers]", 0, 0, 0 },

    { 0, "valid", CLI_INS, &valid, "FILE,...",
      "text to validate on; of a directory the files of the same names as those trained on", 0, 0, 0 },
    { 0, "valid-every", CLI_INT, &valid_every, "STEPS", "how often [500]", 1, 1e12, 0 },
    { 0, "valid-tokens", CLI_INT, &valid_tokens, "N",
      "on the first lines of each language, up to so many tokens; 0: on all [0]", 0, 1e12, 0 },
    { 0, "log", CLI_OUT, &log_path, "FILE", "write a log in CSV to FILE, whole at any time", 0, 0, 0 },
    { 0, "log-every", CLI_INT, &log_every, "STEPS", "a row so often, and when validated [50]", 1, 1e12, 0 },
    { 0, "checkpoint", CLI_OUT, &checkpoint_path, "FILE",
      "where to keep all that is needed to go on; ends in .safetensors, and is a model that other programs "
      "read",
      0, 0, 0 },
    { 0, "checkpoint-every", CLI_INT, &checkpoint_every, "STEPS", "how often [500]", 1, 1e12, 0 },
    { 0, "resume", CLI_FLAG, &resume, 0, "go on from --checkpoint; where it is not there yet, begin", 0, 0,
      0 },
    { 0, "may-differ", CLI_LIST, &may_differ, "OPTION,...",
      "--resume: these options need not be those of the checkpoint: steps,learning-rate", 0, 0, 0 },
    { 0, "max-minutes", CLI_NUM, &max_minutes, "N",
      "stop after so long, with a checkpoint and status 1 [no limit]", 0, 1e9, 0 },
    CLI_PRECISION(&precision_name),
    CLI_SEED(&seed),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END
};

static const struct cli_prog prog = {
    .name = "lmtrain",
    .synopsis = "-t TOKENIZER [OPTION]... FILE...",
    .summary = "Train a small decoder, BLOOM's or XGLM's kind and others, on text in many languages.",
    .in = "text in UTF-8, one document a line, a file named by its language (eng.txt is eng), or token "
          "streams of tok's",
    .out = "a directory as Hugging Face has it: config.json, model.safetensors, tokenizer.json, "
           "tokenizer_config.json",
    .notes =
        "The log has a row every --log-every steps: step, tokens so far, learning_rate, loss and "
        "gradient_norm (means since the row before; before clipping), kure, the mean of (kurtosis - "
        "target)^2, tokens_per_s, loss_LANG of the "
        "text trained on, kurtosis_N, the mean excess kurtosis of the matrices of layer N's MLP, and "
        "where validated valid_loss, nll_LANG, bits_per_byte_LANG: what `ppl --start SEPARATOR --context N` "
        "gives, before weights are rounded to --dtype.\n"
        "A step is one of AdamW on --batch sequences that begin anywhere in a language's documents, joined. "
        "A language with less than a sequence is named and left out.\n"
        "Every result but tokens_per_s depends on the options and the text only, not on --threads, nor on "
        "whether the run was stopped. SIGTERM and SIGINT write a checkpoint first. A loss that is not "
        "finite, or worse than guessing for 200 steps behind the warm-up, ends the run and leaves the last "
        "checkpoint as it is.\n"
        "Memory: 4 bytes a token of text, 16 a parameter, and for each thread another 4 a parameter and the "
        "activations of 512 tokens.",
    .example = "  lmtrain -t tokenizer.json --steps=20000 --checkpoint=run.safetensors -o small train/*.txt\n"
               "  ppl -m small valid/*.txt",
    .see_also = "toktrain, modelcat, ppl, kurt",
    .min_files = 1,
};

/* ---- text */

static struct trainset set;
static struct lm_heldout heldout; /* of --valid, as ppl takes it: each line in windows of the context */

static void read_text(char **files)
{
    char *why;
    if (trainset_open(&set, tokenizer_path ? tokenizer_path : init_path, separator, (int)n_thread, &why) < 0)
        die("%s", why);
    for (; *files; files++) {
        size_t i = set.n_too_short;
        msg_progress("%s: encoding", *files);
        int status = trainset_read(&set, *files, (size_t)context, &why);
        for (; i < set.n_too_short; i++)
            warn("%s: '%s' is left out: its %zu tokens are less than a sequence of %zu and the one that "
                 "follows",
                 *files, set.too_short[i].lang, set.too_short[i].n, (size_t)context);
        if (status < 0)
            die("%s", why);
    }
    if (!set.n_lang)
        die("there is no language to train on");
}

static void read_held_out(char **files)
{
    struct corpus c = { 0 };
    char *why;
    int status = trainset_read_held_out(&set, &c, valid, files, &why);
    for (size_t i = 0; i < c.n_lang; i++)
        if (trainset_find(&set, c.lang[i]) == set.n_lang)
            warn("--valid: '%s' is not trained on, and not validated", c.lang[i]);
    if (status < 0)
        die("%s", why);
    size_t *n = xcalloc(c.n_lang, sizeof *n);
    for (size_t i = 0; i < c.n_text; i++) {
        const struct corpus_text *x = &c.text[i];
        size_t l = trainset_find(&set, c.lang[x->lang]);
        if (l == set.n_lang || x->n == x->n_start || (valid_tokens && n[x->lang] >= (size_t)valid_tokens))
            continue;
        lm_heldout_add(&heldout, l, x->first, x->n, x->n_start, (size_t)context);
        n[x->lang] += x->n;
    }
    lm_heldout_close(&heldout, c.id, c.bytes);
    free(n);
    corpus_clear(&c);
}

/* ---- the model */

static struct lm_config config;
static char *config_text;
static struct lm_params *params;
static struct lm_hfdir_tokens special; /* their words, */
static struct {
    int bos, eos, pad, unk;
} special_id; /* and ids, -1: none */

/* The id of the first of these words that the tokenizer has; -1 if it has none. */
static int special_token(const char *const *words, const char **found)
{
    for (; *words; words++) {
        int32_t id = tokenizer_find(set.tokenizer, *words, strlen(*words));
        if (id >= 0) {
            *found = *words;
            return id;
        }
    }
    return -1;
}

static void find_special_tokens(void)
{
    static const char *const bos[] = { "<s>", "<bos>", "<|endoftext|>", "</s>", NULL },
                             *const eos[] = { "</s>", "<eos>", "<|endoftext|>", NULL },
                             *const pad[] = { "<pad>", NULL }, *const unk[] = { "<unk>", NULL };
    special_id.bos = special_token(bos, &special.bos);
    special_id.eos = special_token(eos, &special.eos);
    special_id.pad = special_token(pad, &special.pad);
    special_id.unk = special_token(unk, &special.unk);
}

/* The text of config.json of the model that the options describe. */
static char *new_config(void)
{
    char why[LM_WHY_MAX];
    struct lm_hfdir_model m = {
        .arch = arch,
        .n_layer = (size_t)n_layer,
        .d_model = (size_t)width,
        .n_head = (size_t)(n_head       ? n_head
                           : width / 32 ? width / 32
                                        : 1),
        .d_ff = (size_t)(n_inner ? n_inner : 4 * width),
        .vocab_size = tokenizer_n_id(set.tokenizer),
        .n_position = (size_t)context,
        .bos_token_id = special_id.bos,
        .eos_token_id = special_id.eos,
        .pad_token_id = special_id.pad,
        .unk_token_id = special_id.unk,
        .override = overrides,
    };
    char *text = lm_hfdir_config(&m, why);
    if (!text)
        die_usage("%s", why);
    return text;
}

static char *read_config(void)
{
    const char *why;
    size_t n;
    char *text = bytein_text(config_path, SIZE_MAX, &n, &why);
    if (!text)
        die("%s: %s", config_path, why);
    return text;
}

static void make_config(struct lm_checkpoint *init)
{
    char why[LM_WHY_MAX];
    find_special_tokens();
    config_text = config_path ? read_config()
                  : init      ? xstrdup(lm_checkpoint_config_text(init))
                              : new_config();
    if (lm_config_parse(config_text, strlen(config_text), &config, why) < 0)
        die("%s: %s", config_path ? config_path : init ? init_path : "the model", why);
    if (tokenizer_n_id(set.tokenizer) > config.vocab_size)
        die("the tokenizer has %zu tokens, and the model's vocabulary only %zu",
            tokenizer_n_id(set.tokenizer), config.vocab_size);
    params = lm_params_new(&config);
}

static void draw_weights(float *w)
{
    const struct lm_param *a = lm_params_find(params, &(struct lm_place){ LM_EMBED, -1, 0 });
    lm_params_init(params, w, seed, init_sd);
    for (size_t i = 0; i < a->n && embed_sd > 0; i++)
        w[a->offset + i] *= (float)(embed_sd / init_sd);
}

/* ---- the run */

static struct lm_trainstate state;
static struct lm_sampler sampler;
static struct lm_trainer_options how;
static struct lm_trainer *trainer;
static struct lm_trainlog run_log;
static struct lm_stream *streams; /* [set.n_lang] */
static const char **names;
static uint8_t *kure_of;
static float *nll; /* [batch * context] of a step */
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void pick_kure(void)
{
    if (!(kure > 0))
        return;
    size_t n = 0;
    kure_of = xcalloc(params->n_param, 1);
    for (size_t i = 0; i < params->n_param; i++) {
        const struct lm_param *a = &params->param[i];
        struct pick_subject subject = { a->name, a->place.layer, lm_role_name(a->place.role) };
        kure_of[i] = a->n_dim == 2 && lm_role_is_linear(a->place.role) && a->place.layer >= 0 &&
                     (!kure_only || pick_only(kure_only, &subject));
        n += kure_of[i];
    }
    if (!n)
        die_usage("--kure-only: no matrix of the model is meant");
}

static void set_how(void)
{
    how = (struct lm_trainer_options){
        .n_step = (uint64_t)n_step,
        .n_warmup = (uint64_t)warmup,
        .n_cooldown = (uint64_t)(cooldown * (double)n_step),
        .rate = rate,
        .floor = rate * rate_floor,
        .adamw = { beta1, beta2, eps, weight_decay },
        .clip = clip,
        .kure = kure,
        .kure_target = kure_target,
        .kure_of = kure_of,
        .dropout = { dropout, attention_dropout, seed, 0 },
    };
}

static struct lm_setting *settings; /* ended by .name NULL */

static void add_setting(const char *name, char *value)
{
    static size_t n, room;
    xgrow(&settings, &room, n + 2, sizeof *settings);
    settings[n++] = (struct lm_setting){ name, value };
    settings[n] = (struct lm_setting){ NULL, NULL };
}

static void add_option(const char *name)
{
    char text[NUM_TEXT_MAX];
    const struct cli_opt *o = opts;
    while (!o->name || strcmp(o->name, name) != 0)
        o++;
    if (o->type == CLI_U64)
        add_setting(name, xsprintf("%" PRIu64, *(const uint64_t *)o->value));
    else
        add_setting(name, xstrdup(num_text(o->type == CLI_INT ? (double)*(const int64_t *)o->value
                                                              : *(const double *)o->value,
                                           text)));
}

/* What a checkpoint must agree with: everything that decides the weights. */
static void list_settings(enum gemm_precision precision)
{
    uint64_t text = FNV_START;
    for (size_t i = 0; i < set.n_lang; i++) {
        text = fnv_add(text, set.lang[i].lang, strlen(set.lang[i].lang) + 1);
        text = fnv_add(text, set.lang[i].id, set.lang[i].n * sizeof *set.lang[i].id);
    }
    add_setting("config", xsprintf("%016" PRIx64, fnv_add(FNV_START, config_text, strlen(config_text))));
    add_setting("text", xsprintf("%016" PRIx64, text));
    add_setting("init", xstrdup(init_path ? init_path : ""));
    add_setting("precision", xstrdup(gemm_precision_name(precision)));
    static const char *const options[] = {
        "seed",          "steps",  "context",  "batch",   "temperature",       "init-sd",
        "learning-rate", "warmup", "cooldown", "floor",   "weight-decay",      "beta1",
        "beta2",         "eps",    "clip",     "dropout", "attention-dropout", "kure",
        "kure-target",
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        add_option(options[i]);
    if (cli_given(&embed_sd))
        add_option("embed-sd");
    uint64_t of = fnv_add(FNV_START, kure_of, kure_of ? params->n_param : 0);
    add_setting("kure-only", xsprintf("%016" PRIx64, of));
}

/* ---- steps */

static void show(const struct lm_trainer_report *r, double began_s, uint64_t began_step)
{
    double each = (lm_trainlog_now() - began_s) / (double)(state.step - began_step);
    long left = (long)(each * (double)((uint64_t)n_step - state.step));
    msg_progress("step %" PRIu64 " of %lld: loss %.3f, %.0f tokens/s, %ld:%02ld:%02ld left", state.step,
                 (long long)n_step, r->loss, (double)batch * (double)context / each, left / 3600,
                 left / 60 % 60, left % 60);
}

static void log_row(const struct lm_trainer_report *r, int validate)
{
    double *row = lm_trainlog_row(&run_log, r, (double)batch * (double)context);
    if (validate)
        row[LM_LOG_VALID] = lm_heldout_score(&heldout, trainer, set.n_lang,
                                             lm_trainlog_of_lang(&run_log, row, LM_LOG_LANG_NLL),
                                             lm_trainlog_of_lang(&run_log, row, LM_LOG_LANG_BITS));
    if (log_path)
        lm_trainlog_write(&run_log, log_path);
    run_log.row_began_s = lm_trainlog_now();
}

/* One step; whether the loss is what it should be at all. */
static int step(struct lm_trainer_report *r)
{
    enum { PATIENCE = 200 };
    const char *kept = checkpoint_path ? "; the last checkpoint is from before" : "";
    double guessing = state.step < (uint64_t)warmup ? INFINITY : log((double)config.vocab_size);
    lm_sampler_draw(&sampler, state.step + 1);
    if (lm_trainer_step(trainer, &sampler.text, sampler.target, nll, r) == LM_TRAINER_DIVERGED)
        die("step %" PRIu64 ": the loss is %g and the gradient's norm %g: diverged%s", state.step + 1,
            r->loss, r->norm, kept);
    double n_beyond = lm_trainlog_count(&run_log, r, sampler.lang, nll, (size_t)batch, (size_t)context,
                                        guessing);
    if (n_beyond >= PATIENCE)
        die("step %" PRIu64 ": the loss, %.4g, has been worse than guessing (%.4g) for %d steps: diverged%s",
            state.step, r->loss, guessing, PATIENCE, kept);
    return n_beyond == 0;
}

static int is_due(int64_t every)
{
    return state.step % (uint64_t)every == 0;
}

static void train(void)
{
    double began_s = lm_trainlog_now(), deadline_s = max_minutes > 0 ? began_s + 60 * max_minutes : INFINITY;
    uint64_t began_step = state.step;
    while (state.step < (uint64_t)n_step) {
        struct lm_trainer_report r;
        int is_good = step(&r), is_last = state.step == (uint64_t)n_step;
        int validates = heldout.windows.n && (is_last || is_due(valid_every));
        show(&r, began_s, began_step);
        if (is_last || validates || is_due(log_every))
            log_row(&r, validates);
        int stops = !is_last && (stopped || lm_trainlog_now() > deadline_s);
        if (checkpoint_path && (is_last || stops || (is_good && is_due(checkpoint_every))))
            lm_trainstate_save(&state, checkpoint_path, settings, config_text, cli_history());
        if (stops)
            die("stopped after step %" PRIu64 " of %lld%s", state.step, (long long)n_step,
                checkpoint_path ? ": --resume goes on from there" : "; there is no --checkpoint");
    }
    msg_progress_end();
}

/* ---- all of it */

static void check_arguments(void)
{
    size_t n = checkpoint_path ? strlen(checkpoint_path) : 0, n_suffix = strlen(".safetensors");
    if (!tokenizer_path && !init_path)
        die_usage("no tokenizer is given (-t)");
    if (n && (n <= n_suffix || strcmp(checkpoint_path + n - n_suffix, ".safetensors") != 0))
        die_usage("--checkpoint: '%s' does not end in .safetensors", checkpoint_path);
    if (!out_path && !checkpoint_path && !log_path)
        die_usage("nothing would be kept: give -o DIR, --checkpoint or --log");
    cli_refuse_if(!checkpoint_path, &resume, "without --checkpoint");
    cli_refuse_if(!resume, &may_differ, "without --resume");
    cli_refuse_if(init_path != NULL, &embed_sd, "beside --init");
    cli_refuse_if(init_path != NULL, &init_sd, "beside --init");
    cli_refuse_if(!(kure > 0), &kure_only, "without --kure");
    choice_check_items("kure-only", kure_only);
    cli_refuse_if(!(kure > 0), &kure_target, "without --kure");
    const void *const shape[] = { &arch, &n_layer, &width, &n_head, &n_inner, &overrides };
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        cli_refuse_if(init_path || config_path, shape[i], "beside --init or --config");
}

/* Whether the checkpoint was there. */
static int load_checkpoint(void)
{
    struct stat st;
    char why[LM_TRAINSTATE_WHY_MAX];
    if (resume) /* the run that goes on here may have been killed while it wrote */
        outfile_sweep(checkpoint_path);
    if (resume && log_path)
        outfile_sweep(log_path);
    if (!checkpoint_path || stat(checkpoint_path, &st) < 0)
        return 0;
    if (!resume)
        die("%s: is there already: --resume goes on from it", checkpoint_path);
    if (lm_trainstate_load(&state, checkpoint_path, settings, may_differ, why) < 0)
        die("%s: %s", checkpoint_path, why);
    if (state.step > (uint64_t)n_step)
        die("%s: is of step %" PRIu64 ", behind the last of --steps, %lld", checkpoint_path, state.step,
            (long long)n_step);
    return 1;
}

static void begin(enum gemm_precision precision)
{
    char why[LM_WHY_MAX];
    struct lm_checkpoint *init = init_path ? modelfile_open(init_path, (int)n_thread) : NULL;
    make_config(init);
    pick_kure();
    set_how();
    list_settings(precision);
    lm_trainstate_init(&state, params, lm_trainlog_tally(set.n_lang),
                       lm_trainlog_columns(set.n_lang, config.n_layer));
    if (!load_checkpoint()) {
        if (!init)
            draw_weights(state.w);
        else if (lm_params_read(params, init, state.w, why) < 0)
            die("%s: %s", init_path, why);
        else if (!isfinite(adamw_squares(state.w, params->n))) /* which a loss need not show */
            die("%s: holds weights that are not finite", init_path);
    }
    if (init)
        lm_checkpoint_close(init);
    streams = xnew(set.n_lang, sizeof *streams);
    names = xnew(set.n_lang, sizeof(*names));
    for (size_t i = 0; i < set.n_lang; i++) {
        streams[i] = (struct lm_stream){ set.lang[i].id, set.lang[i].n, set.lang[i].bytes };
        names[i] = set.lang[i].lang;
    }
    lm_trainlog_init(&run_log, &state, names, set.n_lang);
    lm_sampler_init(&sampler, streams, set.n_lang, (size_t)context, (size_t)batch, temperature, seed);
    nll = xnew((size_t)batch, (size_t)context * sizeof *nll);
    trainer = lm_trainer_new(&how, &state, (size_t)context, precision, (int)n_thread, why);
    if (!trainer)
        die("%s", why);
}

static void finish(struct outdir *dir)
{
    if (dir) {
        lm_hfdir_write(dir, params, state.w, tensor_dtype_find(dtype), config_text, cli_history(), set.json,
                       set.n_json, &special);
        outdir_close(dir);
    }
    lm_trainer_free(trainer);
    lm_sampler_clear(&sampler);
    lm_trainstate_clear(&state);
    lm_params_free(params);
    lm_heldout_clear(&heldout);
    trainset_clear(&set);
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv);
    check_arguments();
    enum gemm_precision precision = modelfile_precision(precision_name);
    struct outdir *dir = out_path ? outdir_open(out_path) : NULL; /* fails now rather than in the end */
    read_text(files);
    read_held_out(files);
    begin(precision);
    struct sigaction once = { .sa_handler = on_signal,
                              .sa_flags = (int)SA_RESETHAND }; /* a second one kills */
    sigaction(SIGTERM, &once, NULL);
    sigaction(SIGINT, &once, NULL);
    train();
    finish(dir);
    return 0;
}
