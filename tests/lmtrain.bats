# lmtrain: a text is memorised, a run that was stopped is the run that was not; then the contract. The parts by
# themselves: tests/unit/train.c; gradients: tests/unit/grad.c.
load helper

setup() {
    helper_setup
    mkdir text
    # 291 tokens: bytes and a few merges
    for i in 1 2 3 4; do echo "the quick brown fox jumps over the lazy dog"; done >text/eng.txt
    for i in 1 2 3 4; do echo "portez ce vieux whisky au juge blond qui fume"; done >text/fra.txt
    small=(-q --tokenizer="$DATA/golden/tokenizer.json" --layers=2 --width=16 --heads=2 --context=16 --batch=8)
}

# tiny OPTION...: 12 steps on both languages
tiny() { lmtrain "${small[@]}" --steps=12 --warmup=3 --log-every=4 --learning-rate=0.01 "$@" text/eng.txt text/fra.txt; }

# weights FILE: those of a checkpoint, and the moments, as numbers
weights() { tensorcat --to=csv --skip='train.*' "$1"; }

# same_weights A B: checkpoints that hold the same weights
same_weights() {
    weights "$1" >a.txt && weights "$2" >b.txt && [[ -s a.txt ]] && cmp a.txt b.txt
}

# steady LOG: its columns but for the speed, which no two runs share
steady() { mlr --csv cut -x -f tokens_per_s "$1"; }

