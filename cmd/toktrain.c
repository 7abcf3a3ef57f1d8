/* toktrain - text by language to a byte-level BPE tokenizer.json
 * in: text in UTF-8 (FILE named by language, or stdin); out: tokenizer.json (stdout).
 * Holds the distinct words. SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "io/csvout.h"
#include "io/outfile.h"
#include "text/batch.h"
#include "text/bpetrain_json.h"
#include "text/tokenizer.h"
#include <math.h>
#include <sys/stat.h>

static const char *out_path = "-", *report_path, *lang_of_stdin = "stdin";
static char **special_list;
static double temperature = 1;
static int line_feeds;
static int64_t vocab_size = 32768, min_count = 2, max_token_bytes = 1 << 30, n_thread = 1;

static const struct cli_opt opts[] = {
    { 0, "vocab-size", CLI_INT, &vocab_size, "N",
      "tokens in all: special ones, the 256 bytes, and what the merges make [32768]", 256, 1 << 24, 0 },
    { 0, "min-count", CLI_INT, &min_count, "N", "leave pairs apart that occur less than N times [2]", 1, 1e12,
      0 },
    { 0, "max-token-bytes", CLI_INT, &max_token_bytes, "N", "make no token longer than N bytes [no limit]", 2,
      1 << 30, 0 },
    { 0, "temperature", CLI_NUM, &temperature, "T",
      "count languages with little text for more than they have: from 1, not at all, to 1e9, all languages "
      "alike [1]",
      1, 1e9, 0 },
    { 0, "special", CLI_LIST, &special_list, "TOKEN,...",
      "the special tokens, which get the first ids [<unk>,<s>,</s>,<pad>]", 0, 0, 0 },
    { 0, "line-feeds", CLI_FLAG, &line_feeds, 0,
      "take a line's line feed for part of its text, as Hugging Face's trainer does", 0, 0, 0 },
    { 0, "report", CLI_OUT, &report_path, "CSV", "write a table with a row for each language to the file CSV",
      0, 0, 0 },
    { 0, "lang", CLI_STR, &lang_of_stdin, "LANG", "language of standard input [stdin]", 0, 0, 0 },
    { 'o', "output", CLI_OUT, &out_path, "FILE",
      "write tokenizer.json to FILE, or into the directory FILE, whole or not at all; - is stdout [-]", 0, 0,
      0 },
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END,
};

static const struct cli_prog prog = {
    .name = "toktrain",
    .synopsis = "[OPTION]... [FILE]...",
    .summary = "Train a byte-level BPE tokenizer with BLOOM's pipeline on text by language.",
    .in =
        "text in UTF-8, plain or gzip-compressed, a file for each language and named by it (eng.txt is eng)",
    .out = "tokenizer.json as Hugging Face's libraries read it: ids are the special tokens, the 256 bytes in "
           "the order of the letters that spell them, then the merges in their order. --report: lang, lines, "
           "bytes, share, weight, words, distinct_words, tokens, bytes_per_token",
    .notes =
        "Each line is a text of its own, as it is for tok. It is cut into words as BLOOM cuts it (a word: "
        "characters other than white space and . , ! ? ( ) | and their like, with one blank in front; or "
        "what lies between two of these), and no token reaches across two words. Then the pair of neighbours "
        "that occurs most often becomes a token, again and again; of several, that with the smallest ids. "
        "Merges are those of Hugging Face's trainer on the same lines, but for special tokens written in the "
        "text, which are cut out here, as they are when it is encoded.\n"
        "With --temperature T a language that has the share p of all bytes counts as if its share were "
        "proportional to p^(1/T): each of its words counts as many times as its weight says, in steps of "
        "2^-20. --min-count is of weighted counts. Several files of one language are added up.\n"
        "In the report, share is the language's part of the bytes and weight what its counts are multiplied "
        "by; words are as above, tokens what the trained tokenizer makes of them.",
    .example = "  toktrain --vocab-size 8192 --temperature 2 -o model/ train/*.txt\n"
               "  zcat eng.gz | toktrain --vocab-size 1000 --lang eng --report report.csv -o eng.json",
    .see_also = "tok, tokstat, lmtrain",
};

enum { CHUNK = 64, WEIGHT_BITS = 20 };
static const char report_header[] =
    "lang,lines,bytes,share,weight,words,distinct_words,tokens,bytes_per_token";
static char *usual_special[] = { "<unk>", "<s>", "</s>", "<pad>", NULL };

struct language {
    char *name;
    struct bpetrain_words *part; /* [n_thread] as counted by each thread; in the end all in the first */
    uint64_t lines, bytes, weight;
};

