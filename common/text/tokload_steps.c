/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"
#include "text/tokload.h"
#include <stdio.h>

static const char *type_of(const json_t *step)
{
    const char *type = json_string_value(load_member(step, "type"));
    return type ? type : "(without a type)";
}

/* ---- normalizer */

static struct normal *add_normal(struct tokenizer *t, enum normal_kind kind)
{
    t->normal = xrealloc(t->normal, t->n_normal + 1, sizeof *t->normal);
    t->normal[t->n_normal] = (struct normal){ .kind = kind };
    return &t->normal[t->n_normal++];
}

static int load_copy(struct load *l, const json_t *in, const char *where, const char *key, char **copy,
                     size_t *n)
{
    const char *s;
    if (load_text(l, in, where, key, &s, n) < 0)
        return -1;
    *copy = xstrndup(s, *n);
    return 0;
}

static int load_charsmap(struct load *l, const json_t *step)
{
    const char *s, *why;
    size_t n;
    struct normal *p = add_normal(l->t, NORMAL_CHARSMAP);
    if (load_text(l, step, "normalizer 'Precompiled'", "precompiled_charsmap", &s, &n) < 0)
        return -1;
    p->charsmap = charsmap_new(s, n, &why);
    return p->charsmap ? 0 : load_fail(l, "normalizer 'Precompiled': precompiled_charsmap: %s", why);
}

static int load_bert_normalizer(struct load *l, const json_t *step)
{
    static const char where[] = "normalizer 'BertNormalizer'";
    int clean, chinese, lowercase, accents;
    if (load_bool(l, step, where, "clean_text", 1, &clean) < 0 ||
        load_bool(l, step, where, "handle_chinese_chars", 1, &chinese) < 0 ||
        load_bool(l, step, where, "lowercase", 1, &lowercase) < 0 ||
        load_bool(l, step, where, "strip_accents", lowercase, &accents) < 0)
        return -1;
    if (clean)
        add_normal(l->t, NORMAL_CLEAN);
    if (chinese)
        add_normal(l->t, NORMAL_CHINESE);
    if (accents) {
        add_normal(l->t, NORMAL_FORM)->form = NFORM_D;
        add_normal(l->t, NORMAL_NO_ACCENTS);
    }
    if (lowercase)
        add_normal(l->t, NORMAL_LOWERCASE);
    return 0;
}

static int load_normal_step(struct load *l, const json_t *step, const char *type)
{
    static const char *const forms[] = { "NFC", "NFD", "NFKC", "NFKD" };
    static const struct {
        const char *type;
        enum normal_kind kind;
    } plain[] = { { "StripAccents", NORMAL_NO_MARKS },
                  { "Lowercase", NORMAL_LOWERCASE },
                  { "Nmt", NORMAL_NMT },
                  { "ByteLevel", NORMAL_SPELL } };
    char where[64];
    snprintf(where, sizeof where, "normalizer '%s'", type);
    for (size_t i = 0; i < NFORM_N; i++)
        if (!strcmp(type, forms[i]))
            return add_normal(l->t, NORMAL_FORM)->form = (enum nform)i, 0;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(type, plain[i].type))
            return add_normal(l->t, plain[i].kind), 0;
    if (!strcmp(type, "Precompiled"))
        return load_charsmap(l, step);
    if (!strcmp(type, "BertNormalizer"))
        return load_bert_normalizer(l, step);
    if (!strcmp(type, "Prepend")) {
        struct normal *p = add_normal(l->t, NORMAL_PREPEND);
        return load_copy(l, step, where, "prepend", &p->content, &p->n_content);
    }
    if (!strcmp(type, "Strip")) {
        struct normal *p = add_normal(l->t, NORMAL_STRIP);
        return load_bool(l, step, where, "strip_left", 1, &p->left) < 0 ||
                       load_bool(l, step, where, "strip_right", 1, &p->right) < 0
                   ? -1
                   : 0;
    }
    if (!strcmp(type, "Replace")) {
        struct normal *p = add_normal(l->t, NORMAL_REPLACE);
        return load_pattern(l, step, where, &p->regex, &p->text, &p->n_text) < 0
                   ? -1
                   : load_copy(l, step, where, "content", &p->content, &p->n_content);
    }
    return load_fail(l, "%s is not supported", where);
}

int load_normalizer(struct load *l, const json_t *step)
{
    if (!step)
        return 0;
    const char *type = type_of(step);
    if (strcmp(type, "Sequence") != 0)
        return load_normal_step(l, step, type);
    const json_t *list = load_member(step, "normalizers");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (load_normalizer(l, json_array_get(list, i)) < 0)
            return -1;
    return json_is_array(list) ? 0 : load_fail(l, "normalizer 'Sequence': 'normalizers' is not a list");
}

