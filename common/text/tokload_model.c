/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/tokload.h"

/* A text for messages, cut when long. */
#define SHOWN(n) ((int)((n) < 60 ? (n) : 60))

static int add_token(struct load *l, const char *s, size_t n, double id)
{
    if (!(id >= 0 && id <= VOCAB_MAX_ID) || id != (double)(uint32_t)id)
        return load_fail(l, "model: the id of '%.*s' is not a whole number from 0 to %d", SHOWN(n), s,
                         VOCAB_MAX_ID);
    switch (vocab_add(&l->t->vocab, s, n, (uint32_t)id)) {
    case 0:
        return 0;
    case -1:
        return load_fail(l, "model: '%.*s' is in the vocabulary twice", SHOWN(n), s);
    default:
        return load_fail(l, "model: id %.0f is in the vocabulary twice", id);
    }
}

/* {"token": id, ...} */
static int load_vocab_object(struct load *l)
{
    struct tokjson_scan *c = &l->json.vocab;
    vocab_init(&l->t->vocab, (size_t)(c->end - c->at) / 20);
    if (!tokjson_mark(c, '{'))
        return load_fail(l, "model: 'vocab' is not an object");
    while (!tokjson_mark(c, '}')) {
        char *s;
        size_t n;
        double id;
        if ((l->t->vocab.n && !tokjson_mark(c, ',')) || !tokjson_string(c, &s, &n) || !tokjson_mark(c, ':') ||
            !tokjson_number(c, &id))
            return load_fail(l, "model: 'vocab' is not valid JSON behind %zu tokens", l->t->vocab.n);
        if (add_token(l, s, n, id) < 0)
            return -1;
    }
    return c->at == c->end ? 0 : load_fail(l, "model: 'vocab' is not valid JSON");
}

/* The two halves of a merge, "a b" or ["a", "b"]: 1; 0 when it is neither; 2 for a comment, which counts as
 * none. */
static int scan_merge(struct tokjson_scan *c, char **left, size_t *n_left, char **right, size_t *n_right)
{
    if (tokjson_mark(c, '['))
        return tokjson_string(c, left, n_left) && tokjson_mark(c, ',') && tokjson_string(c, right, n_right) &&
               tokjson_mark(c, ']');
    size_t n;
    if (!tokjson_string(c, left, &n))
        return 0;
    if (n >= 8 && !memcmp(*left, "#version", 8))
        return 2;
    char *blank = memchr(*left, ' ', n);
    if (!blank || memchr(blank + 1, ' ', n - (size_t)(blank + 1 - *left)))
        return 0;
    *n_left = (size_t)(blank - *left);
    *right = blank + 1;
    *n_right = n - *n_left - 1;
    return 1;
}

static int load_merges(struct load *l)
{
    struct tokjson_scan *c = &l->json.merges;
    struct bpe *m = &l->t->bpe;
    if (!c->at || !tokjson_mark(c, '['))
        return load_fail(l, "model: 'merges' is not a list");
    for (size_t i = 0; !tokjson_mark(c, ']'); i++) {
        char *left, *right;
        size_t n_left, n_right;
        int got = i && !tokjson_mark(c, ',') ? 0 : scan_merge(c, &left, &n_left, &right, &n_right);
        if (!got)
            return load_fail(l, "model: merge %zu is not a pair of tokens", i + 1);
        int status = got == 1 ? bpe_add_merge(m, left, n_left, right, n_right) : 0;
        if (status == -2)
            return load_fail(l, "model: more than %d merges", BPE_MAX_MERGE + 1);
        if (status < 0)
            return load_fail(l, "model: merge %zu ('%.*s' and '%.*s') is not in the vocabulary", i + 1,
                             SHOWN(n_left), left, SHOWN(n_right), right);
    }
    return c->at == c->end ? 0 : load_fail(l, "model: 'merges' is not valid JSON");
}

static int load_optional_text(struct load *l, const json_t *model, const char *key, struct strbuf *b)
{
    const char *s;
    size_t n;
    if (!load_member(model, key))
        return 0;
    if (load_text(l, model, "model", key, &s, &n) < 0)
        return -1;
    strbuf_add(b, s, n);
    return 0;
}

