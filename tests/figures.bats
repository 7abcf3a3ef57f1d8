# make figures: which studies it runs on which models; and what README shows, which a goal keeps in pipelines/figures with the
# checksums of what was measured.
load helper
LANGS="eng fra rus"

setup_file() {
    recipe_setup_file || return 1
    knowing_models
    mkdir text
    for lang in $LANGS; do sed -n '2,6p' "$ROOT/pipelines/data/udhr/eval/$lang.txt" >"text/$lang.txt"; done
    figures -j2 ship SAID="study planted" >said 2>warnings || { cat said warnings; return 1; }
}
setup() {
    recipe_setup
    HERE=$BATS_FILE_TMPDIR
}
# figures ARGUMENT...: on two tiny models
figures() {
    local here=$BATS_FILE_TMPDIR
    make -C "$ROOT" -f pipelines/figures.mk MODEL="$here/bloom-knows" MODEL2="$here/xglm-knows" TEXT="$here/text" \
        STEMS="$LANGS" BITS=3 LIMIT=0.004 OUTLIER=1.9 LAYERS=1 ROTATE=16 RESAMPLES=100 WIDTHS="3 8" GRAINS=tensor NOISES=2 THREADS=1 \
        OUT="$here/out" KEPT="$here/kept" "$@"
}

@test "figures: each model for itself, and the first against the second; -j goes through" {
    for model in bloom-knows xglm-knows; do
        for figure in unequal noise sweep; do grep -q '</svg>' "$HERE/out/figures/$model/$figure.svg"; done
    done
    [[ -s $HERE/out/figures/bloom-knows/versus.svg && ! -e $HERE/out/figures/xglm-knows/versus.svg ]]
    grep -q "^STYLES: bloom-knows against xglm-knows" "$HERE/kept/study.txt"
    [[ -s $HERE/out/figures/bloom-knows/planted-found.svg ]]
    run ! grep -i jobserver "$HERE/warnings"
    figures STUDIES="variants study" >again # variants at its full size: seconds
    grep -q "^VARIANTS: " again
    grep -q "^STYLES: bloom-knows against xglm-knows" again
    run ! grep "^study: " again # all was there
}

@test "figures: without MODEL those that are shipped; the planted cause on demand" {
    plain() { make -n -C "$ROOT" -f pipelines/figures.mk OUT="$PWD/o" "$@" | grep -o "make .*-f pipelines/.*" | sed 's/.*-f pipelines.//'; }
    shipped=pipelines/data/models
    plain STUDIES=study >commands
    grep -q "^study.mk MODEL=$shipped/xglm-style MODEL2=$" commands
    grep -q "^study.mk MODEL=$shipped/bloom-style MODEL2=$shipped/xglm-style$" commands
    plain STUDIES=study MODEL="$DATA/golden/bloom-a" >commands
    grep -q "bloom-a MODEL2=$" commands
    run ! grep -q "$shipped" commands
    named() { make -s -C "$ROOT" -f pipelines/figures.mk --eval='named: ; @echo $(STUDIES) / $(SAID)' named "$@"; }
    [[ $(named) == "recorded tokenisation variants study / recorded tokenisation variants study planted interventions interventions-planted" ]]
    [[ $(named PLANTED=1) == "recorded tokenisation variants study planted / "* ]]
}

@test "figures: what is kept: checksums of what was measured, the findings, the figure; no folder of this machine" {
    for study in study planted; do
        grep -E '^[0-9a-f]{64}  ' "$HERE/kept/$study.txt" >sums
        (cd "$ROOT" && sha256sum --check --quiet) <sums
        grep -q "bloom-knows/model.safetensors$" sums
        run ! grep -F -e "$ROOT/" -e "$HERE/out" "$HERE/kept/$study.txt"
    done
    grep -q "xglm-knows/model.safetensors$" <(head -n 2 "$HERE/kept/study.txt")
    for word in FERTILITY TAILS USE SWEEP UNEQUAL NOISE EXPLAIN STYLES; do grep -q "^$word: " "$HERE/kept/study.txt"; done
    grep -q "^The function: same" "$HERE/kept/planted.txt"
    cmp "$HERE/kept/unequal-bloom-knows.svg" "$HERE/out/figures/bloom-knows/unequal.svg"
    [[ $(ls "$HERE/kept" | xargs) == "planted.txt study.txt unequal-bloom-knows.svg" ]]
}

@test "figures: the findings that README's numbers come from are of the models that are shipped" {
    cd "$ROOT"
    kept=(pipelines/figures/*.txt)
    [[ -e ${kept[0]} ]] || skip "none are kept: make -f pipelines/figures.mk ship"
    grep -hE '^[0-9a-f]{64}  ' "${kept[@]}" | sha256sum --check --quiet
    for study in study planted interventions interventions-planted; do
        grep -qE '^[0-9a-f]{64}  pipelines/data/models/bloom-style/model.safetensors$' "pipelines/figures/$study.txt"
    done
    grep -qE '^[0-9a-f]{64}  pipelines/data/models/xglm-style/model.safetensors$' pipelines/figures/study.txt
}
