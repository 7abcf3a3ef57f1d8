# actdump: every site against the reference code's numbers, results against closed forms, then the contract.
load helper

setup() {
    helper_setup
    tokenizer=$DATA/golden/tokenizer.json
    printf '%s\n' 'All human beings are born free and equal in dignity and rights.' '' 'They are endowed with reason.' >eng.txt
    printf '%s\n' 'Alle Menschen sind frei und gleich an Würde und Rechten geboren.' 'x' >deu.txt
    everything=(--site embed,attn_in,attn_mix,attn_out,mlp_in,mlp_act,mlp_out,resid,final --first both
        --reduce none,absmean,absmax,moments,site_absmean,site_moments,gram)
}

# dump MODEL OPTION...: actdump of that golden model with its tokenizer, quietly
dump() {
    actdump -m "$(golden "$1")" -t "$tokenizer" "${@:2}" 2>err
}

# ids_of MODEL: its input_ids.json as a token stream of the language "xxx"
ids_of() {
    tr -d ' \n' <"$(golden "$1")/input_ids.json" | sed 's/\],\[/\n/g; s/[][]//g; s/$/\n/' >lists
    tr ',' '\n' <lists | tensorcat --from=text --name=xxx.ids --dtype=I32 >ids.t
    awk -F, 'BEGIN { print 0 } { print n += NF }' lists | tensorcat --from=text --name=xxx.offsets --dtype=I32 >offsets.t
    tensorcat ids.t offsets.t
}

# numbers STREAM: its tensors as name,row,col,value, without a header
numbers() { tensorcat --to=csv "$1" | tail -n +2 | cut -d, -f2-; }

# ---- values

@test "actdump: every neuron of every token is the reference code's within 1e-4" {
    for m in bloom xglm gpt2 opt gpt_neox llama qwen2; do
        ids_of $m-a | actdump -m "$(golden $m-a)" --reduce none --site embed,mlp_act,mlp_out,resid,final >got.t
        tensorcat --only '[0-9e]*.*,embed,final' got.t >sites.t
        # seq2.mlp_act.1 of row r is 1.mlp_act of row r + the tokens before sequence 2
        numbers "$(golden $m-a)/expected.safetensors" | awk -F, -v OFS=, -v bloom=$([[ $m != bloom ]]; echo $?) '
            BEGIN { start[0] = 0; start[1] = 1; start[2] = 8; start[3] = 41 }
            { split($1, part, "."); row = $2 + start[substr(part[1], 4)]; name = part[2] }
            name == "hidden" { print (part[3] ? part[3] - 1 ".resid" : "embed"), row, $3, $4 }
            name == "mlp_act" || (name == "mlp_out" && !bloom) { print part[3] "." name, row, $3, $4 }
            name == "final" { print name, row, $3, $4 }' >want.csv
        numbers sites.t | awk -F, -v bloom=$([[ $m != bloom ]]; echo $?) '
            { key = $1 "," $2 "," $3 }
            NR == FNR { want[key] = $4; n++; next }
            bloom && $1 ~ /mlp_out/ { next }
            { d = $4 - want[key]; m = want[key] < 0 ? -want[key] : want[key]; if (d < 0) d = -d
              if (!(key in want) || !(d <= 1e-4 * (m > 1 ? m : 1))) { print key, $4, want[key]; bad = 1 }; n-- }
            END { if (n) print n " numbers are missing"; exit bad || n }' want.csv - >wrong || { echo $m; head wrong; return 1; }
    done
}
