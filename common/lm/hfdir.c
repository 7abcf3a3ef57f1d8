/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/hfdir.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "io/outdir.h"
#include "io/tstream.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- config.json */

static json_t *no_memory(json_t *j)
{
    if (!j)
        mem_out();
    return j;
}

static void set(json_t *to, const char *key, json_t *value)
{
    if (json_object_set_new(to, key, no_memory(value)) < 0)
        mem_out();
}

static void set_size(json_t *to, const char *key, size_t n)
{
    set(to, key, json_integer((json_int_t)n));
}

/* BLOOM has no bound on positions: seq_length says what it was trained for, and no reader needs it. */
static void put_bloom(json_t *c, const struct lm_hfdir_model *m)
{
    set_size(c, "n_layer", m->n_layer);
    set_size(c, "hidden_size", m->d_model);
    set_size(c, "n_head", m->n_head);
    set_size(c, "seq_length", m->n_position);
    set(c, "layer_norm_epsilon", json_real(1e-5));
    set(c, "apply_residual_connection_post_layernorm", json_false());
    set(c, "attention_dropout", json_real(0));
    set(c, "hidden_dropout", json_real(0));
}

static void put_xglm(json_t *c, const struct lm_hfdir_model *m)
{
    set_size(c, "num_layers", m->n_layer);
    set_size(c, "d_model", m->d_model);
    set_size(c, "attention_heads", m->n_head);
    set_size(c, "ffn_dim", m->d_ff);
    set_size(c, "max_position_embeddings", m->n_position);
    set(c, "activation_function", json_string("gelu"));
    set(c, "scale_embedding", json_true());
    set(c, "dropout", json_real(0));
    set(c, "attention_dropout", json_real(0));
    set(c, "activation_dropout", json_real(0));
    set(c, "layerdrop", json_real(0));
}

static void put_gpt2(json_t *c, const struct lm_hfdir_model *m)
{
    set_size(c, "n_layer", m->n_layer);
    set_size(c, "n_embd", m->d_model);
    set_size(c, "n_head", m->n_head);
    set_size(c, "n_inner", m->d_ff);
    set_size(c, "n_positions", m->n_position);
    set(c, "activation_function", json_string("gelu_new"));
    set(c, "layer_norm_epsilon", json_real(1e-5));
    set(c, "attn_pdrop", json_real(0));
    set(c, "embd_pdrop", json_real(0));
    set(c, "resid_pdrop", json_real(0));
}

static void put_llama(json_t *c, const struct lm_hfdir_model *m)
{
    set_size(c, "num_hidden_layers", m->n_layer);
    set_size(c, "hidden_size", m->d_model);
    set_size(c, "num_attention_heads", m->n_head);
    set_size(c, "num_key_value_heads", m->n_head);
    set_size(c, "intermediate_size", m->d_ff);
    set_size(c, "max_position_embeddings", m->n_position);
    set(c, "hidden_act", json_string("silu"));
    set(c, "rms_norm_eps", json_real(1e-6));
    set(c, "rope_theta", json_real(10000));
}

static const struct {
    const char *arch, *class;
    void (*put)(json_t *, const struct lm_hfdir_model *);
    int has_any_ff; /* else d_ff is 4 d_model */
} known[] = { { "bloom", "BloomForCausalLM", put_bloom, 0 },
              { "xglm", "XGLMForCausalLM", put_xglm, 1 },
              { "gpt2", "GPT2LMHeadModel", put_gpt2, 1 },
              { "llama", "LlamaForCausalLM", put_llama, 1 } };
enum { N_KNOWN = sizeof known / sizeof *known };

/* {"KEY": VALUE, ...} of "KEY=VALUE"s: JSON's own words and numbers, or else text. NULL if one is none. */
static json_t *overrides(char *const *item, char why[LM_WHY_MAX])
{
    json_t *object = no_memory(json_object());
    for (; *item; item++) {
        const char *is = strchr(*item, '=');
        int is_text = !(*item)[utf8_check(*item, strlen(*item))];
        if (!is || is == *item || !is_text) {
            snprintf(why, LM_WHY_MAX, "'%.100s' is not %s", *item, is_text ? "KEY=VALUE" : "UTF-8");
            json_decref(object);
            return NULL;
        }
        char *key = xstrndup(*item, (size_t)(is - *item));
        json_t *value = json_loads(is + 1, JSON_DECODE_ANY, NULL);
        set(object, key, value ? value : json_string(is + 1));
        free(key);
    }
    return object;
}

