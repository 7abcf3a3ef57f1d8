/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/trainset.h"
#include "base/mem.h"
#include "base/msg.h"
#include "text/batch.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void find_separator(struct trainset *s, const char *word)
{
    static const char *const usual[] = { "</s>", "<|endoftext|>", "<eos>", "<s>" };
    for (size_t i = 0; !strcmp(word, "auto") && i < sizeof usual / sizeof *usual; i++)
        if (tokenizer_find(s->tokenizer, usual[i], strlen(usual[i])) >= 0)
            word = usual[i];
    if (!strcmp(word, "auto"))
        die("the tokenizer has no token that usually separates documents: name one (--separator), or none");
    if (corpus_find_start(s->tokenizer, word, &s->separator, &s->n_separator) < 0)
        die("--separator: the tokenizer has no token '%s'", word);
}

void trainset_open(struct trainset *s, const char *path, const char *separator, int n_thread)
{
    char *why;
    s->n_thread = n_thread;
    s->json = tokenizer_text(path, &s->n_json, &why);
    if (s->json)
        s->tokenizer = tokenizer_parse(xstrndup(s->json, s->n_json), s->n_json, &why);
    if (!s->tokenizer)
        die("%s: %s", path, why);
    find_separator(s, separator);
}

static void read_file(const struct trainset *s, struct corpus *c, const char *path)
{
    const char *why;
    struct bytein *in = bytein_open(path, s->n_thread, &why);
    if (!in)
        die("%s: %s", strcmp(path, "-") ? path : "standard input", why);
    struct corpus_options o = {
        .tokenizer = s->tokenizer, .start = s->separator, .n_start = s->n_separator, .n_thread = s->n_thread
    };
    char *name = batch_lang(strcmp(path, "-") ? path : "stdin");
    if (corpus_is_tokens(in))
        corpus_read_tokens(c, in, &o);
    else
        corpus_read_text(c, in, name, &o);
    free(name);
}

static void take_language(struct trainset *s, const struct corpus *c, size_t which, const char *path,
                          size_t context)
{
    struct documents d = { 0 };
    if (trainset_find(s, c->lang[which]) < s->n_lang)
        die("%s: a file before it is of language '%s' too", path, c->lang[which]);
    if (documents_join(&d, c, which, s->tokenizer, s->separator, s->n_separator) < 0)
        die("%s: '%s' has tokens that are none of the tokenizer's", path, d.lang);
    if (d.n > UINT32_MAX)
        die("%s: '%s' has more than 2^32 tokens", path, d.lang);
    if (d.n <= context) {
        warn("%s: '%s' is left out: its %zu tokens are less than a sequence of %zu and the one that follows",
             path, d.lang, d.n, context);
        documents_clear(&d);
        return;
    }
    xgrow(&s->lang, &s->room, s->n_lang + 1, sizeof *s->lang);
    s->lang[s->n_lang++] = d;
}

void trainset_read(struct trainset *s, char *const *files, size_t context)
{
    for (; *files; files++) {
        struct corpus c = { 0 };
        msg_progress("%s: encoding", *files);
        read_file(s, &c, *files);
        for (size_t i = 0; i < c.n_lang; i++)
            take_language(s, &c, i, *files, context);
        corpus_clear(&c);
    }
    if (!s->n_lang)
        die("there is no language to train on");
}

size_t trainset_find(const struct trainset *s, const char *lang)
{
    size_t i = 0;
    while (i < s->n_lang && strcmp(s->lang[i].lang, lang) != 0)
        i++;
    return i;
}

static int is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void trainset_read_held_out(const struct trainset *s, struct corpus *c, char *const *held_out,
                            char *const *files)
{
    for (; held_out && *held_out; held_out++) {
        if (!is_directory(*held_out)) {
            read_file(s, c, *held_out);
            continue;
        }
        for (char *const *f = files; *f; f++) {
            const char *slash = strrchr(*f, '/');
            char *path = xsprintf("%s/%s", *held_out, slash ? slash + 1 : *f);
            read_file(s, c, path);
            free(path);
        }
    }
    for (size_t i = 0; i < c->n_lang; i++)
        if (trainset_find(s, c->lang[i]) == s->n_lang)
            warn("--valid: '%s' is not trained on, and not validated", c->lang[i]);
    for (size_t i = 0; i < c->n_id; i++)
        if (c->id[i] >= tokenizer_n_id(s->tokenizer))
            die("--valid: token %" PRIu32 " is none of the tokenizer's", c->id[i]);
}

void trainset_clear(struct trainset *s)
{
    for (size_t i = 0; i < s->n_lang; i++)
        documents_clear(&s->lang[i]);
    free(s->lang);
    free(s->separator);
    free(s->json);
    tokenizer_free(s->tokenizer);
    *s = (struct trainset){ 0 };
}
