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

# checkpoint [-r|-k|-m] MODEL: what a program is given that opens MODEL (tests/unit/checkpoint.c)
checkpoint() {
    "${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/checkpoint "$@"
}

# reheader SED < SAFETENSORS: the same with its JSON header changed
reheader() {
    cat >reheader.tmp
    local n json i
    n=$(od -An -tu8 -N8 reheader.tmp)
    json=$(head -c $((8 + n)) reheader.tmp | tail -c "$n" | sed -E "$1")
    for ((i = 0; i < 8; i++)); do printf "\\x$(printf %02x $((${#json} >> 8 * i & 255)))"; done
    printf '%s' "$json"
    tail -c +$((9 + n)) reheader.tmp
}

# model NAME [SED [SED]]: a copy of a golden model in ./NAME, its tensors' header and its config changed
model() {
    mkdir "$1"
    reheader "${2:-}" <"$(golden "$1")/model.safetensors" >"$1/model.safetensors"
    sed -E "${3:-}" "$(golden "$1")/config.json" >"$1/config.json"
}

# refused MODEL WHY: modelcat MODEL says why (a pattern) in one line, and writes nothing
refused() {
    run -1 --separate-stderr modelcat -o out.t "$1"
    # shellcheck disable=SC2053 # WHY is a pattern
    [[ $stderr == "modelcat: $1: "$2 && ! -e out.t ]] || { echo "$stderr"; return 1; }
    ((${#stderr_lines[@]} == 1))
}

@test "modelcat: metadata of every frame say what model it is; config.json is there to the letter" {
    modelcat -z 0 --dtype=BF16 "$(golden gpt2-a)" >m.t
    tensorcat --meta m.t >meta.csv
    [[ $(grep -c ',kind,weights$' meta.csv) == 5 && $(grep -c ',model_type,gpt2$' meta.csv) == 5 ]]
    [[ $(mlr --icsv --ojson filter '$key == "history"' meta.csv | grep -c '"modelcat [0-9.]* --dtype BF16"') == 5 ]]
    mlr --icsv --onidx filter '$frame == 4 && $key == "config"' then cut -f value meta.csv >got
    diff got <(cat "$(golden gpt2-a)/config.json"; echo)
}

@test "modelcat: --dtype converts as tensorcat does, with any number of threads; what would overflow is refused" {
    for dtype in F32 F16 BF16; do
        modelcat --dtype=$dtype -j 3 "$(golden llama-a)" >m.t
        modelcat --dtype=$dtype "$(golden llama-a)" | cmp - m.t
        modelcat "$(golden llama-a)" | tensorcat --dtype=$dtype | tensorcat --to=csv >wanted
        tensorcat --to=csv m.t | cmp - wanted
    done
    model qwen2-a
    tgen -n model.norm.weight -s 48 65519 $(seq 47) >norm.t
    tensorcat --skip=model.norm.weight qwen2-a/model.safetensors | tensorcat -o q.safetensors - norm.t
    mv q.safetensors qwen2-a/model.safetensors
    modelcat --dtype=F16 qwen2-a | tensorcat --to=text --only=model.norm.weight | head -1 | grep -qx 65504
    tgen -n model.norm.weight -s 48 65520 $(seq 47) >norm.t
    tensorcat --skip=model.norm.weight qwen2-a/model.safetensors | tensorcat -o q.safetensors - norm.t
    mv q.safetensors qwen2-a/model.safetensors
    run -1 --separate-stderr modelcat --dtype=F16 -o out.t qwen2-a
    [[ $stderr == "modelcat: qwen2-a: 'model.norm.weight': 65520 is beyond the range of F16" && ! -e out.t ]]
    modelcat --dtype=BF16 qwen2-a >m.t
    tgen -n model.norm.weight -s 48 3.4e38 $(seq 47) >norm.t # a float that rounds to no bfloat16
    tensorcat --skip=model.norm.weight qwen2-a/model.safetensors | tensorcat -o q.safetensors - norm.t
    mv q.safetensors qwen2-a/model.safetensors
    run -1 --separate-stderr modelcat --dtype=BF16 -o out.t qwen2-a
    [[ $stderr == "modelcat: qwen2-a: 'model.norm.weight': 3.4e+38 is beyond the range of BF16" && ! -e out.t ]]
    tgen -d F64 -n model.norm.weight -s 48 1e300 $(seq 47) >norm.t
    tensorcat --skip=model.norm.weight qwen2-a/model.safetensors | tensorcat -o q.safetensors - norm.t
    mv q.safetensors qwen2-a/model.safetensors
    for dtype in F32 BF16 F16; do
        run -1 --separate-stderr modelcat --dtype=$dtype -o out.t qwen2-a
        [[ $stderr == "modelcat: qwen2-a: 'model.norm.weight': 1e+300 is beyond the range of $dtype" && ! -e out.t ]]
    done
}

@test "modelcat: a plain file keeps the model whole, and gives the same stream again" {
    for m in "${FAMILIES[@]}"; do
        modelcat -o plain.safetensors "$(golden $m)"
        modelcat "$(golden $m)" | tensorcat --to=csv >wanted
        modelcat plain.safetensors | tensorcat --to=csv | cmp - wanted
        modelcat - <plain.safetensors | tensorcat --to=csv | cmp - wanted
    done
    tensorcat --meta plain.safetensors | grep -q ',model_type,qwen2$\|,model_type,xglm$'
}

@test "models: directory, file, stream, pipe and redirection give the same tensors; a file can be read twice" {
    for m in "${FAMILIES[@]}"; do
        checkpoint "$(golden $m)" >wanted
        (($(wc -l <wanted) > 30))
        checkpoint "$(golden $m)/model.safetensors" | cmp - wanted
        modelcat "$(golden $m)" >m.t
        modelcat -z 0 "$(golden $m)" >bare.t
        modelcat -o plain.safetensors "$(golden $m)"
        for source in m.t bare.t plain.safetensors; do
            checkpoint $source | cmp - wanted
            checkpoint -r $source | cmp - wanted
            checkpoint - <$source | cmp - wanted
        done
        cat m.t | checkpoint - | cmp - wanted
        cat bare.t | checkpoint - | cmp - wanted
        cat plain.safetensors | checkpoint - | sort | cmp - <(sort wanted)
        checkpoint -r "$(golden $m)" | cmp - wanted
    done
    run -1 --separate-stderr bash -c "cat m.t | '${BIN:-$BATS_TEST_DIRNAME/../bin}/unit/checkpoint' -r -"
    [[ $stderr == "checkpoint: standard input: cannot rewind" ]]
}

@test "models: names with the base model's prefix or without, whatever the file has" {
    strip=([0]=transformer [1]=model [2]=model.decoder [3]=gpt_neox [4]=model [5]=model)
    i=0
    for m in bloom-a xglm-a opt-a gpt_neox-a llama-a qwen2-a; do
        model $m "s/\"${strip[i++]}\\./\"/g"
        tensorcat --list $m/model.safetensors | cut -d, -f3 | sed 1d | run ! grep -q '^model\|^transformer\|^gpt_neox'
        checkpoint $m | cut -d' ' -f1,2,4- >got
        checkpoint "$(golden $m)" | cut -d' ' -f1,2,4- | cmp - got
    done
    model gpt2-a 's/"(wte|wpe|ln_f|h)\./"transformer.\1./g'
    checkpoint gpt2-a | cut -d' ' -f1,2,4- >got
    checkpoint "$(golden gpt2-a)" | cut -d' ' -f1,2,4- | cmp - got
    rm -r opt-a
    model opt-a 's/"model\.decoder\./"decoder./g'
    checkpoint opt-a | cut -d' ' -f1,2,4- >got
    checkpoint "$(golden opt-a)" | cut -d' ' -f1,2,4- | cmp - got
}

@test "models: shards of an index are one model" {
    mkdir sharded
    cp "$(golden bloom-a)/config.json" sharded
    tensorcat --only='*.h.1.*' -o sharded/a.safetensors "$(golden bloom-a)/model.safetensors"
    tensorcat --skip='*.h.1.*' -o sharded/b.safetensors "$(golden bloom-a)/model.safetensors"
    for f in a b; do tensorcat --list sharded/$f.safetensors; done | awk -F, '$3 != "name" {
        sub(".*/", "", $1); printf "%s\"%s\": \"%s\"", n++ ? ", " : "{\"weight_map\": {", $3, $1 } END { print "}}" }' \
        >sharded/model.safetensors.index.json
    checkpoint sharded | cmp - <(checkpoint "$(golden bloom-a)")
    modelcat sharded | tensorcat --to=csv >got
    modelcat "$(golden bloom-a)" | tensorcat --to=csv | cmp - got

    mv sharded/a.safetensors c
    refused sharded "a.safetensors: cannot read: No such file or directory"
    head -c 3000 c >sharded/a.safetensors
    run -1 --separate-stderr modelcat -o out.t sharded
    [[ $stderr == "modelcat: sharded: a.safetensors: "*truncated* && ! -e out.t ]]
    cp c sharded/a.safetensors
    index=$(<sharded/model.safetensors.index.json)
    echo "${index//a.safetensors/../a.safetensors}" >sharded/model.safetensors.index.json
    refused sharded "model.safetensors.index.json: 'transformer.h.1.*' is not given the name of a file beside it"
    echo '{"weight_map": {}}' >sharded/model.safetensors.index.json
    refused sharded "model.safetensors.index.json: has no weight_map"
    echo '{"weight_map": {"x": "a"' >sharded/model.safetensors.index.json
    refused sharded "model.safetensors.index.json: line 2: *"
    echo '{"weight_map": {"x": "a.safetensors"}}' >sharded/model.safetensors.index.json
    refused sharded "'transformer.word_embeddings.weight' is missing, and 28 more"
    echo "${index//b.safetensors/a.safetensors}" >sharded/model.safetensors.index.json
    refused sharded "'transformer.word_embeddings.weight' is missing, and 28 more"
}

@test "models: pytorch_model.bin with every storage, shared, strided and tied, zip64, sharded" {
    checkpoint "$DATA/torch" | cut -d' ' -f3,6 >wanted
    modelcat "$DATA/torch/model.safetensors" | tensorcat --to=csv >wanted.csv
    for f in float half bfloat16 double; do
        [[ $f == double ]] || modelcat --dtype=F32 "$DATA/torch/$f.bin" | tensorcat --to=csv | cmp - wanted.csv
        tensorcat --to=csv <(modelcat --dtype=F32 - <"$DATA/torch/$f.bin") 2>/dev/null && return 1
        checkpoint -r "$DATA/torch/$f.bin" >got
        run ! grep -q note got
        (($(wc -l <got) == $(wc -l <wanted)))
    done
    checkpoint "$DATA/torch/float.bin" | cut -d' ' -f3,6 | cmp - wanted
    modelcat --dtype=F32 "$DATA/torch/double.bin" | tensorcat --to=csv | cmp - wanted.csv
    mkdir sharded
    cp "$DATA"/torch/{config.json,pytorch_model*} sharded
    modelcat --dtype=F32 sharded | tensorcat --to=csv | cmp - wanted.csv
    mkdir packed
    cp "$DATA/torch/config.json" packed
    gzip -c "$DATA/torch/half.bin" >packed/pytorch_model.bin
    modelcat --dtype=F32 packed | tensorcat --to=csv | cmp - wanted.csv
}

@test "models: a part of a kept tensor is let go of only where it is a file's" {
    for m in torch torch/turned; do
        checkpoint "$DATA/$m" >wanted
        checkpoint -k "$DATA/$m" | cmp - wanted
    done
}

@test "models: a pickle that does more than hold tensors is refused, and nothing in it runs" {
    cp "$DATA/torch/config.json" .
    while IFS=: read -r f why; do
        cp "$DATA/torch/bad-$f.bin" .
        refused bad-$f.bin "$why" || { echo "$f"; return 1; }
        rm bad-$f.bin
    done <<'WHY'
system:refused: it calls for os.system, which a file of weights has no need of
builtin:refused: it calls for __builtin__.eval, *
newobj:refused: the pickle has opcode 0x81 at byte 28, *
inst:refused: the pickle has opcode 0x69 at byte 3, *
stackglobal:refused: the pickle has opcode 0x93 *
protocol:a pickle of protocol 4; torch.save writes protocol 2
memo:corrupt pickle: a memo out of order *
mark:corrupt pickle: no mark *
underflow:corrupt pickle: the stack is empty *
truncated:truncated pickle
number:holds no dict of tensors
text:corrupt pickle: a text that is not UTF-8 *
persid:corrupt pickle: a persistent id that is no storage *
self:'x' is no tensor: *
empty:corrupt pickle: a tensor without storage, shape or strides at byte 36
training:'epoch' is no tensor: *
offset:corrupt pickle: a tensor larger than its storage *
stride:corrupt pickle: a tensor larger than its storage *
expanded:corrupt pickle: a tensor larger than its storage *
size:corrupt pickle: a tensor larger than its storage *
storage:'x': its storage, data/0, has not the size that was promised
missing:'x': its storage, data/0, is missing
order:its numbers are not little-endian
deflated:'archive/data.pkl' is compressed, which torch.save does not do
zip:a zip archive, but not of torch.save: it has no data.pkl
legacy:written by torch.save of PyTorch before 1.6 *
WHY
}

@test "models: a torch file cut anywhere is refused" {
    cp "$DATA/torch/config.json" .
    n=$(stat -c %s "$DATA/torch/half.bin")
    for ((k = 1; k < n; k += 97)); do
        head -c $k "$DATA/torch/half.bin" >cut.bin
        run -1 --separate-stderr modelcat -o out.t cut.bin
        [[ ${#stderr_lines[@]} == 1 && $stderr == "modelcat: cut.bin: "* && ! -e out.t ]] || { echo "$k: $stderr"; return 1; }
    done
}

# ---- what must not pass

@test "models: a tensor that is missing, misshapen, of no float or there twice is named" {
    model bloom-a 's/"transformer.h.2.mlp.dense_4h_to_h.bias"/"transformer.h.2.mlp.another.bias"/'
    refused bloom-a "'transformer.h.2.mlp.dense_4h_to_h.bias' is missing"
    model xglm-a 's/("model.layers.1.fc1.weight":[^]]*\[)130, ?48/\148,130/'
    tensorcat --list xglm-a/model.safetensors | grep -q '1.fc1.weight,F32,48x130'
    refused xglm-a "'model.layers.1.fc1.weight' is 48x130, but by the config it is 130x48"
    model gpt2-a '' 's/("n_positions": )64/\165/'
    refused gpt2-a "'wpe.weight' is 64x48, but by the config it is 65x48"
    model opt-a '' 's/("ffn_dim": )140/\1141/'
    refused opt-a "'model.decoder.layers.0.fc1.*' is 140*, but by the config it is 141*"
    model gpt_neox-a 's/"embed_out.weight"/"embed_away.weight"/'
    refused gpt_neox-a "'embed_out.weight' is missing"
    model llama-a 's/("model.norm.weight":\{"dtype":")F32/\1I32/'
    tensorcat --list llama-a/model.safetensors | grep -q 'model.norm.weight,I32'
    refused llama-a "'model.norm.weight' is I32; weights are F32, F16, BF16 or F64"
    model qwen2-a 's/"model.layers.2.input_layernorm.weight"/"layers.0.input_layernorm.weight"/'
    refused qwen2-a "'*layers.0.input_layernorm.weight' is there twice"
    # a stream is found out where it goes wrong, or at its end
    modelcat "$(golden bloom-a)" | tensorcat --skip='*.h.2.mlp.*' >part.t
    run -1 --separate-stderr checkpoint part.t
    [[ $stderr == "checkpoint: part.t: 'transformer.h.2.mlp.dense_h_to_4h.weight' is missing, and 3 more" ]]
    run -1 --separate-stderr bash -c "cat part.t | '${BIN:-$BATS_TEST_DIRNAME/../bin}/unit/checkpoint' -"
    [[ $stderr == "checkpoint: standard input: 'transformer.h.2.mlp.dense_h_to_4h.weight' is missing, and 3 more" ]]
}

@test "models: a config that is no config, or of an architecture that is not known, is said to be" {
    model bloom-a '' 's/"model_type": "bloom"/"model_type": "mamba"/'
    refused bloom-a "config: model_type 'mamba' is not known (bloom *)"
    model gpt2-a '' 's/"model_type": "gpt2"/"modeltype": "gpt2"/'
    refused gpt2-a "config: 'model_type' is missing"
    model opt-a '' '/num_hidden_layers/d'
    refused opt-a "config: 'num_hidden_layers' is missing"
    for text in '' 'nonsense' '[]' '{"model_type": 7}' $'{"model_type": "bl\xffoom"}' '{"a": 1, "a": 2}' '{"model_type": "bloom",'; do
        printf '%s' "$text" >bloom-a/config.json
        refused bloom-a "config: *"
    done
    rm bloom-a/config.json
    refused bloom-a "config.json: cannot read: No such file or directory"
    refused bloom-a/model.safetensors "config.json: cannot read: No such file or directory"
    mkdir empty bloom-a/config.json
    refused bloom-a "config.json: cannot read: it is a directory"
    cp "$(golden bloom-a)/config.json" empty
    refused empty "holds none of model.safetensors, *pytorch_model.bin.index.json"
    refused nowhere "cannot read: No such file or directory"
    : >empty/model.safetensors
    refused empty "model.safetensors: the input is empty"
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n' >empty/model.safetensors
    refused empty "model.safetensors: a Git LFS pointer, not yet the file it stands for (git lfs pull)"
    tgen -m kind=tokens 1 2 >tokens.t
    refused tokens.t "holds tokens, not weights"
    tgen 1 2 >x.t
    run -1 --separate-stderr bash -c 'cat x.t | modelcat -'
    [[ $stderr == "modelcat: standard input: does not say what model it is (no config in its metadata, as modelcat writes)" ]]
    modelcat "$(golden bloom-a)" >m.t
    refused m.t "its tensors cannot be taken in any order: *"
}

@test "models: a head that the config ties is left out, with a word if it is not the embedding" {
    model qwen2-a
    tensorcat --to=text --only=model.embed_tokens.weight qwen2-a/model.safetensors |
        tensorcat --from=text --name=lm_head.weight --shape=291x48 >head.t
    tensorcat -o q.safetensors qwen2-a/model.safetensors head.t
    mv q.safetensors qwen2-a/model.safetensors
    run -0 --separate-stderr checkpoint qwen2-a
    [[ -z $stderr && $output == "$(checkpoint "$(golden qwen2-a)")" ]]
    seq 13968 | tensorcat --from=text --name=lm_head.weight --shape=291x48 >head.t
    tensorcat --skip=lm_head.weight qwen2-a/model.safetensors | tensorcat -o q.safetensors - head.t
    mv q.safetensors qwen2-a/model.safetensors
    run -0 --separate-stderr modelcat -o m.t qwen2-a
    [[ $stderr == "modelcat: qwen2-a: 'lm_head.weight' differs from the embedding, to which the config ties it, and is left out" ]]
    checkpoint m.t | cmp - <(checkpoint "$(golden qwen2-a)")
    sed -i 's/"tie_word_embeddings": true/"tie_word_embeddings": false/' qwen2-a/config.json
    modelcat qwen2-a | tensorcat --list | tail -1 | grep -q '^-,4,lm_head.weight,F32,291x48'
    run -0 --separate-stderr checkpoint "$DATA/torch/half.bin"
    [[ -z $stderr && $output != *lm_head* ]]
}

@test "models: tensors that the model has no place for are left out, and said to be" {
    model bloom-a
    tgen -n extra.weight 1 >x.t
    tgen -n transformer.h.3.ln.weight 1 >y.t
    tensorcat -o b.safetensors bloom-a/model.safetensors x.t y.t
    mv b.safetensors bloom-a/model.safetensors
    run -0 --separate-stderr modelcat -o m.t bloom-a
    [[ $stderr == "modelcat: bloom-a: 2 tensors are left out for which this bloom has no place by its config, 'extra.weight' first" ]]
    checkpoint m.t | cmp - <(checkpoint "$(golden bloom-a)")
    modelcat "$(golden bloom-a)" | tensorcat - x.t >x2.t
    checkpoint -r x2.t | tail -1 | grep -qx 'note: 1 tensor is left out for which this bloom has no place by its config, .extra.weight. first'
}

# ---- the contract

@test "modelcat: help, version, usage" {
    keeps_contract modelcat
    run -2 --separate-stderr modelcat
    [[ $stderr == "modelcat: missing operand"* ]]
    run -2 modelcat a b
    run -2 modelcat --dtype=I8 "$(golden bloom-a)"
}

@test "modelcat: the same bytes for any number of threads; a full disk is an error; a cut stream is never whole" {
    modelcat "$(golden gpt_neox-a)" >m.t
    modelcat -j 3 "$(golden gpt_neox-a)" | cmp - m.t
    run -1 bash -c "modelcat '$(golden gpt_neox-a)' >/dev/full"
    [[ $output == "modelcat: standard output: "* ]]
    run -1 modelcat -o /dev/full "$(golden gpt_neox-a)"
    for n in 1 100 20000 -1; do
        head -c $n m.t >cut.t
        run -1 --separate-stderr checkpoint cut.t
        [[ $stderr == "checkpoint: cut.t: "* ]]
    done
    head -c -1 "$(golden gpt_neox-a)/model.safetensors" >cut.safetensors
    cp "$(golden gpt_neox-a)/config.json" .
    refused cut.safetensors "*truncated*"
}

# large_model: ./large, 0.9 GB of zeros in 64 layers, the last of them first in the file
large_model() {
    mkdir large
    echo '{"model_type":"llama","vocab_size":64,"hidden_size":1024,"num_hidden_layers":64,"num_attention_heads":8,
        "intermediate_size":1024,"rms_norm_eps":1e-5,"max_position_embeddings":64,"tie_word_embeddings":true}' >large/config.json
    awk 'function put(name, n, shape) { printf "%s\"%s\":{\"dtype\":\"F16\",\"shape\":[%s],\"data_offsets\":[%d,%d]}",
            at ? "," : "{", name, shape, at, at + 2 * n; at += 2 * n }
        BEGIN { d = 1024; m = d * d; split("self_attn.q self_attn.k self_attn.v self_attn.o mlp.gate mlp.up mlp.down", w, " ")
            put("model.embed_tokens.weight", 64 * d, "64,1024"); put("model.norm.weight", d, "1024")
            for (j = 7; j > 0; j--) for (l = 63; l >= 0; l--) put("model.layers." l "." w[j] "_proj.weight", m, "1024,1024")
            for (l = 0; l < 64; l++) { put("model.layers." l ".input_layernorm.weight", d, "1024")
                put("model.layers." l ".post_attention_layernorm.weight", d, "1024") }
            printf "}"; print at >"size" }' >header
    n=$(stat -c %s header)
    {
        for ((i = 0; i < 8; i++)); do printf "\\x$(printf %02x $((n >> 8 * i & 255)))"; done
        cat header
    } >large/model.safetensors
    truncate -s $((8 + n + $(<size))) large/model.safetensors
}

@test "models: a mapped model is not held in memory" {
    large_model
    (($(stat -c %s large/model.safetensors) > 900000000))
    checkpoint -m large >got
    (($(tail -1 got) < 100)) || { tail -1 got; return 1; }
    (($(wc -l <got) == 3 + 64 * 9 + 1))
}

@test "modelcat: one that is killed leaves nothing under the final name" {
    large_model
    for signal in TERM HUP KILL; do
        modelcat -o out.safetensors --dtype=F32 large &
        pid=$!
        sleep 0.2
        kill -s $signal $pid
        wait $pid && return 1
        [[ ! -e out.safetensors ]]
        [[ $signal == KILL || $(ls) == *header*large*size ]]
        rm -f .out* out*
    done
}
