# kurt: closed forms and R's figures; every way to cut, merge and store the same numbers; then the contract
# that every program keeps.
load helper

setup() {
    helper_setup
}

# floats NAME < TEXT: a stream of one tensor
floats() {
    tensorcat --from=text --name="$1" "${@:2}"
}

# alike CSV CSV TOLERANCE COLUMN...: the columns agree, row by row, relative to the second file
alike() {
    local column row rows
    rows=$(($(wc -l <"$1") - 1))
    [[ $rows == $(($(wc -l <"$2") - 1)) && $rows != 0 ]]
    for column in "${@:4}"; do
        for ((row = 1; row <= rows; row++)); do
            close "$(field "$column" $row <"$1")" "$(field "$column" $row <"$2")" "$3"
        done
    done
}
FIGURES=(n mean sd skewness kurtosis kurtosis_se outlier_share max_abs)

# spiky N [SEED]: N numbers with heavy tails, the same on every machine
spiky() {
    awk -v n="$1" -v s="${2:-1}" 'BEGIN { for (i = 0; i < n; i++) { s = (s * 16807) % 2147483647
        u = s / 2147483647 - 0.5; print sprintf("%.6f", u * u * u * 40 + (s % 1000 == 0 ? 50 * u : 0)) } }'
}

# outliers CSV TEXT: the share of the numbers in TEXT beyond 3 sd, by the mean and sd in CSV
outliers() {
    awk -v m="$(field mean <"$1")" -v s="$(field sd <"$1")" \
        '{ d = $1 - m; if (d > 3 * s || d < -3 * s) c++ } END { printf "%.17g\n", c / NR }' "$2"
}

@test "kurt: closed forms" {
    printf '1 -1 1 -1 1 -1 1 -1' | floats coin | kurt >got.csv
    diff got.csv - <<'END'
frame,lang,name,channel,dtype,shape,n,n_nonfinite,mean,sd,skewness,kurtosis,kurtosis_se,outlier_share,max_abs
0,,coin,,F32,1x8,8,0,0,1,0,-2,0.7051811804639267,0,1
END
    for n in 2 3 4 7 8 9 15 100 4096 4097 10000; do # 1 .. n: mean (n + 1)/2, g2 = -6/5 (n^2 + 1)/(n^2 - 1)
        seq "$n" | floats even | kurt >got.csv
        close "$(field mean <got.csv)" "$(awk "BEGIN { print ($n + 1) / 2 }")" 1e-15
        close "$(field sd <got.csv)" "$(awk "BEGIN { printf \"%.17g\", sqrt(($n * $n - 1) / 12) }")" 1e-14
        near "$(field skewness <got.csv)" 0 1e-13
        close "$(field kurtosis <got.csv)" "$(awk "BEGIN { printf \"%.17g\", -1.2 * ($n * $n + 1) / ($n * $n - 1) }")" 2e-13
    done
    # one of n numbers stands out: sd = sqrt(p q), g1 = (q - p)/sqrt(p q), g2 = (1 - 6 p q)/(p q), p = 1/n
    awk 'BEGIN { print 1; for (i = 1; i < 10000; i++) print 0 }' | floats one | kurt >got.csv
    close "$(field kurtosis <got.csv)" "$(awk 'BEGIN { p = 1e-4; v = p * (1 - p); printf "%.17g", (1 - 6 * v) / v }')" 1e-13
    close "$(field outlier_share <got.csv)" 1e-4 1e-15
}

@test "kurt: R's figures, biased and unbiased" {
    for dtype in F32 F64; do
        floats x --dtype=$dtype "$DATA/kurt-values.txt" >x.t
        kurt x.t >got.csv
        kurt --estimator=unbiased x.t | tail -1 >>got.csv
        alike got.csv "$DATA/kurt-expected.csv" 2e-15 n outlier_share max_abs
        alike got.csv "$DATA/kurt-expected.csv" 1e-14 mean sd kurtosis_se
        alike got.csv "$DATA/kurt-expected.csv" 1e-13 skewness kurtosis
    done
}

