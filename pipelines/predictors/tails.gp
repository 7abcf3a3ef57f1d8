# Kurtosis of the weights by layer and role, log scale. csv: layer, role, kurtosis (excess). layers: layer, kurtosis of the MLP
# matrices together, outlier; outlier: the threshold
roles = system("mlr --icsv --onidx count-distinct -f role then cut -f role ".csv)
n = system("mlr --icsv --onidx stats1 -a max -f layer ".csv) + 0
n_outlier = system("mlr --icsv --onidx stats1 -a sum -f outlier ".layers) + 0
worst = system("mlr --icsv --onidx filter 'is_not_empty($kurtosis)' then sort -nr kurtosis then head -n 1 then cut -o -f role ".csv)
at = system("mlr --icsv --onidx filter 'is_not_empty($kurtosis)' then sort -nr kurtosis then head -n 1 then cut -o -f layer ".csv)
eval canvas(900, 560)
eval headline(sprintf("The heaviest tails are those of %s in layer %s", plain(worst), at), \
    sprintf("kurtosis of the weights by layer and role (normal: 3, log scale); outlier layers, whose MLP weights are above the dashed line: %d of %d", n_outlier, n + 1))
set logscale y
set xlabel "layer"
set ylabel "kurtosis"
set xrange [-0.5:n + 0.5]
most = system("mlr --icsv --onidx stats1 -a max -f kurtosis ".csv) + 3
set yrange [2:(most > outlier + 3 ? most : outlier + 3) * 1.3]
set xtics 1
if (n > 16) { set xtics 2 }
set ytics (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
set key outside right top noenhanced
colours = "#0072B2 #D55E00 #009E73 #CC79A7 #56B4E9 #E69F00 #767676"
line = outlier + 3
rows(r) = sprintf("< mlr --csv filter '$role == \"%s\"' then sort -nf layer %s", r, csv)
plot line with lines dashtype 2 linewidth 1.2 linecolor rgb grey title sprintf("outlier, excess %s", outlier), \
     layers using "layer":(column("kurtosis") + 3) with lines linewidth 3 linecolor rgb pale title "MLP together", \
     for [i = 1:words(roles)] rows(word(roles, i)) using "layer":(column("kurtosis") + 3) with linespoints pointtype 4 + i pointsize 0.7 \
         linewidth 1.2 linecolor rgb word(colours, (i - 1) % 7 + 1) title word(roles, i)
