/* num_parse_f64 agrees with strtod to the last bit, and num_text gives back what it was given.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/num.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* The same number, or both NaN; 0 and -0 differ. */
static int same(double a, double b)
{
    uint64_t bits_a, bits_b;
    memcpy(&bits_a, &a, sizeof a);
    memcpy(&bits_b, &b, sizeof b);
    return bits_a == bits_b || (a != a && b != b);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char text[64], out[NUM_TEXT_MAX], *end;
    double got, again;
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (num_parse_f64(text, &got) < 0)
        return 0;
    double wanted = strtod(text, &end);
    if (*end || !same(got, wanted))
        abort();
    if (num_parse_f64(num_text(got, out), &again) < 0 || !same(got, again))
        abort();
    return 0;
}