@test "lmtrain: a small text is memorised, by each family" {
    for arch in bloom:120 gpt2:120 llama:120 xglm:300; do
        lmtrain "${small[@]}" --arch=${arch%:*} --width=32 --batch=4 --steps=${arch#*:} --warmup=10 --learning-rate=0.02 \
            --weight-decay=0 --log-every=20 --log=log.csv --precision=f32 text/eng.txt
        awk -F, 'NR == 2 { first = $4 } END { print first, $4; exit !(first > 2 && $4 < 0.1) }' log.csv
    done
    lmtrain "${small[@]}" --width=32 --batch=4 --steps=120 --warmup=10 --learning-rate=0.02 --weight-decay=0 \
        --log-every=20 --log=log.csv --precision=bf16 text/eng.txt
    awk -F, 'END { exit !($4 < 0.1) }' log.csv
}

@test "lmtrain: tensors are named and shaped as the reference library's, of seven families" {
    for f in bloom xglm gpt2 llama opt gpt_neox qwen2; do
        lmtrain "${small[@]:0:2}" --config="$(golden $f-a)/config.json" --context=16 --batch=1 --steps=1 --dtype=F32 -o $f text/eng.txt
        for model in "$(golden $f-a)" $f; do # without the buffers of old files, and the prefix that gpt2's lack
            tensorcat --list "$model/model.safetensors" | mlr --csv cut -f name,shape,dtype then put '$name = sub($name, "^transformer.", "")' \
                then filter '!($name =~ "(attn.bias|attention.bias|masked_bias|inv_freq)$")' then sort -f name >"$(basename "$model").csv"
        done
        diff $f-a.csv $f.csv
        grep -q '"eos_token": "</s>"' $f/tokenizer_config.json
    done
}

@test "lmtrain: ppl finds the loss that the log says, in the directory and in the checkpoint" {
    mkdir held && cp text/fra.txt held/ && tail -n 1 text/eng.txt >held/eng.txt
    for arch in bloom xglm; do
        tiny --arch=$arch --valid=held --valid-every=100 --dtype=F32 --log=log.csv --checkpoint=$arch.safetensors -o $arch
        for model in "$arch" "$arch.safetensors"; do
            ppl -m $model -t $arch --start '</s>' --context=16 held/eng.txt held/fra.txt >ppl.csv 2>warnings
            for n in 1 2; do
                lang=$(field lang $n <ppl.csv)
                close "$(field nll_$lang 3 <log.csv)" "$(field nll $n <ppl.csv)" 1e-6
                close "$(field bits_per_byte_$lang 3 <log.csv)" "$(field bits_per_byte $n <ppl.csv)" 1e-6
            done
            close "$(field valid_loss 3 <log.csv)" "$(mlr --icsv --onidx put -q 'begin { @s = 0; @n = 0 } @s += $nll * $tokens;
                @n += $tokens; end { print @s / @n }' ppl.csv)" 1e-6
        done
    done
    [[ $(field nll_eng 1 <log.csv) == "" ]]                  # validated when it was asked for, and in the end
}

@test "lmtrain: the directory is one of Hugging Face's, rounded to the dtype asked for" {
    tiny -o model
    [[ $(ls model | tr '\n' ' ') == "config.json model.safetensors tokenizer.json tokenizer_config.json " ]]
    cmp model/tokenizer.json "$DATA/golden/tokenizer.json"
    run -0 mlr --ijson --ocsv cut -o -f model_type,hidden_size,n_layer,n_head,vocab_size,torch_dtype model/config.json
    [[ ${lines[1]} == bloom,16,2,2,291,bfloat16 ]]
    head -c 4000 model/model.safetensors | grep -aq '"format":"pt"'
    head -c 4000 model/model.safetensors | grep -aq '"transformer.h.1.mlp.dense_4h_to_h.weight":{"dtype":"BF16","shape":\[16,64\]'
    tiny -o model32 --dtype=F32
    modelcat --dtype=BF16 model32 | kurt >a.csv
    modelcat model | kurt >b.csv
    diff a.csv b.csv
}

@test "lmtrain: a run that was stopped, and one that was killed, end as one that was not" {
    tiny --checkpoint=whole.safetensors --log=whole.csv --valid=text --dropout=0.1 --kure=0.1
    run -1 --separate-stderr tiny --checkpoint=cut.safetensors --log=cut.csv --valid=text --dropout=0.1 --kure=0.1 \
        --max-minutes=1e-9
    [[ $stderr == "lmtrain: stopped after step 1 of 12: --resume goes on from there" ]]
    tiny --checkpoint=cut.safetensors --log=cut.csv --valid=text --dropout=0.1 --kure=0.1 --resume -j 2
    same_weights whole.safetensors cut.safetensors
    diff <(steady whole.csv) <(steady cut.csv)
}

@test "lmtrain: killed at any time, what is under the final name is whole, and from there the run ends as one that was not" {
    run_on=(lmtrain "${small[@]}" --steps=300 --warmup=3 --log-every=4 --learning-rate=0.01 --dropout=0.1 text/eng.txt text/fra.txt)
    "${run_on[@]}" --checkpoint=whole.safetensors --log=whole.csv
    step=0
    for _ in 1 2 3; do
        touch mark
        "${run_on[@]}" --checkpoint=killed.safetensors --checkpoint-every=1 --resume --log=killed.csv -o killed &
        pid=$!
        for _ in {1..3000}; do [[ killed.safetensors -nt mark ]] && break; sleep 0.01; done
        kill -KILL $pid
        status=0
        wait $pid || status=$?
        ((status == 137))
        [[ $(echo killed killed.??????) == 'killed killed.??????' && ! -e killed ]] # no directory that was begun
        before=$step step=$(grep -aom1 '"lmtrain step":"[0-9]*"' killed.safetensors | tr -dc 0-9)
        echo "killed after step $step"
        ((before < step && step < 300))
    done
    touch killed.{safetensors,csv}.Ab12yz.tmp mine.safetensors.Ab12yz.tmp killed.safetensors.old.tmp # as a kill leaves them, or not
    "${run_on[@]}" --checkpoint=killed.safetensors --log=killed.csv --resume
    same_weights whole.safetensors killed.safetensors
    diff <(steady whole.csv) <(steady killed.csv)
    [[ $(echo *tmp*) == "killed.safetensors.old.tmp mine.safetensors.Ab12yz.tmp" ]]
}

@test "lmtrain: SIGTERM writes a checkpoint from which the run goes on" {
    lmtrain "${small[@]}" --steps=100000 --checkpoint=t.safetensors --checkpoint-every=5 text/eng.txt 2>said &
    pid=$!
    until [[ -e t.safetensors ]]; do kill -0 $pid && sleep 0.1; done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    ((status == 1))
    grep -q '^lmtrain: stopped after step [0-9]* of 100000: --resume goes on from there$' said
    weights t.safetensors >t.csv
    (($(wc -l <t.csv) > 1000))
    [[ $(ls) != *tmp* ]]
}

@test "lmtrain: threads do not matter, the seed does" {
    tiny --checkpoint=one.safetensors --attention-dropout=0.2
    tiny --checkpoint=three.safetensors --attention-dropout=0.2 --threads=3
    same_weights one.safetensors three.safetensors
    tiny --checkpoint=other.safetensors --attention-dropout=0.2 --seed=2
    run ! same_weights one.safetensors other.safetensors
}

@test "lmtrain: options that decide the weights must be the checkpoint's" {
    tiny --checkpoint=c.safetensors
    for other in --clip=2 --seed=7 --learning-rate=0.02 --kure=0.1 --temperature=3 --dropout=0.1 --width=32 --steps=13; do
        run -1 --separate-stderr tiny --checkpoint=c.safetensors --resume $other
        name=${other%%=*}
        [[ $stderr == "lmtrain: c.safetensors: was made with another ${name/width/config}: "* ]]
    done
    for missing in train.tally train.log 'adam_v.*.word_embeddings.weight'; do
        tensorcat --skip="$missing" -o less.safetensors c.safetensors
        run -1 --separate-stderr tiny --checkpoint=less.safetensors --resume
        [[ $stderr == "lmtrain: less.safetensors: weights, moments or the log are missing" ]]
    done
    tiny --checkpoint=embed.safetensors --embed-sd=0.5
    run -1 --separate-stderr tiny --checkpoint=embed.safetensors --resume
    [[ $stderr == "lmtrain: embed.safetensors: was made with another --embed-sd: 0.5, not none" ]]
    run -1 --separate-stderr tiny --checkpoint=c.safetensors --resume --embed-sd=0.5
    [[ $stderr == "lmtrain: c.safetensors: was made with another --embed-sd: none, not 0.5" ]]
    tiny --checkpoint=embed.safetensors --resume --may-differ=embed-sd,steps --steps=13
    echo "another text, which is long enough" >>text/fra.txt
    run -1 --separate-stderr tiny --checkpoint=c.safetensors --resume
    [[ $stderr == "lmtrain: c.safetensors: was made with another --text: "* ]]
    tiny --checkpoint=c.safetensors --resume --may-differ=text,steps --steps=13
    run -1 --separate-stderr tiny --checkpoint=c.safetensors
    [[ $stderr == "lmtrain: c.safetensors: is there already: --resume goes on from it" ]]
}

@test "lmtrain: a checkpoint behind the last step, or of weights or moments that are not finite, gives no model" {
    tiny --checkpoint=c.safetensors
    sed 's/"lmtrain step":"12"/"lmtrain step":"99"/' c.safetensors >late.safetensors
    run -1 --separate-stderr tiny --checkpoint=late.safetensors --resume -o late
    [[ $stderr == "lmtrain: late.safetensors: is of step 99, behind the last of --steps, 12" && ! -e late ]]
    begin=$((8 + $(od -An -tu8 -N8 c.safetensors)))
    bytes=$((($(stat -c %s c.safetensors) - begin) / 4 * 4))
    for at in $((begin + bytes / 6)) $((begin + bytes / 2)) $((begin + bytes / 6 * 5)); do # a weight, a moment, another
        cp c.safetensors bad.safetensors
        printf '\xff\xff\xff\x7f\xff\xff\xff\x7f' | dd of=bad.safetensors bs=1 seek=$at conv=notrunc status=none
        run -1 --separate-stderr tiny --checkpoint=bad.safetensors --resume -o bad
        [[ $stderr == "lmtrain: bad.safetensors: '"*"' holds numbers that are not finite" && ! -e bad ]]
    done
    tiny --checkpoint=c.safetensors --resume -o fine
    # and --init: a position behind the context has no part in the loss
    cp -R "$(golden gpt2-a)" init
    chmod -R u+w init
    at=$(grep -aoE '"(transformer.)?wpe.weight":\{[^}]*\}' init/model.safetensors | grep -oE '[0-9]+\]\}' | tr -dc 0-9)
    printf '\xff\xff\xff\x7f' | dd of=init/model.safetensors bs=1 seek=$((8 + $(od -An -tu8 -N8 init/model.safetensors) + at - 4)) conv=notrunc status=none
    run -1 --separate-stderr lmtrain "${small[@]:0:2}" --init=init --context=8 --batch=2 --steps=2 -o bad text/eng.txt
    [[ $stderr == "lmtrain: init: holds weights that are not finite" && ! -e bad ]]
}

@test "lmtrain: the log's learning rate is the published schedule" {
    tiny --steps=20 --warmup=4 --cooldown=0.4 --floor=0.2 --log-every=1 --log=log.csv
    # Loshchilov & Hutter 2017, equation 5: half a cosine, here from 0.01 down to 0.2 of it over the last 8 steps
    awk -v pi=3.141592653589793 'BEGIN { for (t = 1; t <= 20; t++)
        printf "%.15g\n", 0.01 * (t <= 4 ? t / 4 : t <= 12 ? 1 : 0.2 + 0.4 * (1 + cos(pi * (t - 12) / 8))) }' >wanted
    paste -d' ' <(mlr --icsv --onidx cut -f learning_rate log.csv) wanted >both
    (($(wc -l <both) == 20))
    while read -r got wanted; do close "$got" "$wanted" 1e-10; done <both
    [[ $(mlr --icsv --onidx cut -f tokens then tail -n 1 log.csv) == 2560 ]] # 20 steps of 8 times 16
}

