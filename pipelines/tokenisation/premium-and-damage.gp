# premium-and-damage.gp - does the premium go with the published damage of 4 bits?  csv: the 14 languages; r: corr's rows.
# SPDX-License-Identifier: GPL-3.0-or-later
load shared
predictors = system("mlr --icsv --onidx filter '$method == \"pearson\"' then cut -f x ".r." | tr '\n' ' '")
pearson(x) = sprintf("$method == \"pearson\" && $x == \"%s\"", x)
with(x, condition) = int(system(sprintf("mlr --icsv --onidx filter '%s && %s' then count %s", pearson(x), condition, r)))
k = words(predictors)
known_intervals = sum [i = 1:k] with(word(predictors, i), "is_not_empty($low)")
clear_of_zero   = sum [i = 1:k] with(word(predictors, i), "is_not_empty($low) && $low * $high > 0")
stats csv using "degradation" nooutput
n = STATS_records

eval canvas(350 * k, 590)
eval headline(known_intervals < k ? "Too few languages to tell whether the premium goes with the published damage" : \
    clear_of_zero == 0 ? "No premium goes with the published damage: every 95 % interval includes 0" : \
    sprintf("%d of %d premiums go with the published damage", clear_of_zero, k), \
  sprintf("%d languages; damage: relative increase at 4 bits as published, which was read off figures of other models", n))
set yrange [0:1.15 * STATS_max]
set ylabel "damage at 4 bits, as published (relative increase)"
set ytics format "%.3f"
unset key
name_of(x) = x eq "premium_bloom" ? "BLOOM's tokenizer, FLORES-200" : called(x[9:])
# a name goes to that side of its point where the line is further away: left above a rising line, right below it
above(x, y) = y > F_slope * x + F_intercept
left_of(x, y, yes) = (above(x, y) == (F_slope > 0)) == yes ? y : NaN
off(up) = up ? 0.25 : -0.25
set multiplot
do for [i = 1:k] {
    premium = word(predictors, i)
    left = (0.24 + 0.91 * (i - 1)) / k
    set lmargin at screen left; set rmargin at screen left + 0.82 / k; set bmargin at screen 0.155
    set xrange [*:*]
    stats csv using premium:"degradation" name "F" nooutput
    reach = F_max_x - F_min_x
    set xrange [F_min_x - 0.17 * reach:F_max_x + 0.15 * reach]
    set xtics 1
    if (F_max_x < 2.2) { set xtics 0.2 }
    set xlabel sprintf("premium over %s under\n%s", premium eq "premium_bloom" ? "English" : compared, name_of(premium))
    set label 1 "{/:Italic r} = ".told(r, pearson(premium)) at graph 0.03, 0.96
    plot F_slope * x + F_intercept with lines linewidth 1 linecolor rgb grey, \
         csv using premium:(left_of(column(premium), column("degradation"), 0)):"lang" with labels left offset 0.7, off(F_slope < 0), \
         csv using premium:(left_of(column(premium), column("degradation"), 1)):"lang" with labels right offset -0.7, off(F_slope > 0), \
         for [j = 1:words(families)] csv using premium:(only(j, column("degradation"))) with points \
           pointtype shape(j) pointsize 0.8 linecolor rgb colour(j)
    unset label 1001; unset label 1002
    set ytics format ""; unset ylabel
}
unset multiplot
