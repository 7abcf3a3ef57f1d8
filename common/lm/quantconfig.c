/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lm/quantconfig.h"
#include "base/mem.h"
#include "lm/hfdir.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int same_scheme(const struct lm_quantised *a, const struct lm_quantised *b)
{
    return a->bits == b->bits && a->symmetric == b->symmetric && a->group == b->group;
}

/* "re:(.*[.])?h[.]0[.]mlp$": the module in the tree as loaded, which may have a prefix that the file has not,
 * or the other way round. */
static json_t *target(const struct lm_family *f, const char *module)
{
    for (const char *const *p = f->prefix; *p; p++)
        if (!strncmp(module, *p, strlen(*p))) {
            module += strlen(*p);
            break;
        }
    char *pattern = xmalloc(3 * strlen(module) + 16), *to = pattern;
    to += sprintf(to, "re:(.*[.])?");
    for (; *module; module++)
        to += sprintf(to, *module == '.' ? "[%c]" : "%c", *module);
    strcpy(to, "$");
    json_t *text = json_string(pattern);
    free(pattern);
    return text;
}

static json_t *scheme(const struct lm_quantised *m)
{
    json_t *group = m->group ? json_integer((json_int_t)m->group) : json_null();
    return json_pack("{s:i, s:s, s:b, s:s, s:o, s:b, s:n, s:s}", "num_bits", m->bits, "type", "int",
                     "symmetric", m->symmetric, "strategy", m->group ? "group" : "channel", "group_size",
                     group, "dynamic", 0, "actorder", "observer", "minmax");
}

/* The group of modules[first] and all like it. */
static json_t *group_like(const struct lm_family *f, const struct lm_quantised *modules, size_t n,
                          size_t first, int alone)
{
    json_t *targets = json_array();
    for (size_t i = first; i < n && !alone; i++)
        if (same_scheme(&modules[i], &modules[first]))
            json_array_append_new(targets, target(f, modules[i].module));
    if (alone)
        json_array_append_new(targets, json_string("Linear"));
    return json_pack("{s:o, s:o, s:n, s:n}", "targets", targets, "weights", scheme(&modules[first]),
                     "input_activations", "output_activations");
}

static json_t *groups_of(const struct lm_family *f, const struct lm_quantised *modules, size_t n)
{
    json_t *groups = json_object();
    char name[32];
    for (int pass = 0; pass < 2; pass++) { /* how many there are; then what they are */
        size_t n_group = json_object_size(groups);
        json_object_clear(groups);
        for (size_t i = 0; i < n; i++) {
            size_t first = 0;
            while (!same_scheme(&modules[first], &modules[i]))
                first++;
            if (first < i || !modules[i].bits)
                continue;
            snprintf(name, sizeof name, "group_%zu", json_object_size(groups));
            json_object_set_new(groups, name, group_like(f, modules, n, i, n_group == 1));
        }
    }
    return groups;
}

char *lm_quantconfig(const char *config, const char *dtype, const struct lm_quantised *modules, size_t n,
                     char why[LM_WHY_MAX])
{
    struct lm_config c;
    if (lm_config_parse(config, strlen(config), &c, why) < 0)
        return NULL;
    json_t *root = json_loads(config, 0, NULL), *ignored = json_array();
    if (json_object_get(root, "quantization_config")) {
        json_decref(root);
        json_decref(ignored);
        snprintf(why, LM_WHY_MAX, "config: it has a quantization_config already");
        return NULL;
    }
    const char *head = strcmp(c.family->model_type, "gpt_neox") ? "lm_head" : "embed_out";
    int head_too = 0;
    for (size_t i = 0; i < n; i++)
        if (modules[i].bits)
            head_too |= !strcmp(modules[i].module, head);
        else if (strcmp(modules[i].module, head) != 0)
            json_array_append_new(ignored, target(c.family, modules[i].module));
    if (!head_too)
        json_array_insert_new(ignored, 0, json_string(head));
    json_object_set_new(root, json_object_get(root, "dtype") ? "dtype" : "torch_dtype", json_string(dtype));
    json_object_set_new(root, "quantization_config",
                        json_pack("{s:s, s:s, s:s, s:o, s:o}", "quant_method", "compressed-tensors", "format",
                                  "pack-quantized", "quantization_status", "compressed", "ignore", ignored,
                                  "config_groups", groups_of(c.family, modules, n)));
    char *text = lm_hfdir_print(root);
    json_decref(root);
    return text;
}
