# lmsample: what is likeliest by the reference code's logits, draws against closed forms, then what may not matter, then the contract.
load helper

setup() {
    helper_setup
    golden=$DATA/golden
    printf '%s\n' 'All human beings are born free and equal in dignity and rights.' '' 'They are endowed with reason.' >eng.txt
    printf '%s\n' 'Alle Menschen sind frei und gleich an Würde und Rechten geboren.' 'x' 'Sie sind mit Vernunft begabt.' >deu.txt
}

# go_on MODEL OPTION...: lmsample of that golden model
go_on() {
    lmsample -m "$(golden "$1")" -t "$golden/tokenizer.json" "${@:2}"
}

# stream: a token stream of language x from lines of ids
stream() {
    tee lines | tr ' ' '\n' | tensorcat --from=text --name=x.ids --dtype=I32 >ids.t
    awk 'BEGIN { print 0 } { n += NF; print n }' lines | tensorcat --from=text --name=x.offsets --dtype=I32 >offsets.t
    tensorcat -o x.safetensors ids.t offsets.t
    cat x.safetensors
}

# golden_ids MODEL: its fourth sequence, 64 ids, on a line
golden_ids() {
    sed 's/.*\[//; s/\].*//; s/,//g' "$(golden "$1")/input_ids.json"
}

# prefixes: lines of the first 1, 2, ... ids of a line
prefixes() {
    awk '{ line = ""; for (i = 1; i <= NF; i++) { line = line (i > 1 ? " " : "") $i; print line } }'
}

# golden_logits MODEL: those of its fourth sequence, a line for each place
golden_logits() {
    tensorcat --only seq3.logits --to=text "$(golden "$1")/expected.safetensors"
}

# likeliest: of each line of logits the place of the largest and -ln of its probability
likeliest() {
    awk '{ top = 1; sum = 0; for (i = 2; i <= NF; i++) if ($i > $top) top = i
           for (i = 1; i <= NF; i++) sum += exp($i - $top); printf "%d %.9g\n", top - 1, log(sum) }'
}

# ---- the likeliest

@test "lmsample: the likeliest token behind each of 64 beginnings, and its nll, as the reference code's logits of seven families" {
    for m in bloom xglm gpt2 opt gpt_neox llama qwen2; do
        golden_ids $m-a | prefixes | stream >x.tok
        go_on $m-a --ids --ignore-eos --lines 64 --prompt-tokens 64 --tokens 1 x.tok >got.csv
        golden_logits $m-a | likeliest >want
        mlr --icsv --onidx cut -o -f text,nll got.csv >got
        [[ $(wc -l <got) == 64 ]]
        paste -d' ' got want | awk '{ d = $2 - $4; if ($1 != $3 || !(d < 1e-4 && d > -1e-4)) { print NR ": " $0; bad = 1 } } END { exit bad }'
    done
}

@test "lmsample: positions off by one do not pass" {
    mkdir shifted
    cp "$(golden gpt2-a)/config.json" shifted/
    tensorcat --only wpe.weight --to=text "$(golden gpt2-a)/model.safetensors" >wpe
    (tail -n +2 wpe; head -n 1 wpe) | tensorcat --from=text --name=wpe.weight >wpe.t
    tensorcat --skip wpe.weight "$(golden gpt2-a)/model.safetensors" >most.t
    tensorcat -o shifted/model.safetensors most.t wpe.t
    golden_ids gpt2-a | prefixes | stream >x.tok
    golden_logits gpt2-a | likeliest | cut -d' ' -f1 >want
    lmsample -m shifted -t "$golden/tokenizer.json" --ids --ignore-eos --lines 63 --prompt-tokens 64 --tokens 1 x.tok |
        mlr --icsv --onidx cut -f text >got
    [[ $(paste -d' ' got <(head -n 63 want) | awk '$1 != $2' | wc -l) -gt 30 ]]
}

