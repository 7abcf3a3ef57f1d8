/* tensortext.h - tensors as text that people and other tools can read.  Layer: io.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IO_TENSORTEXT_H
#define IO_TENSORTEXT_H
#include "io/linein.h"
#include "io/tensor.h"

/* Reads numbers separated by blanks or commas ("nan" and "inf" count) into t, whose dtype_name
 * says as what. t->n_dim -1: the shape is the text's own, n for one number a line, else lines x numbers a
 * line; otherwise the shape is t's and must hold them all. Integers that do not fit the dtype are refused;
 * other numbers are rounded to nearest even. The data are the caller's to free. Ends the program on bad
 * input. */
void *tensortext_read(struct linein *l, struct tensor *t);

/* Element i of t as the shortest text that reads back as the same value (F16 and BF16: as a float), into
 * text, which is returned; NULL if the dtype is TENSOR_OTHER. */
enum { TENSORTEXT_MAX = 32 };
char *tensortext_element(const struct tensor *t, size_t i, char text[TENSORTEXT_MAX]);

#endif
