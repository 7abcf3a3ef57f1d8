/* overlap.h - is the text that a model is tuned on also the text that it is judged by?  Layer: weights.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef WEIGHTS_OVERLAP_H
#define WEIGHTS_OVERLAP_H

#include <stddef.h>
#include <stdint.h>

/* Lines, each known by a number; blanks at their ends do not count, nor do blank lines. Starts as all zeros.
 */
struct overlap {
    uint64_t *line;
    size_t n, room;
};
void overlap_clear(struct overlap *o);

/* A line; those of a file, unless it is a token stream. Ends the program when the file cannot be read. */
void overlap_add(struct overlap *o, const char *line, size_t n);
void overlap_add_file(struct overlap *o, const char *path);

/* The numbers as text that can be kept, which the caller frees; adds those of such a text: 0, or -1 if it is
 * none. */
char *overlap_text(struct overlap *o);
int overlap_add_text(struct overlap *o, const char *text);

/* Counts the lines of the files `tests`, NULL-ended, that are there, and if there are any warns how many of
 * how many, and of the first. */
void overlap_warn(struct overlap *o, char *const *tests);

#endif