/* ---- pre_tokenizer */

static struct pretok *add_pretok(struct tokenizer *t, enum pretok_kind kind, enum pretok_behaviour behaviour)
{
    t->pretok = xrealloc(t->pretok, t->n_pretok + 1, sizeof *t->pretok);
    t->pretok[t->n_pretok] = (struct pretok){ .kind = kind, .behaviour = behaviour };
    return &t->pretok[t->n_pretok++];
}

static int load_behaviour(struct load *l, const json_t *step, const char *where,
                          enum pretok_behaviour fallback, enum pretok_behaviour *v)
{
    static const char *const names[] = { "Removed", "Isolated", "Contiguous", "MergedWithPrevious",
                                         "MergedWithNext" };
    const char *s;
    size_t n;
    *v = fallback;
    if (!load_member(step, "behavior"))
        return 0;
    if (load_text(l, step, where, "behavior", &s, &n) < 0)
        return -1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(s, names[i]))
            return *v = (enum pretok_behaviour)i, 0;
    return load_fail(l, "%s: behavior '%s' is not supported", where, s);
}

static int load_split(struct load *l, const json_t *step)
{
    enum pretok_behaviour behaviour;
    if (!load_member(step, "behavior"))
        return load_fail(l, "pre_tokenizer 'Split': 'behavior' is missing");
    if (load_behaviour(l, step, "pre_tokenizer 'Split'", PRETOK_ISOLATED, &behaviour) < 0)
        return -1;
    struct pretok *p = add_pretok(l->t, PRETOK_SPLIT, behaviour);
    if (load_bool(l, step, "pre_tokenizer 'Split'", "invert", 0, &p->invert) < 0)
        return -1;
    const json_t *regex = load_member(load_member(step, "pattern"), "Regex");
    if (json_is_string(regex) && behaviour == PRETOK_ISOLATED && !p->invert)
        p->fast = gptsplit_of(json_string_value(regex), json_string_length(regex));
    return p->fast ? 0 : load_pattern(l, step, "pre_tokenizer 'Split'", &p->regex, &p->text, &p->n_text);
}

static int load_bytelevel(struct load *l, const json_t *step)
{
    int prefix_space, use_regex;
    if (load_bool(l, step, "pre_tokenizer 'ByteLevel'", "add_prefix_space", 1, &prefix_space) < 0 ||
        load_bool(l, step, "pre_tokenizer 'ByteLevel'", "use_regex", 1, &use_regex) < 0)
        return -1;
    if (prefix_space)
        add_pretok(l->t, PRETOK_PREFIX_SPACE, PRETOK_ISOLATED);
    if (use_regex)
        add_pretok(l->t, PRETOK_SPLIT, PRETOK_ISOLATED)->fast = GPTSPLIT_GPT2;
    add_pretok(l->t, PRETOK_SPELL, PRETOK_ISOLATED);
    return 0;
}

static int load_metaspace(struct load *l, const json_t *step)
{
    static const char where[] = "pre_tokenizer 'Metaspace'";
    static const char *const schemes[] = { "always", "first", "never" };
    const char *s, *scheme = json_string_value(load_member(step, "prepend_scheme"));
    struct pretok *p = add_pretok(l->t, PRETOK_METASPACE, PRETOK_ISOLATED);
    int prefix_space;
    size_t k = 0;
    if (load_char(l, step, where, "replacement", &s, &p->n_text) < 0 ||
        load_bool(l, step, where, "add_prefix_space", 1, &prefix_space) < 0 ||
        load_bool(l, step, where, "split", 1, &p->split) < 0)
        return -1;
    p->text = xstrndup(s, p->n_text);
    for (scheme = scheme         ? scheme
                  : prefix_space ? "always"
                                 : "never";
         k < 3 && strcmp(scheme, schemes[k]); k++)
        ;
    if (k == 3)
        return load_fail(l, "%s: prepend_scheme '%s' is not supported", where, scheme);
    p->prepend = (enum pretok_prepend)k;
    if (!prefix_space && p->prepend != PRETOK_NEVER)
        return load_fail(l, "%s: 'add_prefix_space' and 'prepend_scheme' contradict each other", where);
    return 0;
}

static int load_chars(struct load *l, enum pretok_set set, enum pretok_behaviour behaviour)
{
    add_pretok(l->t, PRETOK_CHARS, behaviour)->set = set;
    return 0;
}

