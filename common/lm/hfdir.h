/* hfdir.h - new models as Hugging Face has them: their config.json, their directory.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_HFDIR_H
#define LM_HFDIR_H
#include "io/tensor.h"
#include "lm/params.h"

struct json_t;

/* What a new model is to be. Tokens: -1 where there is none. */
struct lm_hfdir_model {
    const char *arch; /* "bloom", "xglm", "gpt2" or "llama" */
    size_t n_layer, d_model, n_head, d_ff, vocab_size, n_position;
    int bos_token_id, eos_token_id, pad_token_id, unk_token_id;
    char *const
        *override; /* "KEY=VALUE" into the object "babelbits" (see config.h), NULL-ended; NULL: none */
};

/* The text of its config.json with the keys of the family's reference code, which the caller frees; NULL and
 * a reason when there can be no such model. */
char *lm_hfdir_config(const struct lm_hfdir_model *m, char why[LM_WHY_MAX]);

/* A JSON file as it is written beside weights, which the caller frees: numbers are as short as they were if
 * that loses nothing, 1e-05 and not 1.0000000000000001e-05. */
char *lm_hfdir_print(const struct json_t *root);

/* The words that a tokenizer_config.json wants to have; NULL where there is none. */
struct lm_hfdir_tokens {
    const char *bos, *eos, *pad, *unk;
};

/* Writes config.json, model.safetensors with the weights w in `dtype` (F32, F16 or BF16), tokenizer.json, a
 * copy of tokenizer_json[0..n_json-1], and tokenizer_config.json, into a directory opened by outdir_open.
 * Ends the program when it cannot. */
struct outdir;
void lm_hfdir_write(struct outdir *dir, const struct lm_params *p, const float *w, enum tensor_dtype dtype,
                    const char *config_text, const char *history, const char *tokenizer_json, size_t n_json,
                    const struct lm_hfdir_tokens *tokens);

#endif
