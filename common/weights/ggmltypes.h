/* ggmltypes.h - what llama.cpp is to make of each matrix, as its llama-quantize reads it.  Layer: weights.
 * tools/quantize/quantize.cpp and src/llama-quant.cpp of ggml-org/llama.cpp (2026): words NAME=TYPE of
 * --tensor-type-file, NAME a regular expression that is searched for in the names of GGUF. Here each is
 * anchored and names one tensor, so that it does not matter which of two that fit would win (that has
 * changed). SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_GGMLTYPES_H
#define WEIGHTS_GGMLTYPES_H
#include "weights/choice.h"

/* Ends the program when the file cannot be written. */
struct ggmltypes;
struct ggmltypes *ggmltypes_open(const char *path);

/* A line if t is a matrix of the layers, the embedding or the head: 2 to 6 bits become q2_K to q6_K, 7 and 8
 * q8_0; what stays as it is keeps its dtype. f NULL: as the tensor's name suggests. Ends the program if
 * llama.cpp has no such family. */
void ggmltypes_put(struct ggmltypes *g, const struct lm_family *f, const struct tensor *t,
                   const struct choice *c);

/* Ends the program if there was no such matrix. NULL is fine. */
void ggmltypes_close(struct ggmltypes *g);

#endif
