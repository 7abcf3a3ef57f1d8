#!/usr/bin/env bash
# corr at n = 1,000,000 against scipy: the computation alone, in memory, one thread; and the whole job, a CSV read and
# a coefficient printed, against numpy's reader and scipy. SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
command -v corr >/dev/null || { echo "corr: not built" >&2; exit 1; }
python=$(PATH=$(getconf PATH) command -v python3 || true)
if [[ ! $python ]] || ! "$python" -c 'import scipy.stats' 2>/dev/null; then
    echo "corr: scipy is not installed: skipped" >&2
    exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
REPEATS=${REPEATS:-5} N=${N:-1000000}
root=$(cd ../.. && pwd)
lib=$(dirname "$(command -v corr)")/.obj/libbabelbits.a

cat >"$dir/ours.c" <<'C'
/* ours METHOD FILE N: seconds for the coefficient of FILE, doubles x then y */
#include "base/mem.h"
#include "math/correlation.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(int argc, char **argv)
{
    size_t n = strtoul(argv[3], NULL, 10);
    double *x = xaligned(2 * n, sizeof *x), r;
    void *work = xaligned(1, correlation_work_bytes(n));
    FILE *f = fopen(argv[2], "rb");
    struct timespec a, b;
    if (argc != 4 || fread(x, sizeof *x, 2 * n, f) != 2 * n)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &a);
    int failed = argv[1][0] == 'p'   ? correlation_pearson(x, x + n, n, &r)
                 : argv[1][0] == 's' ? correlation_spearman(x, x + n, n, &r, work)
                                     : correlation_kendall(x, x + n, n, &r, work);
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%.6f\n", (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec));
    return failed;
}
C
${CC:-cc} -O2 -D_GNU_SOURCE -I"$root/common" "$dir/ours.c" "$lib" -lm -pthread -o "$dir/ours"
cat >"$dir/peer.py" <<'PY'
import sys, time, numpy as np, scipy.stats as st
what, method, path = sys.argv[1:4]
f = {"pearson": st.pearsonr, "spearman": st.spearmanr, "kendall": st.kendalltau}[method]
if what == "memory":
    x, y = np.fromfile(path).reshape(2, -1)
t = time.perf_counter()
if what == "csv":
    x, y = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True)
f(x, y)
print(time.perf_counter() - t)
PY
"$python" - "$dir" "$N" <<'PY'
import sys, numpy as np
r = np.random.default_rng(14); n = int(sys.argv[2])
x = r.standard_normal(n); y = 0.6 * x + 0.8 * r.standard_normal(n)
np.concatenate([x, y]).tofile(sys.argv[1] + "/xy.f64")
with open(sys.argv[1] + "/xy.csv", "w") as f:
    f.write("x,y\n"); f.writelines(f"{a!r},{b!r}\n" for a, b in zip(x.tolist(), y.tolist()))
PY

median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
whole() {
    local from=$EPOCHREALTIME
    corr --method="$1" "$dir/xy.csv" >/dev/null
    awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}
for method in pearson spearman kendall; do
    for what in memory csv; do
        : >"$dir/o"
        : >"$dir/p"
        for ((i = 0; i < REPEATS; i++)); do
            if [[ $what == memory ]]; then
                "$dir/ours" $method "$dir/xy.f64" "$N" >>"$dir/o"
                "$python" "$dir/peer.py" memory $method "$dir/xy.f64" >>"$dir/p"
            else
                whole $method >>"$dir/o"
                "$python" "$dir/peer.py" csv $method "$dir/xy.csv" >>"$dir/p"
            fi
        done
        awk -v w="$method n=$N $what: scipy" -v a="$(median <"$dir/o")" -v b="$(median <"$dir/p")" \
            'BEGIN { printf "corr,%s,%.3g,%.3g,s,%.3g\n", w, a, b, b / a }'
    done
done
