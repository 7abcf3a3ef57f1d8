# wquant: levels and clips against numpy and scipy, packed files bit by bit, which tensors and how; then what must be
# refused, and the contract that every program keeps.
load helper

setup() {
    helper_setup
    FIXTURES=$DATA/wquant
}

# weights [DTYPE]: the fixtures' matrix as tensor w
weights() {
    tensorcat --from=text --name=w --dtype="${1:-F32}" "$FIXTURES/weights.txt"
}

# matrix NAME SHAPE DTYPE NUMBER...: a plain file NAME.safetensors' worth on stdout, as a stream
matrix() {
    printf '%s\n' "${@:4}" | tensorcat --from=text --name="$1" --shape="$2" --dtype="$3"
}

# values FILE [NAME]: numbers of a tensor, one line
values() {
    tensorcat --to=text --only="${2:-*}" "$1" | tr '\n' ' ' | sed 's/ $/\n/'
}

# bytes FILE NAME: those of a tensor in hexadecimal, one line
bytes() {
    tensorcat --to=npy --only="$2" "$1" >"$BATS_TEST_TMPDIR/bytes.npy"
    tail -c +"$((10 + $(od -An -tu2 -j8 -N2 "$BATS_TEST_TMPDIR/bytes.npy") + 1))" "$BATS_TEST_TMPDIR/bytes.npy" | xxd -p | tr -d '\n'
}

# ---- values

@test "wquant: every grid as numpy has it, bit by bit, in F32, F16 and BF16, by tensor, channel and group" {
    for dtype in F32 F16 BF16; do weights $dtype >$dtype.t; done
    while IFS='|' read -r options numbers; do
        read -ra words <<<"$options"
        wquant "${words[@]:1}" "${words[0]}.t" | tensorcat --to=text >got
        # shellcheck disable=SC2086
        printf '%s\n' $numbers | tensorcat --from=text --shape=10x24 | tensorcat --to=text >wanted
        cmp got wanted || { echo "$options"; return 1; }
        n=$((${n:-0} + 1))
    done <"$FIXTURES/levels.txt"
    ((n == 31))
}

@test "wquant: what must not pass is told apart: scales of another convention, halves away from zero, a level too many" {
    # 4 bits, largest 7: absmax has scale 1, ct 7/7.5, qmin 7/8
    matrix w 1x6 F32 7 -7 0.5 1.5 2.5 -2.5 >w.t
    [[ $(wquant --grid=absmax w.t | values -) == "7 -7 0 2 2 -2" ]]
    [[ $(wquant --grid=qmin w.t | values -) == "6.125 -7 0.875 1.75 2.625 -2.625" ]]
    [[ $(wquant --grid=ct --scale=f32 w.t | values -) == "6.5333333 -7.4666667 0.93333334 1.8666667 2.8 -2.8" ]]
    # beyond the range: absmax stops at -7, qmax goes on to -8
    matrix w 1x40 F32 -7.9 $(for i in {1..39}; do echo "$(((i % 15) - 7))"; done) >w.t
    [[ $(wquant --grid=absmax --clip=pct:97 w.t | values - | cut -d' ' -f1) == -7 ]]
    [[ $(wquant --grid=qmax --clip=pct:97 w.t | values - | cut -d' ' -f1) == -8 ]]
}

@test "wquant: every clipping rule as scipy has it" {
    weights >w.t
    cut -d, -f1-3 "$FIXTURES/alpha.csv" | sed 1d | sort -u >cases
    (($(wc -l <cases) == 30))
    while IFS=, read -r grid bits clip; do
        wquant --grid="$grid" --bits="$bits" --clip="$clip" --beyond --report-by=channel --report=r.csv w.t >/dev/null
        awk -F, -v g="$grid" -v b="$bits" -v c="$clip" '
            NR == FNR { if (FNR > 1) got[$6] = $12; next }
            $1 == g && $2 == b && $3 == c { n++; d = got[$4] / $5 - 1
                if (!(d * d <= (c == "gennorm" ? 9e-12 : 1e-14))) { print g, b, c, $4, got[$4], $5; bad = 1 } }
            END { exit bad || n != 7 }' r.csv "$FIXTURES/alpha.csv"
    done <cases
}

@test "wquant: a rule's range ends at the largest weight, unless it may go beyond" {
    matrix w 1x4 F32 1 -1 1 -1 >w.t # sd 1: the optimum for Gauss, 2.48 sd, is beyond
    wquant --grid=absmax --clip=aciq-gauss --report=r.csv w.t >/dev/null
    [[ $(field alpha <r.csv) == 1 ]]
    wquant --grid=absmax --clip=aciq-gauss --beyond --report=r.csv w.t >/dev/null
    close "$(field alpha <r.csv)" 2.483119 1e-6
    wquant --grid=qmin --clip=aciq-laplace --beyond --report=r.csv w.t >/dev/null
    close "$(field alpha <r.csv)" 5.02864014 1e-7 # ACIQ's own constant, b = 1
}

@test "wquant: bias correction gives channels their mean, or mean and spread" {
    weights | wquant --bits=3 --bias=mean --report=r.csv | tensorcat --to=text >mean.txt
    weights | wquant --bits=3 --bias=both | tensorcat --to=text >both.txt
    weights | wquant --bits=3 | tensorcat --to=text >none.txt
    # mean: w^ + mu; both: xi (w^ + mu), row by row
    paste -d' ' "$FIXTURES/weights.txt" none.txt mean.txt both.txt | awk '
        function near(a, b) { return (a - b) * (a - b) < 1e-12 }
        { m = mq = s = sq = 0
          for (i = 1; i <= 24; i++) { m += $i / 24; mq += $(i + 24) / 24 }
          for (i = 1; i <= 24; i++) { s += ($i - m) ^ 2; sq += ($(i + 24) - mq) ^ 2 }
          xi = sq ? sqrt(s / sq) : 1
          for (i = 1; i <= 24; i++)
              if (!near($(i + 48), $(i + 24) + m - mq) || !near($(i + 72), xi * ($(i + 24) + m - mq))) { print NR, i; exit 1 } }'
}

