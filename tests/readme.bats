# Every command of the README is run, and prints what the README says.
#   ```sh         run; a ```text block right behind is its exact output (a line "..." stands for any lines)
#   ```shell      not run here: needs a cluster, a real model, or is one of the two commands that other tests are
load helper

setup() {
    helper_setup
    ROOT="$BATS_TEST_DIRNAME/.."
    cp -r "$ROOT/pipelines" "$ROOT/Makefile" .
    rm -rf pipelines/out
    ln -s "$ROOT/tests" tests
}

# blocks: writes block-N.sh and, where there is one, block-N.text
blocks() {
    awk '
        /^```python$/ { kind = file = "python"; printf "" > file; next }
        /^```sh$/ { n++; kind = "sh"; file = sprintf("block-%02d.sh", n); printf "" > file; next }
        /^```text$/ && after { file = sprintf("block-%02d.text", n); kind = "text"; next }
        /^```/ && kind != "" { after = kind == "sh"; kind = ""; close(file); next }
        kind != "" { print > file; next }
        /[^ ]/ { after = 0 }' "$ROOT/README.md"
}

# matches WANTED GOT: equal, but a line "..." in WANTED is any run of lines
matches() {
    awk '
        NR == FNR { want[++n] = $0; next }
        { got[++m] = $0 }
        END {
            i = j = 1
            while (i <= n) {
                if (want[i] == "...") {
                    i++
                    while (j <= m && (i > n || got[j] != want[i])) j++
                } else if (j <= m && got[j] == want[i]) { i++; j++ }
                else { print "line " i ": wanted: " want[i]; print "        got: " got[j]; exit 1 }
            }
            if (j <= m) { print "more output than wanted: " got[j]; exit 1 }
        }' "$1" "$2"
}

@test "README: every sh block runs and prints what it says" {
    blocks
    ls block-*.sh
    for block in block-*.sh; do
        echo "== $block"; cat "$block"
        bash -euo pipefail "$block" > got 2> errors || { cat errors; return 1; }
        [[ ! -f ${block%.sh}.text ]] || matches "${block%.sh}.text" got
    done
}

@test "README: Python reads a stream as the README says" {
    for python in python3 /usr/bin/python3 ''; do
        [[ $python ]] || skip "no Python with numpy"
        ! "$python" -c 'import numpy' 2> /dev/null || break
    done
    blocks
    seq 1 12 | tensorcat --from=text --shape=3x4 --name=w -o w.t
    [[ $("$python" python) == "w 6.5" ]]
}

@test "README: files and programs that it names are there" {
    grep -o '(\(pipelines\|tests\|common\|cmd\)/[^)# ]*)' "$ROOT/README.md" | tr -d '()' | sort -u > links
    while read -r link; do [[ -e $ROOT/$link ]] || { echo "no $link"; return 1; }; done < links
}
