/* num_parse_f64 agrees with strtod to the last bit, and num_text gives back what it was given.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/num.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

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
    if (*end || (wanted == wanted && memcmp(&got, &wanted, sizeof got) != 0))
        abort();
    if (num_parse_f64(num_text(got, out), &again) < 0 ||
        (got == got && memcmp(&got, &again, sizeof got) != 0))
        abort();
    return 0;
}
