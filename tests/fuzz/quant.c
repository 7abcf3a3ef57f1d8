/* quant - a spec, a list of items and a recipe as text, and weights as bytes: nothing crashes, what comes out
 * is finite, the same for two threads, and the search finds what trying all finds. In: lines of spec, items,
 * recipe column, recipe field; then a byte that shapes the matrix, and floats. SPDX-License-Identifier:
 * GPL-3.0-or-later */
#include "quant/matrix.h"
#include "quant/recipe.h"
#include "quant/search.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { LINES = 4, MOST = 600 };

#define check(ok) check_at(ok, __LINE__)
static void check_at(int ok, int line)
{
    if (!ok && fprintf(stderr, "line %d\n", line))
        abort();
}

static void try_texts(char **line, struct quant_spec *spec)
{
    char why[QUANT_WHY_MAX], text[QUANT_TEXT_MAX], again[QUANT_TEXT_MAX], *list[] = { line[1], NULL };
    const struct pick_subject subject = { "h.3.mlp.dense_h_to_4h.weight", 3, "mlp_up" };
    struct quant_spec parsed;
    int asked;
    if (quant_spec_parse(spec, line[0], why) < 0)
        check(strlen(why) > 0);
    quant_spec_init(&parsed);
    check(!quant_spec_parse(&parsed, quant_spec_text(spec, text), why));
    check(!strcmp(text, quant_spec_text(&parsed, again)));
    if (!pick_wrong(list))
        check(pick_only(list, &subject) <= pick_any(list, &subject));
    struct quant_recipe *r = quant_recipe_new(0);
    quant_recipe_row(r, 2);
    if (quant_recipe_column(line[2]) && !quant_recipe_set(r, line[2], line[3], why))
        quant_recipe_apply(r, &subject, &parsed, &asked);
    quant_recipe_free(r);
}

static void try_search(const struct quant_spec *s, const float *w, size_t n, float lo, float hi)
{
    struct quant_search *search = quant_search_new();
    double least = INFINITY;
    int best = -1;
    lo = lo < 0 ? lo : 0;
    hi = hi > 0 ? hi : 0;
    int got = quant_search_best(search, s->grid, s->bits, QUANT_SCALE_F32, w, n, lo, hi, 1);
    for (int i = 0; i < QUANT_CANDIDATES; i++) {
        struct quant_cell c;
        double p = quant_search_shrink(search, i);
        if (quant_grid_fit(s->grid, s->bits, QUANT_SCALE_F32, (float)((double)lo * p),
                           (float)((double)hi * p), 1, &c) < 0)
            break;
        double e = quant_cell_error(&c, w, n) * (double)c.scale * (double)c.scale;
        if (e < least) {
            least = e;
            best = i;
        }
    }
    check(got == best || got == -1 || lo == hi);
    quant_search_free(search);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *line[LINES];
    float w[MOST], one[MOST], two[MOST], lo, hi;
    struct quant_spec spec;
    struct quant_stats stats;
    size_t at = 0, bad;
    for (int k = 0; k < LINES; k++) {
        const uint8_t *end = memchr(data + at, '\n', n - at);
        size_t length = end ? (size_t)(end - data) - at : n - at;
        line[k] = strndup((const char *)data + at, length);
        at += length + (end != NULL);
    }
    quant_spec_init(&spec);
    try_texts(line, &spec);
    for (int k = 0; k < LINES; k++)
        free(line[k]);
    size_t cols = at < n ? 1 + data[at++] : 1,
           count = (n - at) / sizeof *w < MOST ? (n - at) / sizeof *w : MOST;
    size_t rows = count / cols;
    count = rows * cols;
    memcpy(w, data + at, count * sizeof *w);
    memcpy(one, w, count * sizeof *w);
    memcpy(two, w, count * sizeof *w);
    int status = quant_matrix(&spec, one, rows, cols, 1, &stats, NULL, &bad);
    check(status == quant_matrix(&spec, two, rows, cols, 2, &stats, NULL, &bad));
    check(status < 0 || !memcmp(one, two, count * sizeof *w));
    for (size_t i = 0; i < count && !status && spec.bits < 16; i++)
        check(isfinite(one[i]));
    if (count && spec.bits < 16 && quant_range(w, count, &lo, &hi) == 0 && hi < 1e15F && lo > -1e15F &&
        (hi > 1e-10F || lo < -1e-10F))
        try_search(&spec, w, count, lo, hi);
    return 0;
}
