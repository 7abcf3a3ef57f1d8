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

@test "corr: R's coefficients, statistics, p values and intervals" {
    agree() { # GOT WANTED: 1e-10 of it; R's exact p of kendall is a difference from 1
        awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; if (d < 0) d = -d; m = b < 0 ? -b : b
            exit !(a != "" && a == a + 0 && (d <= 1e-10 * m || d <= 1e-14 && m > 1e-9)) }' || {
            echo "got $1, R $2"
            return 1
        }
    }
    for given in "" u u+v; do
        for alternative in two-sided less greater; do
            for exact in auto always never; do
                awk -F, -v g="$given" -v a=$alternative -v e=$exact \
                    'NR == 1 || $2 == g && $4 == a && $5 == e' "$DATA/corr-expected.csv" >wanted.csv
                (($(wc -l <wanted.csv) > 1)) || continue
                corr --x=x --y=y ${given:+--given="${given/+/,}"} --by=g --alternative=$alternative --exact=$exact \
                    --method="$([[ $given ]] && echo pearson,spearman || echo pearson,spearman,kendall)" \
                    "$DATA/corr-values.csv" >all.csv 2>err
                while IFS=, read -r g _ method _ _ estimate statistic p p_method low high; do
                    awk -F, -v g="$g" -v m="$method" 'NR == 1 || $1 == g && $5 == m' all.csv >got.csv
                    [[ $(field p_method <got.csv) == "$p_method" ]]
                    agree "$(field estimate <got.csv)" "$estimate"
                    agree "$(field statistic <got.csv)" "$statistic"
                    agree "$(field p <got.csv)" "$p"
                    agree "$(field low <got.csv)" "$low"
                    agree "$(field high <got.csv)" "$high"
                done < <(tail -n +2 wanted.csv)
            done
        done
    done
}

@test "corr: exact p of kendall against whole numbers" {
    # counts of inversions in exact arithmetic, over n!
    awk -F, 'NR == 1 || $1 == "sixty"' "$DATA/corr-values.csv" | corr --x=x --y=y --method=kendall --exact=always >got.csv
    close "$(field p <got.csv)" 8.399831463481648e-05 1e-14
    [[ $(field p_method <got.csv) == exact ]]
    for case in 'i * 73 % 171;6751;0.24580089632862237' 'i % 4 ? i : 172 - i;10858;8.768961225460804e-26'; do
        IFS=';' read -r y concordant p <<<"$case"
        awk "BEGIN { print \"x,y\"; for (i = 1; i <= 170; i++) print i \",\" ($y) }" |
            corr --method=kendall --exact=always >got.csv
        close "$(field p <got.csv)" "$p" 1e-13
        [[ $(field statistic <got.csv) == "$concordant" ]]
    done
}

@test "corr: p adjusted as R's p.adjust does" {
    corr --x=x --y=y --by=g --method=pearson,spearman,kendall --adjust=holm,bh,by,bonferroni \
        "$DATA/corr-values.csv" >got.csv
    for name in p p_holm p_bh p_by p_bonferroni; do
        for ((row = 1; row <= 21; row++)); do
            got=$(field $name $row <got.csv)
            wanted=$(field $name $row <"$DATA/corr-adjusted.csv")
            close "$got" "$wanted" 1e-10 || near "$got" "$wanted" 1e-14
        done
    done
    # the largest p is its own adjusted value to the last bit, whatever it is multiplied and divided by
    for n in 7 11 13 14 19 {21..31} {35..47}; do
        awk -v n=$n 'BEGIN { print "a"; for (i = 1; i <= n; i++) printf ",b%d", i; print "" }' | tr -d '\n' >t.csv
        awk -v n=$n 'BEGIN { print ""; for (r = 1; r < 12; r++) { printf "%d", r
            for (i = 1; i <= n; i++) printf ",%d", r * (i + n) * 7919 % 101; print "" } }' >>t.csv
        corr --x=a --adjust=bh t.csv >got.csv
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } $c["p"] > most { most = $c["p"]; same = $c["p"] "" == $c["p_bh"] "" }
            END { exit !same }' got.csv
    done
}

