/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/trial.h"
#include "base/mem.h"
#include "base/msg.h"
#include "cli/cli.h"
#include "lm/pieces.h"
#include "quant/matrix.h"
#include "weights/choice.h"
#include "weights/recipefile.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- SPECs */

/* Cuts recipe=FILE out of a SPEC: FILE, which the caller frees; NULL if it is not there. */
static char *cut_recipe(char *text)
{
    size_t n;
    const char *file = cli_value_of(text, "recipe", &n);
    if (!file)
        return NULL;
    char *path = xstrndup(file, n), *word = text + (file - text) - strlen("recipe="),
         *end = text + (file - text) + n;
    if (*end)
        end++; /* the comma behind it, or else the one before */
    else if (word > text)
        word--;
    memmove(word, end, strlen(end) + 1);
    return path;
}

static void read_one(const char *text, int may_be_recipe, struct trial *t)
{
    char why[QUANT_WHY_MAX], *words = xstrdup(text);
    t->recipe_path = cut_recipe(words);
    quant_spec_init(&t->usual);
    if (t->recipe_path && !*t->recipe_path)
        die_usage("--quant: '%s': recipe= names no file", text);
    if (t->recipe_path && !may_be_recipe)
        die_usage("--quant: '%s': a recipe is for all of a model, not for its parts", text);
    if ((!t->recipe_path || *words) && quant_spec_parse(&t->usual, words, why) < 0)
        die_usage("--quant: %s", why);
    if (t->recipe_path)
        t->recipe = recipefile_read(t->recipe_path, 0);
    t->says_bits = !strncmp(words, "bits=", 5) || strstr(words, ",bits=");
    free(words);
}

void trial_read(struct trials *t, char *const *texts, int may_be_recipes)
{
    choice_check_items("only", t->only);
    choice_check_items("skip", t->skip);
    for (t->n = 0, t->each = NULL; texts[t->n]; t->n++) {
        t->each = xrealloc(t->each, t->n + 1, sizeof *t->each);
        t->each[t->n] = (struct trial){ .of = t };
        read_one(texts[t->n], may_be_recipes, &t->each[t->n]);
        for (size_t k = 0; k < t->n; k++)
            if (!strcmp(texts[k], texts[t->n]))
                die_usage("--quant: '%s' is given twice", texts[k]);
    }
}

void trial_clear(struct trials *t)
{
    for (size_t k = 0; k < t->n; k++) {
        quant_recipe_free(t->each[k].recipe);
        free(t->each[k].recipe_path);
    }
    free(t->each);
    free(t->only_used);
    free(t->skip_used);
    *t = (struct trials){ .n = 0 };
}

/* ---- matrices */

static struct pick_subject subject_of(const struct lm_place *p, const char *name)
{
    return (struct pick_subject){ name, p->layer, lm_role_name(p->role) };
}

static int is_meant(const struct trials *t, const struct pick_subject *s, int asked)
{
    return !pick_any(t->skip, s) && pick_only(t->only, s) &&
           (s->layer >= 0 || asked || pick_exactly(t->only, s));
}

/* The same of a matrix of the model, which is noted. */
static int meet(struct trials *t, const struct pick_subject *s, int asked)
{
    int meant = is_meant(t, s, asked);
    pick_note(t->only, s, &t->only_used);
    pick_note(t->skip, s, &t->skip_used);
    t->had_any |= meant;
    return meant;
}

int trial_wants(struct trials *t, const struct lm_place *p, const char *name)
{
    struct pick_subject subject = subject_of(p, name);
    return meet(t, &subject, 0);
}

/* The SPEC of a matrix; returns whether its recipe asks for it by its whole role or name. */
static int spec_of(const struct trial *t, const struct pick_subject *s, struct quant_spec *spec)
{
    int asked = 0;
    *spec = t->usual;
    if (t->recipe)
        quant_recipe_apply(t->recipe, s, spec, &asked);
    return asked;
}

/* The same where it is quantised: 1; else 0. */
static int is_changed(const struct trial *t, const struct pick_subject *s, struct quant_spec *spec)
{
    int asked = spec_of(t, s, spec);
    return is_meant(t->of, s, asked) && spec->bits < 16;
}