char *lm_hfdir_config(const struct lm_hfdir_model *m, char why[LM_WHY_MAX])
{
    size_t k = 0;
    while (k < N_KNOWN && strcmp(known[k].arch, m->arch) != 0)
        k++;
    if (k == N_KNOWN || (!known[k].has_any_ff && m->d_ff != 4 * m->d_model)) {
        snprintf(why, LM_WHY_MAX,
                 k == N_KNOWN ? "the architecture %.60s is not known"
                              : "the inner width of %.60s is 4 times its width",
                 m->arch);
        return NULL;
    }
    json_t *c = no_memory(json_object()), *classes = no_memory(json_array());
    set(c, "architectures", classes);
    if (json_array_append_new(classes, no_memory(json_string(known[k].class))) < 0)
        mem_out();
    set(c, "model_type", json_string(m->arch));
    set_size(c, "vocab_size", m->vocab_size);
    known[k].put(c, m);
    set(c, "tie_word_embeddings", json_true());
    set(c, "torch_dtype", json_string("float32"));
    const struct {
        const char *key;
        int id;
    } token[] = { { "bos_token_id", m->bos_token_id },
                  { "eos_token_id", m->eos_token_id },
                  { "pad_token_id", m->pad_token_id },
                  { "unk_token_id", m->unk_token_id } };
    for (size_t i = 0; i < sizeof token / sizeof *token; i++)
        if (token[i].id >= 0)
            set_size(c, token[i].key, (size_t)token[i].id);
    json_t *other = m->override ? overrides(m->override, why) : NULL;
    if (other)
        set(c, "babelbits", other);
    char *text = m->override && !other ? NULL : json_dumps(c, JSON_INDENT(2));
    json_decref(c);
    return text;
}

/* ---- the directory */

char *lm_hfdir_print(const json_t *root)
{
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_t *again = json_loads(text, 0, NULL);
    int same = json_equal(root, again);
    json_decref(again);
    if (same)
        return text;
    free(text);
    return json_dumps(root, JSON_INDENT(2));
}

static void write_json(struct outdir *dir, const char *name, const json_t *c)
{
    char *text = lm_hfdir_print(c), *line = xsprintf("%s\n", text);
    outdir_write(dir, name, line, strlen(line));
    free(line);
    free(text);
}

/* config.json with the dtype that was written. */
static void write_config(struct outdir *dir, const char *text, enum tensor_dtype dtype)
{
    json_t *c = no_memory(json_loads(text, 0, NULL)); /* it has been parsed before */
    set(c, "torch_dtype",
        json_string(dtype == TENSOR_BF16  ? "bfloat16"
                    : dtype == TENSOR_F16 ? "float16"
                                          : "float32"));
    write_json(dir, "config.json", c);
    json_decref(c);
}

static void write_weights(struct outdir *dir, const struct lm_params *p, const float *w,
                          enum tensor_dtype dtype, const char *history)
{
    const struct ts_options plain = { 0, 1 };
    struct ts_writer *out = ts_open_out(outdir_file(dir, "model.safetensors"), &plain);
    struct tensor *t = xcalloc(p->n_param, sizeof *t);
    char *data = xaligned(p->n, tensor_dtype_bytes(dtype));
    for (size_t i = 0; i < p->n_param; i++) {
        const struct lm_param *a = &p->param[i];
        t[i] = (struct tensor){
            .name = a->name, .dtype = dtype, .dtype_name = tensor_dtype_name(dtype), .n_dim = a->n_dim
        };
        memcpy(t[i].shape, a->shape, sizeof a->shape);
        tensor_set_size(&t[i]);
    }
    tensor_from_f32(w, p->n, dtype, data);
    ts_out_history(out, history);
    ts_out_frame(out, t, p->n_param);
    ts_out_data(out, data, p->n * tensor_dtype_bytes(dtype));
    ts_close_out(out);
    free(data);
    free(t);
}

static void write_tokenizer_config(struct outdir *dir, const struct lm_hfdir_tokens *tokens,
                                   size_t n_position)
{
    const struct {
        const char *key, *word;
    } token[] = { { "bos_token", tokens->bos },
                  { "eos_token", tokens->eos },
                  { "pad_token", tokens->pad },
                  { "unk_token", tokens->unk } };
    json_t *c = no_memory(json_object());
    set(c, "tokenizer_class", json_string("PreTrainedTokenizerFast"));
    set(c, "clean_up_tokenization_spaces", json_false());
    if (n_position)
        set_size(c, "model_max_length", n_position);
    for (size_t i = 0; i < sizeof token / sizeof *token; i++)
        if (token[i].word)
            set(c, token[i].key, json_string(token[i].word));
    write_json(dir, "tokenizer_config.json", c);
    json_decref(c);
}

void lm_hfdir_write(struct outdir *dir, const struct lm_params *p, const float *w, enum tensor_dtype dtype,
                    const char *config_text, const char *history, const char *tokenizer_json, size_t n_json,
                    const struct lm_hfdir_tokens *tokens)
{
    write_config(dir, config_text, dtype);
    write_weights(dir, p, w, dtype, history);
    outdir_write(dir, "tokenizer.json", tokenizer_json, n_json);
    write_tokenizer_config(dir, tokens, p->config->n_position);
}
