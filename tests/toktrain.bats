# toktrain: merges against Hugging Face's trainer and by hand, then the contract that every program keeps.
load helper
setup() {
    helper_setup
    CALIB="$BATS_TEST_DIRNAME/../pipelines/data/udhr/calib"
}

# merges < tokenizer.json: one a line
merges() { sed -n '/"merges": \[/,/^    \]/ { s/^      "\(.*\)",\{0,1\}$/\1/p }' | sed 's/\\\(["\\]\)/\1/g'; }

@test "toktrain: the merges of Hugging Face's trainer, on 70 languages" {
    toktrain --vocab-size=4260 --line-feeds -o got.json "$CALIB"/*.txt
    zcat "$DATA/toktrain/merges.gz" > want
    merges < got.json | diff - want
}

@test "toktrain: the contract" {
    keeps_contract toktrain
}
