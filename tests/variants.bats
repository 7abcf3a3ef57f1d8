# The variants' tables in words: intervals and p as R has them, verdicts by the rules in the recipe's head, tables with gaps.
load helper

setup_file() {
    unset MAKEFLAGS MAKELEVEL
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    export PATH="${BIN:-$ROOT/bin}:$PATH" LC_ALL=C
    cd "$BATS_FILE_TMPDIR" || return 1
    study "$ROOT/tests/data/trained" >findings 2>warnings || { cat findings warnings; return 1; }
}
setup() {
    helper_setup
    unset MAKEFLAGS MAKELEVEL
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    HERE=$BATS_FILE_TMPDIR
}
# study TABLES [ARGUMENT...]: everything goes to d/ and out/
study() { make -s -C "$ROOT" -f pipelines/variants.mk OUT="$PWD/out" DIR="$PWD/d" VARIANTS_DATA="$1" THREADS=2 "${@:2}"; }
# some CONDITION: tables of the runs for which Miller finds it true, in t/
some() {
    mkdir -p t
    for k in tails loss damage growth; do mlr --csv filter "$1" "$DATA/trained/$k.csv" >t/$k.csv; done
}
value() { mlr --csv --headerless-csv-output filter "$2" then cut -o -f "$3" "$1"; }
said() { grep -qF -- "$1" "${2:-$HERE/findings}" || { cat "${2:-$HERE/findings}"; return 1; }; }
# expected.csv VARIANT MEASURE FIELD
wanted() { value "$DATA/trained/expected.csv" "\$variant == \"$1\" && \$measure == \"$2\"" "$3"; }
# paired MAP, then of FIELD: what paired.mlr says of these differences
paired() { mlr -n put -q -f "$ROOT/pipelines/variants/paired.mlr" -e "end { print paired($1, false) }" >paired.json; }
of() { mlr --ijson --onidx cut -f "$1" paired.json; }

@test "variants: a paired t is R's t.test for two, three and five seeds" {
    paired '{"1": 0.1, "2": 0.3, "3": 0.25}'
    near "$(of low)" -0.0418905839604 1e-12
    near "$(of high)" 0.4752239172938 1e-12
    near "$(of p)" 0.0690506637487 1e-12
    paired '{"1": 0.1, "2": 0.15}'
    near "$(of low)" -0.192655118404 1e-11
    near "$(of p)" 0.125665916378 1e-11
    paired '{"1": 0.1, "2": 0.3, "3": 0.25, "4": 0.2, "5": -0.02}'
    near "$(of low)" 0.00757223726061 1e-12
    near "$(of p)" 0.0437154057622 1e-12
    [[ $(of one_sign) == 0 ]]
    paired '{"1": 0.1}'
    [[ $(of estimate) == 0.1 && -z $(of low) && -z $(of p) ]]
}