@test "wquant: the report has what was done: mse, sqnr, clipped share, and what Banner et al. predict" {
    weights BF16 >w.t
    wquant --bits=3 --clip=pct:90 --report=r.csv w.t | tensorcat --to=text >q.txt
    wquant --bits=3 --clip=pct:90 --report=c.csv --report-by=channel w.t >/dev/null
    (($(wc -l <c.csv) == 11 && $(wc -l <r.csv) == 2))
    paste -d' ' "$FIXTURES/weights.txt" q.txt | awk -v c=c.csv '
        BEGIN { FS = ","; getline <c; while ((getline <c) > 0) { alpha[$6 + 1] = $12; scale += $13 / 10 } FS = " " }
        { $0 = $0; for (i = 1; i <= 24; i++) { e += ($(i + 24) - $i) ^ 2; s += $i ^ 2; a = $i < 0 ? -$i : $i
            n += a > alpha[NR] } }
        END { printf "%.15g %.15g %.15g %.15g\n", e / 240, 10 * log(s / e) / log(10), n / 240, scale }' >wanted
    read -r mse sqnr clipped scale <wanted
    close "$(field mse <r.csv)" "$mse" 1e-8 # text has the shortest digits of floats
    close "$(field sqnr_db <r.csv)" "$sqnr" 1e-8
    close "$(field clipped_share <r.csv)" "$clipped" 1e-12
    close "$(field scale <r.csv)" "$scale" 1e-12
    # the prediction of one channel: two points at 1 and -1, sd 1, clipped to 0.5 with 4 bits
    matrix w 1x4 F32 1 -1 0.5 -0.5 | wquant --grid=absmax --clip=pct:50 --report=r.csv >/dev/null
    [[ $(field alpha <r.csv) == 0.75 && $(field clipped_share <r.csv) == 0.5 ]]
    # sd = sqrt 0.625; (sd^2 + a^2) erfc(a/(sd sqrt 2)) - sqrt(2/pi) a sd exp(-a^2/(2 sd^2)) + s^2/12, by scipy
    close "$(field predicted_mse_gauss <r.csv)" 0.1063561034576 1e-9
    # b = 0.75: 2 b^2 exp(-a/b) + s^2/12
    close "$(field predicted_mse_laplace <r.csv)" "$(awk 'BEGIN { printf "%.15g", 2 * 0.5625 * exp(-1) + (0.75 / 7) ^ 2 / 12 }')" 1e-7
}

@test "wquant: a search by mse does no worse than any other rule, and a quarter better than min-max where there are outliers" {
    awk 'BEGIN { s = 7; for (i = 0; i < 4096; i++) { s = (s * 16807) % 2147483647; u = s / 2147483647 - 0.5
        print u * u * u * 8 + (i % 512 == 9 ? 3 : 0) } }' | tensorcat --from=text --shape=8x512 --name=w >w.t
    for clip in mse minmax pct:99 aciq-gauss aciq-laplace kurt gennorm; do
        wquant --clip=$clip --report=r.csv w.t >/dev/null
        field mse <r.csv >>all
    done
    sort -g all | head -1 | cmp - <(head -1 all)
    awk 'NR == 1 { best = $1 } NR == 2 { exit !(best < 0.75 * $1) }' all
}

# hadamard SIZE,SIZE,... : each line of numbers in blocks of these sizes, times Sylvester's matrix over sqrt(SIZE)
hadamard() {
    awk -v sizes="$1" '
        function sign(i, j,   odd) { while (i && j) { odd += (i % 2) && (j % 2); i = int(i / 2); j = int(j / 2) } return odd % 2 ? -1 : 1 }
        BEGIN { n = split(sizes, size, ",") }
        { at = 0
          for (b = 1; b <= n; b++) {
              for (i = 0; i < size[b]; i++) {
                  x = 0
                  for (j = 0; j < size[b]; j++) x += sign(i, j) * $(at + j + 1)
                  printf "%.9g ", x / sqrt(size[b])
              }
              at += size[b]
          }
          print "" }'
}

@test "wquant: --rotate rounds what a Hadamard matrix makes of each row, and turns it back" {
    weights >w.t # 10 x 24: blocks of 16 leave 8, of 2 nothing
    weights | tensorcat --to=text >w.txt
    for try in 16=16,8 4=4,4,4,4,4,4 64=16,8; do
        for options in "--bits=3" "--bits=3 --per=tensor --grid=absmax" "--bits=4 --per=group:5 --clip=mse" "--grid=ct-asym"; do
            # shellcheck disable=SC2086
            hadamard "${try#*=}" <w.txt | tensorcat --from=text --name=w | wquant $options | tensorcat --to=text |
                hadamard "${try#*=}" >wanted
            # shellcheck disable=SC2086
            wquant --rotate="${try%=*}" $options w.t | tensorcat --to=text >got
            paste -d' ' wanted got | awk '{ for (i = 1; i <= 24; i++) { d = $i - $(i + 24); if (d * d > 1e-10) { print NR, i, $i, $(i + 24); exit 1 } } }' ||
                { echo "$try $options"; return 1; }
            run ! cmp -s got w.txt
        done
    done
    # along the input in gpt2's layout too
    tensorcat --to=text w.t | awk '{ for (i = 1; i <= NF; i++) m[NR, i] = $i } END { for (i = 1; i <= 24; i++) {
        for (r = 1; r <= 10; r++) printf "%s ", m[r, i]; print "" } }' | tensorcat --from=text --name=h.0.mlp.c_fc.weight >in_out.t
    for options in "--bits=3" "--bits=3 --per=tensor"; do
        # shellcheck disable=SC2086
        wquant $options --rotate=8 w.t | tensorcat --to=text | tr ' ' '\n' | sort -g >wanted
        # shellcheck disable=SC2086
        wquant $options --rotate=8 in_out.t | tensorcat --to=text | tr ' ' '\n' | sort -g | cmp - wanted
    done
}

