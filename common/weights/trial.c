/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/trial.h"
#include "base/mem.h"
#include "base/msg.h"
#include "quant/matrix.h"
#include "quant/pick.h"
#include <stdio.h>
#include <string.h>

size_t trial_specs(char *const *texts, struct quant_spec **spec)
{
    char why[QUANT_WHY_MAX];
    size_t n = 0;
    for (*spec = NULL; texts[n]; n++) {
        *spec = xrealloc(*spec, n + 1, sizeof **spec);
        quant_spec_init(&(*spec)[n]);
        if (quant_spec_parse(&(*spec)[n], texts[n], why) < 0)
            die_usage("--quant: %s", why);
        for (size_t k = 0; k < n; k++)
            if (!strcmp(texts[k], texts[n]))
                die_usage("--quant: '%s' is given twice", texts[k]);
    }
    return n;
}

void trial_check_lists(char *const *only, char *const *skip)
{
    const char *bad = pick_wrong(only) ? pick_wrong(only) : pick_wrong(skip);
    if (bad)
        die_usage("'%s' is neither a pattern for names nor layer:N, layer:N-M or role:ROLE", bad);
}

int trial_wants(char *const *only, char *const *skip, const struct lm_place *p, const char *name)
{
    struct pick_subject subject = { name, p->layer, lm_role_name(p->role) };
    if (pick_any(skip, &subject) || (only && !pick_only(only, &subject)))
        return 0;
    return p->layer >= 0 || (only && pick_exactly(only, &subject));
}

int trial_apply(const struct quant_spec *spec, enum tensor_dtype dtype, float *w, size_t rows, size_t cols,
                int n_thread, struct quant_stats *stats, char why[LM_WHY_MAX])
{
    struct quant_spec own = *spec;
    size_t bad_row = 0;
    quant_spec_resolve(&own, quant_scale_own(tensor_dtype_name(dtype)));
    int status = quant_matrix(&own, w, rows, cols, n_thread, stats, NULL, &bad_row);
    if (status < 0)
        snprintf(why, LM_WHY_MAX, "row %zu: %s", bad_row, quant_why(status));
    return status;
}

static int wants(void *ctx, const struct lm_place *p, const char *name)
{
    const struct trial *t = ctx;
    return trial_wants(t->only, t->skip, p, name);
}

static int change(void *ctx, const struct lm_place *p, const char *name, enum tensor_dtype dtype, float *w,
                  size_t n_out, size_t n_in, char why[LM_WHY_MAX])
{
    const struct trial *t = ctx;
    (void)p;
    (void)name;
    return trial_apply(t->spec, dtype, w, n_out, n_in, t->n_thread, NULL, why);
}

struct lm_change trial_change(struct trial *t)
{
    return (struct lm_change){ wants, change, t };
}