@test "lmsample: twelve tokens at once are those of twelve runs, each with the prompt so far; their nll the mean" {
    for m in bloom xglm gpt2 opt gpt_neox llama qwen2; do
        golden_ids $m-a | cut -d' ' -f1-20 | tee prompt | stream >x.tok
        go_on $m-a --ids --ignore-eos --prompt-tokens 64 --tokens 12 x.tok >all.csv
        : >nll
        for _ in {1..12}; do
            stream <prompt >x.tok
            go_on $m-a --ids --ignore-eos --prompt-tokens 64 --tokens 1 x.tok >one.csv
            field nll <one.csv >>nll
            paste -d' ' prompt <(field text <one.csv) >longer
            mv longer prompt
        done
        [[ $(cut -d' ' -f21- prompt) == $(field text <all.csv) ]]
        close "$(field nll <all.csv)" "$(awk '{ sum += $1 } END { printf "%.15g", sum / NR }' nll)" 1e-13
    done
}

# ---- by chance

# chi2 T K P: of counts of tokens (stdin: id count) against softmax(z / T), of the K likeliest, of these those that have a share of P, z
# being a line of logits in the file `logits`; over cells of 5 or more expected, the rest as one. Prints it and how many cells; ends with 1 if
# a token is there that may not be.
chi2() {
    awk -v T="$1" -v K="$2" -v P="$3" '
        NR == FNR { n = NF; for (i = 1; i <= n; i++) z[i - 1] = $i; next }
        { count[$1] = $2; total += $2 }
        END {
            for (i = 0; i < n; i++) if (i == 0 || z[i] > max) max = z[i]
            for (left = K; left > 0; left--) {
                best = -1
                for (i = 0; i < n; i++) if (!(i in w) && (best < 0 || z[i] > z[best])) best = i
                w[best] = exp((z[best] - max) / T); order[K - left] = best; sum += w[best]
            }
            for (k = 0; k < K && share < P * sum; k++) { in_set[order[k]] = 1; share += w[order[k]] }
            for (i in count) if (!(i in in_set)) { print "token " i " may not be there"; exit 1 }
            for (i in in_set) {
                e = total * w[i] / share
                if (e < 5) { e_rest += e; c_rest += count[i] } else { x += (count[i] - e) ^ 2 / e; cells++ }
            }
            if (e_rest > 0) { x += (c_rest - e_rest) ^ 2 / e_rest; cells++ }
            print x, cells }' logits -
}

# draws OPTION...: how often each token comes behind the golden prompt in 20,000 draws: lines of a file that are all alike
draws() {
    go_on bloom-a --ids --ignore-eos --lines 20000 --prompt-tokens 64 --tokens 1 "$@" x.tok |
        mlr --icsv --onidx count-distinct -f text
}

@test "lmsample: 20,000 draws are in proportion to the reference code's probabilities, by temperature, top-k and top-p" {
    golden_logits bloom-a | sed -n 10p >logits
    golden_ids bloom-a | cut -d' ' -f1-10 | awk '{ for (i = 0; i < 20000; i++) print }' | stream >x.tok
    while read -r list t k p; do
        IFS=, read -ra options <<<"$list"
        draws "${options[@]}" | chi2 "$t" "$k" "$p" | tee got
        # within 4.5 standard deviations of chi-squared, normal in its cube root (Wilson & Hilferty)
        awk '{ f = $2 - 1; if (f < 1) exit !($1 < 1e-9); s = 2 / (9 * f); z = (($1 / f) ^ (1 / 3) - (1 - s)) / sqrt(s); exit !(z < 4.5) }' got
    done <<'END'
--temperature,1 1 291 1
--temperature,0.5,--seed,7 0.5 291 1
--temperature,2,--top-k,5 2 5 1
--temperature,1,--top-p,0.5 1 291 0.5
--temperature,1.5,--top-k,40,--top-p,0.6 1.5 40 0.6
END
    # another temperature does not pass
    draws --temperature 1 | chi2 1.1 291 1 >got
    awk '{ f = $2 - 1; s = 2 / (9 * f); z = (($1 / f) ^ (1 / 3) - (1 - s)) / sqrt(s); exit !(z > 10) }' got
}

