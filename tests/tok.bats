# tok: ids, pieces and texts against the reference library's, then the contract that every program keeps.
load helper
setup() {
    helper_setup
    OURS="$BATS_TEST_DIRNAME/../pipelines/data"
    VECTORS="$DATA/tokenizers/vectors"
    BLOOM="$OURS/tokenizers/bloom-style/tokenizer.json.gz"
}

tokenizer_of() {
    case $1 in
    bloom-style | qwen3) echo "$OURS/tokenizers/$1/tokenizer.json.gz" ;;
    deepseek-v3) echo "$DEEPSEEK_TOKENIZER" ;;
    *) echo "$DATA/tokenizers/$1.json.gz" ;;
    esac
}

# file_or FILE OTHER: FILE if there is one
file_or() { if [[ -f $1 ]]; then echo "$1"; else echo "$2"; fi; }

# Every text of the vectors: ids, ids with the post-processor's tokens, and the way back.
agrees_on_vectors() {
    local t texts="$VECTORS/texts.jsonl" ids="$VECTORS/$1.ids"
    t=$(tokenizer_of "$1")
    tok -t "$t" --json --ids "$texts" | diff - "$ids"
    tok -t "$t" --json --ids --special "$texts" | diff - "$(file_or "$VECTORS/$1.special" "$ids")"
    tok -t "$t" --json --ids --decode "$ids" | diff - "$(file_or "$VECTORS/$1.decoded" "$texts")"
}

# Every language of the Declaration: how many ids, and their CRC-32.
agrees_on_the_declaration() {
    local udhr="${BIN:-$BATS_TEST_DIRNAME/../bin}/unit/udhr"
    run -0 "$udhr" "$(tokenizer_of "$1")" "$1" "$VECTORS/udhr.tsv" "$OURS/udhr/eval"
    [[ $output == "47 languages, 0 failed" ]]
}

@test "tok: BLOOM's pipeline" {
    agrees_on_vectors bloom-style
    agrees_on_the_declaration bloom-style
}
@test "tok: XGLM's pipeline" {
    agrees_on_vectors xglm-style
    agrees_on_the_declaration xglm-style
}
@test "tok: BARThez" {
    agrees_on_vectors barthez
    agrees_on_the_declaration barthez
}
@test "tok: Qwen3" {
    agrees_on_vectors qwen3
    agrees_on_the_declaration qwen3
}
@test "tok: DeepSeek-V3" {
    [[ -n ${DEEPSEEK_TOKENIZER:-} ]] || skip "DEEPSEEK_TOKENIZER names no file"
    agrees_on_vectors deepseek-v3
    agrees_on_the_declaration deepseek-v3
}

@test "tok: BLOOM's Split alone" {
    tok -t "$DATA/tokenizers/bloom-split.json.gz" --json --pieces "$VECTORS/bloom-split.texts" |
        diff - "$VECTORS/bloom-split.pieces"
}

@test "tok: what a Replace of two characters leaves at the beginning gets no space in front, as in the library" {
    cat >first.json <<'J'
{"normalizer": {"type": "Replace", "pattern": {"String": "``"}, "content": "q"},
 "pre_tokenizer": {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": true},
 "model": {"type": "BPE", "vocab": {"_": 0, "q": 1, "a": 2, "`": 3}, "merges": []}}
J
    printf '%s\n' 'a' '``a' '`a' ' ``a' 'a``' '``' '```' 'a ``' | tok -t first.json --ids >ids
    printf '%s\n' '0 2' '1 2' '0 3 2' '0 1 2' '0 2 1' '1' '1 3' '0 2 0 1' | diff - ids # of npm tokenizers 0.23.2
}

@test "tok: merges written as pairs are those written as strings" {
    zcat "$BLOOM" | sed -E '/"merges": \[/,/^ *\]/ s/^( *)"([^ ]+) ([^ ]+)"(,?)$/\1["\2", "\3"]\4/' >pairs.json
    [[ $(grep -c '^ *\["' pairs.json) == 6000 ]]
    tok -t pairs.json --json --ids "$VECTORS/texts.jsonl" | diff - "$VECTORS/bloom-style.ids"
}

@test "tok: a tokenizer is found in a directory, plain and compressed" {
    mkdir plain packed
    zcat "$BLOOM" >plain/tokenizer.json
    cp "$BLOOM" packed/tokenizer.json.gz
    echo 'all human beings' >eng.txt
    tok -t plain --ids eng.txt >a
    tok -t packed --ids eng.txt | diff - a
    tok -t "$BLOOM" --ids eng.txt | diff - a
}

@test "tok: an example that a reader can follow" {
    cat >tiny.json <<'J'
{"version": "1.0", "added_tokens": [{"id": 6, "content": "<s>", "special": true}],
 "pre_tokenizer": {"type": "Whitespace"}, "decoder": {"type": "BPEDecoder", "suffix": "-"},
 "post_processor": {"type": "BertProcessing", "cls": ["<s>", 6], "sep": ["<s>", 6]},
 "model": {"type": "BPE", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2, "c": 3, "ab": 4, "abc": 5}, "merges": ["a b", "ab c"]}}
J
    printf 'abc  cab x\n\n<s>a' >eng.txt
    run -0 tok -t tiny.json --ids eng.txt
    [[ $output == $'5 3 4 0\n\n6 1' ]]
    run -0 tok -t tiny.json --pieces eng.txt
    [[ $output == $'["abc","c","ab","?"]\n[]\n["<s>","a"]' ]]
    run -0 tok -t tiny.json --ids --special eng.txt
    [[ $output == $'6 5 3 4 0 6\n6 6\n6 6 1 6' ]]
    run -0 bash -c 'tok -t tiny.json --ids --special eng.txt | tok -t tiny.json --decode --ids --skip-special'
    [[ $output == $'abccab?\n\na' ]]
    run -0 bash -c 'tok -t tiny.json --ids --special eng.txt | tok -t tiny.json --decode --ids'
    [[ $output == $'<s>abccab?<s>\n<s><s>\n<s><s>a<s>' ]]
}

