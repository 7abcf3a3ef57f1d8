# wquant --method gptq: less change in the outputs than rounding to nearest, for the languages it is calibrated on;
# moments that are wrong; packing; and the contract. What it computes is checked weight by weight in tests/unit/gptq.c.
load helper

setup() {
    helper_setup
    EVAL=$BATS_TEST_DIRNAME/../pipelines/data/udhr/eval
}

# moments MODEL [OPTION...] > FILE: of English, Hindi and French
moments() {
    local model=$1 reduce=--reduce=gram
    [[ ${2:-} != --reduce=* ]] || reduce=
    actdump -m "$(golden "$model")" -t "$DATA/golden" ${reduce:+"$reduce"} --site attn_in,attn_mix,mlp_in,mlp_act "${@:2}" \
        "$EVAL"/{eng,hin,fra}.txt
}

# mean COLUMN < CSV
mean() {
    mlr --icsv --onidx stats1 -a mean -f "$1"
}

# kl MODEL QUANTISED LANG: how far the quantised model's predictions are, in nats a token
kl() {
    ppl -m "$(golden "$1")" -t "$DATA/golden" --against "$2" "$EVAL/$3.txt" | field kl
}

below() { awk -v a="$1" -v b="$2" 'BEGIN { print a, b; exit !(a < b) }'; }

# ---- values

@test "gptq: outputs change less than half as much as by rounding to nearest, in every family and cell" {
    for model in bloom-a gpt2-a llama-a opt-a; do
        moments $model >h.t
        for per in channel group:8; do
            wquant --bits=3 --per=$per --moments=h.t --report=rtn.csv -o rtn.t "$(golden $model)/model.safetensors"
            wquant --bits=3 --per=$per --moments=h.t --report=gptq.csv --method=gptq -o gptq.t "$(golden $model)/model.safetensors"
            below "$(mean output_error <gptq.csv)" "$(awk -v e="$(mean output_error <rtn.csv)" 'BEGIN { print e / 2 }')"
            below "$(kl $model gptq.t eng)" "$(kl $model rtn.t eng)"
        done
    done
}

@test "gptq: --damping is what is added, down to rounding to nearest; --static-groups takes scales from the weights as they are" {
    moments bloom-a >h.t
    model=$(golden bloom-a)/model.safetensors
    quantised() { wquant -q --bits=3 --moments=h.t --report="$1.csv" -o "$1.t" "${@:2}" "$model"; }
    quantised rtn
    quantised usual --method=gptq
    quantised same --method=gptq --damping=0.01
    quantised more --method=gptq --damping=0.5
    quantised most --method=gptq --damping=100
    for t in rtn usual same more most; do tensorcat --to=csv --only='*h.?.*.weight' $t.t >$t; done
    cmp usual same
    # the nearer H is to a diagonal, the less does a column tell the others: weights that are not the nearest ones
    moved() { paste -d, rtn "$1" | awk -F, '$5 != $10 { n++ } END { print n / NR }'; }
    below 0.1 "$(moved usual)"
    below "$(moved more)" "$(moved usual)"
    below "$(moved most)" 0.01
    [[ $(field damping <usual.csv) == 0.01 && $(field damping <more.csv) == 0.5 ]]
    # the ranges of groups are those of rounding to nearest, or what the columns before made of the weights
    ranges() { mlr --icsv --ocsv cut -f name,alpha,scale "$1.csv"; }
    quantised rtn --per=group:8
    quantised usual --method=gptq --per=group:8
    quantised static --method=gptq --per=group:8 --static-groups
    ranges rtn >want
    ranges static | cmp - want
    run ! cmp -s want <(ranges usual)
    for t in usual static; do tensorcat --to=csv $t.t >$t; done
    run ! cmp -s usual static
}

@test "gptq: calibrated on a language it serves that language better" {
    moments bloom-a >h.t
    model=$(golden bloom-a)/model.safetensors
    for lang in eng hin; do
        wquant --bits=3 --method=gptq --moments=h.t --mix=$lang -o $lang.t --report=$lang.csv --report-by=lang "$model"
    done
    below "$(kl bloom-a eng.t eng)" "$(kl bloom-a hin.t eng)"
    below "$(kl bloom-a hin.t hin)" "$(kl bloom-a eng.t hin)"
    error() { mlr --icsv --onidx filter '$lang == "'"$2"'"' then stats1 -a mean -f output_error "$1"; }
    below "$(error eng.csv eng)" "$(error hin.csv eng)"
    below "$(error hin.csv hin)" "$(error eng.csv hin)"
}

