# What the tokenizer charges. csv: lang, latin, premium, low, high; reference
n = count("mlr --icsv --onidx filter 'is_not_empty($premium)' then count ".csv)
dear = system("mlr --icsv --onidx sort -nr premium then head -n 1 then cut -o -f lang ".csv)
most = count("mlr --icsv --onidx stats1 -a max -f premium ".csv)
eval canvas(900, 150 + (n > 20 ? 16 : 22) * n)
eval headline(sprintf("The same text takes %.1f times as many tokens in %s as in %s", most, plain(dear), plain(reference)), \
    sprintf("tokens for the same text over those in %s, with 95 %% intervals from drawing paragraphs in pairs", plain(reference)))
rows(latin) = sprintf("< mlr --csv filter 'is_not_empty($premium)' then sort -nr premium then cat -n -N rank then filter '$latin == %d' then put '$low = is_empty($low) ? $premium : $low; $high = is_empty($high) ? $premium : $high' %s", latin, csv)
set xlabel "premium"
set xrange [0:*]
set yrange [n + 0.6:0.4]
set lmargin 16
set ytics noenhanced
set arrow 1 from 1, graph 0 to 1, graph 1 nohead linewidth 1 linecolor rgb grey back
set errorbars small
set key bottom right
plot rows(0) using "premium":"rank":"low":"high":ytic(strcol("lang")) \
         with xerrorbars pointtype 7 pointsize 0.7 linecolor rgb vermil title "other scripts", \
     rows(1) using "premium":"rank":"low":"high":ytic(strcol("lang")) \
         with xerrorbars pointtype 5 pointsize 0.7 linecolor rgb blue title "Latin script"
