# The study of a planted cause on a tiny random model: the finders, the exact p, the share that a repair takes away, by another
# way; and what every recipe must keep.
load helper
LANGS="eng fin tha"
setup_file() {
    recipe_setup_file || return 1
    mkdir text
    for lang in $LANGS; do head -7 "$ROOT/pipelines/data/udhr/eval/$lang.txt" >"text/$lang.txt"; done
    study out DIR="$PWD/d" >findings 2>warnings || { cat warnings; return 1; }
}
setup() {
    recipe_setup
    DIR=$BATS_FILE_TMPDIR/d
}
# study OUT ARGUMENT...: on xglm-a, which has three layers
study() {
    local golden=$ROOT/tests/data/golden
    make -s -C "$ROOT" -f pipelines/planted.mk OUT="$PWD/$1" MODEL="$golden/xglm-a" TOKENIZER="$golden/tokenizer.json" \
        TEXT="$BATS_FILE_TMPDIR/text" STEMS="$LANGS" LAYERS=1 ROTATE=16 DAMAGE=kl RESAMPLES=200 THREADS=2 "${@:2}"
}

@test "planted: the planted layer is found, p is exact, and the function was the same" {
    layer=$(mlr --icsv --onidx count-distinct -f layer then cut -f layer "$DIR/truth.csv")
    [[ $layer == [012] && $(wc -l <"$DIR/truth.csv") == 9 ]] # 4 channels of two pairs
    for finder in kurtosis mlp_kurtosis damage_alone output_error; do
        [[ $(value "$DIR/planted-found.csv" "\$finder == \"$finder\" && \$planted == 1" layer,rank) == "$layer,1" ]]
        near "$(value "$DIR/found.csv" "\$finder == \"$finder\"" p)" 0.33333333333333 1e-9 # 1 of 3
        grep -q "^  .* 1: found, p = 0.333$" "$BATS_FILE_TMPDIR/findings"
    done
    grep -q "^The function: same: KL at most 0, another nll in 0 of 21 paragraphs$" "$BATS_FILE_TMPDIR/findings"
    # scores by another way: kurt's own, and ppl with that layer alone
    best=$(kurt --by name "$DIR/planted.t" | mlr --icsv --onidx filter "\$name =~ \"layers.$layer\\..*weight\" && \$shape =~ \"x\"" then stats1 -a max -f kurtosis)
    close "$(value "$DIR/scores.csv" "\$finder == \"kurtosis\" && \$layer == $layer" score)" "$best" 1e-12
    ppl -m "$DIR/planted.t" -t "$ROOT/tests/data/golden/tokenizer.json" --quant bits=4 --only "layer:$layer" \
        "$BATS_FILE_TMPDIR"/text/*.txt 2>/dev/null | mlr --icsv --onidx stats1 -a mean -f kl >want
    close "$(value "$DIR/scores.csv" "\$finder == \"damage_alone\" && \$layer == $layer" score)" "$(cat want)" 1e-9
}

@test "planted: the share that evening out takes away, by hand; the model as it was is a control" {
    arm() { awk -F, -v arm="$1" '$1 == arm { s += $4; w += $5 } END { printf "%.15g %.15g\n", s, s / w }' "$DIR/arms.csv"; }
    read -r original mean <<<"$(arm original)"
    read -r planted _ <<<"$(arm planted)"
    read -r evened _ <<<"$(arm planted-evened)"
    close "$(value "$DIR/share.csv" '$x == "evened"' estimate)" \
        "$(awk -v o="$original" -v p="$planted" -v e="$evened" 'BEGIN { printf "%.15g", (p - e) / (p - o) }')" 1e-9
    awk -v o="$original" -v p="$planted" 'BEGIN { exit !(p > 2 * o) }'
    close "$(value "$DIR/planted-repair.csv" '$arm == "original"' estimate)" "$mean" 1e-12
    ppl -m "$ROOT/tests/data/golden/xglm-a" -t "$ROOT/tests/data/golden/tokenizer.json" --quant bits=4 \
        "$BATS_FILE_TMPDIR"/text/*.txt 2>/dev/null | mlr --icsv --onidx put -q '@s += $kl * $tokens; @n += $tokens; end { print @s / @n }' >want
    close "$mean" "$(cat want)" 1e-9
    grep -q "^  evening out .*: repaired$" "$BATS_FILE_TMPDIR/findings"
    [[ $(value "$DIR/planted-repair.csv" '$arm == "planted-evened"' estimate) == "$(value "$DIR/planted-repair.csv" '$arm == "original-evened"' estimate)" ]]
    cd "$BATS_FILE_TMPDIR/out/figures/xglm-a"
    for name in planted-found planted-repair; do
        [[ $(head -c 5 $name.pdf) == "%PDF-" && $(head -c 4 $name.png | tail -c 3) == PNG ]]
        grep -q '</svg>' $name.svg
    done
}

@test "planted: a truth that is not so is not found" {
    cat >liar.sh <<'LIAR'
#!/bin/sh
plant "$@" || exit
for a; do case $a in --report=*) mlr -I --csv put '$layer = ($layer + 1) % 3' "${a#--report=}" ;; esac; done
LIAR
    chmod +x liar.sh
    study liar DIR="$PWD/n" PLANT="$PWD/liar.sh" "$PWD/n/found.csv" 2>/dev/null
    [[ $(mlr --icsv --onidx filter '$planted == 1 && $rank > 1' then count n/planted-found.csv) == 4 ]]
    [[ -z $(value n/found.csv '$p < 0.6' p) ]]
}

@test "planted: every command can be seen; a stage can be swapped" {
    study o -n DIR="$PWD/n" >commands
    for program in plant kurt sens ppl bootstrap; do grep -q "$program --" commands; done
    printf '#!/bin/sh\nexec plant "$@"\n' >mine.sh && chmod +x mine.sh
    study o PLANT="$PWD/mine.sh" -n >commands
    grep -q "$PWD/mine.sh --draw=1" commands
    study o -n >plain # other steps, another place
    [[ $(grep -o 'report=[^ ]*' commands) != "$(grep -o 'report=[^ ]*' plain)" && -s plain ]]
}
