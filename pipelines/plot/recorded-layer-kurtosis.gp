# Kurtosis of the MLP weights of each layer, two models, log scale. csv: layer, kurtosis (BLOOM), xglm_kurtosis
eval canvas(900, 520)
stats csv using "kurtosis" name "B" nooutput
stats csv using "xglm_kurtosis" name "X" nooutput
eval headline(sprintf("The heaviest layer of BLOOM has %.0f times the kurtosis of XGLM’s", B_max / X_max), \
    sprintf("excess kurtosis of the MLP weights, 24 layers each; medians %.1f and %.2f; outlier layers lie early and late", B_median, X_median))
set logscale y
set xlabel "layer"
set ylabel "excess kurtosis (log scale)"
set xrange [-0.7:23.7]
set yrange [0.05:400]
set xtics 0, 2
set format y "%g"
set key top center
plot csv using "layer":"kurtosis" with linespoints pointtype 7 pointsize 0.8 linecolor rgb vermil linewidth 1.3 title "BLOOM-560M", \
     csv using "layer":"xglm_kurtosis" with linespoints pointtype 9 pointsize 0.9 linecolor rgb blue linewidth 1.3 title "XGLM-564M"
