/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/family.h"
#include "base/mem.h"
#include <stddef.h>
#include <string.h>

static const char *const role_name[LM_N_ROLE] = {
    [LM_EMBED] = "embed",
    [LM_PROJECT_IN] = "project_in",
    [LM_POSITION] = "position",
    [LM_EMBED_NORM] = "embed_norm",
    [LM_ATTN_NORM] = "attn_norm",
    [LM_ATTN_QKV] = "attn_qkv",
    [LM_ATTN_Q] = "attn_q",
    [LM_ATTN_K] = "attn_k",
    [LM_ATTN_V] = "attn_v",
    [LM_ATTN_OUT] = "attn_out",
    [LM_MLP_NORM] = "mlp_norm",
    [LM_MLP_GATE] = "mlp_gate",
    [LM_MLP_UP] = "mlp_up",
    [LM_MLP_DOWN] = "mlp_down",
    [LM_FINAL_NORM] = "final_norm",
    [LM_PROJECT_OUT] = "project_out",
    [LM_HEAD] = "head",
};

/* ---- the tables */

#define PREFIXES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define BUFFERS(...)  ((const char *const[]){ __VA_ARGS__, NULL })

static const struct lm_name bloom_names[] = {
    { LM_EMBED, "word_embeddings" },
    { LM_EMBED_NORM, "word_embeddings_layernorm" },
    { LM_ATTN_NORM, "h.#.input_layernorm" },
    { LM_ATTN_QKV, "h.#.self_attention.query_key_value" },
    { LM_ATTN_OUT, "h.#.self_attention.dense" },
    { LM_MLP_NORM, "h.#.post_attention_layernorm" },
    { LM_MLP_UP, "h.#.mlp.dense_h_to_4h" },
    { LM_MLP_DOWN, "h.#.mlp.dense_4h_to_h" },
    { LM_FINAL_NORM, "ln_f" },
    { LM_HEAD, "lm_head" },
    { 0, NULL },
};

static const struct lm_name xglm_names[] = {
    { LM_EMBED, "embed_tokens" },
    { LM_ATTN_NORM, "layers.#.self_attn_layer_norm" },
    { LM_ATTN_Q, "layers.#.self_attn.q_proj" },
    { LM_ATTN_K, "layers.#.self_attn.k_proj" },
    { LM_ATTN_V, "layers.#.self_attn.v_proj" },
    { LM_ATTN_OUT, "layers.#.self_attn.out_proj" },
    { LM_MLP_NORM, "layers.#.final_layer_norm" },
    { LM_MLP_UP, "layers.#.fc1" },
    { LM_MLP_DOWN, "layers.#.fc2" },
    { LM_FINAL_NORM, "layer_norm" },
    { LM_HEAD, "lm_head" },
    { 0, NULL },
};

static const struct lm_name gpt2_names[] = {
    { LM_EMBED, "wte" },
    { LM_POSITION, "wpe" },
    { LM_ATTN_NORM, "h.#.ln_1" },
    { LM_ATTN_QKV, "h.#.attn.c_attn" },
    { LM_ATTN_OUT, "h.#.attn.c_proj" },
    { LM_MLP_NORM, "h.#.ln_2" },
    { LM_MLP_UP, "h.#.mlp.c_fc" },
    { LM_MLP_DOWN, "h.#.mlp.c_proj" },
    { LM_FINAL_NORM, "ln_f" },
    { LM_HEAD, "lm_head" },
    { 0, NULL },
};

static const struct lm_name opt_names[] = {
    { LM_EMBED, "embed_tokens" },
    { LM_PROJECT_IN, "project_in" },
    { LM_POSITION, "embed_positions" },
    { LM_ATTN_NORM, "layers.#.self_attn_layer_norm" },
    { LM_ATTN_Q, "layers.#.self_attn.q_proj" },
    { LM_ATTN_K, "layers.#.self_attn.k_proj" },
    { LM_ATTN_V, "layers.#.self_attn.v_proj" },
    { LM_ATTN_OUT, "layers.#.self_attn.out_proj" },
    { LM_MLP_NORM, "layers.#.final_layer_norm" },
    { LM_MLP_UP, "layers.#.fc1" },
    { LM_MLP_DOWN, "layers.#.fc2" },
    { LM_FINAL_NORM, "final_layer_norm" },
    { LM_PROJECT_OUT, "project_out" },
    { LM_HEAD, "lm_head" },
    { 0, NULL },
};

