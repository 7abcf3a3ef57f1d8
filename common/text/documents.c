/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/documents.h"
#include <stdlib.h>
#include <string.h>

static void append(struct documents *d, const uint32_t *id, size_t n)
{
    xgrow(&d->id, &d->room, d->n + n, sizeof *d->id);
    for (size_t i = 0; i < n; i++)
        d->id[d->n++] = id[i];
}

/* Bytes of the text that the tokens stand for. */
static int count_bytes(struct documents *d, const struct tokenizer *t)
{
    struct tokenizer_work *w = tokenizer_work_new(t);
    struct strbuf text = { 0 };
    size_t bad;
    int status = tokenizer_decode(t, w, d->id, d->n, 1, &text, &bad);
    d->bytes = (double)text.n;
    strbuf_clear(&text);
    tokenizer_work_free(w);
    return status;
}

int documents_join(struct documents *d, const struct corpus *c, size_t lang, const struct tokenizer *t,
                   const uint32_t *separator, size_t n_separator)
{
    d->lang = xstrdup(c->lang[lang]);
    for (size_t i = 0; i < c->n_text; i++) {
        const struct corpus_text *x = &c->text[i];
        if (x->lang != lang || x->n == x->n_start)
            continue;
        if (!x->n_start)
            append(d, separator, n_separator);
        append(d, c->id + x->first, x->n);
        for (size_t k = 0; k < x->n; k++)
            d->bytes += c->bytes[x->first + k];
    }
    append(d, separator, n_separator);
    return d->bytes > 0 ? 0 : count_bytes(d, t);
}

void documents_clear(struct documents *d)
{
    free(d->lang);
    free(d->id);
    *d = (struct documents){ 0 };
}
