#!/usr/bin/env bash
# GPTQ of BLOOM-560M's shape, 4 bits by channel, against the steps of GPTQ's authors (gptq.py) in PyTorch on the same
# processors. First one layer from given second moments: wquant file to file, reading weights and moments and writing
# weights; the peer has all of it in memory and is timed for the solutions alone. Then LAYERS layers, with the whole
# embedding, calibrated on 128 windows of 512 tokens: wquant file to file; the peer as the authors' bloom.py, two passes of
# the text through each layer, weights and states in memory, timed without reading or writing. LAYERS=24 is the whole
# model: REPEATS=1 then, for an hour. PEER= leaves the second peer out. In turn, medians.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
# shellcheck source=tests/bench/lib.bash
. ./lib.bash
/usr/bin/env python3 -c 'import torch' 2>/dev/null || PATH=/usr/bin:$PATH
python3 -c 'import torch' 2>/dev/null || skip "python3-torch is not installed"
threads=${THREADS:-2} repeats=${REPEATS:-3} width=${WIDTH:-1024} layers=${LAYERS:-2}
eval=$PWD/../../pipelines/data/udhr/eval tokenizer=$PWD/../../pipelines/data/tokenizers/qwen3

cat >"$work/peer.py" <<'PYTHON'
import json, math, struct, sys, time
import torch
import torch.nn.functional as F
torch.manual_seed(1)
d = int(sys.argv[3])
shapes = {"self_attention.query_key_value": ("attn_in", 3 * d, d), "self_attention.dense": ("attn_mix", d, d),
          "mlp.dense_h_to_4h": ("mlp_in", 4 * d, d), "mlp.dense_4h_to_h": ("mlp_act", d, 4 * d)}
def save(path, tensors, meta):
    at, head = 0, {"__metadata__": meta}
    for name, t in tensors.items():
        head[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + 4 * t.numel()]}
        at += 4 * t.numel()
    h = json.dumps(head).encode()
    h += b" " * (-len(h) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(h)) + h)
        for t in tensors.values():
            f.write(t.numpy().tobytes())
def moment(n):
    x = torch.randn(2 * n, n) * torch.exp(0.5 * torch.randn(n)) + torch.randn(2 * n, 1)
    return x.t() @ x / (2 * n)
def fit(w):  # symmetric, as compressed-tensors has it
    return (w.abs().amax(1, keepdim=True) / 7.5).clamp(min=1e-12)
def quantise(w, s):
    return torch.clamp(torch.round(w / s), -8, 7) * s
def gptq(W, H, block=128, damping=0.01):
    W, H, n = W.clone(), H.clone(), W.shape[1]
    scale = fit(W)
    H[range(n), range(n)] += damping * torch.mean(torch.diag(H))
    U = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(H)), upper=True)
    Q = torch.zeros_like(W)
    for i1 in range(0, n, block):
        i2 = min(i1 + block, n)
        w, u = W[:, i1:i2].clone(), U[i1:i2, i1:i2]
        err = torch.zeros_like(w)
        for i in range(i2 - i1):
            q = quantise(w[:, i:i+1], scale).flatten()
            Q[:, i1 + i] = q
            e = (w[:, i] - q) / u[i, i]
            w[:, i:] -= e.unsqueeze(1).matmul(u[i, i:].unsqueeze(0))
            err[:, i] = e
        W[:, i2:] -= err.matmul(U[i1:i2, i2:])
    return Q
def parameters(layers, vocab):  # BLOOM's, in the order of a forward pass
    yield from (("word_embeddings", vocab, d), ("word_embeddings_layernorm", d, 0))
    for i in range(layers):
        for name, rows, cols in (("input_layernorm", d, 0), ("self_attention.query_key_value", 3 * d, d), ("self_attention.dense", d, d),
                                 ("post_attention_layernorm", d, 0), ("mlp.dense_h_to_4h", 4 * d, d), ("mlp.dense_4h_to_h", d, 4 * d)):
            yield f"h.{i}.{name}", rows, cols
    yield "ln_f", d, 0
def model(layers, vocab):
    for name, rows, cols in parameters(layers, vocab):
        yield name + ".weight", torch.randn(rows, cols) * 0.02 if cols else 1 + torch.randn(rows) * 0.02
        if not name.endswith("embeddings"):
            yield name + ".bias", torch.randn(rows) * 0.02
