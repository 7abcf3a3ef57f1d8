/* num.h - numbers out of text and into it.  Layer: base.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_NUM_H
#define BASE_NUM_H
#include <stdint.h>

/* The whole of s as a decimal number (no blanks around it, no locale). Return 0; or -1, leaving *v alone,
 * when s is anything else or does not fit. num_parse_f64 takes what strtod takes in the C locale but no
 * hexadecimal; "nan" and "inf", with or without sign, in any case, count as numbers. */
int num_parse_i64(const char *s, int64_t *v);
int num_parse_u64(const char *s, uint64_t *v);
int num_parse_f64(const char *s, double *v);

/* The shortest decimal text that reads back to the same double ("0.1", "1e-05", "NaN", "-Inf"), in the
 * caller's buffer of NUM_TEXT_MAX bytes, which is returned. */
enum { NUM_TEXT_MAX = 32 };
char *num_text(double v, char buffer[NUM_TEXT_MAX]);
/* The same for a float: at most 9 digits, and a tenth of the time. */
char *num_text_f32(float v, char buffer[NUM_TEXT_MAX]);

#endif
