# Each language's cliff at each grain. csv: grain, lang, cliff, low, high (1: none); measure, limit, group
order = "mlr --csv filter 'is_not_empty($cliff)' then stats1 -a mean -f cliff,high -g lang then sort -nr cliff_mean,high_mean -f lang then cat -n -N rank then cut -o -f lang,rank ".csv
n = count("mlr --icsv --onidx filter 'is_not_empty($cliff)' then count-distinct -f lang then count ".csv)
grains = system("mlr --icsv --onidx count-distinct -f grain then cut -f grain ".csv)
widest = count("mlr --icsv --onidx filter 'is_not_empty($high)' then stats1 -a max -f high ".csv)
first = system(order." | mlr --icsv --onidx head -n 1 then cut -f lang")
eval canvas(900, 190 + 26 * n)
eval headline(n ? sprintf("%s needs the most bits", plain(first)) : "No language can be ranked", \
    sprintf("cliff: the largest width at which %s is above %s, with its interval; none: at no width swept", plain(measure), limit))
rows(g, d) = sprintf("< mlr --csv filter 'is_not_empty($cliff)' then put -q '@row[NR] = $*; @sum[$lang] += $cliff + $high / 100; end { @at = sort(@sum, func(ak, av, bk, bv) { return bv <=> av }); num k = 0; for (l, s in @at) { k += 1; @rank[l] = k } for (i, r in @row) { if (r[\"grain\"] == \"%s\") { r[\"rank\"] = @rank[r[\"lang\"]] + %g; emit1 r } } }' %s", g, d, csv)
set xrange [0.6:(widest < 4 ? 4 : widest) + 0.4]
set yrange [n + 0.6:0.4]
set xtics ("none" 1, 2, 3, 4, 5, 6, 7, 8)
set xlabel "bits"
set lmargin 16
langs = system(rows(word(grains, 1), 0)[3:*]." | mlr --icsv --onidx sort -nf rank then cut -f lang")
eval names(langs)
set errorbars small
eval key_below
name(g) = g eq "group" ? "groups of ".group : g eq "tensor" ? "whole tensors" : "channels"
colour(g) = g eq "group" ? green : g eq "tensor" ? vermil : blue
off(g) = g eq "group" ? 0.2 : g eq "tensor" ? -0.2 : 0
if (n) {
    plot for [i = 1:words(grains)] rows(word(grains, i), off(word(grains, i))) using "cliff":"rank":"low":"high" \
        with xerrorbars pointtype 4 + 2 * i - 1 pointsize 0.8 linecolor rgb colour(word(grains, i)) title "a scale for ".name(word(grains, i))
} else {
    eval bare
}
