# sens: what it says of a part against ppl's run of that part alone; predictions against sums made elsewhere; what is
# resumed; then the contract.
load helper

setup() {
    helper_setup
    golden=$DATA/golden
    printf '%s\n' 'All human beings are born free and equal in dignity and rights.' '' 'They are endowed with reason.' >eng.txt
    printf '%s\n' 'Alle Menschen sind frei und gleich an Würde und Rechten geboren.' 'x' 'Sie sind mit Vernunft begabt.' >deu.txt
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

@test "sens: a layer's row is what ppl finds with that layer alone, to the last digit" {
    for m in bloom-a gpt2-a gpt_neox-a llama-a opt-a qwen2-a xglm-a; do
        sens_of $m --quant bits=3 --quant bits=4,per=group:16 eng.txt deu.txt >got.csv
        for quant in bits=3 bits=4,per=group:16; do
            for layer in 0 1 2; do
                ppl -m "$(golden $m)" -t "$golden/tokenizer.json" --quant $quant --only layer:$layer eng.txt deu.txt 2>/dev/null |
                    mlr --icsv --ocsv cut -o -f $measured >want.csv
                part $layer $quant <got.csv | cmp - want.csv
            done
            ppl -m "$(golden $m)" -t "$golden/tokenizer.json" --quant $quant eng.txt deu.txt 2>/dev/null |
                mlr --icsv --ocsv cut -o -f $measured >want.csv
            part all $quant <got.csv | cmp - want.csv
        done
    done
}

@test "sens: the contract of every program" { keeps_contract sens; }
