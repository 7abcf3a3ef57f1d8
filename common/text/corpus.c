/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/corpus.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/threads.h"
#include "text/batch.h"
#include "text/tokstream.h"
#include <stdlib.h>
#include <string.h>

static size_t template_start(const struct tokenizer *t, uint32_t **start)
{
    struct tokenizer_work *w = tokenizer_work_new(t);
    struct tokens with = { 0 }, without = { 0 };
    size_t n = 0;
    if (tokenizer_encode(t, w, "a", 1, 1, &with) == 0 && tokenizer_encode(t, w, "a", 1, 0, &without) == 0 &&
        without.n)
        while (n + without.n <= with.n && memcmp(with.id + n, without.id, without.n * sizeof *with.id) != 0)
            n++;
    if (n + without.n > with.n)
        n = 0;
    *start = xnew(n + 1, sizeof **start);
    for (size_t i = 0; i < n; i++)
        (*start)[i] = with.id[i];
    tokens_clear(&with);
    tokens_clear(&without);
    tokenizer_work_free(w);
    return n;
}

int corpus_find_start(const struct tokenizer *t, const char *word, uint32_t **start, size_t *n)
{
    if (!strcmp(word, "auto")) {
        *n = template_start(t, start);
        return 0;
    }
    *start = xmalloc(sizeof **start);
    *n = 0;
    if (!strcmp(word, "none"))
        return 0;
    int32_t id = tokenizer_find(t, word, strlen(word));
    if (id < 0)
        return -1;
    (*start)[(*n)++] = (uint32_t)id;
    return 0;
}

