# r without each language. csv: name, latin, estimate, rank; values: id,value
number(id) = system("mlr --icsv --onidx filter '$id == \"".id."\"' then cut -f value ".values) + 0
r = number("exp007.outlier.r")
eval canvas(900, 480)
eval headline(sprintf("No single language carries it: without English r is still %.2f", r + number("loo.eng")), \
    "r of outlier share and damage when one language is left out, sorted")
set xlabel "r without the language"
set xrange [-0.9:-0.75]
set yrange [14.7:0.3]
set format x "%.2f"
set arrow 1 from r, graph 0 to r, graph 1 nohead linewidth 1.2 dashtype 2 linecolor rgb grey back
set label 1 sprintf("all 14: %.3f", r) at r, graph 0.02 offset 0.7, 0.3 left textcolor rgb grey
set key bottom right
plot csv using (column("latin") == 0 ? column("estimate") : NaN):"rank":ytic(strcol("name")) with points @dots linecolor rgb vermil title "other scripts", \
     csv using (column("latin") == 1 ? column("estimate") : NaN):"rank":ytic(strcol("name")) with points pointtype 9 pointsize 0.9 linecolor rgb blue title "Latin script"
