/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/config.h"
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_LAYER = 10000,
    MAX_DIM = 1 << 20,
    MAX_VOCAB = 1 << 26,
    MAX_HEAD = 1 << 14,
    MAX_POSITION = 1 << 30
};

/* One parse: what is read from, and the first thing that was wrong with it. */
struct reading {
    const json_t *root;
    char *why;
    int bad;
};

static void complain(struct reading *r, const char *what, const char *key)
{
    if (!r->bad)
        snprintf(r->why, LM_WHY_MAX, what, key);
    r->bad = 1;
}

/* The value of the first of two keys that is there and not null; NULL if neither is. */
static const json_t *look(const struct reading *r, const char *key, const char *other)
{
    const json_t *v = json_object_get(r->root, key);
    if ((!v || json_is_null(v)) && other)
        v = json_object_get(r->root, other);
    return json_is_null(v) ? NULL : v;
}

enum { REQUIRED = -1 };

/* A whole number in least..most under key or other; `otherwise` if neither is there, or REQUIRED. */
static size_t get_size(struct reading *r, const char *key, const char *other, size_t least, size_t most,
                       long long otherwise)
{
    const json_t *v = look(r, key, other);
    if (!v && otherwise >= 0)
        return (size_t)otherwise;
    if (!v)
        complain(r, "config: '%s' is missing", key);
    else if (!json_is_integer(v) || json_integer_value(v) < (json_int_t)least ||
             json_integer_value(v) > (json_int_t)most)
        complain(r, "config: '%s' is not a whole number in its range", key);
    else
        return (size_t)json_integer_value(v);
    return least ? least : 1;
}

static double get_number(struct reading *r, const char *key, double otherwise)
{
    const json_t *v = look(r, key, NULL);
    if (v && (!json_is_number(v) || !(json_number_value(v) > 0 && json_number_value(v) < 1e30)))
        complain(r, "config: '%s' is not a positive number", key);
    return v && json_is_number(v) ? json_number_value(v) : otherwise;
}

static int get_flag(struct reading *r, const char *key, int otherwise)
{
    const json_t *v = look(r, key, NULL);
    if (v && !json_is_boolean(v))
        complain(r, "config: '%s' is neither true nor false", key);
    return v ? json_is_true(v) : otherwise;
}

/* A token, or the first of a list of them as in Llama 3's eos_token_id. */
static int get_token(struct reading *r, const char *key)
{
    const json_t *v = look(r, key, NULL);
    if (json_is_array(v))
        v = json_array_get(v, 0);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) >= MAX_VOCAB)
        return -1;
    return (int)json_integer_value(v);
}

static enum lm_activation get_activation(struct reading *r, const char *key, const char *otherwise)
{
    static const struct {
        const char *name;
        enum lm_activation activation;
    } known[] = { { "gelu", LM_GELU },           { "gelu_new", LM_GELU_TANH },
                  { "gelu_fast", LM_GELU_TANH }, { "gelu_pytorch_tanh", LM_GELU_TANH },
                  { "relu", LM_RELU },           { "silu", LM_SILU },
                  { "swish", LM_SILU } };
    const json_t *v = look(r, key, NULL);
    const char *name = v ? json_string_value(v) : otherwise;
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, name))
            return known[i].activation;
    complain(r,
             "config: '%s' is not an activation that is known (gelu gelu_new gelu_fast gelu_pytorch_tanh "
             "relu silu)",
             key);
    return LM_GELU;
}

/* The rotary embedding, as llama has it: "rope_scaling" of older files, "rope_parameters" of newer ones,
 * which know theta too. */
static void read_rope(struct reading *r, struct lm_config *c, double theta)
{
    const json_t *scaling = look(r, "rope_scaling", "rope_parameters");
    c->rope_theta = theta;
    if (!scaling)
        return;
    struct reading in = { scaling, r->why, r->bad };
    const json_t *kind = look(&in, "rope_type", "type");
    const char *name = kind ? json_string_value(kind) : "default";
    c->rope_theta = get_number(&in, "rope_theta", c->rope_theta);
    if (name && !strcmp(name, "default")) {
        c->rope = LM_ROPE_PLAIN;
    } else if (name && !strcmp(name, "linear")) {
        c->rope = LM_ROPE_LINEAR;
    } else if (name && !strcmp(name, "llama3")) {
        c->rope = LM_ROPE_LLAMA3;
        c->rope_low_freq = get_number(&in, "low_freq_factor", 1);
        c->rope_high_freq = get_number(&in, "high_freq_factor", 4);
        c->rope_n_original = get_number(&in, "original_max_position_embeddings", 8192);
        if (!(c->rope_high_freq > c->rope_low_freq))
            complain(&in, "config: '%s' is not above low_freq_factor", "high_freq_factor");
    } else {
        complain(&in, "config: '%s' is of a kind that is not known (default linear llama3)", "rope_scaling");
    }
    if (c->rope != LM_ROPE_PLAIN)
        c->rope_factor = get_number(&in, "factor", 1);
    r->bad = in.bad;
}

