# r when damage is shuffled over the languages: freely, and only within script. csv: r, free, within (share of draws in each
# bin of 0.02); values: id,value
number(id) = system("mlr --icsv --onidx filter '$id == \"".id."\"' then cut -f value ".values) + 0
eval canvas(900, 480)
eval headline(sprintf("Chance alone rarely gives r = %.2f; script alone gives %.2f on average", number("exp007.outlier.r"), number("strat.outlier.null_mean")), \
    sprintf("shuffled damage, 14 languages; exact one-sided p: all orders %.1e, within Latin and other scripts %.4f", number("exp008.outlier.perm.one"), number("strat.outlier.p")))
set xlabel "r of outlier share and shuffled damage"
set ylabel "share of shuffles (per 0.02)"
set xrange [-1:1]
set yrange [0:*]
set format y "%.2f"
r = number("exp007.outlier.r")
set arrow 1 from r, graph 0 to r, graph 0.92 nohead linewidth 1.6 linecolor rgb vermil front
set label 1 sprintf("observed %.3f", r) at r, graph 0.95 center textcolor rgb vermil
set style fill solid 0.6 noborder
plot csv using "r":"free" with fillsteps linecolor rgb sky title "shuffled freely", \
     csv using "r":"within" with steps linewidth 2 linecolor rgb blue title "only within script"