@test "corr: compares dependent correlations as Meng, Rosenthal and Rubin" {
    languages >lang.csv
    corr --compare --x weighted_kurtosis,xglm --y degradation lang.csv >got.csv
    close "$(field z <got.csv)" "$(expected meng.bloom_xglm.z)" 1e-9
    close "$(field p <got.csv)" "$(expected meng.bloom_xglm.p)" 1e-9
    close "$(field r1 <got.csv)" "$(expected exp003.bloom.r)" 1e-9
    close "$(field r2 <got.csv)" "$(expected exp004.xglm.r)" 1e-9
    # the interval is that of the difference of Fisher's z, of which z is the ratio to the standard error
    awk -F, 'NR == 2 { d = 0.5 * log((1 + $6) / (1 - $6) * (1 - $7) / (1 + $7)); se = d / $9
        a = d - 1.959963984540054 * se - $11; b = d + 1.959963984540054 * se - $12
        exit !(a * a < 1e-24 && b * b < 1e-24) }' got.csv
    corr --compare --x xglm,weighted_kurtosis --y degradation --alternative=greater lang.csv >turned.csv
    close "$(field z <turned.csv)" "$(awk "BEGIN { printf \"%.17g\", 0 - ($(expected meng.bloom_xglm.z)) }")" 1e-9
    close "$(field p <turned.csv)" "$(awk "BEGIN { printf \"%.17g\", $(expected meng.bloom_xglm.p) / 2 }")" 1e-9
    [[ $(corr --compare --y degradation --x weighted_kurtosis,xglm,latin lang.csv | cut -d, -f1,2) == \
        $'x1,x2\nweighted_kurtosis,xglm\nweighted_kurtosis,latin\nxglm,latin' ]]
}

@test "corr: reproduces the other recorded correlations" {
    for which in bloom560m:bloom xglm564m:xglm; do
        corr --x layer --y kurtosis "$RECORDED/${which%:*}-layers.csv" >got.csv
        reproduces "${which#*:}.depth" got.csv
    done
    mlr --csv join -j lang -f "$RECORDED/phase0-mock.csv" "$RECORDED/lang-degradation.csv" >mock.csv
    for x in kurtosis outlier_ratio; do
        corr --x $x --y degradation mock.csv >got.csv
        reproduces exp002.mock.$x got.csv
    done
    mlr --csv rename actual_degradation,d "$RECORDED/bloom560m-lang-predictions.csv" >pred.csv
    corr --x predicted_degradation,optimal_alpha_sigma --y d --method pearson,spearman,kendall pred.csv >got.csv
    reproduces exp009b.pred got.csv
    close "$(field estimate 4 <got.csv)" "$(expected exp009b.alpha.r)" 1e-9
    corr --x effective_kurtosis --y outlier_frac pred.csv >got.csv
    close "$(field estimate <got.csv)" "$(expected exp009b.keff.identity)" 1e-9
    corr --x predicted_degradation --y outlier_frac --method spearman pred.csv >got.csv
    close "$(field estimate <got.csv)" -1 1e-15
    languages >lang.csv
    corr --x weighted_kurtosis --y outlier_frac lang.csv >got.csv
    close "$(field estimate <got.csv)" "$(expected exp003_vs_exp007.r)" 1e-9
    corr --x latin --y degradation,outlier_frac lang.csv >got.csv
    close "$(field estimate 1 <got.csv)" "$(expected confound.latin_D.r)" 1e-9
    close "$(field estimate 2 <got.csv)" "$(expected confound.latin_outlier.r)" 1e-9
    corr --x outlier_frac --y degradation --by in_roots lang.csv >got.csv
    close "$(field estimate 1 <got.csv)" "$(expected within.in_roots.r)" 1e-9
    close "$(field p 2 <got.csv)" "$(expected within.not_in_roots.p)" 1e-9
    mlr --csv put '$lang = sub($lang, "zho_simpl", "zho")' then join -j lang -f "$RECORDED/lang-degradation.csv" \
        then put '$bits = log($byte_perplexity) / log(2)' "$RECORDED/bloom2b5-flores101-byteppl.csv" |
        corr --x bits --y degradation >got.csv
    close "$(field estimate <got.csv)" "$(expected control.bloom2b5_bpb.r)" 1e-9
}

