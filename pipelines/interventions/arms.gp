# Every arm's damage to the worst language, with that of its control's draws. csv: arm, label (with * for a model for each
# language), worst, worst_low, worst_high, repairs,
# beats_chance, rank, least, most; measure, bits
unit = measure eq "delta_nll" ? "nats a token" : "bits a byte"
n = count("mlr --icsv --onidx count ".csv)
best = system("mlr --icsv --onidx filter '$label == $arm' then head -n 1 then cut -f arm ".csv)
each = count("mlr --icsv --onidx filter '$label != $arm' then count ".csv)
at = count("mlr --icsv --onidx filter '$arm == \"plain\"' then cut -f worst ".csv)
good = count("mlr --icsv --onidx filter '$repairs == \"yes\" && $beats_chance == \"yes\"' then count ".csv)
better = count("mlr --icsv --onidx filter '$repairs == \"yes\"' then count ".csv)
eval canvas(940, 160 + 24 * n)
eval headline(n ? sprintf("%s leaves the worst language best off; %d of %d that repair beat%s chance", plain(best), good, better, good == 1 ? "s" : "") : "No arm can be ranked", \
    sprintf("damage to the worst language at %s bits a weight; 95 %% intervals; line: plain%s", bits, each ? "; *: a model for each language" : ""))
set yrange [n + 0.6:0.4]
set xlabel sprintf("worst language, %s more than unrounded", unit)
set lmargin 22
set ytics noenhanced
set arrow 1 from at, graph 0 to at, graph 1 nohead linewidth 1 linecolor rgb grey back
set errorbars small
set key top right opaque
kind(test) = "< mlr --csv filter '".test."' ".csv
yes = "$repairs == \"yes\" && $beats_chance == \"yes\""
bars = "\"worst\":\"rank\":\"worst_low\":\"worst_high\" with xerrorbars pointsize 0.6"
picture = "plot csv using (0.5 * (column(\"least\") + column(\"most\"))):\"rank\":(0.5 * (column(\"most\") - column(\"least\"))):(0.32) " \
    ."with boxxyerror linecolor rgb pale fillstyle solid 1 title \"its control's draws\", csv using (NaN):\"rank\":ytic(strcol(\"label\")) notitle"
array test[3] = [yes, "$repairs == \"yes\" && $beats_chance != \"yes\"", "$repairs != \"yes\""]
array name[3] = ["repairs, and beats chance", "better than plain, not shown to beat chance", "no repair"]
array hue[3] = [green, orange, vermil]
array dot[3] = [7, 9, 6]
do for [t = 1:3] {
    if (count(sprintf("mlr --icsv --onidx filter '%s' then count %s", test[t], csv))) {
        picture = picture.sprintf(", kind(test[%d]) using %s pointtype dot[%d] linecolor rgb hue[%d] title name[%d]", t, bars, t, t, t)
    }
}
eval n ? picture : bare
