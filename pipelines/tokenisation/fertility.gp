# fertility.gp - tokens a word and bytes a token, by family of scripts.  csv: a language a row; tokenizer: whose.
# Named: the worst of each family, and the reference, above the others of its own.
# SPDX-License-Identifier: GPL-3.0-or-later
load shared
stats csv using "fertility" nooutput
n = STATS_records
worst = plain(system("mlr --icsv --onidx top -f fertility -a then cut -f name ".csv))
eval canvas(980, 560)
eval headline(sprintf("A word of %s takes %.1f tokens under %s", worst, STATS_max, called(tokenizer)), \
  sprintf("%d languages, one a dot; words as ICU finds them; %s", n, about(3, tokenizer)))

ring = "pointtype 6 pointsize 1.3 linecolor rgb black"                          # around the dots that have a name
is_reference(x) = strcol("stem") eq reference
spread(x) = number(strcol("family")) + (is_reference(0) ? -0.42 : 0.11 * (int(column(0)) % 5 - 2)) # neighbours apart
two_lines(name) = strstrt(name, " (") ? name[1:strstrt(name, " (") - 1] . "\n" . name[strstrt(name, " (") + 1:] : name
named(label) = is_reference(0) ? "" : two_lines(strcol(label))                  # the reference has its own
reference_name(x) = is_reference(0) ? strcol("name") : ""
has_name(label) = strcol(label) ne "" || is_reference(0)
set yrange [words(families) + 0.6:0.4]
set ytics scale 0
set for [i = 1:words(families)] ytics add (word(families, i) i)
unset grid; set grid xtics
unset key
bottom = 0.13
set multiplot
set lmargin at screen 0.22; set rmargin at screen 0.60; set bmargin at screen bottom
set logscale x 2
set xrange [0.9:2 * STATS_max]
set xtics (1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24)
set xlabel "tokens a word (logarithmic)"
plot for [i = 1:words(families)] csv using (only(i, column("fertility"))):(spread(0)) with points pointtype shape(i) \
       pointsize 0.75 linecolor rgb colour(i), \
     csv using (has_name("dearest") ? column("fertility") : NaN):(spread(0)) with points @ring, \
     csv using "fertility":(spread(0)):(reference_name(0)) with labels left offset 0.8, 0, \
     csv using "fertility":(spread(0)):(named("dearest")) with labels left offset 0.8, 0
unset label 1001; unset label 1002
unset logscale x
set lmargin at screen 0.65; set rmargin at screen 0.97
unset ytics
set xrange [0:*]
set xtics auto
set xlabel "bytes a token"
plot for [i = 1:words(families)] csv using (only(i, column("bytes_per_token"))):(spread(0)) with points pointtype shape(i) \
       pointsize 0.75 linecolor rgb colour(i), \
     csv using (has_name("shortest") ? column("bytes_per_token") : NaN):(spread(0)) with points @ring, \
     csv using "bytes_per_token":(spread(0)):(reference_name(0)) with labels left offset 0.8, 0, \
     csv using "bytes_per_token":(spread(0)):(named("shortest")) with labels right offset -0.9, 0
unset multiplot
