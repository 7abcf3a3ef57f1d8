/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/site.h"
#include <string.h>

static const char *const site_name[LM_N_SITE] = { "embed",   "attn_in", "attn_mix", "attn_out", "mlp_in",
                                                  "mlp_act", "mlp_out", "resid",    "final" };

const char *lm_site_name(enum lm_site site)
{
    return site_name[site];
}

int lm_site_find(const char *name)
{
    for (int s = 0; s < LM_N_SITE; s++)
        if (!strcmp(site_name[s], name))
            return s;
    return -1;
}

int lm_site_read_by(enum lm_role role)
{
    switch (role) {
    case LM_ATTN_QKV:
    case LM_ATTN_Q:
    case LM_ATTN_K:
    case LM_ATTN_V:
        return LM_AT_ATTN_IN;
    case LM_ATTN_OUT:
        return LM_AT_ATTN_MIX;
    case LM_MLP_GATE:
    case LM_MLP_UP:
        return LM_AT_MLP_IN;
    case LM_MLP_DOWN:
        return LM_AT_MLP_ACT;
    case LM_HEAD:
        return LM_AT_FINAL;
    default:
        return -1;
    }
}

size_t lm_site_width(const struct lm_config *c, enum lm_site site)
{
    switch (site) {
    case LM_AT_ATTN_MIX:
        return c->n_head * c->d_head;
    case LM_AT_MLP_ACT:
        return c->d_ff;
    case LM_AT_FINAL:
        return c->d_embed;
    default:
        return c->d_model;
    }
}
