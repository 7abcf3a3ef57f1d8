/* family.h - the families of decoders that are known, and what their tensors are called.  Layer: lm.
 * Facts from the reference code of Hugging Face transformers 4.37, one table a family.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_FAMILY_H
#define LM_FAMILY_H

/* What a tensor is for. In the order of a forward pass: before the layers, in each layer, behind them. */
enum lm_role {
    LM_EMBED,      /* [vocab_size][d_embed] */
    LM_PROJECT_IN, /* [d_model][d_embed], of OPT-350m */
    LM_POSITION,   /* [n_position + offset][d_model], where positions are learned */
    LM_EMBED_NORM,
    LM_ATTN_NORM, /* the first of a layer's */
    LM_ATTN_QKV,  /* fused, or .. */
    LM_ATTN_Q,    /* .. [n_head * d_head][d_model] */
    LM_ATTN_K,    /* [n_kv_head * d_head][d_model] */
    LM_ATTN_V,
    LM_ATTN_OUT, /* [d_model][n_head * d_head] */
    LM_MLP_NORM,
    LM_MLP_GATE, /* [d_ff][d_model], of gated ones */
    LM_MLP_UP,   /* [d_ff][d_model] */
    LM_MLP_DOWN, /* [d_model][d_ff]; the last of a layer's */
    LM_FINAL_NORM,
    LM_PROJECT_OUT, /* [d_embed][d_model], of OPT-350m */
    LM_HEAD,        /* [vocab_size][d_embed], where it is not the embedding */
    LM_N_ROLE
};

/* "attn_qkv": as options and CSV spell it. Static. lm_role_find: -1 if there is none of that name. */
const char *lm_role_name(enum lm_role role);
int lm_role_find(const char *name);
static inline int lm_role_in_layer(enum lm_role role)
{
    return role >= LM_ATTN_NORM && role <= LM_MLP_DOWN;
}
/* Whether it is a matrix that multiplies activations: what RTN, GPTQ and their like quantise. */
static inline int lm_role_is_linear(enum lm_role role)
{
    return (role >= LM_ATTN_QKV && role <= LM_ATTN_OUT) || (role >= LM_MLP_GATE && role <= LM_MLP_DOWN) ||
           role == LM_PROJECT_IN || role == LM_PROJECT_OUT || role == LM_HEAD;
}

/* Where a tensor belongs. */
struct lm_place {
    enum lm_role role;
    int layer; /* from 0; -1 outside the layers */
    int is_bias;
};

enum lm_qkv_layout {
    LM_QKV_APART,   /* three matrices */
    LM_QKV_BY_HEAD, /* one, its rows [n_head][3][d_head] */
    LM_QKV_BY_KIND  /* one, its rows [3][n_head][d_head] */
};
enum lm_position_kind { LM_ALIBI, LM_SINUSOIDAL, LM_LEARNED, LM_ROTARY, LM_NO_POSITION };

/* A tensor's name without prefix and without ".weight" or ".bias"; "#" stands for the layer's number. */
struct lm_name {
    enum lm_role role;
    const char *name;
};

struct lm_family {
    const char *model_type;     /* as config.json has it */
    const char *const *prefix;  /* that names may have or not, the longest first; NULL-ended */
    const struct lm_name *name; /* ended by .name = NULL */
    const char *const *buffer;  /* whole names without prefix that are no weights; NULL-ended */
    enum lm_qkv_layout qkv;
    enum lm_position_kind position;
    int position_offset; /* row or index of the first token */
    int rms_norm;        /* else LayerNorm, with biases */
    int gated;           /* MLP: act(gate) * up */
    int weights_in_out;  /* matrices of the layers are stored [in][out] */
    int tied;            /* head, when config.json does not say */
};

/* The family of a config.json's model_type ("mistral" is llama's); NULL if it is not known. lm_families:
 * all names, separated by blanks, for messages. */
const struct lm_family *lm_family_find(const char *model_type);
const char *lm_families(void);

/* What the tensor `name` of a checkpoint is: 1; 0 for a buffer that is to be left out (masks, rotary
 * frequencies); -1 when the family has none of that name, *p is left alone then. */
int lm_place_find(const struct lm_family *f, const char *name, struct lm_place *p);
/* The first family that knows the name, as a tensor or a buffer; NULL if none does. Families that share a
 * matrix's name store it alike. */
const struct lm_family *lm_family_guess(const char *name);

/* The name as published, "transformer.h.3.mlp.dense_h_to_4h.weight", for messages; the caller frees it. NULL
 * if the family has no such role. A table of positions and a norm of the embedding have a name in every
 * family: lm/config.h says how a model comes to have one that its family has not. */
char *lm_place_text(const struct lm_family *f, const struct lm_place *p);

#endif