@test "gptq: pooled is by tokens, balanced each language the same, and both are what weights by name say" {
    moments bloom-a --dtype=F64 >h.t
    model=$(golden bloom-a)/model.safetensors
    tensorcat --meta h.t >meta.csv
    by_tokens=$(mlr --icsv --onidx nest --ivar ";" -f value then filter '$key == "lang" || $key == "n_tokens"' \
        then reshape -s key,value then put -q 'print $lang . "=" . $n_tokens' meta.csv | paste -sd,)
    wquant --method=gptq --moments=h.t "$model" | tensorcat --to=csv >pooled
    wquant --method=gptq --moments=h.t --mix="$by_tokens" "$model" | tensorcat --to=csv | cmp pooled -
    wquant --method=gptq --moments=h.t --mix=balanced "$model" | tensorcat --to=csv >balanced
    wquant --method=gptq --moments=h.t --mix=eng=3,hin=3,fra=3 "$model" | tensorcat --to=csv | cmp balanced -
    run ! cmp -s pooled balanced
}

@test "gptq: moments without the first tokens, and of either dtype, will do; languages may be in any order" {
    moments bloom-a --first=without >rest.t
    wquant --method=gptq --moments=rest.t "$(golden bloom-a)/model.safetensors" >/dev/null
    moments bloom-a --dtype=F64 >h64.t
    moments bloom-a --first=both --dtype=F64 >both.t
    wquant --method=gptq --moments=h64.t "$(golden bloom-a)/model.safetensors" | tensorcat --to=csv >one
    wquant --method=gptq --moments=both.t "$(golden bloom-a)/model.safetensors" | tensorcat --to=csv | cmp one -
}

@test "gptq --pack: unpacked it is what wquant writes without it; groups in act-order are static" {
    moments bloom-a >h.t
    for how in "--per=group:8 --act-order" "--per=group:8" "--grid=ct-asym --per=group:8"; do
        # shellcheck disable=SC2086
        wquant --method=gptq --moments=h.t --scale=same $how "$(golden bloom-a)/model.safetensors" -o q.t
        # shellcheck disable=SC2086
        wquant --method=gptq --moments=h.t $how --pack=packed "$(golden bloom-a)/model.safetensors"
        name=transformer.h.1.mlp.dense_4h_to_h
        [[ $how == *asym* ]] && zero=$(tensorcat --to=text --only=$name.weight_zero_point packed/model.safetensors) || zero=
        tensorcat --to=text --only=$name.weight_scale packed/model.safetensors >scale
        tensorcat --to=text --only=$name.weight_packed packed/model.safetensors >words
        tensorcat --to=text --only=$name.weight q.t >wanted
        awk -v zeros="$zero" '
            BEGIN { n_z = split(zeros, z) }
            FILENAME == "scale" { for (i = 1; i <= NF; i++) s[FNR, i - 1] = $i; n_g = NF; next }
            FILENAME == "words" { for (i = 1; i <= NF; i++) { w = $i < 0 ? $i + 4294967296 : $i
                for (k = 0; k < 8; k++) { code[FNR, (i - 1) * 8 + k] = w % 16; w = int(w / 16) } } next }
            { for (j = 1; j <= NF; j++) { g = int((j - 1) / 8); u = code[FNR, j - 1] - 8
                if (n_z) { r = FNR - 1; v = z[int(r / 8) * n_g + g + 1]; if (v < 0) v += 4294967296
                    u -= int(v / 16 ^ (r % 8)) % 16 - 8 }
                d = u * s[FNR, g] - $j; if (d * d > 1e-12) { print FNR, j, u * s[FNR, g], $j; exit 1 } n++ } }
            END { if (n != 32 * 64 && n < 1000) { print "only", n; exit 1 } }' scale words wanted
        rm -r packed
    done
}

@test "gptq --mix minmax: no matrix ends worse for the worst off language than pooled does, and most end better" {
    moments bloom-a >h.t
    model=$(golden bloom-a)/model.safetensors
    worst() { mlr --icsv --ocsv top -n 1 -f output_error -g name then cut -f name,output_error_top then sort -f name "$1"; }
    for mix in pooled minmax; do
        wquant --bits=3 --method=gptq --moments=h.t --mix=$mix --report=$mix.csv --report-by=lang "$model" >$mix.t
        worst $mix.csv >$mix.worst
    done
    wquant --bits=3 --method=gptq --moments=h.t --mix=minmax --solves=1 "$model" | tensorcat --to=csv >one
    tensorcat --to=csv pooled.t | cmp one -
    paste -d, pooled.worst minmax.worst | awk -F, 'NR > 1 { if ($1 != $3 || $4 > $2) { print; exit 1 } n++; better += $4 < $2 }
        END { print better, n; if (n != 12 || better < 8) exit 1 }'
    [[ $(mlr --icsv --onidx stats1 -a max -f solves minmax.csv) -le 8 ]]
}