struct job {
    struct tokenizer *cutter;
    struct tokenizer_work **work; /* [n_thread] */
    struct language *lang;        /* [n_lang] in the order of the files */
    size_t n_lang, lang_room;
    struct batch batch;
    struct language *reading;
    const char *path;
    struct bpetrain_words words; /* of all languages, weighted */
};

/* ---- counting words */

static struct language *language_of(struct job *j, const char *file)
{
    char *name = strcmp(file, "-") ? batch_lang(file) : xstrdup(lang_of_stdin);
    for (size_t i = 0; i < j->n_lang; i++)
        if (!strcmp(j->lang[i].name, name)) {
            free(name);
            return &j->lang[i];
        }
    xgrow(&j->lang, &j->lang_room, j->n_lang + 1, sizeof *j->lang);
    struct language *l = &j->lang[j->n_lang++];
    *l = (struct language){ .name = name, .part = xcalloc((size_t)n_thread, sizeof *l->part) };
    return l;
}

static void count_piece(void *words, const char *s, size_t n)
{
    bpetrain_words_add(words, s, n, 1);
}

static void do_chunk(void *context, size_t index, int worker)
{
    struct job *j = context;
    size_t from = index * CHUNK, to = from + CHUNK < j->batch.n ? from + CHUNK : j->batch.n;
    for (size_t line = from; line < to; line++) {
        size_t n;
        const char *s = batch_line(&j->batch, line, &n);
        int status = tokenizer_cut(j->cutter, j->work[worker], s, n, count_piece, &j->reading->part[worker]);
        if (status < 0)
            die("%s: line %zu: %s", j->path, j->batch.first + line, tokenizer_strerror(status));
    }
}

static void read_file(struct job *j, const char *file)
{
    struct linein *in = linein_open(file);
    struct language *l = j->reading = language_of(j, file);
    j->path = linein_path(in);
    while (batch_read(&j->batch, in)) {
        threads_for((int)n_thread, (j->batch.n + CHUNK - 1) / CHUNK, do_chunk, j);
        l->lines += j->batch.n;
        l->bytes += j->batch.text.n;
        msg_progress("%s: %.1f MB of text", l->name, (double)l->bytes / 1e6);
    }
    linein_close(in);
    for (int64_t i = 1; i < n_thread; i++) {
        struct bpetrain_words *part = &l->part[i];
        for (size_t k = 0; k < part->n; k++)
            bpetrain_words_add(&l->part[0], part->text.s + part->word[k].at, part->word[k].n,
                               part->word[k].count);
        bpetrain_words_clear(part);
    }
}

/* ---- languages together */

static void set_weights(struct job *j)
{
    double bytes = 0, sum = 0;
    for (size_t i = 0; i < j->n_lang; i++)
        bytes += (double)j->lang[i].bytes;
    for (size_t i = 0; i < j->n_lang; i++)
        if (j->lang[i].bytes)
            sum += pow((double)j->lang[i].bytes / bytes, 1 / temperature);
    for (size_t i = 0; i < j->n_lang; i++) {
        double share = (double)j->lang[i].bytes / bytes;
        double weight = share > 0 ? pow(share, 1 / temperature) / sum / share : 1;
        j->lang[i].weight = (uint64_t)llround(ldexp(temperature > 1 ? weight : 1, WEIGHT_BITS));
    }
}

/* Adds a language's words to those of all; from then on `at` is a word's index there. */
static void add_language(struct job *j, const struct language *l)
{
    struct bpetrain_words *w = &l->part[0];
    for (size_t i = 0; i < w->n; i++)
        w->word[i].at = bpetrain_words_add(&j->words, w->text.s + w->word[i].at, w->word[i].n,
                                           l->weight * w->word[i].count);
    strbuf_clear(&w->text);
    free(w->slot);
    w->slot = NULL;
}

static void read_files(struct job *j, char **files)
{
    j->work = xnew((size_t)n_thread, sizeof *j->work);
    for (int64_t i = 0; i < n_thread; i++)
        j->work[i] = tokenizer_work_new(j->cutter);
    for (char **file = files; *file; file++)
        read_file(j, *file);
    set_weights(j);
    for (size_t i = 0; i < j->n_lang; i++)
        add_language(j, &j->lang[i]);
}

/* ---- training and its results */

static struct bpetrain_merge *train(struct bpetrain *t, size_t wanted, size_t *n)
{
    struct bpetrain_merge *merge = xnew(wanted, sizeof *merge);
    for (*n = 0; bpetrain_next(t, &merge[*n]);)
        msg_progress("%zu of %zu merges", ++*n, wanted);
    msg_progress_end();
    return merge;
}