@test "wquant: --rotate takes an outlier's harm away; what it cannot do is said" {
    awk 'BEGIN { s = 7; for (i = 0; i < 4096; i++) { s = (s * 16807) % 2147483647; print s / 2147483647 - 0.5 + (i % 512 == 9 ? 16 : 0) } }' |
        tensorcat --from=text --shape=8x512 --name=w >w.t
    wquant --report=plain.csv w.t >/dev/null
    wquant --rotate=128 --report=turned.csv w.t >/dev/null
    awk -v p="$(field mse <plain.csv)" -v t="$(field mse <turned.csv)" 'BEGIN { print p, t; exit !(t < p / 8) }'
    # the report: errors are of the weights, what is predicted is of what was rounded
    close "$(field predicted_mse_gauss <turned.csv)" "$(field mse <turned.csv)" 0.2
    printf 'role,rotate\nmlp_*,64\n' >recipe.csv
    modelcat "$(golden bloom-a)" >m.t
    wquant --recipe=recipe.csv m.t >r.t
    wquant --rotate=64 --only='role:mlp_*' m.t >o.t
    [[ $(values r.t transformer.h.1.mlp.dense_h_to_4h.weight) == "$(values o.t transformer.h.1.mlp.dense_h_to_4h.weight)" ]]
    for n in 3 1 131072 x; do
        wrong_usage "--rotate: '$n' is not none or a power of two from 2 to 65536" wquant --rotate $n m.t
    done
    run -1 --separate-stderr wquant --rotate=16 --per=channel --pack out m.t
    [[ $stderr == *": cannot be packed: its levels are those of rotated rows, which loaders do not turn back" && ! -e out ]]
}

# ---- which tensors

# changed A B: names of tensors that differ
changed() {
    for name in $(tensorcat --list "$1" | cut -d, -f3 | sed 1d); do
        tensorcat --only="$name" --to=csv "$1" | cut -d, -f2- >one
        tensorcat --only="$name" --to=csv "$2" | cut -d, -f2- >two
        cmp -s one two || echo "$name"
    done
}

@test "wquant: of a model the matrices of attention and MLP, and what is asked for" {
    modelcat "$(golden gpt_neox-a)" >m.t
    linear=$(printf 'gpt_neox.layers.%s.weight\n' {0,1,2}.{attention.{query_key_value,dense},mlp.{dense_h_to_4h,dense_4h_to_h}} | sort)
    wquant m.t >q.t
    [[ $(changed m.t q.t | sort) == "$linear" ]]
    wquant --embed --head m.t >q.t
    [[ $(changed m.t q.t | sort) == "$(printf '%s\n' "$linear" embed_out.weight gpt_neox.embed_in.weight | sort)" ]]
    wquant --only=layer:1,role:mlp_* m.t >q.t
    [[ $(changed m.t q.t) == $'gpt_neox.layers.1.mlp.dense_h_to_4h.weight\ngpt_neox.layers.1.mlp.dense_4h_to_h.weight' ]]
    wquant --only='*.attention.*',layer:0-1 --skip=role:attn_out,layer:0 m.t >q.t
    [[ $(changed m.t q.t) == gpt_neox.layers.1.attention.query_key_value.weight ]]
    wquant --only=role:head,role:final_norm m.t >q.t
    [[ $(changed m.t q.t | sort) == $'embed_out.weight\ngpt_neox.final_layer_norm.weight' ]]
    wquant --only='role:*' m.t >q.t # a pattern asks for nothing unusual
    [[ $(changed m.t q.t | sort) == "$linear" ]]
    wquant --only=gpt_neox.layers.2.mlp.dense_h_to_4h.bias m.t >q.t
    [[ $(changed m.t q.t) == gpt_neox.layers.2.mlp.dense_h_to_4h.bias ]]
}

@test "wquant: a plain file takes its config from beside it; the stream then describes itself" {
    wquant "$(golden gpt2-a)/model.safetensors" >q.t
    tensorcat --meta q.t | grep -q 'model_type,gpt2'
    tensorcat --meta q.t | grep -q 'config,'
    modelcat "$(golden gpt2-a)" | wquant >other.t
    for name in h.0.attn.c_attn.weight h.2.mlp.c_proj.weight wte.weight h.1.ln_1.bias; do
        [[ $(values q.t $name) == "$(values other.t $name)" ]]
    done
}

@test "wquant: gpt2's output channels are columns, with a config and without one" {
    seq 1 12 | awk '{ print $1 % 5 - 2.3 * ($1 % 3) }' >numbers
    tensorcat --from=text --shape=3x4 --name=h.0.mlp.c_fc.weight numbers >in_out.t
    tensorcat --to=text in_out.t | awk '{ for (i = 1; i <= NF; i++) m[NR, i] = $i } END { for (i = 1; i <= 4; i++)
        print m[1, i], m[2, i], m[3, i] }' | tensorcat --from=text --name=w >out_in.t
    for options in "--bits=3" "--clip=mse" "--per=group:2" "--per=tensor" "--bias=both"; do
        wquant $options in_out.t | tensorcat --to=text | awk '{ for (i = 1; i <= NF; i++) m[NR, i] = $i } END {
            for (i = 1; i <= 4; i++) print m[1, i], m[2, i], m[3, i] }' >got
        wquant $options out_in.t | tensorcat --to=text | diff - got
    done
    run ! cmp <(wquant --bits=3 in_out.t | values -) <(tensorcat --to=text in_out.t | tensorcat --from=text --name=w | wquant --bits=3 | values -)
    wquant --report=r.csv --report-by=channel in_out.t >/dev/null
    (($(wc -l <r.csv) == 5))
    [[ $(field shape <r.csv) == 3x4 && $(field n <r.csv) == 3 ]]
}