static int load_delimiter(struct load *l, const json_t *step)
{
    const char *s;
    size_t n;
    if (load_char(l, step, "pre_tokenizer 'CharDelimiterSplit'", "delimiter", &s, &n) < 0)
        return -1;
    struct pretok *p = add_pretok(l->t, PRETOK_CHARS, PRETOK_REMOVED);
    p->set = PRETOK_DELIMITER;
    p->delimiter = utf8_decode(s, &n);
    return 0;
}

int load_pretokenizer(struct load *l, const json_t *step)
{
    if (!step)
        return 0;
    const char *type = type_of(step);
    if (!strcmp(type, "Sequence")) {
        const json_t *list = load_member(step, "pretokenizers");
        for (size_t i = 0; i < json_array_size(list); i++)
            if (load_pretokenizer(l, json_array_get(list, i)) < 0)
                return -1;
        return json_is_array(list) ? 0
                                   : load_fail(l, "pre_tokenizer 'Sequence': 'pretokenizers' is not a list");
    }
    if (!strcmp(type, "Split"))
        return load_split(l, step);
    if (!strcmp(type, "ByteLevel"))
        return load_bytelevel(l, step);
    if (!strcmp(type, "Metaspace"))
        return load_metaspace(l, step);
    if (!strcmp(type, "Whitespace"))
        return add_pretok(l->t, PRETOK_WORDS, PRETOK_REMOVED), 0;
    if (!strcmp(type, "WhitespaceSplit"))
        return load_chars(l, PRETOK_SPACE, PRETOK_REMOVED);
    if (!strcmp(type, "CharDelimiterSplit"))
        return load_delimiter(l, step);
    if (!strcmp(type, "BertPreTokenizer")) {
        load_chars(l, PRETOK_SPACE, PRETOK_REMOVED);
        return load_chars(l, PRETOK_PUNCTUATION, PRETOK_ISOLATED);
    }
    if (!strcmp(type, "Punctuation")) {
        enum pretok_behaviour behaviour;
        if (load_behaviour(l, step, "pre_tokenizer 'Punctuation'", PRETOK_ISOLATED, &behaviour) < 0)
            return -1;
        return load_chars(l, PRETOK_PUNCTUATION, behaviour);
    }
    if (!strcmp(type, "Digits")) {
        int individual;
        if (load_bool(l, step, "pre_tokenizer 'Digits'", "individual_digits", 0, &individual) < 0)
            return -1;
        return load_chars(l, PRETOK_DIGIT, individual ? PRETOK_ISOLATED : PRETOK_CONTIGUOUS);
    }
    return load_fail(l, "pre_tokenizer '%s' is not supported", type);
}

/* ---- post_processor */

static void add_id(uint32_t **list, size_t *n, uint32_t id)
{
    *list = xrealloc(*list, *n + 1, sizeof **list);
    (*list)[(*n)++] = id;
}

static int load_processor_id(struct load *l, const json_t *id, const char *where, uint32_t **list, size_t *n)
{
    if (!json_is_integer(id) || json_integer_value(id) < 0 ||
        json_integer_value(id) >= (json_int_t)l->t->n_id)
        return load_fail(l, "%s: an id is no token's", where);
    add_id(list, n, (uint32_t)json_integer_value(id));
    return 0;
}

/* The tokens that a template puts before and after the (one) text. */
static int load_template(struct load *l, const json_t *step)
{
    static const char where[] = "post_processor 'TemplateProcessing'";
    struct tokenizer *t = l->t;
    const json_t *single = load_member(step, "single"), *tokens = load_member(step, "special_tokens");
    int seen = 0;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *item = json_array_get(single, i), *special = load_member(item, "SpecialToken");
        if (!special && load_member(item, "Sequence") && !seen) {
            seen = 1;
            continue;
        }
        const char *name = json_string_value(load_member(special, "id"));
        const json_t *ids = load_member(name ? load_member(tokens, name) : NULL, "ids");
        if (!json_is_array(ids))
            return load_fail(l, "%s: 'single' has something that is no known special token", where);
        for (size_t k = 0; k < json_array_size(ids); k++)
            if (load_processor_id(l, json_array_get(ids, k), where, seen ? &t->after : &t->before,
                                  seen ? &t->n_after : &t->n_before) < 0)
                return -1;
    }
    return seen ? 0 : load_fail(l, "%s: 'single' has no place for the text", where);
}

