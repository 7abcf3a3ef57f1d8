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

# options PROGRAM TYPE: the names of those of its options that are of cli's type TYPE
options() {
    sed -n 's/.*"\([a-z-]*\)", '"$2"', .*/\1/p' "$ROOT/cmd/$1.c"
    case $2 in
    CLI_OUT) sed -n 's/^ *CLI_OUTPUT(.*/output/p' "$ROOT/cmd/$1.c" ;;
    CLI_IN) sed -n 's/^ *CLI_MODEL(.*/model/p' "$ROOT/cmd/$1.c" ;;
    esac
}

# refuses PATTERN PROG ARG...: as wrong usage, with a first line like that, and the folder left as it is
refuses() {
    ls -lR --time-style=full-iso >../before.txt
    run -2 --separate-stderr "${@:2}"
    echo "${*:2}: $stderr"
    # shellcheck disable=SC2053 # a pattern
    [[ ${stderr_lines[0]} == "$2: "$1 && -z $output ]]
    ls -lR --time-style=full-iso | diff ../before.txt -
}

@test "programs: no output replaces what is read, or another output" {
    # of these cli knows which way they go
    run ! grep -E 'CLI_(STR|STRS|LIST)\>[^"]*"(FILE|CSV|DIR|MODEL|STREAM)' "$ROOT"/cmd/*.c "$ROOT"/common/cli/cli.h
    mkdir here && cd here
    mkdir model made
    touch in.safetensors model/{config.json,tokenizer.json,model.safetensors,model-00001-of-00002.safetensors}
    ln in.safetensors link.safetensors
    n=0
    specs=0
    for program in $(programs); do
        outputs=($(options $program CLI_OUT) $(options $program CLI_OUT_DIR))
        [[ " ${outputs[*]} " == *" output "* ]]
        for out in "${outputs[@]}"; do
            refuses "./in.safetensors: is read, and --$out would replace it" $program --$out=./in.safetensors in.safetensors
            for in in $(options $program CLI_IN); do
                refuses "in.safetensors: is read, and --$out would replace it" $program --$in=in.safetensors --$out=in.safetensors x
            done
            for in in $(options $program CLI_INS); do
                refuses "in.safetensors: is read, and --$out would replace it" $program --$in=y,in.safetensors --$out=in.safetensors x
            done
            for in in $(options $program CLI_SPECS); do
                refuses "in.safetensors: is read, and --$out would replace it" $program --$in=bits=4 --$in=clip=mse,recipe=./in.safetensors,per=tensor --$out=in.safetensors x
                specs=$((specs + 1))
            done
            for other in "${outputs[@]}"; do
                [[ $other != "$out" ]] || continue
                refuses "--+([a-z-]) and --+([a-z-]) are the same file '*new.safetensors'" \
                    $program --$out=./new.safetensors --$other=new.safetensors x
                refuses "--+([a-z-]) and --+([a-z-]) both go to standard output" $program --$out=- --$other=- x
                n=$((n + 1))
            done
        done
        for dir in $(options $program CLI_OUT_DIR); do
            for out in $(options $program CLI_OUT); do
                refuses "--$out: 'made/x.csv' is in the directory that --$dir makes" $program --$dir=made/ --$out=made/x.csv x
            done
        done
    done
    ((specs >= 3)) # ppl, sens and lmsample
    ((n >= 20)) # lmtrain and wquant alone have three and four outputs
    for same in "$PWD/in.safetensors" link.safetensors model//../in.safetensors; do
        refuses "$same: is read, and --output would replace it" kurt --output=$same in.safetensors
    done
    for file in model/config.json model/tokenizer.json ./model/model.safetensors model/model-00001-of-00002.safetensors; do
        refuses "$file: is read, and --output would replace it" modelcat --output=$file model
        refuses "$file: is read, and --output would replace it" ppl --model=model/ --output=$file x
    done
    run -2 --separate-stderr bash -c 'tok -t x -o in.safetensors <in.safetensors'
    [[ ${stderr_lines[0]} == "tok: in.safetensors: is read, and --output would replace it" ]]
    refuses "--report and --output both go to standard output" plant --report=- --layer=0 x
}

@test "programs: outputs that are no files, beside each other or new in a model's directory are none of that" {
    mkdir model
    touch model/pytorch_model.bin x.t
    for fine in "wquant --report=/dev/null -o /dev/null x.t" "plant --layer=0 --report=/dev/stdout x.t" \
        "wquant --pack=new --report=- x.t" "modelcat -o model/model.safetensors model" "ppl -m model -o model/x.csv x.t"; do
        run -1 $fine # for what x.t and the model are
    done
}

@test "programs: of those that run a model, a tokenizer that is not there is named, and standard input is one thing" {
    echo x >eng.txt
    model=$(golden bloom-a)
    missing="/nix/tokenizer.json: cannot read: No such file or directory"
    for program in actdump lmsample ppl sens; do
        quant=()
        [[ $program != sens ]] || quant=(--quant=bits=3)
        run -1 --separate-stderr $program "${quant[@]}" -m "$model" -t /nix/tokenizer.json -o x eng.txt
        [[ $stderr == "$program: $missing" ]]
        for files in "" - "eng.txt -"; do
            # shellcheck disable=SC2086 # two files
            run -2 --separate-stderr $program "${quant[@]}" -m - -t "$DATA/golden/tokenizer.json" -o x $files
            [[ ${stderr_lines[0]} == "$program: the model is standard input already: name a file of text or tokens" ]]
        done
    done
    run -1 --separate-stderr wquant --method gptq --calibrate eng.txt --tokenizer /nix/tokenizer.json -o x "$model/model.safetensors"
    [[ $stderr == "wquant: $missing" ]]
    run -2 --separate-stderr ppl -m "$model" --against - -t "$DATA/golden/tokenizer.json"
    [[ ${stderr_lines[0]} == "ppl: the model is standard input already: "* ]]
    run -1 --separate-stderr lmsample -m - -t "$DATA/golden/tokenizer.json" --prompt x </dev/null
    [[ $stderr == "lmsample: standard input: "* ]]
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