@test "tok: a stream has a frame for each language, and decodes to the text" {
    cp "$OURS/udhr/eval/eng.txt" "$OURS/udhr/eval/tha.txt" .
    tok -t "$BLOOM" eng.txt tha.txt >tokens.t
    tensorcat --list tokens.t >list.csv
    diff <(cut -d, -f3-5 list.csv) - <<< $'name,dtype,shape\neng.ids,I32,2285\neng.offsets,I32,37\ntha.ids,I32,3756\ntha.offsets,I32,37'
    tensorcat --meta tokens.t | grep -qx 'tokens.t,1,lang,tha'
    tensorcat --meta tokens.t | grep -qx 'tokens.t,0,vocab_size,6260'
    tensorcat --meta tokens.t | grep -qx 'tokens.t,0,kind,tokens'
    tensorcat --meta tokens.t | grep -q 'tokens.t,0,history,tok .*--tokenizer'
    tok -t "$BLOOM" --decode tokens.t | cmp - <(cat eng.txt tha.txt)
    tok -t "$BLOOM" --compress=0 eng.txt tha.txt | tok -t "$BLOOM" --decode | cmp - <(cat eng.txt tha.txt)
    tensorcat --only='eng.offsets' --to=text tokens.t | tail -1 | grep -qx 2285
    tok -t "$BLOOM" -o both.safetensors eng.txt tha.txt
    tok -t "$BLOOM" --decode both.safetensors | cmp - <(cat eng.txt tha.txt)
    tok -t "$BLOOM" --lang=deu - <eng.txt | tensorcat --list | grep -q ',deu.ids,I32,2285,'
}

