# sens: what it says of a part against ppl's run of that part alone, and against wquant's file; predictions against sums
# made from actdump's rows; what is resumed; then the contract.
load helper

setup() {
    helper_setup
    golden=$DATA/golden
    printf '%s\n' 'All human beings are born free and equal in dignity and rights.' '' 'They are endowed with reason.' >eng.txt
    printf '%s\n' 'Alle Menschen sind frei und gleich an Würde und Rechten geboren.' 'x' 'Sie sind mit Vernunft begabt.' >deu.txt
    echo '<s></s><pad><unk><s></s><s><unk>' >few.txt # the only tokens that are in the variants' small vocabulary
}

# sens_of MODEL OPTION...: sens of that golden model, quietly
sens_of() {
    sens -m "$(golden "$1")" -t "$golden/tokenizer.json" "${@:2}" 2>err
}

measured=lang,tokens,bytes,ref_nll,nll,delta_nll,delta_bits_per_byte,kl,top1_agreement,rms_delta_p

# part PART [QUANT]: the measured columns of one part
part() {
    mlr --icsv --ocsv filter "\$part == \"$1\" && \$quant == \"${2:-bits=3}\"" then cut -o -f $measured
}

# alone MODEL QUANT ITEMS FILE...: the same columns as ppl has them
alone() {
    ppl -m "$1" -t "$golden/tokenizer.json" --quant "$2" ${3:+--only "$3"} "${@:4}" 2>/dev/null | mlr --icsv --ocsv cut -o -f $measured
}

# A model that knows a little: bloom-a with a final norm so small, and of such a sign, that it is just better than guessing.
hopeful_model() {
    mkdir -p hopeful
    cp "$(golden bloom-a)/config.json" hopeful/
    tensorcat --skip 'transformer.ln_f.*' "$(golden bloom-a)/model.safetensors" >most.t
    for part in weight bias; do
        tensorcat --to=text --only "transformer.ln_f.$part" "$(golden bloom-a)/model.safetensors" |
            awk -v f="$1" '{ for (i = 1; i <= NF; i++) printf "%.9g\n", $i * f }' | tensorcat --from=text --name="transformer.ln_f.$part" --shape=48 >"$part.t"
    done
    tensorcat -o hopeful/model.safetensors most.t weight.t bias.t
}

# ---- what is measured

@test "sens: a layer's row is what ppl finds with that layer alone, to the last digit, in every family" {
    for m in bloom-a gpt2-a gpt_neox-a llama-a opt-a qwen2-a xglm-a; do
        sens_of $m --no-predict --quant bits=3 --quant bits=4,per=group:16 eng.txt deu.txt >got.csv
        part 0 <got.csv >row.csv
        alone "$(golden $m)" bits=3 layer:0 eng.txt deu.txt | cmp - row.csv
        part 2 bits=4,per=group:16 <got.csv >row.csv
        alone "$(golden $m)" bits=4,per=group:16 layer:2 eng.txt deu.txt | cmp - row.csv
        part all <got.csv >row.csv
        alone "$(golden $m)" bits=3 '' eng.txt deu.txt | cmp - row.csv
    done
}

@test "sens: roles, matrices, and what is outside the layers, alike" {
    for m in llama-a gpt2-a opt-a; do
        sens_of $m --part role --quant bits=3 eng.txt deu.txt | part mlp_down >row.csv
        alone "$(golden $m)" bits=3 role:mlp_down eng.txt deu.txt | cmp - row.csv
        sens_of $m --part matrix --quant bits=3 --only 'layer:1-2' eng.txt deu.txt | part 1.attn_out >row.csv
        alone "$(golden $m)" bits=3 layer:1,role:attn_out eng.txt deu.txt | cmp - row.csv
        # a tied head goes with the embedding
        sens_of $m --quant bits=3 --only 'role:embed,role:mlp_*' eng.txt deu.txt >got.csv
        part embed <got.csv >row.csv
        alone "$(golden $m)" bits=3 role:embed eng.txt deu.txt | cmp - row.csv
        part all <got.csv >row.csv
        alone "$(golden $m)" bits=3 'role:embed,role:mlp_*' eng.txt deu.txt | cmp - row.csv
    done
    for m in xglm-untied qwen2-untied-bf16 gpt2-untied-f16 opt-350m mistral-bf16 bloom-normed-residual gpt_neox-serial; do
        sens -m "$DATA/variants/$m" -t "$golden/tokenizer.json" --quant bits=2 --only 'layer:0-9,role:*' few.txt 2>err >got.csv
        sens -m "$DATA/variants/$m" -t "$golden/tokenizer.json" --quant bits=2 --only 'role:head,role:project_*,role:mlp_*' few.txt 2>err >more.csv
        part 1 bits=2 <got.csv >row.csv
        alone "$DATA/variants/$m" bits=2 layer:1 few.txt | cmp - row.csv
        for role in head project_in project_out; do
            part $role bits=2 <more.csv >row.csv
            [[ ! -s row.csv ]] || alone "$DATA/variants/$m" bits=2 role:$role few.txt | cmp - row.csv
        done
    done
    [[ -s more.csv ]]
}

