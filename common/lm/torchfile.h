/* torchfile.h - the tensors of a pytorch_model.bin.  Layer: lm.
 * A zip archive of stored entries (what torch.save writes since PyTorch 1.6): a pickle that names the tensors
 * and the storages they are views of, and the storages. Nothing in it is executed; see torchpickle.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_TORCHFILE_H
#define LM_TORCHFILE_H
#include "io/bytein.h"
#include "io/tensor.h"

struct torchfile;

/* Whether these first bytes of a file are of one that torch.save wrote, whichever way. */
int torchfile_is_magic(const void *head, size_t n);

/* Reads the table of contents of `in`, which it takes over, success or not. NULL and a reason (static until
 * the next call); errno is then 0 if the file could be read but is bad. */
struct torchfile *torchfile_open(struct bytein *in, const char **why);

/* How many tensors, in the order of the pickle; a description, without data, of tensor i. */
size_t torchfile_n(const struct torchfile *f);
const struct tensor *torchfile_tensor(const struct torchfile *f, size_t i);

/* The data of tensor i, row-major, until torchfile_close: where they lie in the mapped file, *owned NULL; or,
 * of a view whose elements do not lie side by side, put together in *owned, which the caller frees.
 * torchfile_release gives the pages of such data back to the system; they may be looked at again. */
const void *torchfile_data(const struct torchfile *f, size_t i, void **owned);
void torchfile_release(const struct torchfile *f, const void *data, size_t n);
void torchfile_close(struct torchfile *f);

#endif
