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
frame,lang,name,layer,role,channel,dtype,shape,n,n_nonfinite,mean,sd,skewness,kurtosis,kurtosis_se,outlier_share,max_abs
0,,coin,,,,F32,1x8,8,0,0,1,0,-2,0.7051811804639267,0,1
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
        [[ ${lines[1]} == "0,,x,,,,F32,1x2,0,2,,,,,,," ]]
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
            [[ $(cut -d, -f1-15,17 pipe.csv) == "$(cut -d, -f1-15,17 $by.csv)" && -z $(field outlier_share <pipe.csv) ]]
        done
        [[ $(field name <name.csv) == w && -z $(field lang <name.csv) && -z $(field frame <name.csv) ]]
        [[ $(field shape <name.csv) == "$([[ $cut == 10000 ]] && echo 10000)" ]]
    done
    kurt --by=lang two.t >lang.csv
    kurt 1.t >1.csv
    kurt 2.t | tail -1 >>1.csv
    alike lang.csv 1.csv 1e-15 "${FIGURES[@]}"
    [[ $(cut -d, -f2 lang.csv) == $'lang\naaa\nbbb' ]]
    kurt --by=frame two.t | cut -d, -f9- >frame.csv
    cut -d, -f9- lang.csv | cmp - frame.csv
    kurt --by=tensor two.t | cut -d, -f9- | cmp - frame.csv
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
        floats w --shape=20x96 | kurt --by=channel | cut -d, -f1-7,9- >turned.csv
    kurt --by=channel --axis=-1 -j 3 w.t | cut -d, -f1-7,9- | cmp - turned.csv
    tensorcat w.t w.t | kurt --by=name,channel >twice.csv
    kurt --by=channel w.t >once.csv
    alike twice.csv once.csv 1e-13 mean sd skewness kurtosis
    run -1 --separate-stderr kurt --by=channel --axis=3 w.t
    [[ $stderr == "kurt: 'w': has no dimension 3 (--axis)" ]]
}