/* The number, from 1, of the first trial that does the same to a matrix as this one; 0 if this leaves it. */
static size_t way(void *ctx, const struct lm_place *p, const char *name)
{
    const struct trial *own = ctx, *t = own->of->each;
    struct pick_subject subject = subject_of(p, name);
    struct quant_spec spec;
    char text[QUANT_TEXT_MAX], other[QUANT_TEXT_MAX];
    meet(own->of, &subject, spec_of(own, &subject, &spec));
    if (!is_changed(own, &subject, &spec))
        return 0;
    quant_spec_text(&spec, text);
    while (t < own && (!is_changed(t, &subject, &spec) || strcmp(text, quant_spec_text(&spec, other)) != 0))
        t++;
    return (size_t)(t - own->of->each) + 1;
}

int trial_apply(const struct trial *t, const struct lm_place *p, const char *name, enum tensor_dtype dtype,
                float *w, size_t rows, size_t cols, struct quant_stats *stats, char why[LM_WHY_MAX])
{
    struct pick_subject subject = subject_of(p, name);
    struct quant_spec spec;
    size_t bad_row = 0;
    spec_of(t, &subject, &spec);
    quant_spec_resolve(&spec, quant_scale_own(tensor_dtype_name(dtype)));
    int status = quant_matrix(&spec, w, rows, cols, t->of->n_thread, stats, NULL, &bad_row);
    if (status < 0)
        snprintf(why, LM_WHY_MAX, "row %zu: %s", bad_row, quant_why(status));
    return status;
}

static int change(void *ctx, const struct lm_place *p, const char *name, enum tensor_dtype dtype, float *w,
                  size_t n_out, size_t n_in, char why[LM_WHY_MAX])
{
    return trial_apply(ctx, p, name, dtype, w, n_out, n_in, NULL, why);
}

struct lm_model *trial_model(struct trials *t, struct lm_checkpoint *c, enum gemm_precision precision,
                             int n_thread, int keep)
{
    struct lm_change *changes = xnew(t->n, sizeof *changes);
    for (size_t k = 0; k < t->n; k++)
        changes[k] = (struct lm_change){ way, change, &t->each[k] };
    struct lm_model *m = lm_model_new(c, precision, n_thread, changes, t->n, keep);
    free(changes);
    return m;
}

/* ---- what is for another model */

void trial_check(struct trials *t, const char *path)
{
    if (t->checked || !t->n)
        return;
    for (size_t k = 0; k < t->n; k++)
        if (t->each[k].recipe)
            recipefile_check_used(t->each[k].recipe, t->each[k].recipe_path);
    if (!t->had_any)
        die("%s: no tensor was chosen", path);
    choice_warn_items("only", t->only, t->only_used);
    choice_warn_items("skip", t->skip, t->skip_used);
    t->checked = 1;
}

static int try_matrix(void *ctx, const struct lm_place *p, const char *name)
{
    return way(ctx, p, name) != 0;
}

struct unnamed {
    const struct trial *t;
    size_t n;
    char *first;
};

static int note_unnamed(void *ctx, const struct lm_place *p, const char *name)
{
    struct unnamed *u = ctx;
    struct pick_subject subject = subject_of(p, name);
    if (is_meant(u->t->of, &subject, 0) && !quant_recipe_has(u->t->recipe, &subject) && !u->n++)
        u->first = xstrdup(name);
    return 0;
}

static void warn_of_unnamed(const struct trial *t, const struct lm_checkpoint *c)
{
    struct unnamed u = { .t = t };
    if (!t->recipe || t->says_bits || t->usual.bits == 16)
        return;
    lm_pieces_free(lm_pieces_new(c, LM_BY_NOTHING, note_unnamed, &u));
    recipefile_warn_unnamed(t->recipe_path, u.n, u.first, t->usual.bits);
    free(u.first);
}

void trial_try(struct trials *t, const struct lm_checkpoint *c)
{
    for (size_t k = 0; k < t->n; k++)
        if (lm_checkpoint_is_ordered(c))
            lm_pieces_free(lm_pieces_new(c, LM_BY_NOTHING, try_matrix, &t->each[k]));
    if (lm_checkpoint_is_ordered(c))
        trial_check(t, lm_checkpoint_path(c));
    for (size_t k = 0; k < t->n; k++)
        warn_of_unnamed(&t->each[k], c);
}