@test "wquant --clip=moments: of the candidates of mse the least diagonal error, so the output changes less; alike, the same" {
    moments bloom-a >h.t
    model=$(golden bloom-a)/model.safetensors
    for clip in minmax mse moments; do
        wquant --bits=3 --clip=$clip --moments=h.t --report=$clip.csv "$model" >/dev/null
    done
    below "$(mean output_error <moments.csv)" "$(mean output_error <mse.csv)"
    below "$(mean output_error <mse.csv)" "$(mean output_error <minmax.csv)"
    below "$(mean mse <mse.csv)" "$(mean mse <moments.csv)"
    # inputs that are all alike: what mse finds
    tgen -n h.0.mlp.dense_h_to_4h.weight -s 2x6 -m model_type=bloom 1 0.3 0.2 -0.9 5 0.1 -1 0.5 0.25 0.7 -3 0.33 >w.t
    tgen -n 0.mlp_in.gram -s 6x6 -m lang=eng,n_tokens=5 $(for i in {0..35}; do echo $((i % 7 == 0 ? 2 : 0)); done) >h.t
    wquant --bits=3 --clip=moments --moments=h.t --report=r.csv w.t | tensorcat --to=text >moments
    wquant --bits=3 --clip=mse w.t | tensorcat --to=text | cmp moments -
    [[ $(field clip <r.csv) == moments ]]
    printf 'name,clip\n*,moments\n' >recipe.csv
    wquant --bits=3 --recipe=recipe.csv --moments=h.t w.t | tensorcat --to=text | cmp moments -
    run -1 --separate-stderr wquant --recipe=recipe.csv w.t
    [[ $stderr == "wquant: recipe.csv: line 2: clip: 'moments' is not minmax, pct"*"moments where there are second moments" ]]
    # one input that is large: the range is cut down to what it needs
    tgen -n 0.mlp_in.gram -s 6x6 -m lang=eng,n_tokens=5 1e6 $(for i in {1..35}; do echo $((i % 7 == 0 ? 1 : 0)); done) >h.t
    wquant --bits=3 --clip=moments --moments=h.t --grid=absmax w.t | tensorcat --to=text | awk '{ d = $1 - (NR == 1 ? 1 : -1); if (d * d > 1e-4) { print; exit 1 } }'
    run -2 --separate-stderr wquant --clip=moments w.t
    [[ ${stderr_lines[0]} == "wquant: --clip: 'moments' is not minmax, pct"*"moments where there are second moments" ]]
}

@test "wquant --clip=kurt:K: the range of aciq-gauss times 1 + K/10, whatever the cell's own kurtosis" {
    tgen -n w -s 1x8 1 -1 1 -1 1 -1 1 -1 >w.t
    wquant --grid=absmax --clip=aciq-gauss --beyond --report=g.csv w.t >/dev/null
    wquant --grid=absmax --clip=kurt:4 --beyond --report=k.csv w.t >/dev/null
    close "$(field alpha <k.csv)" "$(awk -v a="$(field alpha <g.csv)" 'BEGIN { printf "%.12g", a * 1.4 }')" 1e-6
    printf 'name,clip\nw,kurt:4\n' >recipe.csv
    wquant --grid=absmax --recipe=recipe.csv --beyond --report=r.csv w.t >/dev/null
    cmp k.csv r.csv
}

# ---- matrix by matrix

# calibrated MODEL [OPTION...] > STREAM
calibrated() {
    wquant --bits=3 --method=gptq --tokenizer="$DATA/golden" --calibrate="$EVAL/eng.txt,$EVAL/hin.txt" "${@:2}" \
        "$(golden "$1")/model.safetensors"
}

# layer N FILE: its numbers
layer() { tensorcat --to=csv --only="*h.$1.*,*layers.$1.*" "$2" | cut -d, -f2-; }

