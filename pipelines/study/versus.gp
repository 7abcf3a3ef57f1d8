# Damage by language in two models. csv: lang, bits_estimate, bits_low, bits_high, bits2_..., p_holm; one, two, spec
n = count("mlr --icsv --onidx count ".csv)
more = count("mlr --icsv --onidx filter '$p_holm < 0.05 && $more_bits_estimate > 0' then count ".csv)
less = count("mlr --icsv --onidx filter '$p_holm < 0.05 && $more_bits_estimate < 0' then count ".csv)
eval canvas(900, 180 + (n > 20 ? 18 : 26) * n)
eval headline(n ? sprintf("%s loses more than %s in %d, less in %d of %d languages", plain(one), plain(two), more, less, n) : "No language can be ranked in both", \
    sprintf("weights by %s; 95 %% intervals from drawing paragraphs; counted by sign flips, Holm over languages", plain(spec)))
rows = sprintf("< mlr --csv sort -nr bits_estimate then cat -n -N rank %s", csv)
set xlabel "bits a byte more"
set yrange [n + 0.6:0.4]
set lmargin 16
set ytics noenhanced
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linewidth 1 linecolor rgb grey back
set errorbars small
eval key_below
if (n) {
    plot rows using "bits_estimate":"rank":"bits_low":"bits_high":ytic(strcol("lang")) with xerrorbars pointtype 7 pointsize 0.7 linecolor rgb vermil title plain(one), \
         rows using "bits2_estimate":(column("rank") + 0.22):"bits2_low":"bits2_high" with xerrorbars pointtype 5 pointsize 0.7 linecolor rgb blue title plain(two)
} else {
    eval bare
}
