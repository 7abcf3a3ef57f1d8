# The predictors study on a tiny random model: its numbers by another way, and what every recipe must keep.
load helper
LANGS="eng fin hin jpn tha"
setup_file() {
    recipe_setup_file || return 1
    study out DIR="$PWD/d" >findings 2>warnings || { cat warnings; return 1; }
}
setup() {
    recipe_setup
    DIR=$BATS_FILE_TMPDIR/d
}
# study OUT ARGUMENT...: on gpt2-a, of whose layers one is above 1.25
study() {
    local golden=$ROOT/tests/data/golden
    make -s -C "$ROOT" -f pipelines/predictors.mk OUT="$PWD/$1" MODEL="$golden/gpt2-a" TOKENIZER="$golden/tokenizer.json" \
        STEMS="$LANGS" OUTLIER=1.25 DAMAGE=kl RESAMPLES=200 THREADS=2 "${@:2}"
}

@test "predictors: use of the layers is what actdump sums, in shares" {
    actdump -m "$ROOT/tests/data/golden/gpt2-a" -t "$ROOT/tests/data/golden/tokenizer.json" --site resid --reduce site_absmean \
        "$ROOT/pipelines/data/udhr/eval/tha.txt" >tha.t
    for layer in 0 1 2; do tensorcat --to=text --only="$layer.resid.site_absmean" tha.t; done >sums
    for layer in 0 1 2; do
        want=$(awk -v k=$((layer + 1)) '{ s += $1; if (NR == k) x = $1 } END { printf "%.15g", x / s }' sums)
        close "$(value "$DIR/use.csv" "\$lang == \"tha\" && \$layer == $layer && \$site == \"resid\" && \$tokens == \"all\"" use)" \
            "$want" 1e-12
    done
}

@test "predictors: effective kurtosis, three ways, by hand" {
    layer() { value "$DIR/layers.csv" "\$layer == $1" "$2"; }
    a=() k=() m=() s=() g=() o=()
    for l in 0 1 2; do
        a+=("$(value "$DIR/use.csv" "\$lang == \"hin\" && \$layer == $l && \$site == \"mlp_out\" && \$tokens == \"rest\"" use)")
        k+=("$(layer $l kurtosis)") m+=("$(layer $l mean)") s+=("$(layer $l sd)") g+=("$(layer $l skewness)") o+=("$(layer $l outlier)")
    done
    [[ ${o[*]} == "0 1 0" ]]
    awk -v a="${a[*]}" -v k="${k[*]}" -v m="${m[*]}" -v s="${s[*]}" -v g="${g[*]}" 'BEGIN {
        split(a, A, " "); split(k, K, " "); split(m, M, " "); split(s, S, " "); split(g, G, " ")
        for (i = 1; i <= 3; i++) { w += A[i] * K[i]; mean += A[i] * M[i] }
        # raw moments of the mixture, then about its mean: another way than the study takes
        for (i = 1; i <= 3; i++) {
            v = S[i] ^ 2; t = G[i] * S[i] ^ 3; q = (K[i] + 3) * v ^ 2
            r2 += A[i] * (v + M[i] ^ 2)
            r3 += A[i] * (t + 3 * M[i] * v + M[i] ^ 3)
            r4 += A[i] * (q + 4 * M[i] * t + 6 * M[i] ^ 2 * v + M[i] ^ 4)
        }
        m2 = r2 - mean ^ 2
        m4 = r4 - 4 * mean * r3 + 6 * mean ^ 2 * r2 - 3 * mean ^ 4
        printf "%.15g %.15g %.15g %.15g\n", A[2], A[2] * K[2] + (1 - A[2]) * (K[1] + K[3]) / 2, w, m4 / m2 ^ 2 - 3
    }' >want
    read -r use outlier weighted mixture <want
    got() { value "$DIR/effective.csv" '$lang == "hin" && $site == "mlp_out" && $tokens == "rest"' "$1"; }
    close "$(got outlier_use)" "$use" 1e-12
    close "$(got kurtosis_outlier)" "$outlier" 1e-12
    close "$(got kurtosis_weighted)" "$weighted" 1e-12
    close "$(got kurtosis_mixture)" "$mixture" 1e-9
}

