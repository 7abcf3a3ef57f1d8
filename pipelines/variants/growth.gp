# Tails by layer while training, a panel for each variant. csv: variant, step, layer, excess (mean over seeds); grows: variant, since,
# estimate, low
variants = system("mlr --icsv --onidx count-distinct -f variant then cut -f variant ".csv)
n = words(variants)
columns = n < 4 ? n : n <= 6 ? 3 : 4
lines = ceil(n / real(columns))
height = 180 + 230 * lines
eval canvas(1000, height)
grown = count("mlr --icsv --onidx filter '$since == \"a quarter\" && is_not_empty($low) && $low > 1 && $one_sign == 1' then count ".grows)
eval headline(sprintf("The tails of %d of %d variants grow over the last three quarters of training", grown, n), \
    "excess kurtosis of each layer's MLP weights (normal: 0) by step, mean over seeds")
layers = system("mlr --icsv --onidx stats1 -a max -f layer ".csv) + 1
last = system("mlr --icsv --onidx stats1 -a max -f step ".csv) + 0
ends = system("mlr --icsv --onidx stats1 -a min,max -f excess ".csv)
least = word(ends, 1) + 0; most = word(ends, 2) + 0; room = (most - least) * 0.06 + 1e-3
set yrange [least - room:most + room]
set xrange [0:last * 1.02]
step = 10 ** floor(log10(last)); step = last / step > 4 ? 2 * step : last / step < 2 ? step / 2 : step
set xtics step, step
unset key
# from dark to light with depth, and told apart by where they end
shade(l) = int(l * 215.0 / (layers > 1 ? layers - 1 : 1) + 0.5)
colour(l) = sprintf("#%02x%02x%02x", shade(l) < 128 ? 0 : (shade(l) - 127) * 2, 60 + shade(l) / 2, 150 - shade(l) / 2)
rows(v, l) = sprintf("< mlr --csv filter '$variant == \"%s\" && $layer == %d' then sort -nf step %s", v, l, csv)
set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead linewidth 1 linecolor rgb grey back
set multiplot
do for [i = 1:n] {
    c = (i - 1) % columns + 1; r = (i - 1) / columns + 1
    v = word(variants, i)
    set lmargin at screen 0.065 + (c - 1) * 0.925 / columns
    set rmargin at screen 0.065 + c * 0.925 / columns - 0.02
    set tmargin at screen 1 - (97.0 + (r - 1) * (height - 150) / lines) / height
    set bmargin at screen 1 - (97.0 + r * (height - 150) / lines - 62) / height
    set label 2 plain(v) at graph 0, 1 offset 0, 0.7 left font ":Bold"
    set xlabel (i + columns > n ? "step" : "")
    set ylabel (c == 1 ? "excess kurtosis" : "")
    if (c > 1) { set format y "" } else { set format y "%h" }
    if (i > 1) { unset label 1001; unset label 1002 }
    if (i == n) { set key at screen 0.5, screen 0.01 bottom center horizontal maxrows 1 }
    plot for [l = 0:layers - 1] rows(v, l) using "step":"excess" with lines linewidth 1.6 linecolor rgb colour(l) title sprintf("layer %d", l)
}
unset multiplot
