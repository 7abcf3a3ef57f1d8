# Use of each layer by each language beside the mean of all, at two sites. csv: lang, rank (by damage), layer, site, off
# (per cent)
n = system("mlr --icsv --onidx stats1 -a max -f rank ".csv) + 0
last = system("mlr --icsv --onidx stats1 -a max -f layer ".csv) + 0
most = system("mlr --icsv --onidx put -q '@m = max(@m, abs($off)); end { emit @m }' ".csv) + 0
sharp = system("mlr --icsv --onidx put '$off = abs($off)' then sort -nr off then head -n 1 then cut -o -f lang ".csv)
at = system("mlr --icsv --onidx put '$off = abs($off)' then sort -nr off then head -n 1 then cut -o -f layer ".csv)
height = 210 + (n > 20 ? 14 : 22) * n
eval canvas(1100, height)
eval headline(sprintf("Which layers a language uses: furthest from the others is %s in layer %s", plain(sharp), at), \
    "share of the mean absolute activation, per cent off the mean of all languages, first tokens left out; languages by damage, the worst on top")
rows(site) = sprintf("< mlr --csv filter '$site == \"%s\"' then sort -nf rank -nf layer %s", site, csv)
set cbrange [-most:most]
set palette defined (-1 "#0072B2", 0 "white", 1 "#D55E00")
set xrange [-0.5:last + 0.5]
set yrange [n + 0.5:0.5]
set xlabel "layer"
if (last > 16) { set xtics 4 } else { set xtics 1 }
set border 15
unset grid
unset key
set ytics noenhanced
set multiplot
set tmargin at screen 1 - 100.0 / height
set bmargin at screen 55.0 / height
set lmargin at screen 0.10
set rmargin at screen 0.48
unset colorbox
set title "mlp\\_out: what the MLP adds" offset 0, -0.6
plot rows("mlp_out") using "layer":"rank":"off":ytic(strcol("lang")) with image
unset label 1001
unset label 1002
set lmargin at screen 0.51
set rmargin at screen 0.89
set colorbox
set cblabel "per cent off the mean"
set ytics ("" 0)
set title "resid: the stream behind the layer"
plot rows("resid") using "layer":"rank":"off" with image
unset multiplot
