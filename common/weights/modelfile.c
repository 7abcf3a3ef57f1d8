/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/modelfile.h"
#include "base/msg.h"
#include <string.h>

struct lm_checkpoint *modelfile_open(const char *path, int n_thread)
{
    const char *why;
    struct lm_checkpoint *c = lm_checkpoint_open(path, n_thread, &why);
    if (!c)
        die("%s: %s", strcmp(path, "-") != 0 ? path : "standard input", why);
    return c;
}

void modelfile_warn(struct lm_checkpoint *c)
{
    const char *note;
    for (size_t i = 0; (note = lm_checkpoint_note(c, i)); i++)
        warn("%s: %s", lm_checkpoint_path(c), note);
}
