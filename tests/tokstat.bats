# tokstat: hand counts, the reference's published figures, an independent computation; then the contract.
load helper
setup() {
    helper_setup
    OURS="$BATS_TEST_DIRNAME/../pipelines/data"
    BLOOM="$OURS/tokenizers/bloom-style/tokenizer.json.gz"
    # words of letters a, b, c; anything else is unknown; é is the bytes <0xC3> <0xA9>
    cat >tiny.json <<'J'
{"pre_tokenizer": {"type": "WhitespaceSplit"},
 "model": {"type": "BPE", "unk_token": "?", "byte_fallback": true, "vocab": {"?": 0, "a": 1, "b": 2, "c": 3, "ab": 4, "abc": 5,
  "<0xC3>": 6, "<0xA9>": 7, "never": 8}, "merges": ["a b", "ab c"]}}
J
}

# cells CSV NAME...: fields of the first row
cells() {
    local csv=$1 name
    shift
    for name; do field "$name" <"$csv"; done | paste -sd' '
}

@test "tokstat: what can be counted by hand" {
    printf 'abc ab ca\n\né x abc\n' >eng.txt #  5 | 4 | 3 1   and   6 7 | 0 | 5
    tokstat -t tiny.json eng.txt >got.csv
    [[ $(head -1 got.csv) == lang,script,lines,bytes,chars,words,tokens,fertility,bytes_per_token,chars_per_token,tokens_per_char,continued_words,premium,single_byte_share,unknown_share,vocab_used,renyi_efficiency ]]
    [[ $(cells got.csv lang script lines bytes chars words tokens vocab_used) == "eng Latn 3 17 16 6 8 7" ]]
    near "$(field fertility <got.csv)" 1.3333333333333333 1e-15 #       8 tokens / 6 words
    near "$(field bytes_per_token <got.csv)" 2.125 1e-15 #              17 / 8
    near "$(field chars_per_token <got.csv)" 2 1e-15
    near "$(field tokens_per_char <got.csv)" 0.5 1e-15
    near "$(field continued_words <got.csv)" 0.3333333333333333 1e-15 # ca and é
    near "$(field single_byte_share <got.csv)" 0.25 1e-15 #             <0xC3> <0xA9>
    near "$(field unknown_share <got.csv)" 0.125 1e-15
    [[ -z $(field premium <got.csv) ]]
    # token 5 twice, six others once: sum p^2 = (4 + 6) / 64, H2 = ln 6.4, over ln of the 9 tokens there are
    near "$(tokstat -t tiny.json --alpha=2 eng.txt | field renyi_efficiency)" 0.84483762356968 1e-14
    # Shannon: (2/8) ln 4 + 6 (1/8) ln 8 = 1.906154746539849
    near "$(tokstat -t tiny.json --alpha=1 eng.txt | field renyi_efficiency)" 0.8675284111607539 1e-14
    # Hartley: ln 7 / ln 9; and orders near 1 tend to Shannon's
    near "$(tokstat -t tiny.json --alpha=0 eng.txt | field renyi_efficiency)" 0.8856218745807112 1e-14
    near "$(tokstat -t tiny.json --alpha=1.000001 eng.txt | field renyi_efficiency)" 0.8675284111607539 1e-6
}

@test "tokstat: a row for each line, paired with the reference" {
    printf 'abc ab\n\na b c\n' >eng.txt
    printf 'a b\nc\nabc\n' >fra.txt
    tokstat -t tiny.json --by=line --reference=eng fra.txt eng.txt >got.csv
    diff got.csv - <<'C'
lang,line,bytes,chars,words,tokens,ref_tokens
fra,1,3,3,2,2,2
fra,2,1,1,1,1,0
fra,3,3,3,1,1,3
eng,1,6,6,2,2,2
eng,2,0,0,0,0,0
eng,3,5,5,3,3,3
C
    tokstat -t tiny.json --reference=eng fra.txt eng.txt >got.csv
    [[ $(field premium 1 <got.csv) == 0.8 && $(field premium 2 <got.csv) == 1 ]]
    tokstat -t tiny.json --by=line eng.txt | head -2 | tail -1 | grep -qx 'eng,1,6,6,2,2,'
}

