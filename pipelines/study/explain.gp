# Every predictor's correlation with the damage, as it is and with one thing held fixed. csv: x, given, n, estimate, low, high,
# p_holm; measure
named = "mlr --icsv --onidx filter '$given == \"nothing\" && is_not_empty($estimate)' then cut -f x "
predictors = system(named.csv)
n = words(predictors)
held = count("mlr --icsv --onidx filter '$given == \"nothing\" && is_not_empty($p_holm) && $p_holm < 0.05' then count ".csv)
languages = count("mlr --icsv --onidx filter '$given == \"nothing\"' then stats1 -a max -f n ".csv)
eval canvas(1000, 200 + 46 * n)
eval headline(sprintf("%d of %d predictors are told from nothing, after Holm’s correction", held, n), \
    sprintf("Pearson’s r with %s over %d languages, with 95 %% intervals; and with something held fixed", plain(measure), languages))
givens = system("mlr --icsv --onidx count-distinct -f given then cut -f given ".csv)
rows(g, d) = sprintf("< mlr --csv filter 'is_not_empty($estimate)' then put -q 'if ($given == \"nothing\") { @k += 1; @rank[$x] = @k } if ($given == \"%s\") { $rank = @rank[$x] + %g; emit1 $* }' %s", g, d, csv)
set xlabel "r"
set xrange [-1:1]
set xtics 0.5
set yrange [n + 0.6:0.4]
eval names(predictors)
set lmargin 20
set errorbars small
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linewidth 1 linecolor rgb grey back
eval key_below
colours = "#D55E00 #0072B2 #009E73 #CC79A7"
name(g) = g eq "nothing" ? "as it is" : g eq "latin" ? "given script" : g eq "log10_bytes" ? "given volume" : g eq "ref_bits_per_byte" ? "given the loss" : "given ".plain(g)
m = words(givens)
if (n) {
    plot for [i = 1:m] rows(word(givens, i), (i - 1 - (m - 1) / 2.0) * 0.19) using "estimate":"rank":"low":"high" \
        with xerrorbars pointtype 5 + 2 * (i - 1) pointsize 0.8 linecolor rgb word(colours, i) title name(word(givens, i))
} else {
    eval bare
}
