#!/usr/bin/env bash
# extract.sh SOURCE CODE DIR: what the package unpacked in DIR says in the language that it calls CODE, one text a line.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
source=$1 code=$2 dir=$3
how=$(dirname "$0")

# files FIND-TEST...: in an order that does not depend on the disk
files() {
    find "$dir" -type f "$@" -print0 | sort -z >"$list"
    [[ -s $list ]] || echo "text: $source: nothing for '$code' in ${dir##*/}" >&2
}
# messages: of the .mo files listed; msgunfmt warns of form feeds, which clean.awk drops
messages() {
    xargs -0r -n 1 msgunfmt --no-wrap <"$list" 2> >(grep -v 'should not contain the' >&2) | awk -f "$how/messages.awk"
}
list=$(mktemp)
trap 'rm -f "$list"' EXIT

case $source in
descriptions)
    files -name descriptions
    xargs -0r cat <"$list" | awk -f "$how/descriptions.awk"
    ;;
help)
    files -path '*/text/*.html'
    xargs -0r cat <"$list" | awk -f "$how/pages.awk"
    ;;
gnome)
    files -path "*/share/help/$code/*.page"
    xargs -0r cat <"$list" | awk -f "$how/pages.awk"
    ;;
office) # a package for each language
    files -path '*/LC_MESSAGES/*.mo'
    messages
    ;;
vlc)
    files -path "*/$code/LC_MESSAGES/*.mo"
    messages
    ;;
wordpress)
    files '(' -name "$code.mo" -o -name "*-$code.mo" ')'
    messages
    ;;
firefox)
    files -name '*.xpi'
    # 11: one of the two kinds is not there
    xargs -0r -n 1 sh -c 'unzip -p "$0" "*.ftl" "*.properties" || [ $? = 11 ]' <"$list" | awk -f "$how/fluent.awk"
    ;;
mediawiki)
    files -path "*/i18n/*" -name "$code.json"
    xargs -0r jq -r 'to_entries[] | select(.key != "@metadata") | .value | strings' <"$list" | sed -f "$how/wiki.sed"
    ;;
dasher)
    files -name "training_$code.txt"
    xargs -0r cat <"$list"
    ;;
*)
    echo "extract.sh: unknown source '$source'" >&2
    exit 2
    ;;
esac