@test "lmsample: --top-k 1, --top-p 0 and a temperature near 0 are the likeliest" {
    for m in bloom xglm llama; do
        go_on $m-a --lines 3 --tokens 20 eng.txt deu.txt >want.csv 2>err
        go_on $m-a --lines 3 --tokens 20 --temperature 1 --top-k 1 eng.txt deu.txt 2>err | cmp - want.csv
        go_on $m-a --lines 3 --tokens 20 --temperature 5 --top-p 0 eng.txt deu.txt 2>err | cmp - want.csv
        go_on $m-a --lines 3 --tokens 20 --temperature 1e-9 eng.txt deu.txt 2>err | cmp - want.csv
        go_on $m-a --lines 3 --tokens 20 --temperature 1 eng.txt deu.txt >other.csv 2>err
        run ! cmp -s other.csv want.csv
    done
}

# ---- rounded models

@test "lmsample: --quant: the model as it is and rounded ones, each as alone; agrees by hand" {
    go_on bloom-a --lines 3 --ids --quant bits=8 --quant bits=3 --quant bits=16 eng.txt deu.txt >got.csv 2>err
    [[ $(head -n 1 got.csv) == quant,lang,line,tokens,end,nll,agrees,prompt,text ]]
    [[ $(mlr --icsv --onidx count-distinct -f quant got.csv | sort | tr '\n' ' ') == "bits=16 5 bits=3 5 bits=8 5 none 5 " ]]
    go_on bloom-a --lines 3 --ids eng.txt deu.txt 2>err | mlr --csv cat >alone.csv
    mlr --csv filter '$quant == "none"' then cut -x -f quant,agrees got.csv | cmp - alone.csv
    mlr --csv filter '$quant == "bits=3"' then cut -x -f agrees got.csv >three.csv
    go_on bloom-a --lines 3 --ids --quant bits=3 eng.txt deu.txt 2>err | mlr --csv filter '$quant == "bits=3"' then cut -x -f agrees | cmp - three.csv
    modelcat "$(golden bloom-a)" | wquant --bits 3 --report report.csv >q.t 2>err
    lmsample -m q.t -t "$golden/tokenizer.json" --lines 3 --ids eng.txt deu.txt 2>err | mlr --csv cat >rounded.csv
    mlr --csv cut -x -f quant three.csv | cmp - rounded.csv
    mlr --icsv --onidx --ofs '|' cut -o -f quant,tokens,agrees,text got.csv | awk -F'|' '
        $1 == "none" { split("", none); n = split($4, none, " ") }
        { m = split($4, own, " "); for (k = 1; k <= n && k <= m && own[k] == none[k]; k++) ; if (k - 1 != $3 || m != $2) { print; bad = 1 } }
        $1 == "bits=16" && $3 != $2 { print; bad = 1 }
        $1 == "bits=3" { less += $3 < $2 }
        END { exit bad || !less }'
}

@test "lmsample: recipe=FILE in a --quant is wquant --recipe" {
    printf 'layer,bits\n0,3\n1,2\n2,8\n' >mixed.csv
    go_on gpt2-a --lines 3 --ids --tokens 16 --quant bits=4 --quant recipe=mixed.csv eng.txt deu.txt 2>err |
        mlr --csv filter '$quant == "recipe=mixed.csv"' then cut -x -f quant,agrees >got.csv
    modelcat "$(golden gpt2-a)" | wquant -q --recipe mixed.csv >q.t
    lmsample -m q.t -t "$golden/tokenizer.json" --lines 3 --ids --tokens 16 eng.txt deu.txt 2>err | mlr --csv cat | cmp - got.csv
    printf 'layer,bits\n7,3\n' >far.csv
    run -1 --separate-stderr go_on gpt2-a --tokens 16 -o none.csv --quant recipe=far.csv eng.txt
    [[ $stderr == "lmsample: far.csv: line 2: no tensor is what the row says, or earlier rows are for all of them" && ! -e none.csv ]]
}

