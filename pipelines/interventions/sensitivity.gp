# What each layer costs each language when it alone is rounded. csv: layer, lang, damage (bits a byte); spec
langs = system("mlr --icsv --onidx stats1 -a sum -f damage -g lang then sort -nr damage_sum then cut -f lang ".csv)
layers = system("mlr --icsv --onidx count-distinct -f layer then sort -nf layer then cut -f layer ".csv)
top = system("mlr --icsv --onidx stats1 -a mean -f damage -g layer then sort -nr damage_mean then head -n 1 then cut -f layer ".csv)
most = system("mlr --icsv --onidx put '$damage = abs($damage)' then stats1 -a max -f damage ".csv) + 0
n = words(langs); k = words(layers)
eval canvas(240 + 46 * (k > 8 ? k : 8), 210 + 24 * (n > 4 ? n : 4))
eval headline(sprintf("Layer %s costs the languages most", plain(top)), sprintf("each layer rounded alone by %s", plain(spec)))
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
set rmargin 14
set xlabel "layer"
set xrange [0.5:k + 0.5]
set yrange [n + 0.5:0.5]
set cbrange [-1000 * most:1000 * most]
set palette defined (-1 "#0072B2", 0 "#FFFFFF", 1 "#D55E00")
set cblabel "thousandths of a bit a byte" offset 1, 0
set style fill solid 1 noborder
plot csv using (col(strcol("layer"))):(row(strcol("lang"))):(0.48):(0.46):(1000 * column("damage")) with boxxyerror linecolor palette
