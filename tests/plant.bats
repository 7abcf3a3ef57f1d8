# plant: the same function to the last bit, for every pair of every family; where scales go, by hand; what it does to tails
# and to rounding, and back; then what must be refused, and the contract that every program keeps.
load helper

setup() {
    helper_setup
    tokenizer=$DATA/golden/tokenizer.json
    head -c 900 "$BATS_TEST_DIRNAME/../pipelines/data/udhr/eval/eng.txt" >eng.txt
    # 24 tokens that all models have
    tgen -n x.ids -d I32 $(seq 3 26) >a.t && tgen -n x.offsets -d I32 0 24 >b.t && tensorcat a.t b.t >ids.t
}

# states MODEL: what the head multiplies; to the last bit, as text has the shortest digits that read back
states() { actdump -m "$1" --site final --reduce none ids.t 2>/dev/null | tensorcat --only=final --to=text; }

# data STREAM: all tensors, without metadata and frames
data() { tensorcat --to=csv "$1" | cut -d, -f2-; }

# column STREAM NAME J, row STREAM NAME I: of a matrix, from 0, or an element of a vector
column() { tensorcat --only="$2" --to=text "$1" | awk -v j="$3" '{ print $(j + 1) }'; }
row() { tensorcat --only="$2" --to=text "$1" | sed -n "$(($3 + 1))p" | tr ' ' '\n'; }
# times BY: each number on stdin multiplied (all are floats, and BY is a power of two)
times() { awk -v by="$1" '{ printf "%.9g\n", $1 * by }'; }
# same_numbers A B: text of floats rounds them to a few parts in 10^8
same_numbers() {
    paste "$1" "$2" | awk '{ d = $1 - $2; if (NF != 2 || d * d > 1e-14 * $1 * $1) { print; bad = 1 } } END { exit bad || !NR }'
}

# damage MODEL: KL of 4-bit weights, nats a token
damage() { ppl -m "$1" --quant bits=4 -t "$tokenizer" eng.txt 2>/dev/null | field kl; }

# ---- the same function

@test "plant: every pair of every family leaves the function as it is, to the last bit; what has no such pair is refused" {
    while read -r model pairs; do
        dir=$DATA/$model
        states "$dir" >wanted
        [[ -s wanted ]]
        [[ $model == *f16 ]] && factor=2 || factor=256
        plant --layer 0-1 --pair "$pairs" --channels 5 --factor "$factor" "$dir" >planted.t
        states planted.t >got
        cmp wanted got || { echo "$model"; return 1; }
        plant --equalise "$dir" --report r.csv >evened.t
        states evened.t >got
        cmp wanted got || { echo "$model evened"; return 1; }
        [[ $(cut -d, -f2 r.csv | sed 1d | sort -u) == "$(tr , '\n' <<<"$pairs" | sort)" ]]
        for pair in vo norm-attn norm-mlp up-down; do
            [[ ,$pairs, == *,$pair,* ]] || { run -1 --separate-stderr plant --layer 0 --pair $pair "$dir"
                [[ $stderr == "plant: $dir: it has no exact pair $pair: "* && -z $output ]]; }
        done
        n=$((${n:-0} + 1))
    done <<'TABLE'
golden/bloom-a vo,norm-attn,norm-mlp
golden/xglm-a vo,norm-attn,norm-mlp
golden/gpt2-a vo,norm-attn,norm-mlp
golden/opt-a vo,norm-attn,norm-mlp,up-down
golden/gpt_neox-a vo,norm-attn,norm-mlp
golden/llama-a vo,norm-attn,norm-mlp,up-down
golden/qwen2-a vo,norm-attn,norm-mlp,up-down
variants/bloom-normed-residual vo
variants/xglm-untied vo,norm-attn,norm-mlp
variants/gpt2-untied-f16 vo,norm-attn,norm-mlp,up-down
variants/opt-350m vo,up-down
variants/opt-wide-embedding vo,norm-attn,norm-mlp
variants/opt-no-final-norm vo,norm-attn,norm-mlp,up-down
variants/gpt_neox-serial vo,norm-attn,norm-mlp
variants/gpt_neox-no-bias vo,norm-attn,norm-mlp
variants/llama-bias vo,norm-attn,norm-mlp,up-down
variants/llama-head-dim vo,norm-attn,norm-mlp,up-down
variants/llama-rope-linear vo,norm-attn,norm-mlp,up-down
variants/llama-rope-llama3 vo,norm-attn,norm-mlp,up-down
variants/mistral-bf16 vo,norm-attn,norm-mlp,up-down
variants/qwen2-untied-bf16 vo,norm-attn,norm-mlp,up-down
TABLE
    ((n == 21))
}