@test "kurt: every dtype gives the figures of its values" {
    awk 'BEGIN { for (i = 0; i < 5001; i++) print (i * 37) % 101 - (i % 7 ? 40 : 0) }' >whole.txt
    floats x whole.txt | kurt | cut -d, -f8- >wanted.csv
    for dtype in F64 F16 BF16 I64 I32 I16 I8; do
        floats x --dtype=$dtype whole.txt | kurt >got.csv
        [[ $(field dtype <got.csv) == $dtype ]]
        cut -d, -f8- got.csv >figures.csv
        alike figures.csv wanted.csv 1e-13 "${FIGURES[@]}"
    done
    for dtype in U8 BOOL; do
        printf '0 1 1 0 1' | floats x --dtype=$dtype | kurt | cut -d, -f9- | tail -1 >got.csv
        printf '0 1 1 0 1' | floats x | kurt | cut -d, -f9- | tail -1 | cmp - got.csv
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

# part CSV COLUMN...: those columns, in that order
part() {
    awk -F, -v want="${*:2}" 'NR == 1 { n = split(want, w, " "); for (i = 1; i <= NF; i++) at[$i] = i }
        { row = ""; for (i = 1; i <= n; i++) row = row (i > 1 ? "," : "") $at[w[i]]; print row }' "$1"
}

@test "kurt: layers and roles of every family" {
    for model in bloom-a xglm-a gpt2-a opt-a gpt_neox-a llama-a qwen2-a; do
        kurt --by=layer,role --only='*.weight' "$DATA/golden/$model/model.safetensors" >$model.csv
        kurt --by=tensor --only='*.weight' "$DATA/golden/$model/model.safetensors" >tensor.csv
        part $model.csv "${FIGURES[@]}" | cmp - <(part tensor.csv "${FIGURES[@]}")
        grep -c ',attn_out,\|,mlp_up,\|,mlp_down,\|,attn_norm,\|,mlp_norm,\|,embed,\|,final_norm,' $model.csv >count
        [[ $(<count) == 17 ]] # five in each of three layers, embeddings and the last norm
    done
    [[ $(part bloom-a.csv layer role | sort | uniq -d) == "" && $(part bloom-a.csv role) == *attn_qkv*embed_norm* ]]
    [[ $(part llama-a.csv role) == *head*attn_k*mlp_gate* || $(part llama-a.csv role) == *mlp_gate*attn_k* ]]
    # what bloom's names say, in full; biases have roles of their own
    kurt --by=layer,role --only='*h.1.*' "$DATA/golden/bloom-a/model.safetensors" >got.csv
    diff <(part got.csv layer role shape | tail -n +2 | sort) - <<'END'
1,attn_norm,48
1,attn_norm_bias,48
1,attn_out,48x48
1,attn_out_bias,48
1,attn_qkv,144x48
1,attn_qkv_bias,144
1,mlp_down,48x192
1,mlp_down_bias,48
1,mlp_norm,48
1,mlp_norm_bias,48
1,mlp_up,192x48
1,mlp_up_bias,192
END
    # a role's row is of all layers, a layer's of its matrices, whichever way they come
    for by in layer role; do
        kurt --by=$by "$DATA/golden/gpt2-a/model.safetensors" >$by.csv
        modelcat "$DATA/golden/gpt2-a" | kurt --by=$by >pipe.csv # sorted otherwise, and without a second look
        diff <(part $by.csv layer role n max_abs | sort) <(part pipe.csv layer role n max_abs | sort)
        diff <(part $by.csv $by kurtosis | sort | sed 's/\(\.[0-9]\{10\}\)[0-9]*$/\1/') \
            <(part pipe.csv $by kurtosis | sort | sed 's/\(\.[0-9]\{10\}\)[0-9]*$/\1/')
    done
    kurt --by=all --only='h.2.attn.c_*.weight,h.2.mlp.*.weight' "$DATA/golden/gpt2-a/model.safetensors" >all.csv
    { sed -n 1p layer.csv; sed -n 4p layer.csv; } >2.csv
    [[ $(field layer <2.csv) == 2 ]]
    alike 2.csv all.csv 1e-14 "${FIGURES[@]}"
    kurt --by=all --only='h.*.mlp.c_fc.weight' "$DATA/golden/gpt2-a/model.safetensors" >all.csv
    { sed -n 1p role.csv; grep ',mlp_up,' role.csv; } >up.csv
    alike up.csv all.csv 1e-14 "${FIGURES[@]}"
    # a row of one tensor needs no second look, so a pipe gives it whole
    modelcat "$DATA/golden/llama-a" | kurt --by=layer,role >pipe.csv
    modelcat "$DATA/golden/llama-a" | kurt --by=tensor | cmp - pipe.csv
}

@test "kurt: what no model has is left out of rows by layer or role, and told" {
    tensorcat <(seq 9 | floats 3.mlp_act.absmean) <(seq 9 | floats strange) <(seq 4 | floats final) \
        <(seq 9 | floats h.0.attn.bias) >mixed.t # the last is gpt2's mask
    run -0 --separate-stderr kurt --by=layer,role mixed.t
    [[ $(echo "$output" | cut -d, -f3-5,9) == $'name,layer,role,n\n3.mlp_act.absmean,3,mlp_act.absmean,9\nfinal,,final,4' ]]
    [[ $stderr == "kurt: tensors of no known model, which are left out: 1, the first 'strange'" ]]
    run -0 --separate-stderr kurt mixed.t
    [[ ${#lines[@]} == 5 && -z $stderr ]]
    seq 9 | floats strange >strange.t
    run -1 --separate-stderr kurt --by=role strange.t
    [[ $stderr == "kurt: no tensor of numbers was chosen" ]]
}

@test "kurt: files told apart" {
    spiky 3000 1 | floats w >a.t
    spiky 2000 2 | floats w >b.t
    kurt --by=file a.t b.t >got.csv
    [[ $(part got.csv file name n) == $'file,name,n\na.t,w,3000\nb.t,w,2000' ]]
    kurt a.t >1.csv
    kurt b.t | tail -1 >>1.csv
    alike got.csv 1.csv 0 "${FIGURES[@]}"
    kurt --by=file,tensor a.t b.t >got.csv
    cut -d, -f2- got.csv | diff - <(kurt a.t b.t)
    [[ $(kurt --by=file - <a.t | part /dev/stdin file n) == $'file,n\n-,3000' ]]
    [[ $(kurt --by=name a.t b.t | field n) == 5000 ]]
}

@test "kurt: the crest factor of groups" {
    printf '1 -1 1 -1 3 4 0 0 0 0 0 0 2 2' | floats w --shape=2x7 >w.t # rows 1 -1 1 -1 3 4 0 and 0 0 0 0 0 2 2
    kurt --by=all --crest=4 w.t >got.csv # groups 1 -1 1 -1 | 3 4 0 and, without one of zeros, 0 2 2
    close "$(field crest_max <got.csv)" "$(awk 'BEGIN { printf "%.17g", 4 / sqrt(25 / 3) }')" 1e-15
    close "$(field crest_mean <got.csv)" "$(awk 'BEGIN { printf "%.17g", (1 + 4 / sqrt(25 / 3) + 2 / sqrt(8 / 3)) / 3 }')" 1e-15
    kurt w.t >plain.csv
    kurt --crest=4 w.t | cut -d, -f1-17 | cmp - plain.csv
    # groups longer than a row are the row; in gpt2's layers the input is the first dimension
    close "$(kurt --crest=1000 w.t | field crest_max)" "$(awk 'BEGIN { printf "%.17g", 4 / sqrt(29 / 7) }')" 1e-15
    printf '1 0 -1 0 1 0 -1 0 3 0 4 2 0 2' | floats h.0.mlp.c_fc.weight --shape=7x2 >turned.t
    kurt --by=all --crest=4 turned.t | part /dev/stdin crest_mean crest_max >turned.csv
    part got.csv crest_mean crest_max | cmp - turned.csv
    # merged over tensors, by any number of threads, of any dtype; nothing but zeros has none
    spiky 600000 | floats a --shape=600x1000 >a.t
    kurt --by=all --crest=128 a.t w.t >1.csv
    kurt -j 3 --by=all --crest=128 a.t w.t | cmp - 1.csv
    tensorcat --dtype=F64 a.t | kurt --by=all --crest=128 - | part /dev/stdin crest_mean crest_max |
        cmp - <(kurt --by=all --crest=128 a.t | part /dev/stdin crest_mean crest_max)
    printf '0 0 nan 1' | floats w --shape=2x2 >zero.t
    [[ $(kurt -q --crest=2 zero.t 2>/dev/null | tail -1) == *,1,, ]]
    run -2 kurt --crest=0 w.t
    run -2 kurt --crest=4 --by=channel w.t
}

# activations LANG NAME VALUE...: a frame of one tensor
activations() {
    printf '%s ' "${@:3}" | floats "$2" --set=lang="$1"
}

@test "kurt: the neurons that a language activates most" {
    # three neurons; up [3][2], down [2][3]
    tensorcat <(printf '1 2 3 4 5 7' | floats layers.0.fc1.weight --shape=3x2) \
        <(printf '10 20 30 41 52 60' | floats layers.0.fc2.weight --shape=2x3) \
        <(printf '1 2 3' | floats layers.0.fc1.bias) <(printf '6 5 4 3 2 1' | floats layers.1.fc1.weight --shape=3x2) \
        <(printf '1 5 9 8' | floats layers.0.self_attn.out_proj.weight --shape=2x2) >model.t
    tensorcat <(activations aaa 0.mlp_act.absmean 1 9 9) <(activations bbb 0.mlp_act.absmean -3 -1 -2) \
        <(activations aaa 1.mlp_act.absmean 5 5 5) <(activations aaa 0.mlp_act.absmax 9 1 1) \
        <(activations aaa 0.mlp_out.absmean 1 2) <(activations aaa 0.resid.absmean 2 1) \
        <(activations aaa final.absmean 1 1) >act.t
    kurt --select=act.t --top=1 model.t >got.csv
    diff <(part got.csv lang layer role n mean max_abs) - <<'END'
lang,layer,role,n,mean,max_abs
aaa,0,mlp_up,2,3.5,4
bbb,0,mlp_up,2,3.5,4
aaa,0,mlp_down,2,36,52
bbb,0,mlp_down,2,36,52
aaa,1,mlp_up,2,5.5,6
END
    kurt --select=act.t --top=2 --by=lang,role model.t >got.csv # aaa: 1 and 2, then 0 and 1; bbb: 1 and 2
    diff <(part got.csv lang role layer n mean) - <<'END'
lang,role,layer,n,mean
aaa,mlp_up,,8,4.625
bbb,mlp_up,0,4,4.75
aaa,mlp_down,0,4,40.5
bbb,mlp_down,0,4,40.5
END
    [[ $(kurt --select=act.t --top=1 --measure=absmax model.t | part /dev/stdin lang role mean) == $'lang,role,mean\naaa,mlp_up,1.5\naaa,mlp_down,25.5' ]]
    [[ $(kurt --select=act.t --top=1 --site=mlp_out model.t | part /dev/stdin role mean) == $'role,mean\nmlp_down,51' ]]
    [[ $(kurt --select=act.t --top=1 --site=resid model.t | part /dev/stdin role mean) == $'role,mean\nmlp_down,20\nattn_out,3' ]]
    # the neurons of gpt2, whose matrices are stored the other way, are the same
    tensorcat <(printf '1 3 5 2 4 7' | floats h.0.mlp.c_fc.weight --shape=2x3) \
        <(printf '10 41 20 52 30 60' | floats h.0.mlp.c_proj.weight --shape=3x2) >gpt2.t
    kurt --select=act.t --top=2 gpt2.t | part /dev/stdin lang role n mean sd kurtosis >turned.csv
    kurt --select=act.t --top=2 --only='*.0.*' model.t | part /dev/stdin lang role n mean sd kurtosis | cmp - turned.csv
}

@test "kurt: all neurons of a real model are its matrices" {
    for model in gpt2-a llama-a bloom-a; do
        n=$([[ $model == llama-a ]] && echo 100 || echo 192)
        tensorcat $(for layer in 0 1 2; do
            spiky $n $layer | floats $layer.mlp_act.absmean --set=lang=eng >$layer.t; echo $layer.t; done) >act.t
        kurt --select=act.t --top=$n --by=lang,layer,role,name "$DATA/golden/$model/model.safetensors" | sed s/eng// | sort -r >got.csv
        kurt --by=layer,role,name "$DATA/golden/$model/model.safetensors" | grep '^frame\|mlp_up,\|mlp_gate,\|mlp_down,' | sort -r >wanted.csv
        head -1 got.csv | cmp - <(head -1 wanted.csv)
        part got.csv layer role shape n outlier_share max_abs >got
        part wanted.csv layer role shape n outlier_share max_abs | diff got -
    done
    for dtype in F64 F16; do
        tensorcat --dtype=$dtype "$DATA/golden/bloom-a/model.safetensors" >w.t
        kurt --select=act.t --top=20 w.t >got.csv
        kurt -j 3 --select=act.t --top=20 - <w.t | cmp - got.csv
        [[ $(wc -l <got.csv) == 7 && $(field n <got.csv) == 960 ]]
    done
}

@test "kurt: activations that do not fit are refused" {
    floats layers.0.fc1.weight --shape=3x2 >model.t <<<'1 2 3 4 5 7'
    refused() { # MESSAGE ACTIVATIONS OPTION...
        run -1 --separate-stderr kurt --select="$2" --top=1 "${@:3}" model.t
        [[ $stderr == "kurt: $1" && -z $output ]] || { echo "$stderr"; return 1; }
    }
    activations aaa 0.mlp_act.absmean 1 2 >two.t
    refused "'layers.0.fc1.weight': has 3 neurons, 0.mlp_act in 'two.t' 2" two.t
    activations aaa 0.mlp_act.absmean 1 nan 3 >nan.t
    refused "nan.t: '0.mlp_act.absmean': has a value that is not finite" nan.t
    activations aaa 0.mlp_act.absmean 1 2 3 >good.t
    refused "good.t: '0.mlp_act.absmean': has 3 neurons, fewer than 4" good.t --top=4
    refused "good.t: no tensor is called LAYER.resid.absmean, the first is '0.mlp_act.absmean'" good.t --site=resid
    tensorcat good.t good.t >twice.t
    refused "twice.t: '0.mlp_act.absmean': is there twice for 'aaa'" twice.t
    floats 0.mlp_act.absmean >nolang.t <<<'1 2 3'
    refused "nolang.t: '0.mlp_act.absmean': its frame does not say a language (lang)" nolang.t
    activations aaa 5.mlp_act.absmean 1 2 3 >five.t
    refused "no weights belong to neurons of mlp_act in the layers of 'five.t'" five.t
    head -c 100 good.t >cut.t
    run -1 --separate-stderr kurt --select=cut.t model.t
    [[ $stderr == "kurt: cut.t: "*truncated* ]]
    run -1 --separate-stderr kurt --select=none.t model.t
    [[ $stderr == "kurt: none.t: "* ]]
    tensorcat good.t five.t >more.t
    run -0 --separate-stderr kurt --select=more.t --top=3 model.t
    [[ $stderr == "kurt: more.t: has a layer 5, the model none beyond 0" ]]
    run -2 kurt --select=good.t --by=layer model.t
    run -2 kurt --select=good.t --by=lang,channel model.t
    run -2 kurt --select=- - <good.t
    run -2 kurt --select=good.t --site=embed model.t
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
    run -1 --separate-stderr kurt .
    [[ $stderr == "kurt: .: cannot read: it is a directory" ]]
    tensorcat --to=npy x.t >x.npy
    run -1 --separate-stderr kurt x.npy
    [[ $stderr == "kurt: x.npy: this is an array of NumPy's, not a tensor stream; tensorcat reads it" ]]
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
