#!/usr/bin/env bash
# make figures: all that it does, from nothing, two steps at a time, on the shipped models. It has no peer; minutes.
# KNOBS are more of its arguments (KNOBS="PLANTED=1"). SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
here=$PWD
# shellcheck source=tests/bench/lib.bash
. ./lib.bash
need mlr gnuplot ppl
cd "$here/../.."
[[ -f pipelines/data/models/bloom-style/config.json ]] || skip "there are no models in pipelines/data/models"
unset MAKEFLAGS MAKELEVEL # of make bench
took=$(seconds "make -j2 -f pipelines/figures.mk OUT=$work ${KNOBS:-}")
[[ -s $work/figures/bloom-style/versus.svg ]] || { echo "figures: it did not come to its end" >&2; exit 1; }
echo "figures,make figures${KNOBS:+ $KNOBS},$took,,s,"
