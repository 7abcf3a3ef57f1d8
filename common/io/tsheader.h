/* tsheader.h - the JSON header of a frame, both ways.  Layer: io.
 * The rules are those of huggingface/safetensors, plus at most TENSOR_MAX_DIM dimensions.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_TSHEADER_H
#define IO_TSHEADER_H
#include "io/tensor.h"
#include <jansson.h>

/* What makes a stream: the frames' `__metadata__` have their number, from 0, under this key, and the end
 * frame has nothing but their count under the other. A plain safetensors file has neither. */
#define TS_FRAME_KEY "frame"
#define TS_END_KEY   "end"

enum { TS_HEADER_MAX = 100000000, TS_WHY_MAX = 400 };

struct ts_header {
    json_t *root; /* owns every string */
    struct tensor
        *tensors;       /* in the order of their data, which has neither gaps nor overlaps; data is NULL */
    size_t n, n_bytes;  /* of all data */
    const json_t *meta; /* `__metadata__`: an object of strings; NULL if there is none */
};

/* Parses json[0..n_json-1] into h, which ts_header_clear releases whatever the outcome. Returns 0; or -1 with
 * a reason in why. */
int ts_header_parse(struct ts_header *h, const char *json, size_t n_json, char why[TS_WHY_MAX]);
void ts_header_clear(struct ts_header *h);

/* Adds a description of t, with its data at `begin`, to the object root: 0; -1 with a reason in why when the
 * name is there already or is not UTF-8. */
int ts_header_add(json_t *root, const struct tensor *t, size_t begin, char why[TS_WHY_MAX]);

/* The 8 bytes of length and the header itself, padded with blanks to a multiple of 8. The caller frees it; *n
 * is its length. NULL when it is over TS_HEADER_MAX. */
char *ts_header_print(const json_t *root, size_t *n);

#endif
