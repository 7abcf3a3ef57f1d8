/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/glob.h"
#include <fnmatch.h>
#include <stddef.h>

static int matches(char *const *globs, const char *name)
{
    for (; globs && *globs; globs++)
        if (!fnmatch(*globs, name, 0))
            return 1;
    return 0;
}

int glob_selects(char *const *only, char *const *skip, const char *name)
{
    return (!only || matches(only, name)) && !matches(skip, name);
}