@test "tok: any number of threads gives the same bytes" {
    cat "$OURS"/udhr/eval/*.txt >many.txt
    tok -t "$BLOOM" many.txt >one.t
    tok -t "$BLOOM" --ids many.txt >one.ids
    for n in 2 5; do
        tok -t "$BLOOM" --threads=$n many.txt | cmp - one.t
        tok -t "$BLOOM" --threads=$n --ids <many.txt | cmp - one.ids
        tok -t "$BLOOM" --threads=$n --decode --ids one.ids | cmp - many.txt
    done
}

@test "tok: a long word takes n log n steps, and keeps its bytes" {
    head -c 1000000 /dev/zero | tr '\0' a >long.txt
    timeout 100 tok -t "$BLOOM" --ids long.txt >long.ids
    tok -t "$BLOOM" --decode --ids long.ids | cmp -n 1000000 - long.txt
    head -c 300000 /dev/zero | tr '\0' ' ' >blank.txt
    for t in bloom-style qwen3 xglm-style; do
        timeout 100 tok -t "$(tokenizer_of $t)" --ids blank.txt long.txt >/dev/null
    done
}

# refuses TEXT JSON: a tokenizer that must be refused, with these words
refuses() {
    printf '%s' "$2" >bad.json
    run -1 --separate-stderr tok -t bad.json --ids /dev/null
    echo "$stderr"
    [[ $stderr == "tok: bad.json: "*"$1"* && ${#stderr_lines[@]} == 1 && -z $output ]]
}

@test "tok: what is not supported is refused by name" {
    model='"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}'
    refuses "pre_tokenizer 'Foo' is not supported" "{$model, \"pre_tokenizer\": {\"type\": \"Foo\"}}"
    refuses "normalizer 'Foo' is not supported" \
        "{$model, \"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, {\"type\": \"Foo\"}]}}"
    refuses "decoder 'CTC' is not supported" "{$model, \"decoder\": {\"type\": \"CTC\"}}"
    refuses "post_processor 'Foo' is not supported" "{$model, \"post_processor\": {\"type\": \"Foo\"}}"
    refuses "model 'Foo' is not supported" '{"model": {"type": "Foo"}}'
    refuses "dropout" '{"model": {"type": "BPE", "dropout": 0.1, "vocab": {"a": 0}, "merges": []}}'
    refuses "the pattern '(a)\\1' is not supported" \
        "{$model, \"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"(a)\\\\1\"}, \"behavior\": \"Removed\"}}"
    refuses "behavior 'Foo' is not supported" \
        "{$model, \"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"Foo\"}}"
}

@test "tok: a broken tokenizer is one clear message" {
    refuses "not valid JSON" ''
    refuses "not valid JSON" '{"model": {"type": "BPE", "vocab": {"a": 0}'
    refuses "it has no 'model'" '{}'
    refuses "not a tokenizer.json" '[1]'
    refuses "not valid JSON" '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "model": 1}'
    refuses "behind 0 tokens" '{"model": {"type": "BPE", "vocab": {"a": 01}, "merges": []}}'
    refuses "behind 1 tokens" '{"model": {"type": "BPE", "vocab": {"a": 0 "b": 1}, "merges": []}}'
    refuses "'a' is in the vocabulary twice" '{"model": {"type": "BPE", "vocab": {"a": 0, "\u0061": 1}, "merges": []}}'
    refuses "id 0 is in the vocabulary twice" '{"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}}'
    refuses "is not a whole number" '{"model": {"type": "BPE", "vocab": {"a": 4000000000}, "merges": []}}'
    refuses "is not a whole number" '{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}'
    refuses "merge 1 ('a' and 'c') is not in the vocabulary" '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a c"]}}'
    refuses "merge 2 is not a pair" '{"model": {"type": "BPE", "vocab": {"a": 0, "aa": 1}, "merges": ["a a", "a"]}}'
    refuses "behind 0 tokens" '{"model": {"type": "BPE", "vocab": {"\ud800": 0}, "merges": []}}'
    refuses "'unk_id' is no token's" '{"model": {"type": "Unigram", "unk_id": 1, "vocab": [["a", 0]]}}'
    refuses "has id 7, but the reference library would give it 1" \
        '{"added_tokens": [{"id": 7, "content": "x"}], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}'
    refuses "precompiled_charsmap: it is not base64" \
        '{"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAAAAA*"}, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}'
    refuses "precompiled_charsmap" \
        '{"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}'
    printf '{"model": "\xff"}' >latin.json
    run -1 --separate-stderr tok -t latin.json --ids /dev/null
    [[ $stderr == "tok: latin.json: byte 12 is not UTF-8" ]]
    head -c 30000 "$BLOOM" >cut.json.gz
    run -1 --separate-stderr tok -t cut.json.gz --ids /dev/null
    [[ $stderr == "tok: cut.json.gz: "*truncated* ]]
    run -1 --separate-stderr tok -t nowhere.json --ids /dev/null
    [[ $stderr == "tok: nowhere.json: cannot read: No such file"* ]]
    mkdir empty
    run -1 --separate-stderr tok -t empty --ids /dev/null
    [[ $stderr == "tok: empty: no tokenizer.json in this directory" ]]
}

@test "tok: bad text and bad ids are named with their line" {
    printf 'good\nb\xffd\n' >eng.txt
    run -1 --separate-stderr tok -t "$BLOOM" --ids eng.txt
    [[ $stderr == "tok: eng.txt: line 2: byte 2 is not UTF-8" && -z $output ]]
    printf 'good\na\0b\n' >eng.txt
    run -1 --separate-stderr tok -t "$BLOOM" --ids eng.txt
    [[ $stderr == "tok: eng.txt: line 2: a NUL byte is not text" ]]
    run -1 --separate-stderr tok -t "$BLOOM" --ids --json <<<'"good"
good'
    [[ $stderr == "tok: standard input: line 2: not a JSON string" ]]
    for bad in '1 x' '1  2' ' 1' '-1' '1.5' 99999999999999999999; do
        run -1 --separate-stderr tok -t "$BLOOM" --decode --ids <<<"$bad"
        [[ $stderr == "tok: standard input: line 1: not whole numbers separated by single blanks" ]]
    done
    run -1 --separate-stderr tok -t "$BLOOM" --decode --ids <<<$'5\n7 6260'
    [[ $stderr == "tok: standard input: line 2: 6260 is no id of this tokenizer" ]]
    run -1 --separate-stderr tok -t "$BLOOM" --ids nowhere.txt
    [[ $stderr == "tok: nowhere.txt: cannot read: No such file"* ]]
    printf '{"model": {"type": "Unigram", "vocab": [["a", -1]]}}' >none.json
    run -1 --separate-stderr tok -t none.json --ids <<<'ab'
    [[ $stderr == "tok: standard input: line 1: a character is unknown"* ]]
}

@test "tok: a bad stream is refused" {
    echo 'all human beings' >eng.txt
    tok -t "$BLOOM" eng.txt >good.t
    head -c -5 good.t >cut.t
    run -1 --separate-stderr tok -t "$BLOOM" --decode cut.t
    [[ $stderr == "tok: cut.t: "* ]]
    seq 4 | tensorcat --from=text --name=w >other.t
    run -1 --separate-stderr tok -t "$BLOOM" --decode other.t
    [[ $stderr == "tok: other.t: not a token stream"* ]]
    { seq 3 | tensorcat --from=text --dtype=I32 --name=eng.ids; } >ids.t
    { echo 0; echo 4; } | tensorcat --from=text --dtype=I32 --name=eng.offsets >offsets.t
    tensorcat ids.t offsets.t >bad.t
    run -1 --separate-stderr tok -t "$BLOOM" --decode bad.t
    [[ $stderr == "tok: bad.t: offsets do not fit the ids" ]]
    tok -t "$DATA/tokenizers/barthez.json.gz" eng.txt >others.t
    run -1 --separate-stderr tok -t "$BLOOM" --decode others.t
    [[ $stderr == "tok: others.t: eng: line 1: "*" is no id of this tokenizer" ]]
}

@test "tok: empty input gives empty output, and empty lines are lines" {
    : >eng.txt
    tok -t "$BLOOM" --ids eng.txt | cmp - /dev/null
    tok -t "$BLOOM" eng.txt | tensorcat --check
    [[ $(tok -t "$BLOOM" eng.txt | tok -t "$BLOOM" --decode | wc -c) == 0 ]]
    printf '\n\n' >eng.txt
    tok -t "$BLOOM" --ids eng.txt | cmp - eng.txt
    [[ $(printf 'a\n\nb' | tok -t "$BLOOM" --ids | wc -l) == 3 ]]
    tok -t "$BLOOM" eng.txt | tok -t "$BLOOM" --decode | cmp - eng.txt
}

@test "tok: a CR before the line feed is left out, any other is text" {
    printf 'a b\n\rc\rd\n' >lf.txt
    printf 'a b\r\n\rc\rd\r\n' >crlf.txt
    tok -t "$BLOOM" --ids lf.txt >wanted
    run -0 --separate-stderr tok -t "$BLOOM" --ids crlf.txt
    [[ $stderr == "tok: crlf.txt: line 1: lines end in CR LF; the CR is left out" ]]
    diff wanted - <<<"$output"
    tok -t "$BLOOM" --ids --json <<<'"a b\r"' | tok -t "$BLOOM" --decode --ids | cmp - <(printf 'a b\r\n')
    sed 's/$/\r/' wanted | tok -t "$BLOOM" --decode --ids | cmp - lf.txt
}

@test "tok: keeps the contract" {
    keeps_contract tok
    echo 'all human beings' >eng.txt
    tok -t "$BLOOM" --ids eng.txt >a
    tok -t "$BLOOM" --ids <eng.txt | cmp - a
    gzip -c eng.txt | tok -t "$BLOOM" --ids | cmp - a
    tok -t "$BLOOM" --ids -o b eng.txt && cmp a b
    run -1 bash -c 'tok -t "$0" --ids eng.txt >/dev/full' "$BLOOM"
    run -1 bash -c 'tok -t "$0" eng.txt >/dev/full' "$BLOOM"
    run -2 --separate-stderr tok eng.txt
    [[ $stderr == "tok: which tokenizer? (--tokenizer FILE)"* ]]
    run -2 tok -t "$BLOOM" --ids --pieces eng.txt
    run -2 tok -t "$BLOOM" --decode --pieces eng.txt
    run -2 tok -t "$BLOOM" --decode --special eng.txt
    run -2 tok -t "$BLOOM" --skip-special eng.txt
    wrong_usage "--compress does nothing with --ids or --pieces" tok -t "$BLOOM" --ids -z 9 eng.txt
    wrong_usage "--lang does nothing for files, whose names are their languages" tok -t "$BLOOM" --lang=fra eng.txt
    wrong_usage "--lang does nothing with --decode" tok -t "$BLOOM" --decode --lang=fra
}

@test "tok: killed half way it leaves nothing under the final name" {
    mkfifo pipe
    tok -t "$BLOOM" --ids -o out.ids pipe & pid=$!
    exec 4>pipe
    echo 'all human beings' >&4
    sleep 0.2
    kill $pid
    run ! wait $pid
    exec 4>&-
    [[ ! -e out.ids && -z $(ls ./*out.ids* 2>/dev/null) ]]
}