/* ---- the families */

/* Without n_position, though most files have seq_length: transformers and lm-eval do not look at it, so their
 * windows are as long for every bloom, and ours are too. */
static void read_bloom(struct reading *r, struct lm_config *c)
{
    c->n_layer = (int)get_size(r, "n_layer", "num_hidden_layers", 1, MAX_LAYER, REQUIRED);
    c->d_model = get_size(r, "n_embed", "hidden_size", 1, MAX_DIM, REQUIRED);
    c->n_head = get_size(r, "n_head", "num_attention_heads", 1, MAX_HEAD, REQUIRED);
    c->d_ff = 4 * c->d_model; /* n_inner is ignored by the reference code too */
    c->norm_eps = get_number(r, "layer_norm_epsilon", 1e-5);
    c->activation = LM_GELU_TANH;
    c->residual_is_normed = get_flag(r, "apply_residual_connection_post_layernorm", 0);
}

static void read_xglm(struct reading *r, struct lm_config *c)
{
    c->n_layer = (int)get_size(r, "num_layers", "num_hidden_layers", 1, MAX_LAYER, REQUIRED);
    c->d_model = get_size(r, "d_model", "hidden_size", 4, MAX_DIM, REQUIRED);
    c->n_head = get_size(r, "attention_heads", "num_attention_heads", 1, MAX_HEAD, REQUIRED);
    c->d_ff = get_size(r, "ffn_dim", NULL, 1, MAX_DIM, REQUIRED);
    c->n_position = get_size(r, "max_position_embeddings", NULL, 1, MAX_POSITION, 2048);
    c->activation = get_activation(r, "activation_function", "gelu");
    c->embed_scale = get_flag(r, "scale_embedding", 1) ? sqrt((double)c->d_model) : 1;
}

static void read_gpt2(struct reading *r, struct lm_config *c)
{
    c->n_layer = (int)get_size(r, "n_layer", "num_hidden_layers", 1, MAX_LAYER, REQUIRED);
    c->d_model = get_size(r, "n_embd", "hidden_size", 1, MAX_DIM, REQUIRED);
    c->n_head = get_size(r, "n_head", "num_attention_heads", 1, MAX_HEAD, REQUIRED);
    c->d_ff = get_size(r, "n_inner", NULL, 1, MAX_DIM, (long long)(4 * c->d_model));
    c->n_position = get_size(r, "n_positions", "max_position_embeddings", 1, MAX_POSITION, 1024);
    c->norm_eps = get_number(r, "layer_norm_epsilon", 1e-5);
    c->activation = get_activation(r, "activation_function", "gelu_new");
    if (!get_flag(r, "scale_attn_weights", 1) || get_flag(r, "scale_attn_by_inverse_layer_idx", 0))
        complain(r, "config: '%s' other than usual is not supported",
                 "scale_attn_weights or scale_attn_by_inverse_layer_idx");
}

static void read_opt(struct reading *r, struct lm_config *c)
{
    c->n_layer = (int)get_size(r, "num_hidden_layers", NULL, 1, MAX_LAYER, REQUIRED);
    c->d_model = get_size(r, "hidden_size", NULL, 1, MAX_DIM, REQUIRED);
    c->n_head = get_size(r, "num_attention_heads", NULL, 1, MAX_HEAD, REQUIRED);
    c->d_ff = get_size(r, "ffn_dim", NULL, 1, MAX_DIM, REQUIRED);
    c->d_embed = get_size(r, "word_embed_proj_dim", NULL, 1, MAX_DIM, (long long)c->d_model);
    c->n_position = get_size(r, "max_position_embeddings", NULL, 1, MAX_POSITION, 2048);
    c->activation = get_activation(r, "activation_function", "relu");
    c->norm_after = !get_flag(r, "do_layer_norm_before", 1);
    c->final_norm = !c->norm_after && !get_flag(r, "_remove_final_layer_norm", 0);
    if (!get_flag(r, "enable_bias", 1) || !get_flag(r, "layer_norm_elementwise_affine", 1))
        complain(r, "config: '%s' false is not supported", "enable_bias or layer_norm_elementwise_affine");
}

