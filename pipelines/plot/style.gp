# style.gp - how all figures look; draw.sh loads it first. The same layout in svg, pdf and png.
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   eval canvas(900, 600)                        opens a page, width and height in CSS pixels
#   eval headline("The finding, in one sentence", "What is shown, of what, n = 14")
#   plot csv using "x":"y" with points @dots linecolor rgb blue title "..."

# Okabe & Ito's palette: told apart with any colour vision
black = "#000000"; orange = "#E69F00"; sky    = "#56B4E9"; green  = "#009E73"
yellow = "#F0E442"; blue  = "#0072B2"; vermil = "#D55E00"; purple = "#CC79A7"
grey  = "#767676"; pale   = "#DDDDDD"

canvas(w, h) = format eq "svg" ? sprintf("set terminal svg size %d,%d background 'white' font 'DejaVu Sans,12.5'", w, h) \
             : format eq "pdf" ? sprintf("set terminal pdfcairo size %gin,%gin linewidth 1.3", w / 96., h / 96.) \
               . " font 'DejaVu Sans,7.2' fontscale 1" \
             : sprintf("set terminal pngcairo size %d,%d background 'white'", 2 * w, 2 * h) \
               . " font 'DejaVu Sans,9.5' fontscale 2 linewidth 2 pointscale 2"

# What a command prints as a number; 0 if it prints nothing, as of a table without rows.
count(command) = (printed = system(command), strlen(printed) ? printed + 0 : 0)
# Names 1, 2, ... on the y axis: eval names("eng fra")
names(list) = (tics = "", sum [i = 1:words(list)] (tics = tics.sprintf("%s\"%s\" %d", i > 1 ? ", " : "", word(list, i), i), 0), \
    words(list) ? "set ytics (".tics.") noenhanced" : "unset ytics")
# A figure of a table without rows is its headline: eval bare
bare = "unset border; unset tics; unset xlabel; unset ylabel; unset arrow; unset key; plot [0:1] NaN notitle"

# Titles and labels are enhanced text: write a name from data through plain(), which takes its markup away.
plain(s) = system("sed 's/[_^@&~{}\\\\]/\\\\&/g' <<'EOT'\n" . s . "\nEOT")
headline(f, w) = (finding = f, what = w, \
    "set label 1001 '{/:Bold*1.15 '.finding.'}' at character 1.5, screen 1 offset 0, -1.3 left front;" \
  . "set label 1002 what at character 1.5, screen 1 offset 0, -2.7 left front textcolor rgb '#505050';" \
  . "set tmargin 5")

set encoding utf8
set datafile separator ","
set datafile missing ""
set datafile columnheaders
set border 3 linewidth 0.8 linecolor rgb "#404040"
set tics nomirror out scale 0.6 textcolor rgb "#202020"
set format "%h"                                  # the default has a space in front, which moves labels off their ticks
set grid back linetype 1 linewidth 0.7 linecolor rgb pale
set key top right samplen 1.5 spacing 1.2
set style fill solid 0.5 noborder
# A key under the label of the x axis: eval key_below
key_below = "set key at screen 0.5, character 0.5 center bottom horizontal samplen 2; set bmargin 5.5"
dots = "pointtype 7 pointsize 0.7"
