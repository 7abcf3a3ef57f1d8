# What rounding costs each language. intervals: lang, estimate, low, high; measure, spec
n = system("mlr --icsv --onidx filter 'is_not_empty($estimate)' then count ".intervals) + 0
name = measure eq "delta_bits_per_byte" ? "bits a byte more than unrounded" \
     : measure eq "delta_nll" ? "nats a token more than unrounded" \
     : measure eq "degradation" ? "relative rise of perplexity" : "KL divergence from the unrounded model, nats a token"
worst = system("mlr --icsv --onidx filter 'is_not_empty($estimate)' then sort -nr estimate then head -n 1 then cut -o -f lang ".intervals)
best = system("mlr --icsv --onidx filter 'is_not_empty($estimate)' then sort -nf estimate then head -n 1 then cut -o -f lang ".intervals)
eval canvas(900, 150 + (n > 20 ? 16 : 22) * n)
eval headline(n ? sprintf("Rounding costs %s most, %s least", plain(worst), plain(best)) : "No language can be ranked: the model is worse than guessing", \
    sprintf("weights rounded by %s; 95 %% intervals from drawing lines", plain(spec)))
rows = sprintf("< mlr --csv filter 'is_not_empty($estimate)' then sort -nr estimate then cat -n -N rank %s", intervals)
set xlabel name
set yrange [n + 0.6:0.4]
set xrange [*:*]
set lmargin 16
set ytics noenhanced
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linewidth 1 linecolor rgb grey back
unset key
set errorbars small
if (n) {
    plot rows using "estimate":(column("rank")):"low":"high":ytic(strcol("lang")) with xerrorbars pointtype 7 pointsize 0.7 linecolor rgb vermil
} else {
    unset border; unset tics; unset xlabel; unset arrow 1
    plot [0:1] NaN
}