@test "wquant: 16 bits, integers, vectors and scalars pass untouched" {
    weights >w.t
    wquant --bits=16 w.t >q.t
    [[ $(values w.t) == "$(values q.t)" ]]
    { matrix i 2x2 I32 1 2 3 4; } >i.t
    tensorcat w.t i.t <(matrix v 3 F32 0.1 0.2 0.3) <(matrix s scalar F32 0.1) >all.t
    wquant all.t >q.t
    [[ $(changed all.t q.t) == w ]]
}

@test "wquant: tensors of more than two dimensions have their last one as input; F64 is read as F32" {
    weights >w.t
    tensorcat --to=text w.t | tensorcat --from=text --shape=2x5x24 --name=w | wquant | values - >got
    wquant w.t | values - | diff - got
    tensorcat --dtype=F64 w.t | wquant | tensorcat --dtype=F32 | values - | diff - got
}

# ---- recipes

@test "wquant: a recipe says bits by layer, role and name; the first row counts; other columns are ignored" {
    modelcat "$(golden bloom-a)" >m.t
    cat >recipe.csv <<'END'
name,layer,role,bits,group,clip,damage
,1,,16,,,0.5
*.mlp.*,,,3,,mse,
,,attn_*,8,12,,
,,embed,8,,,
END
    wquant --recipe=recipe.csv --report=r.csv m.t >q.t
    mlr --icsv --ocsv --headerless-csv-output cut -o -f layer,role,bits,per,clip r.csv | sort -u | diff - <(cat <<'END'
,embed,8,channel,minmax
0,attn_out,8,group:12,minmax
0,attn_qkv,8,group:12,minmax
0,mlp_down,3,channel,mse
0,mlp_up,3,channel,mse
2,attn_out,8,group:12,minmax
2,attn_qkv,8,group:12,minmax
2,mlp_down,3,channel,mse
2,mlp_up,3,channel,mse
END
)
    changed m.t q.t >names
    run ! grep '\.1\.' names
    # what a recipe does is what the options do
    wquant --only=layer:2,role:mlp_up --bits=3 --clip=mse m.t >one.t
    [[ $(values q.t transformer.h.2.mlp.dense_h_to_4h.weight) == "$(values one.t transformer.h.2.mlp.dense_h_to_4h.weight)" ]]
}

@test "wquant: recipes that are wrong, or do nothing, are errors" {
    modelcat "$(golden bloom-a)" >m.t
    check() { # TEXT MESSAGE
        printf "$1" >r.csv
        run -1 --separate-stderr wquant --recipe=r.csv -o q.t m.t
        [[ $stderr == "wquant: r.csv: "*"$2"* && ! -e q.t ]]
    }
    check 'layer,bots\n1,4\n' 'a recipe needs a column'
    check 'bits\n4\n' 'a recipe needs a column'
    check 'layer,bits\n1,4\n2,9\n' "line 3: bits: '9' is not"
    check 'layer,bits\nx,4\n' "line 2: layer: 'x'"
    check 'layer,bits\n7,4\n' 'line 2: no tensor is what the row says'
    check 'layer,bits\n0-2,4\n1,8\n' 'line 3: no tensor is what the row says'
}

@test "wquant: matrices that a recipe of a smaller model has no row for are said, unless --bits is given" {
    modelcat "$(golden bloom-a)" >m.t
    printf 'layer,bits\n0,3\n' >r.csv
    run -0 --separate-stderr wquant --recipe=r.csv -o q.t m.t
    [[ $stderr == "wquant: r.csv: matrices that no row is for, rounded to 4 bits: 8, the first 'transformer.h.1.self_attention.query_key_value.weight'" ]]
    # each is counted once, however often it is looked at
    actdump -m "$(golden bloom-a)" -t "$DATA/golden" --reduce=gram,absmean --site attn_in,attn_mix,mlp_in,mlp_act "$DATA"/../../pipelines/data/udhr/eval/eng.txt >h.t
    run -0 --separate-stderr wquant --recipe=r.csv --method=awq --moments=h.t --only='layer:0-2,role:mlp_*' -o q.t m.t
    [[ $stderr == *"wquant: r.csv: matrices that no row is for, rounded to 4 bits: 4, the first 'transformer.h.1.mlp.dense_h_to_4h.weight'"* ]]
    # what was asked for, what is left alone and what has a row is not
    for more in --bits=4 --bits=16 --only=layer:0 '--skip=layer:1-2'; do
        run -0 --separate-stderr wquant --recipe=r.csv "$more" -o q.t m.t
        [[ -z $stderr ]]
    done
    printf 'layer,bits\n0,3\n1-2,\n' >r.csv
    run -0 --separate-stderr wquant --recipe=r.csv -o q.t m.t
    [[ -z $stderr ]]
}

# ---- packed

# pack_model FILE: model/ with FILE's tensors and the config of the golden llama
pack_model() {
    mkdir -p model
    tensorcat -o model/model.safetensors "$@"
    cp "$(golden llama-a)/config.json" model/
}

