# bitalloc: published optima and small problems solved by hand; what it refuses; recipes that wquant takes; the contract.
load helper

setup() {
    helper_setup
    # two parts, two languages: a costs x more, b costs y more
    cat >two.csv <<'C'
quant,part,layer,weights,packed_bytes,lang,delta_nll,kl
bits=3,0,0,100,40,x,0.8,1
bits=3,0,0,100,40,y,0.1,1
bits=4,0,0,100,50,x,0.2,0.5
bits=4,0,0,100,50,y,0.05,0.5
bits=3,1,1,100,40,x,0.1,1
bits=3,1,1,100,40,y,0.5,1
bits=4,1,1,100,50,x,0.05,0.5
bits=4,1,1,100,50,y,0.1,0.5
bits=3,all,,200,80,x,9,9
bits=3,all,,200,80,y,9,9
C
}

# hawq: the published problem of 19 layers in the form that bitalloc reads: cost is trace * |dW|^2
hawq() {
    awk -F, 'NR == 1 { print "part,layer,bits,lang,weights,packed_bytes,cost"; next }
        { printf "%s,%s,8,any,%d,%d,%.17g\n%s,%s,4,any,%d,%d,%.17g\n", $1, $1, $2, $2, $3 * $4, $1, $1, $2, $2 / 2, $3 * $5 }' \
        "$BATS_TEST_DIRNAME/../pipelines/data/hawqv3-resnet18.csv"
}

@test "bitalloc: HAWQ-V3's ResNet-18, whose optima are known from trying all 2^19" {
    hawq >h.csv
    all4=$(awk -F, '$3 == 4 { n += $6 } END { print n }' h.csv)
    for case in 0:1.30771312852 1:0.118299578238 2:0.074505929638 3:0.033440591234 4:0.004257874283; do
        quarter=${case%:*}
        for objective in mean worst; do
            bitalloc --quant bits --damage cost --bytes $((all4 + all4 * quarter / 4)) --objective $objective --report rep.csv h.csv >r.csv 2>err
            close "$(field value <rep.csv)" "${case#*:}" 1e-9
            [[ $(field is_exact <rep.csv) == 1 ]]
        done
    done
    bitalloc --quant bits --damage cost --bytes $((all4 + all4 / 4)) h.csv 2>/dev/null | mlr --icsv --onidx cut -f bits |
        tr -d '\n' | cmp - <(printf 8888888888888844444)
}

