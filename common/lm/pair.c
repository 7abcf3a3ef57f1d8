/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/pair.h"
#include <string.h>

static const char *const names[LM_N_PAIR] = { "vo", "norm-attn", "norm-mlp", "up-down" };

const char *lm_pair_name(enum lm_pair pair)
{
    return names[pair];
}

int lm_pair_find(const char *name)
{
    for (int i = 0; i < LM_N_PAIR; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

const char *lm_pair_refuses(const struct lm_config *c, enum lm_pair pair)
{
    int is_norm = pair == LM_PAIR_NORM_ATTN || pair == LM_PAIR_NORM_MLP;
    if (is_norm && c->norm_after)
        return "its norms stand behind the sums, so the residual stream goes on with what they write";
    if (is_norm && c->residual_is_normed)
        return "its residual stream goes on with what the norms write";
    if (pair == LM_PAIR_UP_DOWN && !c->family->gated && c->activation != LM_RELU)
        return "a GELU or SiLU between them bends what it is given by its size; a ReLU does not";
    return NULL;
}

size_t lm_pair_channels(const struct lm_config *c, enum lm_pair pair)
{
    return pair == LM_PAIR_VO ? c->n_kv_head * c->d_head : pair == LM_PAIR_UP_DOWN ? c->d_ff : c->d_model;
}

enum lm_pair_end lm_pair_end(const struct lm_config *c, enum lm_pair pair, const struct lm_place *p)
{
    enum lm_role writes[LM_N_PAIR] = { LM_ATTN_V, LM_ATTN_NORM, LM_MLP_NORM, LM_MLP_UP };
    enum lm_role r = p->role;
    int reads;
    if (c->family->qkv != LM_QKV_APART)
        writes[LM_PAIR_VO] = LM_ATTN_QKV;
    if (r == writes[pair])
        return LM_PAIR_WRITES;
    switch (pair) {
    case LM_PAIR_VO:
        reads = r == LM_ATTN_OUT;
        break;
    case LM_PAIR_NORM_ATTN:
        reads = r >= LM_ATTN_QKV && r <= LM_ATTN_V;
        break;
    case LM_PAIR_NORM_MLP:
        reads = r == LM_MLP_GATE || r == LM_MLP_UP;
        break;
    default:
        reads = r == LM_MLP_DOWN;
    }
    return reads && !p->is_bias ? LM_PAIR_READS : LM_PAIR_NEITHER;
}

long lm_pair_channel(const struct lm_config *c, enum lm_pair pair, const struct lm_place *p, size_t i)
{
    size_t d = c->d_head, head = i / d, at = i % d;
    if (pair != LM_PAIR_VO || p->role == LM_ATTN_V)
        return (long)i;
    if (p->role == LM_ATTN_OUT) /* heads of a group read the same values */
        return (long)(head / (c->n_head / c->n_kv_head) * d + at);
    if (c->family->qkv == LM_QKV_BY_HEAD)
        return head % 3 == 2 ? (long)(head / 3 * d + at) : -1;
    return head >= 2 * c->n_head ? (long)((head - 2 * c->n_head) * d + at) : -1;
}
