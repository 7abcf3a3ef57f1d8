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
        grep -E '^(arm|plain|plain-more|protect-(sens|random-%)|shift-position|mix-worst(-shuffled-%)?|gptq-(matched|sequential|random-%)|rotate|rescaled-%),' \
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
    for recipe in protect-sens protect-random-1 protect-random-2 shift-position; do
        mlr --icsv --onidx stats1 -a sum,count -f bits "$D/recipes/$recipe.csv" >got
        [[ $(<got) == "18 6" ]]
    done
    first=$(mlr --icsv --onidx sort -nr score then head -n 1 then cut -f layer "$D/score-sens.csv")
    [[ $(value "$D/recipes/protect-sens.csv" "\$layer == $first" bits) == 5 ]]
    # llama.cpp's rule: 2 and 5 of 6 layers
    [[ $(mlr --icsv --onidx filter '$bits == 4' then sort -nf layer then cut -f layer "$D/recipes/shift-position.csv" | xargs) == "2 5" ]]
    for recipe in mix-worst mix-worst-shuffled-1; do mlr --icsv --onidx cut -f bits "$D/recipes/$recipe.csv" | sort >$recipe; done
    cmp mix-worst mix-worst-shuffled-1
    run -1 cmp -s "$D/recipes/protect-random-1.csv" "$D/recipes/protect-random-2.csv"
}

@test "interventions: the matched arm is a model for each language" {
    for lang in fin tha; do
        wquant -q -z 0 --bits 3 --method gptq --moments "$D/moments.t" --mix $lang=1 "$D/model.t" 2>/dev/null |
            ppl -q -m - -t "$BATS_FILE_TMPDIR/model" --by line "$BATS_FILE_TMPDIR/text/$lang.txt" | tail -n +2 >want
        grep "^$lang," "$D/arms/gptq-matched.csv" >got
        cmp got want
    done
}

@test "interventions: sequential GPTQ calibrates on the text, layer by layer" {
    local calib=$BATS_FILE_TMPDIR/calib
    wquant -q -z 0 --bits 3 --method gptq --calibrate "$calib/eng.txt,$calib/fin.txt,$calib/tha.txt" -t "$BATS_FILE_TMPDIR/model" --mix balanced \
        "$D/model.t" 2>/dev/null | ppl -q -m - -t "$BATS_FILE_TMPDIR/model" --by line "$BATS_FILE_TMPDIR"/text/*.txt >want
    cmp "$D/arms/gptq-sequential.csv" want
}

@test "interventions: verdicts follow the rule, and larger arms have none" {
    [[ $(value "$D/verdicts.csv" '$arm == "plain-more"' repairs) == larger ]]
    mlr --icsv --ojson cat "$D/verdicts.csv" | mlr --ijson --ocsv filter '$arm != "plain" && $arm != "plain-more"' \
        then cut -o -f arm,worst_plain_high,mean_plain_high,worst_chance_high,p_chance,repairs,beats_chance >verdicts
    limit=$(awk -v m="$(value "$D/summary.csv" '$arm == "plain"' mean)" 'BEGIN { print 0.05 * m }' OFMT=%.15g)
    awk -F, -v limit="$limit" 'NR > 1 { n++; want = $2 < 0 && $3 < limit ? "yes" : "no"; chance = $5 == "" ? "" : $4 < 0 && $5 < 0.05 ? "yes" : "no"
        if ($6 != want || $7 != chance) { print; bad = 1 } } END { exit bad || n < 5 }' verdicts
    # two draws cannot beat one in twenty
    grep -q "repairs that beat a random repair of equal cost: none" "$BATS_FILE_TMPDIR/findings"
    # the p of protect-sens, by hand
    mine=$(value "$D/summary.csv" '$arm == "protect-sens"' worst)
    n=$(for d in 1 2; do value "$D/arms/protect-random-$d.draws.csv" '$replicate == 0' worst; done | awk -v x="$mine" '$1 <= x' | wc -l)
    near "$(value "$D/verdicts.csv" '$arm == "protect-sens"' p_chance)" "$(awk -v n="$n" 'BEGIN { print (n + 1) / 3 }')" 1e-5
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
