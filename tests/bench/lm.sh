#!/usr/bin/env bash
# ppl on a model of BLOOM-560M's shape with random f32 weights (24 layers, 1,024 wide, 16 heads, vocabulary 250,880):
# logits of every token, windows of 512 tokens, against PyTorch's forward pass and against sgemm alone on the same
# products. Ours is the whole program, from mapping the 2.2 GB to the CSV; the peers' clocks start when all is loaded.
# MODEL_DIR keeps the model from run to run. SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
here=$PWD
# shellcheck source=tests/bench/lib.bash
. ./lib.bash
need ppl
python=$(PATH=$(getconf PATH) command -v python3 || true)
THREADS=${THREADS:-2} WINDOWS=${WINDOWS:-4} REPEATS=${REPEATS:-3}
model=${MODEL_DIR:-$work/model}

make_model() {
    mkdir -p "$model"
    cat >"$work/make.c" <<'C'
/* Writes model.safetensors in the order of a forward pass: normal-like f32 weights, norms near 1. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static uint64_t s = 88172645463325252u;
static float noise(void)
{
    float x = 0;
    for (int i = 0; i < 3; i++) {
        s ^= s << 13, s ^= s >> 7, s ^= s << 17;
        x += (float)(s >> 40) * 0x1p-24f - 0.5f;
    }
    return x * 0.04f;
}
static char head[1 << 20];
static size_t n_head, offset, count[1000];
static int norm[1000], n;
static void add(const char *name, size_t rows, size_t cols)
{
    count[n] = rows * (cols ? cols : 1);
    norm[n] = !cols && strstr(name, "norm.weight") + !!strstr(name, "ln_f.weight") != 0;
    n_head += (size_t)sprintf(head + n_head, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%zu", n_head ? "," : "{", name, rows);
    if (cols)
        n_head += (size_t)sprintf(head + n_head, ",%zu", cols);
    n_head += (size_t)sprintf(head + n_head, "],\"data_offsets\":[%zu,%zu]}", offset, offset + 4 * count[n]);
    offset += 4 * count[n++];
}
int main(int argc, char **argv)
{
    static const struct { const char *name; size_t rows, cols; } layer[] = {
        { "input_layernorm.weight", 1024, 0 }, { "input_layernorm.bias", 1024, 0 },
        { "self_attention.query_key_value.weight", 3072, 1024 }, { "self_attention.query_key_value.bias", 3072, 0 },
        { "self_attention.dense.weight", 1024, 1024 }, { "self_attention.dense.bias", 1024, 0 },
        { "post_attention_layernorm.weight", 1024, 0 }, { "post_attention_layernorm.bias", 1024, 0 },
        { "mlp.dense_h_to_4h.weight", 4096, 1024 }, { "mlp.dense_h_to_4h.bias", 4096, 0 },
        { "mlp.dense_4h_to_h.weight", 1024, 4096 }, { "mlp.dense_4h_to_h.bias", 1024, 0 } };
    char name[100];
    (void)argc;
    add("word_embeddings.weight", 250880, 1024);
    add("word_embeddings_layernorm.weight", 1024, 0);
    add("word_embeddings_layernorm.bias", 1024, 0);
    for (int l = 0; l < 24; l++)
        for (size_t i = 0; i < sizeof layer / sizeof *layer; i++) {
            sprintf(name, "h.%d.%s", l, layer[i].name);
            add(name, layer[i].rows, layer[i].cols);
        }
    add("ln_f.weight", 1024, 0);
    add("ln_f.bias", 1024, 0);
    head[n_head++] = '}';
    while (n_head % 8)
        head[n_head++] = ' ';
    FILE *f = fopen(argv[1], "wb");
    uint64_t size = n_head;
    fwrite(&size, 8, 1, f);
    fwrite(head, 1, n_head, f);
    static float x[1 << 16];
    for (int i = 0; i < n; i++)
        for (size_t left = count[i]; left;) {
            size_t k = left < 1 << 16 ? left : 1 << 16;
            for (size_t j = 0; j < k; j++)
                x[j] = noise() + (float)norm[i];
            fwrite(x, 4, k, f);
            left -= k;
        }
    return fclose(f) != 0;
}
C
    ${CC:-cc} -O2 "$work/make.c" -o "$work/make"
    "$work/make" "$model/model.safetensors"
    cat >"$model/config.json" <<'J'
{"model_type": "bloom", "n_layer": 24, "n_embed": 1024, "num_attention_heads": 16, "vocab_size": 250880,
 "layer_norm_epsilon": 1e-05, "apply_residual_connection_post_layernorm": false}
J
}

[[ -e $model/config.json ]] || make_model
tokenizer=$here/../../pipelines/data/tokenizers/qwen3
cat "$here"/../../pipelines/data/udhr/eval/*.txt >"$work/all.txt"
score() { # BYTES OPTION...: seconds, tokens
    head -c "$1" "$work/all.txt" | { iconv -c -f utf-8 -t utf-8 2>/dev/null || true; } >"$work/text.txt" # a letter may be cut
    local from=$EPOCHREALTIME
    ppl -q -m "$model" -t "$tokenizer" --text file --context 512 --threads "$THREADS" "${@:2}" "$work/text.txt" >"$work/out.csv" 2>/dev/null
    awk -v a="$from" -v b="$EPOCHREALTIME" -F, 'NR == 2 { print b - a, $2 + $3 }' "$work/out.csv"
}

cat >"$work/torch_peer.py" <<'PY'
# BLOOM-560M's shape out of PyTorch's operators, logits of every token: tokens/s of one forward pass
import sys, time, math, torch, torch.nn.functional as F
kind, threads, T = sys.argv[1], int(sys.argv[2]), 512
L, H, A, V = 24, 1024, 16, 250880
D = torch.float32 if kind == "f32" else torch.bfloat16
torch.set_num_threads(threads); torch.manual_seed(1); torch.set_grad_enabled(False)
w = lambda *s: (torch.randn(*s) * 0.02).to(D)
emb, ln = w(V, H), lambda: (1 + w(H), w(H))
first, last = ln(), ln()
layers = [(ln(), w(3 * H, H), w(3 * H), w(H, H), w(H), ln(), w(4 * H, H), w(4 * H), w(H, 4 * H), w(H)) for _ in range(L)]
bias = (torch.tensor([2 ** (-8 * (i + 1) / A) for i in range(A)])[:, None, None] * torch.arange(T).float()
        + torch.full((T, T), -math.inf).triu(1)).to(D)
def forward(ids):
    x = F.layer_norm(emb[ids], (H,), *first)
    for n1, wqkv, bqkv, wo, bo, n2, wu, bu, wd, bd in layers:
        q, k, v = F.linear(F.layer_norm(x, (H,), *n1), wqkv, bqkv).view(T, A, 3, H // A).unbind(2)
        s = torch.baddbmm(bias, q.transpose(0, 1), k.permute(1, 2, 0), alpha=1 / math.sqrt(H // A))
        p = torch.softmax(s.float(), -1).to(D)
        x = x + F.linear(torch.bmm(p, v.transpose(0, 1)).transpose(0, 1).reshape(T, H), wo, bo)
        u = F.linear(F.layer_norm(x, (H,), *n2), wu, bu)
        x = x + F.linear(u * 0.5 * (1 + torch.tanh(0.79788456 * u * (1 + 0.044715 * u * u))), wd, bd)
    return torch.log_softmax(F.linear(F.layer_norm(x, (H,), *last), emb).float(), -1)
ids = torch.randint(0, V, (T,))
forward(ids)
t = time.perf_counter(); forward(ids); print(T / (time.perf_counter() - t))
PY

# About 1.9 bytes a token in these languages: WINDOWS * 512 tokens or a little more.
bytes=$((WINDOWS * 512 * 2))
a=() b=() peer_kinds=()
if [[ $python ]] && "$python" -c 'import torch' 2>/dev/null; then
    peer_kinds=(f32)
    if grep -qE 'avx512_bf16|amx_bf16' /proc/cpuinfo; then # elsewhere PyTorch takes minutes in bf16
        peer_kinds+=(bf16)
    fi
else
    echo "lm: python3-torch is not installed: skipped" >&2
fi
for ((i = 0; i < REPEATS; i++)); do
    read -r seconds tokens < <(score "$bytes")
    a+=("$(awk -v s="$seconds" -v n="$tokens" 'BEGIN { print n / s }')")
    for kind in "${peer_kinds[@]}"; do
        b+=("$kind $(timeout 300 "$python" "$work/torch_peer.py" "$kind" "$THREADS" || echo 0)")
    done
done
for kind in "${peer_kinds[@]}"; do
    mapfile -t rates < <(printf '%s\n' "${b[@]}" | sed -n "s/^$kind //p")
    awk -v t="$topic" -v a="$(median "${a[@]}")" -v b="$(median "${rates[@]}")" -v k="$kind" \
        'BEGIN { printf "%s,BLOOM-560M shape as exact as f32: PyTorch %s,%.4g,%.4g,tokens/s,%.2f\n", t, k, a, b, b ? a / b : 0 }'
done
# 1.168 GFLOP a token: layers 0.603, attention 0.051 at 512, head 0.514
awk -v t="$topic" -v a="$(median "${a[@]}")" 'BEGIN { printf "%s,BLOOM-560M shape as exact as f32,%.4g,,GFLOP/s,\n", t, a * 1.168 }'
