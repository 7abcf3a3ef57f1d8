/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/bpetrain_json.h"
#include "base/mem.h"
#include "text/bytelevel.h"
#include <jansson.h>

/* The layout is that of Hugging Face's library. */
static const char head[] = "{\n"
                           "  \"version\": \"1.0\",\n"
                           "  \"truncation\": null,\n"
                           "  \"padding\": null,\n"
                           "  \"added_tokens\": [";
static const char added_flags[] = ",\n"
                                  "      \"single_word\": false,\n"
                                  "      \"lstrip\": false,\n"
                                  "      \"rstrip\": false,\n"
                                  "      \"normalized\": false,\n"
                                  "      \"special\": true\n"
                                  "    }";
static const char pipeline[] = "],\n"
                               "  \"normalizer\": null,\n"
                               "  \"pre_tokenizer\": {\n"
                               "    \"type\": \"Sequence\",\n"
                               "    \"pretokenizers\": [\n"
                               "      {\n"
                               "        \"type\": \"Split\",\n"
                               "        \"pattern\": {\n"
                               "          \"Regex\": \" ?[^(\\\\s|[.,!?…。，、।۔،])]+\"\n"
                               "        },\n"
                               "        \"behavior\": \"Isolated\",\n"
                               "        \"invert\": false\n"
                               "      },\n"
                               "      {\n"
                               "        \"type\": \"ByteLevel\",\n"
                               "        \"add_prefix_space\": false,\n"
                               "        \"trim_offsets\": true,\n"
                               "        \"use_regex\": false\n"
                               "      }\n"
                               "    ]\n"
                               "  },\n"
                               "  \"post_processor\": {\n"
                               "    \"type\": \"ByteLevel\",\n"
                               "    \"add_prefix_space\": true,\n"
                               "    \"trim_offsets\": false,\n"
                               "    \"use_regex\": false\n"
                               "  },\n"
                               "  \"decoder\": {\n"
                               "    \"type\": \"ByteLevel\",\n"
                               "    \"add_prefix_space\": true,\n"
                               "    \"trim_offsets\": true,\n"
                               "    \"use_regex\": false\n"
                               "  },\n"
                               "  \"model\": {\n"
                               "    \"type\": \"BPE\",\n"
                               "    \"dropout\": null,\n"
                               "    \"unk_token\": null,\n"
                               "    \"continuing_subword_prefix\": null,\n"
                               "    \"end_of_word_suffix\": null,\n"
                               "    \"fuse_unk\": false,\n"
                               "    \"byte_fallback\": false,\n"
                               "    \"vocab\": {";

static void put_id(struct strbuf *out, size_t id)
{
    char *text = xsprintf("%zu", id);
    strbuf_str(out, text);
    free(text);
}

static void put_string(struct strbuf *out, const char *s, size_t n)
{
    json_t *string = json_stringn_nocheck(s, n);
    char *text = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    if (!text)
        mem_out();
    strbuf_str(out, text);
    free(text);
    json_decref(string);
}

/* The next of a list's lines. */
static void put_line(struct strbuf *out, int first, const char *indent)
{
    strbuf_str(out, first ? "\n" : ",\n");
    strbuf_str(out, indent);
}

static void put_added(struct strbuf *out, char *const *special)
{
    for (size_t i = 0; special[i]; i++) {
        put_line(out, !i, "    {\n      \"id\": ");
        put_id(out, i);
        strbuf_str(out, ",\n      \"content\": ");
        put_string(out, special[i], strlen(special[i]));
        strbuf_str(out, added_flags);
    }
    if (special[0])
        strbuf_str(out, "\n  ");
}

/* How each symbol is spelt: symbol i is s[end[i - 1]..end[i] - 1]. */
struct spelling {
    struct strbuf s;
    size_t *end;
};

static const char *spelt(const struct spelling *p, size_t symbol, size_t *n)
{
    size_t start = symbol ? p->end[symbol - 1] : 0;
    *n = p->end[symbol] - start;
    return p->s.s + start;
}

static void spell(struct spelling *p, const struct bpetrain_merge *merge, size_t n)
{
    unsigned char byte[BPETRAIN_BYTES];
    bpetrain_bytes(byte);
    p->end = xnew(BPETRAIN_BYTES + n, sizeof *p->end);
    for (size_t i = 0; i < BPETRAIN_BYTES; i++) {
        bytelevel_spell((const char *)byte + i, 1, &p->s);
        p->end[i] = p->s.n;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t part[2] = { merge[i].left, merge[i].right };
        for (int k = 0; k < 2; k++) {
            size_t length;
            spelt(p, part[k], &length);
            strbuf_reserve(&p->s, length); /* or else what is added would move while it is read */
            strbuf_add(&p->s, spelt(p, part[k], &length), length);
        }
        p->end[BPETRAIN_BYTES + i] = p->s.n;
    }
}

void bpetrain_json(struct strbuf *out, char *const *special, const struct bpetrain_merge *merge, size_t n)
{
    struct spelling spelling = { 0 };
    size_t id = 0, length;
    spell(&spelling, merge, n);
    strbuf_str(out, head);
    put_added(out, special);
    strbuf_str(out, pipeline);
    for (; special[id]; id++) {
        put_line(out, !id, "      ");
        put_string(out, special[id], strlen(special[id]));
        strbuf_str(out, ": ");
        put_id(out, id);
    }
    for (size_t i = 0; i < BPETRAIN_BYTES + n; i++, id++) {
        put_line(out, !id, "      ");
        const char *s = spelt(&spelling, i, &length);
        put_string(out, s, length);
        strbuf_str(out, ": ");
        put_id(out, id);
    }
    strbuf_str(out, "\n    },\n    \"merges\": [");
    for (size_t i = 0; i < n; i++) {
        struct strbuf both = { 0 };
        const char *s = spelt(&spelling, merge[i].left, &length);
        strbuf_add(&both, s, length);
        strbuf_char(&both, ' ');
        s = spelt(&spelling, merge[i].right, &length);
        strbuf_add(&both, s, length);
        put_line(out, !i, "      ");
        put_string(out, both.s, both.n);
        strbuf_clear(&both);
    }
    strbuf_str(out, n ? "\n    ]\n  }\n}\n" : "]\n  }\n}\n");
    strbuf_clear(&spelling.s);
    free(spelling.end);
}
