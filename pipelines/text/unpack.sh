#!/usr/bin/env bash
# unpack.sh ROW.csv DIR: what holds text, of the package that fetch.sh wrote ROW.csv of, into DIR; checked first.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
IFS=, read -r package _ file bytes sha256 <"$1"
rm -rf "$2"
mkdir -p "$2"
[[ $file ]] || exit 0 # not offered by apt
file=$(dirname "$1")/$file
if [[ $(stat -c %s "$file") != "$bytes" ]] || ! sha256sum --check --status <<<"$sha256  $file"; then
    echo "text: $file: not the $bytes bytes that were fetched: remove it and $1, and make text fetches it again" >&2
    exit 1
fi
if [[ $package == Translation-* ]]; then
    cp "$file" "$2/descriptions"
else
    dpkg-deb -x "$file" "$2"
    find "$2" ! -type d ! -name '*.html' ! -name '*.page' ! -name '*.mo' ! -name '*.xpi' ! -name '*.json' ! -name 'training_*' -delete
fi