@test "tokstat: the Declaration's counts are those of the reference" {
    tokstat -t "$BLOOM" "$OURS"/udhr/eval/*.txt >got.csv
    n=0
    while read -r code tokens; do
        [[ $(mlr --icsv --onidx filter "\$lang == \"$code\"" then cut -f tokens got.csv) == "$tokens" ]]
        n=$((n + 1))
    done < <(tail -n +2 "$DATA/tokenizers/vectors/udhr.tsv" | cut -f1,2)
    ((n == 47))
    # an independent way to a few columns: wc, and awk over the ids
    cp "$OURS"/udhr/eval/{tha,eng}.txt .
    tokstat -t "$BLOOM" --reference=eng tha.txt eng.txt >tha.csv
    [[ $(field premium 2 <tha.csv) == 1 ]]
    [[ $(field chars <tha.csv) == $(($(LC_ALL=C.UTF-8 wc -m <tha.txt) - 36)) ]]
    [[ $(cells tha.csv lines bytes script) == "36 $(($(wc -c <tha.txt) - 36)) Thai" ]]
    tok -t "$BLOOM" --ids tha.txt | awk '{ for (i = 1; i <= NF; i++) c[$i]++; n += NF }
        END { for (t in c) { used++; s += (c[t] / n) ^ 2.5 }; printf "%d %.15g %.15g\n", used, log(s) / -1.5 / log(6260), n / 2285 }' >want
    read -r used renyi premium <want
    [[ $(field vocab_used <tha.csv) == "$used" ]]
    close "$(field renyi_efficiency <tha.csv)" "$renyi" 1e-13
    close "$(field premium <tha.csv)" "$premium" 1e-13
}

@test "tokstat: scripts and words of languages that write no spaces" {
    script_of() { tokstat -t "$BLOOM" "$OURS/udhr/eval/$1.txt" | field script; }
    for pair in eng:Latn rus:Cyrl arb:Arab jpn:Jpan cmn_hans:Hani kor:Hang hin:Deva amh:Ethi kat:Geor ell_monotonic:Grek; do
        [[ $(script_of "${pair%:*}") == "${pair#*:}" ]]
    done
    echo '你好世界' >cmn.txt
    [[ $(tokstat -t "$BLOOM" cmn.txt | field words) == 2 ]]
    echo 'สวัสดีชาวโลก' >tha.txt
    [[ $(tokstat -t "$BLOOM" tha.txt | field words) == 3 ]]
    echo "don't stop: 3.14 e-mails, naïve!" >eng.txt # don't stop 3.14 e mails naïve
    [[ $(tokstat -t "$BLOOM" eng.txt | field words) == 6 ]]
    echo '... --- !?' >none.txt
    tokstat -t "$BLOOM" none.txt >got.csv
    [[ $(cells got.csv script words) == "Zyyy 0" && -z $(field fertility <got.csv) ]]
}

@test "tokstat: any number of threads, a pipe and a compressed file give the same bytes" {
    cp "$OURS"/udhr/eval/{eng,tha,jpn}.txt .
    tokstat -t "$BLOOM" --reference=eng eng.txt tha.txt jpn.txt >one.csv
    tokstat -t "$BLOOM" --reference=eng --by=line eng.txt tha.txt jpn.txt >one-line.csv
    for n in 2 5; do
        tokstat -t "$BLOOM" --reference=eng --threads=$n eng.txt tha.txt jpn.txt | cmp - one.csv
        tokstat -t "$BLOOM" --reference=eng --by=line --threads=$n eng.txt tha.txt jpn.txt | cmp - one-line.csv
    done
    tokstat -t "$BLOOM" --lang=tha <tha.txt >piped.csv
    tokstat -t "$BLOOM" tha.txt | cmp - piped.csv
    gzip tha.txt
    tokstat -t "$BLOOM" tha.txt.gz | cmp - piped.csv
}

@test "tokstat: empty input, and empty lines" {
    : >eng.txt
    tokstat -t "$BLOOM" eng.txt >got.csv
    [[ $(tail -1 got.csv) == eng,Zyyy,0,0,0,0,0,,,,,,,,,0, ]]
    printf '\n\n' >eng.txt
    [[ $(tokstat -t "$BLOOM" eng.txt | field lines) == 2 ]]
}

@test "tokstat: bad input is named" {
    printf 'good\nb\xffd\n' >eng.txt
    run -1 --separate-stderr tokstat -t "$BLOOM" eng.txt
    [[ $stderr == "tokstat: eng.txt: line 2: byte 2 is not UTF-8" ]]
    printf 'a\nb\n' >eng.txt
    printf 'a\n' >fra.txt
    run -1 --separate-stderr tokstat -t "$BLOOM" --reference=eng eng.txt fra.txt
    [[ $stderr == "tokstat: fra.txt: has 1 lines, and the reference 'eng' 2" ]]
    printf 'a\nb\nc\n' >fra.txt
    run -1 --separate-stderr tokstat -t "$BLOOM" --reference=eng eng.txt fra.txt
    [[ $stderr == "tokstat: fra.txt: has more lines than the 2 of the reference 'eng'" ]]
    run -1 --separate-stderr tokstat -t "$BLOOM" --reference=deu eng.txt fra.txt
    [[ $stderr == "tokstat: --reference: none of the files is of language 'deu'" ]]
    run -1 --separate-stderr bash -c 'tokstat -t "$0" --lang eng --reference eng < /dev/null' "$DATA/tokenizers/none"
    [[ $stderr == "tokstat: --reference: 'eng' must be a file: "* ]]
    mkdir more && echo x > more/eng.txt && echo x > eng.txt
    run -1 --separate-stderr tokstat -t "$DATA/tokenizers/none" eng.txt more/eng.txt
    [[ $stderr == "tokstat: eng.txt and more/eng.txt are both of language 'eng'" ]]
    run -1 --separate-stderr tokstat -t more eng.txt
    [[ $stderr == "tokstat: more: no tokenizer.json in this directory" ]]
    run -1 --separate-stderr tokstat -t nowhere.json eng.txt
    [[ $stderr == "tokstat: nowhere.json: cannot read: No such file"* ]]
    run -2 --separate-stderr tokstat eng.txt
    [[ $stderr == "tokstat: which tokenizer? (--tokenizer FILE)"* ]]
    run -2 tokstat -t "$BLOOM" --alpha=-1 eng.txt
    run -2 tokstat -t "$BLOOM" --by=word eng.txt
    wrong_usage "--lang does nothing for files, whose names are their languages" tokstat -t "$BLOOM" --lang=fra eng.txt
    run -1 bash -c 'tokstat -t "$0" eng.txt >/dev/full' "$BLOOM"
    run -1 tokstat -t "$BLOOM" -o /nowhere/x.csv eng.txt
}

@test "tokstat: keeps the contract" {
    keeps_contract tokstat
}

@test "tokstat: lines that end in CR LF count as those that end in LF, which is said once" {
    printf 'Habari ya dunia\nwatu wote\n\n' >swh.txt
    tokstat -t "$BLOOM" swh.txt >wanted.csv
    sed -i 's/$/\r/' swh.txt
    cp swh.txt eng.txt
    run -0 --separate-stderr tokstat -t "$BLOOM" swh.txt eng.txt
    [[ $stderr == "tokstat: swh.txt: line 1: lines end in CR LF; the CR is left out" ]]
    diff <(head -2 <<<"$output") wanted.csv
}
