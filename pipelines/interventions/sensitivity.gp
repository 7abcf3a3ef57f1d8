# What each layer costs each language when it alone is rounded. csv: layer, lang, estimate, low, high (bits a byte); spec
langs = system("mlr --icsv --onidx stats1 -a sum -f estimate -g lang then sort -nr estimate_sum then cut -f lang ".csv)
layers = system("mlr --icsv --onidx count-distinct -f layer then sort -nf layer then cut -f layer ".csv)
top = system("mlr --icsv --onidx stats1 -a mean -f estimate -g layer then sort -nr estimate_mean then head -n 1 then cut -f layer ".csv)
most = system("mlr --icsv --onidx put '$size = abs($estimate)' then stats1 -a max -f size ".csv) + 0
sure = count("mlr --icsv --onidx filter '$low > 0 || $high < 0' then count ".csv)
n = words(langs); k = words(layers)
eval canvas(220 + 46 * (k > 9 ? k : 9), 230 + 24 * (n > 4 ? n : 4))
eval headline(sprintf("Layer %s costs most in the mean over languages", plain(top)), \
    sprintf("each layer alone rounded by %s; dot: the 95 %% interval leaves 0 out (%d of %d)", plain(spec), sure, n * k))
tics = ""
do for [i = 1:n] { tics = tics.sprintf("%s\"%s\" %d", i > 1 ? ", " : "", word(langs, i), i) }
eval "set ytics (".tics.") noenhanced"
tics = ""
do for [i = 1:k] { tics = tics.sprintf("%s\"%s\" %d", i > 1 ? ", " : "", word(layers, i), i) }
eval "set xtics (".tics.")"
row(l) = int(sum [i = 1:n] (word(langs, i) eq l ? i : 0))
col(l) = int(sum [i = 1:k] (word(layers, i) eq l ? i : 0))
unset grid
unset key
set lmargin 12
set rmargin 12
set xlabel "layer"
set xrange [0.5:k + 0.5]
set yrange [n + 0.5:0.5]
set cbrange [-1000 * most:1000 * most]
set palette defined (-1 "#0072B2", 0 "#FFFFFF", 1 "#D55E00")
set cblabel "thousandths of a bit a byte" offset 1, 0
set style fill solid 1 noborder
plot csv using (col(strcol("layer"))):(row(strcol("lang"))):(0.48):(0.46):(1000 * column("estimate")) with boxxyerror linecolor palette, \
    csv using (column("low") > 0 || column("high") < 0 ? col(strcol("layer")) : NaN):(row(strcol("lang"))) with points pointtype 7 pointsize 0.35 linecolor rgb black
