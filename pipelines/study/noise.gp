# Rounding against noise of the same size. csv: lang, d_rounding_estimate, _low, _high, noise1.., noise_mean; measure, spec, seeds
n = count("mlr --icsv --onidx count ".csv)
unit = measure eq "delta_bits_per_byte" ? "bits a byte more" : measure eq "delta_nll" ? "nats a token more" : plain(measure)
ratio = count("mlr --icsv --onidx stats1 -a mean -f d_rounding_estimate,noise_mean then put '$r = $d_rounding_estimate_mean / $noise_mean_mean' then cut -f r ".csv)
known = count("mlr --icsv --onidx stats1 -a min -f noise_mean ".csv) > 0
eval canvas(900, 180 + (n > 20 ? 16 : 22) * n)
eval headline(n ? (known ? sprintf("Rounding does %.2f times what noise of its size does", ratio) : "Noise of the size of rounding does not harm every language") : "No language can be ranked", \
    sprintf("weights by %s, 95 %% intervals from drawing paragraphs; Gauss noise as large in each channel, %s seeds", plain(spec), seeds))
rows = sprintf("< mlr --csv sort -nr d_rounding_estimate then cat -n -N rank %s", csv)
set xlabel unit
set yrange [n + 0.6:0.4]
set lmargin 16
set ytics noenhanced
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linewidth 1 linecolor rgb grey back
set errorbars small
eval key_below
if (n) {
    plot for [k = 1:seeds + 0] rows using (column("noise".k)):"rank" with points pointtype 6 pointsize 0.5 linecolor rgb "#A0A0A0" title k == 1 ? "a seed of noise" : "", \
        rows using "noise_mean":(column("rank") + 0.18) with points pointtype 9 pointsize 0.8 linecolor rgb blue title "noise, mean", \
        rows using "d_rounding_estimate":"rank":"d_rounding_low":"d_rounding_high":ytic(strcol("lang")) with xerrorbars pointtype 7 pointsize 0.7 linecolor rgb vermil title "rounding"
} else {
    eval bare
}
