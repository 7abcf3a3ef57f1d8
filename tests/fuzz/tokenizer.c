/* A tokenizer.json of any bytes is read or refused, and one that is read encodes and decodes any text: ids
 * exist, ends never fall, the same text gives the same ids again. Input: which of the tokenizers below, how
 * many edits, the edits (position, 2 bytes; byte), the text. Tokenizer 255: the JSON is in the input too, up
 * to a byte 255. SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/tokenizer.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define BPE(rest, vocab)                                                                                     \
    "\"model\":{\"type\":\"BPE\"," rest                                                                      \
    "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"c\":3,\"\\u0120\":4,\"abc\":5," vocab                             \
    "\"?\":9},\"merges\":[\"a b\",[\"ab\",\"c\"]]}}"
#define SPLIT(regex, behaviour)                                                                              \
    "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" regex "\"},\"behavior\":\"" behaviour \
    "\",\"invert\":false},\"decoder\":null,"
#define BYTES "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true}"

static const char *const tokenizers[] = {
    "{\"pre_tokenizer\":" BYTES ",\"decoder\":" BYTES
    "," BPE("\"unk_token\":\"?\",", "\"\\u00c3\":6,\"\\u00a9\":7,"),
    SPLIT(" ?[^(\\\\s|[.,!?…。，、।۔،])]+", "Isolated") BPE("\"ignore_merges\":true,", "\"é\":6,"),
    SPLIT("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| "
          "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+",
          "Isolated") BPE("\"byte_fallback\":true,", "\"<0x41>\":6,"),
    SPLIT("(?i)a{,2}+(?<=b)[\\\\w&&[^a-c]]|\\\\b.(?m:.)|[[:alpha:]x-z]*?(?>\\\\R)", "MergedWithNext")
        BPE("", "\"é\":6,"),
    SPLIT("\\\\p{Han}+|(?x: a # b\\n)\\\\x{61}\\\\h", "Contiguous")
        BPE("\"fuse_unk\":true,\"unk_token\":\"?\",", ""),
    "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFKC\"},{\"type\":\"Lowercase\"},{"
    "\"type\":"
    "\"StripAccents\"},{\"type\":\"Nmt\"},{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true},{"
    "\"type\":"
    "\"Prepend\",\"prepend\":\"x\"}]},\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\","
    "\"prepend_scheme\":"
    "\"first\",\"split\":true},\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"_\"}," BPE(
        "\"unk_token\":\"?\",", ""),
    "{\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
    "\"lowercase\":true},"
    "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\","
    "\"cleanup\":"
    "true}," BPE("\"continuing_subword_prefix\":\"\",\"end_of_word_suffix\":\"</w>\",\"unk_token\":\"?\",",
                 "\"c</w>\":6,"),
    "{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"b*\"},\"content\":\"ab\"},\"pre_"
    "tokenizer\":{\"type\":"
    "\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true},{\"type\":"
    "\"Punctuation\"},{\"type\":"
    "\"Whitespace\"},{\"type\":\"WhitespaceSplit\"},{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"-\"}]},"
    "\"decoder\":{"
    "\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\","
    "\"content\":"
    "\" "
    "\",\"start\":1,\"stop\":1},{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"b\"},{"
    "\"type\":"
    "\"BPEDecoder\",\"suffix\":\"c\"}]}," BPE("", ""),
    "{\"added_tokens\":[{\"id\":10,\"content\":\"<s>\",\"special\":true},{\"id\":2,\"content\":\"ab\","
    "\"lstrip\":true,"
    "\"rstrip\":true,\"normalized\":true},{\"id\":11,\"content\":\"<t\",\"single_word\":true}],"
    "\"normalizer\":{\"type\":"
    "\"ByteLevel\"},\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{"
    "\"id\":\"s\"}},{"
    "\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"s\":{\"id\":\"s\",\"ids\":[10,1]}}}," BPE(
        "", "\"é\":6,"),
    "{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":"
    "\"EAAAAAAEAABhAQAAAQAAgGIAAABhAGIAYwA=\"},"
    "\"post_processor\":{\"type\":\"RobertaProcessing\",\"cls\":[\"a\",0],\"sep\":[\"b\",1]},\"model\":{"
    "\"type\":"
    "\"Unigram\",\"unk_id\":0,\"byte_fallback\":true,\"vocab\":[[\"?\",0],[\"a\",-1.5],[\"b\",-2],[\"ab\",-"
    "1e1],[\"é\","
    "-3],[\"<0x41>\",-4],[\"a\",-1]]}}",
    "{\"model\":{\"type\":\"Unigram\",\"unk_id\":null,\"vocab\":[[\"a\",-1.5]]}}",
};

enum { N_TOKENIZER = sizeof tokenizers / sizeof *tokenizers, OWN = 255 };

/* Takes the tokenizer's text off the input. */
static char *take_tokenizer(const unsigned char **data, size_t *size, size_t *n)
{
    if (*size < 2)
        return NULL;
    size_t which = (*data)[0], n_edit = (*data)[1];
    *data += 2;
    *size -= 2;
    if (which == OWN) {
        const unsigned char *end = memchr(*data, 255, *size);
        *n = end ? (size_t)(end - *data) : *size;
        char *text = xstrndup((const char *)*data, *n);
        *data += *n + (end != NULL);
        *size -= *n + (end != NULL);
        return text;
    }
    char *text = xstrdup(tokenizers[which % N_TOKENIZER]);
    *n = strlen(text);
    for (; n_edit % 8 && *size >= 3; n_edit--, *data += 3, *size -= 3)
        text[((*data)[0] << 8 | (*data)[1]) % *n] = (char)(*data)[2];
    return text;
}

static void check_tokens(const struct tokenizer *t, const struct tokens *tokens, size_t n)
{
    for (size_t i = 0; i < tokens->n; i++)
        if (tokens->id[i] >= tokenizer_n_id(t) || tokens->end[i] > n ||
            (i && tokens->end[i] < tokens->end[i - 1]))
            abort();
}

static void use(const struct tokenizer *t, const char *text, size_t n)
{
    struct tokenizer_work *w = tokenizer_work_new(t);
    struct tokens once = { 0 }, again = { 0 };
    struct strbuf back = { 0 };
    size_t bad;
    int status = tokenizer_encode(t, w, text, n, 1, &once);
    if (tokenizer_encode(t, w, text, n, 1, &again) != status)
        abort();
    if (status == 0) {
        if (once.n != again.n || (once.n && memcmp(once.id, again.id, once.n * sizeof *once.id) != 0))
            abort();
        check_tokens(t, &once, n);
        if (tokenizer_decode(t, w, once.id, once.n, 0, &back, &bad) == 0 &&
            utf8_check(back.s, back.n) != back.n)
            abort();
    }
    for (uint32_t id = 0; id < tokenizer_n_id(t) && id < 64; id++)
        tokenizer_token_flags(t, id);
    tokens_clear(&once);
    tokens_clear(&again);
    strbuf_clear(&back);
    tokenizer_work_free(w);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    size_t n;
    char *json = take_tokenizer(&data, &size, &n), *why = NULL;
    if (!json)
        return 0;
    struct tokenizer *t = tokenizer_parse(json, n, &why);
    if (!t && !why)
        abort();
    if (t)
        use(t, (const char *)data, utf8_check((const char *)data, size));
    free(why);
    tokenizer_free(t);
    return 0;
}
