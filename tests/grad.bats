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
}

grad() {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/grad "$@"
}

@test "grad: each parameter's derivative within 2e-5 of its tensor's largest, seven families" {
    for m in $families; do grad $m.json; done
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
