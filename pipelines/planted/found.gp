# Scores of layers by four finders, each as a share of its largest, planted layers marked. csv: finder, layer, score, rank,
# planted; tests: finder, p
finders = "kurtosis mlp_kurtosis damage_alone output_error"
titles = "'largest kurtosis of its matrices' 'kurtosis of its MLP' 'damage when it alone is rounded' 'relative error of its outputs'"
has(f) = system(sprintf("mlr --icsv --onidx filter '$finder == \"%s\"' then count %s", f, csv)) + 0
shown = ""
names = ""
do for [i = 1:4] { if (has(word(finders, i))) { shown = shown." ".word(finders, i); names = names." '".word(titles, i)."'" } }
n = words(shown)
last = system("mlr --icsv --onidx stats1 -a max -f layer ".csv) + 0
n_planted = system("mlr --icsv --onidx filter '$planted == 1' then count-distinct -f layer then count ".csv) + 0
missed(f) = system(sprintf("mlr --icsv --onidx filter '$finder == \"%s\" && $planted == 1 && $rank > %d' then count %s", f, n_planted, csv)) + 0
found = 0
do for [i = 1:n] { found = found + (missed(word(shown, i)) == 0) }
rows(f, p) = sprintf("< mlr --csv filter '$finder == \"%s\"' then put -q '@m = max(@m, abs($score)); @r[NR] = $*; end { for (k, r in @r) { r[\"share\"] = @m > 0 ? r[\"score\"] / @m : 0; if (r[\"planted\"] == %d) { emit1 r } } }' %s", f, p, csv)
height = 130 + 120 * n
eval canvas(800, height)
eval headline(sprintf("%d of %d finders put the planted layers in front of all others", found, n), \
    sprintf("score of each layer as a share of the largest; %d of %d layers were planted (orange), ranks above the bars", n_planted, last + 1))
set multiplot
set xrange [-0.6:last + 0.6]
set yrange [0:1.3]
set ytics 0, 0.5, 1
set xtics 1
set boxwidth 0.7
unset key
set lmargin at screen 0.08
set rmargin at screen 0.97
do for [i = 1:n] {
    f = word(shown, i)
    p = system("mlr --icsv --onidx filter '$finder == \"".f."\"' then cut -f p ".tests)
    set tmargin at screen 1 - (85.0 + 120 * (i - 1) + 22) / height
    set bmargin at screen 1 - (85.0 + 120 * i - 8) / height
    set label 2 word(names, i).(p eq "" ? "" : sprintf(",  p = %.2g", real(p))) at graph 0, graph 1 offset 0, 0.7
    if (i == n) { set xlabel "layer"; set format x "%h" } else { unset xlabel; set format x "" }
    plot rows(f, 0) using "layer":"share" with boxes linecolor rgb pale fillstyle solid 1, \
         rows(f, 1) using "layer":"share" with boxes linecolor rgb vermil fillstyle solid 1, \
         rows(f, 1) using "layer":(column("share") > 0 ? column("share") : 0):(strcol("rank")) with labels offset 0, 0.7
    unset label 1001
    unset label 1002
}
unset multiplot