static int load_bpe(struct load *l, const json_t *model)
{
    struct tokenizer *t = l->t;
    t->model = MODEL_BPE;
    if (!l->json.vocab.at)
        return load_fail(l, "model: it has no 'vocab'");
    const json_t *dropout = load_member(model, "dropout");
    if (dropout && json_number_value(dropout) != 0)
        return load_fail(l, "model: BPE with dropout is not supported, as it would encode at random");
    if (load_vocab_object(l) < 0)
        return -1;
    if (t->vocab.n_id > BPE_MAX_ID)
        return load_fail(l, "model: BPE with ids above %d is not supported", BPE_MAX_ID - 1);
    bpe_init(&t->bpe, &t->vocab);
    if (load_bool(l, model, "model", "fuse_unk", 0, &t->bpe.fuse_unknown) < 0 ||
        load_bool(l, model, "model", "byte_fallback", 0, &t->bpe.has_fallback) < 0 ||
        load_bool(l, model, "model", "ignore_merges", 0, &t->bpe.ignore_merges) < 0 ||
        load_optional_text(l, model, "continuing_subword_prefix", &t->bpe.prefix) < 0 ||
        load_optional_text(l, model, "end_of_word_suffix", &t->bpe.suffix) < 0)
        return -1;
    if (load_member(model, "unk_token")) {
        const char *s;
        size_t n;
        if (load_text(l, model, "model", "unk_token", &s, &n) < 0)
            return -1;
        t->bpe.unknown = vocab_find(&t->vocab, s, n);
        if (t->bpe.unknown < 0)
            return load_fail(l, "model: the unknown token '%s' is not in the vocabulary", s);
    }
    return load_merges(l);
}

/* [["token", score], ...]; a token's id is its place. Of tokens that stand there twice the last is found. */
static int load_scores(struct load *l)
{
    struct tokenizer *t = l->t;
    struct tokjson_scan *c = &l->json.vocab;
    struct vocab_token *token = NULL;
    size_t n = 0, room = 0, score_room = 0;
    int ok = tokjson_mark(c, '[');
    while (ok && !tokjson_mark(c, ']')) {
        char *s;
        size_t length;
        xgrow(&token, &room, n + 1, sizeof *token);
        xgrow(&t->score, &score_room, n + 1, sizeof *t->score);
        ok = (!n || tokjson_mark(c, ',')) && tokjson_mark(c, '[') && tokjson_string(c, &s, &length) &&
             tokjson_mark(c, ',') && tokjson_number(c, &t->score[n]) && tokjson_mark(c, ']') &&
             n <= VOCAB_MAX_ID;
        if (ok)
            token[n++] = (struct vocab_token){ s, length };
    }
    vocab_init(&t->vocab, n);
    for (size_t i = n; ok && i-- > 0;)
        if (vocab_add(&t->vocab, token[i].s, token[i].n, (uint32_t)i) == -1)
            vocab_add_alias(&t->vocab, token[i].s, token[i].n, (uint32_t)i);
    free(token);
    return ok && c->at == c->end
               ? 0
               : load_fail(l, "model: 'vocab' is not a list of tokens and scores behind %zu", n);
}

static int load_unigram(struct load *l, const json_t *model)
{
    struct tokenizer *t = l->t;
    t->model = MODEL_UNIGRAM;
    if (!l->json.vocab.at)
        return load_fail(l, "model: it has no 'vocab'");
    if (load_scores(l) < 0)
        return -1;
    unigram_init(&t->unigram, &t->vocab, t->score);
    if (load_bool(l, model, "model", "byte_fallback", 0, &t->unigram.has_fallback) < 0)
        return -1;
    size_t unknown = 0;
    if (!load_member(model, "unk_id"))
        return 0;
    if (load_count(l, model, "model", "unk_id", &unknown) < 0)
        return -1;
    if (unknown >= t->vocab.n_id)
        return load_fail(l, "model: 'unk_id' is no token's");
    t->unigram.unknown = (int32_t)unknown;
    return 0;
}

int load_model(struct load *l)
{
    const json_t *model = load_member(l->json.root, "model");
    const char *type = json_string_value(load_member(model, "type"));
    if (!type) /* as old files have it */
        type = l->json.merges.at ? "BPE" : "Unigram";
    if (!strcmp(type, "BPE"))
        return load_bpe(l, model);
    if (!strcmp(type, "Unigram"))
        return load_unigram(l, model);
    return load_fail(l, "model '%s' is not supported", type);
}
