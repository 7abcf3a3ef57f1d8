#!/usr/bin/env bash
# A model passes as fast as the system copies it.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
# shellcheck source=tests/bench/lib.bash
. ./lib.bash
need python3 openssl
threads=$(nproc)

# BLOOM-560M's shape in F32: 24 layers, 1024 wide, vocabulary 250,880, random bits that are finite numbers as F16 pairs;
# its tensors in the order of their names, as hub files have them
mkdir "$work/model"
python3 - "$work/model" <<'PYTHON'
import json, struct, sys
d, n_layer, vocab = 1024, 24, 250880
shapes = {"word_embeddings.weight": (vocab, d)}
for norm in "word_embeddings_layernorm", "ln_f":
    shapes |= {f"{norm}.weight": (d,), f"{norm}.bias": (d,)}
for i in range(n_layer):
    for part, shape in (("input_layernorm", (d,)), ("post_attention_layernorm", (d,)),
                        ("self_attention.query_key_value", (3 * d, d)), ("self_attention.dense", (d, d)),
                        ("mlp.dense_h_to_4h", (4 * d, d)), ("mlp.dense_4h_to_h", (d, 4 * d))):
        shapes |= {f"h.{i}.{part}.weight": shape, f"h.{i}.{part}.bias": shape[:1]}
header, at = {}, 0
for name in sorted(shapes):
    n = 4
    for k in shapes[name]:
        n *= k
    header[name] = dict(dtype="F32", shape=shapes[name], data_offsets=[at, at + n])
    at += n
header = json.dumps(header).encode()
with open(sys.argv[1] + "/model.safetensors", "wb") as f:
    f.write(struct.pack("<Q", len(header)) + header)
json.dump(dict(model_type="bloom", vocab_size=vocab, n_embed=d, n_layer=n_layer, n_head=16), open(sys.argv[1] + "/config.json", "w"))
print(at, file=open(sys.argv[1] + "/size", "w"))
PYTHON
cd "$work" || exit
openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 </dev/zero 2>/dev/null | head -c "$(<model/size)" >>model/model.safetensors || true
gigabytes=$(awk '{ print $1 / 1e9 }' model/size)

race "modelcat -z 0 model | cat" "cat model/model.safetensors | cat" 3
rate "F32 through a pipe with -z 0, against cat | cat" "$gigabytes" GB/s
race "modelcat -j $threads model | cat" "cat model/model.safetensors | cat" 3
rate "F32 through a pipe, $threads threads, against cat | cat" "$gigabytes" GB/s
race "modelcat -z 0 -o copy.t model" "cp model/model.safetensors copy.t" 3
rate "F32 file to file with -z 0, against cp" "$gigabytes" GB/s
race "modelcat -o copy.safetensors model" "cp model/model.safetensors copy.safetensors" 3
rate "F32 file to plain file, against cp" "$gigabytes" GB/s
race "modelcat -z 0 -j $threads --dtype=BF16 model | cat" "cat model/model.safetensors | cat" 3
rate "F32 to BF16 through a pipe, $threads threads, against cat | cat" "$gigabytes" GB/s