@test "lmtrain: options of the run: --may-differ=learning-rate, --ff, --valid-tokens" {
    go() { lmtrain "${small[@]}" --warmup=4 --cooldown=0 --log-every=1 --log=log.csv text/eng.txt text/fra.txt "$@"; }
    go --steps=6 --learning-rate=0.01 --checkpoint=c.safetensors
    go --steps=9 --learning-rate=0.02 --checkpoint=c.safetensors --resume --may-differ=steps,learning-rate
    [[ $(mlr --icsv --onidx cut -f learning_rate log.csv | tr '\n' ' ') == "0.0025 0.005 0.0075 0.01 0.01 0.01 0.02 0.02 0.02 " ]]
    for arch in xglm gpt2 llama; do
        go --steps=1 --arch=$arch --ff=20 -o $arch
        [[ $(tensorcat --list $arch/model.safetensors | mlr --icsv --onidx filter '$name =~ "(fc1|c_fc|up_proj).weight$"' then cut -f shape | sort -u) == @(16x20|20x16) ]]
    done
    run -2 --separate-stderr go --steps=1 --arch=bloom --ff=20
    [[ ${stderr_lines[0]} == "lmtrain: the inner width of bloom is 4 times its width" ]]
    mkdir held && cp text/eng.txt held/
    printf '%s\n' "portez ce vieux" "whisky au juge" "blond qui fume" >held/fra.txt
    go --steps=1 --valid=held --valid-tokens=17 --dtype=F32 -o model # the first line has 16 with the separator
    head -n 2 held/fra.txt >fra.txt
    close "$(field nll_fra <log.csv)" "$(ppl -m model --start '</s>' --context=16 fra.txt 2>/dev/null | field nll)" 1e-6
    run ! close "$(field nll_fra <log.csv)" "$(ppl -m model --start '</s>' --context=16 held/fra.txt 2>/dev/null | field nll)" 1e-5
}

