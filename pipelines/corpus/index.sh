#!/usr/bin/env bash
# index.sh DIR STEM... < languages.csv: the languages with what DIR/html, DIR/lines.csv and DIR/eval know of each.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
dir=$1
shift
attribute() { sed -nE "s/^<html .*$1=\"([a-z]+)\".*/\1/p" "$dir/html/$stem.html"; }

echo stem,iso639_3,study_code,name,script,direction,aligned,paragraphs,units,bytes,chars,sha256
while IFS=, read -r stem study_code name script; do
    [[ " $* " == *" $stem "* ]] || continue
    text=$dir/eval/$stem.txt
    # aligned: line i says the same as line i of the English files; units: what the language shares with English
    read -r aligned units < <(awk -F, -v s="$stem" '
        { what = $2 "," $3 "," $4 "," $5 }
        NR == FNR { if ($1 == "eng") { english[what]; n++ } next }
        $1 == s { m++; alike += what in english; if ($2 == "eval" && $5 != "" && !seen[$5]++) units++ }
        END { print m == n && alike == n ? "yes" : "no", units }' "$dir/lines.csv" "$dir/lines.csv")
    echo "$stem,$(attribute data-iso6393),$study_code,$name,$script,$(attribute dir),$aligned,$(wc -l <"$text"),$units,$(
        wc -c <"$text"),$(tr -d '\200-\277' <"$text" | wc -c),$(sha256sum <"$text" | cut -c1-64)"
done
