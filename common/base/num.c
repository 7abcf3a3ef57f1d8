/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/num.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int num_parse_i64(const char *s, int64_t *v)
{
    if (!isdigit((unsigned char)s[s[0] == '-' || s[0] == '+']))
        return -1;
    char *end;
    errno = 0;
    long long n = strtoll(s, &end, 10);
    if (errno || *end)
        return -1;
    *v = n;
    return 0;
}

int num_parse_u64(const char *s, uint64_t *v)
{
    if (!isdigit((unsigned char)s[0]))
        return -1;
    char *end;
    errno = 0;
    unsigned long long n = strtoull(s, &end, 10);
    if (errno || *end)
        return -1;
    *v = n;
    return 0;
}

/* w * 10^e rounded to nearest even, for w > 0 and |e| <= 27, so that 5^|e| fits a word. The quotient or
 * product is kept to at least 64 bits, its last bit set if anything is left behind it: converting that to
 * double rounds once, and right. */
__extension__ typedef unsigned __int128 wide;
static double scale_by_ten(uint64_t w, int e)
{
    /* clang-format off */
    static const uint64_t power_of_5[] = {
        0x1, 0x5, 0x19, 0x7d, 0x271, 0xc35, 0x3d09, 0x1312d, 0x5f5e1, 0x1dcd65, 0x9502f9, 0x2e90edd,
        0xe8d4a51, 0x48c27395, 0x16bcc41e9, 0x71afd498d, 0x2386f26fc1, 0xb1a2bc2ec5, 0x3782dace9d9,
        0x1158e460913d, 0x56bc75e2d631, 0x1b1ae4d6e2ef5, 0x878678326eac9, 0x2a5a058fc295ed,
        0xd3c21bcecceda1, 0x422ca8b0a00a425, 0x14adf4b7320334b9, 0x6765c793fa10079d,
    };
    /* clang-format on */
    uint64_t five = power_of_5[abs(e)];
    int shift = e;
    wide q, rest = 0;
    if (e < 0) {
        int up = __builtin_clzll(w), level = __builtin_clzll(five);
        wide above = (wide)(w << up) << 64;
        five <<= level;
        q = above / five;
        rest = above - q * five;
        shift += level - up - 64;
    } else {
        q = (wide)w * five;
    }
    uint64_t over = (uint64_t)(q >> 64);
    if (over) {
        int drop = 64 - __builtin_clzll(over);
        rest |= q << (128 - drop);
        q >>= drop;
        shift += drop;
    }
    uint64_t scale_bits = (uint64_t)(1023 + shift) << 52; /* 2^shift, which is well inside the range */
    double scale;
    memcpy(&scale, &scale_bits, sizeof scale);
    return (double)((uint64_t)q | (rest != 0)) * scale;
}

/* The plain decimals that most files hold, [-]digits[.digits][e[+-]digits] with at most 19 digits that count
 * and a small exponent, in a third of strtod's time. Returns -1 for everything else. */
static int parse_plain(const char *s, double *v)
{
    int negative = *s == '-', n_digit = 0, any = 0, e = 0;
    uint64_t w = 0;
    s += negative;
    for (int point = 0;; s++) {
        if (*s == '.' && !point) {
            point = 1;
            continue;
        }
        unsigned digit = (unsigned)*s - '0';
        if (digit > 9)
            break;
        w = w * 10 + digit;
        n_digit += w > 0;
        e -= point;
        any = 1;
        if (n_digit > 19 || e < -60)
            return -1;
    }
    if (!any)
        return -1;
    if ((*s | 32) == 'e') {
        int down = s[1] == '-', more = 0, i = 1 + (s[1] == '-' || s[1] == '+'), first = i;
        for (; (unsigned)s[i] - '0' <= 9 && i < first + 3; i++)
            more = more * 10 + (s[i] - '0');
        if (i == first)
            return -1;
        e += down ? -more : more;
        s += i;
    }
    if (*s || e < -27 || e > 27)
        return -1;
    double x = w ? scale_by_ten(w, e) : 0;
    *v = negative ? -x : x;
    return 0;
}

int num_parse_f64(const char *s, double *v)
{
    if (!parse_plain(s, v))
        return 0;
    const char *digits = s + (*s == '-' || *s == '+');
    if (!*digits || isspace((unsigned char)*digits) || (digits[0] == '0' && (digits[1] | 32) == 'x') ||
        strchr(digits, '('))
        return -1;
    char *end;
    double x = strtod(s, &end);
    if (*end)
        return -1;
    if (isinf(x) && (*digits | 32) != 'i')
        return -1; /* 1e999 */
    *v = x;
    return 0;
}

char *num_text(double v, char buffer[NUM_TEXT_MAX])
{
    if (isnan(v))
        return strcpy(buffer, "NaN");
    if (isinf(v))
        return strcpy(buffer, v < 0 ? "-Inf" : "Inf");
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buffer, NUM_TEXT_MAX, "%.*g", digits, v);
        if (digits == 17 || strtod(buffer, NULL) == v)
            break;
    }
    return buffer;
}
