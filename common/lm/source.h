/* source.h - the files that a model's tensors are in.  Layer: lm.
 * What lm/checkpoint.h says of paths, without knowing what a tensor is for. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#ifndef LM_SOURCE_H
#define LM_SOURCE_H
#include "io/tstream.h"
#include "lm/torchfile.h"
#include <jansson.h>

enum { LM_SOURCE_WHY_MAX = 900 };

/* A file whose tensors can be had in any order; one of the two is set. */
struct lm_file {
    char *name; /* for messages, NULL if the path given was this file */
    struct ts_reader *ts;
    struct torchfile *torch;
    size_t n; /* tensors */
};

struct lm_source {
    char *config; /* the text of config.json */
    size_t n_config;
    char *history; /* NULL: none */
    struct lm_file *file;
    size_t n_file;
    json_t *where;            /* of shards with an index: the file's name for each tensor's; else NULL */
    struct ts_reader *stream; /* instead of files: to be read as it comes */
};

/* Opens path into s, which lm_source_clear releases whatever the outcome: 0; -1 with a reason in why. */
int lm_source_open(struct lm_source *s, const char *path, int n_thread, char why[LM_SOURCE_WHY_MAX]);
void lm_source_clear(struct lm_source *s);

/* Tensor i of a file, without data; and its data, until lm_source_clear: *owned is what the caller must free,
 * or NULL. lm_source_release gives the pages of n bytes of such data back to the system. */
const struct tensor *lm_source_tensor(const struct lm_file *f, size_t i);
const void *lm_source_data(const struct lm_file *f, size_t i, void **owned);
void lm_source_release(const struct lm_file *f, const void *data, size_t n);

#endif
