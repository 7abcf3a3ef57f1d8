# What all programs have in common, and what make does with them.
load helper

setup() {
    helper_setup
    ROOT="$BATS_TEST_DIRNAME/.."
}

programs() {
    for source in "$ROOT"/cmd/*.c; do basename "$source" .c; done
}

@test "programs: every one keeps the contract of help, version and usage" {
    [[ -n $(programs) ]]
    for program in $(programs); do keeps_contract "$program"; done
}

@test "programs: a letter keeps one meaning in the whole toolkit" {
    for program in $(programs); do
        "$program" --help | sed -n 's/^  -\(.\), --\([a-z-]*\).*/\1 \2/p'
    done | sort -u > letters
    cut -d' ' -f1 letters | uniq -d > twice
    cat letters
    [[ ! -s twice ]]
}

@test "programs: every one has its tests, its line in the README and a readable example" {
    for program in $(programs); do
        [[ -f $ROOT/tests/$program.bats ]]
        grep -q "^| \`$program\` |" "$ROOT/README.md"
        "$program" --help | sed -n '/^Example:/,/^See also:/p' | grep -qw "$program"
    done
}

@test "programs: what --help points to is there" {
    for program in $(programs); do
        "$program" --help | sed -n '/^See also: /{s///;s/([^)]*)//g;p}' | tr -d ' ' | tr ',' '\n' > named
        [[ -s named ]]
        while read -r other; do
            [[ $other == mlr || -f $ROOT/cmd/$other.c ]] || { echo "$program: no program $other"; return 1; }
        done < named
    done
}

@test "make install: programs and man pages under DESTDIR, nothing else" {
    make -s -C "$ROOT" BIN="$(dirname "$(command -v corr)")" DESTDIR="$PWD/root" PREFIX=/opt/bb install
    for program in $(programs); do
        [[ -x root/opt/bb/bin/$program ]]
        man=root/opt/bb/share/man/man1/$program.1
        grep -q "^.SH OPTIONS" "$man"
        sed -n '/^.SH NAME/{n;p}' "$man" | grep -q "^$program "
    done
    [[ $(find root -type f | wc -l) == $((2 * $(programs | wc -l))) ]]
}

@test "make: nothing is built twice, and the version stands in one place" {
    run make -C "$ROOT" BIN="$(dirname "$(command -v corr)")" all
    [[ $output == *"Nothing to be done"* ]]
    version=$(sed -n 's/^VERSION := //p' "$ROOT/Makefile")
    [[ $(corr --version) == "corr (babelbits) $version" ]]
    [[ $(git -C "$ROOT" grep -lF "$version" -- Makefile cmd common | wc -l) == 1 ]]
}
