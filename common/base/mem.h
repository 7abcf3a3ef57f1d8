/* mem.h - memory that is there or the program has ended.  Layer: base.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>

/* As malloc and its family, but they never return NULL: they end the program with a message. Sizes of arrays
 * are n * size, checked for overflow. xmalloc(0) is a pointer that free takes. */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xnew(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

/* Says that memory is out and ends the program: where a library was the one that asked for it. */
_Noreturn void mem_out(void);

/* A string made by printf; the caller frees it. */
char *xsprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* n * size bytes aligned to 64, for kernels; huge pages are asked for when the block is large, because first
 * touch of 4 KiB pages is slow. Free with free(). */
void *xaligned(size_t n, size_t size);

/* Makes room for at least `need` items of `size` bytes in *p, which holds *room; grows by half at least. */
void xgrow(void *p, size_t *room, size_t need, size_t size);

/* a * b, or a + b, into *r; -1 when it does not fit. */
int mem_mul(size_t a, size_t b, size_t *r);
int mem_add(size_t a, size_t b, size_t *r);

#endif