@test "plant: ppl says so too: KL 0, nll equal; and one side alone is another function" {
    dir=$(golden bloom-a)
    plant --layer 1 --pair vo,norm-mlp "$dir" >p.t
    ppl -m p.t --against "$dir" -t "$tokenizer" eng.txt >out.csv 2>/dev/null
    [[ $(field kl <out.csv) == 0 && $(field top1_agreement <out.csv) == 1 ]]
    [[ $(field nll <out.csv) == "$(field ref_nll <out.csv)" ]]
    modelcat "$dir" >whole.t
    for name in h.1.self_attention.dense.weight h.1.post_attention_layernorm.bias; do
        tensorcat --skip="*.$name" p.t >rest.t
        tensorcat --only="*.$name" whole.t >one.t
        tensorcat rest.t one.t >mixed.t
        ppl -m mixed.t --against "$dir" -t "$tokenizer" eng.txt >out.csv 2>/dev/null
        awk -v kl="$(field kl <out.csv)" 'BEGIN { exit !(kl > 1e-4) }' || { echo "$name"; return 1; }
    done
}

@test "plant: any factor and real scales keep the function to rounding" {
    for model in bloom-a llama-a; do
        dir=$(golden $model)
        plant --layer 0-2 --pair vo,norm-attn,norm-mlp --factor 3.7 --inexact "$dir" >p.t
        plant --equalise --real p.t >e.t
        run ! cmp <(states p.t) <(states "$dir")
        for stream in p.t e.t; do
            ppl -m $stream --against "$dir" -t "$tokenizer" eng.txt >out.csv 2>/dev/null
            close "$(field nll <out.csv)" "$(field ref_nll <out.csv)" 1e-6
            near "$(field kl <out.csv)" 0 1e-9
        done
    done
}

# ---- where scales go

@test "plant: bloom's values are the third of each head's rows, gpt2's the last third of columns, llama's heads share them" {
    plant --layer 2 --channels 2 --report r.csv "$(golden bloom-a)" >p.t # 6 heads of 8
    modelcat "$(golden bloom-a)" >m.t
    [[ $(mlr --icsv --onidx cut -o -f layer,pair,scale r.csv | sort -u) == "2 vo 64" && $(wc -l <r.csv) == 3 ]]
    for k in $(mlr --icsv --onidx cut -f channel r.csv); do
        column m.t '*.2.self_attention.dense.weight' "$k" | times 64 >wanted
        column p.t '*.2.self_attention.dense.weight' "$k" >got
        same_numbers wanted got
        for kind in weight bias; do
            row m.t "*.2.self_attention.query_key_value.$kind" $((k / 8 * 24 + 16 + k % 8)) | times 0.015625 >wanted
            row p.t "*.2.self_attention.query_key_value.$kind" $((k / 8 * 24 + 16 + k % 8)) >got
            same_numbers wanted got
        done
    done
    plant --layer 0 --channels 1 --report r.csv "$(golden gpt2-a)" >p.t # 48 wide
    modelcat "$(golden gpt2-a)" >m.t
    k=$(field channel <r.csv)
    row m.t h.0.attn.c_proj.weight "$k" | times 64 >wanted
    row p.t h.0.attn.c_proj.weight "$k" >got
    same_numbers wanted got
    column m.t h.0.attn.c_attn.weight $((96 + k)) | times 0.015625 >wanted
    column p.t h.0.attn.c_attn.weight $((96 + k)) >got
    same_numbers wanted got
    plant --layer 1 --channels 1 --report r.csv "$(golden llama-a)" >p.t # 4 heads of 16, 2 of keys and values
    modelcat "$(golden llama-a)" >m.t
    k=$(field channel <r.csv)
    row m.t 'model.layers.1.self_attn.v_proj.weight' "$k" | times 0.015625 >wanted
    row p.t 'model.layers.1.self_attn.v_proj.weight' "$k" >got
    same_numbers wanted got
    for j in $((k / 16 * 32 + k % 16)) $((k / 16 * 32 + 16 + k % 16)); do
        column m.t 'model.layers.1.self_attn.o_proj.weight' $j | times 64 >wanted
        column p.t 'model.layers.1.self_attn.o_proj.weight' $j >got
        same_numbers wanted got
    done
    # and nothing else
    diff <(data m.t) <(data p.t) | grep -c '^>' >n || true
    (($(cat n) == 64 + 2 * 64))
}