@test "wquant --pack: words, scales and shape, bit by bit against awk" {
    # the largest is 7.5 * 0.25: scale 0.25 exactly; ten columns leave the second word unfilled
    matrix model.layers.0.mlp.down_proj.weight 3x10 BF16 1.875 0.25 -0.25 0.125 -0.375 0.625 -1.875 1 -1 0 \
        -1.875 1.5 1.25 -1.25 -1.5 0.75 0.5 -0.5 -0.75 -1.75  0 0 0 0 0 0 0 0 0 0.9375 >w.t
    pack_model w.t
    wquant --pack out model/model.safetensors
    tensorcat --check out/model.safetensors
    tensorcat --list out/model.safetensors | cut -d, -f3-5 | sort | diff - <(sort <<'END'
name,dtype,shape
model.layers.0.mlp.down_proj.weight_packed,I32,3x2
model.layers.0.mlp.down_proj.weight_scale,BF16,3x1
model.layers.0.mlp.down_proj.weight_shape,I64,2
END
)
    values w.t | tr ' ' '\n' | awk '
        function even(x, n) { n = int(x + 1000) - 1000; f = x - n; return f < 0.5 || (f == 0.5 && n % 2 == 0) ? n : n + 1 }
        { s = NR > 20 ? 0.125 : 0.25; q = even($1 / s); q = q > 7 ? 7 : q < -8 ? -8 : q; u[(NR - 1) % 10] = q + 8
          if (NR % 10 == 0) { for (i = 10; i < 16; i++) u[i] = 0
              for (k = 0; k < 8; k++) printf "%x%x", u[2 * k + 1], u[2 * k] } }' >wanted # byte k: elements 2k, 2k+1
    [[ $(bytes out/model.safetensors '*_packed') == "$(cat wanted)" ]]
    [[ $(values out/model.safetensors '*_scale') == "0.25 0.25 0.125" ]]
    [[ $(values out/model.safetensors '*_shape') == "3 10" ]]
    # 8 bits: bytes are the codes, 128 added; the scale is 1.875/127.5 in BF16
    wquant --bits=8 --pack out8 model/model.safetensors
    [[ $(tensorcat --list out8/model.safetensors | grep _packed) == *,3x3,* ]]
    values w.t | tr ' ' '\n' | awk '
        function even(x, n) { n = int(x + 1000) - 1000; f = x - n; return f < 0.5 || (f == 0.5 && n % 2 == 0) ? n : n + 1 }
        { s = NR > 20 ? 0.00735473632812 : 0.0147094726562; q = even($1 / s); q = q > 127 ? 127 : q < -128 ? -128 : q
          printf "%02x", q + 128; if (NR % 10 == 0) printf "0000" }' >wanted
    [[ $(bytes out8/model.safetensors '*_packed') == "$(cat wanted)" ]]
}

@test "wquant --pack: zero points are packed along the output channels" {
    # range -1..2.75: scale 0.25, zero = -8 - (-1/0.25) = -4; nine rows leave the second word unfilled
    for r in {0..8}; do
        awk -v r="$r" 'BEGIN { print -0.25 * r, -0.25 * r + 3.75, 0.25, 0.5 }'
    done | tr ' ' '\n' >numbers
    tensorcat --from=text --shape=9x4 --name=model.layers.0.mlp.up_proj.weight --dtype=F16 numbers >w.t
    pack_model w.t
    wquant --grid=ct-asym --per=group:4 --pack out model/model.safetensors
    # zero points -8, -7, .., 0: codes 0..8, eight to a word
    [[ $(bytes out/model.safetensors '*_zero_point') == 1032547608000000 ]]
    [[ $(tensorcat --list out/model.safetensors | grep zero_point) == *I32,2x1,* ]]
    [[ $(values out/model.safetensors '*_scale') == "0.25 0.25 0.25 0.25 0.25 0.25 0.25 0.25 0.25" ]]
    # codes: w/0.25 + zero + 8: 0, 15, r + 1, r + 2
    for r in {0..8}; do printf 'f0%x%x0000' $((r + 2 > 15 ? 15 : r + 2)) $((r + 1)); done >wanted
    [[ $(bytes out/model.safetensors '*_packed') == "$(cat wanted)" ]]
    # gptq-asym has the same zero points, stored the same way
    wquant --grid=gptq-asym --per=group:4 --pack gptq model/model.safetensors
    [[ $(bytes gptq/model.safetensors '*_zero_point') == 1032547608000000 ]]
    [[ $(bytes gptq/model.safetensors '*_packed') == "$(cat wanted)" ]]
    grep -q '"symmetric": false' out/config.json
}

@test "wquant --pack: unpacked, a model is what wquant writes without it" {
    modelcat --dtype=BF16 "$(golden llama-a)" >m.t
    for options in "--clip=mse" "--per=group:4 --grid=ct-asym" "--bits=8 --per=group:16 --skip=role:mlp_down" "--per=group:4 --grid=gptq-asym"; do
        rm -rf out
        # shellcheck disable=SC2086
        wquant $options --scale=same m.t >q.t
        # shellcheck disable=SC2086
        wquant $options --pack out m.t
        b=4
        [[ $options == *bits=8* ]] && b=8
        name=model.layers.2.mlp.gate_proj.weight # 100x64
        zero=$(values out/model.safetensors ${name}_zero_point 2>/dev/null) || zero=
        { values out/model.safetensors ${name}_packed; tensorcat --dtype=F64 --to=text --only=${name}_scale out/model.safetensors | tr '\n' ' '; echo; echo "$zero"; } | awk -v b=$b '
            function code(word, i) { word = word < 0 ? word + 4294967296 : word; return int(word / 2 ^ (i * b % 32)) % 2 ^ b }
            NR == 1 { n = split($0, p) } NR == 2 { k = split($0, s) } NR == 3 { z = split($0, zp) }
            END { g = k / 100; for (r = 0; r < 100; r++) for (c = 0; c < 64; c++) {
                q = code(p[r * n / 100 + int(c * b / 32) + 1], c); j = int(c / (64 / g))
                o = z ? code(zp[int(r * b / 32) * g + j + 1], r) : 2 ^ (b - 1)
                printf "%.17g\n", (q - o) * s[r * g + j + 1] } }' | tensorcat --from=text --shape=100x64 --dtype=BF16 | values - >got
        values q.t $name | cmp - got
    done
    # the rest is there as it was
    [[ $(values out/model.safetensors model.layers.0.input_layernorm.weight) == "$(values m.t model.layers.0.input_layernorm.weight)" ]]
    [[ $(tensorcat --meta out/model.safetensors) == *"format,pt"* ]]
}

