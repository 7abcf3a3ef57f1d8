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
        n_digit += n_digit || digit; /* not whether w > 0: 2^64 wraps to 0 */
        e -= point;
        any = 1;
        if (n_digit > 19 || e < -60)
            return -1;
    }
    if (!any)
        return -1;
    if ((*s | 32) == 'e') {
        int down = s[1] == '-', more = 0, i = 1 + (s[1] == '-' || s[1] == '+'), first = i;
        for (; i < first + 3 && (unsigned)s[i] - '0' <= 9; i++)
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

/* ---- floats as text */

/* Any decimal of 6 digits survives a float; 9 tell all floats apart. */
enum { LEAST_DIGITS = 6, MOST_DIGITS = 9 };

/* Powers of ten that a double holds exactly. */
static const double power10[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* v * 10^power, |power| <= 22, rounded once if v is a whole number. */
static double scaled(double v, int power)
{
    return power < 0 ? v / power10[-power] : v * power10[power];
}

/* The decimal digits, as a whole number of n of them, of the shortest text of v, 1e-12 <= v < 1e13, where the
 * first stands for 10^exponent. 0 if that is too close to call in double: one in a million. */
static int short_digits(double v, uint32_t *digits, int *exponent)
{
    int e = (int)floor(log10(v));
    e += e < 0 ? v >= 1 / power10[-e - 1] : v >= power10[e + 1]; /* log10 may be off at a power of ten, */
    e -= e < 0 ? v < 1 / power10[-e] : v < power10[e]; /* and no float lies between that and its double */
    if (e < -12 || e > 12)
        return 0;
    for (int n = LEAST_DIGITS; n <= MOST_DIGITS; n++) {
        double x = scaled(v, n - 1 - e), whole = rint(x), back = scaled(whole, e + 1 - n);
        uint64_t bits;
        memcpy(&bits, &back, sizeof bits);
        bits &= (1u << 29) - 1; /* what a float does not have */
        if (fabs(x - whole) > 0.4999 || bits == 1u << 28 || whole >= power10[n])
            return 0;
        if ((double)(float)back == v) {
            *digits = (uint32_t)whole;
            *exponent = e;
            return n;
        }
    }
    return 0;
}

static char *put(char *out, const char *from, int n)
{
    memcpy(out, from, (size_t)n);
    return out + n;
}

/* Writes digits[0..n-1], the first standing for 10^exponent, as printf's %.*g would with `precision`. */
static void put_decimal(char *out, const char *digits, int n, int exponent, int precision)
{
    int n_whole = exponent + 1; /* digits before the point */
    if (exponent < -4 || exponent >= precision) {
        out = put(out, digits, 1);
        if (n > 1)
            out = put(put(out, ".", 1), digits + 1, n - 1);
        *out++ = 'e';
        *out++ = exponent < 0 ? '-' : '+';
        *out++ = (char)('0' + abs(exponent) / 10);
        *out++ = (char)('0' + abs(exponent) % 10);
    } else if (exponent < 0) {
        out = put(put(put(out, "0.", 2), "000", -n_whole), digits, n);
    } else if (n <= n_whole) {
        out = put(put(out, digits, n), "00000000", n_whole - n);
    } else {
        out = put(put(put(out, digits, n_whole), ".", 1), digits + n_whole, n - n_whole);
    }
    *out = 0;
}

char *num_text_f32(float v, char buffer[NUM_TEXT_MAX])
{
    uint32_t whole;
    int exponent, n = 0;
    double size = fabs((double)v);
    if (!isfinite(v) || !size)
        return num_text((double)v, buffer);
    if (size >= 1e-12 && size < 1e13)
        n = short_digits(size, &whole, &exponent);
    if (n) {
        char digits[MOST_DIGITS];
        int precision = n;
        for (int i = n; i--; whole /= 10)
            digits[i] = (char)('0' + whole % 10);
        while (digits[n - 1] == '0')
            n--;
        buffer[0] = '-';
        put_decimal(buffer + (v < 0), digits, n, exponent, precision);
        return buffer;
    }
    for (n = LEAST_DIGITS; n <= MOST_DIGITS; n++) {
        snprintf(buffer, NUM_TEXT_MAX, "%.*g", n, (double)v);
        if (n == MOST_DIGITS || strtof(buffer, NULL) == v)
            break;
    }
    return buffer;
}
