# Draws of r from resampled languages, with the two intervals. csv: r, outlier_frac (share of draws in each bin of 0.01); interval: the
# rows of bootstrap
end(kind, side) = system("mlr --icsv --onidx filter '$interval == \"".kind."\"' then cut -f ".side." ".interval) + 0
eval canvas(900, 480)
eval headline(sprintf("The interval of r reaches from %.2f to %.2f", end("bca", "low"), end("bca", "high")), \
    sprintf("%s resamples of 14 languages; published: [-0.930, -0.645] from 10 000", end("bca", "resamples") > 999999 ? "10^6" : sprintf("%d", end("bca", "resamples"))))
set xlabel "r of outlier share and damage"
set ylabel "share of resamples (per 0.01)"
set xrange [-1:0]
set format y "%.2f"
stats csv using "outlier_frac" name "S" nooutput
set yrange [0:1.35 * S_max]
set arrow 1 from end("percentile", "low"), graph 0.95 to end("percentile", "high"), graph 0.95 heads size screen 0.006,90 linewidth 1.6 linecolor rgb black
set label 1 "percentile" at end("percentile", "high"), graph 0.95 offset 1, 0 left
set arrow 2 from end("bca", "low"), graph 0.87 to end("bca", "high"), graph 0.87 heads size screen 0.006,90 linewidth 1.6 linecolor rgb blue
set label 2 "BCa" at end("bca", "high"), graph 0.87 offset 1, 0 left textcolor rgb blue
set arrow 3 from end("bca", "estimate"), graph 0 to end("bca", "estimate"), graph 0.77 nohead linewidth 1.6 linecolor rgb vermil front
set label 3 sprintf("r = %.3f", end("bca", "estimate")) at end("bca", "estimate"), graph 0.77 offset 0.7, 0 left front textcolor rgb vermil
set style fill solid 0.8 noborder
plot csv using "r":"outlier_frac" with boxes linecolor rgb sky notitle