@test "lmsample: models given one key choose alike at least (1 - d) / (1 + d) of the time" {
    golden_ids bloom-a | cut -d' ' -f1-10 | awk '{ for (i = 0; i < 4000; i++) print }' | stream >x.tok
    go_on bloom-a --ids --ignore-eos --lines 4000 --prompt-tokens 64 --tokens 1 --temperature 1 --quant bits=6 x.tok >got.csv
    # d from the draws themselves: half the sum of |difference of shares|, which is too large if anything
    mlr --icsv --onidx --ofs ' ' count-distinct -f quant,text got.csv |
        awk '$1 == "none" { p[$2] = $3 } $1 != "none" { q[$2] = $3 } END {
            for (i in p) d += p[i] > q[i] ? p[i] - q[i] : 0; print d / 4000 }' >d
    mlr --icsv --onidx filter '$quant != "none"' then stats1 -a mean -f agrees got.csv >agrees
    paste -d' ' d agrees | awk '{ print; exit !($2 > (1 - $1) / (1 + $1) - 0.02 && $2 < 1) }'
    # other keys: two seeds agree no more often than independent draws
    go_on bloom-a --ids --ignore-eos --lines 4000 --prompt-tokens 64 --tokens 1 --temperature 1 --seed 2 x.tok >other.csv
    mlr --icsv --onidx filter '$quant == "none"' then cut -f text got.csv >first
    mlr --icsv --onidx cut -f text other.csv | paste -d' ' first - | awk '{ same += $1 == $2 } END { exit !(same < 0.5 * NR) }'
}

# ---- what may not matter

@test "lmsample: threads, memory, order and company of files change no byte" {
    args=(--lines 3 --tokens 24 --temperature 0.9 --quant bits=4)
    go_on gpt2-a "${args[@]}" eng.txt deu.txt >want.csv 2>err
    go_on gpt2-a "${args[@]}" --threads 3 eng.txt deu.txt 2>err | cmp - want.csv
    go_on gpt2-a "${args[@]}" --memory 1 eng.txt deu.txt 2>err | cmp - want.csv
    go_on gpt2-a "${args[@]}" deu.txt eng.txt 2>err | sort >turned
    sort want.csv | cmp - turned
    go_on gpt2-a "${args[@]}" deu.txt 2>err >one.csv
    grep -v ',eng,' want.csv | cmp - one.csv
    go_on gpt2-a --lines 1 --tokens 24 --temperature 0.9 eng.txt >first.csv
    mlr --csv filter '$quant == "none" && $line == 1 && $lang == "eng"' then cut -x -f quant,agrees want.csv >want1.csv
    mlr --csv cat first.csv | cmp - want1.csv
    go_on gpt2-a "${args[@]}" --seed 2 eng.txt deu.txt 2>err >seed.csv
    run ! cmp -s seed.csv want.csv
    # fewer tokens are the first of more
    go_on gpt2-a --lines 3 --tokens 24 --temperature 0.9 --ids eng.txt 2>err | mlr --icsv --onidx cut -f text >long
    go_on gpt2-a --lines 3 --tokens 7 --temperature 0.9 --ids eng.txt 2>err | mlr --icsv --onidx cut -f text >short
    paste -d'|' long short | awk -F'|' 'index($1, $2) != 1 { bad = 1 } END { exit bad }'
}

@test "lmsample: a file, a pipe, gzip and a token stream give the same; --prompt the same as a line" {
    go_on opt-a --prompt-tokens 12 --tokens 20 --lines 3 eng.txt >want.csv 2>err
    go_on opt-a --prompt-tokens 12 --tokens 20 --lines 3 --lang eng <eng.txt 2>err | cmp - want.csv
    gzip -k eng.txt
    go_on opt-a --prompt-tokens 12 --tokens 20 --lines 3 eng.txt.gz 2>err | cmp - want.csv
    tok -t "$golden/tokenizer.json" eng.txt >eng.tok
    go_on opt-a --prompt-tokens 12 --tokens 20 --lines 3 eng.tok 2>err | cmp - want.csv
    lmsample -m - -t "$golden/tokenizer.json" --prompt-tokens 12 --tokens 20 --lines 3 eng.txt < <(modelcat "$(golden opt-a)") 2>err | cmp - want.csv
    prompt=$(mlr --icsv --onidx --ofs '|' head -n 1 then cut -f prompt want.csv)
    go_on opt-a --tokens 20 --lang eng --prompt "$prompt" | cmp - <(head -n 2 want.csv)
}

# ---- ends

