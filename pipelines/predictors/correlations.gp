# Every predictor's correlation with the damage. csv: x, method, n, estimate, p_holm, low, high; measure
rows(m, d) = sprintf("< mlr --csv filter '$method == \"%s\" && is_not_empty($estimate)' then cat -n -N rank then put '$rank += %g' %s", m, d, csv)
n = system("mlr --icsv --onidx filter '$method == \"pearson\" && is_not_empty($estimate)' then count ".csv) + 0
held = system("mlr --icsv --onidx filter '$method == \"pearson\" && is_not_empty($p_holm) && $p_holm < 0.05' then count ".csv) + 0
languages = system("mlr --icsv --onidx stats1 -a max -f n ".csv) + 0
eval canvas(1000, 190 + 30 * n)
eval headline(sprintf("%d of %d predictors are told from nothing, after Holm’s correction", held, n), \
    sprintf("correlation with %s over %d languages, with 95 %% intervals", plain(measure), languages))
set xlabel "r, rho"
set xrange [-1:1]
set xtics 0.5
set yrange [n + 0.6:0.4]
set ytics noenhanced
set lmargin 34
set errorbars small
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linewidth 1 linecolor rgb grey back
eval key_below
plot rows("pearson", -0.13) using "estimate":"rank":"low":"high":ytic(strcol("x")) with xerrorbars pointtype 7 pointsize 0.8 linecolor rgb blue title "Pearson’s r", \
     rows("spearman", 0.13) using "estimate":"rank":"low":"high" with xerrorbars pointtype 9 pointsize 0.8 linecolor rgb vermil title "Spearman’s rho"
