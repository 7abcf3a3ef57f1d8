/* A config.json of any bytes is read or refused, and what is read is consistent: every place of the model has
 * a shape, a role and a name, in the order of a forward pass, and its name leads back to it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/config.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check(int ok)
{
    if (!ok)
        abort();
}

static void check_place(const struct lm_config *c, const struct lm_place *p)
{
    size_t shape[2] = { 0, 0 };
    struct lm_place found;
    int n_dim = lm_config_shape(c, p, shape);
    check(n_dim == 1 || n_dim == 2);
    check(shape[0] > 0 && (n_dim == 1 || shape[1] > 0));
    char *name = lm_place_text(c->family, p);
    check(name && lm_place_find(c->family, name, &found) == 1);
    check(found.role == p->role && found.layer == p->layer && found.is_bias == p->is_bias);
    check(lm_config_needs(c, p) || p->role == LM_HEAD);
    free(name);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char why[LM_WHY_MAX] = "";
    struct lm_config c;
    struct lm_place p = { LM_EMBED, -1, 0 };
    if (lm_config_parse((const char *)data, size, &c, why) < 0) {
        check(*why && strlen(why) < LM_WHY_MAX);
        return 0;
    }
    check(c.family && c.n_layer > 0 && c.d_model && c.d_ff && c.d_embed && c.vocab_size);
    check(c.n_head && c.n_kv_head && c.d_head && c.n_head % c.n_kv_head == 0 && c.n_rotary <= c.d_head);
    int layer = -1;
    do {
        check(p.layer < 0 || p.layer == layer || p.layer == layer + 1);
        if (p.layer >= 0)
            layer = p.layer;
        if (p.layer < 3 || p.layer == c.n_layer - 1) /* there may be thousands */
            check_place(&c, &p);
    } while (lm_config_next_place(&c, &p));
    check(layer == c.n_layer - 1);
    return 0;
}
