#!/usr/bin/env bash
# draw.sh FORMAT SCRIPT.gp NAME=VALUE... > FIGURE: one figure as svg, pdf or png, in the shared style; equal numbers give
# equal bytes. SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
format=$1 script=$2
shift 2
set_variables="format='$format'"
for pair in "$@"; do set_variables+="; ${pair%%=*}='${pair#*=}'"; done

case $format in
pdf) mend='s/^( *\/CreationDate \(D:)[0-9]{14}/\119481210000000/' ;; # cairo writes the time of day
svg) # viewers drop a space beside markup, and may not have the font (Verdana is as wide)
    mend='s/<text>/<text xml:space="preserve">/; s/"DejaVu Sans"/"DejaVu Sans, Verdana, sans-serif"/g' ;;
*) mend= ;;
esac
LC_ALL=C.UTF-8 gnuplot -e "$set_variables" "${BASH_SOURCE%/*}/style.gp" "$script" | sed -E "$mend"