@test "corr: chooses pairs, groups and the matrix" {
    printf 'name,a,b,c,k\nu,1,2,9,x\nv,2,1,4,x\nw,3,4,2,y\nx,5,3,2,y\ny,4,5,1,x\n' >t.csv
    [[ $(corr t.csv | cut -d, -f1,2 | tr '\n' ' ') == "x,y a,b a,c b,c " ]]
    [[ $(corr --x=c t.csv | cut -d, -f1,2 | tr '\n' ' ') == "x,y c,a c,b " ]]
    [[ $(corr --y=c t.csv | cut -d, -f1,2 | tr '\n' ' ') == "x,y a,c b,c " ]]
    [[ $(corr --x=a,b --y=b,c t.csv | cut -d, -f1,2 | tr '\n' ' ') == "x,y a,b a,c b,c " ]]
    [[ $(corr --given=c t.csv | cut -d, -f1-3 | tr '\n' ' ') == "x,y,given a,b,c " ]]
    [[ $(corr --by=k --x=a --y=b t.csv | cut -d, -f1,6 | tr '\n' ' ') == "k,n x,3 y,2 " ]]
    [[ $(corr --by=k,name --x=a --y=b t.csv 2>err | cut -d, -f1,2,7 | tr '\n' ' ') == "k,name,n x,u,1 x,v,1 y,w,1 y,x,1 x,y,1 " ]]
    corr --matrix t.csv >got.csv
    diff got.csv - <<END
name,a,b,c
a,1,$(corr --x=a --y=b t.csv | field estimate),$(corr --x=a --y=c t.csv | field estimate)
b,$(corr --x=a --y=b t.csv | field estimate),1,$(corr --x=b --y=c t.csv | field estimate)
c,$(corr --x=a --y=c t.csv | field estimate),$(corr --x=b --y=c t.csv | field estimate),1
END
    for j in 2 7; do corr -j $j --method=kendall,spearman t.csv | cmp - <(corr --method=kendall,spearman t.csv); done
}

