#!/usr/bin/env bash
# sens over all layers at one bit width, with all of them together, against running each case whole: ppl --quant --only for
# every layer and for all, each of which runs the reference too, as one with the case up to its layer; and against as many runs
# of the model alone, without reference, KL divergence or quantising. Then all the text at three widths, by itself. MODEL_DIR is
# a model with few enough layers [the shipped one]; LINES of each language. SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
here=$PWD
# shellcheck source=tests/bench/lib.bash
. ./lib.bash
need ppl sens
THREADS=${THREADS:-2} LINES=${LINES:-12} REPEATS=${REPEATS:-3}
model=${MODEL_DIR:-$here/../../pipelines/data/models/bloom-style}
[[ -f $model/config.json ]] || skip "there is no model at $model"
text=()
for lang in eng tha hin fin; do
    head -n "$LINES" "$here/../../pipelines/data/udhr/eval/$lang.txt" >"$work/$lang.txt"
    text+=("$work/$lang.txt")
done
run="-q -m $model --threads $THREADS"
layers=$(sens -q -m "$model" --predict-only --quant bits=4 "${text[@]}" 2>/dev/null | cut -d, -f3 | grep -c '^[0-9]')
layers=$((layers / ${#text[@]}))

matrix="sens $run --no-predict --quant bits=4 ${text[*]}"
race "$matrix" "for ((l = 0; l < $layers; l++)); do ppl $run --quant bits=4 --only layer:\$l ${text[*]}; done; ppl $run --quant bits=4 ${text[*]}" "$REPEATS"
rate "all of $layers layers: each case and its reference whole" $((layers + 1)) cases/s
race "$matrix" "for ((l = 0; l <= $layers; l++)); do ppl $run ${text[*]}; done" "$REPEATS"
rate "all of $layers layers: as many runs of the model alone" $((layers + 1)) cases/s
race "$matrix" "sens $run --quant bits=4 ${text[*]}" "$REPEATS"
rate "with predictions beside it" $((layers + 1)) cases/s
# all that the shipped texts have, at three widths (WHOLE=no leaves it out); no peer
if [[ ${WHOLE:-yes} == yes && -f $model/languages.csv ]]; then
    all=()
    for lang in $(mlr --icsv --onidx cut -f lang "$model/languages.csv"); do
        all+=("$here/../../pipelines/data/udhr/eval/$lang.txt")
    done
    took=$(seconds "sens $run --quant bits=2 --quant bits=3 --quant bits=4 -o $work/all.csv ${all[*]}")
    [[ -s $work/all.csv ]] || { echo "sens: it did not come to its end" >&2; exit 1; }
    echo "sens,all of $layers layers at 3 widths in ${#all[@]} languages,$took,,s,"
fi