static const struct lm_name gpt_neox_names[] = {
    { LM_EMBED, "embed_in" },
    { LM_ATTN_NORM, "layers.#.input_layernorm" },
    { LM_ATTN_QKV, "layers.#.attention.query_key_value" },
    { LM_ATTN_OUT, "layers.#.attention.dense" },
    { LM_MLP_NORM, "layers.#.post_attention_layernorm" },
    { LM_MLP_UP, "layers.#.mlp.dense_h_to_4h" },
    { LM_MLP_DOWN, "layers.#.mlp.dense_4h_to_h" },
    { LM_FINAL_NORM, "final_layer_norm" },
    { LM_HEAD, "embed_out" },
    { 0, NULL },
};

static const struct lm_name llama_names[] = {
    { LM_EMBED, "embed_tokens" },
    { LM_ATTN_NORM, "layers.#.input_layernorm" },
    { LM_ATTN_Q, "layers.#.self_attn.q_proj" },
    { LM_ATTN_K, "layers.#.self_attn.k_proj" },
    { LM_ATTN_V, "layers.#.self_attn.v_proj" },
    { LM_ATTN_OUT, "layers.#.self_attn.o_proj" },
    { LM_MLP_NORM, "layers.#.post_attention_layernorm" },
    { LM_MLP_GATE, "layers.#.mlp.gate_proj" },
    { LM_MLP_UP, "layers.#.mlp.up_proj" },
    { LM_MLP_DOWN, "layers.#.mlp.down_proj" },
    { LM_FINAL_NORM, "norm" },
    { LM_HEAD, "lm_head" },
    { 0, NULL },
};

static const struct lm_family families[] = {
    { .model_type = "bloom",
      .prefix = PREFIXES("transformer."),
      .name = bloom_names,
      .buffer = BUFFERS(NULL),
      .qkv = LM_QKV_BY_HEAD,
      .position = LM_ALIBI,
      .tied = 1 },
    { .model_type = "xglm",
      .prefix = PREFIXES("model."),
      .name = xglm_names,
      .buffer = BUFFERS("embed_positions.weights", "embed_positions._float_tensor"),
      .qkv = LM_QKV_APART,
      .position = LM_SINUSOIDAL,
      .position_offset = 2,
      .tied = 1 },
    { .model_type = "gpt2",
      .prefix = PREFIXES("transformer."),
      .name = gpt2_names,
      .buffer = BUFFERS("h.#.attn.bias", "h.#.attn.masked_bias"),
      .qkv = LM_QKV_BY_KIND,
      .position = LM_LEARNED,
      .weights_in_out = 1,
      .tied = 1 },
    { .model_type = "opt",
      .prefix = PREFIXES("model.decoder.", "decoder."),
      .name = opt_names,
      .buffer = BUFFERS(NULL),
      .qkv = LM_QKV_APART,
      .position = LM_LEARNED,
      .position_offset = 2,
      .tied = 1 },
    { .model_type = "gpt_neox",
      .prefix = PREFIXES("gpt_neox."),
      .name = gpt_neox_names,
      .buffer = BUFFERS("layers.#.attention.bias", "layers.#.attention.masked_bias",
                        "layers.#.attention.rotary_emb.inv_freq"),
      .qkv = LM_QKV_BY_HEAD,
      .position = LM_ROTARY },
    { .model_type = "llama",
      .prefix = PREFIXES("model."),
      .name = llama_names,
      .buffer = BUFFERS("layers.#.self_attn.rotary_emb.inv_freq"),
      .qkv = LM_QKV_APART,
      .position = LM_ROTARY,
      .rms_norm = 1,
      .gated = 1 },
    { .model_type = "qwen2",
      .prefix = PREFIXES("model."),
      .name = llama_names,
      .buffer = BUFFERS("layers.#.self_attn.rotary_emb.inv_freq"),
      .qkv = LM_QKV_APART,
      .position = LM_ROTARY,
      .rms_norm = 1,
      .gated = 1 },
};
enum { N_FAMILY = sizeof families / sizeof *families };

