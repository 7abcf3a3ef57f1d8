# tokstat: counts against hand counts, then the contract that every program keeps.
load helper
setup() {
    helper_setup
    BLOOM="$BATS_TEST_DIRNAME/../pipelines/data/tokenizers/bloom-style/tokenizer.json.gz"
    printf 'Furthermore, no distinction shall be mad\n\nmad\n' > eng.txt
    printf 'Tout individu\n\nfou\n' > fra.txt
}

@test "tokstat: keeps the contract" {
    keeps_contract tokstat
}
