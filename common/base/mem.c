/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_FROM = 8 << 20 };

static _Noreturn void out_of_memory(size_t n, size_t size)
{
    die("out of memory: cannot get %zu x %zu bytes", n, size);
}

void mem_out(void)
{
    die("out of memory");
}

int mem_mul(size_t a, size_t b, size_t *r)
{
    return __builtin_mul_overflow(a, b, r) ? -1 : 0;
}

int mem_add(size_t a, size_t b, size_t *r)
{
    return __builtin_add_overflow(a, b, r) ? -1 : 0;
}

void *xnew(size_t n, size_t size)
{
    size_t bytes;
    void *p = mem_mul(n, size, &bytes) < 0 ? NULL : malloc(bytes ? bytes : 1);
    if (!p)
        out_of_memory(n, size);
    return p;
}

void *xmalloc(size_t size)
{
    return xnew(1, size);
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p)
        out_of_memory(n, size);
    return p;
}

void *xrealloc(void *p, size_t n, size_t size)
{
    size_t bytes;
    p = mem_mul(n, size, &bytes) < 0 ? NULL : realloc(p, bytes ? bytes : 1);
    if (!p)
        out_of_memory(n, size);
    return p;
}

char *xstrndup(const char *s, size_t n)
{
    char *p = xmalloc(n + 1);
    memcpy(p, s, n);
    p[n] = 0;
    return p;
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xsprintf(const char *format, ...)
{
    char *s;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&s, format, ap);
    va_end(ap);
    if (n < 0)
        out_of_memory(1, strlen(format));
    return s;
}

void *xaligned(size_t n, size_t size)
{
    size_t bytes;
    void *p;
    if (mem_mul(n, size, &bytes) < 0 || bytes > SIZE_MAX / 2)
        out_of_memory(n, size);
    size_t align = bytes >= HUGE_FROM ? 2 << 20 : 64;
    if (posix_memalign(&p, align, bytes ? bytes : 1))
        out_of_memory(n, size);
#ifdef MADV_HUGEPAGE
    if (bytes >= HUGE_FROM)
        madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p;
}

void xgrow(void *p, size_t *room, size_t need, size_t size)
{
    if (need <= *room)
        return;
    size_t more = *room + *room / 2;
    *room = need > more ? need : more;
    void **slot = p;
    *slot = xrealloc(*slot, *room, size);
}
