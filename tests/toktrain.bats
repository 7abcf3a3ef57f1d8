# toktrain: merges against Hugging Face's trainer and by hand, ids against its encoder, then the contract of every program.
load helper
setup() {
    helper_setup
    UDHR="$BATS_TEST_DIRNAME/../pipelines/data/udhr"
    HF="$DATA/toktrain"
}

# merges < tokenizer.json: one a line
merges() { sed -n '/"merges": \[/,/^    \]/ { s/^      "\(.*\)",\{0,1\}$/\1/p }' | sed 's/\\\(["\\]\)/\1/g'; }

# trained OPTION...: what the options make of the files, as merges on one line
trained() { toktrain "$@" 2>/dev/null | merges | paste -sd,; }

# runs of a few letters, so that pairs overlap themselves in every way
make_runs() {
    awk 'function next_number() { return x = (x * 16807) % 2147483647 }
        BEGIN { x = 1; for (i = 0; i < 1500; i++) {
            line = ""; for (n = 1 + next_number() % 40; n > 0; n--) { r = next_number() % 10; line = line (r < 6 ? "a" : r < 9 ? "b" : " ") }
            print line } }'
}

@test "toktrain: the merges of Hugging Face's trainer, on 70 languages" {
    toktrain --vocab-size=4260 --line-feeds -o got.json "$UDHR"/calib/*.txt
    zcat "$HF/calib.merges.gz" >wanted
    merges <got.json | diff - wanted
}

@test "toktrain: the merges of Hugging Face's trainer, down to the last, on runs of letters" {
    make_runs >runs.txt
    run -0 --separate-stderr toktrain --min-count=1 --line-feeds -o got.json runs.txt
    [[ $stderr == "toktrain: the text gives 2189 merges: the vocabulary has 2449 tokens, not 32768" ]]
    zcat "$HF/runs.merges.gz" >wanted
    merges <got.json | diff - wanted
}

@test "toktrain: the tokenizer's ids are Hugging Face's" {
    toktrain --vocab-size=4260 --line-feeds -o got.json "$UDHR"/calib/*.txt
    zcat "$HF/texts.ids.gz" >wanted
    tok -t got.json --json --ids "$DATA/tokenizers/vectors/texts.jsonl" | diff - wanted
    run -0 "${BIN:-$BATS_TEST_DIRNAME/../bin}/unit/udhr" got.json trained "$HF/udhr.tsv" "$UDHR/eval"
    [[ $output == "70 languages, 0 failed" ]]
}

@test "toktrain: Hugging Face's library, run here" {
    [[ ${SLOW:-} ]] || skip "slow: make check-all"
    [[ -d ${NODE_MODULES:-}/tokenizers ]] || skip "NODE_MODULES names no directory with npm tokenizers"
    cat "$UDHR"/eval/*.txt >all.txt
    node "$HF/hf.mjs" train wanted all.txt
    toktrain --vocab-size=30000 --min-count=1 --line-feeds -o got.json all.txt
    merges <got.json >got
    (($(wc -l <wanted) > 29000))
    head -n "$(wc -l <got)" wanted | diff got -
    node "$HF/hf.mjs" ids got.json "$DATA/tokenizers/vectors/texts.jsonl" >wanted
    tok -t got.json --json --ids "$DATA/tokenizers/vectors/texts.jsonl" | diff - wanted
}

@test "toktrain: an example that a reader can follow" {
    printf 'ab ab abc\n' >eng.txt # ab, Ġab, Ġabc
    run -0 --separate-stderr toktrain -o got.json eng.txt
    [[ $stderr == "toktrain: the text gives 2 merges: the vocabulary has 262 tokens, not 32768" ]]
    [[ $(merges <got.json) == $'a b\nĠ ab' ]]
    [[ $(tok -t got.json --ids eng.txt) == "260 261 261 70" ]] # c is letter 66 from 0, behind 4 special tokens
    [[ $(tok -t got.json --ids <<<'<unk><s></s><pad>!~ ') == "0 1 2 3 4 97 224" ]]
    [[ $(trained --min-count=1 eng.txt) == "a b,Ġ ab,Ġab c" ]]
    # of pairs as frequent the one with the smallest ids: those of the letters, then those of merges
    [[ $(trained --min-count=1 <<<$'zy\ncd\nab\nzx') == "a b,c d,z x,z y" ]]
    [[ $(trained --min-count=1 <<<$'yab') == "a b,y ab" ]]
    # aaaa has three pairs but is merged to aa aa
    [[ $(trained --min-count=1 <<<aaaa) == "a a,aa aa" ]]
    [[ $(trained --min-count=1 <<<aaaaa) == "a a,aa a,aa aaa" ]]
}

@test "toktrain: a smaller vocabulary, and a larger least count, is the beginning of a larger one" {
    toktrain --vocab-size=2000 -o large.json "$UDHR"/calib/{fin,hin}.txt
    toktrain --vocab-size=600 -o small.json "$UDHR"/calib/{fin,hin}.txt
    diff <(merges <small.json) <(merges <large.json | head -340)
    [[ $(merges <small.json | wc -l) == 340 ]]
    toktrain --vocab-size=2000 --min-count=10 -o often.json "$UDHR"/calib/{fin,hin}.txt 2>/dev/null
    n=$(merges <often.json | wc -l)
    ((n > 100 && n < 1000))
    diff <(merges <often.json) <(merges <large.json | head -n "$n")
    [[ $(toktrain --vocab-size=260 "$UDHR"/calib/fin.txt | merges | wc -l) == 0 ]]
}

@test "toktrain: no token longer than --max-token-bytes" {
    toktrain --min-count=1 --max-token-bytes=4 -o got.json "$UDHR"/calib/{eng,tha}.txt 2>/dev/null
    tok -t got.json --ids "$UDHR/calib/eng.txt" | tr ' ' '\n' | tok -t got.json --decode --ids >pieces
    [[ $(wc -L <pieces) == 4 ]]
    [[ $(trained --min-count=1 --max-token-bytes=3 <<<aaaaaaa) == "a a,aa a" ]]
    [[ $(trained --min-count=1 --max-token-bytes=2 <<<abcd) == "a b,c d" ]]
}

@test "toktrain: temperature makes languages alike" {
    mkdir once often
    tr -cd ' -~' <"$UDHR/calib/fin.txt" | head -c 1600 >once/fin.txt # four fifths of the bytes
    { tr -cd ' -~' <"$UDHR/calib/fra.txt" | head -c 400; echo; } >once/fra.txt
    cp once/fin.txt often/fin.txt
    cat once/fra.txt once/fra.txt once/fra.txt once/fra.txt >often/fra.txt
    toktrain --vocab-size=400 --temperature=1e9 --report=report.csv -o even.json once/*.txt
    toktrain --vocab-size=400 -o often.json often/*.txt
    toktrain --vocab-size=400 -o once.json once/*.txt
    cmp even.json often.json
    run -1 cmp even.json once.json
    [[ $(field weight 1 <report.csv) == 0.625 && $(field weight 2 <report.csv) == 2.5 ]] # half over their shares
    [[ $(field share 1 <report.csv) == 0.8 && $(field share 2 <report.csv) == 0.2 ]]
    # T = 2: shares go as roots, 2 to 1; weights are 2/3 over 4/5 and 1/3 over 1/5, in steps of 2^-20
    toktrain --vocab-size=400 --temperature=2 --report=report.csv -o root.json once/*.txt
    near "$(field weight 1 <report.csv)" 0.8333333333 5e-7
    near "$(field weight 2 <report.csv)" 1.6666666667 5e-7
    toktrain --vocab-size=400 --temperature=1 once/*.txt | cmp - once.json
}

@test "toktrain: special tokens in the text are no part of any word" {
    printf 'ab<s>cd ab\n<pad>\n' >eng.txt
    [[ $(trained --min-count=1 eng.txt) == "a b,c d,Ġ ab" ]]
    [[ $(trained --min-count=1 --special='<mask>' <<<'<s><mask>') == "< s,<s >" ]]
    toktrain --vocab-size=300 --special='<|end|>,<pad>' -o got.json "$UDHR/calib/eng.txt"
    [[ $(tok -t got.json --ids <<<'<|end|><pad>!') == "0 1 2" ]]
    wrong_usage "--special: model: 'a' is in the vocabulary twice" toktrain --special=a,b
    wrong_usage "--special: model: '<s>' is in the vocabulary twice" toktrain --special='<s>,<s>'
    wrong_usage "--special: not UTF-8" toktrain --special=$'a\xff'
    run -1 --separate-stderr toktrain --min-count=1 --special='Ġab' -o bad.json eng.txt # as the merge is spelt
    [[ $stderr == "toktrain: --special: model: 'Ġab' is in the vocabulary twice" && ! -e bad.json ]]
    run -1 --separate-stderr toktrain --min-count=1 --special='Ġab' eng.txt
    [[ -z $output ]]
}

@test "toktrain: the report counts what the tokenizer makes of the text" {
    cp "$UDHR"/calib/{eng,tha,hin}.txt .
    : >heb.txt
    toktrain --vocab-size=800 --report=report.csv -o got.json eng.txt tha.txt heb.txt hin.txt
    [[ $(head -1 report.csv) == lang,lines,bytes,share,weight,words,distinct_words,tokens,bytes_per_token ]]
    grep -qx 'heb,0,0,0,1,0,0,0,' report.csv
    tokstat -t got.json eng.txt tha.txt hin.txt | mlr --icsv --ocsv cut -o -f lang,lines,bytes,tokens,bytes_per_token >wanted
    mlr --icsv --ocsv filter '$bytes > 0' then cut -o -f lang,lines,bytes,tokens,bytes_per_token report.csv | diff - wanted
    printf 'ab ab abc, x\n\nab' | toktrain --lang=xxx --report=small.csv -o /dev/null 2>/dev/null
    # ab Ġab Ġabc , Ġx ab: 6 words, 5 of them distinct; ab, Ġab, Ġab c, ",", Ġ x, ab
    grep -qx 'xxx,3,14,1,1,6,5,8,1.75' small.csv
}

@test "toktrain: line feeds are text only when asked for" {
    printf 'a.\na.\n' >lf.txt
    printf 'a.\r\na.\r\n' >crlf.txt
    [[ $(trained lf.txt) == "" ]]
    [[ $(trained --line-feeds lf.txt) == ". Ċ" ]]
    run -0 --separate-stderr toktrain --vocab-size=260 --line-feeds crlf.txt
    [[ $stderr == "toktrain: crlf.txt: line 1: lines end in CR LF; the CR is left out" ]]
    [[ $(trained --line-feeds crlf.txt) == ". Ċ" ]]
    [[ $(printf 'a.\na.' | trained --min-count=2 --line-feeds) == "" ]] # one has none
}

@test "toktrain: nothing to learn is said, and no error" {
    : >eng.txt
    printf 'a b c\n\n. .\n' >fra.txt
    for text in eng fra; do
        run -0 --separate-stderr toktrain --vocab-size=1000 -o "$text.json" "$text.txt"
        [[ $stderr == "toktrain: the text gives 0 merges: the vocabulary has 260 tokens, not 1000" ]]
        [[ $(tok -t "$text.json" --ids <<<'ab') == "68 69" ]]
    done
    toktrain --vocab-size=260 --temperature=3 --report=report.csv -o none.json eng.txt
    grep -qx 'eng,0,0,,1,0,0,0,' report.csv
    cmp none.json eng.json
}

@test "toktrain: words that are long and all alike" {
    head -c 300000 /dev/zero | tr '\0' a >aaa.txt
    toktrain --vocab-size=275 -o got.json aaa.txt
    [[ $(merges <got.json | sed -n '15s/ .*//p' | tr -d '\n' | wc -c) == 16384 ]]
    [[ $(tok -t got.json --ids aaa.txt | wc -w) == 15 ]] # 9 of 2^15, 1 each of 2^12, 2^9, 2^8, 2^7, 2^6, 2^5
    make_runs | tr -d ' \n' >one.txt
    toktrain --vocab-size=1000 -o one.json one.txt
    tok -t one.json --ids one.txt | tok -t one.json --decode --ids | tr -d '\n' | cmp - one.txt
}