@test "gptq --calibrate: each matrix is solved with the moments of the model whose earlier matrices are quantised" {
    for model in bloom-a llama-a gpt2-a gpt_neox-a opt-a; do
        calibrated $model >got.t
        cp -r "$(golden $model)" stage
        for n in 0 1; do
            for site in 'attn_in:attn_[qkv]*' 'attn_mix:attn_out' 'mlp_in:mlp_[gu]*' 'mlp_act:mlp_down'; do
                actdump -m stage -t "$DATA/golden" --reduce gram --dtype F64 --layers=$n --site ${site%:*} "$EVAL"/{eng,hin}.txt >h.t
                wquant --bits=3 --method=gptq --moments=h.t --only="layer:$n,role:${site#*:}" stage/model.safetensors -o next.safetensors
                mv next.safetensors stage/model.safetensors
            done
            layer $n got.t >got
            layer $n stage/model.safetensors | cmp got - || { echo "$model: layer $n"; return 1; }
        done
        rm -r stage
    done
}

@test "gptq --calibrate: it is not solved with the moments of the layer as it was" {
    calibrated bloom-a >got.t
    actdump -m "$(golden bloom-a)" -t "$DATA/golden" --reduce gram --dtype F64 --layers=0 --site attn_in,attn_mix,mlp_in,mlp_act \
        "$EVAL"/{eng,hin}.txt >h.t
    wquant --bits=3 --method=gptq --moments=h.t --only=layer:0 "$(golden bloom-a)/model.safetensors" >once.t
    part() { tensorcat --to=csv --only="*h.0.$1.weight" "$2" | cut -d, -f2-; }
    part self_attention.query_key_value got.t >got # the first is the same
    part self_attention.query_key_value once.t | cmp got -
    part mlp.dense_4h_to_h got.t >got
    part mlp.dense_4h_to_h once.t >once
    run -1 cmp -s got once
}

@test "gptq --calibrate: texts are lines or whole files, behind the token that is asked for" {
    head -n 8 "$EVAL/eng.txt" >eng.txt
    first() { # OPTION...: layer 0's first matrix, whose inputs no other has changed
        wquant -q --bits=3 --method=gptq --tokenizer="$DATA/golden" --calibrate=eng.txt --only='*h.0.self_attention.query_key_value.weight' "$@" \
            "$(golden bloom-a)/model.safetensors" | tensorcat --to=csv --only='*h.0.self_attention.query_key_value.weight' | cut -d, -f2-
    }
    by_moments() { # OPTION...
        actdump -m "$(golden bloom-a)" -t "$DATA/golden" --reduce gram --dtype F64 --layers=0 --site attn_in "$@" eng.txt >h.t
        wquant -q --bits=3 --method=gptq --moments=h.t --only='*h.0.self_attention.query_key_value.weight' "$(golden bloom-a)/model.safetensors" |
            tensorcat --to=csv --only='*h.0.self_attention.query_key_value.weight' | cut -d, -f2-
    }
    first >lines
    by_moments | cmp lines -
    first --text=file --start=none --context=16 >files
    by_moments --text=file --start=none --context=16 | cmp files -
    run -1 cmp -s lines files
    first '--start=</s>' >started
    by_moments '--start=</s>' | cmp started -
    run -1 cmp -s lines started
    run -1 --separate-stderr wquant --method=gptq -t "$DATA/golden" --calibrate=eng.txt --start=nosuch -o q.t "$(golden bloom-a)/model.safetensors"
    [[ $stderr == "wquant: --start: the tokenizer has no token 'nosuch'" && ! -e q.t ]]
    wrong_usage "--text does nothing without --calibrate" wquant --text=file w.t
    wrong_usage "--start does nothing without --calibrate" wquant --start=none w.t
}

@test "gptq --calibrate: packs, mixes, recipes and reports as with moments; the same bytes for any --threads and --memory" {
    calibrated bloom-a --mix=minmax --report=r.csv --report-by=lang --memory=1 | tensorcat --to=csv >one
    calibrated bloom-a --mix=minmax --report=s.csv --report-by=lang -j 3 | tensorcat --to=csv | cmp one -
    cmp r.csv s.csv
    [[ $(mlr --icsv --onidx count-distinct -f lang r.csv | sort) == $'eng 12\nhin 12' ]]
    wquant --method=gptq -t "$DATA/golden" --calibrate="$EVAL/eng.txt" --pack=packed --per=group:8 "$(golden bloom-a)/model.safetensors"
    tensorcat --check packed/model.safetensors
    printf 'layer,bits\n0,16\n1,4\n' >recipe.csv
    calibrated bloom-a --recipe=recipe.csv --report=r.csv >q.t
    layer 0 q.t >got
    layer 0 "$(golden bloom-a)/model.safetensors" | cmp got -
    [[ $(mlr --icsv --onidx count-distinct -f layer,bits r.csv) == $'1 4 4\n2 3 4' ]]
}