@test "plant: evened out, what writes a channel is as large as what reads it" {
    plant --equalise --real --pair up-down "$(golden llama-a)" >e.t
    # the largest of each row of up, of each column of down
    for layer in 0 2; do
        tensorcat --only="*.$layer.mlp.up_proj.weight" --to=text e.t |
            awk '{ m = 0; for (i = 1; i <= NF; i++) { a = $i < 0 ? -$i : $i; if (a > m) m = a }; print m }' >writes
        tensorcat --only="*.$layer.mlp.down_proj.weight" --to=text e.t | awk '
            { for (i = 1; i <= NF; i++) { a = $i < 0 ? -$i : $i; if (a > m[i]) m[i] = a } }
            END { for (i = 1; i <= NF; i++) print m[i] }' >reads
        paste writes reads | awk '{ d = $1 / $2 - 1; if (d * d > 1e-11) { print; bad = 1 } } END { exit bad || NR != 100 }'
    done
    plant --equalise --pair up-down --report r.csv "$(golden llama-a)" >e.t # within a factor of two
    tensorcat --only="*.0.mlp.up_proj.weight" --to=text e.t |
        awk '{ m = 0; for (i = 1; i <= NF; i++) { a = $i < 0 ? -$i : $i; if (a > m) m = a }; print m }' >writes
    tensorcat --only="*.0.mlp.down_proj.weight" --to=text e.t | awk '
        { for (i = 1; i <= NF; i++) { a = $i < 0 ? -$i : $i; if (a > m[i]) m[i] = a } }
        END { for (i = 1; i <= NF; i++) print m[i] }' >reads
    paste writes reads | awk '{ if ($1 / $2 > 2 || $1 / $2 < 0.5) { print; bad = 1 } } END { exit bad || NR != 100 }'
    plant --equalise --pair up-down --report again.csv e.t >/dev/null # nothing is left to do
    [[ $(cat again.csv) == layer,pair,channel,scale && $(wc -l <r.csv) -gt 10 ]]
}

@test "plant: draws depend on the seed alone, layers and channels, without one twice" {
    plant --draw 2 --pair vo,norm-mlp --channels 20 --seed 5 --report one.csv "$(golden xglm-a)" >/dev/null
    plant --draw 2 --pair vo --channels 20 --seed 5 --report two.csv "$(golden xglm-a)" >/dev/null
    diff <(grep ,vo, one.csv) <(sed 1d two.csv)
    [[ $(mlr --icsv --onidx count-distinct -f layer,pair then cut -f count one.csv) == $'20\n20\n20\n20' ]]
    [[ $(mlr --icsv --onidx count-distinct -f layer,pair,channel then count one.csv) == 80 ]]
    for seed in 1 2 3 4 5 6 7 8; do
        plant --draw 1 --channels 1 --seed $seed --report r.csv "$(golden xglm-a)" >/dev/null
        sed 1d r.csv >>drawn
    done
    (($(cut -d, -f1 drawn | sort -u | wc -l) > 1 && $(cut -d, -f3 drawn | sort -u | wc -l) > 4))
    plant --draw 1 --layer 1-2 --channels 48 --report r.csv "$(golden xglm-a)" >/dev/null # all of them
    [[ $(field layer <r.csv) == [12] && $(wc -l <r.csv) == 49 ]]
}

