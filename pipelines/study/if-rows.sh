#!/usr/bin/env bash
# if-rows.sh HEADER COMMAND...: COMMAND on the table from standard input or, where that has no row, HEADER alone
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
header=$1
shift
table=$(mktemp)
trap 'rm -f "$table"' EXIT
cat > "$table"
if [ "$(head -n 2 "$table" | wc -l)" -lt 2 ]; then
    echo "$header"
else
    "$@" < "$table"
fi