@test "gptq --calibrate: inputs that are all zeros are the matrix's fault, not a channel's" {
    norm=h.1.input_layernorm
    zeros() { printf '0\n%.0s' {1..48} | tensorcat --from=text --name="transformer.$norm.$1" --shape=48; }
    mkdir dead && cp "$(golden bloom-a)/config.json" dead
    tensorcat -o dead/model.safetensors <(tensorcat --skip="*.$norm.*" "$(golden bloom-a)/model.safetensors") \
        <(zeros weight) <(zeros bias)
    run -1 --separate-stderr wquant --method=gptq -t "$DATA/golden" --calibrate="$EVAL/eng.txt" -o q.t dead/model.safetensors
    [[ $stderr == "wquant: 'transformer.h.1.self_attention.query_key_value.weight': the second moment is all zeros" ]]
}

@test "gptq --calibrate: lines to calibrate on that are lines to test on are counted" {
    head -20 "$EVAL/eng.txt" >eng.txt
    { echo "no such line"; sed -n '15,22s/$/ /p' "$EVAL/eng.txt"; echo; } >test.txt
    run -0 --separate-stderr wquant --method=gptq --tokenizer="$DATA/golden" --calibrate=eng.txt --test=test.txt -o q.t "$(golden bloom-a)/model.safetensors"
    [[ $stderr == "wquant: 6 of 9 lines to test on are in the text to calibrate on: the first is test.txt, line 2" ]]
    run -0 --separate-stderr wquant --method=gptq --tokenizer="$DATA/golden" --calibrate=eng.txt --test="$EVAL/hin.txt" -o q.t "$(golden bloom-a)/model.safetensors"
    [[ -z $stderr ]]
}

@test "gptq --test: moments know the lines that they were made from, token streams do not" {
    head -20 "$EVAL/eng.txt" >eng.txt
    head -20 "$EVAL/hin.txt" >hin.txt
    { echo "no such line"; sed -n '15,22s/$/ /p' "$EVAL/eng.txt"; echo; sed -n 20p hin.txt; } >test.txt
    model=$(golden bloom-a)/model.safetensors
    made() { actdump -q -m "$(golden bloom-a)" -t "$DATA/golden" --reduce gram --site attn_in,attn_mix,mlp_in,mlp_act "$@"; }
    judged() { run -0 --separate-stderr wquant -q --method=gptq --moments=h.t -o q.t "$@" "$model"; }
    made eng.txt hin.txt >h.t
    judged --test=test.txt
    [[ $stderr == "wquant: 7 of 10 lines to test on are in the text to calibrate on: the first is test.txt, line 2" ]]
    judged --mix=hin --test=test.txt # a language that counts for nothing does not count here
    [[ $stderr == "wquant: 1 of 10 lines to test on are in the text to calibrate on: the first is test.txt, line 11" ]]
    tail -n 3 "$EVAL/fra.txt" >fra.txt
    judged --test=fra.txt
    [[ -z $stderr ]]
    made --text file - --lang eng <eng.txt >h.t
    judged --test=test.txt
    [[ $stderr == "wquant: 6 of 10 lines"* ]]
    tok -t "$DATA/golden" eng.txt >tokens.t
    made tokens.t hin.txt >h.t
    judged --test=test.txt
    [[ $stderr == "wquant: h.t: eng: does not say which lines it was made from, for --test"$'\n'"wquant: 1 of 10 lines"* ]]
    tensorcat --set lines=12x -o bad.t h.t
    run -1 --separate-stderr wquant --method=gptq --moments=bad.t --test=test.txt -o none.t "$model"
    [[ $stderr == "wquant: bad.t: eng: 'lines' are none" && ! -e none.t ]]
}

@test "gptq --calibrate: what cannot be run is named" {
    model=$(golden bloom-a)/model.safetensors
    : >empty.txt
    run -1 --separate-stderr wquant --method=gptq -t "$DATA/golden" --calibrate=empty.txt -o q.t "$model"
    [[ $stderr == *"there is no token to calibrate on" && ! -e q.t ]]
    run -1 --separate-stderr wquant --method=gptq -t "$DATA/golden" --calibrate=none.txt -o q.t "$model"
    [[ $stderr == "wquant: none.txt: "* ]]
    printf 'a\377b\n' >bad.txt
    run -1 --separate-stderr wquant --method=gptq -t "$DATA/golden" --calibrate=bad.txt -o q.t "$model"
    [[ $stderr == "wquant: bad.txt: line 1: "* && ! -e q.t ]]
    head -c 20000 "$model" >cut.safetensors
    cp "$(golden bloom-a)/config.json" .
    run -1 --separate-stderr wquant --method=gptq -t "$DATA/golden" --calibrate="$EVAL/eng.txt" -o q.t cut.safetensors
    [[ $stderr == "wquant: cut.safetensors: "* && ! -e q.t ]]
    wrong_usage "--calibrate reads the model twice: name its file" wquant --method=gptq --calibrate="$EVAL/eng.txt" </dev/null
    wrong_usage "--moments and --calibrate exclude each other" wquant --method=gptq --calibrate=a --moments=b w.t
    wrong_usage "--test does nothing without --moments or --calibrate" wquant --test=a w.t
    run -1 --separate-stderr wquant --method=gptq -t "$DATA/golden" --calibrate="$EVAL/eng.txt" --mix=tha -o q.t "$model"
    [[ $stderr == "wquant: --mix: there is no language 'tha'" ]]
}

