# corr: the recorded study's numbers, R's, closed forms; then the contract that every program keeps.
load helper
setup() {
    helper_setup
    RECORDED="$BATS_TEST_DIRNAME/../pipelines/data"
}

# expected ID: the recomputed figure of that row of expected.csv
expected() {
    awk -F, -v id="$1" '$1 == id { print $6; found = 1 } END { exit !found }' "$DATA/expected.csv"
}

# languages FILE...: the 14 languages with the columns of all files side by side; those of XGLM as xglm
languages() {
    mlr --csv join -j lang -f "$RECORDED/bloom560m-lang.csv" then join -j lang -f "$RECORDED/lang-degradation.csv" \
        then join -j lang -f "$RECORDED/lang-covariates.csv" \
        then put '$log10_roots_bytes = log10(1 + $roots_bytes); $premium = $bloom_flores_tokens' \
        then join -j lang -f <(mlr --csv rename weighted_kurtosis,xglm then cut -f lang,xglm "$RECORDED/xglm564m-lang.csv") \
        "$RECORDED/lang-degradation.csv"
}

# reproduces ID CSV: r, p and, where they are given, the interval, rho and tau of expected.csv. CSV has the
# rows of pearson, spearman and kendall.
reproduces() {
    close "$(field estimate 1 <"$2")" "$(expected "$1.r")" 1e-9
    close "$(field p 1 <"$2")" "$(expected "$1.p")" 1e-9
    expected "$1.rho" >/dev/null || return 0
    close "$(field low 1 <"$2")" "$(expected "$1.fisher.lo")" 1e-9
    close "$(field high 1 <"$2")" "$(expected "$1.fisher.hi")" 1e-9
    close "$(field estimate 2 <"$2")" "$(expected "$1.rho")" 1e-9
    close "$(field p 2 <"$2")" "$(expected "$1.rho.p")" 1e-9
    close "$(field estimate 3 <"$2")" "$(expected "$1.tau")" 1e-9
    close "$(field p 3 <"$2")" "$(expected "$1.tau.p")" 1e-9
}

@test "corr: reproduces the recorded study" {
    languages >lang.csv
    while read -r id x; do
        corr --x "$x" --y degradation --method pearson,spearman,kendall lang.csv >got.csv
        reproduces "$id" got.csv
    done <<'END'
exp007.outlier outlier_frac
exp007.combined combined_frac
exp007.high high_frac
exp003.bloom weighted_kurtosis
exp004.xglm xglm
control.tokens tokens
control.total_activation total_activation
control.bloom_premium premium
END
}

@test "corr: reproduces the recorded partial and within-group correlations" {
    languages >lang.csv
    for given in latin in_roots log10_roots_bytes premium latin+in_roots latin+premium latin+in_roots+premium; do
        corr --x outlier_frac --y degradation --given "${given//+/,}" lang.csv >got.csv
        reproduces "partial.outlier|$given" got.csv
        [[ $(field given <got.csv) == "$given" ]]
    done
    corr --x weighted_kurtosis --y degradation --given latin lang.csv >got.csv
    reproduces "partial.wkurt|latin" got.csv
    corr --x outlier_frac --y degradation --by latin lang.csv >got.csv
    close "$(field estimate 1 <got.csv)" "$(expected within.nonlatin.r)" 1e-9
    close "$(field p 2 <got.csv)" "$(expected within.latin.p)" 1e-9
}

@test "corr: takes CSV as RFC 4180 and its users write it" {
    printf 'a,b\n1,2\n2,1\n4,5\n' >plain.csv
    corr plain.csv >wanted.csv
    for text in 'a,b\r\n1,2\r\n2,1\r\n4,5\r\n' 'a,b\r1,2\r2,1\r4,5' '"a","b"\n1,2\n"2",1\n4,"5"' \
        '\n\na,b\n\n1,2\n\n2,1\n4,5\n\n' '\xef\xbb\xbfa,b\n1,2\n2,1\n4,5' 'a,b\r1,2\n2,1\r"4","5"'; do
        printf "$text" | corr >got.csv
        cmp got.csv wanted.csv
    done
    gzip -c plain.csv | corr >got.csv
    cmp got.csv wanted.csv
    # blank lines, commas and carriage returns inside quotes belong to the field
    printf 'g,a,b\n"x\n\n,2,3\n",1,2\n"x\n\n,2,3\n",2,1\n"x\n\n,2,3\n",4,5\n"y\r",1,1\n"y\r",2,2\n' >quoted.csv
    run -0 --separate-stderr corr --by g quoted.csv
    [[ $output == *$'"x\n\n,2,3\n",a,b,,pearson,3,0,'*$'"y\r",a,b,,pearson,2,0,1,'* ]]
}
