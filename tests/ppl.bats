# ppl: closed forms and what must agree with what, then texts, windows and models that need a word, then the contract.
load helper

setup() {
    helper_setup
    golden=$DATA/golden
    printf '%s\n' 'All human beings are born free and equal in dignity and rights.' '' 'They are endowed with reason.' >eng.txt
    printf '%s\n' 'Alle Menschen sind frei und gleich an Würde und Rechten geboren.' 'x' 'Sie sind mit Vernunft begabt.' >deu.txt
}

# score MODEL OPTION...: ppl of that golden model, quietly
score() {
    ppl -m "$(golden "$1")" -t "$golden/tokenizer.json" "${@:2}" 2>err
}

# A model whose head sees nothing but zeros, so that every token is as likely as any other.
uniform_model() {
    mkdir -p uniform
    cp "$(golden bloom-a)/config.json" uniform/
    tensorcat --skip 'transformer.ln_f.*' "$(golden bloom-a)/model.safetensors" >most.t
    for part in weight bias; do
        tgen -n "transformer.ln_f.$part" $(printf '0 %.0s' {1..48}) >"$part.t"
    done
    tensorcat -o uniform/model.safetensors most.t weight.t bias.t
}

# ---- values

@test "ppl: a model that knows nothing has perplexity 291 and log2(291) bits a token" {
    uniform_model
    ppl -m uniform -t "$golden/tokenizer.json" eng.txt deu.txt >got.csv 2>err
    for row in 1 2; do
        close "$(field perplexity $row <got.csv)" 291 1e-14
        n=$(field tokens $row <got.csv) bytes=$(field bytes $row <got.csv) chars=$(field chars $row <got.csv)
        close "$(field nll $row <got.csv)" 5.673323267171493 1e-15 # ln 291
        bits=$(awk -v n="$n" 'BEGIN { print n * log(291) / log(2) }')
        close "$(field bits_per_byte $row <got.csv)" "$(awk -v a="$bits" -v b="$bytes" 'BEGIN { printf "%.9g", a / b }')" 1e-5
        close "$(field bits_per_char $row <got.csv)" "$(awk -v a="$bits" -v b="$chars" 'BEGIN { printf "%.9g", a / b }')" 1e-5
    done
    grep -q 'texts without a token: 1' err
}

@test "ppl: bytes and characters are those of the tokens that are predicted" {
    score bloom-a --by line deu.txt >got.csv
    # 64 characters in 65 bytes, ü of two, of which the first token, 'A', cannot be predicted; 'x' is alone
    [[ $(field chars 1 <got.csv) == 63 && $(field bytes 1 <got.csv) == 64 && $(field unscored 1 <got.csv) == 1 ]]
    [[ $(field tokens 2 <got.csv) == 0 && $(field unscored 2 <got.csv) == 1 && -z $(field nll 2 <got.csv) ]]
    # with a token in front all are
    score bloom-a --by line --start '<s>' deu.txt >got.csv
    [[ $(field chars 1 <got.csv) == 64 && $(field bytes 1 <got.csv) == 65 && $(field unscored 1 <got.csv) == 0 ]]
    [[ $(field tokens 2 <got.csv) == 1 && $(field bytes 2 <got.csv) == 1 ]]
}

@test "ppl: tokens add up to lines, and lines to languages" {
    for by in token line lang; do score gpt2-a --by $by --quant bits=3 eng.txt deu.txt >$by.csv; done
    for column in nll ref_nll kl top1_agreement; do
        for row in 1 2; do
            lang=$(sed -n $((row + 1))p lang.csv | cut -d, -f1)
            for finer in line token; do
                mean=$(mlr --icsv --ojson filter "\$lang == \"$lang\" && \$tokens > 0" then put "\$x = \$tokens * \$$column" then \
                    stats1 -a sum -f x,tokens then put '$m = fmtnum($x_sum / $tokens_sum, "%.17g")' $finer.csv | sed -n 's/.*"m": //p')
                close "$mean" "$(field $column $row <lang.csv)" 1e-12
            done
        done
    done
}

@test "ppl: against itself a model is the same, at 16 bits too; fewer bits are further off" {
    m=$(golden llama-a)
    score llama-a --against "$m" eng.txt >same.csv
    score llama-a --quant bits=16 eng.txt >sixteen.csv
    cmp same.csv sixteen.csv
    [[ $(field kl <same.csv) == 0 && $(field top1_agreement <same.csv) == 1 && $(field rms_delta_p <same.csv) == 0 ]]
    for bits in 8 6 4; do score llama-a --quant bits=$bits eng.txt | field kl; done >kl
    sort -g kl | cmp - kl
    awk '!($1 > 0) { bad = 1 } END { exit bad }' kl
}

