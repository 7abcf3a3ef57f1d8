/* bpetrain_json.h - a trained byte-level BPE as tokenizer.json, with BLOOM's pipeline.  Layer: text.
 * Nothing is normalised; pieces are BLOOM's Split, isolated, then ByteLevel (Le Scao et al. 2022, section
 * 3.2). SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_BPETRAIN_JSON_H
#define TEXT_BPETRAIN_JSON_H
#include "text/bpetrain.h"

/* Appends the file. Ids: the special tokens (NULL-ended, UTF-8), the 256 bytes, then what each of the n
 * merges makes. Merges are written "a b", which libraries old and new read. */
void bpetrain_json(struct strbuf *out, char *const *special, const struct bpetrain_merge *merge, size_t n);

#endif
