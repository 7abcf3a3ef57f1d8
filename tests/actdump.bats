# actdump: every site against the reference code's numbers, results against closed forms, texts and windows, the contract.
load helper

setup() {
    helper_setup
    tokenizer=$DATA/golden/tokenizer.json
    printf '%s\n' 'All human beings are born free and equal in dignity and rights.' '' 'They are endowed with reason.' >eng.txt
    printf '%s\n' 'Alle Menschen sind frei und gleich an Würde und Rechten geboren.' 'x' >deu.txt
    results=none,absmean,absmax,moments,site_absmean,site_moments,gram
    everything=(--site embed,attn_in,attn_mix,attn_out,mlp_in,mlp_act,mlp_out,resid,final --first both --reduce $results)
}

# dump MODEL OPTION...: actdump of that golden model with its tokenizer, quietly
dump() {
    actdump -m "$(golden "$1")" -t "$tokenizer" "${@:2}" 2>err
}

# ids_of MODEL: the first three of its input_ids.json, 41 tokens, as a token stream of the language "xxx"
ids_of() {
    tr -d ' \n' <"$(golden "$1")/input_ids.json" | sed 's/\],\[/\n/g; s/[][]//g; s/$/\n/' | head -3 >lists
    tr ',' '\n' <lists | tensorcat --from=text --name=xxx.ids --dtype=I32 >ids.t
    awk -F, 'BEGIN { print 0 } { print n += NF }' lists | tensorcat --from=text --name=xxx.offsets --dtype=I32 >offsets.t
    tensorcat ids.t offsets.t
}

# numbers STREAM [PATTERN]: its tensors as name,row,col,value, without a header
numbers() { tensorcat --only "${2:-*}" --to=csv "$1" | tail -n +2 | cut -d, -f2-; }

# same WANT GOT TOLERANCE: two such lists have the same names and, within TOLERANCE * max(1, |want|), numbers
same() {
    awk -F, -v tol="$3" '
        { key = $1 "," $2 "," $3 }
        NR == FNR { want[key] = $4; n++; next }
        { d = $4 - want[key]; m = want[key] < 0 ? -want[key] : want[key]; if (d < 0) d = -d
          if (!(key in want) || !(d <= tol * (m > 1 ? m : 1))) { print key, "got", $4, "wanted", want[key]; bad = 1 }; n-- }
        END { if (n) print n " numbers are missing or too many"; exit bad || n != 0 }' "$1" "$2" >wrong || { head wrong; return 1; }
}

# ---- values

@test "actdump: every neuron of every token is the reference code's within 1e-4" {
    for m in bloom xglm gpt2 opt gpt_neox llama qwen2; do
        sites=embed,mlp_act,resid,final
        [[ $m == bloom ]] || sites+=,mlp_out # what the reference code calls so there is resid
        ids_of $m-a | actdump -m "$(golden $m-a)" --reduce none --site $sites | tensorcat --skip 'token.*' >got.t
        # seq2.mlp_act.1 of row r is 1.mlp_act of row r + the tokens before sequence 2; hidden.0 is embed
        numbers "$(golden $m-a)/expected.safetensors" 'seq[012].*' | awk -F, -v OFS=, -v sites=,$sites, '
            BEGIN { start[0] = 0; start[1] = 1; start[2] = 8 }
            { split($1, part, "."); row = $2 + start[substr(part[1], 4)]; site = part[2]; layer = part[3] }
            site == "hidden" { site = layer ? "resid" : "embed"; layer -= 1 }
            index(sites, "," site ",") { print (site == "embed" || site == "final" ? site : layer "." site), row, $3, $4 }' >want.csv
        numbers got.t >got.csv
        [[ $(wc -l <want.csv) -gt 20000 ]]
        same want.csv got.csv 1e-4 || { echo $m; return 1; }
    done
}

