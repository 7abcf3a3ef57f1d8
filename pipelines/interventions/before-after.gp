# Damage by language, before and after. csv: arm, lang, estimate, low, high; arms (their order), measure, bits
unit = measure eq "delta_nll" ? "nats a token" : "bits a byte"
first = word(arms, 1)
langs = system(sprintf("mlr --icsv --onidx filter '$arm == \"%s\"' then sort -nr estimate then cut -f lang %s", first, csv))
worst(a) = system(sprintf("mlr --icsv --onidx filter '$arm == \"%s\"' then sort -nr estimate then head -n 1 then cut -f lang %s", a, csv))
n = words(langs)
k = words(arms)
last = word(arms, k)
eval canvas(900, 190 + 15 * n * (k < 3 ? 2 : 0.7 * k))
eval headline(sprintf("Rounded to %s bits, %s loses most", bits, plain(worst(first))) \
    .(k < 2 ? "" : worst(last) eq worst(first) ? sprintf(", and under %s too", plain(last)) : sprintf("; under %s it is %s", plain(last), plain(worst(last)))), \
    "the same size by the byte; 95 % intervals from drawing paragraphs")
array hue[6] = [black, green, blue, vermil, orange, purple]
array dot[6] = [7, 5, 9, 13, 11, 15]
eval names(langs)
set yrange [n + 0.6:0.4]
set xlabel sprintf("%s more than unrounded", unit)
set lmargin 12
set arrow 1 from 0, graph 0 to 0, graph 1 nohead linewidth 1 linecolor rgb grey back
set errorbars small
eval key_below
set key noenhanced
place(l) = int(sum [i = 1:n] (word(langs, i) eq l ? i : 0))
rows(a) = sprintf("< mlr --csv filter '$arm == \"%s\"' %s", a, csv)
plot for [a = 1:k] rows(word(arms, a)) using "estimate":(place(strcol("lang")) + 0.7 * (a - 0.5 * (k + 1)) / k):"low":"high" \
    with xerrorbars pointtype dot[(a - 1) % 6 + 1] pointsize 0.6 linecolor rgb hue[(a - 1) % 6 + 1] title word(arms, a)
