# hash.awk - puts ten digits in front of each line that follow from its bytes and -v seed alone; under LC_ALL=C.
# SPDX-License-Identifier: GPL-3.0-or-later
# A polynomial in the bytes modulo the prime 2^31 - 1; every product is below 2^53, so any awk gives the same digits.
BEGIN {
    P = 2147483647
    B = 3141592
    for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i
}
{
    h = seed
    n = length($0)
    for (i = 1; i <= n; i++) h = (h * B + code[substr($0, i, 1)]) % P
    for (i = 0; i < 3; i++) h = (h * B + 1) % P              # the last byte, too, reaches the first digits
    printf "%010d\t%s\n", h, $0
}
