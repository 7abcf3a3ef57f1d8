#!/usr/bin/env bash
# wquant file to file, uncompressed, in the page cache: against cp of the same file, both to a new file, as giving back
# the pages of one that is replaced takes nearly as long as the rest; its search for the least squared
# error also against numpy trying GPTQ's 80 ranges (one thread, numbers already in memory, a sixteenth of them).
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
# shellcheck source=tests/bench/lib.bash
. ./lib.bash
/usr/bin/env python3 -c 'import numpy' 2>/dev/null || PATH=/usr/bin:$PATH
python3 -c 'import numpy' 2>/dev/null || skip "python3-numpy is not installed"
threads=${THREADS:-2} repeats=${REPEATS:-5} mb=${MB:-512}

cat >"$work/reference.py" <<'PYTHON'
import json, struct, sys, time
import numpy as np
if sys.argv[1] == "make":  # matrices of 4096 x 1024 in F32 and in BF16, normal with a few outliers
    rng = np.random.default_rng(1)
    w = rng.standard_normal((4096, 1024), dtype=np.float32) * np.float32(0.02)
    w[rng.random(w.shape) < 1e-4] *= np.float32(8)
    for name, dtype, a in ("f32", "F32", w), ("bf16", "BF16", (w.view(np.uint32) >> 16).astype(np.uint16)):
        n = int(sys.argv[3]) * 10**6 // a.nbytes + 1
        h = json.dumps({f"h.{i}.mlp.dense_h_to_4h.weight": {"dtype": dtype, "shape": list(a.shape),
            "data_offsets": [i * a.nbytes, (i + 1) * a.nbytes]} for i in range(n)}).encode()
        h += b" " * (-len(h) % 8)
        with open(f"{sys.argv[2]}/{name}.safetensors", "wb") as f:
            f.write(struct.pack("<Q", len(h)) + h)
            for i in range(n):
                f.write(a.tobytes())
else:  # quant.py of GPTQ's authors with mse=True, but squares: seconds for 16 times as much
    w = np.fromfile(sys.argv[2], np.float32)[-(4096 * 1024):].reshape(4096, 1024)
    w = w[: 4096 // 16]
    t = time.perf_counter()
    top, best, scale = np.abs(w).max(1, keepdims=True), np.full((len(w), 1), np.inf), None
    for i in range(80):
        s = top * np.float32((1 - i / 100) / 7.5)
        e = ((np.clip(np.rint(w / s), -8, 7) * s - w) ** 2).sum(1, keepdims=True)
        scale = s if scale is None else np.where(e < best, s, scale)
        best = np.minimum(best, e)
    q = np.clip(np.rint(w / scale), -8, 7) * scale
    print(w.nbytes / 1e9 / (time.perf_counter() - t))
PYTHON
python3 "$work/reference.py" make "$work" "$mb"
cd "$work" || exit
before='rm -f q.t copy.safetensors'
gigabytes=$(stat -c %s f32.safetensors | awk '{ print $1 / 1e9 }')
for dtype in f32 bf16; do
    race "wquant -j $threads -z 0 -o q.t $dtype.safetensors" "cp $dtype.safetensors copy.safetensors" "$repeats"
    rate "$dtype 4 bits by channel min-max $threads threads: cp" "$gigabytes" GB/s
    race "wquant -j $threads -z 0 --per group:128 -o q.t $dtype.safetensors" "cp $dtype.safetensors copy.safetensors" "$repeats"
    rate "$dtype 4 bits by group of 128 min-max $threads threads: cp" "$gigabytes" GB/s
    race "wquant -j $threads -z 0 --clip mse -o q.t $dtype.safetensors" "cp $dtype.safetensors copy.safetensors" "$repeats"
    rate "$dtype 4 bits by channel least error $threads threads: cp" "$gigabytes" GB/s
done
race "wquant -j $threads -z 0 --clip mse -o q.t f32.safetensors" true "$repeats"
peer=$(awk -v g="$gigabytes" -v r="$(python3 reference.py search f32.safetensors)" 'BEGIN { print g / r }')
rate "f32 4 bits by channel least error $threads threads: 80 ranges in numpy" "$gigabytes" GB/s
