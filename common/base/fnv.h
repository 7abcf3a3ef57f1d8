/* fnv.h - FNV-1a, 64 bits: a number that tells bytes apart, the same on every machine.  Layer: base.
 * Fowler, Noll & Vo (RFC 9923). A byte at a time: for names and lines, not for tensors (tensor_checksum).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_FNV_H
#define BASE_FNV_H
#include <stddef.h>
#include <stdint.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)

/* The number of what came before, FNV_START if nothing did, with n bytes more. */
static inline uint64_t fnv_add(uint64_t h, const void *data, size_t n)
{
    for (const unsigned char *p = data, *end = p + n; p < end; p++)
        h = (h ^ *p) * UINT64_C(0x100000001b3);
    return h;
}

#endif
