#!/usr/bin/env bash
# make bench: runs tests/bench/TOPIC.sh for the topics named, or all. Each prints lines topic,what,ours,peer,unit,ratio:
# medians of alternating runs; ratio is how many times better ours is. A topic without its peer says so and is skipped.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
cd "$(dirname "$0")"
export PATH="${BIN:-$PWD/../../bin}:$PATH" LC_ALL=C
if (($# == 0)); then
    for script in *.sh; do
        [[ $script == run.sh ]] || set -- "$@" "${script%.sh}"
    done
fi
echo topic,what,ours,peer,unit,ratio
for topic; do
    bash "$topic.sh"
done
