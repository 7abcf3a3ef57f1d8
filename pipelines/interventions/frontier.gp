# What each size buys the worst language. csv: arm, bytes, bytes_more, worst, worst_low, worst_high, repairs, beats_chance; measure
unit = measure eq "delta_nll" ? "nats a token" : "bits a byte"
good = system("mlr --icsv --onidx filter '$repairs == \"yes\" && $beats_chance == \"yes\"' then count ".csv) + 0
same = system("mlr --icsv --onidx filter '$bytes_more == 0 && $arm != \"plain\"' then count ".csv) + 0
eval canvas(1000, 620)
eval headline(sprintf("%d of %d repairs of the same size help the worst language, and more than chance does", good, same), \
    "damage to the worst language by size of the rounded weights; 95 % intervals from drawing paragraphs")
set xlabel "kB of codes and scales"
set ylabel sprintf("worst language, %s more than unrounded", unit)
set lmargin 11
set errorbars small
set xrange [*:*]
set offsets graph 0.04, graph 0.22, graph 0.05, graph 0.02
set yrange [*:*]
set key top right
rows(test) = sprintf("< mlr --csv filter '%s' %s", test, csv)
any(test) = system(sprintf("mlr --icsv --onidx filter '%s' then count %s", test, csv)) + 0
array kind[4] = ["$repairs == \"yes\" && $beats_chance == \"yes\"", "$repairs == \"yes\" && $beats_chance != \"yes\"", \
    "$repairs == \"no\"", "$repairs == \"larger\" || $bytes_more < 0 && $arm =~ \"^mix\""]
array name[4] = ["repairs, and beats chance", "better than plain, not shown to beat chance", "no repair", "mixed widths, another size"]
array hue[4] = [green, orange, vermil, blue]
array dot[4] = [7, 9, 6, 5]
picture = "plot rows(\"$arm =~ \\\"^plain\\\"\") using (column(\"bytes\") / 1000):\"worst\":\"worst_low\":\"worst_high\" with yerrorlines " \
    . "pointtype 7 pointsize 0.5 linecolor rgb grey title \"plain rounding\""
do for [k = 1:4] {
    if (any("$arm !=~ \"^plain\" && (".kind[k].")")) {
        picture = picture.sprintf(", rows(\"$arm !=~ \\\"^plain\\\" && (\".kind[%d].\")\") using (column(\"bytes\") / 1000):\"worst\"", k) \
            . sprintf(" with points pointtype dot[%d] pointsize 0.8 linecolor rgb hue[%d] title name[%d]", k, k, k)
    }
}
eval picture
