/* vector.h - one binary for every processor.  Layer: base.
 * VECTOR_CLONES before a function compiles it three times, for AVX-512, AVX2 and any processor; the first
 * call picks one. For plain loops that compilers vectorise; the results are the same, as nothing is
 * contracted. Such a function is static, behind a wrapper, and has its name to itself in all of common/:
 * Clang 14 gives what picks the clone the linkage of no file. SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_VECTOR_H
#define BASE_VECTOR_H

#if defined(__x86_64__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#endif
#ifndef VECTOR_CLONES
#define VECTOR_CLONES
#endif

#endif
