/* regex.h - a compiled pattern and its matches in a text.  Layer: text.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TEXT_REGEX_H
#define TEXT_REGEX_H
#include <stddef.h>

struct regex;

/* Room to match in, one for each thread; it serves every regex. */
struct regex_work;
struct regex_work *regex_work_new(void);
void regex_work_free(struct regex_work *w);

/* A regular expression in Oniguruma's syntax (see onig.h). NULL and a reason in *why, which the caller frees,
 * when it is not supported. */
struct regex *regex_new(const char *pattern, size_t n, char **why);
void regex_free(struct regex *r);

/* All matches in s[0..n-1] (UTF-8), from the left; an empty one right behind the match before it is passed
 * over, as Oniguruma's iterator does, and an empty text has none, as in the reference. regex_next: 1, and
 * where the next one starts and ends; 0 if there is none; -1 when the search takes too many steps. */
struct regex_matches {
    const struct regex *regex;
    struct regex_work *work;
    const char *s;
    size_t n, from, last_end;
};
struct regex_matches regex_matches(const struct regex *r, struct regex_work *w, const char *s, size_t n);
int regex_next(struct regex_matches *m, size_t *start, size_t *end);

#endif
