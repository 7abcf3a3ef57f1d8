# Tails by layer, a panel for each variant, a thin line for each seed. csv: variant, seed, layer, excess; base
variants = system("mlr --icsv --onidx count-distinct -f variant then cut -f variant ".csv)
n = words(variants)
columns = n < 4 ? n : n <= 6 ? 3 : 4
lines = ceil(n / real(columns))
width = 1000; height = 150 + 230 * lines
eval canvas(width, height)
heaviest = system("mlr --icsv --onidx stats1 -a mean -f excess -g variant,layer then sort -nr excess_mean then head -n 1 then cut -f variant ".csv)
eval headline(sprintf("%s has the heaviest layer", plain(heaviest)), \
    sprintf("excess kurtosis of the MLP weights by layer (normal: 0), a line for each seed; grey: %s", plain(base)))
ends = system("mlr --icsv --onidx stats1 -a min,max -f excess ".csv)
least = word(ends, 1) + 0; most = word(ends, 2) + 0; room = (most - least) * 0.06 + 1e-3
set yrange [(least < 0 ? least : 0) - room:(most > 0 ? most : 0) + room]
set xrange [-0.3:system("mlr --icsv --onidx stats1 -a max -f layer ".csv) + 0.3]
set xtics 1
unset key
seeds(v) = system(sprintf("mlr --icsv --onidx filter '$variant == \"%s\"' then count-distinct -f seed then cut -f seed %s", v, csv))
rows(v, s) = sprintf("< mlr --csv filter '$variant == \"%s\" && $seed == \"%s\"' then sort -nf layer %s", v, s, csv)
left(c) = 0.065 + (c - 1) * 0.925 / columns
top(r) = 1 - (75.0 + (r - 1) * (height - 120) / lines + 22) / height
set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead linewidth 1 linecolor rgb grey back
set multiplot
do for [i = 1:n] {
    c = (i - 1) % columns + 1; r = (i - 1) / columns + 1
    v = word(variants, i)
    set lmargin at screen left(c)
    set rmargin at screen left(c) + 0.925 / columns - 0.02
    set tmargin at screen top(r)
    set bmargin at screen top(r) - (height - 120.0) / lines / height + 62.0 / height
    set label 2 plain(v) at graph 0, 1 offset 0, 0.7 left font ":Bold"
    set xlabel (i + columns > n ? "layer" : "")
    set ylabel (c == 1 ? "excess kurtosis" : "")
    if (c > 1) { set format y "" } else { set format y "%h" }
    if (i > 1) { unset label 1001; unset label 1002 }
    its = seeds(v)
    of_base = v eq base ? "" : seeds(base)
    behind = words(of_base) ? "for [s in of_base] rows(base, s) using 'layer':'excess' with lines linewidth 1 linecolor rgb '#A0A0A0', " : ""
    eval "plot ".behind."for [s in its] rows(v, s) using 'layer':'excess' with linespoints pointtype 7 pointsize 0.35 linewidth 1 linecolor rgb v eq base ? '#505050' : vermil"
}
unset multiplot
