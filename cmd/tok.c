/* tok - text to the ids of a tokenizer.json, and back
 * in: text, one paragraph a line (FILE or stdin); out: one line of ids for each line (stdout).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "base/num.h"
#include "base/threads.h"
#include "cli/cli.h"
#include "io/outfile.h"
#include "text/batch.h"
#include "text/tokenizer.h"
#include <stdio.h>

static const char *tokenizer_path, *out_path = "-";
static int decode, ids, special;
static int64_t n_thread = 1;

static const struct cli_opt opts[] = {
    { 't', "tokenizer", CLI_STR, &tokenizer_path, "FILE",
      "the tokenizer: a tokenizer.json, plain or gzip-compressed, or a directory with one", 0, 0, 0 },
    { 0, "ids", CLI_FLAG, &ids, 0, "write ids as text", 0, 0, 0 },
    { 'd', "decode", CLI_FLAG, &decode, 0, "read ids and write the text", 0, 0, 0 },
    { 0, "special", CLI_FLAG, &special, 0,
      "add the tokens that the tokenizer puts around a text (<s> and the like)", 0, 0, 0 },
    CLI_OUTPUT(&out_path, "ids"),
    CLI_THREADS(&n_thread),
    CLI_COMMON,
    CLI_END
};

static const struct cli_prog prog = {
    .name = "tok",
    .synopsis = "-t TOKENIZER [OPTION]... [FILE]...",
    .summary = "Turn text into the ids of a Hugging Face tokenizer, or ids into text.",
    .in = "text in UTF-8; each line is a text of its own, without its line feed",
    .out = "the ids of each line, decimal, separated by blanks",
    .example = "tok -t bloom/ eng.txt | head -1",
    .see_also = "tokstat",
};

struct job {
    const struct tokenizer *t;
    struct tokenizer_work **work;
    const struct batch *batch;
    struct strbuf *result; /* [chunk] */
    struct tokens *tokens; /* [worker] */
    const char *path;
};

enum { CHUNK = 64 };

static void encode_line(const struct job *j, size_t i, int worker, struct strbuf *out)
{
    size_t n;
    const char *line = batch_line(j->batch, i, &n);
    struct tokens *tokens = &j->tokens[worker];
    tokens->n = 0;
    int status = tokenizer_encode(j->t, j->work[worker], line, n, special, tokens);
    if (status < 0)
        die("%s: line %zu: %s", j->path, j->batch->first + i, tokenizer_strerror(status));
    char text[16];
    for (size_t k = 0; k < tokens->n; k++)
        strbuf_add(out, text, (size_t)snprintf(text, sizeof text, k ? " %u" : "%u", tokens->id[k]));
    strbuf_char(out, '\n');
}

static void decode_line(const struct job *j, size_t i, int worker, struct strbuf *out)
{
    size_t n, bad;
    const char *line = batch_line(j->batch, i, &n), *end = line + n;
    struct tokens *tokens = &j->tokens[worker];
    tokens->n = 0;
    while (line < end) {
        uint32_t id = 0;
        const char *start = line;
        for (; line < end && *line >= '0' && *line <= '9' && id < 400000000; line++)
            id = id * 10 + (uint32_t)(*line - '0');
        if (line == start || (line < end && *line != ' '))
            die("%s: line %zu: '%.*s' is not an id", j->path, j->batch->first + i,
                (int)(end - start < 20 ? end - start : 20), start);
        tokens_add(tokens, id, 0);
        line += line < end;
    }
    if (tokenizer_decode(j->t, j->work[worker], tokens->id, tokens->n, 0, out, &bad) < 0)
        die("%s: line %zu: %u is not an id of this tokenizer", j->path, j->batch->first + i,
            bad < tokens->n ? tokens->id[bad] : 0);
    strbuf_char(out, '\n');
}

static void do_chunk(void *context, size_t chunk, int worker)
{
    const struct job *j = context;
    struct strbuf *out = &j->result[chunk];
    out->n = 0;
    for (size_t i = chunk * CHUNK; i < j->batch->n && i < (chunk + 1) * CHUNK; i++)
        if (decode)
            decode_line(j, i, worker, out);
        else
            encode_line(j, i, worker, out);
}

int main(int argc, char **argv)
{
    char **files = cli_parse(&prog, opts, argc, argv), *why;
    if (!tokenizer_path)
        die_usage("which tokenizer? (--tokenizer FILE)");
    struct tokenizer *t = tokenizer_load(tokenizer_path, &why);
    if (!t)
        die("%s: %s", tokenizer_path, why);
    struct outfile *out = outfile_open(out_path, 0);
    struct batch batch = { 0 };
    struct job job = { t,    xnew((size_t)n_thread, sizeof *job.work),      &batch,
                       NULL, xcalloc((size_t)n_thread, sizeof *job.tokens), NULL };
    size_t n_result = 0;
    for (int i = 0; i < n_thread; i++)
        job.work[i] = tokenizer_work_new(t);
    for (char **file = files; *file; file++) {
        struct linein *in = linein_open(*file);
        job.path = linein_path(in);
        while (batch_read(&batch, in)) {
            size_t n = (batch.n + CHUNK - 1) / CHUNK, room = n_result;
            xgrow(&job.result, &room, n, sizeof *job.result);
            for (; n_result < room; n_result++)
                job.result[n_result] = (struct strbuf){ 0 };
            threads_for((int)n_thread, n, do_chunk, &job);
            for (size_t i = 0; i < n; i++)
                outfile_write(out, job.result[i].s, job.result[i].n);
        }
        linein_close(in);
    }
    outfile_close(out);
    for (int i = 0; i < n_thread; i++) {
        tokenizer_work_free(job.work[i]);
        tokens_clear(&job.tokens[i]);
    }
    for (size_t i = 0; i < n_result; i++)
        strbuf_clear(&job.result[i]);
    free(job.result);
    free(job.work);
    free(job.tokens);
    batch_clear(&batch);
    tokenizer_free(t);
    return 0;
}