/* Writes the tokenizer, if it can be read again: a special token may be spelt as a merge's bytes are. */
static void write_tokenizer(struct outfile *out, char *const *special, const struct bpetrain_merge *merge,
                            size_t n)
{
    struct strbuf json = { 0 };
    bpetrain_json(&json, special, merge, n);
    char *why;
    struct tokenizer *t = tokenizer_parse(xstrndup(json.s, json.n), json.n, &why);
    if (!t)
        die("--special: %s", why);
    outfile_write(out, json.s, json.n);
    outfile_close(out);
    tokenizer_free(t);
    strbuf_clear(&json);
}

static void write_report(struct csvout *out, const struct job *j, const struct bpetrain *t)
{
    double all = 0;
    for (size_t i = 0; i < j->n_lang; i++)
        all += (double)j->lang[i].bytes;
    for (const struct language *l = j->lang; l < j->lang + j->n_lang; l++) {
        const struct bpetrain_words *w = &l->part[0];
        uint64_t words = 0, tokens = 0;
        for (size_t i = 0; i < w->n; i++) {
            words += w->word[i].count;
            tokens += w->word[i].count * bpetrain_n_symbol(t, w->word[i].at);
        }
        csvout_str(out, l->name);
        csvout_int(out, (int64_t)l->lines);
        csvout_int(out, (int64_t)l->bytes);
        csvout_num(out, (double)l->bytes / all);
        csvout_num(out, ldexp((double)l->weight, -WEIGHT_BITS));
        csvout_int(out, (int64_t)words);
        csvout_int(out, (int64_t)w->n);
        csvout_int(out, (int64_t)tokens);
        csvout_num(out, tokens ? (double)l->bytes / (double)tokens : NAN);
        csvout_end_row(out);
    }
    csvout_close(out);
}

/* ---- */

/* The tokenizer without a merge, which cuts text as the trained one will. */
static struct tokenizer *make_cutter(char *const *special)
{
    struct strbuf json = { 0 };
    char *why;
    for (char *const *s = special; *s; s++)
        if (utf8_check(*s, strlen(*s)) < strlen(*s))
            die_usage("--special: not UTF-8");
    bpetrain_json(&json, special, NULL, 0);
    struct tokenizer *t = tokenizer_parse(strbuf_text(&json), json.n, &why);
    if (!t)
        die_usage("--special: %s", why);
    return t;
}

static void free_job(struct job *j)
{
    for (size_t i = 0; i < j->n_lang; i++) {
        bpetrain_words_clear(&j->lang[i].part[0]);
        free(j->lang[i].part);
        free(j->lang[i].name);
    }
    for (int64_t i = 0; i < n_thread; i++)
        tokenizer_work_free(j->work[i]);
    free(j->work);
    free(j->lang);
    batch_clear(&j->batch);
    bpetrain_words_clear(&j->words);
    tokenizer_free(j->cutter);
}

static int reads_stdin(char **files)
{
    while (*files && strcmp(*files, "-") != 0)
        files++;
    return *files != NULL;
}

static void check_options(char **files, size_t n_fixed)
{
    if ((size_t)vocab_size < n_fixed)
        die_usage("--vocab-size: the special tokens and the bytes alone are %zu", n_fixed);
    cli_refuse_if(!reads_stdin(files), &lang_of_stdin, "for files, whose names are their languages");
}

/* What to write to: in a directory, its tokenizer.json. */
static const char *output_file(const char *path)
{
    struct stat st;
    int is_dir = strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return is_dir ? xsprintf("%s/tokenizer.json", path) : path;
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv),
         **special = special_list ? special_list : usual_special;
    size_t n_fixed = BPETRAIN_BYTES, n_merge;
    for (char **s = special; *s; s++)
        n_fixed++;
    out_path = output_file(out_path);
    cli_check_outputs(opts, files);
    check_options(files, n_fixed);
    struct job job = { .cutter = make_cutter(special), .batch.keep_feeds = line_feeds };
    struct outfile *out = outfile_open(out_path, 0);
    struct csvout *report = report_path ? csvout_open(report_path, report_header) : NULL;
    read_files(&job, files);
    const struct bpetrain_options options = { .n_merge = (size_t)vocab_size - n_fixed,
                                              .min_count = (uint64_t)min_count << WEIGHT_BITS,
                                              .max_token_bytes = (size_t)max_token_bytes };
    struct bpetrain *t = bpetrain_new(&job.words, &options);
    if (!t)
        die("the distinct words are more than 4 GiB: take less text");
    struct bpetrain_merge *merge = train(t, options.n_merge, &n_merge);
    write_tokenizer(out, special, merge, n_merge);
    if (report)
        write_report(report, &job, t);
    if (n_merge < options.n_merge)
        warn("the text gives %zu merges: the vocabulary has %zu tokens, not %zu", n_merge, n_fixed + n_merge,
             (size_t)vocab_size);
    free(merge);
    bpetrain_free(t);
    free_job(&job);
    return 0;
}
