#!/usr/bin/env bash
# index.sh DIR STEM... < udhr/languages.csv: what DIR/train, DIR/valid and DIR/dropped have of each language.
# SPDX-License-Identifier: GPL-3.0-or-later
# share: of all bytes in train. evaluation_lines: dropped for what they share with the evaluation text; near_bytes: dropped
# from valid for what they share with train. A language of less than 1,000,000 bytes is warned of.
set -euo pipefail
cd "$1"
shift
# size FILE: lines,bytes,characters
size() { echo "$(wc -l <"$1"),$(wc -c <"$1"),$(tr -d '\200-\277' <"$1" | wc -c)"; }
sum() { sha256sum <"$1" | cut -c1-64; }

declare -A about
while IFS=, read -r stem iso639_3 _ name script _; do about[$stem]=$stem,$iso639_3,$name,$script; done
total=0
for stem; do total=$((total + $(wc -c <"train/$stem.txt"))); done
echo stem,iso639_3,name,script,share,lines,bytes,chars,valid_lines,valid_bytes,valid_chars,evaluation_lines,near_lines,near_bytes,train_sha256,valid_sha256
for stem; do
    bytes=$(wc -c <"train/$stem.txt")
    ((bytes >= 1000000)) || echo "text: $stem: only $bytes bytes to train on" >&2
    share=$(awk -v n="$bytes" -v total="$total" 'BEGIN { printf "%.6f", total ? n / total : 0 }')
    echo "${about[$stem]},$share,$(size "train/$stem.txt"),$(size "valid/$stem.txt"),$(wc -l <"dropped/evaluation-$stem.txt"),$(
        size "dropped/valid-$stem.txt" | cut -d, -f1,2),$(sum "train/$stem.txt"),$(sum "valid/$stem.txt")"
done
