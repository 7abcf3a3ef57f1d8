# two-tokenizers.gp - the premium of each language under two tokenizers.  csv: a language a row; rank: corr's rows for
# the two; first, second: whose.  SPDX-License-Identifier: GPL-3.0-or-later
load shared
stats csv using "premium_".first nooutput
n = STATS_records; top_first = STATS_max; low_first = STATS_min
stats csv using "premium_".second nooutput
top_second = STATS_max; low_second = STATS_min
more = sprintf("mlr --icsv --onidx filter '${premium_%s} > ${premium_%s}' then count ", first, second)
above = int(system(more.csv))

eval canvas(900, 620)
eval headline(sprintf("%d of %d languages pay more, relative to %s, under %s", above, n, compared, called(first)), \
  "Premium: tokens for the same text, over ".compared."; Spearman's rank correlation " \
  . told(rank, '$method == "spearman"').", 95 % interval")
set logscale xy 2
set xtics (0.8, 1, 1.2, 1.5, 2, 3, 4, 6, 8, 12, 16); set ytics (0.8, 1, 1.2, 1.5, 2, 3, 4, 6, 8, 12, 16)
low = low_first < low_second ? low_first : low_second
set xrange [0.9 * low_second:1.15 * top_second]
set yrange [0.9 * low:1.25 * top_first]
under(t) = sprintf("premium over %s under %s (logarithmic)%s", compared, called(t), about(3, t) eq "" ? "" : "\n".about(3, t))
set xlabel under(second)
set ylabel under(first)
set key top left reverse Left samplen 0.8
above_line(yes) = (column("premium_".first) > column("premium_".second)) == yes ? column("premium_".first) : NaN
plot x with lines linewidth 1 linecolor rgb grey title "equal", \
     for [i = 1:words(families)] csv using "premium_".second:(only(i, column("premium_".first))) with points \
       pointtype shape(i) pointsize 0.8 linecolor rgb colour(i) title listed(i), \
     csv using "premium_".second:(above_line(1)):(strcol("label")) with labels right offset -0.8, 0.35 notitle, \
     csv using "premium_".second:(above_line(0)):(strcol("label")) with labels left offset 0.8, 0 notitle
