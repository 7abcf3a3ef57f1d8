/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text/regex.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/onig.h"
#include <stdint.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { JIT_STACK_MIN = 32 << 10, JIT_STACK_MAX = 16 << 20, MATCH_LIMIT = 10000000 };

struct regex {
    pcre2_code *code;
};

struct regex_work {
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

static void *need(void *p)
{
    if (!p)
        mem_out();
    return p;
}

struct regex_work *regex_work_new(void)
{
    struct regex_work *w = xcalloc(1, sizeof *w);
    w->match = need(pcre2_match_data_create(1, NULL));
    w->context = need(pcre2_match_context_create(NULL));
    w->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL); /* NULL without JIT */
    pcre2_set_match_limit(w->context, MATCH_LIMIT);
    if (w->stack)
        pcre2_jit_stack_assign(w->context, NULL, w->stack);
    return w;
}

void regex_work_free(struct regex_work *w)
{
    if (!w)
        return;
    pcre2_match_data_free(w->match);
    pcre2_match_context_free(w->context);
    pcre2_jit_stack_free(w->stack);
    free(w);
}

struct regex *regex_new(const char *pattern, size_t n, char **why)
{
    struct strbuf translated = { 0 };
    const char *reason;
    if (onig_translate(pattern, n, &translated, &reason) < 0) {
        *why = xsprintf("the pattern '%.*s' is not supported: %s", (int)(n < 200 ? n : 200), pattern, reason);
        strbuf_clear(&translated);
        return NULL;
    }
    pcre2_compile_context *context = need(pcre2_compile_context_create(NULL));
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
    int error;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)strbuf_text(&translated), translated.n,
                                     PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C,
                                     &error, &at, context);
    pcre2_compile_context_free(context);
    strbuf_clear(&translated);
    if (!code) {
        PCRE2_UCHAR text[120];
        pcre2_get_error_message(error, text, sizeof text);
        *why = xsprintf("the pattern '%.*s' is not supported: %s", (int)(n < 200 ? n : 200), pattern,
                        (const char *)text);
        return NULL;
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where there is no JIT the interpreter serves */
    struct regex *r = xmalloc(sizeof *r);
    r->code = code;
    return r;
}

void regex_free(struct regex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    free(r);
}

/* The first match from m->from on; returns as regex_next. */
static int find(const struct regex_matches *m, size_t *start, size_t *end)
{
    int got = pcre2_match(m->regex->code, (PCRE2_SPTR)m->s, m->n, m->from, PCRE2_NO_UTF_CHECK, m->work->match,
                          m->work->context);
    if (got == PCRE2_ERROR_NOMATCH)
        return 0;
    if (got < 0)
        return -1;
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(m->work->match);
    *start = range[0];
    *end = range[1];
    return range[1] < range[0] ? -1 : 1;
}

struct regex_matches regex_matches(const struct regex *r, struct regex_work *w, const char *s, size_t n)
{
    return (struct regex_matches){ r, w, s, n, 0, SIZE_MAX };
}

int regex_next(struct regex_matches *m, size_t *start, size_t *end)
{
    while (m->from <= m->n && m->n) {
        int got = find(m, start, end);
        if (got <= 0)
            return got;
        m->from = *end;
        if (*start == *end) {
            size_t bytes = 1;
            if (*end < m->n)
                utf8_decode(m->s + *end, &bytes);
            m->from += bytes;
            if (*end == m->last_end)
                continue;
        }
        m->last_end = *end;
        return 1;
    }
    return 0;
}
