# premium.gp - what each language pays for the same text.  csv: a language a row, the dearest first; tokenizer: whose.
# SPDX-License-Identifier: GPL-3.0-or-later
load shared
stats csv using "premium" nooutput
n = STATS_records; cheapest = STATS_min; dearest = STATS_max
stats csv using "high" nooutput
highest = STATS_max > dearest ? STATS_max : dearest
worst = plain(system("awk -F, 'NR == 2 { print $2 }' ".csv))

few = n < 25                                    # then there is no room for the key inside
eval canvas(860, (few ? 260 : 130) + 17 * n)
eval headline(sprintf("%s takes %.1f times the tokens of %s under %s", worst, dearest, compared, called(tokenizer)), \
  sprintf("Tokens for the same text, over %s; %d languages; 95 %% intervals over paragraphs", compared, n))
set lmargin 21; set rmargin 8
if (!few) { set bmargin 5 }
set yrange  [n - 0.4:-0.6]; set ytics scale 0
set y2range [n - 0.4:-0.6]; set y2tics scale 0
set logscale x 2
set xrange [cheapest < 0.84 ? 0.95 * cheapest : 0.8 : 1.05 * highest]
if (highest < 3) { set xtics (0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2, 2.2, 2.5) } \
else { set xtics (0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20) }
note = about(3, tokenizer)
set xlabel "premium (times ".compared.", logarithmic)".(note eq "" ? "" : "\n".called(tokenizer).": ".note)
unset grid; set grid xtics
set key at graph 0.98, graph 0.04 bottom right reverse Left samplen 0.8 spacing 1.25 opaque
if (few) {
    held = sum [i = 1:words(families)] (listed(i) ne "")
    set key at screen 0.5, screen 0.02 center bottom vertical maxrows 4
    set bmargin 6 + 1.25 * (held < 4 ? held : 4)
}
set arrow from 1, graph 0 to 1, graph 1 nohead back linewidth 1.5 linecolor rgb grey

plot csv using "premium":0:y2ticlabel(sprintf("%.2f", column("premium"))) axes x1y2 with dots linecolor rgb grey notitle, \
     for [i = 1:words(families)] csv using (only(i, column("premium"))):0:"low":"high":yticlabel(strcol("name")) \
       with xerrorbars pointtype shape(i) pointsize 0.75 linewidth 1.2 linecolor rgb colour(i) title listed(i), \
     csv using (strcol("low") eq "" ? column("premium") : NaN):0 with points pointtype 7 pointsize 0.75 \
       linecolor rgb grey notitle
