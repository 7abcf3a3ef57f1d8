/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/tokload.h"
#include "base/utf8.h"
#include "io/bytein.h"
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

enum { MAX_CONTENT = 4096 }; /* bytes of an added token, so that looking for them stays linear */

int load_fail(struct load *l, const char *format, ...)
{
    if (l->why)
        return -1;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&l->why, format, ap) < 0)
        l->why = xstrdup("out of memory");
    va_end(ap);
    return -1;
}

/* ---- members */

json_t *load_member(const json_t *in, const char *key)
{
    json_t *v = json_object_get(in, key);
    return json_is_null(v) ? NULL : v;
}

int load_bool(struct load *l, const json_t *in, const char *where, const char *key, int fallback, int *v)
{
    const json_t *member = load_member(in, key);
    if (member && !json_is_boolean(member))
        return load_fail(l, "%s: '%s' is not true or false", where, key);
    *v = member ? json_is_true(member) : fallback;
    return 0;
}

int load_count(struct load *l, const json_t *in, const char *where, const char *key, size_t *v)
{
    const json_t *member = load_member(in, key);
    if (!json_is_integer(member) || json_integer_value(member) < 0)
        return load_fail(l, "%s: '%s' is not a whole number", where, key);
    *v = (size_t)json_integer_value(member);
    return 0;
}

int load_text(struct load *l, const json_t *in, const char *where, const char *key, const char **s, size_t *n)
{
    const json_t *member = load_member(in, key);
    if (!json_is_string(member))
        return load_fail(l, "%s: '%s' is not a string", where, key);
    *s = json_string_value(member);
    *n = json_string_length(member);
    return 0;
}

int load_char(struct load *l, const json_t *in, const char *where, const char *key, const char **s, size_t *n)
{
    if (load_text(l, in, where, key, s, n) < 0)
        return -1;
    if (utf8_length(*s, *n) != 1)
        return load_fail(l, "%s: '%s' is not one character", where, key);
    return 0;
}

int load_pattern(struct load *l, const json_t *in, const char *where, struct regex **regex, char **text,
                 size_t *n)
{
    const json_t *pattern = load_member(in, "pattern");
    const char *s = "";
    if (load_member(pattern, "String")) {
        if (load_text(l, pattern, where, "String", &s, n) < 0)
            return -1;
        *text = xstrndup(s, *n);
        return 0;
    }
    if (load_text(l, pattern, where, "Regex", &s, n) < 0)
        return -1;
    char *why;
    *regex = regex_new(s, *n, &why);
    if (*regex)
        return 0;
    load_fail(l, "%s: %s", where, why);
    free(why);
    return -1;
}

/* ---- added tokens */

/* A token takes the id that the reference gives it: the model's, or the next one free behind the model's,
 * *next. */
static int load_added_token(struct load *l, const json_t *entry, uint32_t *next)
{
    struct tokenizer *t = l->t;
    struct added_token a = { 0 };
    const char *s = "";
    size_t id = 0;
    if (load_text(l, entry, "added_tokens", "content", &s, &a.n) < 0 ||
        load_count(l, entry, "added_tokens", "id", &id) < 0 ||
        load_bool(l, entry, "added_tokens", "special", 0, &a.special) < 0 ||
        load_bool(l, entry, "added_tokens", "single_word", 0, &a.single_word) < 0 ||
        load_bool(l, entry, "added_tokens", "lstrip", 0, &a.lstrip) < 0 ||
        load_bool(l, entry, "added_tokens", "rstrip", 0, &a.rstrip) < 0 ||
        load_bool(l, entry, "added_tokens", "normalized", !a.special, &a.normalized) < 0)
        return -1;
    if (a.n == 0)
        return 0;
    if (a.n > MAX_CONTENT)
        return load_fail(l, "added_tokens: a token is longer than %d bytes", MAX_CONTENT);
    int32_t known = vocab_find(&t->vocab, s, a.n);
    a.id = known >= 0 ? (uint32_t)known : *next;
    if (a.id != id)
        return load_fail(l, "added_tokens: '%.*s' has id %zu, but the reference library would give it %u",
                         (int)a.n, s, id, a.id);
    if (a.id > VOCAB_MAX_ID)
        return load_fail(l, "added_tokens: id %u is too large", a.id);
    a.content = xstrndup(s, a.n);
    t->added[t->n_added++] = a;
    if (vocab_add(&t->added_vocab, a.content, a.n, (uint32_t)t->n_added - 1) < 0)
        return load_fail(l, "added_tokens: '%s' stands there twice", a.content);
    if (a.id >= *next)
        *next = a.id + 1;
    return 0;
}

/* What each token is looked for as. */
static int normalize_added(struct load *l)
{
    struct tokenizer *t = l->t;
    struct normal_work work = { 0 };
    int status = 0;
    for (size_t i = 0; i < t->n_added && status == 0; i++) {
        struct added_token *a = &t->added[i];
        struct mtext text = { .s = a->content, .n = a->n }, changed = text;
        if (a->normalized && normal_run(t->normal, t->n_normal, &work, &text, &changed) < 0)
            status = load_fail(l, "added_tokens: '%s' cannot be normalised", a->content);
        else if (!changed.n)
            status = load_fail(l, "added_tokens: '%s' is nothing once normalised", a->content);
        a->decoded = xstrndup(changed.s, a->n_decoded = changed.n);
    }
    normal_work_clear(&work);
    return status;
}

