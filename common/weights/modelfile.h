/* modelfile.h - a model or tokenizer that a user named: there, or the end of the program.  Layer: weights.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_MODELFILE_H
#define WEIGHTS_MODELFILE_H
#include "lm/checkpoint.h"
#include "math/gemm.h"
#include "text/tokenizer.h"

/* What is known of a model before it is opened: wrong usage if path is NULL, or standard input and one of the
 * files (NULL-ended, or NULL) too. */
void modelfile_check(const char *path, char *const *files);
/* The same where files, or anything, are text, for which there is the tokenizer at tokenizer_path or, that
 * being NULL, the model's own, which a stream has not. */
void modelfile_check_text(const char *path, const char *tokenizer_path, char *const *files);

/* The model at path ("-": standard input), which the caller closes. Ends the program if there is none. */
struct lm_checkpoint *modelfile_open(const char *path, int n_thread);
/* The same of a tokenizer, a file or a model's directory: the caller frees it. */
struct tokenizer *modelfile_tokenizer(const char *path);

/* What products are made in, by --precision's name. Ends the program if the libraries are not there; to be
 * called before threads are started (gemm_load). */
enum gemm_precision modelfile_precision(const char *name);

/* How many tokens the model at path is to see at once (lm_windows_context), and how far apart windows begin,
 * 0 being as far as that. Ends the program if it cannot see so many, or they would leave tokens out. */
size_t modelfile_context(const struct lm_config *c, const char *path, int64_t wanted);
size_t modelfile_stride(int64_t wanted, size_t context);

/* Warns of what there is to know about it (lm_checkpoint_note). */
void modelfile_warn(struct lm_checkpoint *c);

#endif
