/* tok - text to the ids of a tokenizer.json, and back
 * in: text, one paragraph a line (FILE named by language, or stdin); out: a token stream, or text (stdout).
 * Holds the ids of one file. SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "io/outfile.h"
#include "text/batch.h"
#include "text/tokenizer.h"
#include "text/tokstream.h"
#include <jansson.h>
#include <stdio.h>

static const char *tokenizer_path, *out_path = "-", *lang_of_stdin = "stdin";
static int decode, ids, pieces, json, special, skip_special;
static int64_t level = TS_LEVEL, n_thread = 1;

static const struct cli_opt opts[] = {
    { 't', "tokenizer", CLI_IN, &tokenizer_path, "FILE",
      "the tokenizer: a tokenizer.json, plain or gzip-compressed, or a directory with one", 0, 0, 0 },
    { 0, "ids", CLI_FLAG, &ids, 0, "write the ids as text; with --decode, read them as text", 0, 0, 0 },
    { 0, "pieces", CLI_FLAG, &pieces, 0, "write the tokens themselves, a JSON list of strings for each line",
      0, 0, 0 },
    { 'd', "decode", CLI_FLAG, &decode, 0, "the way back: read ids, write text", 0, 0, 0 },
    { 0, "json", CLI_FLAG, &json, 0,
      "each line of text is a JSON string, so that it can hold line feeds and U+0000", 0, 0, 0 },
    { 0, "special", CLI_FLAG, &special, 0,
      "add the tokens that the tokenizer puts around a text, such as <s>", 0, 0, 0 },
    { 0, "skip-special", CLI_FLAG, &skip_special, 0, "with --decode: leave special tokens out of the text", 0,
      0, 0 },
    { 0, "lang", CLI_STR, &lang_of_stdin, "LANG", "language of standard input [stdin]", 0, 0, 0 },
    CLI_OUTPUT(&out_path, "output"),
    CLI_COMPRESS(&level),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END,
};

static const struct cli_prog prog = {
    .name = "tok",
    .synopsis = "-t TOKENIZER [--ids | --pieces] [OPTION]... [FILE]...\n-t TOKENIZER --decode [--ids] "
                "[OPTION]... [FILE]...",
    .summary = "Turn text into the ids of a Hugging Face tokenizer, or ids into text.",
    .in =
        "text in UTF-8, plain or gzip-compressed, a file for each language and named by it (eng.txt is eng); "
        "with --decode a token stream, or lines of ids",
    .out = "a token stream: for each file a frame (kind=tokens, lang, vocab_size) with the tensors LANG.ids "
           "(I32) and LANG.offsets (I32: line i has the ids from offset i to offset i+1); with --ids or "
           "--pieces text, a line for each line; with --decode text",
    .notes =
        "Each line is encoded as a text of its own: the line feed is no part of it and gives no token, nor "
        "does a carriage return in front of it (which is said; --json has it as text). Ids are those of "
        "Hugging Face's library. Truncation and padding that the tokenizer asks for are not applied. What "
        "the program does not support is refused by name.\n"
        "--pieces are spelt as in the tokenizer's vocabulary. That of byte-level BPE has a letter for every "
        "byte: Ġ is a blank, and Ã© are the two bytes of é. The last example shows the text of each token "
        "instead; one that has part of a character only is shown as U+FFFD.",
    .example = "  tok -t bloom/ eng.txt swh.txt | tensorcat --list\n"
               "  echo 'Habari ya dunia' | tok -t bloom/ --ids | tok -t bloom/ --decode --ids\n"
               "  tok -t bloom/ --ids hin.txt | tr ' ' '\\n' | tok -t bloom/ --decode --ids",
    .see_also = "tokstat, tensorcat",
};

enum { CHUNK = 64 }; /* lines that a thread takes at a time */

/* What a thread made of some lines: text, or ids and how many are of each line. */
struct chunk {
    struct strbuf text;
    struct tokens tokens;
    size_t n_of_line[CHUNK], n_line;
};

struct job {
    const struct tokenizer *t;
    struct tokenizer_work **work; /* [n_thread] */
    struct batch batch;
    struct chunk *chunk;
    size_t n_chunk;
    const char *path;
};

/* ---- lines */

static _Noreturn void die_at(const struct job *j, size_t line, const char *why)
{
    die("%s: line %zu: %s", j->path, j->batch.first + line, why);
}

static void put_json_string(struct strbuf *out, const char *s, size_t n)
{
    json_t *string = json_stringn_nocheck(s, n);
    char *text = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    if (!text)
        die("out of memory");
    strbuf_str(out, text);
    free(text);
    json_decref(string);
}

