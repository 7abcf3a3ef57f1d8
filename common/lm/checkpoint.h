/* checkpoint.h - what -m MODEL means: the weights of a model, from wherever they are.  Layer: lm.
 *
 * A directory of a Hugging Face model: config.json, with model.safetensors, model.safetensors.index.json and
 * the shards it names, pytorch_model.bin, or pytorch_model.bin.index.json and its shards (the first of these
 * that is there). One such file, with the config in its own metadata or config.json beside it. A stream of
 * modelcat's, "-" for standard input. Files are mapped and give their tensors in the order of a forward pass;
 * a stream, which may be one of modelcat's that wquant changed, gives them as they come.
 *
 * Every tensor is checked against the config: it must have the right shape and a dtype of floats, be there
 * once, and none may be missing. Buffers (masks, rotary frequencies) and what the family has no name for are
 * left out. So is a head that the config ties to the embedding: the reference code takes the embedding
 * whatever the head holds, and two copies could come to differ on the way. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#ifndef LM_CHECKPOINT_H
#define LM_CHECKPOINT_H
#include "io/tensor.h"
#include "lm/config.h"

struct lm_checkpoint;

/* Opens path; n_thread inflate a compressed stream. NULL and a reason (static until the next call), which
 * does not repeat the path. */
struct lm_checkpoint *lm_checkpoint_open(const char *path, int n_thread, const char **why);
/* The path for messages: "standard input", or as given. */
const char *lm_checkpoint_path(const struct lm_checkpoint *c);

/* The config, its text as it stands in config.json, its model_type (of mistral the family is llama's). */
const struct lm_config *lm_checkpoint_config(const struct lm_checkpoint *c);
const char *lm_checkpoint_config_text(const struct lm_checkpoint *c);
const char *lm_checkpoint_model_type(const struct lm_checkpoint *c);
/* The lines of the programs that made the stream or file; NULL if there are none. */
const char *lm_checkpoint_history(const struct lm_checkpoint *c);

/* The next tensor and its place: 1; 0 when all were there; -1 on an error. t, name and data, is borrowed
 * until the next call on c. A mapped tensor's pages are given back to the system then, so that little of a
 * large model is resident at a time. */
int lm_checkpoint_next(struct lm_checkpoint *c, struct tensor *t, struct lm_place *p);
/* The caller is done with n bytes at data, a part of the tensor it has: for those who read a large one in
 * pieces. */
void lm_checkpoint_release(struct lm_checkpoint *c, const void *data, size_t n);
/* For data that the caller wants to read for longer: those of the tensor given last, at `data`, stay until
 * lm_checkpoint_close, or lm_checkpoint_let_go of all of them. Of a mapped file that gives their pages back,
 * and of a part of them too; a part of what is in memory stays. */
void lm_checkpoint_keep(struct lm_checkpoint *c, const void *data);
void lm_checkpoint_let_go(struct lm_checkpoint *c, const void *data, size_t n);
/* What was wrong, one line. */
const char *lm_checkpoint_error(const struct lm_checkpoint *c);

/* Starts again with the first tensor, which only a pipe cannot: 0, or -1 on an error. */
int lm_checkpoint_can_rewind(const struct lm_checkpoint *c);
int lm_checkpoint_rewind(struct lm_checkpoint *c);

/* Whether all tensors are known before they come, in the order of a forward pass; lm_checkpoint_describe then
 * gives the one at p, without data: 1, or 0 if it is not there (a tied head). */
int lm_checkpoint_is_ordered(const struct lm_checkpoint *c);
int lm_checkpoint_describe(const struct lm_checkpoint *c, const struct lm_place *p, struct tensor *t);

/* What a user may want to know: lines for warn(), NULL past the last. Of a stream they are complete at its
 * end. */
const char *lm_checkpoint_note(struct lm_checkpoint *c, size_t i);
void lm_checkpoint_close(struct lm_checkpoint *c);

#endif
