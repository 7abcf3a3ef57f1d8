#!/usr/bin/env bash
# baselines.sh LANG TRAIN VALID - bits that compressors need for a byte of VALID, by itself (gzip, xz, ppmd) and when they
# have read TRAIN before it (xz_trained, ppmd_trained: the size of both less that of TRAIN alone). A row of CSV with header.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
lang=$1 train=$2 valid=$3
command -v 7z >/dev/null || { echo "baselines.sh: 7z is not here: make deps-model" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

with_gzip() { gzip -9 -c | wc -c; }
with_xz() { xz -9e -c --lzma2=preset=9e,dict=128MiB | wc -c; }
with_ppmd() {
    rm -f "$work/out.7z"
    7z a -bd -bso0 -bsp0 -t7z -m0=PPMd:o=8:mem=512m -si "$work/out.7z"
    wc -c <"$work/out.7z"
}

bytes=$(wc -c <"$valid")
row=$lang,$bytes
for how in gzip xz ppmd; do
    row+=,$(awk -v n="$("with_$how" <"$valid")" -v b="$bytes" 'BEGIN { print 8 * n / b }')
done
for how in xz ppmd; do
    both=$(cat "$train" "$valid" | "with_$how")
    before=$("with_$how" <"$train")
    row+=,$(awk -v n=$((both - before)) -v b="$bytes" 'BEGIN { print 8 * n / b }')
done
echo lang,valid_bytes,gzip,xz,ppmd,xz_trained,ppmd_trained
echo "$row"
