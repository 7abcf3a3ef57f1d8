/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/trial.h"
#include "base/mem.h"
#include "base/msg.h"
#include "quant/matrix.h"
#include "quant/pick.h"
#include "weights/recipefile.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- SPECs */

/* Cuts recipe=FILE out of a SPEC: FILE, which the caller frees; NULL if it is not there. */
static char *cut_recipe(char *text)
{
    static const char key[] = "recipe=";
    char *word = text, *path = NULL;
    while (word && strncmp(word, key, sizeof key - 1) != 0)
        word = strchr(word, ',') ? strchr(word, ',') + 1 : NULL;
    if (!word)
        return NULL;
    char *end = word + strcspn(word, ",");
    path = xstrdup(word + sizeof key - 1);
    path[strcspn(path, ",")] = 0;
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
    *t = (struct trial){ .recipe_path = cut_recipe(words) };
    quant_spec_init(&t->usual);
    if (t->recipe_path && !*t->recipe_path)
        die_usage("--quant: '%s': recipe= names no file", text);
    if (t->recipe_path && !may_be_recipe)
        die_usage("--quant: '%s': a recipe is for all of a model, not for its parts", text);
    if ((!t->recipe_path || *words) && quant_spec_parse(&t->usual, words, why) < 0)
        die_usage("--quant: %s", why);
    if (t->recipe_path)
        t->recipe = recipefile_read(t->recipe_path);
    free(words);
}

size_t trial_read(char *const *texts, int may_be_recipes, struct trial **trial)
{
    size_t n = 0;
    for (*trial = NULL; texts[n]; n++) {
        *trial = xrealloc(*trial, n + 1, sizeof **trial);
        read_one(texts[n], may_be_recipes, &(*trial)[n]);
        for (size_t k = 0; k < n; k++)
            if (!strcmp(texts[k], texts[n]))
                die_usage("--quant: '%s' is given twice", texts[k]);
    }
    return n;
}

void trial_free(struct trial *trial, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        quant_recipe_free(trial[k].recipe);
        free(trial[k].recipe_path);
    }
    free(trial);
}

void trial_check_recipe(const struct trial *t)
{
    if (t->recipe)
        recipefile_check_used(t->recipe, t->recipe_path);
}

/* ---- matrices */

void trial_check_lists(const struct trial_lists *lists)
{
    const char *bad = pick_wrong(lists->only) ? pick_wrong(lists->only) : pick_wrong(lists->skip);
    if (bad)
        die_usage("'%s' is neither a pattern for names nor layer:N, layer:N-M or role:ROLE", bad);
}

static struct pick_subject subject_of(const struct lm_place *p, const char *name)
{
    return (struct pick_subject){ name, p->layer, lm_role_name(p->role) };
}

static int is_meant(const struct trial_lists *lists, const struct pick_subject *s, int asked)
{
    if (pick_any(lists->skip, s) || (lists->only && !pick_only(lists->only, s)))
        return 0;
    return s->layer >= 0 || asked || (lists->only && pick_exactly(lists->only, s));
}

int trial_wants(const struct trial_lists *lists, const struct lm_place *p, const char *name)
{
    struct pick_subject subject = subject_of(p, name);
    return is_meant(lists, &subject, 0);
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
static int is_changed(const struct trial_lists *lists, const struct trial *t, const struct pick_subject *s,
                      struct quant_spec *spec)
{
    int asked = spec_of(t, s, spec);
    return is_meant(lists, s, asked) && spec->bits < 16;
}

size_t trial_way(const struct trial_lists *lists, const struct trial *trial, size_t k,
                 const struct lm_place *p, const char *name)
{
    struct pick_subject subject = subject_of(p, name);
    struct quant_spec own, other;
    char text[QUANT_TEXT_MAX], other_text[QUANT_TEXT_MAX];
    if (!is_changed(lists, &trial[k], &subject, &own))
        return 0;
    quant_spec_text(&own, text);
    for (size_t i = 0; i < k; i++)
        if (is_changed(lists, &trial[i], &subject, &other) &&
            !strcmp(text, quant_spec_text(&other, other_text)))
            return i + 1;
    return k + 1;
}

int trial_apply(const struct trial *t, const struct lm_place *p, const char *name, enum tensor_dtype dtype,
                float *w, size_t rows, size_t cols, int n_thread, struct quant_stats *stats,
                char why[LM_WHY_MAX])
{
    struct pick_subject subject = subject_of(p, name);
    struct quant_spec spec;
    size_t bad_row = 0;
    spec_of(t, &subject, &spec);
    quant_spec_resolve(&spec, quant_scale_own(tensor_dtype_name(dtype)));
    int status = quant_matrix(&spec, w, rows, cols, n_thread, stats, NULL, &bad_row);
    if (status < 0)
        snprintf(why, LM_WHY_MAX, "row %zu: %s", bad_row, quant_why(status));
    return status;
}
