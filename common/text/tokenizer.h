/* tokenizer.h - Hugging Face's tokenizer.json: text to ids and back, as its reference library does.  Layer:
 * text.
 *
 * Supported: the models BPE and Unigram; every normaliser, pre-tokenizer, post-processor and decoder that
 * tokload.c lists. Anything else in the file is refused by name when it is loaded. `truncation` and `padding`
 * are not applied: a text gives all its tokens and no others.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H
#include "text/strbuf.h"
#include "text/tokens.h"

struct tokenizer;

/* Reads a tokenizer.json, plain or gzip-compressed, or the one (tokenizer.json, tokenizer.json.gz) in a
 * directory. NULL and a reason in *why, which the caller frees, when it cannot be read or is not supported.
 */
struct tokenizer *tokenizer_load(const char *path, char **why);
/* The text of that file alone, *n bytes, which the caller frees. */
char *tokenizer_text(const char *path, size_t *n, char **why);
/* The same of text[0..n-1], whose memory it takes over and frees, also on failure. */
struct tokenizer *tokenizer_parse(char *text, size_t n, char **why);
void tokenizer_free(struct tokenizer *t);

/* The largest id + 1, added tokens included. */
size_t tokenizer_n_id(const struct tokenizer *t);
/* The token as the file writes it, borrowed, *n its length; NULL when the id has none. */
const char *tokenizer_token(const struct tokenizer *t, uint32_t id, size_t *n);
/* The id of a token as the file writes it; -1 if there is none. */
int32_t tokenizer_find(const struct tokenizer *t, const char *s, size_t n);

enum {
    TOKEN_SPECIAL = 1, /* an added token that the file calls special */
    TOKEN_UNKNOWN = 2, /* the model's unknown token */
    TOKEN_BYTE = 4     /* stands for one byte: <0x..>, or the letter that spells a byte beyond ASCII */
};
unsigned tokenizer_token_flags(const struct tokenizer *t, uint32_t id);

/* Scratch of one thread for encoding and decoding with t, and its memory of words seen. */
struct tokenizer_work;
struct tokenizer_work *tokenizer_work_new(const struct tokenizer *t);
void tokenizer_work_free(struct tokenizer_work *w);

/* Appends the tokens of s[0..n-1], which must be UTF-8 (U+0000 may occur). `special`: with those that the
 * post-processor adds. Returns 0; or TOKENIZER_TOO_LONG (n is 2^30 or more), TOKENIZER_REGEX (a pattern of
 * the file takes too many steps on this text), TOKENIZER_NO_UNKNOWN (a character is unknown and the model has
 * no token for that). */
enum { TOKENIZER_TOO_LONG = -1, TOKENIZER_REGEX = -2, TOKENIZER_NO_UNKNOWN = -3 };
int tokenizer_encode(const struct tokenizer *t, struct tokenizer_work *w, const char *s, size_t n,
                     int special, struct tokens *out);
/* Gives each piece that the model would encode by itself to `piece`, for the time of the call: the text
 * without added tokens, normalised and cut, letters of byte-level models as the bytes that they spell.
 * Returns as tokenizer_encode. */
int tokenizer_cut(const struct tokenizer *t, struct tokenizer_work *w, const char *s, size_t n,
                  void (*piece)(void *ctx, const char *s, size_t n), void *ctx);
/* One of these codes in words. */
const char *tokenizer_strerror(int code);

/* Appends the text that ids stand for, always UTF-8: bytes that are none become U+FFFD, as in the reference.
 * `skip_special` leaves out special tokens. Returns 0; or -1 when an id is no token: *bad is its index. */
int tokenizer_decode(const struct tokenizer *t, struct tokenizer_work *w, const uint32_t *id, size_t n,
                     int skip_special, struct strbuf *out, size_t *bad);

#endif
