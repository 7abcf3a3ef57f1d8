# Many machines: every heavy step of the recipes takes RUN; and, under make check-all, a real Slurm of one node, started here
# and ended here: recipes through srun, a job array by (layer, language), a task that is killed and submitted again.
load helper

setup_file() {
    [[ ${SLOW:-} ]] && command -v slurmctld slurmd munged srun >/dev/null || return 0
    start_cluster "$BATS_FILE_TMPDIR/cluster" 3>&-
}

teardown_file() {
    local pid pids=()
    [[ ! -f $BATS_FILE_TMPDIR/cluster/pids ]] || mapfile -t pids <"$BATS_FILE_TMPDIR/cluster/pids"
    ((${#pids[@]})) || return 0
    export SLURM_CONF=$BATS_FILE_TMPDIR/cluster/slurm.conf
    scancel --user="$(id -un)" || true
    for _ in {1..50}; do [[ -z $(squeue -h 2>/dev/null) ]] && break; sleep 0.2; done # a job's step outlives the daemons
    kill "${pids[@]}" 2>/dev/null || return 0
    for pid in "${pids[@]}"; do # they still write while they end
        for _ in {1..100}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    done
}

setup() {
    helper_setup
    unset MAKEFLAGS MAKELEVEL
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    export SLURM_CONF=$BATS_FILE_TMPDIR/cluster/slurm.conf
}

# start_cluster DIR: daemons of this user, ports drawn, every file in DIR; their process ids in DIR/pids
start_cluster() {
    local d=$1 host port=$((20000 + RANDOM % 20000))
    host=$(hostname -s)
    mkdir -p "$d/state" "$d/spool"
    chmod 700 "$d"
    (umask 077 && head -c 1024 /dev/urandom >"$d/key")
    munged --force --foreground --num-threads=1 --key-file="$d/key" --socket="$d/munge.socket" --pid-file="$d/munged.pid" \
        --log-file="$d/munged.log" --seed-file="$d/seed" &>"$d/munged.err" &
    echo $! >"$d/pids"
    cat >"$d/slurm.conf" <<END
ClusterName=babelbits
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$d/munge.socket
StateSaveLocation=$d/state
SlurmdSpoolDir=$d/spool
SlurmctldPidFile=$d/slurmctld.pid
SlurmdPidFile=$d/slurmd.pid
SlurmctldLogFile=$d/slurmctld.log
SlurmdLogFile=$d/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
KillWait=2
SchedulerParameters=batch_sched_delay=1,sched_interval=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
    export SLURM_CONF=$d/slurm.conf
    for _ in {1..100}; do [[ -S $d/munge.socket ]] && break; sleep 0.1; done
    slurmctld -D &>"$d/slurmctld.err" &
    echo $! >>"$d/pids"
    slurmd -D &>"$d/slurmd.err" &
    echo $! >>"$d/pids"
    for _ in {1..150}; do [[ $(sinfo -h -o %t 2>/dev/null) == idle ]] && return; sleep 0.2; done
    tail -n 5 "$d"/*.err "$d"/*.log
    return 1
}

needs_slurm() {
    [[ ${SLOW:-} ]] || skip "slow: make check-all"
    command -v slurmctld slurmd munged srun >/dev/null || skip "slurmd is not installed (Debian: slurm-wlm munge)"
}

# until_done JOB: no task of it waits or runs
until_done() {
    for _ in {1..300}; do [[ -z $(squeue -h -j "$1" 2>/dev/null) ]] && return; sleep 0.2; done
    squeue
    return 1
}

@test "recipes: every step that runs a model, counts tokens or draws samples takes RUN" {
    # in recipes, and in variables that begin with such a program; TEACH, which has lmtrain, is itself among them. In a pipe
    # modelcat only reads a file for what takes RUN, and kurt, where it comes last, a few rows of what did
    awk -v heavy='[$]+[(](SENS|PPL|LMSAMPLE|ACTDUMP|LMTRAIN|TEACH|TOKTRAIN|TOKSTAT|PLANT|WQUANT|KURT|MODELCAT|BOOTSTRAP)[)]' '
        /^\t/ || $0 ~ "^[A-Z_]+ *:?= " heavy && !/^TEACH =/ {
            rest = $0
            gsub(/[$][(]MODELCAT[)] [^|]* [|] /, "", rest)
            gsub("[(]RUN[)] " heavy, "", rest)
            gsub(heavy " --version", "", rest)
            gsub(/[|] [$][(]KURT[)]/, "", rest)
            if (rest ~ heavy) { print FILENAME ":" FNR ": " $0; n++ }
            seen++
        }
        END { exit n > 0 || seen < 100 }' "$ROOT"/pipelines/*.mk "$ROOT"/pipelines/*/*.mk
}

@test "slurm: a recipe's steps by srun give the bytes they give without" {
    needs_slurm
    for run in "" "srun --cpus-per-task=1"; do
        make -s -C "$ROOT" -f pipelines/tokenisation.mk STEMS="eng lav" RESAMPLES=50 THREADS=1 RUN="$run" OUT="$PWD/out" \
            DIR="$PWD/d${run:+-run}" "$PWD/d${run:+-run}/premium-qwen3.csv"
    done
    cmp d/premium-qwen3.csv d-run/premium-qwen3.csv
    # a binary stream through srun, in and out
    modelcat --compress=0 "$DATA/golden/bloom-a" | tee m.t | srun --cpus-per-task=1 wquant --bits=4 >got.t
    wquant --bits=4 m.t | cmp got.t -
    # a job that fails is a step that fails
    run -1 srun wquant --bits=4 "$DATA/golden/tokenizer.json"
}

@test "slurm: an array of (layer, language), a task killed and submitted again, is sens in one run" {
    needs_slurm
    mkdir text slow
    head -n 4 "$ROOT/pipelines/data/udhr/eval/eng.txt" >text/eng.txt
    cp "$ROOT/pipelines/data/udhr/eval/tha.txt" text/
    options=(-m "$DATA/golden/bloom-a" -t "$DATA/golden/tokenizer.json" --part matrix --quant bits=3 --quant bits=4 --memory=1) # it notes each part
    array=(--parsable --array=0-5 --cpus-per-task=1 "$ROOT/pipelines/slurm/sens.sh" shards text "eng tha" "${options[@]}")
    # task 3 (layer 1, tha) is stopped when two parts are noted, and killed
    cat >slow/sens <<'END'
#!/usr/bin/env bash
real=${PATH#*:}
PATH=$real
[[ $SLURM_ARRAY_TASK_ID == 3 ]] || exec sens "$@"
sens "$@" &
until [[ -e shards/layer-1-tha.part ]] && mapfile -t rows <shards/layer-1-tha.part && ((${#rows[@]} >= 3)); do sleep 0.005; done
kill -STOP $!
touch stopped
wait
END
    chmod +x slow/sens
    job=$(PATH="$PWD/slow:$PATH" sbatch "${array[@]}")
    for _ in {1..300}; do [[ -e stopped ]] && break; sleep 0.2; done
    [[ -e stopped ]]
    scancel --full --signal=KILL "${job}_3"
    until_done "$job"
    (($(find shards -name 'layer-*.csv' | wc -l) == 5)) && [[ -s shards/layer-1-tha.part && ! -e shards/layer-1-tha.csv ]]
    stat -c '%n %i %y' shards/*.csv >before
    job=$(sbatch "${array[@]}")
    until_done "$job"
    cat slurm-*.out
    (($(find shards -name 'layer-*.csv' | wc -l) == 6 && $(find shards -name '*.part' | wc -l) == 0))
    stat -c '%n %i %y' shards/*.csv | grep -v layer-1-tha | cmp before - # the others were left alone
    mlr --csv filter '$part != "all"' then sort -t quant -nf layer -t part,lang then cut -x -f additivity,additivity_kl shards/layer-*.csv >got
    sens "${options[@]}" text/eng.txt text/tha.txt |
        mlr --csv filter '$part != "all"' then sort -t quant -nf layer -t part,lang then cut -x -f additivity,additivity_kl >wanted
    (($(wc -l <wanted) == 1 + 2 * 12 * 2))
    cmp got wanted
    bitalloc --damage=kl --like=bits=3 got >recipe.csv
    (($(wc -l <recipe.csv) == 13))
}
