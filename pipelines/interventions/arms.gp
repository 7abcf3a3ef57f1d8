# Every arm's damage to the worst language, with that of its control's draws. csv: arm, worst, worst_low, worst_high, repairs,
# beats_chance, rank, least, most; measure, bits
unit = measure eq "delta_nll" ? "nats a token" : "bits a byte"
n = system("mlr --icsv --onidx count ".csv) + 0
best = system("mlr --icsv --onidx head -n 1 then cut -f arm ".csv)
at = system("mlr --icsv --onidx filter '$arm == \"plain\"' then cut -f worst ".csv) + 0
good = system("mlr --icsv --onidx filter '$repairs == \"yes\" && $beats_chance == \"yes\"' then count ".csv) + 0
eval canvas(940, 160 + 24 * n)
eval headline(n ? sprintf("%s leaves the worst language best off; %d of the repairs beat%s chance", plain(best), good, good == 1 ? "s" : "") : "No arm can be ranked", \
    sprintf("damage to the worst language at %s bits a weight; 95 %% intervals; grey: random repairs of equal cost", bits))
set yrange [n + 0.6:0.4]
set xlabel sprintf("worst language, %s more than unrounded", unit)
set lmargin 22
set ytics noenhanced
set arrow 1 from at, graph 0 to at, graph 1 nohead linewidth 1 linecolor rgb grey back
set errorbars small
unset key
plot csv using (0.5 * (column("least") + column("most"))):"rank":(0.5 * (column("most") - column("least"))):(0.32) with boxxyerror linecolor rgb pale fillstyle solid 1, \
     csv using "worst":"rank":"worst_low":"worst_high":ytic(strcol("arm")) with xerrorbars pointtype 7 pointsize 0.6 linecolor rgb vermil, \
     csv using (strcol("repairs") eq "yes" && strcol("beats_chance") eq "yes" ? column("worst") : NaN):"rank":"worst_low":"worst_high" with xerrorbars pointtype 7 pointsize 0.6 linecolor rgb green
