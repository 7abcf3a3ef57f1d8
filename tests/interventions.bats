# The intervention study on a tiny model that is trained here, with outliers planted: sizes, damage and verdicts by another way.
load helper
setup_file() {
    unset MAKEFLAGS MAKELEVEL
    cd "$BATS_FILE_TMPDIR" || return 1
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    export PATH="${BIN:-$ROOT/bin}:$PATH" LC_ALL=C
    mkdir model train calib text
    for lang in eng fin tha; do
        cat "$ROOT/pipelines/data/udhr/preamble/$lang.txt" "$ROOT/pipelines/data/udhr/calib/$lang.txt" >train/$lang.txt
        head -n 8 "$ROOT/pipelines/data/udhr/calib/$lang.txt" >calib/$lang.txt
        head -n 12 "$ROOT/pipelines/data/udhr/eval/$lang.txt" >text/$lang.txt
    done
    {
        lmtrain -q -t "$ROOT/tests/data/golden/tokenizer.json" --arch bloom --layers 6 --width 32 --heads 2 --context 64 --batch 8 \
            --steps 80 --warmup 10 --learning-rate 0.01 -o bare train/*.txt
        plant -q --layer 1,4 --pair vo,norm-mlp --channels 2 --factor 16 -o model/model.safetensors bare
        cp bare/*.json model
        printf '%s\n' lang,bytes eng,300 fin,200 tha,100 >model/languages.csv
        grep -E '^(arm|plain|plain-more|protect-(sens|position|random-%)|shift-position|mix-mean|mix-worst(-shuffled-%|-less|-more)?|gptq-(matched|mismatched-%|sequential|random-%)|rotate|noise-turned-%),' \
            "$ROOT/pipelines/interventions/arms.csv" >arms.csv
        study d >findings
    } 2>warnings || { cat warnings; return 1; }
}
setup() {
    helper_setup
    unset MAKEFLAGS MAKELEVEL
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    D=$BATS_FILE_TMPDIR/d
}
# study DIR ARGUMENT...
study() {
    local here=$BATS_FILE_TMPDIR
    make -s -C "$ROOT" -f pipelines/interventions.mk OUT="$here/out" DIR="$here/$1" MODEL="$here/model" TEXT="$here/text" \
        CALIB="$here/calib" ARMS_CSV="$here/arms.csv" HIGH=5 ROTATE=8 DRAWS=2 RESAMPLES=100 SHOW="plain mix-worst rotate" \
        RESCALED="--pair=vo,norm-attn,norm-mlp --channels=4 --factor=2" "${@:2}"
}
value() { mlr --icsv --ojson filter "$2" "$1" | mlr --ijson --onidx cut -f "$3"; }

@test "interventions: every arm takes what plain rounding takes, to the byte, as sens counts it" {
    sens -q -m "$BATS_FILE_TMPDIR/model" --predict-only --part all --quant bits=3 --quant bits=4 "$BATS_FILE_TMPDIR/calib/eng.txt" >sens.csv 2>warnings
    near "$(value "$D/sizes.csv" '$arm == "plain"' bytes)" "$(value sens.csv '$bits == 3' packed_bytes)" 0
    near "$(value "$D/sizes.csv" '$arm == "plain-more"' bytes)" "$(value sens.csv '$bits == 4' packed_bytes)" 0
    want=$(value sens.csv '$bits == 3' packed_bytes)
    awk -F, -v want="$want" 'NR > 1 && $1 != "plain-more" && ($1 !~ /^mix/ && $4 != want || $4 > want) { print; bad = 1 }
        END { exit bad || NR < 10 }' "$D/sizes.csv"
}

@test "interventions: damage is what ppl --quant finds; mean, worst, spread and Gini by awk" {
    ppl -q -m "$BATS_FILE_TMPDIR/model" --quant bits=3 "$BATS_FILE_TMPDIR"/text/*.txt >want.csv
    for lang in eng fin tha; do
        near "$(value "$D/arms/plain.langs.csv" "\$lang == \"$lang\"" estimate)" "$(value want.csv "\$lang == \"$lang\"" delta_bits_per_byte)" 1e-9
    done
    mlr --icsv --onidx cut -f delta_bits_per_byte want.csv | sort -g | awk '{ x[NR] = $1; s += $1 } END { print s / 3, x[3], x[3] - x[1] }' \
        OFMT=%.15g >want
    read -r mean worst range <want
    near "$(value "$D/summary.csv" '$arm == "plain"' mean)" "$mean" 1e-9
    near "$(value "$D/summary.csv" '$arm == "plain"' worst)" "$worst" 1e-9
    near "$(value "$D/summary.csv" '$arm == "plain"' range)" "$range" 1e-9
    printf '%s\n' lang,estimate a,1 b,2 c,6 >made.csv
    echo lang,replicate,value >none.csv
    mlr --csv put -q -f "$ROOT/pipelines/interventions/spread.mlr" made.csv none.csv >got.csv
    near "$(field gini <got.csv)" "$(awk 'BEGIN { print (1 + 5 + 4) * 2 / (2 * 9 * 3) }')" 1e-5
}

@test "interventions: recipes have the bits that plain has, and protect what sens says" {
    for recipe in protect-sens protect-position protect-random-1 protect-random-2 shift-position; do
        mlr --icsv --onidx stats1 -a sum,count -f bits "$D/recipes/$recipe.csv" >got
        [[ $(<got) == "18 6" ]]
    done
    first=$(mlr --icsv --onidx sort -nr score then head -n 1 then cut -f layer "$D/score-sens.csv")
    [[ $(value "$D/recipes/protect-sens.csv" "\$layer == $first" bits) == 5 ]]
    # llama.cpp's rule: 2 and 5 of 6 layers
    [[ $(mlr --icsv --onidx filter '$bits == 4' then sort -nf layer then cut -f layer "$D/recipes/shift-position.csv" | xargs) == "2 5" ]]
    [[ $(mlr --icsv --onidx filter '$bits == 5' then sort -nf layer then cut -f layer "$D/recipes/protect-position.csv" | xargs) == "2 5" ]]
    for recipe in mix-worst mix-worst-shuffled-1; do mlr --icsv --onidx cut -f bits "$D/recipes/$recipe.csv" | sort >$recipe; done
    cmp mix-worst mix-worst-shuffled-1
    run -1 cmp -s "$D/recipes/protect-random-1.csv" "$D/recipes/protect-random-2.csv"
}

@test "interventions: mixed widths spend what they have, but for less than the smallest step" {
    # bits that always help: where they do not, what is left unspent is no fault
    mkdir made
    mlr --csv put '$delta_bits_per_byte = ($layer + strlen($lang) + 1) / 4 ** $bits' "$D/calib-sens.csv" >made/calib-sens.csv
    mixes=(mix-mean.csv mix-worst.csv mix-worst-less.csv mix-worst-more.csv)
    study made DIR="$PWD/made" -o "$PWD/made/calib-sens.csv" "${mixes[@]/#/$PWD/made/recipes/}" 2>warnings
    plain() { value made/calib-sens.csv "\$part == \"all\" && \$lang == \"eng\" && \$bits == $1" packed_bytes; }
    mlr --icsv --onidx filter '$lang == "eng" && $part != "all"' then sort -f part -nf packed_bytes then step -a delta -f packed_bytes -g part \
        then filter '$packed_bytes_delta > 0' then stats1 -a min -f packed_bytes_delta made/calib-sens.csv >smallest
    for mix in "${mixes[@]%.csv}"; do
        case $mix in *-less) budget=$((($(plain 2) + $(plain 3)) / 2)) ;; *-more) budget=$((($(plain 3) + $(plain 4)) / 2)) ;; *) budget=$(plain 3) ;; esac
        spent=$(mlr --icsv --onidx stats1 -a sum -f bytes "made/recipes/$mix.csv")
        echo "$mix: $spent of $budget bytes, steps of $(<smallest)"
        ((spent <= budget && spent + $(<smallest) > budget))
    done
}

@test "interventions: the matched arm is a model for each language; its control gives each that of another" {
    for lang in fin tha; do
        wquant -q -z 0 --bits 3 --method gptq --moments "$D/moments.t" --mix $lang=1 "$D/model.t" 2>/dev/null |
            ppl -q -m - -t "$BATS_FILE_TMPDIR/model" --by line "$BATS_FILE_TMPDIR"/text/*.txt | tail -n +2 >$lang.csv
    done
    for lang in fin tha; do
        grep "^$lang," $lang.csv >want
        grep "^$lang," "$D/arms/gptq-matched.csv" >got
        cmp got want
    done
    for draw in 1 2; do
        # a ring of three: eng, fin, tha or eng, tha, fin
        grep '^fin,' "$D/arms/gptq-mismatched-$draw.csv" >fin
        grep '^tha,' "$D/arms/gptq-mismatched-$draw.csv" >tha
        if cmp -s fin <(grep '^fin,' tha.csv); then run ! cmp -s tha <(grep '^tha,' fin.csv); else cmp tha <(grep '^tha,' fin.csv); fi
        run ! cmp -s fin <(grep '^fin,' fin.csv)
    done
    [[ $(mlr --icsv --onidx filter '$models == 3' then cut -f arm "$D/sizes.csv" | xargs) == "gptq-matched gptq-mismatched-1 gptq-mismatched-2" ]]
    grep -q "a model for each language: 3 models, each of this size" "$BATS_FILE_TMPDIR/findings"
    # the table of who is calibrated on whom: its diagonal is the matched arm
    for lang in eng fin tha; do
        near "$(value "$D/transfer.csv" "\$calib == \$lang && \$lang == \"$lang\"" damage)" "$(value "$D/arms/gptq-matched.langs.csv" "\$lang == \"$lang\"" estimate)" 1e-12
    done
    awk -F, 'NR > 1 { if ($2 == $3) own += $4 / 3; else others += $4 / 6 } END { print own - others }' OFMT=%.15g "$D/transfer.csv" >want
    near "$(value "$D/transfer-own.csv" '$x == "own_less_others"' estimate)" "$(<want)" 1e-12
}

@test "interventions: sequential GPTQ calibrates on the text, matrix by matrix" {
    local calib=$BATS_FILE_TMPDIR/calib
    wquant -q -z 0 --bits 3 --method gptq --calibrate "$calib/eng.txt,$calib/fin.txt,$calib/tha.txt" -t "$BATS_FILE_TMPDIR/model" --mix balanced \
        "$D/model.t" 2>/dev/null | ppl -q -m - -t "$BATS_FILE_TMPDIR/model" --by line "$BATS_FILE_TMPDIR"/text/*.txt >want
    cmp "$D/arms/gptq-sequential.csv" want
}

@test "interventions: verdicts follow the rule, and larger arms have none" {
    [[ $(value "$D/verdicts.csv" '$arm == "plain-more"' repairs) == larger ]]
    limit=$(awk -v m="$(value "$D/summary.csv" '$arm == "plain"' mean)" 'BEGIN { print 0.05 * m }' OFMT=%.15g)
    mlr --csv stats1 -a min -f worst -g control then rename worst_min,least "$D/chance.csv" >least
    mlr --csv join -j control -f least then cut -o -f arm,worst_plain_high,mean_plain_high,worst_chance_high,p_chance,least,repairs,beats_chance "$D/verdicts.csv" >verdicts
    awk -F, -v limit="$limit" -v plain="$(value "$D/summary.csv" '$arm == "plain"' worst)" 'NR > 1 { n++; want = $2 < 0 && $3 < limit ? "yes" : "no"
        chance = $6 >= plain ? "no test" : $4 < 0 && $5 < 0.05 ? "yes" : "no"
        if ($7 != want || $8 != chance) { print; bad = 1 } } END { exit bad || n < 4 }' verdicts
    [[ $(value "$D/verdicts.csv" '$arm == "rotate"' control,p_chance,beats_chance) =~ ^\ *$ ]]
    # two draws cannot beat one in twenty
    grep -q "repairs that beat a random repair of equal cost: none" "$BATS_FILE_TMPDIR/findings"
    # the p of protect-sens, by hand
    mine=$(value "$D/summary.csv" '$arm == "protect-sens"' worst)
    n=$(for d in 1 2; do value "$D/arms/protect-random-$d.draws.csv" '$replicate == 0' worst; done | awk -v x="$mine" '$1 <= x' | wc -l)
    near "$(value "$D/verdicts.csv" '$arm == "protect-sens"' p_chance)" "$(awk -v n="$n" 'BEGIN { print (n + 1) / 3 }')" 1e-5
}

@test "interventions: a control of which no draw is better than plain is no test" {
    mkdir t
    printf '%s\n' arm,what,weights,options,control plain,,model,, good,,model,,told poor,,model,,told mute,,model,,mute same,,model,,same >t/arms.csv
    mlr --csv put -q 'emit1 {"arm": $arm, "matrices": 1, "weights": 8, "bytes": 3, "models": 1}' t/arms.csv >t/sizes.csv
    echo arm,lang | tee t/beyond.csv >t/worst.csv
    # plain's worst is 5: of `told` one draw in twenty is better, of `mute` none, `same` is plain itself
    seq 20 | awk 'BEGIN { print "control,worst" } { print "told," ($1 == 1 ? 4 : 9); print "mute,6"; print "same,5" }' >t/chance.csv
    printf '%s\n' arm,control,mean,worst,worst_plain_high,mean_plain_high,worst_chance_high plain,,3,5,,, good,told,2,1,-1,-1,-1 \
        poor,told,2,4.5,-1,-1,-1 mute,mute,2,1,-1,-1,-1 same,same,2,1,-1,-1,-1 >t/summary.csv
    mlr --csv put -q -s margin=0.05 -f "$ROOT/pipelines/interventions/verdicts.mlr" t/{arms,sizes,beyond,worst,chance,summary}.csv >t/verdicts.csv
    mlr --icsv --onidx --ofs , filter '$arm != "plain"' then cut -o -f arm,repairs,beats_chance t/verdicts.csv >got
    diff got - <<<$'good,yes,yes\npoor,yes,no\nmute,yes,no test\nsame,yes,no test'
    mlr --csv put -q -s unit=delta_bits_per_byte -s bits=3 -s high=8 -s rotate=8 -s reference=eng -f "$ROOT/pipelines/study/words.mlr" \
        -f "$ROOT/pipelines/interventions/findings.mlr" t/verdicts.csv >words
    grep -qx "  repairs that beat a random repair of equal cost: good" words
    grep -qx "  better than plain, but not shown to beat chance (their control): poor (told)" words
    grep -qx "  better than plain, but their control tells nothing: mute (mute), same (same)" words
    grep -q "^  mute .* (no test)" words
}

@test "interventions: the key question is asked only of a model with an outlier layer, with Holm over rotation and evening out" {
    mkdir t
    cp "$D"/{sensitivity,asked,kinds,kinds-script,kinds-volume,transfer}.csv t
    printf '%s\n' arm,x,estimate,low,high gptq-matched,own,1,1,1 gptq-matched,others,3,3,3 gptq-matched,own_less_others,-2,-3,-1 gptq-matched,own_best,1,1,1 >t/transfer-own.csv
    printf '%s\n' layer,score 0,1 1,12 2,3 >t/score-kurtosis.csv
    printf '%s\n' arm,repairs,beats_chance,mean_chance,models,range_plain,range_plain_low,range_plain_high,worst_plain,worst_plain_low,worst_plain_high \
        rotate,yes,,,1,,,,,, equalise,no,no,,1,,,,,, "mix-worst,yes,no test,,1,-2,-3,-1,-2,-3,-1" mix-mean,yes,yes,,1,-2,-3,-1,-2,-3,-1 >t/verdicts.csv
    # arm, other, mean and p of it; the intervals say nothing here
    pairs() { printf '%s\n' "$@" | awk -F, 'BEGIN { OFS = ","; print "arm,other,mean,mean_low,mean_high,mean_p,worst,worst_low,worst_high,range,range_low,range_high" }
        { print $1, $2, $3, $3, $3, $4, $3, $3, $3, $3, $3, $3 }' >t/pairs.csv; }
    ask() { mlr --csv put -q -s outlier="$1" -f "$ROOT/pipelines/study/words.mlr" -f "$ROOT/pipelines/interventions/questions.mlr" \
        t/{score-kurtosis,sensitivity,asked,kinds,kinds-script,kinds-volume,transfer,transfer-own,pairs,verdicts}.csv >words; }
    key="Does fixing the outlier pattern reduce the damage (the key question)?"
    pairs rotate,plain,-0.004,0.02 equalise,plain,0.003,0.04 rotate,noise-turned,-0.001,0.5 mix-worst,mix-mean,0.002,0.5
    ask 10
    grep -qx "  $key yes: rotate; more damage by equalise" words
    grep -q "rotate .* p 0.04000 after Holm: less damage" words
    grep -q "equalise .* p 0.04000 after Holm: more damage" words
    grep -q "rotated rounding less Gauss noise of its size: mean -1.00 " words
    grep -q "restore equity (open question 3)? yes: mix-mean; less unequal than plain, with a control that tells nothing: mix-worst" words
    grep -q "chosen for the worst language less chosen for the mean: worst language 2.00 .*: for the mean is better for the worst" words
    grep -q "own language calibrate best (gptq-matched)? yes" words
    ask 20
    grep -qx "  $key cannot be asked of this model: no outlier layer" words
    grep -qx "    what taking outliers away does all the same: less damage by rotate, more damage by equalise" words
    pairs rotate,plain,-0.004,0.03 equalise,plain,-0.003,0.04
    ask 10
    grep -qx "  $key not shown" words
    # pairs by another way: rotate less plain is in the summary
    for what in worst worst_low worst_high; do
        near "$(value "$D/pairs.csv" '$arm == "rotate" && $other == "plain"' $what)" "$(value "$D/summary.csv" '$arm == "rotate"' "${what/worst/worst_plain}")" 1e-12
    done
}

@test "interventions: planted outliers are seen, and the key question is answered" {
    grep -E '^(arm|plain|rotate|noise-turned-%|equalise|rescaled-%),' "$ROOT/pipelines/interventions/arms.csv" >few.csv
    study planted planted MODEL="$BATS_FILE_TMPDIR/bare" ARMS_CSV="$PWD/few.csv" SHOW="plain rotate" \
        PLANTED="--draw=2 --pair=vo,norm-mlp --channels=2 --factor=64" >said 2>warnings
    tables=$(echo "$BATS_FILE_TMPDIR"/planted/planted_*/study)
    [[ $(mlr --icsv --onidx filter '$score > 10' then count "$tables/score-kurtosis.csv") == 2 ]]
    mlr --icsv --onidx cut -f arm then sort -f arm "$tables/sizes.csv" | xargs >got
    [[ $(<got) == "equalise noise-turned-1 noise-turned-2 plain rescaled-1 rescaled-2 rotate" ]]
    grep -q "(the key question)? yes: .*equalise" said
    grep -q "rotated rounding less Gauss noise of its size: mean " said
    [[ -s $BATS_FILE_TMPDIR/out/figures/bare-planted/arms.svg ]]
}

