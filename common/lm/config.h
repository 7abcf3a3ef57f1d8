/* config.h - what kind of decoder a config.json describes, and which tensors it must have.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_CONFIG_H
#define LM_CONFIG_H
#include "lm/family.h"
#include <stddef.h>

enum { LM_WHY_MAX = 400 };

enum lm_activation { LM_GELU, LM_GELU_TANH, LM_RELU, LM_SILU };

/* How rotary frequencies are stretched ("rope_scaling"): not; all by a factor; or Llama 3's way, the low ones
 * by a factor, the high ones not, those between in part. */
enum lm_rope { LM_ROPE_PLAIN, LM_ROPE_LINEAR, LM_ROPE_LLAMA3 };

struct lm_config {
    const struct lm_family *family;
    int n_layer;
    size_t d_model, d_ff, vocab_size;
    size_t d_embed; /* d_model but in OPT-350m */
    size_t n_head, n_kv_head, d_head;
    size_t n_position; /* the longest context: of a learned table all it has, of others what the model was
                          trained for (0: not said) */
    size_t window;     /* attention reaches back so far; 0: to the beginning */
    double norm_eps, embed_scale;
    enum lm_position_kind position;
    int embed_norm; /* a norm behind embedding and positions */
    int hybrid;     /* some of this is not the family's: see lm_config_parse */
    enum lm_activation activation;
    size_t n_rotary; /* dimensions of a head that are rotated, the first ones */
    double rope_theta;
    enum lm_rope rope;
    double rope_factor, rope_low_freq, rope_high_freq, rope_n_original;
    int tied;               /* the head is the embedding */
    int parallel_residual;  /* gpt_neox: attention and MLP read the same x */
    int norm_after;         /* OPT-350m: norms behind what is added */
    int residual_is_normed; /* bloom: apply_residual_connection_post_layernorm */
    int final_norm;
    int attn_bias, attn_out_bias;                               /* of q, k, v; of the output projection */
    int bos_token_id, eos_token_id, pad_token_id, unk_token_id; /* -1: not said */
};

/* Reads json[0..n-1], the text of a config.json. Returns 0; or -1 with a reason in why: no JSON, an
 * architecture that is not known, a key that is missing, of the wrong kind or out of range.
 *
 * An object "babelbits" makes a hybrid, to change one thing at a time between families. Each of its keys is
 * in the place of what the family has: "position" ("alibi", "sinusoidal", "learned", "rotary", "none"),
 * "n_position" (rows of a learned table) and "rope_theta", each refused where it does nothing, "embed_norm"
 * (true, false), "embed_scale" (a number), "activation". Only these programs know of it: transformers would
 * load such a model as one of its family, and compute something else. */
int lm_config_parse(const char *json, size_t n, struct lm_config *c, char why[LM_WHY_MAX]);

/* Floats that a token's row needs on its way through: the wider of d_embed and d_model. */
size_t lm_config_width(const struct lm_config *c);

/* The shape that the tensor at p has in a checkpoint of this model: the number of dimensions (1 or 2), or 0
 * if the model has none there. Matrices are [out][in], [in][out] in the layers of gpt2. */
int lm_config_shape(const struct lm_config *c, const struct lm_place *p, size_t shape[2]);

/* Whether the model must have it: all but a head that is tied, which may be there once more. */
int lm_config_needs(const struct lm_config *c, const struct lm_place *p);

/* Walks all places of the model in the order of a forward pass, {LM_EMBED, -1, 0} first: 1 and *p is the
 * next; 0 when *p was the last. Weights come before their biases. */
int lm_config_next_place(const struct lm_config *c, struct lm_place *p);

#endif