@test "actdump: the sites that have no reference follow from those that have one" {
    ids_of gpt2-a | actdump -m "$(golden gpt2-a)" --reduce none --site attn_in,attn_mix,attn_out,mlp_in,mlp_out,resid,embed >got.t
    numbers got.t >all.csv
    numbers "$(golden gpt2-a)/model.safetensors" 'h.[01].ln_*,h.[01].attn.c_proj.*' >>all.csv
    # resid = what was + attn_out + mlp_out; attn_out = attn_mix W + b; attn_in, mlp_in = LayerNorm
    awk -F, '
        { v[$1, $2, $3] = $4 }
        function norm(layer, from, ln, to,    r, i, m, s) {
            for (r = 0; r < 41; r++) {
                m = s = 0
                for (i = 0; i < 48; i++) m += x[r, i] / 48
                for (i = 0; i < 48; i++) s += (x[r, i] - m) ^ 2 / 48
                for (i = 0; i < 48; i++)
                    near(layer "." to, (x[r, i] - m) / sqrt(s + 1e-5) * v["h." layer "." ln ".weight", i, 0] + v["h." layer "." ln ".bias", i, 0], v[layer "." to, r, i])
            } }
        function near(what, a, b) { n++; if (!((a - b) ^ 2 < 1e-9 * (1 + a * a))) { print what, a, b; bad = 1 } }
        END { for (r = 0; r < 41; r++) for (i = 0; i < 48; i++) x[r, i] = v["embed", r, i]
            for (l = 0; l < 2; l++) {
                norm(l, "", "ln_1", "attn_in")
                for (r = 0; r < 41; r++) for (i = 0; i < 48; i++) {
                    y = v["h." l ".attn.c_proj.bias", i, 0]
                    for (k = 0; k < 48; k++) y += v[l ".attn_mix", r, k] * v["h." l ".attn.c_proj.weight", k, i]
                    near(l ".attn_out", y, v[l ".attn_out", r, i])
                    x[r, i] += v[l ".attn_out", r, i] }
                norm(l, "", "ln_2", "mlp_in")
                for (r = 0; r < 41; r++) for (i = 0; i < 48; i++) {
                    x[r, i] += v[l ".mlp_out", r, i]
                    near(l ".resid", x[r, i], v[l ".resid", r, i]) } }
            exit bad || n != 2 * 4 * 41 * 48 }' all.csv >wrong || { head wrong; return 1; }
}

@test "actdump: results are what their names say of the rows, with and without the first tokens" {
    for l in {1..4}; do cat eng.txt deu.txt; done >many.txt # more rows than a block of sums
    dump llama-a --site mlp_act --layers 1 --first both --reduce $results --dtype F64 many.txt >got.t
    numbers got.t >got.csv
    awk -F, -v OFS=, '
        $1 == "token.position" { first[$2] = $4 == 0; n_row++; next }
        $1 ~ /^[0-9]+\.[a-z_]+$/ { x[$1, $2, $3] = $4; width[$1] = $3 + 1 }
        function moments(name, end, at, m, n, p2, p3, p4) {
            m /= n; p2 /= n; p3 /= n; p4 /= n # about 0
            v = p2 - m * m; g1 = (p3 - 3 * m * p2 + 2 * m ^ 3) / v ^ 1.5; g2 = (p4 - 4 * m * p3 + 6 * m * m * p2 - 3 * m ^ 4) / v ^ 2 - 3
            print name "mean" end, at, 0, m; print name "sd" end, at, 0, sqrt(v)
            print name "skewness" end, at, 0, g1; print name "kurtosis" end, at, 0, g2 }
        END { OFMT = CONVFMT = "%.17g"
            for (s in width) for (part = 0; part < 2; part++) {
                end = part ? ".rest" : ""; sa = s1 = s2 = s3 = s4 = n = 0
                for (c = 0; c < width[s]; c++) {
                    a = most = p1 = p2 = p3 = p4 = k = 0
                    for (r = 0; r < n_row; r++) if (!part || !first[r]) {
                        y = x[s, r, c]; b = y < 0 ? -y : y; a += b; if (b > most) most = b
                        k++; p1 += y; p2 += y ^ 2; p3 += y ^ 3; p4 += y ^ 4 }
                    print s ".absmean" end, c, 0, a / k; print s ".absmax" end, c, 0, most
                    moments(s ".", end, c, p1, k, p2, p3, p4)
                    sa += a; s1 += p1; s2 += p2; s3 += p3; s4 += p4; n += k }
                print s ".site_absmean" end, 0, 0, sa / n; moments(s ".site_", end, 0, s1, n, s2, s3, s4)
                for (c = 0; c < width[s]; c++) for (d = 0; d <= c && d < 5; d++) {
                    p1 = k = 0
                    for (r = 0; r < n_row; r++) if (!part || !first[r]) { k++; p1 += x[s, r, c] * x[s, r, d] }
                    print s ".gram" end, c, d, p1 / k; if (c != d) print s ".gram" end, d, c, p1 / k } } }' got.csv >want.csv
    grep -v gram want.csv >want; grep -v -e gram -e '^token' -e '^[0-9]\.[a-z_]*,' got.csv >got
    [[ $(wc -l <want) -gt 1200 && $(grep -c '^token.id' got.csv) -gt 512 ]]
    same want got 1e-9
    # products of a block are summed as floats
    grep gram want.csv >want; grep gram got.csv | awk -F, '$2 < 5 || $3 < 5' >got
    same want got 2e-5
    # exactly symmetric, and the same in F32
    grep gram got.csv | awk -F, '{ v[$1, $2, $3] = $4 } END { for (k in v) { split(k, p, SUBSEP); if (v[k] != v[p[1], p[3], p[2]]) exit 1 } }'
    dump llama-a --site mlp_act --layers 1 --reduce gram many.txt | tensorcat --dtype=F64 >single.t
    numbers single.t >single; grep gram, got.csv >want
    same want single 1e-6
}