@test "interventions: a recipe of one width is not run again for each shuffle of it; new weights make all anew" {
    printf '#!/bin/sh\necho "$*" >>"%s"\nexec "$@"\n' "$PWD/ran" >run.sh
    chmod +x run.sh
    cp -r "$BATS_FILE_TMPDIR/model" model
    local arms="$PWD/few/arms" args=(MODEL="$PWD/model" DIR="$PWD/few" MIX=3 RUN="$PWD/run.sh")
    study few "${args[@]}" "$arms"/mix-worst-shuffled-{1,2}.csv 2>warnings
    for draw in 1 2; do cmp "$arms/mix-worst.csv" "$arms/mix-worst-shuffled-$draw.csv"; done
    grep -c ^ppl ran | grep -qx 1
    study few "${args[@]}" "$arms"/mix-worst-shuffled-{1,2}.csv 2>warnings
    grep -c ^ppl ran | grep -qx 1
    touch model/model.safetensors
    study few "${args[@]}" "$arms"/mix-worst-shuffled-{1,2}.csv 2>warnings
    grep -c ^ppl ran | grep -qx 2
}

@test "interventions: the findings name the worst language and what has a model for each; arms without any control have verdicts too" {
    worst=$(mlr --icsv --onidx sort -nr estimate then head -n 1 then cut -f lang "$D/arms/plain.langs.csv")
    [[ $(value "$D/verdicts.csv" '$arm == "plain"' worst_lang) == "$worst" ]]
    grep -q "plain rounding: .*; worst language, $worst, " "$BATS_FILE_TMPDIR/findings"
    grep -q "^  gptq-matched \* " "$BATS_FILE_TMPDIR/findings"
    run ! grep -E "error|absent|\(error\)" "$BATS_FILE_TMPDIR/findings"
    grep -E '^(arm|plain|rotate),' "$BATS_FILE_TMPDIR/arms.csv" >few.csv
    study few ARMS_CSV="$PWD/few.csv" "$BATS_FILE_TMPDIR/few/verdicts.csv" </dev/null
    [[ $(value "$BATS_FILE_TMPDIR/few/verdicts.csv" '$arm == "rotate"' repairs,beats_chance) =~ ^(yes|no)\ *$ ]]
    near "$(value "$BATS_FILE_TMPDIR/few/verdicts.csv" '$arm == "rotate"' worst_plain)" "$(value "$D/verdicts.csv" '$arm == "rotate"' worst_plain)" 0
}

