# Damage by language under three denominators. csv: lang, by_byte, by_token, by_own-loss, each with _low and _high, p_holm; spec
n = count("mlr --icsv --onidx filter 'is_not_empty($by_byte)' then count ".csv)
worst = system("mlr --icsv --onidx filter 'is_not_empty($by_byte)' then sort -nr by_byte then head -n 1 then cut -o -f lang ".csv)
sure = count("mlr --icsv --onidx filter 'is_not_empty($by_byte) && $p_holm < 0.05 && $by_byte > 0' then count ".csv)
height = 170 + 24 * n
eval canvas(1100, height)
eval headline(n ? sprintf("%d of %d languages lose by more than chance; a byte of %s loses most", sure, n, plain(worst)) : "No language can be ranked: worse than guessing", \
    sprintf("weights by %s; 95 %% intervals from drawing paragraphs; hollow: may be chance (sign flips, Holm)", plain(spec)))
rows = sprintf("< mlr --csv filter 'is_not_empty($by_byte)' then sort -nr by_byte then cat -n -N rank then rename -r '^by_(.*)$,\\1' %s", csv)
set yrange [n + 0.6:0.4]
langs = system("mlr --icsv --onidx filter 'is_not_empty($by_byte)' then sort -nr by_byte then cut -f lang ".csv)
eval names(langs)
set errorbars small
unset key
set tmargin at screen 1 - 85.0 / height
set bmargin at screen 60.0 / height
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linewidth 1 linecolor rgb grey back
set xtics rotate by 0
if (n) {
    set multiplot
    what = "byte token own-loss"
    do for [i = 1:3] {
        s = i == 3 ? 100.0 : 1.0
        c = word(what, i)
        set lmargin at screen 0.11 + (i - 1) * 0.295
        set rmargin at screen 0.11 + (i - 1) * 0.295 + 0.27
        set xlabel i == 1 ? "bits a byte" : i == 2 ? "nats a token" : "% of the own loss"
        set xtics autofreq
        ends = system(sprintf("mlr --icsv --onidx stats1 -a min,max -f by_%s_low,by_%s_high then cut -o -f by_%s_low_min,by_%s_high_max %s", c, c, c, c, csv))
        top = word(ends, 2) * s
        bottom = word(ends, 1) < 0 ? word(ends, 1) * s : 0
        set xrange [bottom - 0.05 * (top - bottom):top + 0.08 * (top - bottom)]
        step = 10 ** floor(log10((top - bottom) / 2.0)); step = (top - bottom) / step > 10 ? 5 * step : (top - bottom) / step > 4 ? 2 * step : step
        set xtics step
        if (i > 1) { set ytics 1 format ""; unset label 1001; unset label 1002 }
        plot rows using (column(c) * s):"rank":(column(c."_low") * s):(column(c."_high") * s) \
                 with xerrorbars pointtype 0 linecolor rgb vermil, \
             rows using (column(c) * s):"rank":(column("p_holm") < 0.05 ? 7 : 6) with points pointtype variable pointsize 0.7 linecolor rgb vermil
    }
    unset multiplot
} else {
    eval bare
}
