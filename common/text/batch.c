/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/batch.h"

enum { MAX_LINES = 4096, MAX_BYTES = 1 << 20 };

size_t batch_read(struct batch *b, struct linein *in)
{
    char *line;
    size_t n;
    b->n = b->text.n = 0;
    b->first = linein_number(in) + 1;
    strbuf_text(&b->text);
    while (b->n < MAX_LINES && b->text.n < MAX_BYTES && linein_next_utf8(in, &line, &n)) {
        strbuf_add(&b->text, line, n);
        if (b->keep_feeds && linein_had_feed(in))
            strbuf_char(&b->text, '\n');
        xgrow(&b->end, &b->room, b->n + 1, sizeof *b->end);
        b->end[b->n++] = b->text.n;
    }
    return b->n;
}

void batch_clear(struct batch *b)
{
    strbuf_clear(&b->text);
    free(b->end);
    *b = (struct batch){ 0 };
}

char *batch_lang(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strchr(name + (*name == '.'), '.');
    return dot ? xstrndup(name, (size_t)(dot - name)) : xstrdup(name);
}
