# The models that are shipped: small enough, alike in what they should be alike in, and as their README says.
load helper
setup() {
    helper_setup
    ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
    M=$ROOT/pipelines/data/models
}

@test "shipped: two models under 30 MB, with one tokenizer, trained on the text that is recorded" {
    (( $(du -bc "$M"/*-style | tail -n 1 | cut -f1) < 30000000 ))
    cmp "$M"/{bloom,xglm}-style/tokenizer.json
    cmp "$M"/{bloom,xglm}-style/languages.csv
    mlr --icsv --onidx --ofs , cut -o -f stem,bytes "$ROOT/pipelines/data/text/languages.csv" | sort >recorded
    tail -n +2 "$M/bloom-style/languages.csv" | sort | diff recorded -
    for m in bloom xglm; do
        ! grep -aqE '/(tmp|home|root|work)/' "$M/$m-style/model.safetensors" || false
        [[ $(tail -n 1 "$M/$m-style/log.csv" | cut -d, -f1) == "$(sed -n 's/^STEPS *?= *//p' "$ROOT/pipelines/model.mk")" ]]
    done
}

@test "shipped: both models read what they were trained on, the one no better than its log says" {
    for m in bloom xglm; do
        head -n 3 "$ROOT/pipelines/data/udhr/eval/eng.txt" | ppl -m "$M/$m-style" --lang eng --start '</s>' --context 256 >got
        # the Declaration is other text than manuals: worse than held-out text, far better than guessing (9.01 nats a token)
        awk -v nll="$(field nll <got)" -v valid="$(mlr --icsv --onidx tail -n 1 then cut -f nll_eng "$M/$m-style/log.csv")" \
            'BEGIN { exit !(nll > valid && nll < 7) }'
    done
}

@test "shipped: their README has the numbers of honest.csv and of the logs" {
    mlr --icsv --onidx --ofs '|' --ofmt %.2f cut -o -f lang,bloom,xglm,gzip,ppmd_trained "$M/honest.csv" | sort >want
    sed -n 's/^| \([a-z_0-9]*\) | [0-9,]* | \([0-9.]*\) | \([0-9.]*\) | \([0-9.]*\) | \([0-9.]*\) |$/\1|\2|\3|\4|\5/p' "$M/README.md" | sort >said
    diff want said
    [[ $(wc -l <said) == 14 ]]
    for m in bloom xglm; do
        loss=$(mlr --icsv --onidx --ofmt %.2f tail -n 1 then cut -f valid_loss "$M/$m-style/log.csv")
        grep -qF "| $m | $loss |" "$M/README.md"
    done
}
