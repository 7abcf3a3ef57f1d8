#!/usr/bin/env bash
# bootstrap against R's boot and scipy: 100,000 BCa replicates of r, n = 1,000; exact permutation p at n = 14; and others
# that have a peer. Our times are of the whole program, reading and writing included; the peers' of the call alone.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
command -v bootstrap > /dev/null || { echo "bootstrap: not built" >&2; exit 1; }
python=$(PATH=$(getconf PATH) command -v python3 || true)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
REPEATS=${REPEATS:-5} THREADS=${THREADS:-2}

awk 'function normal() { return sqrt(-2 * log(1 - rand())) * cos(6.283185307179586 * rand()) }
    BEGIN { srand(14); print "x,y"; for (i = 0; i < 1000; i++) { x = normal(); printf "%.17g,%.17g\n", x, 0.6 * x + 0.8 * normal() } }' \
    > "$dir/1000.csv"
head -15 "$dir/1000.csv" > "$dir/14.csv"

cat > "$dir/peer.R" <<'R'
suppressMessages(library(boot))
a <- commandArgs(TRUE); d <- as.matrix(read.csv(a[2])); n <- as.integer(a[3])
run <- switch(a[1],
  bca = function() { b <- boot(d, function(d, i) cor(d[i, 1], d[i, 2]), R = n); boot.ci(b, type = "bca", L = empinf(b, type = "jack")) },
  permute = function() { r <- abs(cor(d[, 1], d[, 2])); mean(replicate(n, abs(cor(d[, 1], sample(d[, 2]))) >= r - 1e-14)) })
cat(system.time(run())[["elapsed"]], "\n")
R
cat > "$dir/peer.py" <<'PY'
import sys, time, numpy as np, scipy.stats as st
what, path, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
x, y = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
def r(x, y, axis=-1):
    x = x - x.mean(axis, keepdims=True); y = y - y.mean(axis, keepdims=True)
    return (x * y).sum(axis) / np.sqrt((x * x).sum(axis) * (y * y).sum(axis))
t = time.perf_counter()
if what == "bca":
    st.bootstrap((x, y), r, paired=True, vectorized=True, method="BCa", n_resamples=n, batch=1000, random_state=1)
elif what == "permute":
    st.permutation_test((x,), lambda x, axis=-1: r(x, y, axis), permutation_type="pairings", n_resamples=n, vectorized=True, random_state=1)
else:
    f = {"spearman": st.spearmanr, "kendall": st.kendalltau}[what]
    g = np.random.default_rng(1)
    for _ in range(n):
        i = g.integers(0, x.size, x.size); f(x[i], y[i])
print(time.perf_counter() - t)
PY

seconds() { # of a run of bootstrap
    local from=$EPOCHREALTIME
    bootstrap --threads "$THREADS" "$@" > "$dir/out.csv"
    awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}
median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# compare WHAT REPEATS PEER-COMMAND -- OUR-OPTIONS: alternating runs
compare() {
    local what=$1 repeats=$2 peer=()
    shift 2
    while [[ $1 != -- ]]; do peer+=("$1"); shift; done
    shift
    : > "$dir/ours"
    : > "$dir/peer"
    for ((i = 0; i < repeats; i++)); do
        seconds "$@" >> "$dir/ours"
        "${peer[@]}" >> "$dir/peer"
    done
    local ours peer_s
    ours=$(median < "$dir/ours") peer_s=$(median < "$dir/peer")
    awk -v w="$what" -v a="$ours" -v b="$peer_s" 'BEGIN { printf "bootstrap,%s,%.3g,%.3g,s,%.3g\n", w, a, b, b / a }'
}

bca=(--stat=pearson --x=x --y=y --interval=bca --resamples=100000 "$dir/1000.csv")
permute=(--permute --exact=never --stat=pearson --x=x --y=y --resamples=100000 "$dir/14.csv")
if Rscript -e 'library(boot)' > /dev/null 2>&1; then
    compare "bca pearson n=1000 B=100000: R boot" 1 Rscript "$dir/peer.R" bca "$dir/1000.csv" 100000 -- "${bca[@]}"
    compare "permute pearson n=14 B=100000: R" 1 Rscript "$dir/peer.R" permute "$dir/14.csv" 100000 -- "${permute[@]}"
else
    echo "bootstrap: R with package boot is not installed: skipped" >&2
fi
if [[ $python ]] && "$python" -c 'import scipy.stats' 2> /dev/null; then
    compare "bca pearson n=1000 B=100000: scipy" "$REPEATS" "$python" "$dir/peer.py" bca "$dir/1000.csv" 100000 -- "${bca[@]}"
    compare "permute pearson n=14 B=100000: scipy" "$REPEATS" "$python" "$dir/peer.py" permute "$dir/14.csv" 100000 -- "${permute[@]}"
    for s in spearman kendall; do
        compare "bootstrap $s n=1000 B=5000: scipy" 3 "$python" "$dir/peer.py" $s "$dir/1000.csv" 5000 -- \
            --stat=$s --x=x --y=y --interval=percentile --resamples=5000 "$dir/1000.csv"
    done
else
    echo "bootstrap: scipy is not installed: skipped" >&2
fi
THREADS=1
for ((i = 0; i < REPEATS; i++)); do
    seconds --permute --stat=pearson --x=x --y=y "$dir/14.csv"
done > "$dir/ours"
awk -v a="$(median < "$dir/ours")" 'BEGIN { printf "bootstrap,exact permutation p pearson n=14 1 thread (goal 2 s),%.3g,,s,\n", a }'
