# The recipe of the models at toy size: what it makes, that a cut run goes on, and that variants differ in one thing.
load helper

setup_file() {
    unset MAKEFLAGS MAKELEVEL
    cd "$BATS_FILE_TMPDIR" || return 1
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    mkdir -p text/train text/valid
    for l in eng fin; do
        cat "$ROOT"/pipelines/data/udhr/eval/$l.txt >text/train/$l.txt
        head -n 4 "$ROOT"/pipelines/data/udhr/calib/$l.txt >text/valid/$l.txt
    done
}
setup() {
    helper_setup
    unset MAKEFLAGS MAKELEVEL
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    T=$BATS_FILE_TMPDIR/text
}
# model GOAL KNOB...: everything goes to d/
model() {
    make -s -C "$ROOT" -f pipelines/model.mk OUT="$PWD/out" DIR="$PWD/d" LARGE="$PWD/d/l" SMALL="$PWD/d/s" TEXT="$T" STEMS="eng fin" \
        VOCAB=400 LAYERS=1 WIDTH=16 HEADS=2 CONTEXT=16 BATCH=2 STEPS=5 WARMUP=2 V_LAYERS=2 V_WIDTH=16 V_HEADS=2 V_STEPS=3 \
        LINES=2 THREADS=2 "$@" 2>warnings
}

@test "model: two directories that ppl reads, logs, and bits a byte beside those of compressors" {
    command -v 7z >/dev/null || skip "7z is not here"
    model model >table
    for m in bloom xglm; do
        [[ $(ls d/l/$m-style | tr '\n' ' ') == "config.json model.safetensors tokenizer.json tokenizer_config.json " ]]
        [[ $(tail -n 1 d/l/$m.csv | cut -d, -f1) == 5 ]]
        ppl -m d/l/$m-style --context 16 --start '</s>' "$T/valid/eng.txt" >ppl.csv 2>warnings
        close "$(mlr --icsv --onidx filter '$lang == "eng"' then cut -f $m d/l/honest.csv)" "$(field bits_per_byte <ppl.csv)" 1e-12
    done
    want=$(awk -v n="$(gzip -9 -c <"$T/valid/fin.txt" | wc -c)" -v b="$(wc -c <"$T/valid/fin.txt")" 'BEGIN { print 8 * n / b }')
    close "$(mlr --icsv --onidx filter '$lang == "fin"' then cut -f gzip d/l/honest.csv)" "$want" 1e-9
    mlr --icsv --ojson cat d/l/honest.csv >honest.json
    [[ $(mlr --icsv --onidx filter '$ppmd_trained < $ppmd && $xz_trained < $xz' then count d/l/honest.csv) == 2 ]]
}

@test "model: what the models write, three lines a language, to be looked at" {
    model samples >shown
    cmp shown d/l/samples.txt
    [[ $(grep -c '^text ' shown) == 12 ]] # of two models
    awk '$1 == "lang" || $1 == "line" || $1 == "model" { print $2 }' shown | paste -d' ' - - - | head -n 3 >first
    diff first - <<<$'eng 1 bloom-style\neng 1 xglm-style\neng 2 bloom-style'
}

@test "model: a run that was cut goes on from its checkpoint, and a second make does nothing" {
    model "$PWD/d/l/bloom-style/config.json"
    cp -R d/l/bloom-style whole
    rm -r d/l
    mkdir -p d/l
    run -2 model "$PWD/d/l/bloom-style/config.json" LMTRAIN="lmtrain --max-minutes=1e-9"
    [[ -e d/l/bloom.safetensors && ! -e d/l/bloom-style ]]
    model "$PWD/d/l/bloom-style/config.json"
    for d in whole d/l/bloom-style; do tensorcat --to=csv "$d/model.safetensors" >"$(basename $d).csv"; done
    cmp whole.csv bloom-style.csv
    run -0 make -q -C "$ROOT" -f pipelines/model.mk OUT="$PWD/out" DIR="$PWD/d" LARGE="$PWD/d/l" SMALL="$PWD/d/s" TEXT="$T" \
        STEMS="eng fin" "$PWD/d/l/bloom-style/config.json"
}

