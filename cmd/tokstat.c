/* tokstat - what a tokenizer does to each language's text
 * in: text by language (FILE, named by language, or stdin); out: CSV, one row for each language or line
 * (stdout). SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "text/batch.h"
#include "text/tokenizer.h"
#include "text/words.h"
#include <math.h>

static const char *tokenizer_path, *out_path = "-", *by = "lang", *reference, *lang_of_stdin = "stdin";
static double alpha = 2.5;
static int64_t n_thread = 1;

static const struct cli_opt opts[] = {
    { 't', "tokenizer", CLI_IN, &tokenizer_path, "FILE",
      "the tokenizer: a tokenizer.json, plain or gzip-compressed, or a directory with one", 0, 0, 0 },
    { 0, "by", CLI_CHOICE, &by, "WHAT", "a row for each `lang` or each `line` [lang]", 0, 0, "lang line" },
    { 0, "reference", CLI_STR, &reference, "LANG",
      "language of one of the files; all files say the same line by line, and tokens are compared with its",
      0, 0, 0 },
    { 0, "alpha", CLI_NUM, &alpha, "A", "order of the Renyi entropy, from 0 to 100; 1 is Shannon's [2.5]", 0,
      100, 0 },
    { 0, "lang", CLI_STR, &lang_of_stdin, "LANG", "language of standard input [stdin]", 0, 0, 0 },
    CLI_OUTPUT(&out_path, "CSV"),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END
};

static const struct cli_prog prog = {
    .name = "tokstat",
    .synopsis = "-t TOKENIZER [OPTION]... [FILE]...",
    .summary =
        "Count what a tokenizer makes of each language: tokens a word, tokens against a reference language, "
        "bytes a token and more.",
    .in = "text in UTF-8, plain or gzip-compressed, one paragraph a line; a file is named by its language "
          "(eng.txt is eng)",
    .out =
        "CSV; with --by lang: lang, script, lines, bytes, chars, words, tokens, fertility, bytes_per_token, "
        "chars_per_token, tokens_per_char, continued_words, premium, single_byte_share, unknown_share, "
        "vocab_used, renyi_efficiency; with --by line: lang, line, bytes, chars, words, tokens, ref_tokens",
    .notes =
        "Each line is encoded by itself, without its line feed (or CR LF) and without special tokens. bytes "
        "and chars (code points) leave these out. words are those of Unicode's word breaking, with "
        "dictionaries for Thai, Lao, Khmer, Burmese, Chinese and Japanese.\n"
        "fertility is tokens / words (Rust et al. 2021). continued_words is the share of words that have a "
        "boundary between tokens inside them. premium is tokens / tokens of the reference language (Petrov "
        "et al. 2023). single_byte_share and unknown_share are shares of the tokens: those that stand for "
        "one byte beyond ASCII, and the unknown token. vocab_used is the number of different tokens. "
        "renyi_efficiency is the Renyi entropy of the tokens' frequencies over the logarithm of the "
        "vocabulary's size (Zouhar et al. 2023). script is the ISO 15924 code of the script with most "
        "characters. A ratio with nothing below the line is missing.",
    .example = "  tokstat -t bloom/ --reference eng text/*.txt | mlr --icsv --opprint cut -f lang,premium",
    .see_also = "tok, bootstrap",
};

/* Of one line, or of many. */
struct counts {
    uint64_t lines, bytes, chars, words, continued, tokens, single_bytes, unknown;
};

struct worker {
    struct tokenizer_work *work;
    struct words *words;
    struct tokens tokens;
    struct counts total;
    struct words_scripts scripts;
    uint64_t *used; /* [n_id] how often each id occurred */
};

struct job {
    const struct tokenizer *t;
    size_t n_id;
    unsigned char *flags; /* [n_id] */
    struct worker *worker;
    const struct batch *batch;
    struct counts *line; /* [batch->n] */
    size_t line_room;
    const char *path;
};

/* Tokens of each line of the reference. */
struct parallel {
    uint64_t *tokens;
    size_t n, room;
};

enum { CHUNK = 32 };

/* Words, and how many of them have a token's end inside. */
static void count_words(struct worker *w, const char *s, size_t n, struct counts *c)
{
    size_t start, end, k = 0;
    words_start(w->words, s, n);
    while (words_next(w->words, &start, &end)) {
        c->words++;
        while (k < w->tokens.n && w->tokens.end[k] <= start)
            k++;
        c->continued += k < w->tokens.n && w->tokens.end[k] < end;
    }
}

static void add_counts(struct counts *sum, const struct counts *c)
{
    sum->lines += c->lines;
    sum->bytes += c->bytes;
    sum->chars += c->chars;
    sum->words += c->words;
    sum->continued += c->continued;
    sum->tokens += c->tokens;
    sum->single_bytes += c->single_bytes;
    sum->unknown += c->unknown;
}

