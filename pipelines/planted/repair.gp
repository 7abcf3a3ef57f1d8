# Damage by rounding, of the model as it was and planted, as it is and repaired. csv: arm, estimate, low, high; languages: arm,
# lang, estimate; measure, spec
name = measure eq "delta_bits_per_byte" ? "bits a byte more than unrounded" \
     : measure eq "delta_nll" ? "nats a token more than unrounded" \
     : measure eq "degradation" ? "relative rise of perplexity" : "KL divergence from the unrounded model, nats a token"
damage_of(arm) = system(sprintf("mlr --icsv --onidx filter '$arm == \"%s\"' then cut -f estimate %s", arm, csv)) + 0
taken = (damage_of("planted") - damage_of("planted-evened")) / (damage_of("planted") - damage_of("original"))
eval canvas(850, 400)
eval headline((taken > 0.995 ? "Evening out takes away all" : sprintf("Evening out takes away %.0f %%", 100 * taken))." of the damage that planting added", \
    sprintf("weights rounded by %s; all languages with 95 %% intervals, and each language (grey)", plain(spec)))
arms = "original original-evened original-rotated planted planted-evened planted-rotated"
place = "map place = {\"original\": 1, \"original-evened\": 2, \"original-rotated\": 3, \"planted\": 4.5, \"planted-evened\": 5.5, \"planted-rotated\": 6.5}; $place = place[$arm]"
set yrange [7.1:0.4]
set ytics ("as it was" 1, "evened out" 2, "rotated" 3, "planted" 4.5, "planted, evened out" 5.5, "planted, rotated" 6.5)
set xrange [*<0:*]
set lmargin 22
set rmargin 4
set xlabel name
set errorbars small
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linewidth 1 linecolor rgb grey back
unset key
plot sprintf("< mlr --csv put '%s' %s", place, languages) using "estimate":"place" with points pointtype 7 pointsize 0.4 linecolor rgb grey, \
     sprintf("< mlr --csv put '%s' %s", place, csv) using "estimate":"place":"low":"high" with xerrorbars pointtype 7 pointsize 0.9 linecolor rgb vermil
