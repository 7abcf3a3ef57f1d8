/* glob.h - names chosen by shell patterns.  Layer: base.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

/* What --only and --skip say of a name: whether it matches one of `only` (NULL: any will do) and none of
 * `skip` (NULL: none). Both are NULL-ended lists of patterns as "*.mlp.*". */
int glob_selects(char *const *only, char *const *skip, const char *name);

#endif
