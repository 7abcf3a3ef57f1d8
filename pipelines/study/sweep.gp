# Damage against bits, a line a language, a panel a grain. csv: grain, bits, lang, estimate, low, high; measure, limit, group
unit = measure eq "delta_bits_per_byte" ? "bits a byte more" : measure eq "delta_nll" ? "nats a token more" : plain(measure)
grains = system("mlr --icsv --onidx count-distinct -f grain then cut -f grain ".csv)
ordered = (strstrt(grains, "tensor") ? "tensor " : "").(strstrt(grains, "channel") ? "channel " : "").(strstrt(grains, "group") ? "group" : "")
langs = system("mlr --icsv --onidx filter 'is_not_empty($estimate)' then count-distinct -f lang then cut -f lang ".csv)
# highlighted: the most and the least damaged at the fewest bits that rank all, by the mean of logarithms over grains
order = "mlr --icsv --onidx filter 'is_not_empty($estimate) && $bits <= 4' then put '$l = log(max($estimate, 1e-6))' then stats1 -a mean -f l -g lang then sort -nr l_mean then cut -o -f lang "
worst = system(order.csv." | head -n 1")
best = system(order.csv." | tail -n 1")
most = count("mlr --icsv --onidx filter 'is_not_empty($estimate)' then stats1 -a max -f estimate ".csv)
widest = count("mlr --icsv --onidx stats1 -a max -f bits ".csv)
narrowest = count("mlr --icsv --onidx stats1 -a min -f bits ".csv)
least = 1e-5
eval canvas(1100, 520)
eval headline(words(langs) ? sprintf("At 4 bits and fewer %s loses most, %s least", plain(worst), plain(best)) : "No language can be ranked", \
    sprintf("damage by bits a weight and by what shares a scale; a line a language, %d of them; dashed: the limit of %s of the cliff; what is below 1e-5 is not drawn", words(langs), limit))
set logscale y
set yrange [least:(most > least ? most * 2 : 1)]
set xrange [widest + 0.3:narrowest - 0.3]
set format y "%g"
set xtics 1
set xlabel "bits"
set tmargin at screen 1 - 105.0 / 520
set bmargin at screen 60.0 / 520
rows(g, l) = sprintf("< mlr --csv filter '$grain == \"%s\" && $lang == \"%s\" && is_not_empty($estimate) && $estimate > %g' then sort -nf bits %s", g, l, least, csv)
name(g) = g eq "group" ? "groups of ".group : g eq "tensor" ? "whole tensors" : "channels"
unset key
if (words(langs)) {
    set multiplot
    n = words(ordered)
    do for [i = 1:n] {
        g = word(ordered, i)
        set lmargin at screen 0.075 + (i - 1) * 0.91 / n
        set rmargin at screen 0.055 + i * 0.91 / n
        set title "a scale for ".name(g) offset 0, -0.5
        if (i == 1) { set ylabel unit offset 1 } else { unset ylabel; unset label 1001; unset label 1002; set format y "" }
        if (i == n) { set key top left samplen 2 }
        plot limit + 0 with lines dashtype 2 linewidth 1 linecolor rgb grey notitle, \
            for [k = 1:words(langs)] rows(g, word(langs, k)) using "bits":"estimate" with lines linewidth 1 linecolor rgb "#B0B0B0" notitle, \
            rows(g, worst) using "bits":"estimate":"low":"high" with yerrorlines pointtype 7 pointsize 0.6 linewidth 1.5 linecolor rgb vermil title plain(worst), \
            rows(g, best) using "bits":"estimate":"low":"high" with yerrorlines pointtype 5 pointsize 0.6 linewidth 1.5 linecolor rgb blue title plain(best)
    }
    unset multiplot
} else {
    eval bare
}