# ---- AWQ

@test "awq: folded scales leave the model what it is, and its outputs change less than without" {
    for model in bloom-a llama-a gpt2-a opt-a; do
        moments $model --reduce=gram,absmean >h.t
        weights=$(golden $model)/model.safetensors
        wquant --method=awq --bits=8 --moments=h.t -o fine.t "$weights" 2>notes
        below "$(kl $model fine.t eng)" 0.02
        case $model in
        bloom-a | gpt2-a) grep -q "^wquant: mlp_act: no scales, to nearest: a GELU" notes ;;
        *) [[ ! -s notes ]] ;;
        esac
        wquant --method=awq --bits=3 --moments=h.t --report=awq.csv -o awq.t "$weights" 2>notes
        wquant --bits=3 --moments=h.t --report=rtn.csv -o rtn.t "$weights"
        below "$(mean output_error <awq.csv)" "$(mean output_error <rtn.csv)"
        # what writes the inputs has changed: a norm of layer 1
        norm=$(tensorcat --list "$weights" | mlr --icsv --onidx filter '$name =~ "[.]1[.].*(norm|ln_1).*weight$"' then head -n 1 then cut -f name)
        tensorcat --only="$norm" --to=text "$weights" >before
        tensorcat --only="$norm" --to=text awq.t >after
        run ! cmp -s before after
    done
}

@test "awq: by hand: scales are powers of mean|x|, columns are multiplied, the norm's gain is divided" {
    # only layer 1's up matrix is quantised, so only the norm before it is scaled
    cp "$(golden bloom-a)/config.json" "$(golden bloom-a)/model.safetensors" .
    moments bloom-a --reduce=gram,absmean --dtype=F64 >h.t
    wquant --method=awq --bits=3 --per=group:16 --only=layer:1,role:mlp_up --moments=h.t --mix=eng -o q.t model.safetensors
    up=transformer.h.1.mlp.dense_h_to_4h.weight norm=transformer.h.1.post_attention_layernorm
    for what in weight bias; do
        tensorcat --only=$norm.$what --to=text model.safetensors | tr -s ' ' '\n' >was.$what
        tensorcat --only=$norm.$what --to=text q.t | tr -s ' ' '\n' >is.$what
    done
    actdump -m "$(golden bloom-a)" -t "$DATA/golden" --reduce absmean --site mlp_in --layers=1 "$EVAL/eng.txt" |
        tensorcat --to=text | tr -s ' ' '\n' >absmean
    # the scale s = gain before / after: log s is a line in log mean|x| of slope i/20, i in 1..19, and max s * min s = 1
    paste -d' ' was.weight is.weight was.bias is.bias absmean | awk '
        { s[NR] = $1 / $2; x[NR] = $5; if (s[NR] > most || NR == 1) most = s[NR]; if (s[NR] < low || NR == 1) low = s[NR]
          d = $3 / s[NR] - $4; if (d * d > 1e-12) { print "bias", NR; exit 1 } }
        END { d = most * low - 1; if (d * d > 1e-8) { print "range", most * low; exit 1 }
          for (i = 2; i <= NR; i++) { slope = log(s[i] / s[1]) / log(x[i] / x[1]) * 20
              if (i == 2) first = int(slope + 0.5)
              d = slope - first; if (d * d > 1e-4) { print "slope", i, slope; exit 1 } }
          if (first < 1 || first > 19) { print "step", first; exit 1 } }'
    # what was not chosen stays
    tensorcat --to=csv --skip="$up,$norm.*" model.safetensors >before
    tensorcat --to=csv --skip="$up,$norm.*" q.t >after
    cut -d, -f2- before | sort >a
    cut -d, -f2- after | sort | cmp a -
}