@test "variants: each less its partner, with Holm, as t.test and p.adjust have it" {
    while IFS=, read -r variant measure estimate low high p holm; do
        [[ $measure =~ ^(kurtosis_largest|nll_mean|damage_worst|damage_range|after_mean)$ ]] || continue
        value "$HERE/d/variants-effects.csv" "\$variant == \"$variant\" && \$measure == \"$measure\" && \$kind !=~ \"^(sum|rest)$\" &&
            (\$spec == \"unrounded\" || \$spec =~ \"bits=3\")" estimate,low,high,p,p_holm >got
        IFS=, read -r a b c d e <got
        near "$a" "$estimate" 1e-11 && near "$b" "$low" 1e-11 && near "$c" "$high" 1e-11 && near "$d" "$p" 1e-9 && near "$e" "$holm" 1e-9
    done < <(tail -n +2 "$DATA/trained/expected.csv")
    [[ $(value "$HERE/d/variants-effects.csv" '$variant == "embed-scale"' against | sort -u) == no-embed-norm ]]
    [[ $(value "$HERE/d/variants-effects.csv" '$variant == "sinusoidal"' against | sort -u) == embed-begun ]]
}

@test "variants: shown needs the interval, one sign and Holm; one of them alone is not enough" {
    said "  kure less base                  x 0.600 [0.586, 0.616] (0.607 0.595 0.600), p = 0.00103: lighter tails"
    said "  attention-dropout less base     x 1.024 [1.011, 1.038] (1.020 1.030 1.022), p = 0.06328: heavier tails before Holm, not after"
    said "  sinusoidal less embed-begun     x 1.012 [0.971, 1.054] (1.004 1.031 1.001), p = 1.000: not shown"
    said "  what moves the tails: kure, no-embed-norm, embed-scale; only before Holm: attention-dropout, xglm"
    said "  kure less base                  0.217 [-0.04189, 0.475] (0.100 0.300 0.250), p = 0.345: not shown" # one sign is not enough
    row() { mlr --icsv --onidx put -f "$ROOT/pipelines/variants/shown.mlr" then cut -f shown; }
    [[ $(row <<<$'scale,low,high,one_sign,p,p_holm\ndifference,0.0076,0.32,0,0.044,0.044') == no ]]
    [[ $(row <<<$'scale,low,high,one_sign,p,p_holm\ndifference,0.0076,0.32,1,0.044,0.044') == yes ]]
    [[ $(row <<<$'scale,low,high,one_sign,p,p_holm\nratio,0.0076,0.32,1,0.044,0.044') == yes ]]
    [[ $(row <<<$'scale,low,high,one_sign,p,p_holm\nratio,0.9,1.32,1,0.044,0.044') == no ]]
    [[ $(row <<<$'scale,low,high,one_sign,p,p_holm\ndifference,-0.3,-0.1,-1,0.01,0.07') == "before Holm" ]]
}

@test "variants: what XGLM's parts leave of it" {
    value "$HERE/d/variants-effects.csv" '$measure == "kurtosis_largest" && $kind == "rest"' estimate,low,high >got
    IFS=, read -r a b c <got
    near "$a" "$(wanted xglm rest estimate)" 1e-11
    near "$b" "$(wanted xglm rest low)" 1e-11
    near "$c" "$(wanted xglm rest high)" 1e-11
    said "what is left is x 1.052 [1.050, 1.055] (1.051 1.053 1.052): no, there is something else"
    # of a sum that is its parts nothing is left: xglm made of them
    some true
    cat >sum.mlr <<'EOS'
        @nll[$variant][$seed][$lang] = $nll; @row[NR] = $*;
        end { for (nr, r in @row) {
            if (r["variant"] == "xglm") {
                a = @nll["sinusoidal"][r["seed"]][r["lang"]]; b = @nll["embed-scale"][r["seed"]][r["lang"]];
                r["nll"] = a + b - @nll["base"][r["seed"]][r["lang"]];
            }
            emit1 r
        } }
EOS
    mlr --csv put -q -f sum.mlr "$DATA/trained/loss.csv" >t/loss.csv
    study "$PWD/t" "$PWD/d/variants-effects.csv"
    near "$(value d/variants-effects.csv '$measure == "nll_mean" && $kind == "rest"' estimate)" 0 1e-12
}

@test "variants: an intervention is judged by the rounded model; who is worst" {
    mlr --csv filter '$variant =~ "^(kure|base)$" && $seed == 2 && $quant =~ "bits=3" && $lang == "fin"' then put -q \
        '@a[$variant] = $ref_nll * $tokens / log(2) / $bytes + $delta_bits_per_byte; end { print @a["kure"] - @a["base"] }' "$DATA/trained/damage.csv" >want
    near "$(value "$HERE/d/variants-languages.csv" '$variant == "kure" && $spec =~ "bits=3" && $what == "after" && $lang == "fin"' each | cut -d' ' -f2)" "$(<want)" 1e-6
    said "      it rounds better, that the rounded model is better or worse is not shown"
    said "      that it rounds better is not shown, and the rounded model is worse: it does not help"
    said "      that it rounds better is not shown, and the rounded model is better: it helps, by what it was before rounding"
    said "  does any help once weights are rounded? balanced by bits=4,per=channel, balanced by bits=3,per=channel"
    said "      loses most: eng eng eng; of base fin fin fin: it changes who is worst"
    said "      loses most: fin fin fin; of base fin fin fin: no change"
    # what rounds better and stays worse trained does not help; seeds that disagree tell nothing
    some '$variant =~ "^(base|kure)$"'
    mlr --csv put '$variant == "kure" { $ref_nll += 0.01 * $seed + 1 } $variant == "base" && $seed == 3 && $lang == "eng" { $delta_bits_per_byte = 1 }' t/damage.csv >d.csv
    mv d.csv t/damage.csv
    study "$PWD/t" "$PWD/d/training.txt"
    said "  does any help once weights are rounded? none is shown to" d/training.txt
    said "of base fin fin eng: its own seeds disagree, so no change can be told" d/training.txt
}

@test "variants: tails and damage together, exact; growth by ratio" {
    value "$HERE/d/rho-variants.csv" '$spec =~ "bits=3" && $x == "kurtosis_largest" && $y == "damage_mean"' estimate,p,p_method >got
    IFS=, read -r rho p method <got
    near "$rho" "$(wanted all rho estimate)" 1e-12
    near "$p" "$(wanted all rho p)" 1e-12
    [[ $method == exact ]]
    said "exact p = 0.178, after Holm over specs 0.355: not shown to go together"
    for variant in base kure xglm; do
        value "$HERE/d/grows.csv" "\$variant == \"$variant\" && \$since == \"a quarter\"" estimate,low,high >got
        IFS=, read -r a b c <got
        near "$a" "$(wanted $variant grows estimate)" 1e-11
        near "$b" "$(wanted $variant grows low)" 1e-11
        near "$c" "$(wanted $variant grows high)" 1e-11
    done
    grep -qE '^  kure +x 0.615 \[0.584, 0.649\] \(x 0.784\): shrinks' "$HERE/findings"
    grep -qE '^  no-embed-norm .*: grows' "$HERE/findings"
    grep -qE '^  base .*\(x 1.012\): not shown' "$HERE/findings"
    # within variants: ranks less their variant's mean rank, by hand
    mlr --icsv --onidx filter '$spec =~ "bits=3"' then cut -o -f variant,kurtosis_largest,damage_mean "$HERE/d/together.csv" >xy
    for c in 2 3; do sort -g -k$c,$c xy | awk -v c=$c '{ print $1, $2, $3, NR }' | sort -k1,1 -k2,2g -k3,3g | awk '{ print $1, $4 }' >r$c; done
    paste -d' ' r2 r3 | awk '{ v[NR] = $1; x[NR] = $2; y[NR] = $4; n[$1]++; a[$1] += $2; b[$1] += $4 }
        END { for (i = 1; i <= NR; i++) { p = x[i] - a[v[i]] / n[v[i]]; q = y[i] - b[v[i]] / n[v[i]]; s += p * q; t += p * p; u += q * q }
            printf "%.12g", s / sqrt(t * u) }' >want
    near "$(value "$HERE/d/rho-within.csv" '$spec =~ "bits=3" && $x == "kurtosis_largest" && $y == "damage_mean"' estimate)" "$(<want)" 1e-9
}

@test "variants: a missing seed, a language that is worse than guessing, one seed alone" {
    some '!($variant == "kure" && $seed == 2)'
    mlr --csv put '$variant == "balanced" && $seed == 1 && $quant =~ "bits=3" && $lang == "eng" { $delta_nll = ""; $delta_bits_per_byte = "" }' t/damage.csv >d.csv
    mv d.csv t/damage.csv
    study "$PWD/t" "$PWD/d/effects.txt" "$PWD/d/training.txt" >/dev/null
    said "    has no run of seed 2" d/effects.txt
    said "    seed 1 by bits=3,per=channel: left out, a language is worse than guessing" d/effects.txt
    said "kure less base                  x 0.604 [0.566, 0.643] (0.607 0.600), p = " d/effects.txt
    [[ $(value d/variants-effects.csv '$variant == "balanced" && $measure == "damage_mean" && $spec =~ "bits=3"' n) == 2 ]]
    [[ $(value d/variants-effects.csv '$variant == "balanced" && $measure == "damage_mean" && $spec =~ "bits=4"' n) == 3 ]]
    some '$seed == 3'
    rm -r d && mkdir d
    study "$PWD/t" "$PWD/d/effects.txt" "$PWD/d/training.txt" >/dev/null
    said "kure less base                  x 0.600 (0.600): one seed: cannot be told" d/effects.txt
    said "  what moves the tails: none; only before Holm: none" d/effects.txt
    run ! grep -E "it rounds better,|it changes" d/training.txt
    # nothing but guessing once rounded: tables without rows, figures of them
    some '$seed < 3 && $variant =~ "^(base|kure)$"'
    mlr --csv put '$delta_nll = ""; $delta_bits_per_byte = ""' "$DATA/trained/damage.csv" >t/damage.csv
    rm -r d && mkdir d
    study "$PWD/t" "$PWD/d/findings.txt" "$PWD"/d/variants-{effects,trade,languages}.svg
    said "  no run has figures once rounded" d/findings.txt
}

@test "variants: the base alone, and a variant that nobody has heard of" {
    some '$variant == "base"'
    study "$PWD/t" >said 2>warnings
    said "  nothing to compare: no variant has a partner of the same seed" said
    said "  none was trained beside its base" said
    said "  bits=3,per=channel: too few variants to tell (1)" said
    [[ $(head -c 4 out/figures/variants-effects.png | tail -c 3) == PNG ]]
    run ! grep -v "^corr: \|^bootstrap: " warnings
    some '$variant =~ "^(base|xglm)$"'
    for k in tails loss damage growth; do sed -i 's/^xglm,/mine,/' t/$k.csv; done
    study "$PWD/t" "$PWD/d/effects.txt"
    said "mine                not in variants.csv: compared with base" d/effects.txt
    said "mine less base " d/effects.txt
}

@test "variants: figures, a second make that does nothing, tables that are not there" {
    cd "$HERE/out/figures"
    for name in tails effects trade languages growth; do
        [[ $(head -c 5 variants-$name.pdf) == "%PDF-" && $(head -c 4 variants-$name.png | tail -c 3) == PNG ]]
        grep -q '</svg>' variants-$name.svg
    done
    [[ ! -s $HERE/warnings ]]
    cd "$HERE"
    study "$DATA/trained" "$PWD/d/findings.txt" -q
    cd "$BATS_TEST_TMPDIR"
    run -2 study "$PWD/none"
    [[ $output == *"none/tails.csv is not there: make model-variants gives it"* ]]
    study "$DATA/trained" -n >commands
    for program in corr bootstrap mlr; do grep -q "\b$program --" commands; done
}
