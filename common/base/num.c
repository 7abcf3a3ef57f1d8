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

int num_parse_f64(const char *s, double *v)
{
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