@test "awq: packs; what it needs is said" {
    cp "$(golden bloom-a)"/{config.json,model.safetensors} .
    moments bloom-a --reduce=gram,absmean >h.t
    wquant --method=awq --moments=h.t --clip=moments --per=group:8 --pack=packed model.safetensors
    tensorcat --check packed/model.safetensors
    [[ $(tensorcat --list packed/model.safetensors | grep -c weight_packed) == 12 ]]
    moments bloom-a >gram.t
    run -1 --separate-stderr wquant --method=awq --moments=gram.t -o q.t model.safetensors
    [[ $stderr == *"there is no mean|x| of layer 0's "*": it takes actdump --reduce gram,absmean" && ! -e q.t ]]
    wrong_usage "--method awq needs --moments" wquant --method=awq model.safetensors
    wrong_usage "--method awq reads the model twice: name its file" wquant --method=awq --moments=h.t <model.safetensors
}

# ---- what must not pass

@test "gptq: moments of another model, of too few sites, or in the wrong order of columns do not pass for the right ones" {
    model=$(golden bloom-a)/model.safetensors
    actdump -m "$(golden bloom-a)" -t "$DATA/golden" --reduce gram --site attn_in "$EVAL/eng.txt" >few.t
    run -1 --separate-stderr wquant --method=gptq --moments=few.t -o q.t "$model"
    [[ $stderr == "wquant: 'transformer.h.0."*"there is no second moment of its "*" inputs (actdump --reduce gram --site "* ]]
    moments llama-a >other.t
    run -1 --separate-stderr wquant --method=gptq --moments=other.t -o q.t "$model"
    [[ $stderr == "wquant: 'transformer.h."*"there is no second moment"* && ! -e q.t ]]
    # one moment with its columns turned around: the output changes more
    moments bloom-a --layers=0 >h.t
    only=h.0.mlp.dense_h_to_4h.weight
    n=$(tensorcat --list h.t | mlr --icsv --onidx filter '$name == "0.mlp_in.gram" && $frame == 0' then cut -f shape | cut -dx -f1)
    tensorcat --to=text --only=0.mlp_in.gram <(actdump -m "$(golden bloom-a)" -t "$DATA/golden" --reduce gram --site mlp_in --layers=0 "$EVAL/eng.txt") |
        tr -s ' \n' '\n' | tac | tensorcat --from=text --shape="${n}x$n" --name=0.mlp_in.gram --set=lang=eng,n_tokens=9 >turned.t
    actdump -m "$(golden bloom-a)" -t "$DATA/golden" --reduce gram --site mlp_in --layers=0 "$EVAL/eng.txt" >right.t
    for h in right turned; do
        wquant --bits=3 --method=gptq --moments=$h.t --only="*$only" -o $h.q "$model"
        wquant --bits=3 --only="*$only" -o plain.q "$model"
        kl bloom-a $h.q eng >$h.kl
    done
    below "$(<right.kl)" "$(<turned.kl)"
    below "$(<right.kl)" "$(kl bloom-a plain.q eng)"
}

# gram NUMBER... : a moment of the MLP's input of a model of one layer, 2 wide
gram() { tgen -n 0.mlp_in.gram -s 2x2 -m lang=eng,n_tokens=5 "$@"; }