static void encode_line(const struct job *j, size_t line, struct tokenizer_work *w, struct chunk *c)
{
    size_t n;
    const char *s = batch_line(&j->batch, line, &n);
    json_t *string = NULL;
    if (json) {
        string = json_loadb(s, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        if (!json_is_string(string))
            die_at(j, line, "not a JSON string");
        s = json_string_value(string);
        n = json_string_length(string);
    }
    size_t before = c->tokens.n;
    int status = tokenizer_encode(j->t, w, s, n, special, &c->tokens);
    if (status < 0)
        die_at(j, line, tokenizer_strerror(status));
    c->n_of_line[line % CHUNK] = c->tokens.n - before;
    json_decref(string);
}

static void put_id(struct strbuf *out, uint32_t id)
{
    char digits[10];
    int n = 0;
    do
        digits[sizeof digits - 1 - (size_t)n++] = (char)('0' + id % 10);
    while (id /= 10);
    strbuf_add(out, digits + sizeof digits - (size_t)n, (size_t)n);
}

/* The chunk's tokens as lines of ids or of pieces. */
static void put_lines(const struct job *j, struct chunk *c)
{
    const uint32_t *id = c->tokens.id;
    for (size_t line = 0; line < c->n_line; line++) {
        if (pieces)
            strbuf_char(&c->text, '[');
        for (size_t i = 0; i < c->n_of_line[line]; i++, id++) {
            if (i)
                strbuf_char(&c->text, pieces ? ',' : ' ');
            size_t n;
            const char *token = pieces ? tokenizer_token(j->t, *id, &n) : NULL;
            if (token)
                put_json_string(&c->text, token, n);
            else
                put_id(&c->text, *id);
        }
        strbuf_str(&c->text, pieces ? "]\n" : "\n");
    }
}

static void decode_ids(const struct job *j, struct tokenizer_work *w, size_t line, const uint32_t *id,
                       size_t n, struct strbuf *out)
{
    struct strbuf text = { 0 };
    size_t bad;
    if (tokenizer_decode(j->t, w, id, n, skip_special, &text, &bad) < 0) {
        if (bad < n)
            die("%s: line %zu: %u is no id of this tokenizer", j->path, line, id[bad]);
        die("%s: line %zu: %s", j->path, line, tokenizer_strerror(TOKENIZER_REGEX));
    }
    if (json)
        put_json_string(out, strbuf_text(&text), text.n);
    else
        strbuf_add(out, text.s, text.n);
    strbuf_char(out, '\n');
    strbuf_clear(&text);
}

static void decode_line(const struct job *j, size_t line, struct tokenizer_work *w, struct chunk *c)
{
    size_t n;
    const char *s = batch_line(&j->batch, line, &n), *end = s + n;
    c->tokens.n = 0;
    while (s < end) {
        const char *start = s;
        uint32_t id = 0;
        for (; s < end && *s >= '0' && *s <= '9' && id <= UINT32_MAX / 10 - 1; s++)
            id = id * 10 + (uint32_t)(*s - '0');
        if (s == start || (s < end && *s != ' '))
            die_at(j, line, "not whole numbers separated by single blanks");
        tokens_add(&c->tokens, id, 0);
        s += s < end;
    }
    decode_ids(j, w, j->batch.first + line, c->tokens.id, c->tokens.n, &c->text);
}

static void do_chunk(void *context, size_t index, int worker)
{
    struct job *j = context;
    struct chunk *c = &j->chunk[index];
    size_t from = index * CHUNK, to = from + CHUNK < j->batch.n ? from + CHUNK : j->batch.n;
    c->text.n = c->tokens.n = 0;
    c->n_line = to - from;
    for (size_t line = from; line < to; line++)
        if (decode)
            decode_line(j, line, j->work[worker], c);
        else
            encode_line(j, line, j->work[worker], c);
    if (!decode && (ids || pieces))
        put_lines(j, c);
}

/* ---- files */

/* Does the next lines on all threads; returns how many chunks of them there are, 0 at the end. */
static size_t next_chunks(struct job *j, struct linein *in)
{
    size_t n = (batch_read(&j->batch, in) + CHUNK - 1) / CHUNK;
    if (n > j->n_chunk) {
        j->chunk = xrealloc(j->chunk, n, sizeof *j->chunk);
        memset(j->chunk + j->n_chunk, 0, (n - j->n_chunk) * sizeof *j->chunk);
        j->n_chunk = n;
    }
    threads_for((int)n_thread, n, do_chunk, j);
    return n;
}

static void file_to_text(struct job *j, struct linein *in, struct outfile *out)
{
    for (size_t n; (n = next_chunks(j, in));)
        for (size_t i = 0; i < n; i++)
            outfile_write(out, j->chunk[i].text.s, j->chunk[i].text.n);
}

static void collect(const struct job *j, const struct chunk *c, struct tokstream *tokens)
{
    const uint32_t *id = c->tokens.id;
    for (size_t i = 0; i < c->n_line; id += c->n_of_line[i++])
        if (tokstream_add(tokens, id, c->n_of_line[i]) < 0)
            die("%s: has more tokens than fit a tensor", j->path);
}

static void file_to_frame(struct job *j, struct linein *in, const char *lang, struct tokstream *tokens,
                          struct ts_writer *out)
{
    tokstream_empty(tokens);
    for (size_t n; (n = next_chunks(j, in));)
        for (size_t i = 0; i < n; i++)
            collect(j, &j->chunk[i], tokens);
    tokstream_write(tokens, out, lang, tokenizer_n_id(j->t));
}

static void encode_files(struct job *j, char **files)
{
    const struct ts_options options = { .level = (int)level, .n_thread = (int)n_thread };
    int as_text = decode || ids || pieces;
    struct outfile *text = as_text ? outfile_open(out_path, 0) : NULL;
    struct ts_writer *stream = as_text ? NULL : ts_open_out(out_path, &options);
    struct tokstream tokens = { 0 };
    if (stream)
        ts_out_history(stream, cli_history());
    size_t n_file = 0;
    while (files[n_file])
        n_file++;
    for (char **file = files; *file; file++) {
        struct linein *in = linein_open(*file);
        char *lang = strcmp(*file, "-") ? batch_lang(*file) : xstrdup(lang_of_stdin);
        j->path = linein_path(in);
        msg_progress("%s, file %zu of %zu", lang, (size_t)(file - files) + 1, n_file);
        if (text)
            file_to_text(j, in, text);
        else
            file_to_frame(j, in, lang, &tokens, stream);
        free(lang);
        linein_close(in);
    }
    msg_progress_end();
    if (text)
        outfile_close(text);
    else
        ts_close_out(stream);
    tokstream_clear(&tokens);
}

/* ---- a stream, decoded */

static void decode_frame(struct job *j, const struct tokstream *tokens, const char *file, struct outfile *out)
{
    struct strbuf text = { 0 };
    char *place = xsprintf("%s: %s", file, tokens->lang);
    j->path = place;
    for (size_t i = 0; i < tokens->n_line; i++) {
        const int32_t *offset = tokens->offset + i;
        text.n = 0;
        decode_ids(j, j->work[0], i + 1, tokens->id + offset[0], (size_t)(offset[1] - offset[0]), &text);
        outfile_write(out, text.s, text.n);
    }
    strbuf_clear(&text);
    free(place);
}

static void decode_stream(struct job *j, const char *file, struct outfile *out)
{
    struct ts_reader *in = ts_open_in(file, (int)n_thread);
    struct tokstream tokens = { 0 };
    const char *why;
    int got;
    while ((got = tokstream_read(&tokens, in, &why)) > 0)
        decode_frame(j, &tokens, ts_path(in), out);
    if (got < 0)
        die("%s: %s", ts_path(in), why);
    tokstream_clear(&tokens);
    ts_close(in);
}

static void decode_streams(struct job *j, char **files)
{
    struct outfile *out = outfile_open(out_path, 0);
    for (char **file = files; *file; file++)
        decode_stream(j, *file, out);
    outfile_close(out);
}

/* ---- */

static int reads_stdin(char **files)
{
    while (*files && strcmp(*files, "-") != 0)
        files++;
    return *files != NULL;
}

static void check_options(char **files)
{
    if (!tokenizer_path)
        die_usage("which tokenizer? (--tokenizer FILE)");
    if (ids && pieces)
        die_usage("--ids and --pieces exclude each other");
    if (decode && (pieces || special))
        die_usage("--decode goes with neither --pieces nor --special");
    if (skip_special && !decode)
        die_usage("--skip-special goes with --decode only");
    cli_refuse_if(decode, &level, "with --decode");
    cli_refuse_if(ids || pieces, &level, "with --ids or --pieces");
    cli_refuse_if(decode, &lang_of_stdin, "with --decode");
    cli_refuse_if(ids || pieces, &lang_of_stdin, "with --ids or --pieces");
    cli_refuse_if(!reads_stdin(files), &lang_of_stdin, "for files, whose names are their languages");
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv), *why;
    check_options(files);
    struct tokenizer *t = tokenizer_load(tokenizer_path, &why);
    if (!t)
        die("%s: %s", tokenizer_path, why);
    struct job job = { .t = t };
    job.work = xnew((size_t)n_thread, sizeof *job.work);
    for (int64_t i = 0; i < n_thread; i++)
        job.work[i] = tokenizer_work_new(job.t);
    if (decode && !ids)
        decode_streams(&job, files);
    else
        encode_files(&job, files);
    for (int64_t i = 0; i < n_thread; i++)
        tokenizer_work_free(job.work[i]);
    for (size_t i = 0; i < job.n_chunk; i++) {
        strbuf_clear(&job.chunk[i].text);
        tokens_clear(&job.chunk[i].tokens);
    }
    free(job.work);
    free(job.chunk);
    batch_clear(&job.batch);
    tokenizer_free(t);
    return 0;
}
