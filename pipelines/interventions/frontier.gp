# What each size buys the worst language. csv: arm, label (with * for a model for each language), bytes, bytes_more, worst, worst_low, worst_high, repairs, beats_chance; measure
unit = measure eq "delta_nll" ? "nats a token" : "bits a byte"
n = count("mlr --icsv --onidx count ".csv)
good = count("mlr --icsv --onidx filter '$repairs == \"yes\" && $beats_chance == \"yes\"' then count ".csv)
least = count("mlr --icsv --onidx stats1 -a min -f worst ".csv)
most = count("mlr --icsv --onidx stats1 -a max -f worst_high ".csv)
same = "$bytes_more <= 0 && $arm !=~ \"^plain|-(less|more)$\""
tried = count(sprintf("mlr --icsv --onidx filter '%s' then count %s", same, csv))
eval canvas(1000, 620)
eval headline(n ? sprintf("%d of %d repairs of the same size help the worst language more than chance does", good, tried) : "No arm can be ranked", \
    "damage to the worst language by size of the rounded weights; 95 % intervals from drawing paragraphs")
set xlabel "kB of codes and scales"
set ylabel sprintf("worst language, %s more than unrounded", unit)
set lmargin 11
set errorbars small
# One repair can be a tenth of another: a scale of ratios, if no language gains under one
floor = -1e308
if (n && least > 0) { set logscale y; floor = 0.6 * least; set yrange [floor:1.6 * most] }
set xrange [*:*] noextend
set offsets graph 0.1, graph 0.04, 0, 0
above(y) = y < floor ? floor : y
rows(test) = sprintf("< mlr --csv filter '%s' %s", test, csv)
any(test) = count(sprintf("mlr --icsv --onidx filter '%s' then count %s", test, csv))
array kind[4] = ["$repairs == \"yes\" && $beats_chance == \"yes\"", "$repairs == \"yes\" && $beats_chance != \"yes\"", \
    "$repairs == \"no\"", "$repairs == \"larger\" || $bytes_more < 0 && $arm =~ \"^mix\""]
array name[4] = ["repairs, and beats chance", "better than plain, not shown to beat chance", "no repair", "mixed widths, another size"]
array hue[4] = [green, orange, vermil, blue]
array dot[4] = [7, 9, 6, 5]
picture = "plot rows(\"$arm =~ \\\"^plain\\\"\") using (column(\"bytes\") / 1000):\"worst\":(above(column(\"worst_low\"))):\"worst_high\" with yerrorlines " \
    . "pointtype 7 pointsize 0.5 linecolor rgb grey title \"plain rounding\""
do for [k = 1:4] {
    if (any("$arm !=~ \"^plain\" && (".kind[k].")")) {
        picture = picture.sprintf(", rows(\"$arm !=~ \\\"^plain\\\" && (\".kind[%d].\")\") using (column(\"bytes\") / 1000):\"worst\"", k) \
            . sprintf(" with points pointtype dot[%d] pointsize 0.8 linecolor rgb hue[%d] title name[%d]", k, k, k)
    }
}
# The best of plain's size that is one model, and mixed widths of other sizes, by name
best = sprintf("< mlr --csv filter '%s && $label == $arm' then sort -nf worst then head -n 1 %s", same, csv)
mixed = rows("$arm =~ \"^mix.*-(less|more)$\"")
labels = "using (column(\"bytes\") / 1000):\"worst\":(strcol(\"arm\")) with labels noenhanced right offset -0.9, 0 notitle"
if (tried) { picture = picture.", best ".labels }
if (any("$arm =~ \"^mix.*-(less|more)$\"")) { picture = picture.", mixed ".labels }
eval n ? picture : bare