# ---- what it is for

@test "plant: kurt finds the planted layer, rounding hurts more, evening out takes both away whatever the factor was" {
    for model in bloom-a gpt2-a opt-a xglm-a; do
        for pair in vo norm-attn norm-mlp; do
            dir=$(golden $model)
            plant --layer 1 --pair $pair "$dir" >p.t
            kurt --by layer p.t | mlr --icsv --onidx filter 'is_not_empty($layer)' then sort -nr kurtosis then cut -o -f layer,kurtosis >tails
            awk 'NR == 1 && !($1 == 1 && $2 > 50) { exit 1 } NR == 2 && $2 > 6 { exit 1 }' tails
            plant --equalise --pair $pair p.t >e.t
            plant --equalise --pair $pair "$dir" >e0.t
            cmp <(data e.t) <(data e0.t)
            awk -v before="$(damage "$dir")" -v planted="$(damage p.t)" -v evened="$(damage e.t)" 'BEGIN {
                print before, planted, evened
                exit !(planted > 2 * before && evened < 1.25 * before) }' || { echo "$model $pair"; return 1; }
        done
    done
}

@test "plant: the same seed with 1/C takes it away to the last bit" {
    modelcat "$(golden qwen2-a)" >m.t
    plant --draw 2 --pair vo,norm-attn,norm-mlp,up-down --factor 128 --seed 9 m.t |
        plant --draw 2 --pair vo,norm-attn,norm-mlp,up-down --factor 0.0078125 --seed 9 >back.t
    cmp <(data m.t) <(data back.t)
    tensorcat --meta back.t | grep -q 'plant .*--factor=\?.\?128'
}

# ---- what is refused

@test "plant: weights that leave their dtype are refused, not changed" {
    wrong_usage "--factor: 3 is no power of two, and weights would be rounded; --inexact allows it" plant --layer 0 --factor 3 x
    f16=$DATA/variants/gpt2-untied-f16
    run -1 --separate-stderr plant --layer 0 --factor 4194304 --channels 12 --inexact "$f16"
    [[ $stderr == *"'transformer.h.0.attn.c_proj.weight': a weight leaves the range of its dtype when it is scaled" ]]
    run -1 --separate-stderr plant --layer 0 --factor 4096 --channels 12 "$f16"
    [[ $stderr == *"'transformer.h.0.attn.c_attn.weight': a weight is rounded by its dtype when it is scaled; --inexact allows it" ]]
    plant --layer 0 --factor 4096 --channels 12 --inexact "$f16" >p.t
    [[ $(tensorcat --list p.t | cut -d, -f4 | sort -u) == $'F16\ndtype' ]]
    modelcat "$(golden bloom-a)" >m.t
    tgen -n transformer.h.1.mlp.dense_h_to_4h.bias NaN $(seq 191) >nan.t
    tgen -n transformer.h.2.input_layernorm.weight inf $(seq 47) >inf.t
    tensorcat --skip='*.h.1.mlp.dense_h_to_4h.bias,*.h.2.input_layernorm.weight' m.t >rest.t
    tensorcat rest.t nan.t inf.t >bad.t # which passes through a bias is not looked at, but what decides is
    run -1 --separate-stderr plant --equalise -o out.t bad.t
    [[ $stderr == "plant: bad.t: 'transformer.h.2.input_layernorm.weight': a weight is not finite" && ! -e out.t ]]
    plant --layer 2 --pair norm-attn bad.t >p.t
    [[ $(row p.t '*.2.input_layernorm.weight' 0) == Inf ]]
}

