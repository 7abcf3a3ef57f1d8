#!/usr/bin/env bash
# make diagnose of the shipped model, or MODEL_DIR, at 3 bits: the whole page, with no peer (WHOLE=no leaves it out); and the page
# on LINES of LANGS against the numbers it needs one by one: ppl for each layer at each width, for each width, for each recipe and
# for GPTQ, each of which runs the reference too. SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
here=$PWD
# shellcheck source=tests/bench/lib.bash
. ./lib.bash
need ppl sens wquant mlr make
THREADS=${THREADS:-2} LINES=${LINES:-12} REPEATS=${REPEATS:-1}
root=$(realpath "$here/../..")
model=$(realpath "${MODEL_DIR:-$root/pipelines/data/models/bloom-style}")
[[ -f $model/config.json ]] || skip "there is no model at $model"
unset MAKEFLAGS MAKELEVEL
mkdir "$work/text"
langs=${LANGS:-eng tha hin fin}
for lang in $langs; do
    head -n "$LINES" "$root/pipelines/data/udhr/eval/$lang.txt" >"$work/text/$lang.txt"
done

# page DIR KNOB=VALUE...: the shell command that makes it, all of it
page() {
    local dir=$work/$1
    shift
    echo "rm -rf $dir; make -s -C $root -f pipelines/diagnose.mk MODEL=$model BITS=3 THREADS=$THREADS DIR=$dir $*"
}
if [[ ${WHOLE:-yes} == yes ]]; then
    whole=$(seconds "$(page whole)")
    [[ -f $work/whole/page.html ]] || { echo "$topic: no page was made" >&2; exit 1; }
    awk -v t="$topic" -v s="$whole" 'BEGIN { printf "%s,the whole page,%.3g,,s,\n", t, s }'
fi

small=$(page small "TEXT=$work/text STEMS='$langs'")
bash -c "$small" >/dev/null 2>&1 || { echo "$topic: no page was made" >&2; exit 1; }
n=$(mlr --icsv --onidx filter '$part != "all"' then count-distinct -f part "$work/small/sens.csv" | wc -l)
run="ppl -q -m $model --threads $THREADS --quant"
alone="for bits in 2 3 4; do for ((l = 0; l < $n; l++)); do $run bits=\$bits --only layer:\$l $work/small/choose/*.txt; done; $run bits=\$bits $work/text/*.txt; done
  for recipe in $work/small/recipe-*.csv; do $run recipe=\$recipe $work/small/judge/*.txt; done
  ppl -q -m $work/small/gptq.t --against $model -t $model --threads $THREADS $work/small/judge/*.txt"
# the peer needs what the page leaves
race "$small" "$alone" "$REPEATS"
rate "the page's cases one by one" $((3 * n + 3 + $(find "$work/small" -name 'recipe-*.csv' | wc -l) + 1)) cases/s
