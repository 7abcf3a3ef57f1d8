# fertility.gp - tokens a word and bytes a token, by family of scripts.  csv: a language a row; tokenizer: whose.
# SPDX-License-Identifier: GPL-3.0-or-later
load shared
stats csv using "fertility" nooutput
n = STATS_records
worst = plain(system("mlr --icsv --onidx top -f fertility -a then cut -f name ".csv))
eval canvas(980, 560)
eval headline(sprintf("A word of %s takes %.1f tokens under %s", worst, STATS_max, called(tokenizer)), \
  sprintf("%d languages, one a dot; words as ICU finds them; %s", n, about(3, tokenizer)))

short(name) = strstrt(name, " (") ? name[1:strstrt(name, " (") - 1] : name
ring = "pointtype 6 pointsize 1.3 linecolor rgb black"                          # around the dots that have a name
spread(x) = number(strcol("family")) + 0.11 * (int(column(0)) % 5 - 2)         # neighbours in the file apart
set yrange [words(families) + 0.6:0.4]
set ytics scale 0
set for [i = 1:words(families)] ytics add (word(families, i) i)
unset grid; set grid xtics
unset key
bottom = 0.13
set multiplot
set lmargin at screen 0.22; set rmargin at screen 0.60; set bmargin at screen bottom
set logscale x 2
set xrange [0.9:1.6 * STATS_max]
set xtics (1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24)
set xlabel "tokens a word (logarithmic)"
plot for [i = 1:words(families)] csv using (only(i, column("fertility"))):(spread(0)) with points pointtype shape(i) \
       pointsize 0.75 linecolor rgb colour(i), \
     csv using (strcol("dearest") eq "" ? NaN : column("fertility")):(spread(0)) with points @ring, \
     csv using "fertility":(spread(0)):(strcol("dearest")) with labels left offset 0.8, 0
unset label 1001; unset label 1002
unset logscale x
set lmargin at screen 0.65; set rmargin at screen 0.97
unset ytics
set xrange [0:*]
set xtics auto
set xlabel "bytes a token"
plot for [i = 1:words(families)] csv using (only(i, column("bytes_per_token"))):(spread(0)) with points pointtype shape(i) \
       pointsize 0.75 linecolor rgb colour(i), \
     csv using (strcol("shortest") eq "" ? NaN : column("bytes_per_token")):(spread(0)) with points @ring, \
     csv using "bytes_per_token":(spread(0)):(short(strcol("shortest"))) with labels right offset -0.9, 0
unset multiplot
