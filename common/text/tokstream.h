/* tokstream.h - token streams: the ids of texts, a frame for each language.  Layer: text.
 * A frame has `__metadata__` kind=tokens, lang and vocab_size, and two tensors of I32: LANG.ids [n_id], and
 * LANG.offsets [n_line + 1], which start at 0: line i has the ids from offset i to offset i + 1. The tensors
 * alone tell this, as in a plain file that holds several languages. SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef TEXT_TOKSTREAM_H
#define TEXT_TOKSTREAM_H
#include "io/tstream.h"
#include <stdint.h>

/* The ids of a language; starts as all zeros. */
struct tokstream {
    char *lang; /* NULL until read */
    uint32_t *id;
    int32_t *offset; /* [n_line + 1], NULL when there is no line yet */
    size_t n_id, n_line, id_room, line_room;
};
void tokstream_clear(struct tokstream *s);

/* Forgets all lines; appends one: 0, or -1 when there are more ids or lines than an I32 counts. */
void tokstream_empty(struct tokstream *s);
int tokstream_add(struct tokstream *s, const uint32_t *id, size_t n);

/* Writes a frame. Ids are below vocab_size. Ends the program when it cannot be written. */
void tokstream_write(const struct tokstream *s, struct ts_writer *out, const char *lang, size_t vocab_size);

/* Reads the next language in place of what is there: 1; 0 at the end of the stream; or -1 and a reason in
 * *why, borrowed until the next call on `in`. */
int tokstream_read(struct tokstream *s, struct ts_reader *in, const char **why);

#endif
