/* torchpickle.h - the table of contents of a pytorch_model.bin, read without running anything.  Layer: lm.
 * It is a pickle (protocol 2) of a dict of names to tensors. A pickle is a program, so only what torch.save
 * needs for such a dict is understood, and everything else refused: 25 opcodes; collections.OrderedDict,
 * torch._utils._rebuild_tensor_v2 and the names of torch's storages; persistent ids of storages.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_TORCHPICKLE_H
#define LM_TORCHPICKLE_H
#include "io/tensor.h"

enum { TORCH_WHY_MAX = 500 };

/* A view of a storage: element i, j, .. of the tensor is number offset + i * stride[0] + j * stride[1] + ..
 * of the storage, all inside it. Several tensors may be views of one storage. */
struct torch_view {
    struct tensor tensor; /* data is NULL; the name is owned */
    size_t offset, stride[TENSOR_MAX_DIM];
    size_t n_storage; /* elements */
    const char
        *key;     /* of the storage: its data are the archive's entry data/KEY; n_key bytes, borrowed from */
    size_t n_key; /* the pickle */
};

/* The tensors of the pickle bytes[0..n-1], in its order, into a new list, which torchpickle_free releases.
 * Returns 0; or -1 with a reason in why. */
int torchpickle_read(const void *bytes, size_t n, struct torch_view **list, size_t *n_list,
                     char why[TORCH_WHY_MAX]);
void torchpickle_free(struct torch_view *list, size_t n_list);

#endif
