/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/tokenizer.h"
#include "text/memo.h"
#include "text/tokenizer_parts.h"

struct tokenizer_work {
    struct bpe_work *bpe;
    struct unigram_work *unigram;
    struct memo memo;
    struct normal_work normal;
    struct pretok_work pretok;
    struct decode_work decode;
    void (*piece)(void *ctx, const char *s, size_t n); /* of tokenizer_cut */
    void *piece_ctx;
};

struct tokenizer_work *tokenizer_work_new(const struct tokenizer *t)
{
    (void)t;
    struct tokenizer_work *w = xcalloc(1, sizeof *w);
    w->bpe = bpe_work_new();
    w->unigram = unigram_work_new();
    memo_init(&w->memo);
    return w;
}

void tokenizer_work_free(struct tokenizer_work *w)
{
    if (!w)
        return;
    bpe_work_free(w->bpe);
    unigram_work_free(w->unigram);
    memo_clear(&w->memo);
    normal_work_clear(&w->normal);
    pretok_work_clear(&w->pretok);
    decode_work_clear(&w->decode);
    free(w);
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    bpe_clear(&t->bpe);
    unigram_clear(&t->unigram);
    free(t->score);
    vocab_clear(&t->vocab);
    vocab_clear(&t->added_vocab);
    for (size_t i = 0; i < t->n_normal; i++)
        normal_clear(&t->normal[i]);
    for (size_t i = 0; i < t->n_pretok; i++)
        pretok_clear(&t->pretok[i]);
    for (size_t i = 0; i < t->n_decode; i++)
        decode_clear(&t->decode[i]);
    for (size_t i = 0; i < t->n_added; i++) {
        free(t->added[i].content);
        free(t->added[i].decoded);
    }
    added_clear(&t->raw);
    added_clear(&t->normalized);
    free(t->normal);
    free(t->pretok);
    free(t->decode);
    free(t->added);
    free(t->added_at);
    free(t->before);
    free(t->after);
    free(t->text);
    free(t);
}

/* ---- what ids are */

size_t tokenizer_n_id(const struct tokenizer *t)
{
    return t->n_id;
}

static const struct added_token *added_of(const struct tokenizer *t, uint32_t id)
{
    return id < t->n_id && t->added_at[id] >= 0 ? &t->added[t->added_at[id]] : NULL;
}

const char *tokenizer_token(const struct tokenizer *t, uint32_t id, size_t *n)
{
    const struct added_token *added = added_of(t, id);
    if (added)
        return *n = added->n, added->content;
    if (id >= t->vocab.n_id || !t->vocab.token[id].s)
        return NULL;
    *n = t->vocab.token[id].n;
    return t->vocab.token[id].s;
}

int32_t tokenizer_find(const struct tokenizer *t, const char *s, size_t n)
{
    int32_t added = vocab_find(&t->added_vocab, s, n);
    return added >= 0 ? (int32_t)t->added[added].id : vocab_find(&t->vocab, s, n);
}

unsigned tokenizer_token_flags(const struct tokenizer *t, uint32_t id)
{
    const struct added_token *added = added_of(t, id);
    unsigned flags = added && added->special ? TOKEN_SPECIAL : 0;
    int32_t unknown = t->model == MODEL_BPE ? t->bpe.unknown : t->unigram.unknown;
    const int32_t *fallback = t->model == MODEL_BPE ? t->bpe.byte_fallback : t->unigram.byte_fallback;
    int has_fallback = t->model == MODEL_BPE ? t->bpe.has_fallback : t->unigram.has_fallback;
    if (unknown >= 0 && id == (uint32_t)unknown)
        flags |= TOKEN_UNKNOWN;
    if (added || id >= t->vocab.n_id)
        return flags;
    for (int i = 0; i < 256; i++)
        if ((t->bytes && i >= 128 && t->bpe.byte_letter[i] == (int32_t)id) ||
            (has_fallback && fallback[i] == (int32_t)id))
            flags |= TOKEN_BYTE;
    return flags;
}

/* ---- encoding */

static int run_model(const struct tokenizer *t, struct tokenizer_work *w, const char *s, size_t n,
                     struct tokens *out)
{
    if (t->model == MODEL_UNIGRAM)
        return unigram_encode(&t->unigram, w->unigram, s, n, out);
    bpe_encode(&t->bpe, w->bpe, s, n, t->bytes, out);
    return 0;
}

/* The tokens of a piece that is not in memory, which then is. */
static int encode_new(const struct tokenizer *t, struct tokenizer_work *w, uint64_t hash, const char *s,
                      size_t n, struct tokens *out)
{
    size_t first = out->n;
    int status = run_model(t, w, s, n, out);
    if (status == 0 && memo_takes(n))
        memo_keep(&w->memo, hash, s, n, out, first);
    return status;
}

/* A normalised part without added tokens: cut, and each piece given to the model. Pieces are hashed some way
 * ahead, so that what is remembered of them has come into the cache when it is their turn. */