@test "plant: wrong usage and what the model does not have is named" {
    wrong_usage "--layer or --draw is missing: which layers?" plant x
    wrong_usage "--layer: '1-' is neither N nor N-M" plant --layer 1- "$(golden bloom-a)"
    wrong_usage "--factor does nothing with --equalise" plant --equalise --factor 2 x
    wrong_usage "--channels does nothing with --equalise" plant --equalise --channels 2 x
    wrong_usage "--seed does nothing with --equalise without --draw" plant --equalise --seed 2 x
    wrong_usage "--real does nothing without --equalise" plant --layer 1 --real x
    run -2 --separate-stderr plant --layer 1 --pair vo,qk "$(golden bloom-a)"
    [[ $stderr == "plant: --pair: 'qk' is not one of"* ]]
    run -1 --separate-stderr plant --layer 1-3 "$(golden bloom-a)"
    [[ $stderr == *": there is no layer 3: it has 3, 0 to 2" ]]
    run -1 --separate-stderr plant --draw 4 "$(golden bloom-a)"
    [[ $stderr == *": --draw: there are only 3 layers to draw from" ]]
    run -1 --separate-stderr plant --layer 1 --channels 33 "$(golden llama-a)"
    [[ $stderr == *": --channels: vo has only 32" ]]
}

# ---- the contract

@test "plant: keeps the contract of every program" { keeps_contract plant; }

@test "plant: directory, file, stream, pipe and any order of tensors are one model; any threads, the same bytes" {
    dir=$(golden gpt_neox-a)
    modelcat "$dir" >m.t
    plant --layer 0,2 --pair vo,norm-mlp "$dir" >dir.t
    plant --layer 0,2 --pair vo,norm-mlp m.t >file.t
    plant --layer 0,2 --pair vo,norm-mlp <m.t | cmp - file.t
    tensorcat m.t | plant --layer 0,2 --pair vo,norm-mlp - | cmp <(data -) <(data file.t)
    plant --layer 0,2 --pair vo,norm-mlp "$dir/model.safetensors" | cmp - dir.t
    cmp <(data dir.t) <(data file.t)
    plant --layer 0,2 --pair vo,norm-mlp -o plain.safetensors m.t
    tensorcat --list plain.safetensors | cut -d, -f3 | sed 1d >names
    while read -r name; do tensorcat --only="$name" m.t >"one.$name"; done <names
    tensorcat one.* | plant --layer 0,2 --pair vo,norm-mlp >shuffled.t
    cmp <(data file.t | sort) <(data shuffled.t | sort)
    cmp <(data plain.safetensors | sort) <(data file.t | sort)
    for options in "--layer 1 --pair norm-attn" "--equalise" "--equalise --real"; do
        # shellcheck disable=SC2086
        for j in 1 2 5; do plant $options -j $j --report r.csv "$dir" >j$j.t; mv r.csv r$j.csv; done
        cmp j1.t j2.t && cmp j1.t j5.t && cmp r1.csv r5.csv
    done
}

@test "plant: cut, empty and foreign input, a full disk, a kill half way" {
    modelcat "$(golden bloom-a)" >m.t
    head -c -1 m.t >cut.t
    run -1 --separate-stderr plant --layer 0 -o out.t cut.t
    [[ $stderr == "plant: cut.t: "*truncated* && ! -e out.t ]]
    head -c 3000 m.t | { run -1 --separate-stderr plant --layer 0 -o out.t; [[ $stderr == "plant: standard input: "* && ! -e out.t ]]; }
    : >empty.t
    run -1 --separate-stderr plant --equalise -o out.t empty.t
    [[ $stderr == "plant: empty.t: "* && ! -e out.t ]]
    tgen 1 2 3 >x.t
    run -1 --separate-stderr plant --equalise -o out.t x.t
    [[ $stderr == "plant: x.t: "* && ! -e out.t ]]
    tensorcat --skip='*.h.1.self_attention.dense.weight' m.t >missing.t
    run -1 --separate-stderr plant --layer 1 -o out.t missing.t
    [[ $stderr == "plant: missing.t: 'transformer.h.1.self_attention.dense.weight' is missing" && ! -e out.t ]]
    run -1 bash -c 'plant --layer 0 m.t > /dev/full'
    run -1 plant --layer 0 --report /dev/full -o out.t m.t
    [[ ! -e out.t ]]
    mkfifo pipe
    plant --layer 0 -o out.t pipe 2>/dev/null &
    pid=$!
    { head -c 20000 m.t; kill -KILL $pid; } >pipe || true
    wait $pid || true
    [[ ! -e out.t ]]
}