@test "predictors: damage by language is ppl's, and every interval is around it" {
    ppl -m "$ROOT/tests/data/golden/gpt2-a" -t "$ROOT/tests/data/golden/tokenizer.json" --quant bits=4,per=channel,clip=minmax \
        "$ROOT"/pipelines/data/udhr/eval/{eng,jpn}.txt 2>/dev/null >langs.csv
    for lang in eng jpn; do
        close "$(value "$DIR/damage.csv" "\$lang == \"$lang\"" kl)" "$(value langs.csv "\$lang == \"$lang\"" kl)" 1e-12
        close "$(value "$DIR/damage-intervals.csv" "\$lang == \"$lang\"" estimate)" "$(value langs.csv "\$lang == \"$lang\"" kl)" 1e-12
    done
    [[ -z $(value "$DIR/damage-intervals.csv" '$low >= $estimate || $high <= $estimate' lang) ]]
    # a model worse than guessing ranks nothing
    [[ $(mlr --icsv --onidx count-distinct -f delta_nll then cut -f count "$DIR/damage.csv") == 5 ]]
    grep -q 'worse than guessing' "$BATS_FILE_TMPDIR/warnings"
}

@test "predictors: 15 predictors, two ways, and the findings say so" {
    [[ $(mlr --icsv --onidx filter 'is_not_empty($estimate)' then count "$DIR/correlations.csv") == 30 ]]
    # the third effective kurtosis is the use of outlier layers once more
    close "$(corr --x kurtosis_outlier_resid_all --y kl "$DIR/languages.csv" | field estimate)" \
        "$(value "$DIR/correlations.csv" '$x == "outlier_use_resid_all" && $method == "pearson"' estimate)" 1e-9
    r=$(value "$DIR/correlations.csv" '$x == "premium" && $method == "pearson"' estimate)
    close "$(corr --x premium --y kl "$DIR/languages.csv" | field estimate)" "$r" 1e-15
    grep -q "^Outlier layers (excess kurtosis of the MLP weights above 1.25): 1 of 3$" "$BATS_FILE_TMPDIR/findings"
    grep -q "^  premium .* r = *$(printf %.3f "$r") " "$BATS_FILE_TMPDIR/findings"
    cd "$BATS_FILE_TMPDIR/out/figures"
    for name in tails use-off damage correlations; do
        [[ $(head -c 5 $name.pdf) == "%PDF-" && $(head -c 4 $name.png | tail -c 3) == PNG ]]
        grep -q '</svg>' $name.svg
    done
}

@test "predictors: a figure's title names what has a value, as the findings do" {
    draw() { "$ROOT/pipelines/plot/draw.sh" svg "$ROOT/pipelines/predictors/$1.gp" "${@:2}"; } # Miller puts the empty first
    printf '%s\n' lang,estimate,low,high eng,1,0.9,1.1 fin,,, tha,3,2.9,3.1 rus,-2,-2.1,-1.9 >i.csv
    draw damage intervals=i.csv measure=kl spec=bits=3 >d.svg
    grep -q "Rounding costs tha most, rus least" d.svg
    printf '%s\n' layer,role,kurtosis 0,attn_q,2 0,mlp_up, 1,attn_q,5 1,mlp_up,1 >t.csv
    printf '%s\n' layer,kurtosis,outlier 0,1,0 1,3,1 >l.csv
    draw tails csv=t.csv layers=l.csv outlier=2 >t.svg
    grep -q "The heaviest tails are those of attn_q in layer 1" t.svg
}

@test "predictors: what cannot work is said; every command can be seen" {
    run -2 make -s -C "$ROOT" -f pipelines/predictors.mk OUT="$PWD/o"
    [[ $output == *"MODEL is not set"* ]]
    run -2 study o STEMS="tha fin"
    [[ $output == *"eng is none of the languages: set REFERENCE="* ]]
    study o -n DIR="$PWD/n" >commands
    for program in modelcat kurt actdump ppl tokstat bootstrap corr; do grep -q "$program --" commands; done
}