static int is_first_byte(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static void add_lang(struct corpus *c, const char *path, const char *lang)
{
    for (size_t i = 0; i < c->n_lang; i++)
        if (!strcmp(c->lang[i], lang))
            die("%s: a file before it is of language '%s' too", path, lang);
    xgrow(&c->lang, &c->lang_room, c->n_lang + 1, sizeof(*c->lang));
    c->lang[c->n_lang++] = xstrdup(lang);
}

/* Adds a text of n tokens, n_start of them in front of it, whose numbers the caller then sets; returns the
 * first one's index. */
static size_t add_text(struct corpus *c, size_t line, size_t n, size_t n_start)
{
    size_t room = c->id_room, room_bytes = room, room_chars = room, first = c->n_id;
    xgrow(&c->id, &room, c->n_id + n, sizeof *c->id);
    xgrow(&c->bytes, &room_bytes, c->n_id + n, sizeof *c->bytes);
    xgrow(&c->chars, &room_chars, c->n_id + n, sizeof *c->chars);
    c->id_room = room;
    c->n_id += n;
    c->n_empty += n == n_start;
    xgrow(&c->text, &c->text_room, c->n_text + 1, sizeof *c->text);
    c->text[c->n_text++] = (struct corpus_text){ c->n_lang - 1, line, first, n, n_start, 0 };
    return first;
}

/* Adds a text s[0..n-1] that has been encoded. */
static void add_encoded(struct corpus *c, size_t line, const char *s, const struct tokens *t,
                        const struct corpus_options *o)
{
    size_t n = o->n_start + t->n, first = add_text(c, line, n, o->n_start);
    for (size_t i = 0; i < n; i++) {
        size_t k = i - o->n_start, from = i > o->n_start ? t->end[k - 1] : 0;
        int is_start = i < o->n_start;
        c->id[first + i] = is_start ? o->start[i] : t->id[k];
        c->bytes[first + i] = is_start ? 0 : (uint32_t)(t->end[k] - from);
        c->chars[first + i] = 0;
        for (size_t b = from; !is_start && b < t->end[k]; b++)
            c->chars[first + i] += (uint32_t)is_first_byte(s[b]);
        c->text[c->n_text - 1].n_unknown += !is_start &&
                                            tokenizer_token_flags(o->tokenizer, t->id[k]) & TOKEN_UNKNOWN;
    }
}

/* The first n lines of a batch, encoded by several threads, each line into tokens of its own. */
struct job {
    const struct corpus_options *o;
    const struct batch *batch;
    size_t n;
    const char *path;
    struct tokenizer_work **work; /* [n_thread] */
    struct tokens *tokens;        /* [batch->n] */
};

static void encode_line(void *context, size_t i, int worker)
{
    struct job *j = context;
    size_t n;
    const char *s = batch_line(j->batch, i, &n);
    int status = tokenizer_encode(j->o->tokenizer, j->work[worker], s, n, 0, &j->tokens[i]);
    if (status < 0)
        die("%s: line %zu: %s", j->path, j->batch->first + i, tokenizer_strerror(status));
}

static void encode_lines(struct corpus *c, struct job *j)
{
    j->tokens = xcalloc(j->n, sizeof *j->tokens);
    threads_for(j->o->n_thread, j->n, encode_line, j);
    for (size_t i = 0; i < j->n; i++) {
        size_t n;
        add_encoded(c, j->batch->first + i, batch_line(j->batch, i, &n), &j->tokens[i], j->o);
        tokens_clear(&j->tokens[i]);
    }
    free(j->tokens);
}

static void join_lines(struct strbuf *whole, const struct batch *batch, const char *join)
{
    for (size_t i = 0; i < batch->n; i++) {
        size_t n;
        const char *s = batch_line(batch, i, &n);
        if (batch->first + i > 1)
            strbuf_str(whole, join);
        strbuf_add(whole, s, n);
    }
}

static void encode_whole(struct corpus *c, struct job *j, struct strbuf *whole)
{
    struct tokens t = { 0 };
    int status = tokenizer_encode(j->o->tokenizer, j->work[0], strbuf_text(whole), whole->n, 0, &t);
    if (status < 0)
        die("%s: %s", j->path, tokenizer_strerror(status));
    add_encoded(c, 1, whole->s, &t, j->o);
    tokens_clear(&t);
}

/* Lines of a batch that are wanted. */
static size_t n_wanted(const struct batch *b, const struct corpus_options *o)
{
    size_t most = o->n_line ? o->n_line : SIZE_MAX, left = most >= b->first ? most - (b->first - 1) : 0;
    return b->n < left ? b->n : left;
}

static void show_lines(const struct corpus *c, const struct batch *b, size_t n_line,
                       const struct corpus_options *o)
{
    for (size_t i = 0, n; o->line && i < n_line; i++) {
        const char *s = batch_line(b, i, &n);
        o->line(o->ctx, c->n_lang - 1, s, n);
    }
}

/* Closes `in` too. */
static void read_lines(struct corpus *c, struct linein *in, const char *lang, const struct corpus_options *o)
{
    struct batch batch = { 0 };
    struct strbuf whole = { 0 };
    struct job j = { .o = o, .batch = &batch, .path = linein_path(in) };
    size_t n_thread = o->n_thread > 1 ? (size_t)o->n_thread : 1;
    j.work = xcalloc(n_thread, sizeof(*j.work));
    for (size_t i = 0; i < n_thread; i++)
        j.work[i] = tokenizer_work_new(o->tokenizer);
    add_lang(c, j.path, lang);
    while (batch_read(&batch, in)) {
        j.n = n_wanted(&batch, o);
        show_lines(c, &batch, j.n, o);
        if (o->whole_files)
            join_lines(&whole, &batch, o->join);
        else
            encode_lines(c, &j);
    }
    if (o->whole_files)
        encode_whole(c, &j, &whole);
    for (size_t i = 0; i < n_thread; i++)
        tokenizer_work_free(j.work[i]);
    free(j.work);
    strbuf_clear(&whole);
    batch_clear(&batch);
    linein_close(in);
}

void corpus_read_text(struct corpus *c, struct bytein *in, const char *lang, const struct corpus_options *o)
{
    read_lines(c, linein_open_bytes(in), lang, o);
}

void corpus_read_list(struct corpus *c, char *const *text, const char *lang, const struct corpus_options *o)
{
    struct tokenizer_work *work = tokenizer_work_new(o->tokenizer);
    struct tokens t = { 0 };
    add_lang(c, lang, lang);
    for (size_t i = 0; text[i]; i++) {
        t.n = 0;
        int status = tokenizer_encode(o->tokenizer, work, text[i], strlen(text[i]), 0, &t);
        if (status < 0)
            die("'%s': %s", text[i], tokenizer_strerror(status));
        add_encoded(c, i + 1, text[i], &t, o);
    }
    tokens_clear(&t);
    tokenizer_work_free(work);
}

/* Frames begin with 8 bytes of a length below 2^32 and a '{', which text, having no NUL bytes, does not. */
int corpus_is_tokens(struct bytein *in)
{
    static const unsigned char zero[4];
    const unsigned char *head = bytein_peek(in, 9);
    return head && !memcmp(head + 4, zero, sizeof zero) && head[8] == '{';
}

void corpus_read_tokens(struct corpus *c, struct bytein *in, const struct corpus_options *o)
{
    const char *why;
    char *path = xstrdup(bytein_path(in));
    struct ts_reader *frames = ts_open_bytes(in, &why);
    if (!frames)
        die("%s: %s", path, why);
    struct tokstream s = { 0 };
    int got;
    while ((got = tokstream_read(&s, frames, &why)) > 0) {
        add_lang(c, path, s.lang);
        size_t n_text = o->whole_files ? 1 : o->n_line && o->n_line < s.n_line ? o->n_line : s.n_line;
        for (size_t i = 0; i < n_text; i++) {
            size_t from = o->whole_files ? 0 : (size_t)s.offset[i];
            size_t n = (o->whole_files ? s.n_id : (size_t)s.offset[i + 1]) - from;
            size_t first = add_text(c, i + 1, n, 0);
            for (size_t k = 0; k < n; k++) {
                c->id[first + k] = s.id[from + k];
                c->bytes[first + k] = c->chars[first + k] = 0;
            }
        }
    }
    if (got < 0)
        die("%s: %s", path, why);
    tokstream_clear(&s);
    ts_close(frames);
    free(path);
}

/* What text takes: o's tokenizer, if it is not there yet, and the tokens that `start` means. */
static void get_tokenizer(struct corpus_options *o, const char *start)
{
    uint32_t *ids;
    if (o->start)
        return;
    if (!o->tokenizer)
        o->tokenizer = o->open_tokenizer(o->ctx);
    if (corpus_find_start(o->tokenizer, start, &ids, &o->n_start) < 0)
        die("--start: the tokenizer has no token '%s'", start);
    o->start = ids;
}

static void read_file(struct corpus *c, const char *path, const char *lang, const char *start,
                      struct corpus_options *o)
{
    const char *why;
    if (!o->may_be_tokens) {
        get_tokenizer(o, start);
        read_lines(c, linein_open(path), lang, o);
        return;
    }
    struct bytein *in = bytein_open(path, o->n_thread, &why);
    if (!in)
        die("%s: %s", strcmp(path, "-") != 0 ? path : "standard input", why);
    if (corpus_is_tokens(in)) {
        corpus_read_tokens(c, in, o);
    } else {
        get_tokenizer(o, start);
        corpus_read_text(c, in, lang, o);
    }
}

void corpus_read_files(struct corpus *c, char *const *files, const char *lang_of_stdin, const char *start,
                       const struct corpus_options *o)
{
    struct corpus_options all = *o;
    all.start = NULL;
    all.n_start = 0;
    if (o->tokenizer)
        get_tokenizer(&all, start);
    for (; *files; files++) {
        char *lang = strcmp(*files, "-") ? batch_lang(*files) : xstrdup(lang_of_stdin);
        read_file(c, *files, lang, start, &all);
        free(lang);
    }
    free((uint32_t *)all.start);
}

void corpus_need_vocabulary(const struct corpus *c, size_t vocab_size)
{
    for (size_t i = 0; i < c->n_id; i++)
        if (c->id[i] >= vocab_size)
            die("token %u is beyond the model's vocabulary of %zu: they do not belong together", c->id[i],
                vocab_size);
}

void corpus_clear(struct corpus *c)
{
    for (size_t i = 0; i < c->n_lang; i++)
        free(c->lang[i]);
    free(c->lang);
    free(c->text);
    free(c->id);
    free(c->bytes);
    free(c->chars);
    *c = (struct corpus){ 0 };
}
