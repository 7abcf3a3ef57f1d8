#!/usr/bin/env bash
# alone.sh NAME DIR... -- COMMAND...: runs COMMAND while no other alone.sh has one of these folders; waits for that one, saying so.
# SPDX-License-Identifier: GPL-3.0-or-later
# The lock is DIR/lock's, held by COMMAND and what it starts: it goes with the last of them, however they end.
set -euo pipefail
name=$1
shift
while [[ $1 != -- ]]; do
    exec {lock}>>"$1/lock"
    flock --nonblock "$lock" || {
        echo "$name: $1: another run is at work there: waiting for its end" >&2
        flock "$lock"
    }
    shift
done
shift
exec "$@"