@test "corr: what is missing, constant, or too little is told" {
    printf 'a,b,c,d\n1,2,5,\n2,NA,5,\n3,1,5,\n,7,5,\n5,4,5,nan\n' >t.csv
    run -0 --separate-stderr corr --x=a --y=b t.csv
    [[ ${lines[1]} == "a,b,,pearson,3,2,0.65465367070797"* ]]
    [[ $stderr == "corr: t.csv: 1 of 1 results leave out rows with missing values: see n_missing" ]]
    run -0 --separate-stderr corr --x=a --y=c t.csv
    [[ ${lines[1]} == "a,c,,pearson,4,1,,,,,,," && $stderr == *"undefined (a constant column, too few rows, infinite values)"*"'a' and 'c'"* ]]
    run -1 --separate-stderr corr --x=a --y=d t.csv
    [[ $stderr == "corr: t.csv: no row has a value in every column that is used" ]]
    printf 'a,b,z\n1,2,3\n2,1,5\n3,5,7\n4,3,9\n5,4,11\n' >t.csv
    run -0 --separate-stderr corr --x=a --y=b --given=z t.csv # z is 2 a + 1: nothing of a is left
    [[ ${lines[1]} == "a,b,z,pearson,5,0,,,,,,," ]]
    printf 'a,b,z,w\n1,2,3,7\n2,1,1,7\n3,5,4,7\n4,3,1,7\n5,4,6,7\n' >t.csv
    corr --x=a --y=b --given=z t.csv >one.csv
    run -0 --separate-stderr corr --x=a --y=b --given=z,w t.csv # w is constant: the same
    [[ $(cut -d, -f1,2,4- <<<"${lines[1]}") == "$(tail -1 one.csv | cut -d, -f1,2,4-)" ]]
    [[ $stderr == *"--given: in 1 of 1 results a column is constant or a combination of others"* ]]
    printf 'g,a,b\nx,1,2\n,5,5\nx,2,3\nx,3,5\n' >t.csv
    run -0 --separate-stderr corr --by=g t.csv
    [[ ${lines[1]} == "x,a,b,,pearson,3,0,"* && ${#lines[@]} == 2 && $stderr == "corr: t.csv: rows without 'g', which are left out: 1" ]]
}

@test "corr: digits survive magnitudes, offsets and a sign of zero" {
    printf 'a,b,c,d\n1e200,1e-200,100000001,-0\n2e200,3e-200,100000003,0\n-4e200,1e-200,100000001,1\n1e200,2e-200,100000002,-1\n' >big.csv
    printf 'a,b,c,d\n1,1,1,0\n2,3,3,0\n-4,1,1,1\n1,2,2,-1\n' >small.csv
    for method in pearson kendall spearman; do
        corr --method=$method small.csv >wanted.csv
        corr --method=$method big.csv >got.csv
        for row in 1 2 3 4 5 6; do
            close "$(field estimate $row <got.csv)" "$(field estimate $row <wanted.csv)" 1e-15
        done
    done
    for x in a b; do # covariates too
        held=$([[ $x == a ]] && echo b || echo a)
        corr --x=$x --y=d --given=$held small.csv >wanted.csv
        corr --x=$x --y=d --given=$held big.csv >got.csv
        close "$(field estimate <got.csv)" "$(field estimate <wanted.csv)" 1e-14
    done
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

@test "corr: keeps the contract" {
    keeps_contract corr
    printf 'a,b\n1,2\n2,1\n4,5\n' >t.csv
    corr t.csv >wanted.csv
    corr <t.csv | cmp - wanted.csv
    corr -o got.csv t.csv
    cmp got.csv wanted.csv
    run -1 bash -c 'corr t.csv >/dev/full'
    refuses() { # MESSAGE CSV [OPTION]...
        run -1 --separate-stderr corr -o none.csv "${@:3}" <<<"$2"
        [[ $stderr == "corr: standard input: $1"* && -z $output && ! -e none.csv ]]
    }
    refuses "no header row: the input is empty" ""
    refuses "no rows" "a,b"
    refuses "no column 'c'; there are: a, b" $'a,b\n1,2' --x=c
    refuses "line 3: column 'b': 'x' is not a number" $'a,b\n1,2\n1,x' --x=a --y=b
    refuses "line 5: column 'b': 'x' is not a number" $'\na,b\n1,2\n\n1,x' --x=a --y=b
    refuses "line 3: 3 fields where the header has 2" $'a,b\n1,2\n1,2,3'
    refuses "line 1: columns are separated by semicolons, not commas; \`mlr --csv --ifs ';' cat\`" $'a;b\n1;2' --x=a
    refuses "line 2: columns are separated by tabs, not commas; \`mlr --t2c cat\` makes CSV of it" $'\na\tb\n1\t2'
    refuses "two columns are called 'a'" $'a,a\n1,2'
    refuses "line 2: byte 3 is not UTF-8" $'a,b\n1,\xff'
    refuses "line 2: the input ends inside a quoted field" $'a,b\n1,"2'
    refuses "no two columns of numbers" $'a,b\n1,x\n2,y'
    gzip -c t.csv | head -c 30 >cut.gz
    run -1 --separate-stderr corr cut.gz
    [[ $stderr == "corr: cut.gz: line "*": truncated in the compressed data" ]]
    { gzip -c t.csv && printf '2,3\n4,4\n' | gzip -c; } >both.gz
    size=$(gzip -c t.csv | wc -c)
    for byte in '\0' '\037\0'; do
        { head -c "$size" both.gz && printf "$byte"; tail -c +$((size + 2)) both.gz; } >hurt.gz
        run -1 --separate-stderr corr hurt.gz # zlib alone would leave out what follows the first member
        [[ $stderr == "corr: hurt.gz: line "*" the compressed data" && -z $output ]]
    done
    for wrong in --compare --matrix\ --compare --matrix\ --by=a --method=tau --level=1 --x=a,a\ --y=b \
        --given=a\ --x=a --given=a\ --method=kendall --matrix\ --method=pearson,kendall; do
        run -2 corr $wrong t.csv
    done
}

@test "corr: an option that would do nothing is wrong usage" {
    printf 'a,b,c\n1,2,3\n2,1,4\n4,5,6\n' >t.csv
    wrong_usage "--exact=always: pearson has no exact p here; bootstrap --permute gives one" corr --exact=always t.csv
    run -0 corr --exact=always --method=pearson,kendall t.csv
    wrong_usage "--exact does nothing with --compare" corr --compare --y=c --exact=never t.csv
    wrong_usage "--alternative does nothing with --matrix" corr --matrix -a less t.csv
    wrong_usage "--level does nothing with --matrix" corr --matrix --level=0.9 t.csv
    wrong_usage "--compare: --x needs two columns or more, whose correlations with y are compared" \
        corr --compare --x=a --y=c t.csv
    run -1 --separate-stderr corr --compare --y=c <<<$'a,c\n1,2\n2,3'
    [[ $stderr == "corr: standard input: no two columns of numbers x1 and x2 to compare" ]]
    wrong_usage "--x is given twice; several values are one list, as in A,B" corr -x a -x b t.csv
}