static void read_gpt_neox(struct reading *r, struct lm_config *c)
{
    c->n_layer = (int)get_size(r, "num_hidden_layers", NULL, 1, MAX_LAYER, REQUIRED);
    c->d_model = get_size(r, "hidden_size", NULL, 1, MAX_DIM, REQUIRED);
    c->n_head = get_size(r, "num_attention_heads", NULL, 1, MAX_HEAD, REQUIRED);
    c->d_ff = get_size(r, "intermediate_size", NULL, 1, MAX_DIM, REQUIRED);
    c->n_position = get_size(r, "max_position_embeddings", NULL, 1, MAX_POSITION, 2048);
    c->norm_eps = get_number(r, "layer_norm_eps", 1e-5);
    c->activation = get_activation(r, "hidden_act", "gelu");
    c->parallel_residual = get_flag(r, "use_parallel_residual", 1);
    c->attn_bias = c->attn_out_bias = get_flag(r, "attention_bias", 1);
    read_rope(r, c, get_number(r, "rotary_emb_base", get_number(r, "rope_theta", 10000)));
    if (c->rope != LM_ROPE_PLAIN)
        complain(r, "config: '%s' of gpt_neox is not supported", "rope_scaling");
}

static void read_llama(struct reading *r, struct lm_config *c)
{
    int qwen2 = !strcmp(c->family->model_type, "qwen2");
    c->n_layer = (int)get_size(r, "num_hidden_layers", NULL, 1, MAX_LAYER, REQUIRED);
    c->d_model = get_size(r, "hidden_size", NULL, 1, MAX_DIM, REQUIRED);
    c->n_head = get_size(r, "num_attention_heads", NULL, 1, MAX_HEAD, REQUIRED);
    c->n_kv_head = get_size(r, "num_key_value_heads", NULL, 1, MAX_HEAD,
                            qwen2 ? REQUIRED : (long long)c->n_head);
    c->d_head = get_size(r, "head_dim", NULL, 1, MAX_DIM, 0);
    c->d_ff = get_size(r, "intermediate_size", NULL, 1, MAX_DIM, REQUIRED);
    c->n_position = get_size(r, "max_position_embeddings", NULL, 1, MAX_POSITION, 2048);
    c->norm_eps = get_number(r, "rms_norm_eps", 1e-6);
    c->activation = get_activation(r, "hidden_act", "silu");
    c->attn_bias = qwen2 || get_flag(r, "attention_bias", 0);
    c->attn_out_bias = !qwen2 && get_flag(r, "attention_bias", 0);
    if (get_flag(r, "mlp_bias", 0))
        complain(r, "config: '%s' true is not supported", "mlp_bias");
    if (!qwen2 || get_flag(r, "use_sliding_window", 0))
        c->window = get_size(r, "sliding_window", NULL, 1, MAX_POSITION, 0);
    read_rope(r, c, get_number(r, "rope_theta", 10000));
}

/* The position by its name. */
static void read_position(struct reading *r, struct lm_config *c)
{
    static const char *const known[] = { [LM_ALIBI] = "alibi",
                                         [LM_SINUSOIDAL] = "sinusoidal",
                                         [LM_LEARNED] = "learned",
                                         [LM_ROTARY] = "rotary",
                                         [LM_NO_POSITION] = "none" };
    const json_t *v = look(r, "position", NULL);
    const char *name = json_string_value(v);
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i], name)) {
            c->position = (enum lm_position_kind)i;
            return;
        }
    if (v)
        complain(r, "config: '%s' is not one that is known (alibi sinusoidal learned rotary none)",
                 "position");
}

