/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/pieces.h"
#include "base/fnv.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum lm_pieces_kind lm_pieces_kind(const char *name)
{
    static const char *const names[] = { "layer", "role", "matrix" };
    int kind = LM_BY_LAYER;
    while (kind < LM_BY_NOTHING && strcmp(name, names[kind]) != 0)
        kind++;
    return (enum lm_pieces_kind)kind;
}

size_t lm_pieces_slot(int layer, int role)
{
    return (size_t)(layer + 1) * LM_N_ROLE + (size_t)role;
}

int lm_pieces_has(const struct lm_pieces *p, size_t i, const struct lm_matrix *m)
{
    const struct lm_piece *piece = &p->piece[i];
    return m->chosen && (piece->layer < 0 || piece->layer == m->layer) &&
           (piece->role < 0 || piece->role == m->role);
}

uint64_t lm_pieces_fingerprint(const struct lm_pieces *p, size_t i)
{
    uint64_t h = FNV_START;
    for (size_t k = 0; k < p->n_matrix; k++) {
        const struct lm_matrix *m = &p->matrix[k];
        if (!lm_pieces_has(p, i, m))
            continue;
        h = fnv_add(h, &m->layer, sizeof m->layer);
        h = fnv_add(h, &m->role, sizeof m->role);
    }
    return h;
}

/* The name of the tensor at a place; the caller frees it. */
static char *name_at(const struct lm_checkpoint *c, const struct lm_place *place)
{
    struct tensor t;
    if (lm_checkpoint_is_ordered(c) && lm_checkpoint_describe(c, place, &t))
        return xstrdup(t.name);
    return lm_place_text(lm_checkpoint_config(c)->family, place);
}

static void add_piece(struct lm_pieces *p, enum lm_pieces_kind kind, const struct lm_matrix *m)
{
    int layer = kind == LM_BY_ROLE ? -1 : m->layer,
        role = kind == LM_BY_LAYER && m->layer >= 0 ? -1 : m->role;
    for (size_t i = 0; i < p->n; i++)
        if (p->piece[i].layer == layer && p->piece[i].role == role)
            return;
    const char *role_name = role < 0 ? "" : lm_role_name((enum lm_role)role);
    char *name = layer < 0  ? xstrdup(role_name)
                 : role < 0 ? xsprintf("%d", layer)
                            : xsprintf("%d.%s", layer, role_name);
    p->piece[p->n++] = (struct lm_piece){ name, layer, role };
}

struct lm_pieces *lm_pieces_new(const struct lm_checkpoint *c, enum lm_pieces_kind kind,
                                int (*wants)(void *ctx, const struct lm_place *p, const char *name),
                                void *ctx)
{
    struct lm_pieces *p = xcalloc(1, sizeof *p);
    struct lm_place place = { LM_EMBED, -1, 0 };
    p->config = lm_checkpoint_config(c);
    p->n_matrix = ((size_t)p->config->n_layer + 1) * LM_N_ROLE;
    p->matrix = xcalloc(p->n_matrix, sizeof *p->matrix);
    p->piece = xnew(p->n_matrix + 1, sizeof *p->piece);
    do {
        size_t shape[2];
        if (place.is_bias || !lm_config_needs(p->config, &place) ||
            lm_config_shape(p->config, &place, shape) != 2)
            continue;
        char *name = name_at(c, &place);
        int turned = place.layer >= 0 && p->config->family->weights_in_out, role = (int)place.role;
        p->matrix[lm_pieces_slot(place.layer, role)] =
            (struct lm_matrix){ place.layer, role, shape[turned], shape[!turned], wants(ctx, &place, name) };
        free(name);
    } while (lm_config_next_place(p->config, &place));
    for (size_t i = LM_N_ROLE; i < p->n_matrix + LM_N_ROLE; i++) { /* what is outside the layers last */
        const struct lm_matrix *m = &p->matrix[i % p->n_matrix];
        if (m->chosen && kind != LM_BY_NOTHING)
            add_piece(p, kind, m);
    }
    p->piece[p->n] = (struct lm_piece){ xstrdup("all"), -1, -1 };
    return p;
}

void lm_pieces_free(struct lm_pieces *p)
{
    if (!p)
        return;
    for (size_t i = 0; i <= p->n; i++)
        free(p->piece[i].name);
    free(p->piece);
    free(p->matrix);
    free(p);
}

struct lm_twin *lm_pieces_twins(const struct lm_pieces *p, size_t n_way, size_t *n)
{
    struct lm_twin *twin = xnew(n_way * (LM_N_ROLE + 1), sizeof *twin);
    *n = 0;
    for (int role = -1; role < LM_N_ROLE; role++)
        for (size_t way = 0; way < n_way; way++)
            if (role < 0 || p->matrix[lm_pieces_slot(-1, role)].chosen)
                twin[(*n)++] = (struct lm_twin){ way, role };
    return twin;
}

static size_t variant_of(const struct lm_pieces *p, size_t way, int role, size_t n_way)
{
    size_t n, i = 0;
    struct lm_twin *twin = lm_pieces_twins(p, n_way, &n);
    while (twin[i].way != way || twin[i].role != role)
        i++;
    free(twin);
    return i + 1;
}

struct lm_case lm_pieces_case(const struct lm_pieces *p, size_t i, size_t way, size_t n_way)
{
    const struct lm_piece *piece = &p->piece[i];
    int is_outside = piece->role >= 0 && !lm_role_in_layer((enum lm_role)piece->role);
    struct lm_case c = { 0, 0, piece->layer, piece->role, p->config->n_layer };
    if (!is_outside)
        c.variant = variant_of(p, way, -1, n_way);
    if (is_outside || i == p->n)
        c.outside = variant_of(p, way, piece->role, n_way);
    for (size_t k = 0; k < p->n_matrix; k++) {
        const struct lm_matrix *m = &p->matrix[k];
        int from = m->layer >= 0 ? m->layer : m->role < LM_ATTN_NORM ? -1 : p->config->n_layer;
        if (lm_pieces_has(p, i, m) && from < c.from)
            c.from = from;
    }
    return c;
}
