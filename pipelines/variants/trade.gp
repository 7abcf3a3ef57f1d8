# What a variant pays in loss and gains in damage. csv: variant, seed, spec, before_mean, damage_mean, after_mean
specs = system("mlr --icsv --onidx count-distinct -f spec then cut -f spec ".csv)
n = words(specs)
variants = system("mlr --icsv --onidx count-distinct -f variant then cut -f variant ".csv)
eval canvas(620 * n + 60, 600)
lightest = system(sprintf("mlr --icsv --onidx filter '$spec == \"%s\"' then stats1 -a mean -f after_mean -g variant", word(specs, n)) \
    ." then sort -nf after_mean_mean then head -n 1 then cut -f variant ".csv)
eval headline(n ? sprintf("Rounded by %s, %s needs the fewest bits a byte in the mean of its seeds", plain(word(specs, n)), plain(lightest)) : "No run can be ranked", \
    "a point is a run, mean over languages; along a dotted line the rounded models need equally many bits a byte: lower left is better")
colours = "#000000 #D55E00 #0072B2 #009E73 #CC79A7 #56B4E9 #E69F00 #767676"
shapes = "7 5 9 11 13 15 4 6"
rows(v, s) = sprintf("< mlr --csv filter '$variant == \"%s\" && $spec == \"%s\" && is_not_empty($damage_mean)' %s", v, s, csv)
set tmargin at screen 1 - 100.0 / 600
set bmargin at screen 120.0 / 600
unset key
set xlabel "bits a byte before rounding"
if (n) {
    set multiplot
    do for [i = 1:n] {
        s = word(specs, i)
        set lmargin at screen (i - 1.0) / n + 95.0 / (620 * n + 60)
        set rmargin at screen i / real(n) - 30.0 / (620 * n + 60)
        ends = system(sprintf("mlr --icsv --onidx filter '$spec == \"%s\"' then stats1 -a min,max -f before_mean,damage_mean %s", s, csv))
        x0 = word(ends, 1) + 0; x1 = word(ends, 2) + 0; y0 = word(ends, 3) + 0; y1 = word(ends, 4) + 0
        dx = (x1 - x0) * 0.08 + 1e-4; dy = (y1 - y0) * 0.08 + 1e-6
        set xrange [x0 - dx:x1 + dx]
        set yrange [y0 - dy:y1 + dy]
        set ylabel (i == 1 ? "bits a byte that rounding adds" : "") offset 1.5
        set label 3 plain(s) at graph 0, 1 offset 0, 0.8 left font ":Bold"
        if (i > 1) { unset label 1001; unset label 1002 }
        if (i == n) { set key at screen 0.5, screen 0.02 bottom center horizontal maxrows 2 noenhanced }
        across = (x1 - x0 + 2 * dx + y1 - y0 + 2 * dy) / 8
        plot for [k = 1:8] x0 - dx + y0 - dy + k * across - x with lines dashtype 3 linewidth 1 linecolor rgb "#B0B0B0" notitle, \
             for [k = 1:words(variants)] rows(word(variants, k), s) using "before_mean":"damage_mean" with points \
                 pointtype (word(shapes, (k - 1) % 8 + 1) + 0) pointsize 0.9 linecolor rgb word(colours, (k - 1) % 8 + 1) title word(variants, k)
    }
    unset multiplot
} else {
    set yrange [0:1]
    eval bare
}
