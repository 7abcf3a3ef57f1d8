#!/usr/bin/env bash
# Tensor streams: written and read as fast as memory where there is nothing to gain, faster than pigz where there is.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
# shellcheck source=tests/bench/lib.bash
. ./lib.bash
need python3 pigz gzip
/usr/bin/env python3 -c 'import numpy' 2>/dev/null || PATH=/usr/bin:$PATH
python3 -c 'import numpy' 2>/dev/null || skip "python3-numpy is not installed"
threads=$(nproc)

# 128 MB each: normal values in F32; the same quantised to 4 bits in groups of 128, in F32 and in BF16
python3 - "$work" <<'PYTHON'
import json, struct, sys
import numpy as np
rng = np.random.default_rng(1)
w = rng.standard_normal((8192, 4096), dtype=np.float32) * np.float32(0.02)
g = w.reshape(-1, 128)
s = np.abs(g).max(1, keepdims=True) / np.float32(7)
q = (np.rint(g / s) * s).astype(np.float32)
u = q.view(np.uint32)
bf16 = ((u + 0x7FFF + (u >> 16 & 1)) >> 16).astype(np.uint16)
for name, dtype, a in ("noise", "F32", w), ("q4f32", "F32", q), ("q4bf16", "BF16", np.concatenate([bf16, bf16])):
    h = json.dumps({"w": {"dtype": dtype, "shape": list(a.shape), "data_offsets": [0, a.nbytes]}}).encode()
    with open(f"{sys.argv[1]}/{name}.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(h)) + h + a.tobytes())
PYTHON
cd "$work" || exit
gigabytes=$(stat -c %s noise.safetensors | awk '{ print $1 / 1e9 }')

race "tensorcat -j $threads noise.safetensors | cat" "cat noise.safetensors | cat"
rate "F32 noise written to a pipe, against cat | cat" "$gigabytes" GB/s
tensorcat noise.safetensors >noise.t
race "tensorcat -j $threads --check <noise.t" "cat noise.t | cat"
rate "F32 noise read and checked, against cat | cat" "$gigabytes" GB/s
race "tensorcat -z 0 -o bare.t noise.safetensors" "cp noise.safetensors copy.safetensors"
rate "F32 file to file with -z 0, against cp" "$gigabytes" GB/s
race "tensorcat -o bare.safetensors noise.safetensors" "cp noise.safetensors copy.safetensors"
rate "F32 file to plain file, against cp" "$gigabytes" GB/s

size_row() { # WHAT OURS PEER: bytes
    awk -v t="$topic" -v w="$1" -v n="$(stat -c %s "$4")" -v a="$(stat -c %s "$2")" -v b="$(stat -c %s "$3")" \
        'BEGIN { printf "%s,%s,%.3f,%.3f,ratio,%.2f\n", t, w, n / a, n / b, b / a }'
}
for f in q4f32 q4bf16; do
    for level in 1 6; do
        race "tensorcat -z $level -j $threads $f.safetensors >ours.t" "pigz -$level -p $threads <$f.safetensors >peer.gz" 3
        rate "$f -$level deflated with $threads threads, against pigz" "$gigabytes" GB/s
        size_row "$f -$level, how small" ours.t peer.gz $f.safetensors
    done
    race "tensorcat -z 1 -j $threads $f.safetensors >ours.t" "pigz -p $threads <$f.safetensors >peer.gz" 3
    rate "$f at the usual levels, against pigz" "$gigabytes" GB/s
    race "tensorcat -j $threads --check ours.t" "pigz -dc peer.gz"
    rate "$f inflated with $threads threads, against pigz -d" "$gigabytes" GB/s
    race "tensorcat --check ours.t" "gzip -dc ours.t"
    rate "$f inflated with 1 thread, against gzip -d" "$gigabytes" GB/s
done
