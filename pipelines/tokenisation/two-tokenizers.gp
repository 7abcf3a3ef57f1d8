# two-tokenizers.gp - the premium of each language under two tokenizers, an octave as long on both axes.  csv: a language a
# row; rank: corr's rows for the two; first, second: whose.  SPDX-License-Identifier: GPL-3.0-or-later
load shared
stats csv using "premium_".first nooutput
n = STATS_records; top_first = STATS_max; low_first = STATS_min
stats csv using "premium_".second nooutput
top_second = STATS_max; low_second = STATS_min
more = sprintf("mlr --icsv --onidx filter '${premium_%s} > ${premium_%s}' then count ", first, second)
above = int(system(more.csv))

left = 105; right = 20; top = 90; bottom = 80                  # margins, in pixels
low_x = 0.5 * low_first; high_x = 1.5 * top_first
low_y = 0.9 * (low_first < low_second ? low_first : low_second); high_y = 1.2 * top_second
octaves_x = log(high_x / low_x) / log(2); octaves_y = log(high_y / low_y) / log(2)
octave = 1050 / (octaves_x > octaves_y ? octaves_x : octaves_y) # its length on both axes
w = left + right + octaves_x * octave
h = top + bottom + octaves_y * octave

eval canvas(w, h)
eval headline(sprintf("%d of %d languages pay more, relative to %s, under %s", above, n, compared, called(first)), \
  "Premium: tokens for the same text, over ".compared."; Spearman's rank correlation " \
  . told(rank, '$method == "spearman"').", 95 % interval")
set lmargin at screen left / w; set rmargin at screen 1 - right / w
set bmargin at screen bottom / h; set tmargin at screen 1 - top / h
set logscale xy 2
set xtics (0.8, 1, 1.2, 1.5, 2, 3, 4, 6, 8, 12, 16); set ytics (0.8, 1, 1.2, 1.5, 2, 3, 4, 6, 8, 12, 16)
set xrange [low_x:high_x]
set yrange [low_y:high_y]
set xlabel sprintf("premium over %s under %s (logarithmic)%s", compared, called(first), \
  about(3, first) eq "" ? "" : "\n".about(3, first))
set ylabel offset -0.6, 0 "the same under\n".called(second)
set key bottom right reverse Left samplen 0.8
on(side) = strcol("side") eq side ? strcol("label") : ""
names = "csv using \"premium_\".first:\"premium_\".second"
plot x with lines linewidth 1.2 linecolor rgb grey title "equal", \
     for [i = 1:words(families)] csv using "premium_".first:(only(i, column("premium_".second))) with points \
       pointtype shape(i) pointsize 0.8 linecolor rgb colour(i) title listed(i), \
     @names:(on("right-low"))  with labels left  offset 0.8, -0.3 notitle, \
     @names:(on("right-high")) with labels left  offset 0.8, 0.3 notitle, \
     @names:(on("left-low"))   with labels right offset -0.8, -0.3 notitle, \
     @names:(on("left-high"))  with labels right offset -0.8, 0.3 notitle
