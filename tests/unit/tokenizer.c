/* tokenizer PIPELINES [N] - random pipelines against what Hugging Face's library made of them; the patterns
 * matched by hand against PCRE2 on N random texts; prints one line for each check that fails.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/tokenizer.h"
#include "base/num.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "io/linein.h"
#include "text/gptsplit.h"
#include <jansson.h>
#include <stdio.h>

static int n_failed;

static void fail(const char *what, size_t where, const json_t *of)
{
    char *text = json_dumps(of, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    printf("failed: %s, line %zu: %s\n", what, where, text);
    free(text);
    n_failed++;
}

/* ---- pipelines */

static int same_ids(const struct tokens *got, const json_t *wanted)
{
    int same = got->n == json_array_size(wanted);
    for (size_t i = 0; same && i < got->n; i++)
        same = got->id[i] == (uint32_t)json_integer_value(json_array_get(wanted, i));
    return same;
}

/* Ends never fall, and none lies behind the text. */
static int ends_are_sound(const struct tokens *t, size_t n)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->end[i] > n || (i && t->end[i] < t->end[i - 1]))
            return 0;
    return 1;
}

static void check_encode(const struct tokenizer *t, struct tokenizer_work *w, const json_t *list, size_t line)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i), *text = json_array_get(entry, 0);
        struct tokens tokens = { 0 };
        if (tokenizer_encode(t, w, json_string_value(text), json_string_length(text), 1, &tokens) < 0 ||
            !same_ids(&tokens, json_array_get(entry, 1)))
            fail("encode", line, entry);
        if (!ends_are_sound(&tokens, json_string_length(text)))
            fail("ends", line, entry);
        tokens_clear(&tokens);
    }
}

static void check_decode(const struct tokenizer *t, struct tokenizer_work *w, const json_t *list, size_t line)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i), *ids = json_array_get(entry, 0),
                     *text = json_array_get(entry, 1);
        struct strbuf got = { 0 };
        uint32_t id[16] = { 0 };
        size_t n = json_array_size(ids), bad;
        for (size_t k = 0; k < n && k < 16; k++)
            id[k] = (uint32_t)json_integer_value(json_array_get(ids, k));
        if (tokenizer_decode(t, w, id, n, 0, &got, &bad) < 0 || got.n != json_string_length(text) ||
            memcmp(strbuf_text(&got), json_string_value(text), got.n) != 0)
            fail("decode", line, entry);
        strbuf_clear(&got);
    }
}

static size_t check_pipelines(const char *path)
{
    struct linein *in = linein_open(path);
    char *text;
    size_t n;
    while (linein_next_utf8(in, &text, &n)) {
        json_t *entry = json_loadb(text, n, JSON_ALLOW_NUL, NULL);
        const json_t *tokenizer = json_object_get(entry, "tokenizer");
        char *why = NULL;
        n = json_string_length(tokenizer);
        struct tokenizer *t = n ? tokenizer_parse(xstrndup(json_string_value(tokenizer), n), n, &why) : NULL;
        if (t) {
            struct tokenizer_work *w = tokenizer_work_new(t);
            check_encode(t, w, json_object_get(entry, "encode"), linein_number(in));
            check_decode(t, w, json_object_get(entry, "decode"), linein_number(in));
            tokenizer_work_free(w);
        } else {
            fail(why ? why : "not JSON", linein_number(in), json_null());
        }
        free(why);
        tokenizer_free(t);
        json_decref(entry);
    }
    n = linein_number(in);
    linein_close(in);
    return n;
}

/* ---- patterns matched by hand */

/* A random text of up to 23 characters, from the blocks where the patterns decide: ASCII, marks, letters and
 * digits of several scripts, and all of Unicode. */
static size_t random_text(struct rng *r, char *text)
{
    static const char often[] = " \t\r\n'sStTdDlLvVeErRmM09aZ.,!?()|[]-";
    size_t n = 0;
    for (uint32_t k = rng_below(r, 24); k > 0; k--) {
        uint32_t c = 0, of = rng_below(r, 8);
        if (of < 4)
            c = (unsigned char)often[rng_below(r, sizeof often - 1)];
        else if (of < 5)
            c = rng_below(r, 0x250);
        else if (of < 6)
            c = 0x2000 + rng_below(r, 0x70);
        else if (of < 7)
            c = rng_below(r, 2) ? 0x17f : 0x600 + rng_below(r, 0x400);
        else
            c = rng_below(r, 0x110000);
        if (c < 0xd800 || c >= 0xe000)
            n += utf8_encode(c, text + n);
    }
    return n;
}

static void check_by_hand(const char *pattern, size_t n_text)
{
    char *why = NULL, text[96];
    enum gptsplit g = gptsplit_of(pattern, strlen(pattern));
    struct regex *regex = regex_new(pattern, strlen(pattern), &why);
    struct regex_work *work = regex_work_new();
    struct gptsplit_work hand = { 0 };
    struct rng r;
    rng_init(&r, 1, (uint64_t)g);
    if (g == GPTSPLIT_NONE || !regex)
        fail(pattern, 0, json_null());
    for (size_t i = 0; i < n_text && regex && !n_failed; i++) {
        size_t n = random_text(&r, text), start = 0, end = 0, hand_start = 0, hand_end = 0;
        struct regex_matches m = regex_matches(regex, work, text, n);
        for (int got = 1; got > 0;) {
            got = regex_next(&m, &start, &end);
            hand_end = gptsplit_next(g, &hand, text, n, hand_end, &hand_start);
            if (got > 0 ? hand_end != end || hand_start != start : hand_end != 0) {
                json_t *of = json_stringn(text, n);
                fail(pattern, end, of);
                json_decref(of);
                break;
            }
        }
    }
    regex_free(regex);
    regex_work_free(work);
    gptsplit_work_clear(&hand);
    free(why);
}

int main(int argc, char **argv)
{
    static const char *const patterns[] = {
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
        "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
        "\\s+(?!\\S)|\\s+",
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
        "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
        "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
        " ?[^(\\s|[.,!?…。，、।۔،])]+",
    };
    int64_t n_text = 50000;
    if (argc < 2 || (argc > 2 && num_parse_i64(argv[2], &n_text) < 0))
        return 2;
    if (check_pipelines(argv[1]) < 100) {
        printf("failed: hardly any pipelines in %s\n", argv[1]);
        n_failed++;
    }
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        check_by_hand(patterns[i], (size_t)n_text);
    return n_failed != 0;
}