@test "bitalloc: whatever a way sets is in the recipe, and wquant does it" {
    ways='grid=ct-asym,per=group:16,clip=mse,scale=f16,bias=mean,beyond=yes,rotate=16'
    sed "s/^bits=./\"&,$ways\"/" two.csv >ways.csv
    bitalloc --like "bits=3,$ways" ways.csv 2>/dev/null >r.csv
    head -1 r.csv | diff - <(echo part,layer,bits,grid,per,clip,scale,bias,beyond,rotate,bytes,damage)
    IFS=, read -ra options <<<"$ways"
    [[ ${#options[@]} == 7 ]]
    for o in "${options[@]}"; do [[ $(field "${o%=*}" <r.csv) == "${o#*=}" ]]; done
    options=("${options[@]/#/--}")
    model=$(golden bloom-a)/model.safetensors
    wquant -q --only layer:0-1 --recipe r.csv "$model" 2>warnings | kurt >recipe.csv
    wquant -q --only layer:0-1 --bits 3 "${options[@]/--beyond=yes/--beyond}" "$model" | kurt | cmp - recipe.csv
    run ! cmp -s recipe.csv <(wquant -q --only layer:0-1 --bits 3 "${options[@]:0:5}" "$model" | kurt)
}

@test "bitalloc: the mean, the worst off, and those that are protected" {
    # 90 bytes: one part at 4 bits. a: x 0.3 y 0.55; b: x 0.85 y 0.2
    bitalloc --bytes 90 --report rep.csv two.csv >r.csv 2>err
    diff r.csv - <<'C'
part,layer,bits,bytes,damage
0,0,4,50,0.125
1,1,3,40,0.3
C
    grep -q '^bitalloc: 90 of 90 bytes, 3.6 bits a weight; expected delta_nll: mean 0.425, worst 0.55 (y); least mean: 0.425, exact$' err
    [[ $(field damage 1 <rep.csv) == 0.3* && $(field damage 2 <rep.csv) == 0.55* && $(field is_worst 2 <rep.csv) == 1 ]]
    bitalloc --bytes 90 --objective worst two.csv 2>/dev/null | cmp - r.csv
    # y counts ten times: b is better for it
    bitalloc --bytes 90 --protect y --times 10 two.csv 2>/dev/null >p.csv
    [[ $(field bits 1 <p.csv) == 3 && $(field bits 2 <p.csv) == 4 ]]
    bitalloc --bytes 90 --objective worst --protect y two.csv 2>/dev/null | cmp - p.csv
    # and alone
    bitalloc --bytes 90 --langs y two.csv 2>/dev/null >y.csv
    [[ $(field bits 2 <y.csv) == 4 && $(field damage 1 <y.csv) == 0.1 ]]
}

@test "bitalloc: a budget by bits, bytes or likeness, and one that cannot be met" {
    bitalloc --bits 4 two.csv 2>err >a.csv
    grep -q '^bitalloc: 100 of 100 bytes' err
    bitalloc --like bits=4 two.csv 2>/dev/null | cmp - a.csv
    bitalloc --bytes 1000 two.csv 2>/dev/null | cmp - a.csv
    # 4.56 times 200 weights, in doubles, is a hair below 8 times the 114 bytes that two parts of 57 take
    sed 's/,40,/,57,/; s/,50,/,60,/' two.csv | bitalloc --bits 4.56 --report rep.csv >least.csv
    [[ $(field budget_bytes <rep.csv),$(field bytes <rep.csv),$(field bits <rep.csv) == 114,114,4.56 ]]
    run -1 --separate-stderr bitalloc --bytes 79 two.csv
    [[ $stderr == "bitalloc: the budget of 79 bytes (3.16 bits a weight) cannot be met: the parts take 80 (3.2) at the least, and 100 (4) at the most" ]]
    [[ -z $output ]]
    wrong_usage "one of --bits, --bytes and --like is needed" bitalloc two.csv
    wrong_usage "one of --bits, --bytes and --like is needed" bitalloc --bits 4 --bytes 7 two.csv
    run -1 --separate-stderr bitalloc --like bits=5 two.csv
    [[ $stderr == "bitalloc: --like: part '0' has no way 'bits=5'" ]]
}

@test "bitalloc: ways that lie on one line, but for rounding, keep to the budget" {
    # 3.92 to 0.8 in 8 bytes and to 0.41 in 9: 0.39 a byte, for which doubles say less at the last than at the first
    printf '%s\n' bits,part,packed_bytes,lang,delta_nll 2,p,10,x,3.92 3,p,18,x,0.80 4,p,19,x,0.41 >line.csv
    for want in 10:2 11:2 17:2 18:3 19:4; do
        bitalloc --quant bits --bytes "${want%:*}" --report rep.csv line.csv 2>err | mlr --icsv --onidx cut -f bits >got
        [[ $(<got) == "${want#*:}" && $(field is_exact <rep.csv) == 1 ]] || { cat err; return 1; }
    done
}

@test "bitalloc: --size is the column that counts" {
    mlr --csv put '$mine = $packed_bytes; $packed_bytes = 100 - $packed_bytes' two.csv >sizes.csv # 4 bits the smaller there
    bitalloc --bytes 90 two.csv 2>/dev/null >want.csv
    bitalloc --bytes 90 --size mine sizes.csv 2>/dev/null | cmp - want.csv
    run ! cmp -s want.csv <(bitalloc --bytes 110 sizes.csv 2>/dev/null)
    mlr --csv cut -x -f packed_bytes sizes.csv >only.csv
    bitalloc --bytes 90 --size mine only.csv 2>/dev/null | cmp - want.csv
    run -1 --separate-stderr bitalloc --bytes 90 only.csv
    [[ $stderr == *"'packed_bytes'"* ]]
}

@test "bitalloc: what is missing leaves a way out; what is there twice, or no number, is an error" {
    sed 's/^bits=4,0,0,100,50,y,0.05,/bits=4,0,0,100,50,y,,/' two.csv >missing.csv
    bitalloc --bytes 90 missing.csv >got.csv 2>err
    grep -q "^bitalloc: part '0': ways left out because delta_nll is missing for a language: 1$" err
    [[ $(field bits 1 <got.csv) == 3 && $(field bits 2 <got.csv) == 4 ]]
    for word in NA nan NaN; do # as everywhere in these programs
        sed "s/^bits=4,0,0,100,50,y,0.05,/bits=4,0,0,100,50,y,$word,/" two.csv >missing.csv
        bitalloc --bytes 90 missing.csv 2>err | cmp - got.csv
        grep -q "^bitalloc: part '0': ways left out because delta_nll is missing for a language: 1$" err
    done
    sed 's/^\(bits=.,0,.*,y\),[^,]*,/\1,,/' two.csv >none.csv
    run -1 --separate-stderr bitalloc --bytes 90 none.csv
    [[ $stderr == "bitalloc: none.csv: part '0': there is no way to quantise it"* ]]
    (cat two.csv; tail -1 two.csv) >twice.csv
    run -1 --separate-stderr bitalloc --bytes 90 twice.csv
    [[ $stderr == "bitalloc: twice.csv: line 12: part 'all', 'bits=3', 'y' stands there twice"* ]]
    sed 's/,50,y,/,51,y,/' two.csv >size.csv
    run -1 --separate-stderr bitalloc --bytes 90 size.csv
    [[ $stderr == *"has another size for another language"* ]]
    sed '4s/,100,/,900,/' two.csv >weights.csv
    run -1 --separate-stderr bitalloc --bytes 90 weights.csv
    [[ $stderr == "bitalloc: weights.csv: line 4: part '0' has another number of weights than on line 2" && -z $output ]]
    sed '9s/,100,/,,/' two.csv >weights.csv # bits=4,1,..,y
    run -1 --separate-stderr bitalloc --bytes 90 weights.csv
    [[ $stderr == "bitalloc: weights.csv: line 9: part '1' has another number of weights than on line 6" ]]
    sed 's/,100,/,,/' two.csv >weights.csv # without them bytes are still known
    bitalloc --bytes 90 weights.csv 2>/dev/null | cmp - <(bitalloc --bytes 90 two.csv 2>/dev/null)
    run -1 --separate-stderr bitalloc --bits 4 weights.csv
    [[ $stderr == "bitalloc: weights.csv: --bits needs a column weights" ]]
    for bad in 's/,100,/,1.5,/' 's/,100,/,-100,/' 's/,100,/,inf,/' 's/,40,/,-40,/' 's/,40,/,40.5,/' 's/0\.8/inf/' 's/0\.8/x/' 's/,40,/,,/'; do
        sed "$bad" two.csv >bad.csv
        run -1 --separate-stderr bitalloc --bytes 90 bad.csv
        [[ $stderr == "bitalloc: bad.csv: line "* && -z $output ]]
    done
    run -1 --separate-stderr bitalloc --bytes 90 --damage no two.csv
    [[ $stderr == *"no column 'no'"* ]] || [[ $stderr == *"'no'"* ]]
    run -1 --separate-stderr bitalloc --bytes 90 --protect z two.csv
    [[ $stderr == "bitalloc: two.csv: has no language 'z'" ]]
    head -1 two.csv >empty.csv
    run -1 --separate-stderr bitalloc --bytes 90 empty.csv
    [[ $stderr == "bitalloc: empty.csv: has no"* ]]
}

@test "bitalloc: what sens measures becomes a recipe that wquant takes, of the size that was asked for" {
    golden=$DATA/golden model=$(golden llama-a)
    printf '%s\n' 'All human beings are born free and equal in dignity and rights.' >eng.txt
    sens -m "$model" -t "$golden/tokenizer.json" --part matrix --quant bits=2 --quant bits=4,per=group:16 --quant bits=8 --quant bits=16 \
        eng.txt 2>/dev/null >s.csv
    for solver in exact mwu; do
        bitalloc --damage kl --bits 5 --objective worst --solver $solver --report rep.csv s.csv >recipe.csv 2>err
        (($(field bytes <rep.csv) <= $(field budget_bytes <rep.csv)))
        awk -v v="$(field value <rep.csv)" -v b="$(field bound <rep.csv)" 'BEGIN { exit !(b <= v && b > 0.9 * v) }'
    done
    modelcat "$model" | wquant --recipe recipe.csv --report done.csv -o q.t
    mlr --icsv --ocsv --headerless-csv-output filter '$bits < 16' then cut -o -f layer,role,bits,per recipe.csv | sed 's/,$/,channel/' | sort >want
    mlr --icsv --ocsv --headerless-csv-output cut -o -f layer,role,bits,per done.csv | sort | diff - want
    # a way that the table calls by one column
    mlr --icsv --ocsv filter '$part != "all" && $bits != 4' then cut -x -f quant s.csv >b.csv
    bitalloc --damage kl --quant bits --bits 5 b.csv 2>/dev/null | head -1 | grep -q '^part,layer,role,bits,bytes,damage$'
}

@test "bitalloc: pipe as file, a full disk, and the same bytes again" {
    bitalloc --bits 3.6 two.csv >a.csv 2>/dev/null
    cat two.csv | bitalloc --bits 3.6 2>/dev/null | cmp - a.csv
    gzip -c two.csv | bitalloc --bits 3.6 -o b.csv 2>/dev/null
    cmp a.csv b.csv
    run -1 bash -c 'bitalloc --bits 3.6 two.csv > /dev/full'
    run -1 --separate-stderr bitalloc --bits 3.6 no-such.csv
    printf 'a,b\n"x' >cut.csv
    run -1 --separate-stderr bitalloc --bits 3.6 cut.csv
}

@test "bitalloc: the contract of every program" { keeps_contract bitalloc; }