/* "cls": ["<s>", 0], "sep": ["</s>", 2] */
static int load_cls_sep(struct load *l, const json_t *step, const char *type)
{
    struct tokenizer *t = l->t;
    const json_t *cls = load_member(step, "cls"), *sep = load_member(step, "sep");
    return load_processor_id(l, json_array_get(cls, 1), type, &t->before, &t->n_before) < 0 ||
                   load_processor_id(l, json_array_get(sep, 1), type, &t->after, &t->n_after) < 0
               ? -1
               : 0;
}

int load_postprocessor(struct load *l, const json_t *step)
{
    if (!step)
        return 0;
    const char *type = type_of(step);
    if (!strcmp(type, "Sequence")) {
        const json_t *list = load_member(step, "processors");
        for (size_t i = 0; i < json_array_size(list); i++)
            if (load_postprocessor(l, json_array_get(list, i)) < 0)
                return -1;
        return json_is_array(list) ? 0
                                   : load_fail(l, "post_processor 'Sequence': 'processors' is not a list");
    }
    if (!strcmp(type, "ByteLevel")) /* changes offsets only */
        return 0;
    if (l->t->n_before + l->t->n_after)
        return load_fail(l, "post_processor: two that add tokens are not supported");
    if (!strcmp(type, "TemplateProcessing"))
        return load_template(l, step);
    if (!strcmp(type, "RobertaProcessing") || !strcmp(type, "BertProcessing"))
        return load_cls_sep(l, step, type);
    return load_fail(l, "post_processor '%s' is not supported", type);
}

/* ---- decoder */

static struct decode *add_decode(struct tokenizer *t, enum decode_kind kind)
{
    t->decode = xrealloc(t->decode, t->n_decode + 1, sizeof *t->decode);
    t->decode[t->n_decode] = (struct decode){ .kind = kind };
    return &t->decode[t->n_decode++];
}

static int load_decode_step(struct load *l, const json_t *step, const char *type)
{
    char where[64];
    snprintf(where, sizeof where, "decoder '%s'", type);
    if (!strcmp(type, "ByteLevel"))
        return add_decode(l->t, DECODE_BYTELEVEL), 0;
    if (!strcmp(type, "ByteFallback"))
        return add_decode(l->t, DECODE_BYTE_FALLBACK), 0;
    if (!strcmp(type, "Fuse"))
        return add_decode(l->t, DECODE_FUSE), 0;
    if (!strcmp(type, "Metaspace")) {
        struct decode *d = add_decode(l->t, DECODE_METASPACE);
        const char *scheme = json_string_value(load_member(step, "prepend_scheme"));
        int prefix_space;
        if (load_bool(l, step, where, "add_prefix_space", 1, &prefix_space) < 0)
            return -1;
        d->first_too = scheme ? !strcmp(scheme, "never") : !prefix_space;
        return load_copy(l, step, where, "replacement", &d->text, &d->n_text);
    }
    if (!strcmp(type, "Replace")) {
        struct decode *d = add_decode(l->t, DECODE_REPLACE);
        if (load_pattern(l, step, where, &d->regex, &d->text, &d->n_text) < 0)
            return -1;
        return load_copy(l, step, where, "content", &d->content, &d->n_content);
    }
    if (!strcmp(type, "Strip")) {
        struct decode *d = add_decode(l->t, DECODE_STRIP);
        const char *s;
        if (load_char(l, step, where, "content", &s, &d->n_text) < 0 ||
            load_count(l, step, where, "start", &d->start) < 0 ||
            load_count(l, step, where, "stop", &d->stop) < 0)
            return -1;
        d->text = xstrndup(s, d->n_text);
        return 0;
    }
    if (!strcmp(type, "WordPiece")) {
        struct decode *d = add_decode(l->t, DECODE_WORDPIECE);
        if (load_bool(l, step, where, "cleanup", 1, &d->cleanup) < 0)
            return -1;
        return load_copy(l, step, where, "prefix", &d->text, &d->n_text);
    }
    if (!strcmp(type, "BPEDecoder")) {
        struct decode *d = add_decode(l->t, DECODE_SUFFIX);
        return load_copy(l, step, where, "suffix", &d->text, &d->n_text);
    }
    return load_fail(l, "%s is not supported", where);
}

int load_decoder(struct load *l, const json_t *step)
{
    if (!step)
        return add_decode(l->t, DECODE_BLANKS), 0;
    const char *type = type_of(step);
    if (strcmp(type, "Sequence") != 0)
        return load_decode_step(l, step, type);
    const json_t *list = load_member(step, "decoders");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (load_decoder(l, json_array_get(list, i)) < 0)
            return -1;
    return json_is_array(list) ? 0 : load_fail(l, "decoder 'Sequence': 'decoders' is not a list");
}
