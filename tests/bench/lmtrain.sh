#!/usr/bin/env bash
# lmtrain on a BLOOM-style model of 5 M parameters (LAYERS, WIDTH, vocabulary 8,192), 8,192 tokens a step, against PyTorch
# in f32, and in bf16 where the processor has units for it: forward, backward, clipping and AdamW of the same shapes, the
# median step. Ours is what its log says. And how much of what products alone reach is left in a whole step: 6 N tokens/s (N:
# the weights that multiply, two operations forward and four backward each; attention's own products are not counted), against
# PyTorch's products of the MLP's shape. The text is random bytes of a 8,192-token vocabulary: speed does not depend on it.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
here=$PWD
# shellcheck source=tests/bench/lib.bash
. ./lib.bash
need lmtrain toktrain mlr
python=$(PATH=$(getconf PATH) command -v python3 || true)
if [[ ! $python ]] || ! "$python" -c 'import torch' 2>/dev/null; then
    skip "python3-torch is not installed"
fi
THREADS=${THREADS:-2} STEPS=${STEPS:-4} LAYERS=${LAYERS:-12} WIDTH=${WIDTH:-160} BATCH=${BATCH:-64} CONTEXT=${CONTEXT:-128}

cat "$here"/../../pipelines/data/udhr/*/*.txt >"$work/eng.txt"
toktrain -q --vocab-size=8192 -o "$work/tokenizer.json" "$work/eng.txt"

cat >"$work/peer.py" <<'PY'
# A BLOOM-style decoder out of PyTorch's operators: the median seconds of a step of training, behind one to warm up, and the
# GFLOP/s of the MLP's products alone
import sys, time, math, torch, torch.nn.functional as F
kind, threads, L, H, B, T, steps = sys.argv[1], *map(int, sys.argv[2:])
A, V = H // 32, 8192
torch.set_num_threads(threads); torch.manual_seed(1)
par = lambda *s: torch.nn.Parameter(torch.randn(*s) * 0.02)
norm = lambda: (torch.nn.Parameter(torch.ones(H)), torch.nn.Parameter(torch.zeros(H)))
emb, first, last = par(V, H), norm(), norm()
layers = [(norm(), par(3 * H, H), par(3 * H), par(H, H), par(H), norm(), par(4 * H, H), par(4 * H), par(H, 4 * H), par(H))
          for _ in range(L)]
flat = [emb, *first, *last] + [p for l in layers for q in l for p in (q if isinstance(q, tuple) else (q,))]
opt = torch.optim.AdamW(flat, lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, foreach=True)
bias = (torch.tensor([2 ** (-8 * (i + 1) / A) for i in range(A)])[:, None, None] * torch.arange(T).float()
        + torch.full((T, T), -math.inf).triu(1))[None]
def loss_of(ids, target):
    x = F.layer_norm(emb[ids], (H,), *first)
    for n1, wqkv, bqkv, wo, bo, n2, wu, bu, wd, bd in layers:
        q, k, v = F.linear(F.layer_norm(x, (H,), *n1), wqkv, bqkv).view(B, T, A, 3, H // A).permute(3, 0, 2, 1, 4)
        s = (q @ k.transpose(-1, -2)).float() / math.sqrt(H // A) + bias
        o = torch.softmax(s, -1).to(v.dtype) @ v
        x = x + F.linear(o.transpose(1, 2).reshape(B, T, H), wo, bo)
        x = x + F.linear(F.gelu(F.linear(F.layer_norm(x, (H,), *n2), wu, bu), approximate="tanh"), wd, bd)
    return F.cross_entropy(F.linear(F.layer_norm(x, (H,), *last), emb).float().view(-1, V), target.reshape(-1))
took = []
for step in range(steps + 1):
    ids = torch.randint(0, V, (B, T + 1))
    t = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=kind == "bf16"):
        loss = loss_of(ids[:, :-1], ids[:, 1:])
    opt.zero_grad(set_to_none=True); loss.backward()
    torch.nn.utils.clip_grad_norm_(flat, 1.0); opt.step()
    took.append(time.perf_counter() - t)
took = sorted(took[1:])
dtype = torch.bfloat16 if kind == "bf16" else torch.float32
x, w, products = torch.randn(B * T, H).to(dtype), torch.randn(4 * H, H).to(dtype), []
for i in range(12):
    t = time.perf_counter()
    F.linear(x, w)
    products.append(time.perf_counter() - t)
print(took[len(took) // 2], 8e-9 * B * T * H * H / sorted(products[1:])[5])
PY

ours_s() { # PRECISION: median seconds of a step
    lmtrain -q -t "$work/tokenizer.json" --arch=bloom --layers="$LAYERS" --width="$WIDTH" --context="$CONTEXT" --batch="$BATCH" \
        --steps=$((STEPS + 1)) --log-every=1 --log="$work/log.csv" --threads="$THREADS" --precision="$1" "$work/eng.txt"
    mlr --icsv --onidx filter '$step > 1' then stats1 -a p50 -f tokens_per_s then put '$x = '$((BATCH * CONTEXT))' / $[[[1]]]' \
        then cut -f x "$work/log.csv"
}

kinds=(f32)
if grep -qE 'avx512_bf16|amx_bf16' /proc/cpuinfo; then
    kinds+=(bf16)
fi
for kind in "${kinds[@]}"; do
    ours=$(ours_s "$kind")
    read -r peer products < <("$python" "$work/peer.py" "$kind" "$THREADS" "$LAYERS" "$WIDTH" "$BATCH" "$CONTEXT" "$STEPS")
    rate "$LAYERS x $WIDTH wide $BATCH x $CONTEXT tokens $kind: PyTorch" $((BATCH * CONTEXT)) tokens/s
    awk -v n=$((12 * LAYERS * WIDTH * WIDTH + 8192 * WIDTH)) -v tokens=$((BATCH * CONTEXT)) -v s="$ours" -v p="$products" \
        -v what="lmtrain,6 N tokens/s of the same $kind: PyTorch's products alone" \
        'BEGIN { x = 6e-9 * n * tokens / s; printf "%s,%.3g,%.3g,GFLOP/s,%.2f\n", what, x, p, x / p }'
done