@test "lmsample: the token that ends a text ends it, counts and is not shown; --ignore-eos goes on" {
    draw=(--tokens 8 --temperature 4)
    go_on bloom-a --ids --ignore-eos "${draw[@]}" eng.txt >all.csv
    read -ra all <<<"$(field text <all.csv)"
    third=${all[2]}
    [[ $third != "${all[0]}" && $third != "${all[1]}" ]]
    mkdir ends
    cp "$(golden bloom-a)/model.safetensors" ends/
    sed "s/\"eos_token_id\": [0-9]*/\"eos_token_id\": $third/" "$(golden bloom-a)/config.json" >ends/config.json
    lmsample -m ends -t "$golden/tokenizer.json" --ids "${draw[@]}" eng.txt >got.csv
    [[ $(field tokens <got.csv) == 3 && $(field end <got.csv) == eos ]]
    [[ $(field text <got.csv) == "${all[*]:0:3}" ]]
    lmsample -m ends -t "$golden/tokenizer.json" --ids --ignore-eos "${draw[@]}" eng.txt | cmp - all.csv
    lmsample -m ends -t "$golden/tokenizer.json" "${draw[@]}" eng.txt >shown.csv
    lmsample -m ends -t "$golden/tokenizer.json" --ignore-eos "${draw[@]}" --tokens 2 eng.txt >two.csv
    [[ $(mlr --icsv --ojson cut -f text shown.csv) == "$(mlr --icsv --ojson cut -f text two.csv)" ]]
    # a rounded model goes on behind where the other has ended, and the other way round
    lmsample -m ends -t "$golden/tokenizer.json" --ids "${draw[@]}" --quant bits=2 --quant bits=3 eng.txt deu.txt >mixed.csv
    for spec in bits=2 bits=3; do
        lmsample -m ends -t "$golden/tokenizer.json" --ids "${draw[@]}" --quant $spec eng.txt deu.txt | mlr --csv filter '$quant != "none"' >alone.csv
        mlr --csv filter '$quant == "'$spec'"' mixed.csv | cmp - alone.csv
    done
    [[ $(mlr --icsv --onidx count-distinct -f end mixed.csv | wc -l) == 2 ]]
}

@test "lmsample: prompts end with whole characters, texts begin where they end" {
    printf 'Würde\n' >deu.txt # ü is two tokens
    for p in 2 3; do
        [[ $(go_on bloom-a --prompt-tokens $p --tokens 1 deu.txt | mlr --icsv --onidx cut -f prompt) == "$( ((p == 2)) && echo W || echo Wü)" ]]
    done
    printf 'ü\n' >deu.txt # none does
    [[ $(go_on bloom-a --prompt-tokens 1 --tokens 1 deu.txt | mlr --icsv --onidx cut -f prompt) == $'\xef\xbf\xbd' ]]
}

@test "lmsample: what leaves no room for more is said with its place" {
    printf 'many words %.0s' {1..20} >long.txt
    run -1 --separate-stderr go_on gpt2-a --prompt-tokens 60 --tokens 6 long.txt
    [[ $stderr == "lmsample: long: line 1: a prompt of 60 tokens and 6 more are beyond the context of 64" ]]
    go_on gpt2-a --prompt-tokens 60 --tokens 5 --ignore-eos long.txt >got.csv # the last is not read
    [[ $(field tokens <got.csv) == 5 ]]
    run -1 --separate-stderr go_on gpt2-a --context 65 long.txt
    [[ $stderr == "lmsample: --context: $(golden gpt2-a) has 64 positions" ]]
    run -1 --separate-stderr go_on xglm-a --prompt-tokens 60 --tokens 6 long.txt
    go_on xglm-a --context 66 --prompt-tokens 60 --tokens 6 --ignore-eos long.txt >got.csv # it has no table
    [[ $(field tokens <got.csv) == 6 ]]
}

@test "lmsample: lines and prompts without a token" {
    go_on bloom-a --lines 3 eng.txt >got.csv 2>err
    grep -q '^lmsample: prompts without a token: 1$' err
    [[ $(mlr --icsv --onidx cut -f line got.csv | tr '\n' ' ') == "1 3 " ]]
    : >none.txt
    run -1 --separate-stderr go_on bloom-a none.txt
    [[ $stderr == "lmsample: there is no prompt" ]]
    wrong_usage "--prompt: the value is empty" lmsample -m x --prompt ''
    go_on bloom-a --ids --prompt '<s>' >got.csv # from nothing but the beginning of a text
    [[ $(field prompt <got.csv) == 1 ]]
}

