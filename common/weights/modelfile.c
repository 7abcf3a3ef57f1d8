/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/modelfile.h"
#include "base/msg.h"
#include "lm/windows.h"
#include <string.h>

void modelfile_check(const char *path, char *const *files)
{
    if (!path)
        die_usage("no model is given (-m)");
    for (; files && *files; files++)
        if (!strcmp(*files, "-") && !strcmp(path, "-"))
            die_usage("the model is standard input already: name a file of text or tokens");
}

void modelfile_check_text(const char *path, const char *tokenizer_path, char *const *files)
{
    modelfile_check(path, files);
    if (!tokenizer_path && !strcmp(path, "-"))
        die_usage("a model from standard input needs --tokenizer");
}

struct lm_checkpoint *modelfile_open(const char *path, int n_thread)
{
    const char *why;
    struct lm_checkpoint *c = lm_checkpoint_open(path, n_thread, &why);
    if (!c)
        die("%s: %s", strcmp(path, "-") != 0 ? path : "standard input", why);
    return c;
}

struct tokenizer *modelfile_tokenizer(const char *path)
{
    char *why;
    struct tokenizer *t = tokenizer_load(path, &why);
    if (!t)
        die("%s: %s", path, why);
    return t;
}

enum gemm_precision modelfile_precision(const char *name)
{
    const char *why;
    if (gemm_load(&why) < 0)
        die("%s", why);
    return gemm_precision_of(name);
}

size_t modelfile_context(const struct lm_config *c, const char *path, int64_t wanted)
{
    size_t n = lm_windows_context(c, (size_t)wanted);
    if (!n)
        die("--context: %s has %zu positions", path, lm_forward_longest(c));
    return n;
}

size_t modelfile_stride(int64_t wanted, size_t context)
{
    if (wanted > (int64_t)context)
        die_usage("--stride: %lld is more than the context of %zu", (long long)wanted, context);
    return wanted ? (size_t)wanted : context;
}

void modelfile_warn(struct lm_checkpoint *c)
{
    const char *note;
    for (size_t i = 0; (note = lm_checkpoint_note(c, i)); i++)
        warn("%s: %s", lm_checkpoint_path(c), note);
}
