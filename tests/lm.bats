# The decoder against the reference code's numbers, family by family, and that wrong decoders are told from right ones.
load helper

setup() {
    helper_setup
}

decoder() {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/decoder "$(golden "$1")" "$(golden "$1")" "${@:2}"
}

@test "decoder: logits, hidden states, MLP taps and nll of seven families within 1e-4" {
    for m in bloom xglm gpt2 opt gpt_neox llama qwen2; do decoder $m-a; done
}

@test "decoder: products in bf16x3 are as exact, in bf16 within their own tolerance, which is not f32's" {
    for m in bloom xglm gpt2 opt gpt_neox llama qwen2; do
        decoder $m-a bf16x3
        decoder $m-a bf16 >bf16.out
        awk '$1 == "logits" { exit !($2 > 0.01) }' bf16.out
    done
}

@test "decoder: the same from modelcat's stream" {
    for m in bloom xglm gpt2 opt gpt_neox llama qwen2; do
        modelcat "$(golden $m-a)" >m.t
        "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/decoder m.t "$(golden $m-a)"
    done
}

@test "decoder: the other GELU does not pass" {
    for m in bloom xglm gpt2 gpt_neox; do
        run -1 decoder $m-a gelu-other
        [[ $output == *"logits "*"beyond the tolerance"* ]]
    done
}

@test "decoder: q and k in each other's place do not pass" {
    for m in bloom gpt2 gpt_neox; do
        run -1 decoder $m-a swap-qk
        [[ $output == *"logits "*"beyond the tolerance"* ]]
    done
}

@test "decoder: rotation of neighbours, positions off by one do not pass" {
    for m in gpt_neox llama qwen2; do
        run -1 decoder $m-a neighbours
        [[ $output == *"logits "*"beyond the tolerance"* ]]
    done
    for m in gpt2 opt; do
        run -1 decoder $m-a shift
        [[ $output == *"logits "*"beyond the tolerance"* ]]
    done
}

# memory MODEL [shift]: by tests/unit/memory.c
memory() {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/memory "$1" "$1" "${@:2}"
}

@test "decoder: sequences in pieces, with keys and values remembered, as whole ones to 3e-5; not a place off" {
    for m in "$DATA"/golden/*-a "$DATA"/variants/*/; do
        memory "$m"
        run -1 memory "$m" shift
        awk -v d="${output% *}" 'BEGIN { exit !(d > 0.01) }'
    done
}

# variant NAME [COPY]: the decoder on that model, or on a copy of it with another config, against its expected numbers
variant() {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/decoder "${2:-$DATA/variants/$1}" "$DATA/variants/$1"
}

@test "decoder: what else a config.json can ask for, F16 and BF16, within 1e-4" {
    for dir in "$DATA"/variants/*/; do variant "$(basename "$dir")" || { echo "$dir"; return 1; }; done
}

@test "decoder: with those options otherwise it does not pass" {
    while read -r name was is; do
        rm -rf copy && cp -r "$DATA/variants/$name" copy && chmod -R u+w copy
        sed -i "s/$was/$is/" copy/config.json
        run ! cmp copy/config.json "$DATA/variants/$name/config.json"
        run -1 variant "$name" copy
        [[ $output == *"logits "*"beyond the tolerance"* ]] || { echo "$name: $output"; return 1; }
    done <<'END'
bloom-normed-residual "apply_residual_connection_post_layernorm":.true "apply_residual_connection_post_layernorm":false
xglm-untied "scale_embedding":.false "scale_embedding":true
xglm-untied "tie_word_embeddings":.false "tie_word_embeddings":true
gpt_neox-serial "use_parallel_residual":.false "use_parallel_residual":true
gpt_neox-serial "rotary_pct":.1.0 "rotary_pct":0.5
llama-rope-linear "factor":.4.0 "factor":2.0
llama-rope-llama3 "high_freq_factor":.4.0 "high_freq_factor":8.0
llama-rope-llama3 "low_freq_factor":.1.0 "low_freq_factor":2.0
llama-rope-llama3 "original_max_position_embeddings":.64 "original_max_position_embeddings":128
llama-rope-llama3 "rope_theta":.500.0 "rope_theta":10000.0
mistral-bf16 "rope_theta":.1000000.0 "rope_theta":10000.0
END
}

@test "decoder: gpt_neox's rotation as newer configs have it; a kind that is not supported is refused" {
    cp -r "$DATA/variants/gpt_neox-serial" copy && chmod -R u+w copy
    newer() { # SHARE THETA KIND
        sed '/"rotary_emb_base"/d; s/"rotary_pct".*/"rope_parameters": {"partial_rotary_factor": '"$1"', "rope_theta": '"$2"', "rope_type": "'"$3"'", "factor": 2},/' \
            "$DATA/variants/gpt_neox-serial/config.json" >copy/config.json
    }
    newer 1.0 10000 default
    variant gpt_neox-serial copy
    for other in "0.5 10000" "1.0 500"; do
        # shellcheck disable=SC2086 # two words
        newer $other default
        run -1 variant gpt_neox-serial copy
        [[ $output == *"logits "*"beyond the tolerance"* ]]
    done
    newer 1.0 10000 linear
    run -1 --separate-stderr modelcat -o x.t copy
    [[ $stderr == "modelcat: copy: config: 'rope_scaling' of gpt_neox is not supported" ]]
}
