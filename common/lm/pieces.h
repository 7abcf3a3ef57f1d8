/* pieces.h - the parts of a model that can be changed by themselves.  Layer: lm.
 * A part is some of the matrices that were chosen: a layer, a role in all layers, a role of a layer. A matrix
 * outside the layers (embedding, head) is always a part of its own. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#ifndef LM_PIECES_H
#define LM_PIECES_H
#include "lm/branch.h"
#include "lm/checkpoint.h"
#include <stdint.h>

struct lm_matrix {
    int layer, role;   /* layer -1: outside the layers */
    size_t rows, cols; /* outputs, inputs */
    int chosen;
};

struct lm_piece {
    char *name;      /* "3", "mlp_up", "3.mlp_up"; "all" */
    int layer, role; /* -1: any; what is outside the layers has a role and no layer */
};

struct lm_pieces {
    const struct lm_config *config;
    struct lm_matrix *matrix; /* [n_matrix], not all being there: see lm_pieces_slot */
    size_t n_matrix;
    struct lm_piece *piece; /* [n + 1], the last one being all that were chosen */
    size_t n;
};

enum lm_pieces_kind { LM_BY_LAYER, LM_BY_ROLE, LM_BY_MATRIX, LM_BY_NOTHING };
#define LM_PIECES_KINDS "layer role matrix all"
enum lm_pieces_kind lm_pieces_kind(const char *name); /* one of these */

/* wants(ctx, ...) says which matrices are chosen, by name as well, that of the checkpoint or, in a stream, as
 * published. */
struct lm_pieces *lm_pieces_new(const struct lm_checkpoint *c, enum lm_pieces_kind kind,
                                int (*wants)(void *ctx, const struct lm_place *p, const char *name),
                                void *ctx);
void lm_pieces_free(struct lm_pieces *p);

/* Where matrix[] has a place, layer -1 being outside the layers; whether a matrix is of piece i. */
size_t lm_pieces_slot(int layer, int role);
int lm_pieces_has(const struct lm_pieces *p, size_t i, const struct lm_matrix *m);
/* A number that tells which matrices piece i has: where others are chosen, one of its name may have others.
 */
uint64_t lm_pieces_fingerprint(const struct lm_pieces *p, size_t i);

/* A variant of the model: all that were chosen, changed in one way; or, role not being -1, the only one of
 * that role outside the layers. Those of n_way ways, the first n_way being of all: *n of them, the caller
 * frees them. Variant i + 1 of the model is to be the i-th. */
struct lm_twin {
    size_t way;
    int role;
};
struct lm_twin *lm_pieces_twins(const struct lm_pieces *p, size_t n_way, size_t *n);
/* How the model runs with piece i changed in a way. */
struct lm_case lm_pieces_case(const struct lm_pieces *p, size_t i, size_t way, size_t n_way);

#endif