@test "toktrain: bad text is named with its line" {
    printf 'good\nb\xffd\n' >eng.txt
    run -1 --separate-stderr toktrain -o got.json eng.txt
    [[ $stderr == "toktrain: eng.txt: line 2: byte 2 is not UTF-8" && ! -e got.json ]]
    printf 'good\na\0b\n' >nul.txt
    run -1 --separate-stderr toktrain - <nul.txt
    [[ $stderr == "toktrain: standard input: line 2: a NUL byte is not text" && -z $output ]]
    run -1 --separate-stderr toktrain nowhere.txt
    [[ $stderr == "toktrain: nowhere.txt: cannot read: No such file"* ]]
    gzip -c "$UDHR/calib/eng.txt" | head -c 500 >cut.txt.gz
    run -1 --separate-stderr toktrain cut.txt.gz
    [[ $stderr == "toktrain: cut.txt.gz: "*truncated* && -z $output ]]
    run -1 --separate-stderr toktrain .
    [[ $stderr == "toktrain: .: "* && -z $output ]]
}

@test "toktrain: threads, order, pieces and packing of the files do not matter" {
    cp "$UDHR"/calib/{eng,jpn,rus}.txt .
    for t in 1 3; do
        toktrain --vocab-size=1500 --temperature="$t" --report=wanted.csv -o wanted.json eng.txt jpn.txt rus.txt
        toktrain --vocab-size=1500 --temperature="$t" --threads=5 --report=got.csv -o got.json eng.txt jpn.txt rus.txt
        cmp wanted.json got.json && cmp wanted.csv got.csv
        toktrain --vocab-size=1500 --temperature="$t" rus.txt eng.txt jpn.txt | cmp - wanted.json
    done
    mkdir parts
    split -n l/2 --additional-suffix=.txt eng.txt parts/eng. # eng.aa.txt is eng, too
    gzip rus.txt
    toktrain --vocab-size=1500 --temperature=3 --report=got.csv -o got.json parts/eng.*.txt jpn.txt rus.txt.gz
    cmp wanted.json got.json && cmp wanted.csv got.csv
    toktrain --vocab-size=1500 --temperature=3 --lang=jpn eng.txt - rus.txt.gz <jpn.txt | cmp - wanted.json
}