@test "lmtrain: the log's loss of a language is ppl's, and the loss the mean over the sequences" {
    # 15 tokens each: with the separators one sequence of 16 is all there is
    echo "the quick brown" >text/eng.txt
    echo "portez ce vieux" >text/fra.txt
    tiny --steps=6 --learning-rate=0 --log-every=1 --log=log.csv --checkpoint=still.safetensors
    for lang in eng fra; do
        sed 's/$/<\/s>/' text/$lang.txt >$lang.txt
        nll=$(ppl -m still.safetensors -t "$DATA/golden/tokenizer.json" --start '</s>' --context=17 $lang.txt 2>/dev/null | field nll)
        for ((row = 1; row <= 6; row++)); do close "$(field loss_$lang $row <log.csv)" "$nll" 1e-7; done
    done
    # k of the 8 sequences are English, in each row another whole number
    mlr --icsv --onidx put -q 'print ($loss - $loss_fra) / ($loss_eng - $loss_fra) * 8' log.csv >k
    awk '{ n = int($1 + 0.5); if ($1 - n > 1e-3 || n - $1 > 1e-3 || n < 0 || n > 8) exit 1 }' k
    (($(sort -u k | wc -l) > 1))
}

@test "lmtrain: the first step is AdamW's of what the options say, from moments of zero, and gradient_norm the gradient's" {
    first() { tiny --steps=1 --warmup=0 --cooldown=0 --beta1=0.8 --beta2=0.6 --eps=0.01 --weight-decay=0.3 --log-every=1 --log=log.csv "$@"; }
    first --learning-rate=0 --checkpoint=zero.safetensors
    weights zero.safetensors | grep -v adam_ >w0
    for clip in 0.5 inf; do
        rm -f one.safetensors
        first --clip=$clip --checkpoint=one.safetensors
        weights one.safetensors >one
        # Loshchilov & Hutter 2019, algorithm 2, t = 1: both moments are of one gradient, which the first gives back
        paste -d, <(tail -n +2 w0) <(grep -v adam_ one | tail -n +2) <(grep adam_m one) <(grep adam_v one) |
            awk -F, -v norm="$(field gradient_norm <log.csv)" -v clip=$clip '
                function off(got, wanted, within) { if (!((got - wanted) ^ 2 <= within ^ 2)) { print NR ": " got ", not " wanted; bad = 1 } }
                $2 != $7 || "adam_m." $2 != $12 || "adam_v." $2 != $17 { print "not in step: " $0; exit bad = 1 }
                { g = $15 / (1 - 0.8); off($20, (1 - 0.6) * g * g, 1e-6 * $20 + 1e-30); sum += g * g
                  decay = $2 ~ /(embeddings|query_key_value|dense|4h|to_h)[.]weight$/ ? 0.3 : 0
                  off($10, $5 - 0.01 * (g / ((g < 0 ? -g : g) + 0.01) + decay * $5), 2e-7 * ($5 < 0 ? -$5 : $5) + 2e-9) }
                END { if (clip != "inf" && norm > clip) norm = clip; off(sqrt(sum), norm, 1e-5 * norm); exit bad || NR < 5000 }'
    done
    awk -v norm="$(field gradient_norm <log.csv)" 'BEGIN { exit !(norm > 0.6) }' # so it was clipped, the first time
}

