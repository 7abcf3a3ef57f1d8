/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/run.h"

static int n_layer_of(const struct lm_run *run)
{
    return lm_model_config(run->model)->n_layer;
}

static void drop(struct lm_run *run, size_t n_run, int layer)
{
    for (size_t k = 0; k < n_run; k++)
        if (layer < n_layer_of(&run[k]))
            lm_model_drop(run[k].model, layer);
}

int lm_run_batch(struct lm_run *run, size_t n_run, const struct lm_text *t, const struct lm_tap *tap,
                 void (*layer_done)(int layer, int n_layer), size_t *bad)
{
    int n_layer = 0;
    for (size_t k = 0; k < n_run; k++)
        n_layer = n_layer_of(&run[k]) > n_layer ? n_layer_of(&run[k]) : n_layer;
    for (*bad = 0; *bad < n_run; ++*bad)
        if (lm_forward_embed(run[*bad].forward, run[*bad].model, run[*bad].variant, t, run[*bad].x,
                             tap ? &tap[*bad] : NULL) < 0)
            return -1;
    drop(run, n_run, -1);
    for (int layer = 0; layer < n_layer; layer++) {
        for (*bad = 0; *bad < n_run; ++*bad)
            if (layer < n_layer_of(&run[*bad]) &&
                lm_forward_layer(run[*bad].forward, run[*bad].model, run[*bad].variant, layer, t, run[*bad].x,
                                 tap ? &tap[*bad] : NULL) < 0)
                return -1;
        drop(run, n_run, layer);
        if (layer_done)
            layer_done(layer, n_layer);
    }
    for (*bad = 0; *bad < n_run; ++*bad)
        if (lm_forward_final(run[*bad].forward, run[*bad].model, run[*bad].variant, t, run[*bad].x,
                             run[*bad].x, tap ? &tap[*bad] : NULL) < 0)
            return -1;
    return 0;
}
