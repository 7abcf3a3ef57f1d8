/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/choice.h"
#include "base/mem.h"
#include "base/msg.h"
#include "quant/pack.h"
#include <stdlib.h>
#include <string.h>

void choice_rules_clear(struct choice_rules *r)
{
    quant_recipe_free(r->recipe);
    free(r->only_used);
    free(r->skip_used);
    free(r->unnamed);
    *r = (struct choice_rules){ .recipe = NULL };
}

void choice_check_items(const char *option, char *const *list)
{
    if (pick_wrong(list))
        die_usage("--%s: '%s' is not a pattern, layer:N, layer:N-M or role:ROLE", option, pick_wrong(list));
    for (; list && *list; list++)
        if (!strncmp(*list, "role:", 5) && !strpbrk(*list, "*?[") && lm_role_find(*list + 5) < 0)
            die_usage("--%s: there is no role '%s'", option, *list + 5);
}

void choice_warn_items(const char *option, char *const *list, const char *used)
{
    for (size_t i = 0; list && list[i]; i++)
        if (!used[i])
            warn("--%s: no tensor is '%s'", option, list[i]);
}

void choice_warn_unused(const struct choice_rules *r)
{
    choice_warn_items("only", r->only, r->only_used);
    choice_warn_items("skip", r->skip, r->skip_used);
    if ((r->embed && !r->had_embed) || (r->head && !r->had_head))
        warn("--%s: there is none of its own in the stream", r->embed && !r->had_embed ? "embed" : "head");
}

/* What t is: fills subject, place, linear and in_out. Returns whether it is quantised without being asked
 * for. */
static int look_up(struct choice_rules *rules, const struct lm_family *family, const struct tensor *t,
                   struct choice *c)
{
    const struct lm_family *f = family ? family : lm_family_guess(t->name);
    struct lm_place p = { .layer = -1 };
    int got = f ? lm_place_find(f, t->name, &p) : -1;
    c->subject = (struct pick_subject){ t->name, -1, NULL };
    c->place = (struct lm_place){ .role = LM_N_ROLE, .layer = -1 };
    if (got <= 0)
        return !f && t->n_dim >= 2;
    c->place = p;
    c->subject.layer = p.layer;
    c->subject.role = p.is_bias ? NULL : lm_role_name(p.role);
    rules->had_embed |= p.role == LM_EMBED;
    rules->had_head |= p.role == LM_HEAD;
    c->linear = lm_role_is_linear(p.role) && !p.is_bias && t->n_dim == 2;
    c->in_out = f->weights_in_out && c->linear && p.layer >= 0;
    if (p.is_bias)
        return 0;
    return p.role == LM_EMBED ? rules->embed : p.role == LM_HEAD ? rules->head : c->linear && p.layer >= 0;
}

/* Ends the program if a matrix cannot be packed. */
static void check_pack(const struct tensor *t, struct choice *c)
{
    static const char suffix[] = ".weight";
    size_t n = strlen(t->name);
    const char *why = pack_refuses(&c->spec, c->cols);
    if (c->in_out)
        why = "it is stored [in][out] (Conv1D), for which compressed-tensors has no layer";
    else if (!c->linear || n < sizeof suffix || strcmp(t->name + n - (sizeof suffix - 1), suffix) != 0)
        why = "it is not the weight of a linear layer";
    else if (t->dtype == TENSOR_F64)
        why = "it is F64";
    if (why)
        die("'%s': cannot be packed: %s", t->name, why);
    c->spec.scale = QUANT_SCALE_SAME;
}

void choice_note_unnamed(struct choice_rules *r, const struct choice *c)
{
    if (r->recipe && c->quantise && !c->has_row && !r->n_unnamed++)
        r->unnamed = xstrdup(c->subject.name);
}

void choice_make(struct choice_rules *r, const struct lm_family *f, const struct tensor *t, struct choice *c)
{
    int is_float = t->dtype == TENSOR_F64 || t->dtype == TENSOR_F32 || t->dtype == TENSOR_F16 ||
                   t->dtype == TENSOR_BF16;
    int asked = 0;
    *c = (struct choice){ .spec = r->usual };
    int wanted = look_up(r, f, t, c);
    pick_note(r->only, &c->subject, &r->only_used);
    pick_note(r->skip, &c->subject, &r->skip_used);
    if (!is_float || !t->n || !t->n_dim)
        return;
    if (r->recipe)
        c->has_row = quant_recipe_apply(r->recipe, &c->subject, &c->spec, &asked);
    wanted |= asked || pick_exactly(r->only, &c->subject);
    if (!wanted || !pick_only(r->only, &c->subject) || pick_any(r->skip, &c->subject))
        return;
    r->n_done++;
    c->quantise = c->spec.bits < 16;
    c->cols = t->shape[c->in_out ? 0 : t->n_dim - 1];
    c->rows = t->n / c->cols;
    if (r->pack && c->quantise)
        check_pack(t, c);
    quant_spec_resolve(&c->spec, quant_scale_own(t->dtype_name));
}
