# Training interventions, language by language, less base's. csv: variant, spec, what (before, damage, after), lang, estimate, low,
# high, shown
spec = system("mlr --icsv --onidx tail -n 1 then cut -f spec ".csv)
variants = system("mlr --icsv --onidx count-distinct -f variant then cut -f variant ".csv)
langs = system("mlr --icsv --onidx count-distinct -f lang then cut -f lang ".csv." | tr '\\n' ' '")
n = words(variants)
m = words(langs)
shown(sign) = count(sprintf("mlr --icsv --onidx filter '$spec == \"%s\" && $what == \"after\" && $shown == \"yes\" && %s$estimate > 0'", \
    spec, sign)." then count ".csv)
height = 180 + 24 * m
eval canvas(n < 3 ? 1000 : 130 + 290 * n, height)
eval headline(n ? sprintf("Once rounded, of %d cases %d are shown better off, %d worse", n * m, shown("-"), shown("")) : "No training intervention was run", \
    sprintf("less base's, rounded by %s; cross: before rounding; dot: after, filled where shown (Holm over languages), 95 %% interval cut at the frame", plain(spec)))
rank = sprintf("put 'for (i, l in splitax(\"%s\", \" \")) { if (l == $lang) { $rank = i } }'", langs)
rows(v, what) = sprintf("< mlr --csv filter '$variant == \"%s\" && $spec == \"%s\" && $what == \"%s\"' then %s %s", v, spec, what, rank, csv)
left = 110.0 / (n < 3 ? 1000 : 130 + 290 * n); wide = (1 - left - 0.02) / (n > 0 ? n : 1)
eval names(langs)
set yrange [m + 0.6:0.4]
set errorbars small
set tmargin at screen 1 - 100.0 / height
set bmargin at screen 62.0 / height
set xlabel "bits a byte more"
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linewidth 1 linecolor rgb grey back
unset key
if (n) {
    set multiplot
    do for [i = 1:n] {
        v = word(variants, i)
        ends = system(sprintf("mlr --icsv --onidx filter '$variant == \"%s\" && $spec == \"%s\" && $what != \"damage\"' then stats1 -a min,max -f estimate %s", v, spec, csv))
        bottom = word(ends, 1) < 0 ? word(ends, 1) + 0 : 0
        top = word(ends, 2) > 0 ? word(ends, 2) + 0 : 0
        room = (top > bottom ? top - bottom : 1e-3) * 0.25
        set xrange [bottom - room:top + room]
        step = 10 ** floor(log10((top - bottom + 2 * room) / 2.0)); parts = (top - bottom + 2 * room) / step
        step = parts > 10 ? 5 * step : parts > 5 ? 2 * step : step
        set xtics step
        set lmargin at screen left + (i - 1) * wide
        set rmargin at screen left + i * wide - 0.025
        set label 3 plain(v) at graph 0, 1 offset 0, 0.8 left font ":Bold"
        if (i > 1) { set ytics 1 format ""; unset label 1001; unset label 1002 }
        intervals = count(rows(v, "after")[3:*]." | mlr --icsv --onidx filter 'is_not_empty($low)' then count")
        eval "plot ".(intervals ? "rows(v, 'after') using 'estimate':'rank':'low':'high' with xerrorbars pointtype 0 linecolor rgb grey, " : "") \
            ."rows(v, 'before') using 'estimate':(column('rank') + 0.25) with points pointtype 2 pointsize 0.6 linecolor rgb blue, " \
            ."rows(v, 'after') using 'estimate':'rank':(strcol('shown') eq 'yes' ? 7 : 6) with points pointtype variable pointsize 0.8 linecolor rgb vermil"
    }
    unset multiplot
} else {
    eval bare
}