static int load_added(struct load *l)
{
    struct tokenizer *t = l->t;
    json_t *list = load_member(l->json.root, "added_tokens");
    if (list && !json_is_array(list))
        return load_fail(l, "added_tokens: not a list");
    uint32_t next = (uint32_t)(t->model == MODEL_UNIGRAM ? t->vocab.n_id : t->vocab.n);
    t->added = xcalloc(json_array_size(list), sizeof *t->added);
    vocab_init(&t->added_vocab, json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++)
        if (load_added_token(l, json_array_get(list, i), &next) < 0)
            return -1;
    t->n_id = t->vocab.n_id;
    for (size_t i = 0; i < t->n_added; i++)
        if (t->added[i].id >= t->n_id)
            t->n_id = t->added[i].id + (size_t)1;
    t->added_at = xnew(t->n_id, sizeof *t->added_at);
    for (size_t i = 0; i < t->n_id; i++)
        t->added_at[i] = -1;
    for (size_t i = 0; i < t->n_added; i++)
        t->added_at[t->added[i].id] = (int32_t)i;
    if (normalize_added(l) < 0)
        return -1;
    added_init(&t->raw, t->added, t->n_added, 0);
    added_init(&t->normalized, t->added, t->n_added, 1);
    return 0;
}

/* ---- the whole file */

/* Two ways to the same tokens that are shorter. A last step that spells bytes is left out where the model can
 * look bytes up itself. And a text in which blanks are a letter, as SentencePiece has it, is cut before each
 * run of them where no merge reaches across such a place, so that words are encoded one by one and
 * remembered. */
static void shorten_bpe(struct tokenizer *t)
{
    const struct bpe *m = &t->bpe;
    const struct pretok *last = t->n_pretok ? &t->pretok[t->n_pretok - 1] : NULL;
    t->bytes = last && last->kind == PRETOK_SPELL && !m->has_fallback && !m->prefix.n && !m->suffix.n;
    if (t->bytes)
        pretok_clear(&t->pretok[--t->n_pretok]);
    else if (bpe_can_cut_at_blanks(m)) {
        t->pretok = xrealloc(t->pretok, t->n_pretok + 1, sizeof *t->pretok);
        t->pretok[t->n_pretok++] = (struct pretok){
            .kind = PRETOK_CUT_BLANKS, .text = xstrdup(BPE_BLANK), .n_text = 3, .keep = m->joins_blank
        };
    }
}

static int load_parts(struct load *l)
{
    const json_t *root = l->json.root;
    if (!json_is_object(root))
        return load_fail(l, "not a tokenizer.json: not a JSON object");
    if (!json_is_object(load_member(root, "model")))
        return load_fail(l, "not a tokenizer.json: it has no 'model'");
    if (load_model(l) < 0 || load_normalizer(l, load_member(root, "normalizer")) < 0 ||
        load_pretokenizer(l, load_member(root, "pre_tokenizer")) < 0 || load_added(l) < 0 ||
        load_postprocessor(l, load_member(root, "post_processor")) < 0 ||
        load_decoder(l, load_member(root, "decoder")) < 0)
        return -1;
    if (l->t->model == MODEL_BPE)
        shorten_bpe(l->t);
    return 0;
}

struct tokenizer *tokenizer_parse(char *text, size_t n, char **why)
{
    struct load l = { .t = xcalloc(1, sizeof *l.t) };
    l.t->text = text;
    *why = NULL;
    if (tokjson_read(&l.json, text, n, &l.why) < 0 || load_parts(&l) < 0) {
        *why = l.why;
        tokenizer_free(l.t);
        l.t = NULL;
    }
    tokjson_clear(&l.json);
    return l.t;
}

char *tokenizer_text(const char *path, size_t *n, char **why)
{
    struct stat st;
    char *inside = NULL;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        inside = xsprintf("%s/tokenizer.json", path);
        if (stat(inside, &st) < 0) {
            free(inside);
            inside = xsprintf("%s/tokenizer.json.gz", path);
        }
        if (stat(inside, &st) < 0) {
            free(inside);
            *why = xstrdup("no tokenizer.json in this directory");
            return NULL;
        }
    } else if (!strcmp(path, "-"))
        inside = xstrdup("./-"); /* standard input is for text */
    const char *reason;
    char *text = bytein_text(inside ? inside : path, SIZE_MAX, n, &reason);
    if (!text)
        *why = xstrdup(reason);
    free(inside);
    return text;
}

struct tokenizer *tokenizer_load(const char *path, char **why)
{
    size_t n;
    char *text = tokenizer_text(path, &n, why);
    return text ? tokenizer_parse(text, n, why) : NULL;
}