@test "interventions: the seeds' questions are answered from what sens measures" {
    for what in attn mlp; do
        sens -q -m "$BATS_FILE_TMPDIR/model" --no-predict --part all --only "role:${what}_*" --quant bits=3 "$BATS_FILE_TMPDIR"/text/*.txt 2>/dev/null |
            mlr --icsv --onidx put '$m = $tokens * $delta_nll / log(2)' then stats1 -a sum -f m,bytes then put '$r = $m_sum / $bytes_sum' then cut -f r >$what
    done
    near "$(value "$D/asked.csv" '$x == "mlp"' estimate)" "$(<mlp)" 1e-9
    near "$(value "$D/asked.csv" '$x == "attention"' estimate)" "$(<attn)" 1e-9
    near "$(value "$D/asked.csv" '$x == "mlp_less_attention"' estimate)" "$(awk -v a="$(<attn)" -v m="$(<mlp)" 'BEGIN { print m - a }' OFMT=%.15g)" 1e-9
    cat "$BATS_FILE_TMPDIR/findings"
    for words in "FFN or attention" "Early or late" "kind of language" "volume of training text: rho" "restore equity" "the key question"; do
        grep -q "$words" "$BATS_FILE_TMPDIR/findings"
    done
    for figure in frontier before-after sensitivity arms; do [[ -s $BATS_FILE_TMPDIR/out/figures/model/$figure.svg ]]; done
}

@test "interventions: calibration text of the test text, and arms that are none, are refused" {
    run -2 study other CALIB="$BATS_FILE_TMPDIR/text" "$BATS_FILE_TMPDIR/other/disjoint.txt"
    [[ $output == *"calibration text in the test text: "* ]]
    printf '%s\n' arm,what,weights,options,control 'a b,x,model,,' >bad.csv
    run -2 study other ARMS_CSV="$PWD/bad.csv"
    [[ $output == *"bad.csv: 'a b': an arm is a name of letters"* ]]
    run -2 study other BITS=2
    [[ $output == *"BITS=2: 3 to 7"* ]]
}