@test "actdump: a language's share of each layer, by kurt and mlr as the help has it" {
    dump bloom-a --site mlp_out --reduce site_absmean eng.txt deu.txt >level.t
    dump bloom-a --site mlp_out eng.txt deu.txt | kurt | mlr --icsv --ocsv fraction -f mean -g lang then cut -o -f lang,name,mean_fraction >share.csv
    [[ $(wc -l <share.csv) == 7 && $(sed -n 2p share.csv) == eng,0.mlp_out.absmean,0.* ]]
    for lang in 0 1; do
        a=$(tensorcat --to=csv level.t | awk -F, -v f=$lang 'NR > 1 && $1 == f { s += $5; if ($2 ~ /^1/) a = $5 } END { printf "%.12g", a / s }')
        close "$(field mean_fraction $((3 * lang + 2)) <share.csv)" "$a" 1e-10
    done
}

@test "actdump: kurt --select reads its absmean, absmax and those without the first tokens" {
    dump xglm-a --site mlp_act --reduce absmean,absmax --first both eng.txt deu.txt >a.t
    for measure in absmean absmax absmean.rest; do
        kurt --select a.t --measure $measure --top 10 "$(golden xglm-a)/model.safetensors" >got.csv
        [[ $(grep -c '^.*eng' got.csv) -gt 0 && $(grep -c '^.*deu' got.csv) -gt 0 ]]
    done
}

@test "actdump: rows of half floats are those of floats, rounded" {
    dump opt-a --reduce none --site resid --layers 2 eng.txt >f32.t
    for dtype in F16 BF16; do
        dump opt-a --reduce none --site resid --layers 2 --dtype $dtype eng.txt >half.t
        cmp <(numbers half.t 2.resid) <(tensorcat --only 2.resid --dtype=$dtype f32.t >r.t; numbers r.t)
    done
}

# ---- texts and windows

