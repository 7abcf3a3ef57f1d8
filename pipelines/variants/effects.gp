# Each variant less its partner: tails, loss, damage, and loss after rounding. csv: variant, against, kind, measure, spec, scale,
# estimate, low, high, each (a value a seed), shown
spec = system("mlr --icsv --onidx filter '$spec != \"unrounded\"' then tail -n 1 then cut -f spec ".csv)
mine = "$kind !=~ \"^(sum|rest)$\""
variants = system(sprintf("mlr --icsv --onidx filter '%s' then count-distinct -f variant,against then cut -f variant %s | tr '\\n' ' '", mine, csv))
n = words(variants)
moved = count(sprintf("mlr --icsv --onidx filter '%s && $measure == \"kurtosis_largest\" && $shown == \"yes\"' then count %s", mine, csv))
helped = count(sprintf("mlr --icsv --onidx filter '%s && $measure == \"after_mean\" && $spec == \"%s\" && $shown == \"yes\"", mine, spec) \
    ." && $estimate < 0' then count ".csv)
height = 190 + 42 * n
eval canvas(1150, height)
eval headline(n ? sprintf("%d of %d variants move the tails, %d need%s fewer bits a byte once rounded", moved, n, helped, helped == 1 ? "s" : "") : "Nothing to compare", \
    sprintf("each less its partner; cross: a seed; dot: mean, filled where shown (Holm); 95 %% intervals by Student's t, cut at the frame; " \
        ."rounded by %s", plain(spec)))
array measure[4] = ["kurtosis_largest", "nll_mean", "damage_worst", "after_mean"]
array name[4] = ["kurtosis, heaviest layer", "loss before rounding", "damage, worst language", "loss after rounding"]
array unit[4] = ["times the partner's", "nats a token more", "bits a byte more", "bits a byte more, mean"]
of(i) = sprintf("%s && $measure == \"%s\" && $spec == \"%s\"", mine, measure[i], i < 3 ? "unrounded" : spec)
rank = sprintf("put 'for (i, v in splitax(\"%s\", \" \")) { if (v == $variant) { $rank = i } }'", variants)
rows(i, more) = sprintf("< mlr --csv filter '%s && %s' then %s %s", of(i), more, rank, csv)
seeds(i) = sprintf("< mlr --csv filter '%s' then nest --explode --values --across-records --nested-fs ' ' -f each then %s %s", of(i), rank, csv)
partners = system(sprintf("mlr --icsv --onidx filter '%s' then put '$name = $variant . \"|less|\" . $against' then cut -f name %s", of(1), csv))
tics_of(list) = (tics = "", sum [i = 1:words(list)] (w = word(list, i), at = strstrt(w, "|less|"), \
    tics = tics.sprintf("%s\"%s\\n{/*0.85 less %s}\" %d", i > 1 ? ", " : "", plain(w[1:at - 1]), plain(w[at + 6:*]), i), 0), tics)
set yrange [n + 0.6:0.4]
set errorbars small
unset key
set tmargin at screen 1 - 100.0 / height
set bmargin at screen 62.0 / height
left = 0.15; wide = 0.85 / 4
if (n) {
    set multiplot
    do for [i = 1:4] {
        if (count(rows(i, "true")[3:*]." | mlr --icsv --onidx count") == 0) { continue }
        same = i == 1 ? 1.0 : 0.0
        ends = system(seeds(i)[3:*]." | mlr --icsv --onidx stats1 -a min,max -f each")
        bottom = word(ends, 1) < same ? word(ends, 1) + 0 : same
        top = word(ends, 2) > same ? word(ends, 2) + 0 : same
        room = (top > bottom ? top - bottom : 1e-3) * 0.25
        set xrange [bottom - room:top + room]
        step = 10 ** floor(log10((top - bottom + 2 * room) / 2.0)); parts = (top - bottom + 2 * room) / step
        step = parts > 10 ? 5 * step : parts > 5 ? 2 * step : step
        set xtics step
        set lmargin at screen left + (i - 1) * wide
        set rmargin at screen left + i * wide - 0.02
        set label 3 name[i] at graph 0, 1 offset 0, 0.8 left font ":Bold"
        set xlabel unit[i]
        set arrow 1 from same, graph 0 to same, graph 1 nohead linewidth 1 linecolor rgb grey back
        if (i == 1) { eval "set ytics (".tics_of(partners).") enhanced" } else { set ytics 1 format ""; unset label 1001; unset label 1002 }
        intervals = count(rows(i, "is_not_empty($low)")[3:*]." | mlr --icsv --onidx count")
        eval "plot ".(intervals ? "rows(i, 'is_not_empty($low)') using 'estimate':'rank':'low':'high' with xerrorbars pointtype 0 linecolor rgb grey, " : "") \
            ."seeds(i) using 'each':(column('rank') + 0.22) with points pointtype 2 pointsize 0.5 linecolor rgb blue, " \
            ."rows(i, 'true') using 'estimate':'rank':(strcol('shown') eq 'yes' ? 7 : 6) with points pointtype variable pointsize 0.8 linecolor rgb vermil"
    }
    unset multiplot
} else {
    eval bare
}