# ---- the contract

@test "lmsample: the contract" {
    keeps_contract lmsample
    wrong_usage "no model is given (-m)" lmsample eng.txt
    wrong_usage "a model from standard input needs --tokenizer" lmsample -m - eng.txt
    m=$(golden bloom-a)
    wrong_usage "--top-k does nothing without --temperature" lmsample -m "$m" --top-k 3 eng.txt
    wrong_usage "--top-p does nothing without --temperature" lmsample -m "$m" --top-p 0.3 eng.txt
    wrong_usage "--seed does nothing without --temperature" lmsample -m "$m" --seed 3 eng.txt
    wrong_usage "--only does nothing without --quant" lmsample -m "$m" --only layer:1 eng.txt
    wrong_usage "--lines does nothing with --prompt" lmsample -m "$m" --lines 2 --prompt x
    wrong_usage "--prompt-tokens does nothing with --prompt" lmsample -m "$m" --prompt-tokens 2 --prompt x
    wrong_usage "--prompt is in the place of files: 'eng.txt'" lmsample -m "$m" --prompt x eng.txt
    wrong_usage "--prompt: not UTF-8" lmsample -m "$m" --prompt $'a\xff'
    wrong_usage "--quant: 'bits=3' is given twice" lmsample -m "$m" --quant bits=3 --quant bits=3 eng.txt
    wrong_usage "--temperature: '-1' is not a number from 0 to 1000" lmsample -m "$m" --temperature -1 eng.txt
    wrong_usage "--top-p: '1.5' is not a number from 0 to 1" lmsample -m "$m" --temperature 1 --top-p 1.5 eng.txt
    wrong_usage "--tokens: '0' is not a whole number from 1 to 16777216" lmsample -m "$m" --tokens 0 eng.txt
}

@test "lmsample: bad input, and output that cannot be written, are errors" {
    run -1 --separate-stderr go_on bloom-a none.txt
    [[ $stderr == "lmsample: none.txt: "* ]]
    printf 'a\xff\n' >bad.txt
    run -1 --separate-stderr go_on bloom-a bad.txt
    [[ $stderr == "lmsample: bad.txt: line 1: "* && $output == "" ]]
    run -1 --separate-stderr go_on bloom-a --start nothing eng.txt
    [[ $stderr == "lmsample: --start: the tokenizer has no token 'nothing'" ]]
    head -c -1000 "$(golden bloom-a)/model.safetensors" >cut.safetensors
    mkdir cut nan
    cp "$(golden bloom-a)/config.json" cut/
    cp "$(golden bloom-a)/config.json" nan/
    cp cut.safetensors cut/model.safetensors
    run -1 --separate-stderr lmsample -m cut -t "$golden/tokenizer.json" eng.txt
    [[ $stderr == "lmsample: cut: "* && ! -s got.csv ]]
    modelcat "$(golden bloom-a)" | head -c -100 >cut.t
    run -1 --separate-stderr lmsample -m cut.t -t "$golden/tokenizer.json" -o got.csv eng.txt
    [[ $stderr == "lmsample: cut.t: "* && ! -e got.csv ]]
    tensorcat --skip 'transformer.ln_f.weight' "$(golden bloom-a)/model.safetensors" >most.t
    tgen -n transformer.ln_f.weight $(printf 'nan %.0s' {1..48}) >nan.t
    tensorcat -o nan/model.safetensors most.t nan.t
    run -1 --separate-stderr lmsample -m nan -t "$golden/tokenizer.json" --lines 3 deu.txt
    [[ $stderr == "lmsample: deu: line 1: the model's logits are not finite" ]]
    echo '1 2 400' | stream >x.tok
    run -1 --separate-stderr go_on bloom-a x.tok
    [[ $stderr == "lmsample: token 400 is beyond the model's vocabulary of 291: they do not belong together" ]]
    run -1 bash -c 'lmsample -m '"$(golden bloom-a)"' -t '"$golden/tokenizer.json"' eng.txt > /dev/full'
}