@test "actdump: which tokens, in which windows" {
    tok -t "$tokenizer" eng.txt deu.txt >plain.t
    dump bloom-a --reduce none --site embed eng.txt deu.txt >got.t
    numbers got.t token.id | cut -d, -f4 >ids
    { numbers plain.t eng.ids; numbers plain.t deu.ids; } | cut -d, -f4 | cmp - ids
    dump bloom-a --reduce none --site embed --context 16 --text file eng.txt >long.t
    numbers long.t token.position | cut -d, -f4 | awk '$1 != (NR - 1) % 16 { bad = 1 } END { exit bad || NR < 50 }'
    # windows that overlap: each token once, as it was first seen
    dump bloom-a --reduce none --site embed --context 16 --stride 5 --text file eng.txt >overlap.t
    cmp <(numbers long.t token.id) <(numbers overlap.t token.id)
    numbers overlap.t token.position | cut -d, -f4 | awk 'NR <= 16 && $1 != NR - 1 || NR > 16 && $1 < 11 { bad = 1 } END { exit bad }'
    dump bloom-a --reduce none --site embed --context 16 --full-windows --text file eng.txt >full.t
    n=$(numbers long.t token.id | wc -l)
    [[ $(numbers full.t token.id | wc -l) == $((n / 16 * 16)) ]]
    # a token in front counts, and is the first
    dump bloom-a --reduce none --site embed --start '<s>' eng.txt >start.t
    numbers start.t token.position | awk -F, '$4 == 0' | wc -l | grep -qx 2
    [[ $(numbers start.t token.id | head -1 | cut -d, -f4) == "$(echo '<s>' | tok -t "$tokenizer" --ids)" ]]
    dump bloom-a --reduce none --site embed --start '<s>' --first without eng.txt >rest.t
    numbers plain.t eng.ids | cut -d, -f4 | cmp - <(numbers rest.t token.id | cut -d, -f4)
    [[ $(numbers got.t token.line | cut -d, -f4 | sort -nu | tr '\n' ' ') == '1 2 3 ' ]]
    [[ $(tensorcat --meta got.t | grep -c -e '0,n_texts,2$' -e '0,n_first,2$' -e '0,kind,activations$' -e '0,lang,eng$') == 4 ]]
}

@test "actdump: text, compressed text, token streams and standard input are told apart" {
    dump qwen2-a eng.txt deu.txt >want.t
    gzip -k eng.txt && bytes=$(numbers want.t | cksum)
    actdump -m "$(golden qwen2-a)" -t "$tokenizer" eng.txt.gz deu.txt 2>err >got.t
    [[ $(numbers got.t | cksum) == "$bytes" ]]
    tok -t "$tokenizer" eng.txt deu.txt | actdump -m "$(golden qwen2-a)" 2>err >got.t
    [[ $(numbers got.t | cksum) == "$bytes" ]]
    tok -z 0 -t "$tokenizer" eng.txt >e.t
    actdump -m "$(golden qwen2-a)" -t "$tokenizer" e.t deu.txt 2>err >got.t
    [[ $(numbers got.t | cksum) == "$bytes" ]]
    cat eng.txt | dump qwen2-a --lang eng | tensorcat --meta | grep -q ',lang,eng$'
}

# ---- the same from everywhere

# alike: a stream without its history, which names the model's path
alike() { tensorcat -z 0 --set history=; }

@test "actdump: the same bytes for any threads and memory, from a directory, a file or a pipe; by language for any order" {
    for l in {1..4}; do cat eng.txt deu.txt; done >many.txt
    for m in opt-a llama-a; do
        dump $m "${everything[@]}" many.txt eng.txt >want.t
        dump $m "${everything[@]}" --memory 1 --threads 3 many.txt eng.txt | cmp - want.t
        alike <want.t >want
        modelcat "$(golden $m)" >m.t
        actdump -m m.t -t "$tokenizer" "${everything[@]}" many.txt eng.txt 2>err | alike | cmp - want
        modelcat "$(golden $m)" | actdump -m - -t "$tokenizer" "${everything[@]}" --memory 1 many.txt eng.txt 2>err |
            alike | cmp - want
        for lang in eng many; do dump $m "${everything[@]}" $lang.txt >$lang.t; done
        tensorcat many.t eng.t | alike | cmp - want
    done
}

@test "actdump: layers and sites that are not asked for change nothing; a pipe is read to its end" {
    dump gpt_neox-a eng.txt >all.t
    dump gpt_neox-a --layers 0,2-2 --site mlp_out eng.txt >some.t
    cmp <(numbers some.t) <(numbers all.t '[02].mlp_out.*')
    modelcat "$(golden gpt_neox-a)" >m.t
    modelcat "$(golden gpt_neox-a)" | actdump -m - -t "$tokenizer" --layers 0 --site attn_in eng.txt 2>err >first.t
    head -c -1 m.t >cut.t
    run -1 --separate-stderr actdump -m cut.t -t "$tokenizer" --layers 0 --site attn_in -o out.t eng.txt
    [[ $stderr == *"actdump: cut.t: "*truncated* && ! -e out.t ]]
}

