#!/usr/bin/env bash
# sens.sh - what each layer costs each language, a job for each (layer, language): a Slurm job array.
# SPDX-License-Identifier: GPL-3.0-or-later
#
#   sbatch --array=0-71 --cpus-per-task=8 pipelines/slurm/sens.sh shards flores "eng fin tha" -m bloom-560m --quant bits=4
#
# 24 layers times 3 languages. Task k does layer k / 3 for language k % 3: text from flores/LANG.txt, rows into
# shards/layer-L-LANG.csv, which is whole or not there. A task that finds its file has nothing to do; one that was killed goes
# on from its notes, which are of at most a minute or 16 cases before. So after any failure: submit the same line again.
#SBATCH --job-name=sens
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

out=$1 text=$2
read -r -a langs <<<"$3"
shift 3
layer=$((SLURM_ARRAY_TASK_ID / ${#langs[@]}))
lang=${langs[SLURM_ARRAY_TASK_ID % ${#langs[@]}]}
shard=$out/layer-$layer-$lang

mkdir -p "$out"
[[ ! -s $shard.csv ]] || exit 0
sens "$@" --only="layer:$layer" --threads="${SLURM_CPUS_PER_TASK:-1}" --resume="$shard.part" --output="$shard.csv" "$text/$lang.txt"
rm -f "$shard.part"