static int encode_part(const struct tokenizer *t, struct tokenizer_work *w, const struct mtext *part,
                       struct tokens *out)
{
    enum { AHEAD = 8 };
    uint64_t hash[AHEAD];
    if (pretok_run(t->pretok, t->n_pretok, &w->pretok, part) < 0)
        return TOKENIZER_REGEX;
    const struct mtext *text = &w->pretok.text;
    const struct pretok_piece *piece = w->pretok.piece;
    size_t n_piece = w->pretok.n_piece;
    for (size_t i = 0; i < n_piece + AHEAD; i++) {
        if (i >= AHEAD) {
            const struct pretok_piece *p = &piece[i - AHEAD];
            const char *s = text->s + p->start;
            size_t n = p->end - p->start, first = out->n;
            if (!(memo_takes(n) && memo_find(&w->memo, hash[i % AHEAD], s, n, out)) &&
                encode_new(t, w, hash[i % AHEAD], s, n, out) < 0)
                return TOKENIZER_NO_UNKNOWN;
            for (size_t k = first; k < out->n; k++)
                out->end[k] = mtext_at(text, p->start + out->end[k]);
        }
        if (i < n_piece) {
            size_t n = piece[i].end - piece[i].start;
            hash[i % AHEAD] = memo_takes(n) ? hash_bytes(text->s + piece[i].start, n) : 0;
            __builtin_prefetch(memo_slot(&w->memo, hash[i % AHEAD]));
        }
    }
    return 0;
}

typedef int part_fn(const struct tokenizer *t, struct tokenizer_work *w, const struct mtext *part,
                    struct tokens *out);

/* Cuts added tokens out of a text and hands what lies between them on. */
static int cut_added(const struct tokenizer *t, struct tokenizer_work *w, const struct added *added,
                     const struct mtext *text, part_fn *between, struct tokens *out)
{
    size_t done = 0, from = 0, start, end;
    int32_t index;
    while ((index = added_find(added, text, from, done, &start, &end, &from)) >= 0) {
        if (done < start) {
            struct mtext part = mtext_part(text, done, start);
            int status = between(t, w, &part, out);
            if (status < 0)
                return status;
        }
        tokens_add(out, t->added[index].id, mtext_at(text, end));
        done = end;
    }
    if (done == text->n)
        return 0;
    struct mtext rest = mtext_part(text, done, text->n);
    return between(t, w, &rest, out);
}

static int normalize_part(const struct tokenizer *t, struct tokenizer_work *w, const struct mtext *part,
                          struct tokens *out)
{
    struct mtext text;
    if (normal_run(t->normal, t->n_normal, &w->normal, part, &text) < 0)
        return TOKENIZER_REGEX;
    return cut_added(t, w, &t->normalized, &text, encode_part, out);
}

int tokenizer_encode(const struct tokenizer *t, struct tokenizer_work *w, const char *s, size_t n,
                     int special, struct tokens *out)
{
    if (n >= (size_t)1 << 30)
        return TOKENIZER_TOO_LONG;
    struct mtext text = { .s = s, .n = n };
    for (size_t i = 0; special && i < t->n_before; i++)
        tokens_add(out, t->before[i], 0);
    int status = cut_added(t, w, &t->raw, &text, normalize_part, out);
    for (size_t i = 0; status == 0 && special && i < t->n_after; i++)
        tokens_add(out, t->after[i], (uint32_t)n);
    return status;
}

/* ---- pieces only */

static int give_pieces(const struct tokenizer *t, struct tokenizer_work *w, const struct mtext *part,
                       struct tokens *out)
{
    (void)out;
    if (pretok_run(t->pretok, t->n_pretok, &w->pretok, part) < 0)
        return TOKENIZER_REGEX;
    const struct mtext *text = &w->pretok.text;
    for (size_t i = 0; i < w->pretok.n_piece; i++) {
        const struct pretok_piece *p = &w->pretok.piece[i];
        w->piece(w->piece_ctx, text->s + p->start, p->end - p->start);
    }
    return 0;
}

static int normalize_for_pieces(const struct tokenizer *t, struct tokenizer_work *w, const struct mtext *part,
                                struct tokens *out)
{
    struct mtext text;
    if (normal_run(t->normal, t->n_normal, &w->normal, part, &text) < 0)
        return TOKENIZER_REGEX;
    return cut_added(t, w, &t->normalized, &text, give_pieces, out);
}

int tokenizer_cut(const struct tokenizer *t, struct tokenizer_work *w, const char *s, size_t n,
                  void (*piece)(void *ctx, const char *s, size_t n), void *ctx)
{
    if (n >= (size_t)1 << 30)
        return TOKENIZER_TOO_LONG;
    struct mtext text = { .s = s, .n = n };
    struct tokens added = { 0 }; /* found and forgotten */
    w->piece = piece;
    w->piece_ctx = ctx;
    int status = cut_added(t, w, &t->raw, &text, normalize_for_pieces, &added);
    tokens_clear(&added);
    return status;
}

const char *tokenizer_strerror(int code)
{
    switch (code) {
    case TOKENIZER_TOO_LONG:
        return "the text is too long (1 GiB or more)";
    case TOKENIZER_REGEX:
        return "a pattern of the tokenizer takes too many steps on this text";
    case TOKENIZER_NO_UNKNOWN:
        return "a character is unknown and the tokenizer has no token for that";
    default:
        return "no error";
    }
}

/* ---- decoding */

int tokenizer_decode(const struct tokenizer *t, struct tokenizer_work *w, const uint32_t *id, size_t n,
                     int skip_special, struct strbuf *out, size_t *bad)
{
    decode_start(&w->decode);
    for (size_t i = 0; i < n; i++) {
        size_t length;
        const char *s = tokenizer_token(t, id[i], &length);
        if (!s) {
            *bad = i;
            return -1;
        }
        const struct added_token *added = added_of(t, id[i]);
        if (!added)
            decode_token(&w->decode, s, length);
        else if (!(skip_special && added->special))
            decode_token(&w->decode, added->decoded, added->n_decoded);
    }
    *bad = n;
    return decode_run(t->decode, t->n_decode, &w->decode, out);
}
