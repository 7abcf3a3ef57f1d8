# Training's forward and backward pass, by tests/unit/grad.c: every derivative against differences of a decoder in
# double precision that is written down there once more.
load helper

setup() {
    helper_setup
    echo '{"model_type":"bloom","n_layer":2,"hidden_size":8,"n_head":2,"vocab_size":13}' >bloom.json
    echo '{"model_type":"xglm","num_layers":2,"d_model":8,"attention_heads":2,"ffn_dim":20,"vocab_size":13,
        "max_position_embeddings":256}' >xglm.json
    echo '{"model_type":"gpt2","n_layer":2,"n_embd":8,"n_head":2,"vocab_size":13,"n_positions":256}' >gpt2.json
    echo '{"model_type":"opt","num_hidden_layers":2,"hidden_size":8,"num_attention_heads":2,"ffn_dim":20,
        "vocab_size":13,"max_position_embeddings":256}' >opt.json
    echo '{"model_type":"gpt_neox","num_hidden_layers":2,"hidden_size":16,"num_attention_heads":2,
        "intermediate_size":20,"vocab_size":13,"rotary_pct":0.5}' >gpt_neox.json
    echo '{"model_type":"llama","num_hidden_layers":2,"hidden_size":16,"num_attention_heads":4,
        "num_key_value_heads":2,"intermediate_size":20,"vocab_size":13}' >llama.json
    echo '{"model_type":"qwen2","num_hidden_layers":2,"hidden_size":16,"num_attention_heads":4,
        "num_key_value_heads":1,"intermediate_size":20,"vocab_size":13,"tie_word_embeddings":true}' >qwen2.json
    families="bloom xglm gpt2 opt gpt_neox llama qwen2"
    hybrids=()
    hybrid bloom '"position":"sinusoidal","embed_norm":false'
    hybrid bloom '"position":"learned","n_position":256,"embed_scale":3'
    hybrid bloom '"position":"rotary","activation":"gelu"'
    hybrid bloom '"position":"none"'
    hybrid xglm '"position":"alibi","embed_norm":true'
    hybrid xglm '"position":"learned","embed_scale":1,"activation":"gelu_new"'
    hybrid llama '"position":"sinusoidal","embed_norm":true'
    sed 's/}$/,"apply_residual_connection_post_layernorm":true}/' bloom.json >bloom-normed.json
}

# hybrid FAMILY OVERRIDES: hybrid-N.json
hybrid() {
    local file=hybrid-$((${#hybrids[@]} + 1)).json
    sed "\$s/}\$/,\"babelbits\":{$2}}/" "$1.json" >"$file"
    hybrids+=("$file")
}

grad() {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/grad "$@"
}

@test "grad: each parameter's derivative within 2e-5 of its tensor's largest, seven families" {
    for m in $families bloom-normed; do grad $m.json; done
}

@test "grad: hybrids: each part of a family in another" {
    for m in "${hybrids[@]}"; do grad "$m"; done
}

@test "grad: any threads and company the same bytes, losses those of the forward pass, precisions, masks" {
    for m in $families bloom-normed; do files+=("$m.json"); done
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/gradrun "${files[@]}" "${hybrids[@]}"
}

@test "grad: a hybrid's directory is read by modelcat, which says what it is; without the object it is its family" {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/gradrun hybrid-5.json
    modelcat model-1 >m.t 2>notes
    grep -q '^modelcat: model-1: .*"babelbits"' notes
    tensorcat --list m.t >list
    grep -q model.embed_norm.weight list
    grep -q model.embed_norm.bias list
    sed -Ezi 's/"babelbits": *\{[^}]*\}/"babelbits":{}/' model-1/config.json
    modelcat model-1 2>notes | tensorcat --list - >list
    run ! grep embed_norm list
    grep -q "left out.*'model.embed_norm" notes
    run ! grep babelbits notes
}

# refused MESSAGE FILE: by grad, with a message that holds these words
refused() {
    run -1 grad "$2"
    [[ $output == *"$1"* ]]
}

@test "grad: what cannot be trained, or is no hybrid, is refused with a reason" {
    sed 's/}$/,"do_layer_norm_before":false}/' opt.json >after.json
    refused "norms behind" after.json
    sed 's/}$/,"word_embed_proj_dim":4}/' opt.json >wide.json
    refused "another width" wide.json
    sed 's/":256/":5/' gpt2.json >short.json
    refused "sequences of 7 tokens; the model has positions for 1 to 5" short.json
    for h in '"positoin":"none"' '"position":"nine"' '"position":1' '"embed_norm":1' '"embed_scale":-1' '"embed_scale":0' \
        '"position":"learned"' '"activation":"tanh"' '"n_position":0'; do
        hybrid bloom "$h"
        refused "config: '" "${hybrids[-1]}"
    done
    for h in 'n_position":5' 'rope_theta":500' 'position":"rotary","n_position":5' 'position":"learned","n_position":5,"rope_theta":500'; do
        hybrid bloom "\"$h"
        refused "does nothing where positions are not " "${hybrids[-1]}"
    done
    for h in '"n_position":5' '"rope_theta":500'; do
        hybrid xglm "$h"
        refused "does nothing where positions are not " "${hybrids[-1]}"
    done
    hybrid llama '"rope_theta":500'
    grad "${hybrids[-1]}"
    sed 's/}$/,"babelbits":[]}/' bloom.json >list.json
    refused "'babelbits' is not an object" list.json
}

@test "grad: the same with dropout, of fixed masks" {
    for m in $families; do grad $m.json --dropout; done
}

@test "grad: long sequences, several micro-batches, along a random direction of each tensor" {
    for m in bloom llama; do grad $m.json --long --dropout; done
    for m in xglm gpt2; do grad $m.json --long; done
}

@test "grad: another GELU, q and k in each other's place, masks left out: none passes" {
    for m in bloom xglm gpt2 gpt_neox; do
        run -1 grad $m.json --other-gelu
        [[ $output == *"gradient "*"beyond the tolerance" ]]
    done
    for m in bloom xglm gpt2 opt gpt_neox llama; do
        run -1 grad $m.json --swap-qk
        [[ $output == *"gradient "*"beyond the tolerance" ]]
        run -1 grad $m.json --no-mask
        [[ $output == *"gradient "*"beyond the tolerance" ]]
    done
}