/* What models of these families do not have, but hybrids made for experiments (config.h). */
static const struct lm_name hybrid_names[] = {
    { LM_POSITION, "position_embeddings" },
    { LM_EMBED_NORM, "embed_norm" },
    { 0, NULL },
};

/* ---- looking things up */

const char *lm_role_name(enum lm_role role)
{
    return role_name[role];
}

int lm_role_find(const char *name)
{
    for (int r = 0; r < LM_N_ROLE; r++)
        if (!strcmp(role_name[r], name))
            return r;
    return -1;
}

const struct lm_family *lm_family_find(const char *model_type)
{
    if (!strcmp(model_type, "mistral"))
        model_type = "llama";
    for (int i = 0; i < N_FAMILY; i++)
        if (!strcmp(families[i].model_type, model_type))
            return &families[i];
    return NULL;
}

const char *lm_families(void)
{
    return "bloom xglm gpt2 opt gpt_neox llama mistral qwen2";
}

/* Whether name is `pattern`, with a number in place of #, which goes to *layer, and `suffix`. */
static int is_named(const char *pattern, const char *suffix, const char *name, int *layer)
{
    *layer = -1;
    for (; *pattern; pattern++) {
        if (*pattern != '#') {
            if (*name++ != *pattern)
                return 0;
            continue;
        }
        const char *digits = name;
        int n = 0;
        for (; *name >= '0' && *name <= '9' && n < 100000; name++)
            n = 10 * n + (*name - '0');
        if (name == digits || (*digits == '0' && name > digits + 1) || n >= 100000)
            return 0;
        *layer = n;
    }
    return !strcmp(name, suffix);
}

/* As lm_place_find, of a name without prefix. */
static int find_bare(const struct lm_family *f, const char *name, struct lm_place *p)
{
    int layer;
    for (const char *const *b = f->buffer; *b; b++)
        if (is_named(*b, "", name, &layer))
            return 0;
    const struct lm_name *const tables[] = { f->name, hybrid_names };
    for (int t = 0; t < 2; t++)
        for (const struct lm_name *n = tables[t]; n->name; n++)
            for (int bias = 0; bias < 2; bias++)
                if (is_named(n->name, bias ? ".bias" : ".weight", name, &layer)) {
                    *p = (struct lm_place){ n->role, layer, bias };
                    return 1;
                }
    return -1;
}

int lm_place_find(const struct lm_family *f, const char *name, struct lm_place *p)
{
    for (const char *const *prefix = f->prefix; *prefix; prefix++)
        if (!strncmp(name, *prefix, strlen(*prefix)))
            return find_bare(f, name + strlen(*prefix), p);
    return find_bare(f, name, p);
}

const struct lm_family *lm_family_guess(const char *name)
{
    struct lm_place p;
    for (int i = 0; i < N_FAMILY; i++)
        if (lm_place_find(&families[i], name, &p) >= 0)
            return &families[i];
    return NULL;
}

static const struct lm_name *name_of(const struct lm_name *table, enum lm_role role)
{
    while (table->name && table->role != role)
        table++;
    return table->name ? table : NULL;
}

char *lm_place_text(const struct lm_family *f, const struct lm_place *p)
{
    const struct lm_name *n = name_of(f->name, p->role);
    if (!n && !(n = name_of(hybrid_names, p->role)))
        return NULL;
    const char *prefix = p->role == LM_HEAD ? "" : f->prefix[0], *suffix = p->is_bias ? "bias" : "weight";
    const char *number = strchr(n->name, '#');
    if (!number)
        return xsprintf("%s%s.%s", prefix, n->name, suffix);
    return xsprintf("%s%.*s%d%s.%s", prefix, (int)(number - n->name), n->name, p->layer, number + 1, suffix);
}
