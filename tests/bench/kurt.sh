#!/usr/bin/env bash
# kurt on 1 GB of f32 in the page cache: against the machine's limit (a loop that reads the same mapping, same
# threads), numpy in cache-sized pieces and scipy (one thread, numbers already in memory); and on bf16, f16.
# Ours is the whole program. SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
command -v kurt >/dev/null || { echo "kurt: not built" >&2; exit 1; }
python=$(PATH=$(getconf PATH) command -v python3 || true)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
REPEATS=${REPEATS:-9} THREADS=${THREADS:-2} MB=${MB:-1000}

cat >"$dir/limit.c" <<'C'
/* limit make FILE MB: numbers with t-like tails | limit read FILE THREADS: sums its words, prints GB/s */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
enum { PIECE = 1 << 20 };
static const unsigned char *base;
static size_t n, next;
static uint64_t sink;

__attribute__((target_clones("avx512f", "avx2", "default"))) static uint64_t sum(const uint64_t *p, size_t k)
{
    uint64_t s = 0;
    for (size_t i = 0; i < k; i++)
        s += p[i];
    return s;
}

static void *work(void *arg)
{
    uint64_t s = 0;
    (void)arg;
    for (size_t i; (i = __atomic_fetch_add(&next, PIECE, __ATOMIC_RELAXED)) < n;)
        s += sum((const uint64_t *)(base + i), (n - i < PIECE ? n - i : PIECE) / 8);
    __atomic_fetch_add(&sink, s, __ATOMIC_RELAXED);
    return NULL;
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!strcmp(argv[1], "make")) {
        size_t mb = strtoul(argv[3], NULL, 10), count = mb * 250000;
        FILE *f = fopen(argv[2], "wb");
        char head[256] = { 0 };
        int k = snprintf(head + 8, 200, "{\"w\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[0,%zu]}}", count, 4 * count);
        for (; k % 8; k++)
            head[8 + k] = ' ';
        head[0] = (char)k;
        fwrite(head, 1, (size_t)k + 8, f);
        static float x[250000];
        uint64_t s = 88172645463325252u;
        for (size_t m = 0; m < mb; m++) {
            for (size_t i = 0; i < 250000; i++) {
                double u[3];
                for (int j = 0; j < 3; j++) {
                    s ^= s << 13, s ^= s >> 7, s ^= s << 17;
                    u[j] = (double)(s >> 11) * 0x1p-53 - 0.5;
                }
                x[i] = (float)((u[0] + u[1] + u[2]) / (0.6 - u[0] * u[1] * 2));
            }
            fwrite(x, sizeof x, 1, f);
        }
        return fclose(f) != 0;
    }
    int fd = open(argv[2], O_RDONLY), threads = atoi(argv[3]);
    struct stat st;
    struct timespec a, b;
    pthread_t t[64];
    fstat(fd, &st);
    n = (size_t)st.st_size & ~(size_t)7;
    clock_gettime(CLOCK_MONOTONIC, &a);
    base = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    for (int i = 1; i < threads; i++)
        pthread_create(&t[i], NULL, work, NULL);
    work(NULL);
    for (int i = 1; i < threads; i++)
        pthread_join(t[i], NULL);
    munmap((void *)base, n);
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%.4g\n", (double)n / 1e9 / ((double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec)));
    return sink == 1;
}
C
${CC:-cc} -O3 -pthread "$dir/limit.c" -o "$dir/limit"
cat >"$dir/peer.py" <<'PY'
import sys, time, numpy as np, scipy.stats as st
x = np.fromfile(sys.argv[2], np.float32)[-int(sys.argv[3]) * 250000:]
t = time.perf_counter()
if sys.argv[1] == "numpy":  # two passes over 64 Ki numbers at a time, in double
    n = x.size
    m = sum(x[i:i + 65536].sum(dtype=np.float64) for i in range(0, n, 65536)) / n
    s2 = s4 = 0.0
    for i in range(0, n, 65536):
        d = x[i:i + 65536].astype(np.float64); d -= m; d *= d; s2 += d.sum(); s4 += d @ d
else:
    st.kurtosis(x.astype(np.float64))
print(x.nbytes / 1e9 / (time.perf_counter() - t))
PY

median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
rate() { # GB/s of kurt on a file
    local from=$EPOCHREALTIME
    kurt --threads "$THREADS" "$1" >/dev/null
    awk -v a="$from" -v b="$EPOCHREALTIME" -v n="$(stat -c %s "$1")" 'BEGIN { print n / 1e9 / (b - a) }'
}
# compare WHAT FILE REPEATS PEER-COMMAND...: alternating runs; medians of both, and of the ratios of neighbours
compare() {
    : >"$dir/ours"
    : >"$dir/peer"
    for ((i = 0; i < $3; i++)); do
        rate "$2" >>"$dir/ours"
        "${@:4}" >>"$dir/peer"
    done
    paste "$dir/ours" "$dir/peer" | awk '{ print $1 / $2 }' | median >"$dir/ratio"
    awk -v w="$1" -v a="$(median <"$dir/ours")" -v b="$(median <"$dir/peer")" -v r="$(<"$dir/ratio")" \
        'BEGIN { printf "kurt,%s,%.3g,%.3g,GB/s,%.3g\n", w, a, b, r }'
}

"$dir/limit" make "$dir/x.safetensors" "$MB"
compare "f32 $MB MB $THREADS threads: limit (reading the mapping)" "$dir/x.safetensors" "$REPEATS" \
    "$dir/limit" read "$dir/x.safetensors" "$THREADS"
if [[ $python ]] && "$python" -c 'import scipy.stats' 2>/dev/null; then
    compare "f32 $MB MB $THREADS threads: numpy in 64 Ki pieces" "$dir/x.safetensors" 3 \
        "$python" "$dir/peer.py" numpy "$dir/x.safetensors" "$MB"
    compare "f32 $MB MB $THREADS threads: scipy.stats.kurtosis (a tenth)" "$dir/x.safetensors" 3 \
        "$python" "$dir/peer.py" scipy "$dir/x.safetensors" $((MB / 10))
else
    echo "kurt: scipy is not installed: skipped" >&2
fi
for dtype in BF16 F16; do
    tensorcat --dtype=$dtype -o "$dir/half.safetensors" "$dir/x.safetensors"
    compare "${dtype,,} $((MB / 2)) MB $THREADS threads: limit (reading the mapping)" "$dir/half.safetensors" "$REPEATS" \
        "$dir/limit" read "$dir/half.safetensors" "$THREADS"
done
