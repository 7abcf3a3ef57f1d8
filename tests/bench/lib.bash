# What a benchmark may start from: a folder of its own, and two commands timed side by side.
# SPDX-License-Identifier: GPL-3.0-or-later

topic=${0##*/}
topic=${topic%.sh}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() { # WHY: leaves this topic out
    echo "$topic: skipped: $1" >&2
    exit 0
}

need() { # COMMAND...: skips the topic unless all are there
    for command in "$@"; do
        command -v "$command" >/dev/null || skip "$command is not installed"
    done
}

before= # a shell command that goes before each that is timed, and is not: to clear away what that will write

seconds() { # COMMAND: how long a shell command takes
    local TIMEFORMAT=%R
    bash -c "$before"
    { time bash -o pipefail -c "$1" >/dev/null 2>&1; } 2>&1
}

median() { # NUMBER...
    printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# race OURS PEER [REPEATS]: sets `ours` and `peer` to median seconds of the two shell commands, run in turn
race() {
    local a=() b=() i
    bash -o pipefail -c "$1" >/dev/null || { echo "$topic: failed: $1" >&2; exit 1; }
    bash -o pipefail -c "$2" >/dev/null || { echo "$topic: failed: $2" >&2; exit 1; }
    for ((i = 0; i < ${3:-5}; i++)); do
        a+=("$(seconds "$1")")
        b+=("$(seconds "$2")")
    done
    ours=$(median "${a[@]}")
    peer=$(median "${b[@]}")
}

# rate WHAT AMOUNT UNIT: a row of amount / seconds for the last race
rate() {
    awk -v t="$topic" -v w="$1" -v n="$2" -v u="$3" -v a="$ours" -v b="$peer" \
        'BEGIN { printf "%s,%s,%.3g,%.3g,%s,%.2f\n", t, w, n / a, n / b, u, b / a }'
}