static void count_line(struct job *j, size_t i, struct worker *w)
{
    size_t n;
    const char *s = batch_line(j->batch, i, &n);
    struct counts c = { .lines = 1, .bytes = n, .chars = utf8_length(s, n) };
    w->tokens.n = 0;
    int status = tokenizer_encode(j->t, w->work, s, n, 0, &w->tokens);
    if (status < 0)
        die("%s: line %zu: %s", j->path, j->batch->first + i, tokenizer_strerror(status));
    c.tokens = w->tokens.n;
    for (size_t k = 0; k < w->tokens.n; k++) {
        uint32_t id = w->tokens.id[k];
        w->used[id]++;
        c.single_bytes += (j->flags[id] & TOKEN_BYTE) != 0;
        c.unknown += (j->flags[id] & TOKEN_UNKNOWN) != 0;
    }
    count_words(w, s, n, &c);
    words_count_scripts(&w->scripts, s, n);
    add_counts(&w->total, &c);
    j->line[i] = c;
}

static void do_chunk(void *context, size_t chunk, int worker)
{
    struct job *j = context;
    for (size_t i = chunk * CHUNK; i < j->batch->n && i < (chunk + 1) * CHUNK; i++)
        count_line(j, i, &j->worker[worker]);
}

/* Sums of all workers, into the first, whose counts the others' then are no more. */
static void gather(struct job *j)
{
    struct worker *all = &j->worker[0];
    for (int64_t k = 1; k < n_thread; k++) {
        struct worker *w = &j->worker[k];
        add_counts(&all->total, &w->total);
        for (size_t i = 0; i < j->n_id; i++)
            all->used[i] += w->used[i];
        for (size_t i = 0; i < WORDS_MAX_SCRIPT; i++)
            all->scripts.count[i] += w->scripts.count[i];
    }
}

static void forget(struct job *j)
{
    for (int64_t k = 0; k < n_thread; k++) {
        struct worker *w = &j->worker[k];
        w->total = (struct counts){ 0 };
        w->scripts = (struct words_scripts){ 0 };
        memset(w->used, 0, j->n_id * sizeof *w->used);
    }
}

/* Renyi entropy of the ids' frequencies over that of the uniform distribution on the whole vocabulary. */
static double renyi_efficiency(const uint64_t *used, size_t n_id, uint64_t n_token, size_t n_type)
{
    double sum = 0, entropy;
    if (n_token == 0 || n_type < 2)
        return NAN;
    for (size_t i = 0; i < n_id; i++) {
        if (!used[i])
            continue;
        double p = (double)used[i] / (double)n_token;
        sum += alpha == 1 ? -p * log(p) : pow(p, alpha);
    }
    entropy = alpha == 1 ? sum : log(sum) / (1 - alpha);
    return entropy / log((double)n_type);
}

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : NAN;
}

static size_t n_types(const struct tokenizer *t)
{
    size_t n = 0, length;
    for (size_t i = 0; i < tokenizer_n_id(t); i++)
        n += tokenizer_token(t, (uint32_t)i, &length) != NULL;
    return n;
}

static void write_lang(struct csvout *out, const struct job *j, const char *lang, uint64_t ref_tokens)
{
    const struct worker *w = &j->worker[0];
    const struct counts *c = &w->total;
    size_t used = 0;
    for (size_t i = 0; i < j->n_id; i++)
        used += w->used[i] > 0;
    csvout_str(out, lang);
    csvout_str(out, words_script(&w->scripts));
    csvout_int(out, (int64_t)c->lines);
    csvout_int(out, (int64_t)c->bytes);
    csvout_int(out, (int64_t)c->chars);
    csvout_int(out, (int64_t)c->words);
    csvout_int(out, (int64_t)c->tokens);
    csvout_num(out, ratio(c->tokens, c->words));
    csvout_num(out, ratio(c->bytes, c->tokens));
    csvout_num(out, ratio(c->chars, c->tokens));
    csvout_num(out, ratio(c->tokens, c->chars));
    csvout_num(out, ratio(c->continued, c->words));
    csvout_num(out, ratio(c->tokens, ref_tokens));
    csvout_num(out, ratio(c->single_bytes, c->tokens));
    csvout_num(out, ratio(c->unknown, c->tokens));
    csvout_int(out, (int64_t)used);
    csvout_num(out, renyi_efficiency(w->used, j->n_id, c->tokens, n_types(j->t)));
    csvout_end_row(out);
}

static void write_lines(struct csvout *out, const struct job *j, const char *lang, const struct parallel *ref)
{
    for (size_t i = 0; i < j->batch->n; i++) {
        const struct counts *c = &j->line[i];
        size_t line = j->batch->first + i;
        csvout_str(out, lang);
        csvout_int(out, (int64_t)line);
        csvout_int(out, (int64_t)c->bytes);
        csvout_int(out, (int64_t)c->chars);
        csvout_int(out, (int64_t)c->words);
        csvout_int(out, (int64_t)c->tokens);
        csvout_num(out, line <= ref->n ? (double)ref->tokens[line - 1] : NAN);
        csvout_end_row(out);
    }
}

static size_t at_file, n_file; /* for the progress line; the reference's file is read twice */

/* Reads a file through, leaving its counts with the workers. For each batch, lines go to `out` if there is
 * one, and their tokens to `keep` if there is one. */