@test "kurt: a mean that is huge beside the spread costs no digits" {
    for offset in 0 1e3 1e8; do # the numbers are multiples of 2^-10, so that adding 1e8 is exact
        awk -v o=$offset 'BEGIN { for (i = 0; i < 9000; i++) {
            x = (i * 7919 % 1024) / 1024; printf "%.17g\n", o + x * x * x * x * x * 8 - (x * x * x * x * x * 8) % 0.0009765625 } }' >$offset.txt
        floats x --dtype=F64 $offset.txt | kurt --estimator=unbiased >$offset.csv
    done
    alike 1e3.csv 0.csv 1e-12 sd skewness kurtosis outlier_share
    alike 1e8.csv 0.csv 1e-12 sd skewness kurtosis outlier_share
    awk 'BEGIN { for (i = 0; i < 5000; i++) print 0.1 }' | floats x >same.t
    run -0 --separate-stderr kurt same.t
    [[ $output == *",5000,5000,0,0.10000000149011612,0,,,0.0691"*",0,0.10000000149011612" ]]
    [[ $stderr == "kurt: rows without kurtosis (too few values, all equal, or squares beyond a double): 1, the first 'x'" ]]
}

@test "kurt: what squares are too large or too small for is left empty" {
    for scale in 1e-170 1e-80 1e80 1e170; do
        awk -v s=$scale 'BEGIN { for (i = -4; i <= 4; i++) printf "%.17g\n", i * s }' |
            floats x --dtype=F64 | kurt >got.csv
        [[ -z $(field kurtosis <got.csv) ]]
        close "$(field max_abs <got.csv)" "$(awk "BEGIN { printf \"%.17g\", 4 * $scale }")" 1e-15
        if [[ $scale == *170 ]]; then
            [[ -z $(field sd <got.csv) && -z $(field outlier_share <got.csv) ]]
        else
            close "$(field sd <got.csv)" "$(awk "BEGIN { printf \"%.17g\", sqrt(60 / 9) * $scale }")" 1e-14
        fi
    done
}

@test "kurt: values that are not finite are left out, counted and told" {
    spiky 6000 >good.txt
    awk '{ print } NR % 1000 == 7 { print "nan"; print NR % 2000 < 1000 ? "inf" : "-inf" }' good.txt >bad.txt
    floats x good.txt | kurt >good.csv
    run --separate-stderr bash -c 'tensorcat --from=text --name=x bad.txt | kurt'
    [[ $status == 0 && $stderr == "kurt: rows with values that are not finite, which are left out: 1, the first 'x'; see n_nonfinite" ]]
    echo "$output" >got.csv
    [[ $(field n_nonfinite <got.csv) == 12 ]]
    alike got.csv good.csv 1e-13 "${FIGURES[@]}"
    for what in nan inf; do
        run -0 --separate-stderr bash -c "echo $what $what | tensorcat --from=text --name=x | kurt"
        [[ ${lines[1]} == "0,,x,,F32,1x2,0,2,,,,,,," ]]
    done
}

