#!/usr/bin/env bash
# make check: runs the Bats files given and closes with "N passed, N failed" (", N skipped").
set -uo pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL # tests call make themselves, and its job server is not theirs
jobs=$(nproc 2>/dev/null || echo 2)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

bats --jobs "$jobs" --formatter tap "$@" | tee "$log"
status=${PIPESTATUS[0]}
failed=$(grep -c '^not ok' "$log")
skipped=$(grep -c '^ok.* # skip' "$log")
passed=$(($(grep -c '^ok' "$log") - skipped))
grep '^not ok' "$log"
if ((skipped)); then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
((passed > 0 && failed == 0 && status == 0))