@test "sens: the same as a file that wquant has written, scored against the model" {
    m=$(golden xglm-a)
    sens_of xglm-a --quant bits=3,clip=mse eng.txt deu.txt | part 1 bits=3,clip=mse >row.csv
    modelcat "$m" | wquant --bits 3 --clip mse --only layer:1 -o q.t
    ppl -m q.t --against "$m" -t "$golden/tokenizer.json" eng.txt deu.txt 2>/dev/null | mlr --icsv --ocsv cut -o -f $measured | cmp - row.csv
}

@test "sens: lines add up to languages, and all of the parts that are left out to nothing" {
    for by in line lang; do sens_of gpt2-a --by $by --quant bits=3 eng.txt deu.txt >$by.csv; done
    for column in nll kl output_error imatrix_error; do
        mean=$(mlr --icsv --ojson filter '$lang == "deu" && $part == "1" && $tokens > 0' then put "\$x = \$tokens * \$$column" then \
            stats1 -a sum -f x,tokens then put '$m = fmtnum($x_sum / $tokens_sum, "%.17g")' line.csv | sed -n 's/.*"m": //p')
        close "$mean" "$(mlr --icsv --onidx filter '$lang == "deu" && $part == "1"' then cut -f $column lang.csv)" 1e-12
    done
    [[ -z $(mlr --icsv --onidx filter '$line == 2' then cut -f nll line.csv | tr -d '\n -') ]] # a token alone predicts nothing
    sens_of gpt2-a --quant bits=16 eng.txt >same.csv
    [[ $(field kl <same.csv) == 0 && $(field top1_agreement <same.csv) == 1 && $(field nll <same.csv) == "$(field ref_nll <same.csv)" ]]
    [[ $(field output_error <same.csv) == 0 && $(field weight_error <same.csv) == 0 ]]
}