@test "wquant --pack: config.json as loaders want it" {
    modelcat --dtype=BF16 "$(golden llama-a)" >m.t
    wquant --pack one m.t
    grep -q '"rms_norm_eps": 1e-' one/config.json
    grep -q '"torch_dtype": "bfloat16"' one/config.json
    sed -n '/quantization_config/,$p' one/config.json | tr -d ' \n' >got
    printf '%s' '"quantization_config":{"quant_method":"compressed-tensors","format":"pack-quantized","quantization_status":"compressed",' \
        '"ignore":["lm_head"],"config_groups":{"group_0":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","symmetric":true,' \
        '"strategy":"channel","group_size":null,"dynamic":false,"actorder":null,"observer":"minmax"},"input_activations":null,' \
        '"output_activations":null}}}}' | diff - got
    modelcat "$(golden gpt_neox-a)" | wquant --pack neox
    tr -d ' \n' <neox/config.json | grep -q '"ignore":\["embed_out"\],"config_groups":{"group_0":{"targets":\["Linear"\]'
    modelcat "$(golden gpt_neox-a)" | wquant --head --pack whole
    tr -d ' \n' <whole/config.json | grep -q '"ignore":\[\],'
    modelcat "$(golden bloom-a)" | wquant --only=layer:0 --pack bloom # what stays as it is, is to be ignored
    (($(grep -c 're:(.\*\[.\])?h\[.\]' bloom/config.json) == 8))
    # several schemes: each module by name, in one group only, whatever prefix the loaded model gives it
    printf 'role,bits,group\nmlp_down,8,20\nattn_q,16,\nattn_*,4,32\n' >recipe.csv
    wquant --recipe=recipe.csv --only='*layers.[01].*' --pack two m.t
    tr -d ' \n' <two/config.json >got
    [[ $(cat got) == *'"group_0":{"targets":["re:(.*[.])?layers[.]0[.]self_attn[.]k_proj$","re:(.*[.])?layers[.]0[.]self_attn[.]v_proj$"'* ]]
    [[ $(cat got) == *'"num_bits":8,"type":"int","symmetric":true,"strategy":"group","group_size":20,'* ]]
    [[ $(cat got) == *'"ignore":["lm_head","re:(.*[.])?layers[.]0[.]self_attn[.]q_proj$","re:(.*[.])?layers[.]1[.]self_attn[.]q_proj$","re:(.*[.])?layers[.]2[.]self_attn[.]q_proj$"'* ]]
    (($(grep -o 'layers[^"]*' got | sort | uniq -d | wc -l) == 0 && $(grep -c Linear got) == 0))
    (($(grep -o 're:' got | wc -l) == 21))
}

@test "wquant --pack: 4, 8 and 16 bits in one directory, by a reader of its own, are the weights wquant writes" {
    reader="${BIN:-$BATS_TEST_DIRNAME/../bin}"/unit/packed
    # as bitalloc writes it: a row a part, and columns that are no business of wquant
    printf 'part,layer,role,bits,bytes,damage\nl0,0,,8,1,0.1\nup,1,mlp_up,16,1,0\nl1,1,,4,1,0.3\nq,2,attn_q*,8,1,0\nl2,2,,4,1,0.2\n' >recipe.csv
    while read -r model dtype options; do
        modelcat --dtype="$dtype" "$(golden "$model")" >m.t
        rm -rf out
        # shellcheck disable=SC2086
        wquant $options --recipe=recipe.csv --pack out m.t
        # shellcheck disable=SC2086
        wquant $options --recipe=recipe.csv m.t | tensorcat -o fake.safetensors
        "$reader" out fake.safetensors >got
        echo "$model $dtype $options: $(cat got)"
        [[ $(cat got) =~ ^"4 bits "([0-9]+)", 8 bits "([0-9]+)", as they were " ]]
        ((BASH_REMATCH[1] >= 5 && BASH_REMATCH[2] >= 5))
        (($(grep -c '"num_bits": 4' out/config.json) == 1 && $(grep -c '"num_bits": 8' out/config.json) == 1))
    done <<'END'
bloom-a BF16 --per=channel
bloom-a F32 --per=group:16 --scale=same
llama-a BF16 --grid=ct-asym --per=group:4
xglm-a BF16 --clip=mse
opt-a F32 --per=group:4
END
    # the reader sees what it is there for: other weights, a module that no group has
    wquant --bits=8 --per=group:4 m.t | tensorcat -o other.safetensors
    run -1 "$reader" out other.safetensors
    [[ $output == *"differs from the fake-quantised one" ]]
    sed 's/layers\[.\]1\[.\]fc2/nowhere/' out/config.json >c && mv c out/config.json
    run -1 "$reader" out fake.safetensors
    [[ $output == *"fc2: in no group, or in several" ]]
    # 3 bits beside 4 and 8 are refused by name, before anything is written
    sed '$s/,4,/,3,/' recipe.csv >three.csv
    run -1 --separate-stderr wquant --recipe=three.csv --pack three m.t
    [[ $stderr == "wquant: 'model.decoder.layers.2."*": cannot be packed: only 4 and 8 bits"* && ! -e three ]]
}