@test "gptq: moments that are none are named; damping rises until the factor holds, and that is said" {
    tgen -n h.0.mlp.dense_h_to_4h.weight -s 2x2 -m model_type=bloom 1 0.3 0.2 -0.9 >w.t
    try() { run --separate-stderr wquant --method=gptq --moments=h.t -o q.t w.t; }
    gram 1 0.2 0.2 1 >h.t; try; [[ $status == 0 && -z $stderr ]]
    gram 1 1.5 1.5 1 >h.t; try; [[ $status == 0 && $stderr == "wquant: 'h.0.mlp.dense_h_to_4h.weight': it took 1 of the mean"* ]]
    gram 1 1e6 1e6 1 >h.t; try; [[ $status == 1 && $stderr == *"not positive definite, whatever the damping" ]]
    gram 1 nan nan 1 >h.t; try; [[ $status == 1 && $stderr == "wquant: h.t: '0.mlp_in.gram': has a value that is not finite" ]]
    gram 1 0.5 0 1 >h.t; try; [[ $status == 1 && $stderr == *"is not symmetric" ]]
    gram -1 0 0 1 >h.t; try; [[ $status == 1 && $stderr == *"negative on its diagonal" ]]
    gram 0 0 0 0 >h.t; try; [[ $status == 1 && $stderr == *"the second moment is all zeros" ]]
    # an input that is always 0 has its weights zeroed, and counted
    gram 1 0 0 0 >h.t
    wquant --method=gptq --moments=h.t --report=r.csv w.t | tensorcat --to=text | awk '$2 != 0 { exit 1 }'
    [[ $(field dead_inputs <r.csv) == 1 ]]
    tgen -n x -m lang=eng 1 2 >h.t; try; [[ $status == 1 && $stderr == *"there is no second moment: it takes actdump --reduce gram" ]]
    tgen -n 0.mlp_in.gram -s 2x2 1 0 0 1 >h.t; try; [[ $status == 1 && $stderr == *"does not say its language (lang)" ]]
    tgen -n 0.mlp_in.gram -s 2x2 -m lang=eng 1 0 0 1 >h.t; try; [[ $status == 1 && $stderr == *"(n_tokens)" ]]
    tensorcat <(gram 1 0 0 1) <(gram 1 0 0 1) >h.t; try; [[ $status == 1 && $stderr == *"language 'eng' is there twice" ]]
    tensorcat <(gram 1 0 0 1) <(tgen -n 0.mlp_in.gram -s 1x1 -m lang=deu,n_tokens=1 1) >h.t
    try; [[ $status == 1 && $stderr == *"another shape than that of the first language" ]]
    tensorcat <(gram 1 0 0 1) <(tgen -n 0.attn_in.gram -s 1x1 -m lang=deu,n_tokens=1 1) >h.t
    try; [[ $status == 1 && $stderr == *"the first language has none" ]]
    gram 1 0 0 1 | head -c -20 >h.t; try; [[ $status == 1 && $stderr == "wquant: h.t: "* ]]
    rm -f q.t; : >h.t; try; [[ $status == 1 && $stderr == "wquant: h.t: "* && ! -e q.t ]]
    tgen -n 0.mlp_in.gram.rest -s 2x2 -m lang=eng,n_tokens=5,n_first=2 1 0 0 1 >h.t; try; [[ $status == 0 ]]
    for n in n_tokens=5,n_first=-3 n_tokens=-1,n_first=-9223372036854775808 n_tokens=5,n_first=5; do
        tgen -n 0.mlp_in.gram.rest -s 2x2 -m lang=eng,$n 1 0 0 1 >h.t; try; [[ $status == 1 && $stderr == *"(n_tokens)" ]]
    done
    rm -f q.t
    gram 1 0 0 1 >h.t
    run -1 --separate-stderr wquant --method=gptq --moments=h.t --mix=deu w.t -o q.t
    [[ $stderr == "wquant: h.t: there is no language 'deu'" && ! -e q.t ]]
}

@test "gptq: usage" {
    gram 1 0 0 1 >h.t
    tgen -n w -s 2x2 1 2 3 4 >w.t
    wrong_usage "--method gptq needs --moments or --calibrate" wquant --method=gptq w.t
    wrong_usage "--bias would undo what --method gptq does" wquant --method=gptq --moments=h.t --bias=mean w.t
    wrong_usage "--act-order does nothing without --method gptq" wquant --act-order w.t
    wrong_usage "--mix does nothing without --moments or --calibrate" wquant --mix=eng w.t
    wrong_usage "--mix: 'eng=0' is not LANG or LANG=WEIGHT, a weight above 0" wquant --method=gptq --moments=h.t --mix=eng=0 w.t
    wrong_usage "--mix: 'pooled' is all of a mix" wquant --method=gptq --moments=h.t --mix=pooled,eng w.t
    wrong_usage "--mix: 'eng' is there twice" wquant --method=gptq --moments=h.t --mix=eng,eng=2 w.t
    wrong_usage "--report-by lang needs --moments or --calibrate" wquant --report=r.csv --report-by=lang w.t
    run -1 --separate-stderr wquant --method=gptq --moments=h.t w.t -o q.t
    [[ $stderr == "wquant: 'w': there is no second moment"* ]]
}

@test "gptq: the same bytes for any --threads, from a pipe as from a file, with moments in memory and in a file" {
    moments bloom-a >h.t
    modelcat "$(golden bloom-a)" >m.t
    wquant --method=gptq --moments=h.t m.t >one.t
    wquant --method=gptq --moments=h.t -j 3 m.t | cmp one.t -
    wquant --method=gptq --moments=<(cat h.t) <m.t | tensorcat --to=csv >pipe.csv
    tensorcat --to=csv one.t | cmp - pipe.csv
    tensorcat --meta one.t | grep -q 'wquant .*--method gptq --moments h.t'
    run -1 bash -c 'wquant --method=gptq --moments=h.t m.t > /dev/full'
}
