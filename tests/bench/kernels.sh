#!/usr/bin/env bash
# The row kernels of the decoder against loops over libm, one thread, 4096 numbers in cache, best of eleven: Gelem/s.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
make -s -C ../.. bin/unit/kernels
../../bin/unit/kernels time