@test "wquant --llama-cpp: each matrix by its name in GGUF, anchored" {
    printf 'layer,role,bits\n0,mlp_*,2\n0,,3\n1,attn_qkv,5\n1,mlp_up,16\n1,,6\n2,attn*,7\n2,,8\n' >recipe.csv
    modelcat --dtype=BF16 "$(golden bloom-a)" >m.t
    run -0 --separate-stderr wquant --recipe=recipe.csv --llama-cpp types.txt -o w.t m.t
    # 48 weights a row are no block of a k-quant, as is said once
    [[ ${#stderr_lines[@]} == 1 && $stderr == *"rows of 48 weights are no whole blocks of 256: llama-quantize will take another type than q3_K" ]]
    diff types.txt - <<'END'
^token_embd[.]weight$=bf16
^blk[.]0[.]attn_qkv[.]weight$=q3_K
^blk[.]0[.]attn_output[.]weight$=q3_K
^blk[.]0[.]ffn_up[.]weight$=q2_K
^blk[.]0[.]ffn_down[.]weight$=q2_K
^blk[.]1[.]attn_qkv[.]weight$=q5_K
^blk[.]1[.]attn_output[.]weight$=q6_K
^blk[.]1[.]ffn_up[.]weight$=bf16
^blk[.]1[.]ffn_down[.]weight$=q6_K
^blk[.]2[.]attn_qkv[.]weight$=q8_0
^blk[.]2[.]attn_output[.]weight$=q8_0
^blk[.]2[.]ffn_up[.]weight$=q8_0
^blk[.]2[.]ffn_down[.]weight$=q8_0
^output[.]weight$=bf16
END
    wquant --recipe=recipe.csv -o same.t m.t # the weights are what they are without it
    name=transformer.h.1.mlp.dense_4h_to_h.weight
    [[ $(values w.t $name) == "$(values same.t $name)" ]]
    modelcat "$(golden llama-a)" | wquant --bits=8 --head --llama-cpp types.txt >w.t
    grep -v 'blk[[][.][]][12]' types.txt | diff - <(cat <<'END'
^token_embd[.]weight$=f32
^blk[.]0[.]attn_q[.]weight$=q8_0
^blk[.]0[.]attn_k[.]weight$=q8_0
^blk[.]0[.]attn_v[.]weight$=q8_0
^blk[.]0[.]attn_output[.]weight$=q8_0
^blk[.]0[.]ffn_gate[.]weight$=q8_0
^blk[.]0[.]ffn_up[.]weight$=q8_0
^blk[.]0[.]ffn_down[.]weight$=q8_0
^output[.]weight$=q8_0
END
)
    modelcat "$(golden gpt2-a)" | wquant --bits=4 --llama-cpp types.txt >w.t
    grep -qxF '^blk[.]1[.]ffn_up[.]weight$=q4_K' types.txt
    modelcat "$(golden xglm-a)" >m.t
    run -1 --separate-stderr wquant --llama-cpp none.txt -o none.t m.t
    [[ $stderr == *"llama.cpp has no models of the family xglm" && ! -e none.txt && ! -e none.t ]]
    weights >m.t
    run -1 --separate-stderr wquant --llama-cpp none.txt -o none.t m.t
    [[ $stderr == "wquant: none.txt: no tensor of the input has a name in llama.cpp" && ! -e none.txt ]]
}

@test "wquant: a directory of rounded weights, as loaders of plain weights want it" {
    model=$(golden llama-a)
    mkdir mixed
    cp "$model/config.json" mixed/
    printf 'layer,role,bits\n0,mlp_*,8\n1,mlp_down,16\n,,3\n' >recipe.csv
    modelcat "$model" >m.t
    wquant --recipe=recipe.csv -o q.t m.t
    wquant --recipe=recipe.csv -o mixed/model.safetensors m.t
    tensorcat --check mixed/model.safetensors
    # transformers asks for format=pt, whichever program writes the file, and from a stream as from a file
    modelcat -o of-modelcat.safetensors "$model"
    plant --layer 1 -o of-plant.safetensors m.t
    tensorcat -o of-tensorcat.safetensors q.t
    wquant -o of-wquant.safetensors "$model/model.safetensors"
    for f in mixed/model.safetensors of-*.safetensors; do [[ $(tensorcat --meta $f) == *",format,pt"* ]]; done
    [[ $(tensorcat --meta q.t) != *",format,"* ]]
    tensorcat --set=format=mlx -o mlx.safetensors q.t
    [[ $(tensorcat --meta mlx.safetensors) == *",format,mlx"* && $(tensorcat --meta mlx.safetensors) != *",format,pt"* ]]
    # the data are those of the stream
    cmp <(tensorcat --to=csv of-tensorcat.safetensors | cut -d, -f2- | sort) <(tensorcat --to=csv q.t | cut -d, -f2- | sort)
    for f in "$model" mixed; do tensorcat --list "$f/model.safetensors" | cut -d, -f3-5 | sort >"$(basename "$f").list"; done
    grep -v inv_freq llama-a.list | cmp - mixed.list # those of the original, but for buffers that loaders make themselves
    head -n 2 "$DATA/../../pipelines/data/udhr/eval/eng.txt" >eng.txt
    ppl -m mixed -t "$DATA/golden/tokenizer.json" eng.txt >got 2>notes
    ppl -m q.t -t "$DATA/golden/tokenizer.json" eng.txt 2>notes | cmp got -
}

@test "wquant --pack: what cannot be packed is named" {
    check() { # MESSAGE OPTION...
        run -1 --separate-stderr wquant "${@:2}" --pack out m.t
        [[ $stderr == "wquant: "*"$1"* && ! -e out && $(find . -name 'out*' | wc -l) == 0 ]]
    }
    modelcat "$(golden llama-a)" >m.t
    check "only 4 and 8 bits" --bits=3
    check "the group does not divide the columns" --per=group:48
    check "a scale for each channel or group" --per=tensor
    check "no place in compressed-tensors" --grid=q4_0
    check "a bias correction has no place" --bias=mean
    check "scales are stored in the dtype" --scale=f16
    check "'model.embed_tokens.weight': cannot be packed: it is not the weight of a linear layer" --embed
    check "no tensor was chosen" --only=layer:9
    modelcat "$(golden gpt2-a)" >m.t
    check "(Conv1D)"
    weights >m.t
    check "it takes the model's config.json"
    modelcat "$(golden llama-a)" >m.t
    wquant --pack out m.t
    mkdir other
    mv out/config.json out/model.safetensors other/
    run -1 --separate-stderr wquant --pack again other/model.safetensors
    [[ $stderr == *"quantization_config already"* && ! -e again ]]
    run -1 --separate-stderr wquant --pack other m.t
    [[ $stderr == "wquant: other: cannot write: the directory is there and not empty" ]]
    wquant --pack out/ m.t # an empty one serves
    [[ -f out/config.json ]]
    run -2 --separate-stderr wquant --pack new -o new.t m.t
    [[ $stderr == *"exclude each other"* ]]
}

@test "wquant --pack: killed half way, nothing is left, under any name" {
    modelcat -z 0 "$(golden llama-a)" >m.t
    mkfifo pipe
    wquant --pack out <pipe &
    pid=$!
    exec 7>pipe
    head -c 300000 m.t >&7
    for _ in {1..100}; do [[ -n $(find . -name 'out.*' -type d) ]] && break; sleep 0.05; done
    [[ -n $(find . -name 'out.*' -type d) ]]
    kill $pid
    status=0
    wait $pid || status=$?
    ((status == 143))
    exec 7>&-
    [[ -z $(find . -name 'out*') ]]
    head -c 300000 m.t >cut.t
    run -1 --separate-stderr wquant --pack out cut.t
    [[ $stderr == *"truncated"* && -z $(find . -name 'out*') ]]
}

# ---- what must be refused

@test "wquant: weights that are not finite, or would not be, are named" {
    for bad in nan inf -inf; do
        matrix w 2x3 F32 1 2 3 4 $bad 6 >w.t
        run -1 --separate-stderr wquant -o q.t w.t
        [[ $stderr == "wquant: 'w': output channel 1: a weight is not finite" && ! -e q.t ]]
        run -1 --separate-stderr wquant --per=tensor -o q.t w.t
        [[ $stderr == "wquant: 'w': "*"not finite" && ! -e q.t ]]
    done
    matrix w 1x2 F16 65504 -65504 >w.t # ct's lowest level is 8/7.5 of it, where half a step goes to
    run -1 --separate-stderr wquant --scale=f32 -o q.t w.t
    [[ $stderr == "wquant: 'w': output channel 0: the quantised weights leave the range of the dtype" ]]
    wquant --grid=absmax -o q.t w.t
    [[ $(values q.t) == "65504 -65504" ]]
    # the corrected spread of this one goes beyond F32
    matrix w 1x4 F32 3.4e38 -3.4e38 0.5e38 -0.5e38 >w.t
    wquant --bits=2 --scale=f32 --clip=pct:50 -o q.t w.t
    run -1 --separate-stderr wquant --bits=2 --scale=f32 --clip=pct:50 --bias=both -o r.t w.t
    [[ $stderr == *"leave the range of the dtype" && ! -e r.t ]]
    # the smallest numbers there are
    matrix w 1x4 F32 1e-45 0 -1e-42 1e-42 | wquant --grid=absmax | values - >got
    [[ $(cat got) == "0 0 -1.00053e-42 1.00053e-42" ]]
}

@test "wquant: usage" {
    weights >w.t
    for option in --bits=9 --bits=1 --bits=x --grid=nf4 --per=row --per=group --per=group:0 --clip=best --clip=pct:101 --scale=f8 \
        --only=layer:x --only=layer:3-1 --skip=role: ; do
        run -2 --separate-stderr wquant $option w.t
        [[ $stderr == "wquant: "* ]]
    done
    run -1 --separate-stderr wquant --only=other w.t
    [[ $stderr == "wquant: w.t: no tensor was chosen" ]]
    run -1 --separate-stderr wquant -o q.t nothere.t
    [[ $stderr == "wquant: nothere.t: "* ]]
    run -1 --separate-stderr wquant --recipe=nothere.csv w.t
    [[ $stderr == "wquant: nothere.csv: "* ]]
}

@test "wquant: what was asked for and is not there is said" {
    modelcat "$(golden bloom-a)" >m.t
    run -2 --separate-stderr wquant --skip=role:mlp_dwn -o q.t m.t
    [[ $stderr == "wquant: --skip: there is no role 'mlp_dwn'"* ]]
    run -0 --separate-stderr wquant --skip='*.mpl.*,layer:1' --head -o q.t m.t # a tied head is no tensor
    [[ $stderr == $'wquant: --skip: no tensor is \'*.mpl.*\'\nwquant: --head: there is none of its own in the stream' ]]
    run -0 --separate-stderr wquant --only=layer:0,layer:9 -o q.t m.t
    [[ $stderr == "wquant: --only: no tensor is 'layer:9'" ]]
    run -0 --separate-stderr wquant --only='layer:2,role:attn_*' -o q.t m.t
    [[ -z $stderr ]]
}

# ---- the contract

@test "wquant: the same bytes for any --threads, from a pipe as from a file; history grows by a line" {
    modelcat "$(golden qwen2-a)" >m.t
    for options in "--clip=mse" "--per=group:16 --clip=gennorm --bias=both" "--per=tensor --clip=pct:99 --embed"; do
        # shellcheck disable=SC2086
        wquant $options --report=r.csv m.t >one.t
        mv r.csv r1.csv
        # shellcheck disable=SC2086
        wquant -j 5 $options --report=r.csv <m.t >five.t
        cmp one.t five.t
        cmp r1.csv r.csv
    done
    [[ $(tensorcat --meta one.t | grep -c "modelcat .*") -ge 1 ]]
    tensorcat --meta one.t | grep -q "^wquant .* --per tensor --clip pct:99 --embed"
    wquant -z 0 m.t >raw.t
    wquant -z 9 m.t | tensorcat --to=csv >a
    tensorcat --to=csv raw.t | cmp - a
    wquant -o q.safetensors m.t
    tensorcat --check q.safetensors
    wquant --pack p m.t && mv p p1
    wquant --pack p -j 4 <m.t
    diff -r p p1
}

@test "wquant: cut, empty, hostile input and a full disk are errors" {
    weights >w.t
    for n in 0 1 20 60 -1; do
        head -c $n w.t >cut.t
        run -1 --separate-stderr wquant -o q.t cut.t
        [[ $stderr == "wquant: "* && ! -e q.t ]]
    done
    head -c 3000 /dev/urandom >noise.t
    run -1 --separate-stderr wquant -o q.t noise.t
    run -1 bash -c 'wquant w.t > /dev/full'
    run -1 wquant --report=/dev/full -o q.t w.t
    [[ ! -e q.t || $(tensorcat --check q.t; echo $?) == 0 ]]
    run -1 --separate-stderr wquant -o no/such/dir/q.t w.t
    [[ $stderr == *"cannot write"* ]]
}

@test "wquant: --help, --version, unknown options" {
    keeps_contract wquant
}