@test "toktrain: keeps the contract" {
    keeps_contract toktrain
    cp "$UDHR/calib/eng.txt" .
    mkdir model
    toktrain --vocab-size=300 eng.txt >a
    toktrain --vocab-size=300 <eng.txt | cmp - a
    toktrain --vocab-size=300 -o b eng.txt && cmp a b
    toktrain --vocab-size=300 -o model eng.txt && cmp a model/tokenizer.json
    tok -t model --ids eng.txt | tok -t model --decode --ids | cmp - eng.txt
    run -1 bash -c 'toktrain --vocab-size=300 eng.txt >/dev/full'
    run -1 toktrain --vocab-size=300 --report=/dev/full -o c eng.txt
    run -1 --separate-stderr toktrain -o nowhere/c eng.txt
    [[ $stderr == "toktrain: nowhere/c: "* ]]
    wrong_usage "--vocab-size: the special tokens and the bytes alone are 260" toktrain --vocab-size=259 eng.txt
    wrong_usage "--vocab-size: '99' is not a whole number from 256 to 16777216" toktrain --vocab-size=99
    wrong_usage "--temperature: '0.5' is not a number from 1 to 1e+09" toktrain --temperature=0.5
    wrong_usage "--report and --output both go to standard output" toktrain --report=- eng.txt
    wrong_usage "--report and --output are the same file 'x'" toktrain --report=x --output=x eng.txt
    wrong_usage "--report and --output are the same file 'model/tokenizer.json'" toktrain --report=model/tokenizer.json -o model eng.txt
    wrong_usage "--lang does nothing for files, whose names are their languages" toktrain --lang=fra eng.txt
}

@test "toktrain: killed half way it leaves nothing under the final name" {
    mkfifo pipe
    toktrain --report=out.csv -o out.json pipe & pid=$!
    exec 4>pipe
    echo 'all human beings' >&4
    sleep 0.2
    kill $pid
    run ! wait $pid
    exec 4>&-
    [[ -z $(ls ./*out.* 2>/dev/null) ]]
}