static void read_file(struct job *j, const char *file, const char *lang, struct csvout *out,
                      const struct parallel *ref, struct parallel *keep)
{
    struct batch batch = { 0 };
    struct linein *in = linein_open(file);
    size_t n = 0;
    at_file++;
    forget(j);
    j->batch = &batch;
    j->path = linein_path(in);
    while (batch_read(&batch, in)) {
        msg_progress("%s, file %zu of %zu, line %zu", lang, at_file, n_file, batch.first);
        xgrow(&j->line, &j->line_room, batch.n, sizeof *j->line);
        threads_for((int)n_thread, (batch.n + CHUNK - 1) / CHUNK, do_chunk, j);
        n += batch.n;
        if (reference && !keep && n > ref->n)
            die("%s: has more lines than the %zu of the reference '%s'", j->path, ref->n, reference);
        if (out)
            write_lines(out, j, lang, ref);
        if (!keep)
            continue;
        xgrow(&keep->tokens, &keep->room, keep->n + batch.n, sizeof *keep->tokens);
        for (size_t i = 0; i < batch.n; i++)
            keep->tokens[keep->n++] = j->line[i].tokens;
    }
    if (reference && !keep && n < ref->n)
        die("%s: has %zu lines, and the reference '%s' %zu", j->path, n, reference, ref->n);
    linein_close(in);
    batch_clear(&batch);
    j->batch = NULL;
    gather(j);
}

static char *lang_of(const char *file)
{
    return strcmp(file, "-") ? batch_lang(file) : xstrdup(lang_of_stdin);
}

/* Ends the program when two files are of one language; returns the one of the reference, NULL without. */
static const char *check_files(char **files)
{
    const char *found = NULL;
    int reads_stdin = 0;
    for (char **file = files; *file; file++) {
        char *lang = lang_of(*file);
        n_file++;
        reads_stdin |= !strcmp(*file, "-");
        if (reference && !strcmp(lang, reference))
            found = *file;
        for (char **other = files; other < file; other++) {
            char *other_lang = lang_of(*other);
            if (!strcmp(lang, other_lang))
                die("%s and %s are both of language '%s'", *other, *file, lang);
            free(other_lang);
        }
        free(lang);
    }
    cli_refuse_if(!reads_stdin, &lang_of_stdin, "for files, whose names are their languages");
    if (reference && !found)
        die("--reference: none of the files is of language '%s'", reference);
    if (found && !strcmp(found, "-"))
        die("--reference: '%s' must be a file: it is read twice, standard input only once", reference);
    n_file += found != NULL;
    return found;
}

static struct job job_new(const struct tokenizer *t)
{
    struct job j = { .t = t, .n_id = tokenizer_n_id(t) };
    j.flags = xmalloc(j.n_id);
    for (size_t i = 0; i < j.n_id; i++)
        j.flags[i] = (unsigned char)tokenizer_token_flags(t, (uint32_t)i);
    j.worker = xcalloc((size_t)n_thread, sizeof *j.worker);
    for (int64_t k = 0; k < n_thread; k++) {
        j.worker[k].work = tokenizer_work_new(t);
        j.worker[k].used = xcalloc(j.n_id, sizeof *j.worker[k].used);
        j.worker[k].words = words_new();
        if (!j.worker[k].words)
            die("ICU's data for word breaking cannot be found");
    }
    return j;
}

static void job_clear(struct job *j)
{
    for (int64_t k = 0; k < n_thread; k++) {
        tokenizer_work_free(j->worker[k].work);
        words_free(j->worker[k].words);
        tokens_clear(&j->worker[k].tokens);
        free(j->worker[k].used);
    }
    free(j->worker);
    free(j->flags);
    free(j->line);
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv), *why;
    if (!tokenizer_path)
        die_usage("which tokenizer? (--tokenizer FILE)");
    const char *reference_file = check_files(files);
    struct tokenizer *t = tokenizer_load(tokenizer_path, &why);
    if (!t)
        die("%s: %s", tokenizer_path, why);
    struct job job = job_new(t);
    struct parallel ref = { 0 };
    uint64_t ref_tokens = 0;
    if (reference_file) {
        read_file(&job, reference_file, reference, NULL, NULL, &ref);
        ref_tokens = job.worker[0].total.tokens;
    }
    int by_line = !strcmp(by, "line");
    struct csvout *out = csvout_open(
        out_path,
        by_line ? "lang,line,bytes,chars,words,tokens,ref_tokens"
                : "lang,script,lines,bytes,chars,words,tokens,fertility,bytes_per_token,chars_per_token,"
                  "tokens_per_char,continued_words,premium,single_byte_share,unknown_share,vocab_used,"
                  "renyi_efficiency");
    for (char **file = files; *file; file++) {
        char *lang = lang_of(*file);
        read_file(&job, *file, lang, by_line ? out : NULL, &ref, NULL);
        if (!by_line)
            write_lang(out, &job, lang, ref_tokens);
        free(lang);
    }
    msg_progress_end();
    csvout_close(out);
    free(ref.tokens);
    job_clear(&job);
    tokenizer_free(t);
    return 0;
}
