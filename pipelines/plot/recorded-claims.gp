# Published against recomputed, the claims that are correlations. csv: claim, published, recomputed, low, high, status,
# reading, rank
rows = "< mlr --icsv --otsv cat ".csv                     # claims have commas in them, which gnuplot's CSV does not take
n = system("mlr --icsv --onidx stats1 -a max -f rank ".csv) + 0
said(i, field) = system(sprintf("mlr --icsv --onidx filter '$rank == %d' then cut -f %s %s", i, field, csv))
eval canvas(1380, 170 + 36 * n)
eval headline("What was published, and what the recorded numbers say", \
    "claims that are correlations; filled: recomputed, with 95 % interval; open circles around or beside them: as published")
set datafile separator tab
set xrange [-1:1]
set yrange [n + 0.6:0.4]
set xlabel "r"
set xtics 0.5
set lmargin at screen 0.36
set rmargin at screen 0.56
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linewidth 1 linecolor rgb grey back
colour(s) = s eq "stands" ? 0x0072B2 : s eq "circular" || s eq "repeats" ? 0xB07800 : s eq "thin" || s eq "confounded" ? 0x606060 : 0xD55E00
shape(s) = s eq "stands" ? 7 : s eq "circular" || s eq "repeats" ? 13 : s eq "thin" || s eq "confounded" ? 9 : 5
do for [i = 1:n] {
    status = said(i, "status")
    set label i sprintf("%s: %s", status, said(i, "reading")) at graph 1.04, first i left noenhanced textcolor rgb colour(status)
}
set errorbars small
set ytics noenhanced
set bmargin at screen 90.0 / (170 + 36 * n)
sign(i, s, what) = sprintf("set label %d \"%s\" at screen %g, screen 0.035 left offset 1.2, 0 point pointtype %d pointsize 0.9 linecolor rgb %d", \
    100 + i, what, 0.22 + 0.135 * i, shape(s), colour(s))
set label 100 "as published" at screen 0.22, screen 0.035 left offset 1.2, 0 point pointtype 6 pointsize 1.3 linewidth 1.2 linecolor rgb black
eval sign(1, "stands", "stands")
eval sign(2, "circular", "circular, or repeats")
eval sign(3, "thin", "thin, or confounded")
eval sign(4, "fails", "fails, or is off")
unset key
plot rows using "recomputed":"rank":"low":"high":(colour(strcol("status"))) with xerrorbars pointtype 0 linewidth 1.5 linecolor rgb variable, \
     rows using "recomputed":"rank":(shape(strcol("status"))):(colour(strcol("status"))):ytic(strcol("claim")) with points pointtype variable pointsize 0.9 linecolor rgb variable, \
     rows using "published":"rank" with points pointtype 6 pointsize 1.3 linewidth 1.2 linecolor rgb black