def layer(w, x, slopes, see=lambda name, x: None):  # one window, x[tokens][d]
    T, heads = x.shape[0], len(slopes)
    def norm(name, x):
        return F.layer_norm(x, (d,), w[name + ".weight"], w[name + ".bias"])
    def product(name, x):
        see(name, x)
        return F.linear(x, w[name + ".weight"], w[name + ".bias"])
    q, k, v = product("self_attention.query_key_value", norm("input_layernorm", x)).view(T, heads, 3, d // heads).unbind(2)
    bias = slopes[:, None, None] * torch.arange(T) + torch.full((T, T), -math.inf).triu(1)
    p = torch.softmax(torch.baddbmm(bias, q.transpose(0, 1), k.permute(1, 2, 0), alpha=1 / math.sqrt(d // heads)), -1)
    x = x + product("self_attention.dense", torch.bmm(p, v.transpose(0, 1)).transpose(0, 1).reshape(T, d))
    u = product("mlp.dense_h_to_4h", norm("post_attention_layernorm", x))
    return x + product("mlp.dense_4h_to_h", u * 0.5 * (1 + torch.tanh(0.79788456 * u * (1 + 0.044715 * u * u))))
def whole(layers):
    vocab, heads = 1000, 16
    W = dict(model(layers, vocab))
    slopes = torch.tensor([2 ** (-8 * (i + 1) / heads) for i in range(heads)])
    X = [F.layer_norm(W["word_embeddings.weight"][torch.randint(0, vocab, (512,))], (d,), W["word_embeddings_layernorm.weight"],
                      W["word_embeddings_layernorm.bias"]) for _ in range(128)]
    t = time.perf_counter()
    for i in range(layers):
        w = {k[len(f"h.{i}."):]: v for k, v in W.items() if k.startswith(f"h.{i}.")}
        H = {}
        def see(name, x):
            H[name] = H.get(name, 0) + x.t() @ x / (128 * 512)
        for x in X:
            layer(w, x, slopes, see)
        for name in H:
            w[name + ".weight"] = gptq(w[name + ".weight"], H[name])
        X = [layer(w, x, slopes) for x in X]
    return time.perf_counter() - t
torch.set_grad_enabled(False)
if sys.argv[1] == "model":
    save(sys.argv[2] + "/model.safetensors", dict(model(int(sys.argv[4]), 250880)), {"model_type": "bloom"})
    json.dump({"model_type": "bloom", "n_layer": int(sys.argv[4]), "n_embed": d, "num_attention_heads": 16, "vocab_size": 250880,
               "layer_norm_epsilon": 1e-05, "apply_residual_connection_post_layernorm": False}, open(sys.argv[2] + "/config.json", "w"))
elif sys.argv[1] == "whole":
    torch.set_num_threads(int(sys.argv[5]))
    print(whole(int(sys.argv[4])))
elif sys.argv[1] == "make":
    save(sys.argv[2] + "/w.safetensors", {f"h.0.{k}.weight": torch.randn(r, c) * 0.02 for k, (_, r, c) in shapes.items()},
         {"model_type": "bloom"})
    save(sys.argv[2] + "/h.safetensors", {f"0.{s}.gram": moment(c) for s, _, c in shapes.values()},
         {"lang": "eng", "n_tokens": "1"})
else:
    def load(path):
        b = open(path, "rb").read()
        n = struct.unpack("<Q", b[:8])[0]
        for k, v in json.loads(b[8:8 + n]).items():
            if k != "__metadata__":
                a, z = v["data_offsets"]
                yield k, torch.frombuffer(bytearray(b[8 + n + a:8 + n + z]), dtype=torch.float32).reshape(v["shape"])
    torch.set_num_threads(int(sys.argv[4]))
    W, H = dict(load(sys.argv[2] + "/w.safetensors")), dict(load(sys.argv[2] + "/h.safetensors"))
    t = time.perf_counter()
    Q = {k: gptq(W[f"h.0.{k}.weight"], H[f"0.{s}.gram"]) for k, (s, _, _) in shapes.items()}
    print(time.perf_counter() - t)
    if len(sys.argv) > 5:  # share of weights that came out as ours
        ours = dict(load(sys.argv[5]))
        same = sum((Q[k] - ours[f"h.0.{k}.weight"]).abs().lt(1e-6).sum().item() for k in shapes)
        print(same / sum(q.numel() for q in Q.values()), file=sys.stderr)
PYTHON
python3 "$work/peer.py" make "$work" "$width"
cd "$work" || exit
a=() b=()
for ((i = 0; i < repeats; i++)); do
    a+=("$(seconds "wquant -j $threads -z 0 --method gptq --moments h.safetensors -o q.safetensors w.safetensors")")
    b+=("$(python3 peer.py solve . "$width" "$threads")")
done
python3 peer.py solve . "$width" "$threads" q.safetensors 2>same >/dev/null
ours=$(median "${a[@]}") peer=$(median "${b[@]}")
rate "a layer of BLOOM-560M's shape from moments $threads threads ($(cut -c1-6 same) of weights alike): gptq.py in PyTorch" 1 layers/s

mkdir model
python3 peer.py model model "$width" "$layers"
head -c 184400 < <(cat "$eval"/*.txt | tr '\n' ' ') | { iconv -c -f utf-8 -t utf-8 2>/dev/null || true; } >mul.txt # a letter may be cut
tokens=$(tok -t "$tokenizer" --ids mul.txt | wc -w)
a=() b=()
for ((i = 0; i < repeats; i++)); do
    a+=("$(seconds "wquant -j $threads -z 0 --method gptq --calibrate mul.txt -t $tokenizer --context 512 -o q.safetensors model/model.safetensors")")
    rm q.safetensors
    [[ ! ${PEER-1} ]] || b+=("$(python3 peer.py whole . "$width" "$layers" "$threads")")
done
ours=$(median "${a[@]}") peer=$(median "${b[@]:-nan}")
rate "$layers layers of BLOOM-560M's shape, embedding and all, calibrated on $tokens tokens, $threads threads: bloom.py in PyTorch" 3600 models/h