@test "model: variants differ from the base in what their name says, and each has its rows" {
    model variants SEEDS=1
    [[ $(mlr --icsv --onidx count-distinct -f variant then count d/s/loss.csv) == 9 ]]
    [[ $(mlr --icsv --onidx count d/s/loss.csv) == 18 && $(mlr --icsv --onidx count d/s/damage.csv) == 36 ]]
    [[ $(mlr --icsv --onidx count d/s/tails.csv) == $((9 * 2 * 4 + 2 * 2)) ]]   # xglm has q, k and v apart
    [[ $(wc -l <d/s/growth.csv) == 10 && $(head -n 1 d/s/growth.csv) == variant,seed,step,loss,kurtosis_0,kurtosis_1 ]]
    # the log's kurtosis of a layer is the mean of its MLP's matrices, before they are brought to bfloat16
    near "$(mlr --icsv --onidx filter '$variant == "kure"' then cut -f kurtosis_1 d/s/growth.csv)" \
        "$(mlr --icsv --onidx filter '$variant == "kure" && $layer == 1 && $role =~ "^mlp"' then stats1 -a mean -f kurtosis d/s/tails.csv)" 0.002
    # of all that decides the weights, what the checkpoints say differs is what is named here; then keys of the config
    chosen() { grep -ao '"option [a-z0-9-]*":"[^"]*"' "d/s/$1-seed1/run.safetensors" | sort; }
    while read -r variant than options key n; do
        chosen "$than" >other && (($(wc -l <other) > 20))
        chosen "$variant" | diff other - >difference || true
        [[ $(sed -n 's/^> "option \([^"]*\)".*/\1/p' difference | paste -sd,) == "$options" ]]
        diff "d/s/$than-seed1/model/config.json" "d/s/$variant-seed1/model/config.json" >difference || true
        [[ $(grep -c '^>' difference) == "$n" ]] && { ((n == 0)) || grep -q "\"$key\"" difference; } || { echo "$variant"; cat difference; false; }
    done <<<$'kure base kure,kure-only - 0
attention-dropout base attention-dropout - 0
balanced base temperature - 0
no-embed-norm base config embed_norm 4
embed-begun base embed-sd - 0
sinusoidal embed-begun config position 5
embed-scale no-embed-norm config embed_scale 2
xglm base config,embed-sd scale_embedding 12'
    chose() { chosen "$1" | sed -n 's/^"option '"$2"'":"\(.*\)"$/\1/p'; }
    [[ $(chose kure kure) == 0.1 && $(chose attention-dropout attention-dropout) == 0.1 && $(chose balanced temperature) == Inf ]]
    close "$(chose xglm embed-sd)" "$(awk 'BEGIN { print 1 / sqrt(16) }')" 1e-5
    near "$(mlr --icsv --onidx filter '$variant == "base" && $lang == "fin"' then cut -f nll d/s/loss.csv)" \
        "$(tail -n 1 d/s/base-seed1/log.csv | awk -F, -v c="$(head -n 1 d/s/base-seed1/log.csv | tr , '\n' | grep -nx nll_fin | cut -d: -f1)" '{ print $c }')" 1e-12
}

@test "model: what is shipped is what was trained, and whether it is good enough to be studied is said" {
    command -v 7z >/dev/null || skip "7z is not here"
    model ship SHIPPED_MODELS="$PWD/models"
    for m in bloom xglm; do
        for f in config.json model.safetensors tokenizer.json; do cmp d/l/$m-style/$f models/$m-style/$f; done
        cmp d/l/$m.csv models/$m-style/log.csv
    done
    diff models/xglm-style/languages.csv <(echo lang,bytes && cd "$T/train" && for l in eng fin; do echo "$l,$(wc -c <$l.txt)"; done)
    [[ ! -e models/samples.txt ]] # it quotes text that is not ours to give away
    cmp d/l/honest.csv models/honest.csv
    mlr -I --csv put '$gzip = 9; $bloom = $lang == "eng" ? 1 : 9; $xglm = 1' d/l/honest.csv
    model model >said
    grep -qx 'bloom: fewer bits than gzip -9 in 1 of 2 languages: not good enough to be studied' said
    grep -qx 'xglm: fewer bits than gzip -9 in 2 of 2 languages: good enough to be studied' said
}

@test "model: variants are shipped as tables that say how they were made" {
    model ship-variants SHIPPED="$PWD/shipped" VARIANTS="base embed-scale" SEEDS="1 2"
    for k in tails loss damage growth; do cmp d/s/$k.csv shipped/$k.csv; done
    grep -qF '4 runs' shipped/README.md
    grep -qE '^    make model-variants V_LAYERS=2 .*V_STEPS=[0-9]+ BATCH=[0-9]+ .*SEEDS=.1 2.$' shipped/README.md
    grep -qF '| base | `--arch=bloom` |' shipped/README.md
    grep -qF '| embed-scale | `--arch=bloom --override=embed_norm=false,embed_scale=4` |' shipped/README.md
    grep -qF 'weights by `bits=4,per=channel` `bits=3,per=channel`, on the first 2 lines' shipped/README.md
}

@test "model: what there is no recipe for is said at once" {
    run -2 --separate-stderr make -s -C "$ROOT" -f pipelines/model.mk OUT="$PWD/out" MODELS=mamba
    [[ $stderr == *"mamba: no such model"* ]]
    mkdir tools
    ln -s /usr/bin/* tools/
    rm -f tools/7z tools/xz
    for goal in "" model ship; do
        PATH="$PWD/tools" run -2 --separate-stderr timeout 20 make -n -s -C "$ROOT" -f pipelines/model.mk OUT="$PWD/out" TEXT="$T" STEMS="eng fin" $goal
        [[ $stderr == *"not installed: 7z xz: run make deps-model"* ]]
    done
    PATH="$PWD/tools" make -n -s -C "$ROOT" -f pipelines/model.mk OUT="$PWD/out" TEXT="$T" STEMS="eng fin" variants >plan
    grep -q lmtrain plan
}