@test "lmtrain: KURE takes the kurtosis to its target, and it is kurt's figure" {
    tiny --steps=80 --log-every=80 --log=flat.csv --kure=1 --dtype=F32 -o flat
    near "$(field kurtosis_0 <flat.csv)" -1.2 0.05
    near "$(field kurtosis_1 <flat.csv)" -1.2 0.05
    want=$(modelcat flat | kurt --only='*.1.mlp.*.weight' | mlr --icsv --onidx stats1 -a mean -f kurtosis)
    near "$(field kurtosis_1 <flat.csv)" "$want" 1e-9
    tiny --steps=80 --log-every=80 --log=tails.csv --kure=1 --kure-target=4 --kure-only='role:mlp_*,layer:1'
    near "$(field kurtosis_1 <tails.csv)" 1 0.1
    awk -v k="$(field kurtosis_0 <tails.csv)" 'BEGIN { exit !(k < 0.5) }'
    run -2 tiny --log=x.csv --kure=1 --kure-only=role:no_such
}

@test "lmtrain: another model's weights are where --init begins; a learning rate of 0 leaves them" {
    tiny --dtype=F32 -o first
    lmtrain "${small[@]:0:2}" --init=first --context=16 --batch=8 --steps=2 --learning-rate=0 --dtype=F32 -o second text/eng.txt
    cmp <(modelcat first | kurt) <(modelcat second | kurt)
    cmp first/config.json second/config.json
    run -2 --separate-stderr tiny --init=first --log=x.csv
    [[ $stderr == "lmtrain: --layers does nothing beside --init or --config"* ]]
}

