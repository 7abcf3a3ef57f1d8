#!/usr/bin/env bash
# GPTQ of one layer of BLOOM-560M's shape, 4 bits by channel, from given second moments: wquant file to file, reading
# weights and moments and writing weights, against the steps of GPTQ's authors (gptq.py) in PyTorch on the same
# processors, which has all of it in memory and is timed for the solutions alone. In turn, medians.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
# shellcheck source=tests/bench/lib.bash
. ./lib.bash
/usr/bin/env python3 -c 'import torch' 2>/dev/null || PATH=/usr/bin:$PATH
python3 -c 'import torch' 2>/dev/null || skip "python3-torch is not installed"
threads=${THREADS:-2} repeats=${REPEATS:-3} width=${WIDTH:-1024}

cat >"$work/peer.py" <<'PYTHON'
import json, struct, sys, time
import torch
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
if sys.argv[1] == "make":
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