@test "kurt: the same numbers cut into frames and merged" {
    spiky 20000 >all.txt
    floats w all.txt >all.t
    kurt all.t >whole.csv
    for cut in 1 777 4096 10000; do
        head -$cut all.txt | floats w --set=lang=aaa >1.t
        tail -n +$((cut + 1)) all.txt | floats w --set=lang=bbb >2.t
        tensorcat 1.t 2.t >two.t
        for by in name all; do
            kurt --by=$by two.t >$by.csv
            near "$(field mean <$by.csv)" "$(field mean <whole.csv)" 1e-15
            alike $by.csv whole.csv 1e-13 n sd skewness kurtosis kurtosis_se outlier_share max_abs
            kurt --by=$by 1.t 2.t | cmp - $by.csv
            kurt --by=$by <two.t >pipe.csv # one look only: no outliers
            [[ $(cut -d, -f1-13,15 pipe.csv) == "$(cut -d, -f1-13,15 $by.csv)" && -z $(field outlier_share <pipe.csv) ]]
        done
        [[ $(field name <name.csv) == w && -z $(field lang <name.csv) && -z $(field frame <name.csv) ]]
        [[ $(field shape <name.csv) == "$([[ $cut == 10000 ]] && echo 10000)" ]]
    done
    kurt --by=lang two.t >lang.csv
    kurt 1.t >1.csv
    kurt 2.t | tail -1 >>1.csv
    alike lang.csv 1.csv 1e-15 "${FIGURES[@]}"
    [[ $(cut -d, -f2 lang.csv) == $'lang\naaa\nbbb' ]]
    kurt --by=frame two.t | cut -d, -f7- >frame.csv
    cut -d, -f7- lang.csv | cmp - frame.csv
    kurt --by=tensor two.t | cut -d, -f7- | cmp - frame.csv
}

@test "kurt: channels along any dimension are what their numbers are alone" {
    spiky 1920 >all.txt # [8][12][20]
    floats w --shape=8x12x20 all.txt >w.t
    for axis in 0 1 2 -1; do
        kurt --by=channel --axis=$axis w.t >got.csv
        for c in 0 3 7; do
            awk -v a=$axis -v c=$c '{ i = NR - 1; k = a == 0 ? int(i / 240) : a == 1 ? int(i / 20) % 12 : i % 20
                if (k == c) print }' all.txt >c.txt
            floats w c.txt | kurt >wanted.csv
            { sed -n 1p got.csv; sed -n $((c + 2))p got.csv; } >row.csv
            [[ $(field channel <row.csv) == $c && $(field shape <row.csv) == 8x12x20 ]]
            alike row.csv wanted.csv 1e-13 "${FIGURES[@]}"
            near "$(field outlier_share <row.csv)" "$(outliers wanted.csv c.txt)" 0
        done
    done
    awk '{ v[NR] = $1 } END { for (k = 1; k <= 20; k++) for (i = k; i <= NR; i += 20) print v[i] }' all.txt |
        floats w --shape=20x96 | kurt --by=channel | cut -d, -f1-5,7- >turned.csv
    kurt --by=channel --axis=-1 -j 3 w.t | cut -d, -f1-5,7- | cmp - turned.csv
    tensorcat w.t w.t | kurt --by=name,channel >twice.csv
    kurt --by=channel w.t >once.csv
    alike twice.csv once.csv 1e-13 mean sd skewness kurtosis
    run -1 --separate-stderr kurt --by=channel --axis=3 w.t
    [[ $stderr == "kurt: 'w': has no dimension 3 (--axis)" ]]
}

@test "kurt: every dtype gives the figures of its values" {
    awk 'BEGIN { for (i = 0; i < 5001; i++) print (i * 37) % 101 - (i % 7 ? 40 : 0) }' >whole.txt
    floats x whole.txt | kurt | cut -d, -f6- >wanted.csv
    for dtype in F64 F16 BF16 I64 I32 I16 I8; do
        floats x --dtype=$dtype whole.txt | kurt >got.csv
        [[ $(field dtype <got.csv) == $dtype ]]
        cut -d, -f6- got.csv >figures.csv
        alike figures.csv wanted.csv 1e-13 "${FIGURES[@]}"
    done
    for dtype in U8 BOOL; do
        printf '0 1 1 0 1' | floats x --dtype=$dtype | kurt | cut -d, -f7- | tail -1 >got.csv
        printf '0 1 1 0 1' | floats x | kurt | cut -d, -f7- | tail -1 | cmp - got.csv
    done
}

