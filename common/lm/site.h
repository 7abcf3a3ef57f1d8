/* site.h - where one can look into a decoder while it runs.  Layer: lm.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_SITE_H
#define LM_SITE_H
#include "lm/config.h"

/* Where one can look in, in the order in which they are computed. Rows are of d_model floats but for two. */
enum lm_site {
    LM_AT_EMBED,    /* what enters the first layer; layer is -1 */
    LM_AT_ATTN_IN,  /* input of the q, k, v projections: after the norm where that comes before */
    LM_AT_ATTN_MIX, /* [n_head * d_head] input of the attention's output projection */
    LM_AT_ATTN_OUT, /* what the attention adds to the residual stream */
    LM_AT_MLP_IN,   /* input of the MLP: after the norm where that comes before */
    LM_AT_MLP_ACT,  /* [d_ff] input of the down projection */
    LM_AT_MLP_OUT,  /* what the MLP adds to the residual stream */
    LM_AT_RESID, /* the residual stream behind the layer (which of bloom's reference code is the MLP's output)
                  */
    LM_AT_FINAL, /* what the head multiplies: after the final norm and OPT-350m's projection; layer n_layer */
    LM_N_SITE
};
/* "mlp_act"; lm_site_find: -1 if there is none of that name. */
const char *lm_site_name(enum lm_site site);
int lm_site_find(const char *name);
/* Where the rows are that the matrix of a role multiplies; -1 if there is no such place. */
int lm_site_read_by(enum lm_role role);
/* How many numbers a row has there. */
size_t lm_site_width(const struct lm_config *c, enum lm_site site);

#endif