@test "ppl: an embedding wider than the states" {
    echo '<s></s><pad><unk><s></s><s><unk>' >few.txt # the only tokens that are in so small a vocabulary
    ppl -m "$DATA/variants/opt-wide-embedding" -t "$golden/tokenizer.json" few.txt >got.csv 2>err
    [[ $(field tokens <got.csv) == 7 && $(field nll <got.csv) == ?.* ]]
}

@test "ppl: --only and --skip choose what is rounded" {
    score llama-a --quant bits=3 eng.txt | field kl >all
    score llama-a --quant bits=3 --only 'layer:0-2' eng.txt | field kl | cmp - all
    score llama-a --quant bits=3 --only 'layer:1,role:mlp_*' eng.txt | field kl >some
    score llama-a --quant bits=3 --only layer:1 --skip 'role:attn_*' eng.txt | field kl | cmp - some
    awk 'NR == FNR { a = $1; next } { exit !($1 > 0 && $1 < a) }' all some
    score llama-a --quant bits=3 --only role:head eng.txt | field kl >head
    awk '{ exit !($1 > 0) }' head
    run -2 --separate-stderr score llama-a --only layer:1 eng.txt
}

@test "ppl: what --only and --skip ask for and the model has not is said" {
    m=$(golden llama-a)
    wrong_usage "--only: 'layer:x' is not a pattern, layer:N, layer:N-M or role:ROLE" ppl -m "$m" --quant bits=3 --only layer:x eng.txt
    wrong_usage "--only: there is no role 'mlp_upp'" ppl -m "$m" --quant bits=3 --only role:mlp_upp eng.txt
    modelcat "$m" >m.t
    for model in "$m" -; do
        shown=${model/#-/standard input}
        args=(ppl -m "$model" -t "$golden/tokenizer.json" --quant bits=3)
        for pick in --only=layer:77 "--only=layer:1 --skip=*.1.*" --only=role:embed_norm; do
            # shellcheck disable=SC2086 # two options
            run -1 --separate-stderr "${args[@]}" $pick eng.txt <m.t
            [[ $stderr == "ppl: $shown: no tensor was chosen" && -z $output ]]
        done
        run -0 --separate-stderr "${args[@]}" --only layer:1,layer:77 --skip 'role:attn_*,*.8.*' eng.txt <m.t
        [[ $stderr == *$'ppl: --only: no tensor is \'layer:77\'\nppl: --skip: no tensor is \'*.8.*\''* ]]
        score llama-a --quant bits=3 --only layer:1 --skip 'role:attn_*' eng.txt | cmp - <(echo "$output")
    done
}

@test "ppl: several --quant side by side, each as alone" {
    specs=(bits=4 bits=3,per=tensor bits=8,clip=mse)
    for by in lang line token; do
        for m in gpt2-a bloom-a; do
            args=()
            for spec in "${specs[@]}"; do args+=(--quant "$spec"); done
            score $m --by $by "${args[@]}" --memory 1 --threads 2 eng.txt deu.txt >got.csv
            for spec in "${specs[@]}"; do
                mlr --csv filter '$quant == "'"$spec"'"' then cut -x -f quant got.csv >one.csv
                score $m --by $by --quant "$spec" eng.txt deu.txt | mlr --csv cat | cmp - one.csv
            done
        done
    done
    # by token a row of each for every token, together
    mlr --icsv --onidx head -n 6 then cut -o -f quant,position got.csv >order
    diff order - <<<$'bits=4 2\nbits=3,per=tensor 2\nbits=8,clip=mse 2\nbits=4 3\nbits=3,per=tensor 3\nbits=8,clip=mse 3'
    score bloom-a --quant bits=4 --quant bits=3 eng.txt deu.txt >got.csv
    grep -q '^ppl: bits=4: worse than guessing, so that degradation ranks nothing: eng deu$' err
    run -2 --separate-stderr score llama-a --quant bits=4 --quant bits=4 eng.txt
    run -2 --separate-stderr score llama-a --quant bits=4 --quant bits=9 eng.txt
    run -2 --separate-stderr score llama-a --quant bits=4 --quant '' eng.txt
}

@test "ppl: recipe= is wquant --recipe, to the byte, in any dtype; the SPEC's other words are for what no row says" {
    printf 'layer,bits,per\n0,3,\n1-2,5,group:16\n' >layers.csv
    printf 'role,bits\nmlp_*,2\nattn_out,16\nembed,6\n' >roles.csv
    printf 'name,bits,clip\n*.1.*,,mse\n*,4,\n' >names.csv
    for m in gpt2-a:F32 bloom-a:F16 qwen2-a:BF16; do
        mkdir -p origin
        cp "$(golden ${m%:*})/config.json" origin/
        modelcat --dtype "${m#*:}" -o origin/model.safetensors "$(golden ${m%:*})"
        args=(ppl -m origin -t "$golden/tokenizer.json" --by line)
        "${args[@]}" --quant recipe=layers.csv,bits=6 --quant clip=mse,recipe=roles.csv --quant recipe=names.csv \
            eng.txt deu.txt >all.csv 2>/dev/null
        for r in 'layers --bits=6' 'roles --clip=mse' names; do
            set -- $r
            wquant -q --recipe "$1.csv" "${@:2}" -o changed.t origin/model.safetensors
            ppl -m changed.t --against origin -t "$golden/tokenizer.json" --by line eng.txt deu.txt >want.csv 2>/dev/null
            mlr --csv filter '$quant =~ "recipe='"$1"'.csv"' then cut -x -f quant all.csv | cmp - <(mlr --csv cat want.csv)
        done
        # one alone; from a pipe; in several passes
        "${args[@]}" --quant recipe=names.csv eng.txt deu.txt 2>/dev/null | cmp - want.csv
        ppl -m - -t "$golden/tokenizer.json" --by line --quant recipe=names.csv --memory 1 eng.txt deu.txt \
            <origin/model.safetensors 2>/dev/null | cmp - want.csv
        rm -r origin
    done
}

@test "ppl: what a recipe cannot be is said" {
    printf 'layer,bits\n0-1,4\n7,3\n' >far.csv
    run -1 --separate-stderr score llama-a --quant recipe=far.csv eng.txt
    [[ $(<err) == "ppl: far.csv: line 3: no tensor is what the row says, or earlier rows are for all of them" && -z $output ]]
    # a recipe of a smaller model: what no row is for is said, unless the SPEC has bits for it
    printf 'layer,bits\n0,3\n' >small.csv
    modelcat "$(golden llama-a)" >m.t
    for m in "$(golden llama-a)" m.t; do
        ppl -m "$m" -t "$golden/tokenizer.json" --quant recipe=small.csv eng.txt >/dev/null 2>err
        grep -q "^ppl: small.csv: matrices that no row is for, rounded to 4 bits: 14, the first 'model.layers.1.self_attn.q_proj.weight'$" err
        ppl -m "$m" -t "$golden/tokenizer.json" --quant recipe=small.csv,bits=5 --quant clip=mse,bits=16,recipe=small.csv eng.txt >/dev/null 2>err
        run ! grep "no row" err
    done
    # a norm is no matrix; a pipe tells at its end
    printf 'role,bits\nattn_norm,8\n' >norm.csv
    run -1 --separate-stderr ppl -m - -t "$golden/tokenizer.json" -o out.csv --quant recipe=norm.csv eng.txt <m.t
    [[ $stderr == *"ppl: norm.csv: line 2: no tensor is what the row says"* && ! -e out.csv ]]
    printf 'layer,bits\n0,9\n' >nine.csv
    run -1 score llama-a --quant recipe=nine.csv eng.txt
    [[ $(<err) == "ppl: nine.csv: line 2: bits: '9' is not 2 to 8, or 16 (leave as it is)" ]]
    printf 'layer,bits\n0,4\n' >cut.csv
    printf '1,"4' >>cut.csv
    for f in nix.csv cut.csv "$golden/tokenizer.json" /dev/null .; do run -1 score llama-a --quant recipe="$f" eng.txt; done
    for spec in recipe= recipe=cut.csv,bits=9 recipe=cut.csv,recipe=cut.csv recipe=cut.csv,, ; do
        run -2 score llama-a --quant "$spec" eng.txt
    done
    run -2 --separate-stderr sens -m "$(golden llama-a)" -t "$golden/tokenizer.json" --quant recipe=far.csv eng.txt
    [[ ${stderr_lines[0]} == "sens: --quant: 'recipe=far.csv': a recipe is for all of a model, not for its parts" ]]
}

@test "ppl: what SPECs have in common is made and run once, and gives each what it has alone" {
    # the same to layer 0, then different; the same in other words; and the model as it is as far as layer 2
    printf 'layer,bits\n0,3\n1,4\n2,3\n' >a.csv
    printf 'layer,bits\n0,3\n1,3\n2,3\n' >b.csv
    printf 'layer,bits\n0-1,16\n' >late.csv
    for m in llama-a opt-a; do
        printf 'role,bits\nembed,4\n*,3\n' >embed.csv
        specs=(bits=3 recipe=a.csv recipe=b.csv bits=3,clip=minmax recipe=late.csv,bits=3 recipe=embed.csv)
        args=()
        for spec in "${specs[@]}"; do args+=(--quant "$spec"); done
        score $m --by token "${args[@]}" --threads 2 eng.txt deu.txt >got.csv
        for spec in "${specs[@]}"; do
            mlr --csv filter '$quant == "'"$spec"'"' then cut -x -f quant got.csv >one.csv
            score $m --by token --quant "$spec" eng.txt deu.txt | mlr --csv cat | cmp - one.csv
        done
    done
}

@test "ppl: beyond guessing a model ranks nothing" {
    score bloom-a --quant bits=8 eng.txt >got.csv
    grep -q '^ppl: eng: .* is worse than guessing (5.673): its degradation ranks nothing$' err
    [[ -n $(field kl <got.csv) && -n $(field nll <got.csv) ]]
    [[ -z $(field degradation <got.csv) && -z $(field delta_nll <got.csv) && -z $(field delta_bits_per_byte <got.csv) ]]
    uniform_model
    ppl -m uniform --quant bits=2 -t "$golden/tokenizer.json" eng.txt >got.csv 2>err
    run ! grep guessing err
    [[ $(field degradation <got.csv) == 0 && $(field kl <got.csv) == 0 ]]
}

# ---- windows

@test "ppl: windows one after another lose a token each, windows that overlap lose one in all" {
    cat eng.txt deu.txt >long.txt
    score xglm-a --text file long.txt >whole.csv
    n=$(($(field tokens <whole.csv) + $(field unscored <whole.csv)))
    [[ $(field unscored <whole.csv) == $(((n + 63) / 64)) ]] # xglm-a has no table: 64 is what it was made for
    score xglm-a --text file --context 16 long.txt >apart.csv
    [[ $(field unscored <apart.csv) == $(((n + 15) / 16)) ]]
    score xglm-a --text file --context 16 --stride 5 long.txt >overlap.csv
    [[ $(field unscored <overlap.csv) == 1 ]]
    score xglm-a --text file --context 16 --full-windows long.txt >full.csv
    [[ $(field tokens <full.csv) == $((n / 16 * 15)) ]]
}

@test "ppl: a template that is longer than a window is never scored, and nothing but it is left out" {
    special='{"id":"<s>","ids":[1],"tokens":["<s>"]}' piece='{"SpecialToken":{"id":"<s>","type_id":0}}'
    text='{"Sequence":{"id":"A","type_id":0}}'
    sed 's|"post_processor": null|"post_processor":{"type":"TemplateProcessing","single":['"$piece,$piece,$piece,$piece,$text"'],"pair":[],"special_tokens":{"<s>":'"$special"'}}|' \
        "$golden/tokenizer.json" >four.json
    echo abcdef >six.txt
    for stride in 1 2; do
        ppl -m "$(golden bloom-a)" -t four.json --context 2 --stride $stride --by token six.txt 2>err |
            cut -d, -f5 | tail -n +2 | paste -sd' ' >>got
    done
    diff got - <<<$'a b c d e f\nb d f'
}

@test "ppl: a token's nll depends on its window and on nothing behind it or beside it" {
    score bloom-a --by token --context 16 --text file eng.txt >long.csv
    head -c 30 eng.txt >cut.txt
    score bloom-a --by token --context 16 --text file cut.txt >short.csv
    n=$(($(wc -l <short.csv) - 3)) # the last tokens may be cut in pieces
    cmp <(sed 's/^eng//' long.csv | sed -n "2,${n}p") <(sed 's/^cut//' short.csv | sed -n "2,${n}p")
}

# ---- the same from everywhere

@test "ppl: the same bytes for any threads and memory, from a directory, a file or a pipe, in any order" {
    for l in {1..40}; do cat eng.txt deu.txt; done >many.txt
    for m in opt-a gpt_neox-a; do
        score $m --by line --quant bits=4 many.txt eng.txt >want.csv
        score $m --by line --quant bits=4 --memory 1 --threads 3 many.txt eng.txt | cmp - want.csv
        modelcat "$(golden $m)" >m.t
        ppl -m m.t -t "$golden/tokenizer.json" --by line --quant bits=4 many.txt eng.txt 2>/dev/null | cmp - want.csv
        modelcat "$(golden $m)" | ppl -m - -t "$golden/tokenizer.json" --by line --quant bits=4 --memory 1 many.txt eng.txt \
            2>/dev/null | cmp - want.csv
        score $m --by line --quant bits=4 eng.txt many.txt | sort | cmp - <(sort want.csv)
        ppl -m "$(golden $m)" -t "$golden/tokenizer.json" --by line --quant bits=4 --lang eng <eng.txt 2>/dev/null >stdin.csv
        cmp stdin.csv <(grep -e ^lang -e ^eng want.csv)
    done
}

@test "ppl: tensors in no order of a forward pass wait in memory" {
    score llama-a eng.txt >want.csv
    modelcat "$(golden llama-a)" >m.t
    tensorcat --only 'lm_head.*,*.2.*' m.t >b.t
    tensorcat --skip 'lm_head.*,*.2.*' m.t >a.t
    tensorcat b.t a.t | ppl -m - -t "$golden/tokenizer.json" eng.txt 2>/dev/null | cmp - want.csv
}

@test "ppl: bf16x3 agrees with f32, bf16 to two digits" {
    for p in auto f32 bf16x3 bf16; do score qwen2-a --precision $p eng.txt | field nll >$p; done
    near "$(<auto)" "$(<f32)" 2e-6
    near "$(<bf16x3)" "$(<f32)" 2e-6
    near "$(<bf16)" "$(<f32)" 0.05
    run ! cmp -s bf16 f32
}

# ---- what is refused

@test "ppl: what does not fit together is named" {
    run -1 --separate-stderr ppl -m "$(golden gpt2-a)" -t "$golden/tokenizer.json" --context 65 eng.txt
    [[ $stderr == "ppl: --context: "*"/gpt2-a has 64 positions" ]]
    run -2 --separate-stderr ppl -m - eng.txt
    [[ ${stderr_lines[0]} == "ppl: a model from standard input needs --tokenizer" ]]
    run -2 --separate-stderr ppl eng.txt
    [[ ${stderr_lines[0]} == "ppl: no model is given (-m)" ]]
    run -2 --separate-stderr ppl -m x --quant bits=4 --against y eng.txt
    run -2 --separate-stderr ppl -m x --quant bits=9 eng.txt
    [[ ${stderr_lines[0]} == "ppl: --quant: "* ]]
    run -1 --separate-stderr ppl -m "$(golden bloom-a)" -t "$golden/tokenizer.json" eng.txt ./eng.txt
    [[ $stderr == "ppl: ./eng.txt: a file before it is of language 'eng' too" ]]
    run -1 --separate-stderr ppl -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --start '<nix>' eng.txt
    [[ $stderr == "ppl: --start: the tokenizer has no token '<nix>'" ]]
    mkdir small && sed 's/"vocab_size": *291/"vocab_size": 200/' "$(golden llama-a)/config.json" >small/config.json
    cp "$(golden llama-a)/model.safetensors" small/
    run -1 --separate-stderr ppl -m small -t "$golden/tokenizer.json" eng.txt
    [[ $stderr == "ppl: "*"lm_head.weight"* || $stderr == "ppl: "*"embed_tokens.weight"* || $stderr == *"beyond the model's vocabulary"* ]]
    printf '\xff\n' >bad.txt
    run -1 --separate-stderr ppl -m "$(golden bloom-a)" -t "$golden/tokenizer.json" bad.txt
    [[ $stderr == "ppl: bad.txt: line 1: "* ]]
}

@test "ppl: weights that are not finite, a stream that is cut" {
    modelcat "$(golden bloom-a)" >m.t
    head -c 300000 m.t >cut.t
    run -1 --separate-stderr ppl -m cut.t -t "$golden/tokenizer.json" -o out.csv eng.txt
    [[ $stderr == "ppl: cut.t: "*truncated* && ! -e out.csv ]]
    head -c -1 m.t >cut.t
    run -1 --separate-stderr ppl -m cut.t -t "$golden/tokenizer.json" -o out.csv eng.txt
    [[ $stderr == "ppl: cut.t: "*truncated* && ! -e out.csv ]]
    uniform_model
    tgen -n transformer.ln_f.bias nan $(printf '0 %.0s' {1..47}) >bias.t
    tensorcat -o uniform/model.safetensors most.t weight.t bias.t
    run -1 --separate-stderr ppl -m uniform -t "$golden/tokenizer.json" eng.txt
    [[ $stderr == "ppl: eng: line 1: the model's logits are not finite" ]]
}

@test "ppl: keeps the contract" {
    keeps_contract ppl
    run -1 bash -c "ppl -m $(golden bloom-a) -t $golden/tokenizer.json eng.txt >/dev/full"
}
@test "ppl: a changed model against its origin is the same as --quant on the way, in any dtype" {
    for m in gpt2-a:F32 bloom-a:F16 qwen2-a:BF16; do
        mkdir -p origin rounded
        cp "$(golden ${m%:*})/config.json" origin/
        cp origin/config.json rounded/
        modelcat --dtype "${m#*:}" -o origin/model.safetensors "$(golden ${m%:*})"
        ppl -m origin -t "$golden/tokenizer.json" --quant bits=4,per=channel,clip=mse eng.txt deu.txt >way.csv 2>/dev/null
        wquant --bits 4 --per channel --clip mse -o rounded/model.safetensors origin/model.safetensors
        ppl -m rounded --against origin -t "$golden/tokenizer.json" eng.txt deu.txt >file.csv 2>/dev/null
        cmp way.csv file.csv
        rm -r origin rounded
    done
}

@test "ppl: noise of the size of rounding, on the way as in a file, in any dtype; its seeds differ" {
    printf 'role,bits,method,seed\n*,4,noise,7\n' >noise.csv
    for m in gpt2-a:F32 bloom-a:BF16; do
        mkdir -p origin changed
        cp "$(golden ${m%:*})/config.json" origin/
        cp origin/config.json changed/
        modelcat --dtype "${m#*:}" -o origin/model.safetensors "$(golden ${m%:*})"
        ppl -m origin -t "$golden/tokenizer.json" --quant bits=4,method=noise,seed=7 eng.txt deu.txt >way.csv 2>/dev/null
        wquant --recipe noise.csv --report noise-report.csv -o changed/model.safetensors origin/model.safetensors
        ppl -m changed --against origin -t "$golden/tokenizer.json" eng.txt deu.txt 2>/dev/null | cmp - way.csv
        wquant --bits 4 --report report.csv -o rounded.t origin/model.safetensors
        mlr --icsv --onidx cut -f mse noise-report.csv >noise.mse
        mlr --icsv --onidx cut -f mse report.csv >mse
        # squares of errors: as the norms to 1e-6 in float, to what bfloat16 leaves of them there
        paste noise.mse mse | awk -v t="$([[ $m == *BF16 ]] && echo 1e-2 || echo 2e-6)" \
            '{ d = $1 / $2 - 1; if (d < 0) d = -d; if (!(d <= t)) { print; bad = 1 } } END { exit bad || NR < 4 }'
        ppl -m origin -t "$golden/tokenizer.json" --quant bits=4,method=noise,seed=8 eng.txt deu.txt 2>/dev/null >other.csv
        run ! cmp -s other.csv way.csv
        rm -r origin changed
    done
    run -1 bash -c "modelcat $golden/llama-a | wquant --recipe noise.csv --pack packed"
    [[ $output == *"noise has no levels"* ]]
}

@test "ppl: two models of other families, widths and contexts, each as alone" {
    t="$golden/tokenizer.json"
    ppl -m "$(golden llama-a)" --against "$(golden gpt2-a)" -t "$t" eng.txt >both.csv 2>/dev/null
    [[ $(field nll <both.csv) == "$(score llama-a --context 64 eng.txt | field nll)" ]]
    [[ $(field ref_nll <both.csv) == "$(score gpt2-a eng.txt | field nll)" ]]
    awk '{ exit !($1 > 0) }' <<<"$(field kl <both.csv)"
    # gpt2-a has 64 positions, llama-a 128: the one that has less says so
    run -1 --separate-stderr ppl -m "$(golden llama-a)" --against "$(golden gpt2-a)" -t "$t" --context 100 eng.txt
    [[ $stderr == "ppl: --context: "*"/gpt2-a has 64 positions" ]]
}

