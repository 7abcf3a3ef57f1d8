/* tokenizer_parts.h - what a tokenizer is made of; for tokload.c, which fills it, and those that run it.
 * Layer: text.  SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_TOKENIZER_PARTS_H
#define TEXT_TOKENIZER_PARTS_H
#include "text/added.h"
#include "text/bpe.h"
#include "text/decode.h"
#include "text/normal.h"
#include "text/pretok.h"
#include "text/tokenizer.h"
#include "text/unigram.h"

struct tokenizer {
    char *text; /* the file; vocab's strings lie in it */
    struct vocab vocab;
    enum { MODEL_BPE, MODEL_UNIGRAM } model;
    struct bpe bpe;
    struct unigram unigram;
    double *score; /* [vocab.n_id] of Unigram */
    int bytes;     /* pieces reach the model as bytes that stand for their letters */

    struct normal *normal;
    size_t n_normal;
    struct pretok *pretok;
    size_t n_pretok;
    struct decode *decode;
    size_t n_decode;
    int has_decoder;

    struct added_token *added;
    struct vocab added_vocab; /* the index of each content in `added` */
    size_t n_added;
    struct added raw, normalized; /* tokens looked for before and after normalising */
    int32_t *added_at;            /* [n_id] index into `added`, -1 for ids of the model only */
    size_t n_id;

    uint32_t *before, *after; /* ids that the post-processor puts around a text */
    size_t n_before, n_after;
};

#endif
