# The tokenisation study at toy size: values against counts made by another program, then what every recipe must keep.
load helper
LANGS="eng fin fra hin jpn tha"
KNOWN=qwen3-bloom-style_${LANGS// /-}-to-eng_200-seed-1
setup_file() {
    recipe_setup_file || return 1
    make -s -C "$ROOT" -f pipelines/tokenisation.mk OUT="$PWD/out" STEMS="$LANGS" RESAMPLES=200 THREADS=2 >findings
}
setup() {
    recipe_setup
    DIR=$BATS_FILE_TMPDIR/out/tokenisation/$KNOWN
}
# study OUT ARGUMENT...
study() { make -s -C "$ROOT" -f pipelines/tokenisation.mk OUT="$PWD/$1" STEMS="$LANGS" RESAMPLES=200 "${@:2}"; }

@test "tokenisation: premiums are those of the reference library's counts" {
    # ids by language from Hugging Face's library, the Declaration's evaluation part
    while read -r tokenizer stem ids english; do
        near "$(value "$DIR/premium-$tokenizer.csv" "\$stem == \"$stem\"" premium)" \
            "$(awk "BEGIN { printf \"%.15g\", $ids / $english }")" 1e-12
    done <<'COUNTS'
qwen3 tha 2977 1150
qwen3 fra 1788 1150
qwen3 fin 2557 1150
qwen3 jpn 1733 1150
bloom-style tha 3756 2285
bloom-style hin 3229 2285
COUNTS
    near "$(value "$DIR/premium-by-script.csv" '$tokenizer == "qwen3" && $script == "Latn"' median)" \
        "$(awk 'BEGIN { printf "%.15g", (2557 + 1788) / 2 / 1150 }')" 1e-12
    [[ $(value "$DIR/premium-qwen3.csv" '$stem == "eng"' premium,low,high) == 1,, ]]
    [[ $(value "$DIR/premium-qwen3.csv" true stem | xargs) == "hin tha fin fra jpn eng" ]]
}

@test "tokenisation: an interval is around each, from as many pairs as there are" {
    [[ $(mlr --icsv --onidx count-distinct -f pairs "$DIR/premium-qwen3.csv" | xargs) == "34 5 1" ]]
    odd='is_not_empty($low) && ($low >= $premium || $high <= $premium || $high - $low > 0.5 * $premium)'
    [[ -z $(value "$DIR/premium-qwen3.csv" "$odd" stem) ]]
    # Latvian lacks article 26, Punjabi 17: they are compared with what English says elsewhere
    study out STEMS="eng lav pan" DIR="$PWD/d" RESAMPLES=50 "$PWD/d/premium-qwen3.csv"
    [[ $(value d/premium-qwen3.csv '$stem != "eng"' stem,pairs | sort | xargs) == "lav,31 pan,32" ]]
    awk -F, 'NR == FNR { if ($2 == "eval" && $5 != "") unit[$1, $3] = $5; next }
        ($1, $2) in unit { t[$1, unit[$1, $2]] += $3 }
        END {
            for (k in t) { split(k, p, SUBSEP); if (p[1] == "pan") { x += t[k]; y += t["eng", p[2]] } }
            printf "%.15g\n", x / y
        }' "$ROOT/pipelines/data/udhr/lines.csv" <(mlr --csv cut -o -f lang,line,tokens d/lines-qwen3.csv) >want
    near "$(value d/premium-qwen3.csv '$stem == "pan"' premium)" "$(cat want)" 1e-12
}

@test "tokenisation: figures in three formats, each with its numbers, and the findings in words" {
    cd "$BATS_FILE_TMPDIR/out/figures"
    for name in premium-qwen3 premium-bloom-style fertility-qwen3 fertility-bloom-style two-tokenizers premium-and-damage; do
        [[ $(head -c 5 $name.pdf) == "%PDF-" && $(head -c 4 $name.png | tail -c 3) == PNG ]]
        grep -q '</svg>' $name.svg
        (($(wc -l <$name.csv) >= 6))
    done
    grep -q '>Thai<' premium-qwen3.svg
    grep -q "Hindi takes 5.1 times the tokens of English under Qwen3" premium-qwen3.svg
    grep -q 'dearest   Hindi 5\.13 \[' "$BATS_FILE_TMPDIR/findings"
    grep -q 'premium_qwen3, degradation .* n 6: ' "$BATS_FILE_TMPDIR/findings"
}

@test "tokenisation: the same run gives the same bytes, with any number of threads" {
    study again THREADS=1 >/dev/null
    diff -r "$BATS_FILE_TMPDIR/out" again
}

