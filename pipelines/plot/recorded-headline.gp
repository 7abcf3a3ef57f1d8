# The headline of the published study: share of activation in outlier layers against damage, with the line of least squares and
# its bootstrap band. csv: the languages; band: x, y_p2.5, y_p50, y_p97.5; values: id,value
number(id) = system("mlr --icsv --onidx filter '$id == \"".id."\"' then cut -f value ".values) + 0
eval canvas(900, 600)
eval headline(sprintf("r = %.2f; with script held fixed r = %.2f", number("exp007.outlier.r"), number("partial.outlier|latin.r")), \
    sprintf("BLOOM-560M as recorded, 14 languages; 95 %% intervals [%.2f, %.2f] (BCa) and [%.2f, %.2f] (Fisher z); band: bootstrap of the line", \
    number("exp008.outlier.bca.lo"), number("exp008.outlier.bca.hi"), number("partial.outlier|latin.lo"), number("partial.outlier|latin.hi")))
set xlabel "share of activation in layers 5, 21 and 22"
set ylabel "damage at 4 bits, as published (relative increase)"
set xrange [0.168:0.208]
set yrange [0:0.03]
set xtics 0.17, 0.01
set format "%.3f"
plot band using 1:2:4 with filledcurves linecolor rgb pale fillstyle solid 0.6 notitle, \
     band using 1:3 with lines linewidth 1.5 linecolor rgb grey notitle, \
     csv using (column("latin") == 0 ? column("outlier_frac") : NaN):"degradation" with points @dots linecolor rgb vermil title "other scripts", \
     csv using (column("latin") == 1 ? column("outlier_frac") : NaN):"degradation" with points pointtype 9 pointsize 0.9 linecolor rgb blue title "Latin script", \
     csv using (column("side") > 0 ? column("outlier_frac") + 0.0004 : NaN):"degradation":"name" with labels left notitle, \
     csv using (column("side") < 0 ? column("outlier_frac") - 0.0004 : NaN):"degradation":"name" with labels right notitle