static void read_hybrid(struct reading *r, struct lm_config *c)
{
    static const char *const known[] = { "position",   "n_position",  "rope_theta",
                                         "embed_norm", "embed_scale", "activation" };
    const json_t *object = look(r, "babelbits", NULL);
    struct reading in = { object, r->why, r->bad };
    const char *key;
    json_t *value;
    if (!object)
        return;
    if (!json_is_object(object))
        complain(&in, "config: '%s' is not an object", "babelbits");
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(known[i], key) != 0)
            i++;
        if (i == sizeof known / sizeof *known)
            complain(&in, "config: '%.60s' under \"babelbits\" is not known", key);
    }
    c->hybrid = json_object_size(object) > 0;
    read_position(&in, c);
    c->n_position = get_size(&in, "n_position", NULL, 1, MAX_POSITION, (long long)c->n_position);
    c->rope_theta = get_number(&in, "rope_theta", c->rope_theta > 0 ? c->rope_theta : 10000);
    c->embed_norm = get_flag(&in, "embed_norm", c->embed_norm);
    c->embed_scale = get_number(&in, "embed_scale", c->embed_scale);
    if (look(&in, "activation", NULL))
        c->activation = get_activation(&in, "activation", NULL);
    if (c->position != LM_LEARNED && look(&in, "n_position", NULL))
        complain(&in, "config: '%s' under \"babelbits\" does nothing where positions are not learned",
                 "n_position");
    if (c->position != LM_ROTARY && look(&in, "rope_theta", NULL))
        complain(&in, "config: '%s' under \"babelbits\" does nothing where positions are not rotary",
                 "rope_theta");
    if (c->position == LM_LEARNED && !c->n_position)
        complain(&in, "config: '%s' is missing, of a learned table of positions", "n_position");
    if (c->position == LM_SINUSOIDAL && c->d_model < 4)
        complain(&in, "config: the hidden size is too small for positions that are %s", "sinusoidal");
    r->bad = in.bad;
}

static const struct {
    const char *model_type;
    void (*read)(struct reading *, struct lm_config *);
} readers[] = { { "bloom", read_bloom }, { "xglm", read_xglm },         { "gpt2", read_gpt2 },
                { "opt", read_opt },     { "gpt_neox", read_gpt_neox }, { "llama", read_llama },
                { "qwen2", read_llama } };

/* How much of a head is rotated. */
static double get_rotary_share(struct reading *r, const struct lm_config *c)
{
    int neox = !strcmp(c->family->model_type, "gpt_neox");
    struct reading newer = { look(r, "rope_parameters", NULL), r->why, r->bad };
    double share = get_number(&newer, "partial_rotary_factor", neox ? 0.25 : 1);
    r->bad = newer.bad;
    return get_number(r, neox ? "rotary_pct" : "partial_rotary_factor", share);
}

/* What follows from the rest, and what must fit. */
static void finish(struct reading *r, struct lm_config *c)
{
    if (r->bad)
        return;
    if (!c->d_embed)
        c->d_embed = c->d_model;
    if (!c->n_kv_head)
        c->n_kv_head = c->n_head;
    if (!c->d_head) {
        if (c->d_model % c->n_head)
            complain(r, "config: the hidden size is not a multiple of the %s", "number of heads");
        c->d_head = c->d_model / c->n_head;
    }
    if (c->n_head % c->n_kv_head)
        complain(r, "config: the number of heads is not a multiple of '%s'", "num_key_value_heads");
    if (c->d_head * c->n_head > MAX_DIM)
        complain(r, "config: '%s' is out of range", "head_dim");
    if (c->position == LM_ROTARY) {
        double share = get_rotary_share(r, c);
        c->n_rotary = share <= 1 ? (size_t)((double)c->d_head * share) : 0;
        if (!c->n_rotary || c->n_rotary % 2)
            complain(r, "config: '%s' does not give an even number of dimensions that are rotated",
                     "rotary_pct or head_dim");
    }
}

int lm_config_parse(const char *json, size_t n, struct lm_config *c, char why[LM_WHY_MAX])
{
    json_error_t error;
    json_t *root = json_loadb(json, n, JSON_REJECT_DUPLICATES, &error);
    struct reading r = { root, why, 0 };
    *c = (struct lm_config){
        .norm_eps = 1e-5, .embed_scale = 1, .final_norm = 1, .attn_bias = 1, .attn_out_bias = 1
    };
    if (!json_is_object(root)) {
        snprintf(why, LM_WHY_MAX, "config: line %d: %.200s", error.line,
                 root ? "not a JSON object" : error.text);
        r.bad = 1;
        goto done;
    }
    const char *type = json_string_value(json_object_get(root, "model_type"));
    c->family = type ? lm_family_find(type) : NULL;
    if (!c->family) {
        if (type)
            snprintf(why, LM_WHY_MAX, "config: model_type '%.60s' is not known (%s)", type, lm_families());
        else
            snprintf(why, LM_WHY_MAX, "config: 'model_type' is missing");
        r.bad = 1;
        goto done;
    }
    c->position = c->family->position;
    c->embed_norm = c->position == LM_ALIBI;
    c->vocab_size = get_size(&r, "vocab_size", NULL, 1, MAX_VOCAB, REQUIRED);
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (!strcmp(readers[i].model_type, c->family->model_type))
            readers[i].read(&r, c);
    read_hybrid(&r, c);
    c->tied = get_flag(&r, "tie_word_embeddings", c->family->tied);
    c->bos_token_id = get_token(&r, "bos_token_id");
    c->eos_token_id = get_token(&r, "eos_token_id");
    c->pad_token_id = get_token(&r, "pad_token_id");
    c->unk_token_id = get_token(&r, "unk_token_id");
    finish(&r, c);
done:
    json_decref(root);
    return r.bad ? -1 : 0;
}

