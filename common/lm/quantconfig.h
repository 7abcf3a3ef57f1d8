/* quantconfig.h - what a config.json says of weights in compressed-tensors' pack-quantized form.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_QUANTCONFIG_H
#define LM_QUANTCONFIG_H
#include "lm/config.h"

/* A linear layer of the model by the name of its tensor without ".weight", and how it was quantised. */
struct lm_quantised {
    const char *module;
    int bits; /* 0: not at all */
    int symmetric;
    size_t group; /* 0: one scale for each output channel */
};

/* The text of config.json with a quantization_config for modules[n], all linear layers of the model but a
 * tied head, and with torch_dtype set to `dtype` ("bfloat16"), in which scales and all other weights are; the
 * caller frees it. One scheme for all that is quantised targets the class Linear, several target their
 * modules by name; the others, and the head, are to be ignored. NULL with a reason in why: no JSON, or
 * quantised already. */
char *lm_quantconfig(const char *config, const char *dtype, const struct lm_quantised *modules, size_t n,
                     char why[LM_WHY_MAX]);

#endif
