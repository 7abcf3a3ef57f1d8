# What every test file starts from: `load helper` and, in setup, `helper_setup`.

helper_setup() {
    bats_require_minimum_version 1.5.0
    set -o pipefail
    export PATH="${BIN:-$BATS_TEST_DIRNAME/../bin}:$PATH" LC_ALL=C
    export DATA="$BATS_TEST_DIRNAME/data"
    cd "$BATS_TEST_TMPDIR" || return 1
}

# The same for a recipe's: in setup_file, which then stands in the file's own folder, and in setup. ROOT is the repository.
recipe_setup_file() {
    unset MAKEFLAGS MAKELEVEL
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    export PATH="${BIN:-$ROOT/bin}:$PATH" LC_ALL=C
    cd "$BATS_FILE_TMPDIR" || return 1
}
recipe_setup() {
    helper_setup
    unset MAKEFLAGS MAKELEVEL
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
}

# knowing_models: bloom-knows and xglm-knows in this folder, golden models whose final norm says how often each token comes, so
# that they are better than guessing; of a recipe's test
knowing_models() {
    local golden=$ROOT/tests/data/golden family norm weights
    while read -r family norm; do
        weights=$golden/$family-a/model.safetensors
        mkdir -p "$family-knows"
        cp "$golden/$family-a/config.json" "$golden/tokenizer.json" "$family-knows/"
        tensorcat --skip "$norm.*" "$weights" >most.t
        # shellcheck disable=SC2046 # numbers
        tgen -n "$norm.weight" $(tensorcat --to=text --only "$norm.weight" "$weights" | awk '{ print 0.06 * $1 }') >weight.t
        # shellcheck disable=SC2046
        tgen -n "$norm.bias" $(<"$ROOT/tests/data/study/$family.txt") >bias.t
        tensorcat -o "$family-knows/model.safetensors" most.t weight.t bias.t
    done <<<$'bloom transformer.ln_f\nxglm model.layer_norm'
}

# value CSV FILTER COLUMN: of the rows that mlr's filter takes
value() { mlr --csv --headerless-csv-output filter "$2" then cut -o -f "$3" "$1"; }

# near GOT WANTED TOLERANCE: |GOT - WANTED| <= TOLERANCE (absolute)
near() {
    awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { d = a - b; if (d < 0) d = -d
        if (a == "" || b == "" || a != a + 0 || !(d <= t)) { print "got " a ", wanted " b " within " t; exit 1 } }'
}

# close GOT WANTED TOLERANCE: the same, relative to WANTED
close() {
    awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { d = a - b; if (d < 0) d = -d; m = b < 0 ? -b : b
        if (a == "" || b == "" || a != a + 0 || !(d <= t * m)) { print "got " a ", wanted " b " within " t; exit 1 } }'
}

# field NAME [ROW] < CSV: one field of the ROW-th data row (1), by column name; simple fields only
field() {
    awk -F, -v name="$1" -v row="${2:-1}" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; if (!c) { print "no column " name; exit 1 } }
        NR == row + 1 { print $c; found = 1 } END { exit !found }'
}

# The contract that every program keeps. keeps_contract PROG: --help, --version, unknown option.
keeps_contract() {
    run -0 --separate-stderr "$1" --help
    [[ $output == "Usage: $1 "* && -z $stderr ]]
    for word in Options: --quiet --version Example: "See also:"; do [[ $output == *"$word"* ]]; done
    (($(wc -L <<<"$output") <= 100))
    run -0 "$1" --version
    [[ $output == "$1 (babelbits) "* ]]
    run -2 --separate-stderr "$1" --no-such-option
    [[ $stderr == "$1: unknown option '--no-such-option'"* && -z $output ]]
    run -1 bash -c "$1 --help > /dev/full"
}

# wrong_usage MESSAGE PROG ARG...: ends with 2, that message in front of the pointer to --help, and no output
wrong_usage() {
    run -2 --separate-stderr "${@:2}"
    echo "$stderr"
    # shellcheck disable=SC2154 # set by run
    [[ ${stderr_lines[0]} == "$2: $1" && -z $output ]]
}

# tgen [-n NAME] [-s SHAPE] [-d DTYPE] [-m KEY=VALUE,...] NUMBER... : a small stream of one tensor on stdout [x, F32]
tgen() {
    local name=x options=()
    while [[ $1 == -[nsdm] ]]; do
        case $1 in
        -n) name=$2 ;;
        -s) options+=(--shape="$2") ;;
        -d) options+=(--dtype="$2") ;;
        -m) options+=(--set="$2") ;;
        esac
        shift 2
    done
    printf '%s\n' "$@" | tensorcat --from=text --name="$name" "${options[@]}"
}

# golden NAME: the directory of a tiny model with its expected outputs, as bloom-a (tests/data/golden/README.md);
# read-only: a test that changes one copies it
golden() {
    [[ -f $DATA/golden/$1/config.json ]] || { echo "no golden model '$1'" >&2; return 1; }
    echo "$DATA/golden/$1"
}