/* ---- tensors */

/* out and in of a matrix, as multiplied; in 0 for the vector of a norm. */
static int sizes(const struct lm_config *c, enum lm_role role, size_t *out, size_t *in)
{
    size_t d_attn = c->n_head * c->d_head, d_kv = c->n_kv_head * c->d_head;
    int apart = c->family->qkv == LM_QKV_APART;
    *out = c->d_model;
    *in = 0;
    switch (role) {
    case LM_EMBED:
    case LM_HEAD:
        *out = c->vocab_size;
        *in = c->d_embed;
        return 1;
    case LM_PROJECT_IN:
        *in = c->d_embed;
        return c->d_embed != c->d_model;
    case LM_PROJECT_OUT:
        *out = c->d_embed;
        *in = c->d_model;
        return c->d_embed != c->d_model;
    case LM_POSITION:
        *out = c->n_position + (size_t)c->family->position_offset;
        *in = c->d_model;
        return c->position == LM_LEARNED;
    case LM_EMBED_NORM:
        return c->embed_norm;
    case LM_FINAL_NORM:
        return c->final_norm;
    case LM_ATTN_NORM:
    case LM_MLP_NORM:
        return 1;
    case LM_ATTN_QKV:
        *out = 3 * d_attn;
        *in = c->d_model;
        return !apart;
    case LM_ATTN_Q:
    case LM_ATTN_K:
    case LM_ATTN_V:
        *out = role == LM_ATTN_Q ? d_attn : d_kv;
        *in = c->d_model;
        return apart;
    case LM_ATTN_OUT:
        *in = d_attn;
        return 1;
    case LM_MLP_GATE:
    case LM_MLP_UP:
        *out = c->d_ff;
        *in = c->d_model;
        return role == LM_MLP_UP || c->family->gated;
    case LM_MLP_DOWN:
        *in = c->d_ff;
        return 1;
    case LM_N_ROLE:
        break;
    }
    return 0;
}

static int has_bias(const struct lm_config *c, enum lm_role role)
{
    switch (role) {
    case LM_ATTN_QKV:
    case LM_ATTN_Q:
    case LM_ATTN_K:
    case LM_ATTN_V:
        return c->attn_bias;
    case LM_ATTN_OUT:
        return c->attn_out_bias;
    case LM_MLP_UP:
    case LM_MLP_DOWN:
        return !c->family->gated;
    case LM_EMBED_NORM:
    case LM_ATTN_NORM:
    case LM_MLP_NORM:
    case LM_FINAL_NORM:
        return !c->family->rms_norm;
    default:
        return 0;
    }
}

size_t lm_config_width(const struct lm_config *c)
{
    return c->d_embed > c->d_model ? c->d_embed : c->d_model;
}

int lm_config_shape(const struct lm_config *c, const struct lm_place *p, size_t shape[2])
{
    size_t out, in;
    int in_layer = lm_role_in_layer(p->role);
    if ((in_layer ? p->layer < 0 || p->layer >= c->n_layer : p->layer != -1) ||
        !sizes(c, p->role, &out, &in) || (p->is_bias && !has_bias(c, p->role)))
        return 0;
    int swapped = in_layer && c->family->weights_in_out;
    shape[0] = swapped && in && !p->is_bias ? in : out;
    shape[1] = swapped ? out : in;
    return in && !p->is_bias ? 2 : 1;
}

int lm_config_needs(const struct lm_config *c, const struct lm_place *p)
{
    size_t shape[2];
    return lm_config_shape(c, p, shape) && !(p->role == LM_HEAD && c->tied);
}

int lm_config_next_place(const struct lm_config *c, struct lm_place *p)
{
    size_t shape[2];
    do {
        if (!p->is_bias) {
            p->is_bias = 1;
        } else if (p->role == LM_MLP_DOWN && p->layer + 1 < c->n_layer) {
            *p = (struct lm_place){ LM_ATTN_NORM, p->layer + 1, 0 };
        } else {
            if (p->role + 1 >= LM_N_ROLE)
                return 0;
            p->role++;
            p->is_bias = 0;
            p->layer = lm_role_in_layer(p->role) ? (p->layer < 0 ? 0 : p->layer) : -1;
        }
    } while (!lm_config_shape(c, p, shape));
    return 1;
}