@test "tokenisation: nothing is done twice, and a changed program's results are made again" {
    cp -a "$BATS_FILE_TMPDIR/out" out
    printf '#!/bin/sh\nexec corr "$@"\n' >mine.sh && chmod +x mine.sh
    study out CORR="$PWD/mine.sh" >/dev/null
    swapped=("out/tokenisation/$KNOWN"_corr-*)
    [[ ${#swapped[@]} == 1 && -d ${swapped[0]} ]]
    touch -d '+1 second' mine.sh
    run -0 study out CORR="$PWD/mine.sh" -n
    [[ $output == *"mine.sh --x="* && $output != *tokstat* ]]
    run -0 study out -n
    [[ $output != *" > "* ]]
    # BIN is where the recipe looks, whatever the PATH that make was called with
    mkdir tools && printf '#!/bin/sh\nexec corr "$@"\n' >tools/corr && chmod +x tools/corr && touch -d '+1 second' tools/corr
    PATH=/usr/bin:/bin run -0 study out -n BIN="$PWD/tools"
    [[ $output == *"corr --x="* && $output != *tokstat* ]]
}

@test "tokenisation: knobs that change numbers are part of the path" {
    for knob in SEED=2 RESAMPLES=100 TOKENIZERS="bloom-style qwen3" STEMS="eng fra" TOKSTAT=./mine.sh \
        TOKENIZER_qwen3=x/tokenizer.json; do
        run study out "$knob" -p -n
        dir=$(sed -n 's/^DIR := //p' <<<"$output")
        echo "$knob: $dir"
        [[ -n $dir && $dir != "$PWD/out/tokenisation/$KNOWN" ]]
        echo "$dir" >>seen
    done
    (($(sort -u seen | wc -l) == 6))
}

@test "tokenisation: make -n shows the experiment" {
    run -0 study out -n
    for step in "tokstat --by=line --tokenizer=" "bootstrap --stat=ratio-of-sums" \
        "corr --x=premium_qwen3,premium_bloom-style" "draw.sh svg"; do
        [[ $output == *"$step"* ]]
    done
    run find out -type f
    [[ -z $output ]]
}

@test "tokenisation: a stage can be swapped for one's own" {
    cat >mine.sh <<'SH'
#!/bin/sh
# one token a byte, a hundred words a language, told as tokstat does
awk -v lines="$(printf '%s\n' "$@" | grep -c -e --by=line)" '
    BEGIN { print lines ? "lang,line,tokens" : "lang,words,tokens,fertility,bytes_per_token,chars_per_token" }
    FNR == 1 { lang = FILENAME; gsub(/.*\/|[.].*/, "", lang); order[++m] = lang }
    { n[lang] += length($0); if (lines) print lang "," FNR "," length($0) }
    END { for (i = 1; i <= m && !lines; i++) { t = n[order[i]]; print order[i] ",100," t "," t / 100 ",1,1" } }' \
    $(printf '%s\n' "$@" | grep 'txt$')
SH
    chmod +x mine.sh
    study out TOKSTAT="$PWD/mine.sh" >findings
    bytes() { tr -d '\n' <"$ROOT/pipelines/data/udhr/eval/$1.txt" | wc -c; }
    near "$(value out/figures/premium-qwen3.csv '$stem == "tha"' premium)" \
        "$(awk "BEGIN { printf \"%.15g\", $(bytes tha) / $(bytes eng) }")" 1e-12
    [[ ! -e out/tokenisation/$KNOWN ]]
}

@test "tokenisation: a step that fails leaves no file, and what depends on it is not made" {
    cat >half.sh <<'SH'
#!/bin/sh
bootstrap "$@" | head -n 3
exit 1
SH
    chmod +x half.sh
    run -2 study out BOOTSTRAP="$PWD/half.sh"
    run find out -name 'intervals*' -o -name 'premium*' -o -name '*.svg'
    [[ -z $output ]]
    run -2 study none TOKSTAT=no-such-program
    run find none -type f
    [[ -z $output ]]
}

@test "tokenisation: a plain folder of parallel files will do, whatever its languages" {
    mkdir text
    for lang in eng mya khm swh; do head -n 12 "$ROOT/pipelines/data/udhr/eval/$lang.txt" >text/$lang.txt; done
    plain() { make -s -C "$ROOT" -f pipelines/tokenisation.mk OUT="$PWD/out" TEXT="$PWD/text" RESAMPLES=200 "$@"; }
    plain >findings
    [[ $(value out/figures/premium-qwen3.csv true stem,script,pairs | xargs) == "mya,Mymr,12 khm,Khmr,12 swh,Latn,12 eng,Latn," ]]
    run ! grep damage findings
    plain REFERENCE=swh >findings
    for name in premium-qwen3 two-tokenizers; do
        grep -q 'over swh' out/figures/$name.svg
        run ! grep English out/figures/$name.svg
    done
    grep -q 'South-East Asian and Tibetan<' out/figures/premium-qwen3.svg
    run ! grep -e '>East Asian<' -e Ethiopic out/figures/premium-qwen3.svg
    grep -q 'over those for swh' findings
    run ! grep English findings
    echo 'one more' >>text/mya.txt
    run -2 --separate-stderr plain
    [[ $stderr == *"files have different numbers of lines"* ]]
}

@test "tokenisation: what cannot work is said at once, in one line; a slash after the folder changes nothing" {
    mkdir none text
    echo Hei. | tee text/fin.txt >text/swe.txt
    refused() { # MESSAGE ARGUMENT...
        run -2 --separate-stderr make -s -C "$ROOT" -f pipelines/tokenisation.mk OUT="$PWD/out" "${@:2}"
        echo "$stderr"
        [[ $stderr == *"*** $1.  Stop." && ${#stderr_lines[@]} == 1 && ! -e out ]]
    }
    refused "$PWD/text: no eng.txt: set REFERENCE=..." TEXT="$PWD/text"
    refused "$PWD/none: no .txt files, one a language" TEXT="$PWD/none"
    refused "TOKENIZER_mine is not set" TOKENIZERS="qwen3 mine"
    refused "STEMS: no eng among them: add it, or set REFERENCE=..." STEMS="fin tha"
    for slash in "" /; do
        run study out STEMS="fin swe" REFERENCE=fin TEXT="$PWD/text$slash" -p -n
        sed -n 's/^DIR := //p' <<<"$output" >>seen
    done
    [[ $(wc -l <seen) == 2 && $(sort -u seen | wc -l) == 1 ]]
}
