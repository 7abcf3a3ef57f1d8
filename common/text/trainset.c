/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/trainset.h"
#include "base/mem.h"
#include "text/batch.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int find_separator(struct trainset *s, const char *word, char **why)
{
    static const char *const usual[] = { "</s>", "<|endoftext|>", "<eos>", "<s>" };
    for (size_t i = 0; !strcmp(word, "auto") && i < sizeof usual / sizeof *usual; i++)
        if (tokenizer_find(s->tokenizer, usual[i], strlen(usual[i])) >= 0)
            word = usual[i];
    if (!strcmp(word, "auto"))
        *why = xstrdup("the tokenizer has no token that usually separates documents: name one "
                       "(--separator), or none");
    else if (corpus_find_start(s->tokenizer, word, &s->separator, &s->n_separator) < 0)
        *why = xsprintf("--separator: the tokenizer has no token '%s'", word);
    else
        return 0;
    return -1;
}

int trainset_open(struct trainset *s, const char *path, const char *separator, int n_thread, char **why)
{
    char *reason = NULL;
    s->n_thread = n_thread;
    s->json = tokenizer_text(path, &s->n_json, &reason);
    if (s->json)
        s->tokenizer = tokenizer_parse(xstrndup(s->json, s->n_json), s->n_json, &reason);
    if (s->tokenizer)
        return find_separator(s, separator, why);
    *why = xsprintf("%s: %s", path, reason);
    free(reason);
    return -1;
}

static int read_file(const struct trainset *s, struct corpus *c, const char *path, char **why)
{
    const char *reason;
    struct bytein *in = bytein_open(path, s->n_thread, &reason);
    if (!in) {
        *why = xsprintf("%s: %s", strcmp(path, "-") ? path : "standard input", reason);
        return -1;
    }
    struct corpus_options o = {
        .tokenizer = s->tokenizer, .start = s->separator, .n_start = s->n_separator, .n_thread = s->n_thread
    };
    char *name = batch_lang(strcmp(path, "-") ? path : "stdin");
    if (corpus_is_tokens(in))
        corpus_read_tokens(c, in, &o);
    else
        corpus_read_text(c, in, name, &o);
    free(name);
    return 0;
}

static int take_language(struct trainset *s, const struct corpus *c, size_t which, const char *path,
                         size_t context, char **why)
{
    struct documents d = { 0 };
    const char *lang = c->lang[which];
    if (trainset_find(s, lang) < s->n_lang) {
        *why = xsprintf("%s: a file before it is of language '%s' too", path, lang);
        return -1;
    }
    int status = documents_join(&d, c, which, s->tokenizer, s->separator, s->n_separator);
    if (status < 0 || d.n > UINT32_MAX) {
        *why = xsprintf(status < 0 ? "%s: '%s' has tokens that are none of the tokenizer's"
                                   : "%s: '%s' has more than 2^32 tokens",
                        path, lang);
        documents_clear(&d);
        return -1;
    }
    if (d.n <= context) {
        xgrow(&s->too_short, &s->room_too_short, s->n_too_short + 1, sizeof *s->too_short);
        s->too_short[s->n_too_short++] = d;
    } else {
        xgrow(&s->lang, &s->room, s->n_lang + 1, sizeof *s->lang);
        s->lang[s->n_lang++] = d;
    }
    return 0;
}

int trainset_read(struct trainset *s, const char *path, size_t context, char **why)
{
    struct corpus c = { 0 };
    int status = read_file(s, &c, path, why);
    for (size_t i = 0; i < c.n_lang && status == 0; i++)
        status = take_language(s, &c, i, path, context, why);
    corpus_clear(&c);
    return status;
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

int trainset_read_held_out(const struct trainset *s, struct corpus *c, char *const *held_out,
                           char *const *files, char **why)
{
    int status = 0;
    for (; held_out && *held_out && status == 0; held_out++) {
        if (!is_directory(*held_out)) {
            status = read_file(s, c, *held_out, why);
            continue;
        }
        for (char *const *f = files; *f && status == 0; f++) {
            const char *slash = strrchr(*f, '/');
            char *path = xsprintf("%s/%s", *held_out, slash ? slash + 1 : *f);
            status = read_file(s, c, path, why);
            free(path);
        }
    }
    for (size_t i = 0; i < c->n_id && status == 0; i++)
        if (c->id[i] >= tokenizer_n_id(s->tokenizer)) {
            *why = xsprintf("--valid: token %" PRIu32 " is none of the tokenizer's", c->id[i]);
            status = -1;
        }
    return status;
}

void trainset_clear(struct trainset *s)
{
    for (size_t i = 0; i < s->n_lang; i++)
        documents_clear(&s->lang[i]);
    for (size_t i = 0; i < s->n_too_short; i++)
        documents_clear(&s->too_short[i]);
    free(s->lang);
    free(s->too_short);
    free(s->separator);
    free(s->json);
    tokenizer_free(s->tokenizer);
    *s = (struct trainset){ 0 };
}