@test "lmtrain: --init with the --config of another model is refused: no weight is left as it happens to be" {
    begin=(lmtrain "${small[@]:0:2}" --context=16 --batch=8 --steps=1 --log=l.csv text/eng.txt)
    bloom=$(golden bloom-a)
    sed 's/"n_layer": *[0-9]*/"n_layer": 7/' "$bloom/config.json" >deep.json
    sed 's/"n_layer": *[0-9]*/"n_layer": 1/' "$bloom/config.json" >shallow.json
    "${begin[@]}" --init="$bloom" --config="$bloom/config.json"
    run -1 --separate-stderr "${begin[@]}" --init="$bloom" --config=deep.json
    [[ $stderr == "lmtrain: $bloom: has fewer weights than the model" ]]
    run -1 --separate-stderr "${begin[@]}" --init="$bloom" --config=shallow.json
    [[ $stderr == "lmtrain: $bloom: 'transformer.h.1."*"' does not fit the model that its weights are for" ]]
    run -1 --separate-stderr "${begin[@]}" --init="$(golden xglm-a)" --config=deep.json
    [[ $stderr == "lmtrain: "*"/xglm-a: its weights are xglm's, not bloom's" ]]
}

@test "lmtrain: the first weights have the spread asked for, the embedding its own" {
    tiny --steps=1 --learning-rate=0 --init-sd=0.03 --embed-sd=0.2 --dtype=F32 -o first
    modelcat first | kurt >spread.csv
    sd() { mlr --icsv --onidx filter '$name =~ "'"$1"'"' then cut -f sd spread.csv; }
    close "$(sd word_embeddings.weight)" 0.2 0.05
    close "$(sd h.1.mlp.dense_h_to_4h.weight)" 0.03 0.1
    close "$(sd h.1.mlp.dense_4h_to_h.weight)" 0.015 0.1    # 0.03 / sqrt(2 layers * 2)
    wrong_usage "--embed-sd does nothing beside --init" lmtrain -t x --init=first --embed-sd=1 -o y text/eng.txt
}

@test "lmtrain: token streams do as text does" {
    tok --tokenizer="$DATA/golden/tokenizer.json" text/eng.txt text/fra.txt >both.t
    tiny --checkpoint=text.safetensors
    lmtrain "${small[@]}" --steps=12 --warmup=3 --log-every=4 --learning-rate=0.01 --checkpoint=tok.safetensors both.t
    same_weights text.safetensors tok.safetensors
}

@test "lmtrain: the loss that runs away ends the run and leaves the checkpoint" {
    run -1 --separate-stderr tiny --steps=2000 --learning-rate=10 --clip=inf --floor=1 --checkpoint=c.safetensors \
        --checkpoint-every=1
    [[ $stderr == "lmtrain: step "*": diverged; the last checkpoint is from before" ]]
    weights c.safetensors >c.csv
    run ! grep -qi nan c.csv
}

