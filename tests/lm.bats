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
