/* neurons.h - the neurons that each language activates most, and the weights that belong to them.  Layer: lm.
 *
 * Activations come as a tensor stream: frames that say their `lang`, tensors LAYER.SITE.MEASURE
 * ("3.mlp_act.absmean") with one value for each neuron of that site in that layer, as actdump's reductions
 * are. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_NEURONS_H
#define LM_NEURONS_H
#include "lm/family.h"
#include <stddef.h>

/* Takes "3.mlp_act.absmean" apart: 1, and the layer (-1: none, as in "final.absmean") and where the site
 * begins and how long it is; *measure is what follows its dot, "" if nothing does. 0 if name is not of that
 * kind. */
int lm_neurons_name(const char *name, int *layer, const char **site, size_t *site_len, const char **measure);

/* Which weights of a layer belong to the neurons of a site: of the matrix of that role the rows of its
 * outputs, the columns of its inputs, or none. Sites whose neurons own weights are those of LM_NEURONS_SITES.
 */
#define LM_NEURONS_SITES "attn_in attn_mix attn_out mlp_in mlp_act mlp_out resid"
enum lm_neurons_side { LM_NEURONS_NONE, LM_NEURONS_ROWS, LM_NEURONS_COLUMNS };
enum lm_neurons_side lm_neurons_side(const char *site, enum lm_role role);

/* The `top` neurons of largest value, for each language and layer of a stream; of equals the first. */
struct lm_neurons;
enum { LM_NEURONS_WHY_MAX = 600 };
/* Reads the stream at path. NULL and a reason in why: it cannot be read or is damaged, has no such site and
 * measure, a frame without language, a layer twice, less than `top` neurons in one, a value that is not
 * finite. */
struct lm_neurons *lm_neurons_read(const char *path, const char *site, const char *measure, size_t top,
                                   int n_thread, char why[LM_NEURONS_WHY_MAX]);
void lm_neurons_free(struct lm_neurons *n);
size_t lm_neurons_n_lang(const struct lm_neurons *n);
const char *lm_neurons_lang(const struct lm_neurons *n, size_t lang);

/* Those of a language in a layer, rising, [top]; *width is how many neurons there are to choose from. NULL if
 * the stream has not that layer of that language. */
const size_t *lm_neurons_top(const struct lm_neurons *n, size_t lang, int layer, size_t *width);

/* The last layer of any language. */
int lm_neurons_last_layer(const struct lm_neurons *n);

#endif