@test "lmtrain: a language that is too short is named and left out" {
    echo short >text/fin.txt
    run -0 --separate-stderr lmtrain "${small[@]}" --steps=2 --log=log.csv text/*.txt
    [[ $stderr == "lmtrain: text/fin.txt: 'fin' is left out: its 7 tokens are less than a sequence of 16 and "* ]]
    run ! grep -q fin log.csv
    run -1 --separate-stderr lmtrain "${small[@]}" --steps=2 --log=log.csv text/fin.txt
    [[ ${stderr_lines[1]} == "lmtrain: there is no language to train on" ]]
}

@test "lmtrain: bad input is one message" {
    tiny --checkpoint=c.safetensors
    head -c -100 c.safetensors >cut.safetensors
    run -1 --separate-stderr tiny --checkpoint=cut.safetensors --resume
    [[ ${stderr_lines[0]} == "lmtrain: cut.safetensors: "* && ${#stderr_lines[@]} == 1 ]]
    cp "$(golden bloom-a)/model.safetensors" other.safetensors
    run -1 --separate-stderr tiny --checkpoint=other.safetensors --resume
    [[ $stderr == "lmtrain: other.safetensors: not a checkpoint of lmtrain" ]]
    printf 'a\xff\n' >text/bad.txt
    run -1 --separate-stderr lmtrain "${small[@]}" --log=l.csv text/bad.txt
    [[ $stderr == "lmtrain: text/bad.txt: line 1: "* ]]
    run -1 --separate-stderr lmtrain "${small[@]}" --log=l.csv text/eng.txt text/none.txt
    [[ $stderr == "lmtrain: text/none.txt: "* ]]
    run -2 --separate-stderr tiny --log=l.csv --override=$'position=\xff'
    [[ ${stderr_lines[0]} == "lmtrain: 'position="*"' is not UTF-8" ]]
    run -1 --separate-stderr tiny --separator='<none-such>' --log=l.csv
    [[ $stderr == "lmtrain: --separator: the tokenizer has no token '<none-such>'" ]]
    mkdir full && touch full/x
    run -1 --separate-stderr tiny -o full
    [[ $stderr == "lmtrain: full: cannot write: "* ]]
    run -1 tiny --log=/dev/full
    printf '%s\n' 7 290 291 | tensorcat --from=text --dtype=I32 --name=eng.ids --shape=3 >ids.t
    printf '%s\n' 0 3 | tensorcat --from=text --dtype=I32 --name=eng.offsets --shape=2 >offsets.t
    tensorcat -o beyond.safetensors ids.t offsets.t
    run -1 --separate-stderr tiny --log=l.csv --valid=beyond.safetensors
    [[ $stderr == "lmtrain: --valid: token 291 is none of the tokenizer's" ]]
    run -1 --separate-stderr lmtrain "${small[@]}" --log=l.csv beyond.safetensors
    [[ $stderr == "lmtrain: beyond.safetensors: 'eng' has tokens that are none of the tokenizer's" ]]
    run -1 --separate-stderr lmtrain "${small[@]:0:2}" --init="$(golden gpt2-a)" --context=100 --log=l.csv text/eng.txt
    echo "$stderr"
    [[ ${#stderr_lines[@]} == 1 && $stderr == "lmtrain: "*64* ]]
    : >text/empty.txt
    run -1 lmtrain "${small[@]}" --log=l.csv text/empty.txt
}

@test "lmtrain: wrong usage" {
    wrong_usage "no tokenizer is given (-t)" lmtrain text/eng.txt
    wrong_usage "nothing would be kept: give -o DIR, --checkpoint or --log" lmtrain -t x text/eng.txt
    wrong_usage "--checkpoint: 'run' does not end in .safetensors" lmtrain -t x --checkpoint=run text/eng.txt
    wrong_usage "--resume does nothing without --checkpoint" lmtrain -t x -o y --resume text/eng.txt
    wrong_usage "--kure-only: there is no role 'mlp_upp'" lmtrain -t x -o y --kure=1 --kure-only=role:mlp_upp text/eng.txt
    wrong_usage "--kure-target does nothing without --kure" lmtrain -t x -o y --kure-target=3 text/eng.txt
    keeps_contract lmtrain
}
