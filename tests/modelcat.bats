# modelcat, and what every program takes as a model: values first, then what must be refused.
load helper

setup() {
    helper_setup
}

FAMILIES=(bloom-a xglm-a gpt2-a opt-a gpt_neox-a llama-a qwen2-a)

# ---- values

@test "modelcat: every tensor of every family comes as it is in the file, buffers apart" {
    for m in "${FAMILIES[@]}"; do
        modelcat "$(golden $m)" >m.t
        tensorcat --check m.t
        tensorcat --list m.t | cut -d, -f3 | sed 1d | sort >names
        tensorcat --list "$(golden $m)/model.safetensors" | cut -d, -f3 | sed 1d |
            grep -Ev '(h\.[0-9]\.attn|attention)\.(masked_)?bias$|inv_freq$' | sort | diff - names
        only=$(paste -sd, names)
        tensorcat --to=csv --only="$only" "$(golden $m)/model.safetensors" | cut -d, -f2- | sort >wanted
        tensorcat --to=csv m.t | cut -d, -f2- | sort | cmp - wanted
    done
}

@test "modelcat: a frame for the embeddings, one for each layer, one for the rest, in the order of a forward pass" {
    modelcat "$(golden bloom-a)" >m.t
    tensorcat --list m.t | cut -d, -f2,3 | sed 1d | sed 's/,transformer\./ /' >got
    {
        printf '0 %s\n' word_embeddings.weight word_embeddings_layernorm.{weight,bias}
        for l in 0 1 2; do
            printf "$((l + 1)) h.$l.%s\n" {input_layernorm,self_attention.{query_key_value,dense}}.{weight,bias} \
                {post_attention_layernorm,mlp.dense_{h_to_4h,4h_to_h}}.{weight,bias}
        done
        printf '4 ln_f.%s\n' weight bias
    } | diff - got
}