@test "kurt: outliers beyond any sd, around the mean or zero, however they are found" {
    spiky 1300000 >big.txt # long enough to guess where outliers begin
    floats x big.txt >big.t
    kurt big.t >got.csv
    near "$(field outlier_share <got.csv)" "$(outliers got.csv big.txt)" 0
    for k in 0.5 2 6; do
        kurt --outlier-sd=$k --around=zero big.t >got.csv
        near "$(field outlier_share <got.csv)" "$(awk -v k=$k -v s="$(field sd <got.csv)" \
            '{ if ($1 > k * s || $1 < -k * s) c++ } END { printf "%.17g", c / NR }' big.txt)" 0
    done
    # numbers that are small wherever the guess looks: it must be found out and made good
    awk '{ i = NR - 1; at = i % int((1300000 - 256) / 255); print at < 256 ? $1 / 100 : $1 }' big.txt >sly.txt
    floats x sly.txt | kurt >got.csv
    near "$(field outlier_share <got.csv)" "$(outliers got.csv sly.txt)" 0
    # the same bytes for any number of threads, from a file, a pipe, and bare
    kurt big.t >1.csv
    for j in 2 3 16; do kurt -j $j big.t | cmp - 1.csv; done
    kurt <big.t | cmp - 1.csv
    tensorcat --compress=0 big.t | kurt -j 2 | cmp - 1.csv
    tensorcat -o x.safetensors big.t
    kurt -j 2 x.safetensors | cmp - 1.csv
}

@test "kurt: any amount of data in the memory of one tensor" {
    [[ ${BIN:-} != */san ]] || skip "address space is what ASan is made of"
    spiky 250000 | floats w --shape=500x500 >w.t
    for by in tensor name name,channel; do
        tensorcat --compress=0 $(printf 'w.t %.0s' {1..150}) | (ulimit -v 60000; kurt --by=$by >got.csv)
        (($(wc -l <got.csv) > 1))
    done
    [[ $(kurt --by=name w.t w.t | field n) == 500000 ]]
}

@test "kurt: takes the tensors that are chosen" {
    tensorcat <(seq 9 | floats a.mlp) <(seq 4 | floats a.attn) <(seq 5 | floats b.mlp) >abc.t
    [[ $(kurt --only='*.mlp' abc.t | cut -d, -f3) == $'name\na.mlp\nb.mlp' ]]
    [[ $(kurt --only='a.*,b.*' --skip='*attn' abc.t | cut -d, -f1,3) == $'frame,name\n0,a.mlp\n2,b.mlp' ]]
    [[ $(kurt --by=all --skip='b.*' abc.t | field n) == 13 ]]
    run -1 --separate-stderr kurt --only=nothing abc.t
    [[ $stderr == "kurt: no tensor of numbers was chosen" ]]
}

@test "kurt: keeps the contract" {
    keeps_contract kurt
    spiky 5000 | floats x >x.t
    kurt x.t >wanted.csv
    kurt -o got.csv x.t
    cmp got.csv wanted.csv
    for n in 0 5 100 $(($(wc -c <x.t) / 2)) $(($(wc -c <x.t) - 1)); do
        head -c "$n" x.t >cut.t
        run -1 --separate-stderr kurt -o none.csv cut.t
        [[ $stderr == "kurt: cut.t: "* && ! -e none.csv ]]
        run -1 --separate-stderr bash -c "head -c $n x.t | kurt"
        [[ $stderr == "kurt: standard input: "* ]]
    done
    head -c 3000 /dev/urandom >noise.t
    run -1 kurt noise.t
    run -1 kurt no-such-file
    run -1 bash -c 'kurt x.t >/dev/full'
    run -2 --separate-stderr kurt --by=all,name x.t
    [[ $stderr == "kurt: --by: all goes with nothing but channel"* ]]
    run -2 kurt --by=tensors x.t
    run -2 kurt --outlier-sd=-1 x.t
    mkfifo pipe
    kurt -o late.csv pipe &
    pid=$!
    head -c 1000 x.t >pipe
    wait $pid && false
    [[ -z $(find . -name 'late.csv*') ]]
}