@test "actdump: embedding projections, norms behind: the sites of OPT-350m" {
    tgen -n x.ids -d I32 3 7 11 >i.t && tgen -n x.offsets -d I32 0 3 >o.t
    tensorcat i.t o.t | actdump -m "$DATA/variants/opt-350m" --site embed,final,resid --reduce none >got.t
    tensorcat --list got.t | cut -d, -f3,5 >shapes
    for line in embed,3x16 1.resid,3x16 final,3x12; do grep -qx "$line" shapes; done
}

# ---- what is refused

@test "actdump: what does not fit together is named" {
    wrong_usage "no model is given (-m)" actdump eng.txt
    wrong_usage "the model is standard input already: name a file of text or tokens" actdump -m -
    wrong_usage "text beside a model from standard input needs --tokenizer" actdump -m - eng.txt
    wrong_usage "--layers: '1-' is not N or N-M" actdump -m "$(golden bloom-a)" -t "$tokenizer" --layers 1- eng.txt
    wrong_usage "--dtype: gram is F32 or F64" actdump -m x --reduce gram --dtype BF16
    wrong_usage "--dtype does nothing without --reduce none or gram" actdump -m x --dtype BF16
    run -2 actdump -m x --site mlp
    run -2 actdump -m x --reduce mean
    run -1 --separate-stderr dump bloom-a --layers 3 eng.txt
    grep -qx 'actdump: --layers: the model has layers 0 to 2' err
    run -1 dump gpt2-a --context 65 eng.txt
    grep -qx 'actdump: --context: the model has 64 positions' err
    run -1 dump gpt2-a --start '<nix>' eng.txt
    grep -qx "actdump: --start: the tokenizer has no token '<nix>'" err
    run -1 dump gpt2-a eng.txt ./eng.txt
    grep -qx "actdump: ./eng.txt: a file before it is of language 'eng' too" err
    tgen -n x.ids -d I32 290 291 >i.t && tgen -n x.offsets -d I32 0 2 >o.t && tensorcat i.t o.t >beyond.t
    run -1 dump gpt2-a beyond.t
    grep -qx "actdump: token 291 is beyond the model's vocabulary of 291: they do not belong together" err
    run -1 dump gpt2-a "$(golden gpt2-a)/model.safetensors"
    grep -q "^actdump: .*not a token stream" err
    printf 'a\xff\n' >bad.txt
    run -1 dump gpt2-a bad.txt
    grep -q '^actdump: bad.txt: line 1: ' err
    : >none.txt
    run -1 dump gpt2-a none.txt
    grep -qx 'actdump: there is no token to run' err
    dump gpt2-a none.txt eng.txt >got.t
    grep -q '^actdump: none: no token to run; it is left out$' err
    [[ $(tensorcat --meta got.t | grep -c ,lang,) == 1 ]]
    head -c 100 <(tok -t "$tokenizer" eng.txt) >cut.t
    run -1 dump gpt2-a cut.t
    grep -q '^actdump: cut.t: .*truncated' err
}

@test "actdump: activations that are not finite" {
    mkdir bad && cp "$(golden bloom-a)/config.json" bad/
    tensorcat --skip 'transformer.h.1.mlp.dense_4h_to_h.bias' "$(golden bloom-a)/model.safetensors" >most.t
    tgen -n transformer.h.1.mlp.dense_4h_to_h.bias inf $(printf '0 %.0s' {1..47}) >bias.t
    tensorcat -o bad/model.safetensors most.t bias.t
    run -1 --separate-stderr actdump -m bad -t "$tokenizer" -o out.t deu.txt
    [[ $stderr == "actdump: deu: line 1 or behind it: activations of layer 1 are not finite" && ! -e out.t ]]
}

@test "actdump: keeps the contract" {
    keeps_contract actdump
    run -1 bash -c "actdump -m $(golden bloom-a) -t $tokenizer eng.txt >/dev/full"
    for l in {1..30}; do cat eng.txt deu.txt; done >many.txt
    TMPDIR=/nowhere run -1 dump opt-a --memory 1 --reduce none many.txt
    grep -qx 'actdump: a temporary file in /nowhere: No such file or directory' err
}