@test "sens: deltas where the model is better than guessing, and how far damage adds up" {
    hopeful_model -0.02
    sens -m hopeful -t "$golden/tokenizer.json" --quant bits=2 --quant bits=4 eng.txt deu.txt >got.csv 2>err
    [[ -n $(field delta_nll <got.csv) ]]
    part 1 bits=2 <got.csv >row.csv
    alone hopeful bits=2 layer:1 eng.txt deu.txt | cmp - row.csv
    for lang in eng deu; do # at 4 bits all are; at 2 not all together in English
        for column in delta_nll:additivity kl:additivity_kl; do
            mlr --icsv --ojson filter "\$lang == \"$lang\" && \$bits == 4" then put "\$joint = \$part == \"all\" ? \$${column%:*} : 0;
                \$parts = \$part == \"all\" ? 0 : \$${column%:*}" then stats1 -a sum -f joint,parts then \
                put '$r = fmtnum($joint_sum / $parts_sum, "%.12g")' got.csv | sed -n 's/.*"r": //p' >want
            close "$(mlr --icsv --onidx filter "\$lang == \"$lang\" && \$bits == 4 && \$part == \"all\"" then cut -f ${column#*:} got.csv)" "$(<want)" 1e-9
        done
    done
    [[ -z $(mlr --icsv --onidx filter '$bits == 2 && $lang == "eng" && $part == "all"' then cut -f additivity got.csv | tr -d '\n -') ]]
    grep -q '^sens: cases of a language that are worse than guessing (5.673 nats a token), for which no delta is given: 1 of 16$' err
    grep -q "^sens: bits=2: the parts' damage does not add up in 1 of 2 languages: all together cost 0.517 to 0.517 times their sum$" err
}

@test "sens: all parts together are ppl --quant, digit for digit: by language and line, beyond guessing or not" {
    hopeful_model -0.02
    for by in lang line; do
        [[ $by == line ]] && columns=${measured/lang,/lang,line,} || columns=$measured
        for bits in 2 4; do
            sens -m hopeful -t "$golden/tokenizer.json" --by $by --quant bits=$bits eng.txt deu.txt 2>err |
                mlr --icsv --ocsv filter '$part == "all"' then cut -o -f "$columns" >joint.csv
            ppl -m hopeful -t "$golden/tokenizer.json" --by $by --quant bits=$bits eng.txt deu.txt 2>err |
                mlr --icsv --ocsv cut -o -f "$columns" | cmp - joint.csv
            given=$(mlr --icsv --onidx filter '$tokens > 2 && $delta_nll != ""' then count joint.csv)
            left_out=$(mlr --icsv --onidx filter '$tokens > 2 && $delta_nll == ""' then count joint.csv)
            ((given > 0 && (left_out > 0) == (bits == 2))) # in English at 2 bits
        done
    done
}

@test "sens: packed bytes are those of a packed file, and of other bits what their codes take" {
    sens_of llama-a --part matrix --quant bits=4,per=group:4 --quant bits=8,grid=ct-asym eng.txt >got.csv
    m=$(golden llama-a)
    wquant --pack p4 --per group:4 "$m/model.safetensors"
    wquant --pack p8 --bits 8 --grid ct-asym "$m/model.safetensors"
    for b in 4 8; do
        want=$(tensorcat --list p$b/model.safetensors | mlr --icsv --onidx filter '$name =~ "weight_(packed|scale|zero_point)$"' then \
            stats1 -a sum -f bytes)
        [[ $(mlr --icsv --onidx filter "\$bits == $b && \$part == \"all\"" then cut -f packed_bytes got.csv) == "$want" ]]
    done
    sens_of bloom-a --quant bits=3,per=tensor,scale=f32 --quant bits=16 eng.txt >got.csv
    # 48 wide: rows of 48 and 192 codes of 3 bits are 5 and 18 words; 144 + 48 + 192 short rows, 48 long ones; 4 scales
    [[ $(mlr --icsv --onidx filter '$bits == 3 && $part == "0"' then cut -o -f packed_bytes,weights got.csv) == \
        "$(((384 * 5 + 48 * 18) * 4 + 4 * 4)) 27648" ]]
    [[ $(mlr --icsv --onidx filter '$bits == 16 && $part == "0"' then cut -f packed_bytes got.csv) == $((27648 * 4)) ]]
}

@test "sens: --precision, --text, --full-windows, --context and --stride do what they do in ppl" {
    cat eng.txt deu.txt eng.txt >long.txt
    for o in '--precision bf16' '--text file' '--context 16' '--context 16 --stride 5' '--context 16 --text file --full-windows'; do
        read -ra options <<<"$o"
        alone "$(golden gpt2-a)" bits=3 layer:1 "${options[@]}" long.txt >want.csv
        sens_of gpt2-a --no-predict --quant bits=3 --only layer:1 "${options[@]}" long.txt | part 1 | cmp - want.csv
        # and each changes something: that it is taken away shows
        unset 'options[-1]'
        [[ ${options[-1]} != --* ]] || unset 'options[-1]'
        sens_of gpt2-a --no-predict --quant bits=3 --only layer:1 "${options[@]}" long.txt | part 1 >less.csv
        run ! cmp -s want.csv less.csv
    done
}

# ---- what is predicted

# sums MATRIX ROWS: of |M x|^2 over the rows x, both as text
sums() {
    awk 'NR == FNR { for (j = 1; j <= NF; j++) m[NR, j] = $j; rows = NR; next }
        { for (i = 1; i <= rows; i++) { y = 0; for (j = 1; j <= NF; j++) y += m[i, j] * $j; sum += y * y } }
        END { printf "%.12g\n", sum / FNR }' "$1" "$2"
}

@test "sens: output errors are those of the difference of the weights on the model's own inputs" {
    m=$(golden bloom-a)
    head -1 eng.txt >one.txt
    sens_of bloom-a --part matrix --quant bits=3 one.txt >got.csv
    modelcat "$m" | wquant --bits 3 -o q.t
    modelcat "$m" >m.t
    actdump -m "$m" -t "$golden/tokenizer.json" --site attn_in,attn_mix,mlp_in,mlp_act --reduce none one.txt >acts.t 2>/dev/null
    for what in attn_qkv:self_attention.query_key_value:attn_in attn_out:self_attention.dense:attn_mix \
        mlp_up:mlp.dense_h_to_4h:mlp_in mlp_down:mlp.dense_4h_to_h:mlp_act; do
        IFS=: read -r role name site <<<"$what"
        for t in m q; do tensorcat --to=text --only "*h.1.$name.weight" $t.t >$t.txt; done
        paste -d' ' q.txt m.txt | awk '{ for (j = 1; j <= NF / 2; j++) printf "%.9g ", $j - $(j + NF / 2); print "" }' >d.txt
        tensorcat --to=text --only 1.$site acts.t | head -n -1 >x.txt # the last token predicts nothing
        mlr --icsv --ocsv filter "\$part == \"1.$role\"" got.csv >row.csv
        (($(wc -l <x.txt) == $(field tokens <row.csv)))
        close "$(field output_error <row.csv)" "$(sums d.txt x.txt)" 1e-5
        close "$(field relative_output_error <row.csv)" "$(awk -v a="$(sums d.txt x.txt)" -v b="$(sums m.txt x.txt)" 'BEGIN { printf "%.12g", a / b }')" 1e-5
        awk '{ for (j = 1; j <= NF; j++) s += $j * $j } END { printf "%.12g\n", s }' d.txt >squares
        close "$(field weight_error <row.csv)" "$(<squares)" 1e-6
        awk 'NR == FNR { for (j = 1; j <= NF; j++) c[j] += $j * $j; next } { for (j = 1; j <= NF; j++) s += c[j] * $j * $j }
            END { printf "%.12g\n", s / FNR }' d.txt x.txt >diagonal
        close "$(field imatrix_error <row.csv)" "$(<diagonal)" 1e-5
    done
}

@test "sens: predictions of gpt2's turned matrices and of weights in 16 bits; Banner's are those of wquant's report" {
    sens_of gpt2-a --part matrix --quant bits=4 eng.txt >got.csv
    modelcat "$(golden gpt2-a)" | wquant --bits 4 --report report.csv -o q.t
    for role in attn_qkv mlp_down; do
        mlr --icsv --ocsv filter "\$part == \"2.$role\"" got.csv >row.csv
        mlr --icsv --ocsv filter "\$layer == 2 && \$role == \"$role\"" report.csv >of.csv
        close "$(field predicted_mse_gauss <row.csv)" "$(field predicted_mse_gauss <of.csv)" 1e-12
        close "$(field predicted_mse_laplace <row.csv)" "$(field predicted_mse_laplace <of.csv)" 1e-12
        close "$(awk -v e="$(field weight_error <row.csv)" -v n="$(field weights <row.csv)" 'BEGIN { printf "%.12g", e / n }')" \
            "$(field mse <of.csv)" 1e-6
    done
    # BF16 weights: the report is of what was stored
    sens -m "$DATA/variants/mistral-bf16" -t "$golden/tokenizer.json" --part matrix --quant bits=4 few.txt 2>err >got.csv
    modelcat "$DATA/variants/mistral-bf16" | wquant --bits 4 --report report.csv -o q.t
    mlr --icsv --ocsv filter '$part == "1.mlp_gate"' got.csv >row.csv
    close "$(awk -v e="$(field weight_error <row.csv)" -v n="$(field weights <row.csv)" 'BEGIN { printf "%.12g", e / n }')" \
        "$(mlr --icsv --ocsv filter '$layer == 1 && $role == "mlp_gate"' report.csv | field mse)" 1e-6
}

@test "sens: only what is predicted, or only what is measured, is the same as with the other" {
    sens_of opt-a --quant bits=3 eng.txt >both.csv
    sens_of opt-a --quant bits=3 --predict-only eng.txt >predicted.csv
    sens_of opt-a --quant bits=3 --no-predict eng.txt >measured.csv
    cmp <(mlr --csv cut -x -f nll,delta_nll,delta_bits_per_byte,kl,top1_agreement,rms_delta_p,additivity,additivity_kl both.csv) \
        <(mlr --csv cut -x -f nll,delta_nll,delta_bits_per_byte,kl,top1_agreement,rms_delta_p,additivity,additivity_kl predicted.csv)
    cmp <(mlr --csv cut -x -f output_error,relative_output_error,imatrix_error both.csv) \
        <(mlr --csv cut -x -f output_error,relative_output_error,imatrix_error measured.csv)
    [[ -z $(field kl <predicted.csv) && -z $(field output_error <measured.csv) && -n $(field output_error <predicted.csv) ]]
    wrong_usage "--predict-only and --no-predict exclude each other" sens -m x --quant bits=3 --predict-only --no-predict
}

# ---- the same from everywhere

@test "sens: the same bytes for any threads and memory, from a directory, a file or a pipe" {
    for l in {1..30}; do cat eng.txt deu.txt; done >many.txt
    for m in llama-a gpt2-a; do
        sens_of $m --by line --part role --quant bits=3 --quant bits=8 many.txt eng.txt >want.csv
        sens_of $m --by line --part role --quant bits=3 --quant bits=8 --memory 1 --threads 3 many.txt eng.txt | cmp - want.csv
        modelcat "$(golden $m)" | sens -m - -t "$golden/tokenizer.json" --by line --part role --quant bits=3 --quant bits=8 --memory 1 \
            many.txt eng.txt 2>/dev/null | cmp - want.csv
        sens_of $m --by line --part role --quant bits=8 --quant bits=3 eng.txt many.txt | sort | cmp - <(sort want.csv)
    done
    sens_of llama-a --quant bits=3 many.txt deu.txt >want.csv
    sens_of llama-a --quant bits=3 --memory 1 many.txt deu.txt | cmp - want.csv
}

@test "sens: a language without text has a row of its own name, as in ppl" {
    : >fra.txt
    sens_of bloom-a --quant bits=3 eng.txt fra.txt deu.txt >got.csv
    part all <got.csv >row.csv
    alone "$(golden bloom-a)" bits=3 '' eng.txt fra.txt deu.txt | cmp - row.csv
    cut -d, -f1,2 row.csv | grep -qx fra,0
}

@test "sens: jobs by layer give the rows of one run" {
    sens_of xglm-a --quant bits=3 eng.txt deu.txt >want.csv
    for layer in 0 1 2; do sens_of xglm-a --quant bits=3 --only layer:$layer eng.txt deu.txt >job$layer.csv; done
    mlr --csv filter '$part != "all"' then sort -f part,lang job?.csv | cmp - <(mlr --csv filter '$part != "all"' then sort -f part,lang want.csv)
    # a part that is all there is: all together is it
    cmp <(part 1 <job1.csv) <(part all <job1.csv)
}

# ---- going on

@test "sens: --resume does what is missing, and gives the table that one run gives" {
    sens_of bloom-a --quant bits=3 --quant bits=4 eng.txt deu.txt >want.csv
    sens_of bloom-a --quant bits=3 --quant bits=4 --resume j.csv eng.txt deu.txt | cmp - want.csv
    cp j.csv full.csv
    [[ $(wc -l <full.csv) == 17 ]] # 8 cases, 2 languages
    for n in 1 2 4 9 16; do # killed behind any row, or in the middle of one
        head -n $n full.csv >j.csv
        sens_of bloom-a --quant bits=3 --quant bits=4 --resume j.csv eng.txt deu.txt | cmp - want.csv
        sort j.csv | cmp - <(sort full.csv)
        head -c $(($(head -n $n full.csv | wc -c) + 9)) full.csv >j.csv
        sens_of bloom-a --quant bits=3 --quant bits=4 --resume j.csv eng.txt deu.txt | cmp - want.csv
        sort j.csv | cmp - <(sort full.csv)
    done
    : >j.csv
    sens_of bloom-a --quant bits=3 --quant bits=4 --resume j.csv eng.txt deu.txt | cmp - want.csv
    # nothing is run that is noted: numbers that are noted wrongly come back
    sed 's/^\(bits=3 0 [^,]*,eng,[^,]*,[^,]*,\)[^,]*/\141/' full.csv >j.csv
    sens_of bloom-a --quant bits=3 --quant bits=4 --resume j.csv eng.txt deu.txt >wrong.csv
    [[ $(field top1_agreement 1 <wrong.csv) == 0.5125 && $(field nll 1 <wrong.csv) == "$(field nll 1 <want.csv)" ]]
    # by line, with other parts in the same table
    sens_of bloom-a --by line --quant bits=3 --resume j2.csv eng.txt deu.txt >want.csv
    sens_of bloom-a --by line --quant bits=3 --resume j2.csv eng.txt deu.txt | cmp - want.csv
}

@test "sens: --resume takes a model that computes the same from other weights for another" {
    m=$(golden xglm-a)
    sens_of xglm-a --quant bits=3 --resume j.csv eng.txt >want.csv
    plant --layer 1 -o planted.t "$m"
    sens -m planted.t -t "$golden/tokenizer.json" --quant bits=3 eng.txt >got.csv 2>err
    [[ $(field ref_nll <got.csv) == "$(field ref_nll <want.csv)" && $(field kl 2 <got.csv) != "$(field kl 2 <want.csv)" ]]
    cp j.csv before.csv
    run -1 --separate-stderr sens -m planted.t -t "$golden/tokenizer.json" --quant bits=3 --resume j.csv eng.txt
    [[ $stderr == *"sens: j.csv: line 2: is of another model, text or precision" && -z $output ]]
    mkdir other # the same weights, and a config that has one word more
    sed '1s/{/{"note": "mine",/' "$m/config.json" >other/config.json
    cp "$m/model.safetensors" other/
    run -1 --separate-stderr sens -m other -t "$golden/tokenizer.json" --quant bits=3 --resume j.csv eng.txt
    [[ $stderr == *"is of another model, text or precision" ]]
    cmp j.csv before.csv
    # the same model as a stream, its tensors in another order too, is the same: nothing is noted again
    modelcat "$m" >m.t
    tensorcat --only '*layers.2.*' m.t >last.t
    tensorcat --skip '*layers.2.*' m.t >first.t
    tensorcat -o turned.t last.t first.t
    for s in m.t turned.t; do
        sens -m $s -t "$golden/tokenizer.json" --quant bits=3 --resume j.csv eng.txt 2>/dev/null | cmp - want.csv
        cmp j.csv before.csv
    done
}

@test "sens: --resume runs a part again that with another --only has other matrices" {
    sens_of bloom-a --quant bits=3 --only 'layer:0-1,role:mlp_*' eng.txt >want.csv
    sens_of bloom-a --quant bits=3 --only 'layer:0-1,role:attn_*' --resume j.csv eng.txt >/dev/null
    sens_of bloom-a --quant bits=3 --only 'layer:0-1,role:mlp_*' --resume j.csv eng.txt | cmp - want.csv
    [[ $(wc -l <j.csv) == 7 ]]
    sens_of bloom-a --quant bits=3 --only 'layer:0-1,role:mlp_up,role:mlp_down' --resume j.csv eng.txt | cmp - want.csv
    [[ $(wc -l <j.csv) == 7 ]]
}

@test "sens: killed half way, a run goes on" {
    for l in {1..60}; do cat eng.txt; done >long.txt
    sens_of llama-a --part matrix --quant bits=3 long.txt deu.txt >want.csv
    sens -m "$(golden llama-a)" -t "$golden/tokenizer.json" --memory 1 --part matrix --quant bits=3 --resume j.csv -o got.csv long.txt deu.txt 2>/dev/null &
    pid=$!
    for _ in {1..400}; do
        [[ -e j.csv ]] && (($(wc -l <j.csv) > 3)) && break
        sleep 0.02
    done
    kill -KILL $pid 2>/dev/null || true
    wait $pid || true
    sens_of llama-a --part matrix --quant bits=3 --resume j.csv -o got.csv long.txt deu.txt
    cmp got.csv want.csv
}

@test "sens: what was noted of another text, model or table, or is being written, is refused" {
    sens_of bloom-a --quant bits=3 --resume j.csv eng.txt >want.csv
    run -1 --separate-stderr sens -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --quant bits=3 --resume j.csv --start '<s>' eng.txt
    [[ $stderr == *"sens: j.csv: line 2: is of another model, text or precision" && -z $output ]]
    hopeful_model 0.5
    run -1 --separate-stderr sens -m hopeful -t "$golden/tokenizer.json" --quant bits=3 --resume j.csv eng.txt
    [[ $stderr == *"is of another model, text or precision" ]]
    echo a,b >other.csv
    run -1 --separate-stderr sens -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --quant bits=3 --resume other.csv eng.txt
    [[ $stderr == *"sens: other.csv: holds something else than a table of case,"* && $(<other.csv) == a,b ]]
    sed '2s/,[^,]*$/,x/' j.csv >bad.csv
    run -1 --separate-stderr sens -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --quant bits=3 --resume bad.csv eng.txt
    [[ $stderr == *"sens: bad.csv: line 2: "* ]]
    sed '2s/,eng,[^,]*/,eng,12/' j.csv >bad.csv
    run -1 --separate-stderr sens -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --quant bits=3 --resume bad.csv eng.txt
    [[ $stderr == *"sens: bad.csv: line 2: '12' cannot be" ]]
    run -1 --separate-stderr flock j.csv sens -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --quant bits=3 --resume j.csv eng.txt
    [[ $stderr == *"sens: j.csv: cannot write: another program does" ]]
    run -1 --separate-stderr sens -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --quant bits=3 --resume . eng.txt
    [[ $stderr == *"sens: .: cannot write: "* ]]
    run -1 sens -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --quant bits=3 --resume /dev/full eng.txt
}

# ---- what needs a word

@test "sens: wrong usage" {
    wrong_usage "no model is given (-m)" sens --quant bits=3 eng.txt
    wrong_usage "no way to quantise is given (--quant)" sens -m x eng.txt
    wrong_usage "--quant: 'bits=3' is given twice" sens -m x --quant bits=3 --quant bits=3 eng.txt
    wrong_usage "a model from standard input needs --tokenizer" sens -m - --quant bits=3 eng.txt
    run -2 --separate-stderr sens -m x --quant bits=9 eng.txt
    run -2 --separate-stderr sens -m x --quant bits=3 --only layer:x eng.txt
    run -2 --separate-stderr sens -m x --quant bits=3 --part head eng.txt
    run -2 --separate-stderr sens_of bloom-a --quant bits=3 --context 8 --stride 9 eng.txt
}

@test "sens: nothing chosen, nothing to predict, weights that are no numbers, a model that is cut" {
    run -1 --separate-stderr sens -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --quant bits=3 --only layer:7 eng.txt
    [[ $stderr == "sens: $(golden bloom-a): no tensor was chosen" ]]
    echo x >x.txt
    run -1 --separate-stderr sens -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --quant bits=3 x.txt
    [[ $stderr == *"sens: the texts have nothing that could be predicted" ]]
    mkdir nan
    cp "$(golden bloom-a)/config.json" nan/
    name=transformer.h.1.mlp.dense_h_to_4h.weight
    tensorcat --skip $name "$(golden bloom-a)/model.safetensors" >most.t
    tensorcat --to=text --only $name "$(golden bloom-a)/model.safetensors" | sed '1s/^[^ ]*/nan/' |
        tensorcat --from=text --name=$name >one.t
    tensorcat -o nan/model.safetensors most.t one.t
    run -1 --separate-stderr sens -m nan -t "$golden/tokenizer.json" --quant bits=3 eng.txt
    [[ $stderr == *"'$name': row 0: a weight is not finite" && -z $output ]]
    run -1 --separate-stderr sens -m nan -t "$golden/tokenizer.json" --quant bits=3 --only layer:0 eng.txt
    [[ $stderr == *"the model's logits are not finite" ]]
    modelcat "$(golden bloom-a)" >whole.t
    head -c 40000 whole.t >cut.t
    run -1 --separate-stderr sens -m cut.t -t "$golden/tokenizer.json" --quant bits=3 eng.txt
    printf 'caf\xe9\n' >latin.txt
    run -1 --separate-stderr sens -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --quant bits=3 latin.txt
    run -1 --separate-stderr sens -m no-such -t "$golden/tokenizer.json" --quant bits=3 eng.txt
    [[ -z $output ]]
}

@test "sens: text from a pipe, a full disk, a file that appears when it is complete" {
    sens_of bloom-a --quant bits=3 --lang eng <eng.txt >got.csv
    sens_of bloom-a --quant bits=3 eng.txt | cmp - got.csv
    sens_of bloom-a --quant bits=3 -o out.csv eng.txt
    cmp out.csv got.csv
    run -1 bash -c 'sens -m "$1" -t "$2" --quant bits=3 eng.txt > /dev/full' - "$(golden bloom-a)" "$golden/tokenizer.json"
    run -1 sens -m "$(golden bloom-a)" -t "$golden/tokenizer.json" --quant bits=3 -o gone/out.csv eng.txt
}

@test "sens: the contract of every program" { keeps_contract sens; }
