#!/usr/bin/env bash
# step.sh FOLDER TARGET... -- COMMAND...: runs COMMAND, a step that makes the targets; until it has ended a file in FOLDER says so.
# step.sh FOLDER: deletes the targets of steps that did not come to their end, so that make makes them again.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a failed step leaves make deletes; but not when it is killed too (kill -9), and then half a table would pass for a
# whole one. The lock on that file is held by COMMAND and what it starts, and goes with the last of them, however they end.
set -euo pipefail
folder=$1
shift
if (($#)); then
    [[ -d $folder ]] || mkdir -p "$folder"
    file=$folder/$$-$RANDOM
    exec {lock}>"$file"
    flock "$lock" || true # some file systems have no locks
    while [[ $1 != -- ]]; do targets+=("$1") && shift; done
    echo "$HOSTNAME $PPID ${targets[*]}" >&"$lock"
    setpriv --pdeathsig=TERM "${@:2}" && status=0 || status=$? # a make that is ended ends this script, and that ends COMMAND
    if ((status == 0)) || [[ -d /proc/$PPID ]]; then rm "$file"; fi # what has failed make deletes, where it is still there
    exit "$status"
fi

for file in "$folder"/*; do
    { exec {lock}<"$file" && read -r host make targets <&"$lock"; } 2>/dev/null || continue # done meanwhile, or about to begin
    if ! flock --nonblock "$lock"; then
        if [[ $host != "$HOSTNAME" || -d /proc/$make ]]; then continue; fi
        echo "$targets: begun by a make that was killed, still at work: waiting for its end" >&2
        flock "$lock" || true
    fi
    if [[ -e $file ]]; then
        echo "$targets: begun by a make that was killed: made again" >&2
        read -ra half <<<"$targets"
        rm -f "${half[@]}" "$file"
    fi
    exec {lock}<&-
done
