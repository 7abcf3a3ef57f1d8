# What was found, in words. Files: layers.csv, damage.csv, correlations.csv; -v measure, spec, outlier
function column(name,    i) { for (i = 1; i <= NF; i++) if ($i == name) return i; return 0 }
FNR == 1 {
    file++
    if (file == 1) { c_layer = column("layer"); c_kurtosis = column("kurtosis"); c_outlier = column("outlier") }
    if (file == 2) { c_lang = column("lang"); c_value = column(measure) }
    if (file == 3) { c_x = column("x"); c_method = column("method"); c_n = column("n"); c_r = column("estimate"); c_low = column("low"); c_high = column("high"); c_p = column("p"); c_holm = column("p_holm") }
    next
}
file == 1 {
    n_layer++
    if ($c_outlier) outliers = outliers (outliers == "" ? "" : ", ") $c_layer
}
file == 2 {
    n_lang++
    if ($c_value != "") {
        n_ranked++
        if (worst == "" || $c_value + 0 > most) { most = $c_value + 0; worst = $c_lang }
        if (best == "" || $c_value + 0 < least) { least = $c_value + 0; best = $c_lang }
    }
}
file == 3 && $c_method == "pearson" {
    if ($c_r == "") { undefined++; next }
    n_tested++
    line = sprintf("  %-34s r = %6.3f [%6.3f, %6.3f], n = %d, p = %.2g, by Holm %.2g", $c_x, $c_r, $c_low, $c_high, $c_n, $c_p, $c_holm)
    lines = lines line "\n"
    if ($c_holm != "" && $c_holm < 0.05) { held++ }
}
END {
    printf "Outlier layers (excess kurtosis of the MLP weights above %s): %s of %d\n", outlier, outliers == "" ? "none" : outliers, n_layer
    if (n_ranked) printf "Weights by %s: %s is worst, %s by %.4g; best is %s, %.4g; %d of %d languages ranked\n", spec, measure, worst, most, best, least, n_ranked, n_lang
    else printf "Weights by %s: no language can be ranked, the model is worse than guessing in all %d\n", spec, n_lang
    if (n_tested) printf "Predictors of %s (%d of %d told from nothing after Holm over all rows):\n%s", measure, held, n_tested, lines
    if (undefined) printf "  undefined: %d predictors (constant, or no outlier layer)\n", undefined
}
